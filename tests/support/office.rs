//! A mutual's office below the API: commands given straight to the services through the command frame, as the handlers
//! give them, and everything that the mutual's rows say, read by the owner.
use super::database::TestDb;
use ayni::access::picture::Pictures;
use ayni::access::scopes::{MutualScope, SystemScope};
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::{Done, Order, command};
use ayni::audit::model::{Asker, AuditRow, ChangeRow, CommandRow, MarkRow, Purpose};
use ayni::contributions::model::*;
use ayni::contributions::service::{self as contributions, Locked, NewPayment, Taker};
use ayni::contributions::store::list_desks;
use ayni::db::schema::{self, product_versions, series};
use ayni::db::{Conn, Wall, Write};
use ayni::enrolments::membership::NewStep;
use ayni::enrolments::model::{Enrolment, Span};
use ayni::enrolments::service::{self as enrolments, Application};
use ayni::error::{Code, Problem, Result};
use ayni::households::model::{BirthPrecision, Household, Member, Membership, Relationship, Sex};
use ayni::households::service::{self as households, NewHousehold, NewMember};
use ayni::households::store as household_store;
use ayni::ids::*;
use ayni::ledger::model::{Account, Transfer};
use ayni::organisations::rules::NewOrganisation;
use ayni::products::rules::Product;
use ayni::products::service as products;
use chrono::{NaiveDate, NaiveTime};
use diesel::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every table, so that a test can say that nothing changed anywhere.
pub const TABLES: &[&str] = &[
    "organisations",
    "organisation_links",
    "areas",
    "commands",
    "audit_rows",
    "audit_values",
    "fact_marks",
    "changes_pending",
    "series",
    "users",
    "one_time_codes",
    "sessions",
    "refresh_tokens",
    "grants",
    "access_state",
    "products",
    "product_versions",
    "households",
    "members",
    "memberships",
    "enrolments",
    "cover_spans",
    "dues",
    "cash_desks",
    "receipts",
    "payments",
    "reversals",
    "allocations",
    "accounts",
    "transfers",
    "due_cancellations",
    "refunds",
    "refund_parts",
    "cash_sessions",
    "approvals",
    "movements",
    "remittances",
];

/// A date of the tests.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One mutual and what is needed to give it orders.
pub struct Office {
    pub test: TestDb,
    pub mutual: OrganisationId,
    pub desk: CashDeskId,
    pub pictures: Pictures,
}

impl Office {
    pub fn new() -> Office {
        let test = TestDb::new();
        let order = terminal_order(&test.db, "test");
        let new = NewOrganisation {
            code: "KAY".into(),
            name: "Kayanza".into(),
            kind: ayni::access::permissions::OrganisationKind::Mutual,
            country: Some("BI".into()),
            currency: Some("BIF".into()),
            timezone: Some("Africa/Bujumbura".into()),
            card_prefix: None,
        };
        command(&test.db, &HOOKS, &order, |w| {
            ayni::organisations::service::add(w, &HOOKS, &order, &new, OrganisationId::NIL)
        })
        .unwrap();
        let mutual: OrganisationId = Key::new(order.id.uuid());
        let desk =
            test.db.read(Wall::from(mutual), |r| ayni::error::Result::Ok(list_desks(r, Key::new(mutual.uuid()))?));
        let desk = desk.unwrap()[0].id;
        let pictures = Pictures::load(&test.db).unwrap();
        Office { test, mutual, desk, pictures }
    }

    /// The whole mutual, today.
    pub fn scope(&self) -> MutualScope {
        // A machine with much else to do may not have come to look at it in time.
        let renewed = |_| self.pictures.reload().and_then(|()| self.pictures.current());
        let picture = self.pictures.current().or_else(renewed).unwrap();
        SystemScope::of_the_terminal().mutual(&picture, self.test.db.clock(), self.mutual).unwrap()
    }

    /// The business date.
    pub fn today(&self) -> NaiveDate {
        self.scope().today()
    }

    /// Moves the clock to noon of a day.
    pub fn set_day(&self, on: NaiveDate) {
        self.test.clock.set(on.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()).and_utc());
    }

    /// A fresh order.
    pub fn order(&self, route: &str) -> Order {
        self.order_with(self.test.db.ids().next(), route)
    }

    /// An order with an id, as a client that repeats itself sends it.
    pub fn order_with(&self, id: CommandId, route: &str) -> Order {
        Order {
            id,
            wall: Wall::from(self.mutual),
            route: route.into(),
            hash: [7; 32],
            asker: Asker { user: None, purpose: Purpose::Support, request: id.uuid() },
            today: self.today(),
            by_header: false,
        }
    }

    /// Gives an order.
    pub fn give<T>(&self, order: &Order, body: impl FnMut(&mut Write) -> Result<T>) -> Result<Done<T>> {
        command(&self.test.db, &HOOKS, order, body)
    }

    /// A published product, valid always; gives its id and that of its version.
    pub fn product(&self, code: &str, parameters: Value) -> (ProductId, ProductVersionId) {
        let parameters: Product = serde_json::from_value(parameters).unwrap();
        let order = terminal_order(&self.test.db, "test");
        let new = products::NewProduct {
            owner: self.mutual,
            code: code.into(),
            name: code.into(),
            parameters,
            valid_from: None,
            valid_to: None,
        };
        command(&self.test.db, &HOOKS, &order, |w| {
            let id = products::add(w, &order, &new)?;
            products::publish(w, id, 1, Some("\"v1\""))
        })
        .unwrap();
        let product: ProductId = Key::new(order.id.uuid());
        let version =
            product_versions::table.filter(product_versions::product_id.eq(product)).select(product_versions::id);
        (product, version.first(&mut self.test.owner()).unwrap())
    }

    pub fn register(&self, order: &Order, new: &NewHousehold) -> Result<Done<HouseholdId>> {
        let scope = self.scope();
        self.give(order, |w| households::register(w, &scope, order, new).map(|_| Key::new(order.id.uuid())))
    }

    pub fn add_member(
        &self,
        order: &Order,
        household: HouseholdId,
        on: NaiveDate,
        new: &NewMember,
    ) -> Result<Done<MemberId>> {
        let scope = self.scope();
        self.give(order, |w| ayni::households::events::arrive(w, &HOOKS, &scope, order, household, on, new))
    }

    /// Records an event.
    pub fn tell(
        &self,
        order: &Order,
        household: HouseholdId,
        event: &ayni::households::events::NewEvent,
    ) -> Result<Done<EventId>> {
        let scope = self.scope();
        self.give(order, |w| ayni::households::events::record(w, &HOOKS, &scope, order, household, event))
    }

    /// Takes an event back.
    pub fn take_back(&self, order: &Order, event: EventId) -> Result<Done<EventId>> {
        let scope = self.scope();
        self.give(order, |w| ayni::households::events::reverse(w, &HOOKS, &scope, order, event, "mistaken"))
    }

    /// Applies for a household.
    pub fn apply(&self, order: &Order, asked: &Application) -> Result<Done<EnrolmentId>> {
        let scope = self.scope();
        self.give(order, |w| enrolments::apply(w, &scope, order, &[self.mutual], asked))
    }

    pub fn admit(&self, order: &Order, id: EnrolmentId, on: NaiveDate) -> Result<Done<()>> {
        let scope = self.scope();
        self.give(order, |w| enrolments::admit(w, &scope, order, id, Some("\"v1\""), on))
    }

    /// A step that ends an enrolment, or leads to its end.
    pub fn close(
        &self,
        order: &Order,
        id: EnrolmentId,
        version: i64,
        step: &NewStep,
        close: impl Fn(&mut Write, &MutualScope, &Order, EnrolmentId, Option<&str>, &NewStep) -> Result<()>,
    ) -> Result<Done<()>> {
        let scope = self.scope();
        let tag = format!("\"v{version}\"");
        self.give(order, |w| close(w, &scope, order, id, Some(&tag), step))
    }

    pub fn reject(&self, order: &Order, id: EnrolmentId) -> Result<Done<()>> {
        let scope = self.scope();
        self.give(order, |w| enrolments::reject(w, &scope, order, id, Some("\"v1\""), "no file"))
    }

    /// As `POST /payments` does it.
    pub fn pay(&self, order: &Order, household: HouseholdId, new: &NewPayment) -> Result<Done<PaymentId>> {
        let scope = self.scope();
        self.give(order, |w| {
            let revision = household_store::lock(w, scope.mutual(), household)?
                .ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
            let row =
                household_store::find(w, &scope, household)?.ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
            let locked = Locked {
                mutual: scope.mutual(),
                household,
                revision,
                currency: scope.currency(),
                today: scope.today(),
                command: order.id,
            };
            let id = contributions::pay(w, order, &locked, Key::new(order.id.uuid()), new)?;
            w.changed("payment", id.uuid(), row.section_id, row.section_id);
            w.touch(household);
            Ok(id)
        })
    }

    /// A payment in cash at the desk.
    pub fn cash(&self, amount_minor: i64, received_on: NaiveDate) -> NewPayment {
        NewPayment {
            amount_minor,
            method: Method::Cash,
            received_on,
            reference: None,
            taker: Taker::Desk(self.desk),
            label: None,
            source: None,
            was_unallocated: false,
        }
    }

    /// An order given by somebody.
    pub fn order_of(&self, user: u128, route: &str) -> Order {
        let mut order = self.order(route);
        order.asker.user = Some(Key::new(uuid::Uuid::from_u128(user)));
        order
    }

    /// Asks for what needs a second person, as the first.
    pub fn ask(
        &self,
        mut ask: impl FnMut(&mut Write, &MutualScope, &Order) -> Result<()>,
    ) -> Result<ayni::ids::ApprovalId> {
        let (scope, order) = (self.scope(), self.order_of(1, "ask"));
        self.give(&order, |w| ask(w, &scope, &order))?;
        Ok(Key::new(order.id.uuid()))
    }

    /// Approves it, as the second.
    pub fn approve(&self, order: &Order, id: ayni::ids::ApprovalId) -> Result<Done<()>> {
        let scope = self.scope();
        self.give(order, |w| ayni::access::approvals::decide(w, &HOOKS, &scope, order, id, Some("\"v1\""), None))
    }

    /// Everything that the rows say.
    pub fn snapshot(&self, conn: &mut Conn) -> Snapshot {
        Snapshot::load(conn, Key::new(self.mutual.uuid()))
    }
}

/// A person.
pub fn person(relationship: Relationship, birth_date: NaiveDate) -> NewMember {
    NewMember {
        id: None,
        relationship,
        family_name: "Ndayizeye".into(),
        given_name: "Aline".into(),
        sex: Sex::Female,
        birth_date: Some(birth_date),
        birth_precision: BirthPrecision::Day,
        national_id: None,
        phone: None,
        occupation: None,
        legacy_number: None,
        card_number: None,
    }
}

/// A household of so many persons: a principal and children.
pub fn household(class: &str, registered_on: NaiveDate, size: usize) -> NewHousehold {
    let mut members = vec![person(Relationship::Principal, day("1980-05-02"))];
    members.extend((1..size).map(|_| person(Relationship::Child, day("2015-01-20"))));
    NewHousehold { number: None, section: None, area: None, class: class.into(), phone: None, registered_on, members }
}

/// An application for twelve months.
pub fn application(
    household: HouseholdId,
    product: ProductId,
    starts_on: NaiveDate,
    applied_on: NaiveDate,
) -> Application {
    Application {
        number: None,
        household,
        product,
        starts_on,
        ends_on: None,
        applied_on,
        waiting_from: None,
        agreed: false,
    }
}

/// All rows of a mutual's register and money, and the number of rows of every table.
#[derive(Debug)]
pub struct Snapshot {
    pub commands: Vec<CommandRow>,
    pub audit: Vec<AuditRow>,
    pub marks: Vec<MarkRow>,
    pub changes: Vec<ChangeRow>,
    /// Kind, label, last number; by series.
    pub series: BTreeMap<SeriesId, (String, String, i64)>,
    pub households: Vec<Household>,
    pub members: Vec<Member>,
    pub memberships: Vec<Membership>,
    pub enrolments: Vec<Enrolment>,
    pub spans: Vec<Span>,
    pub dues: Vec<Due>,
    pub cancellations: Vec<DueCancellation>,
    pub payments: Vec<Payment>,
    pub receipts: Vec<Receipt>,
    pub allocations: Vec<Allocation>,
    pub reversals: Vec<Reversal>,
    pub refunds: Vec<Refund>,
    pub refund_parts: Vec<RefundPart>,
    pub sessions: Vec<CashSession>,
    pub accounts: Vec<Account>,
    pub transfers: Vec<Transfer>,
    /// The number of rows of every table.
    pub counts: String,
}

macro_rules! all {
    ($conn:expr, $table:ident, $row:ty, $mutual:expr) => {
        schema::$table::table
            .filter(schema::$table::mutual_id.eq($mutual))
            .order(schema::$table::id)
            .select(<$row>::as_select())
            .load($conn)
            .unwrap()
    };
}

impl Snapshot {
    fn load(conn: &mut Conn, mutual: MutualId) -> Snapshot {
        let series: Vec<(SeriesId, String, String, i64)> = series::table
            .filter(series::mutual_id.eq(mutual))
            .select((series::id, series::kind, series::label, series::last_number))
            .load(conn)
            .unwrap();
        let counts: Vec<String> =
            TABLES.iter().map(|table| format!("'{table}=' || (SELECT count(*) FROM {table})")).collect();
        let counts: String = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(&counts.join(" || ' ' || ")))
            .get_result(conn)
            .unwrap();
        Snapshot {
            commands: all!(conn, commands, CommandRow, mutual),
            audit: all!(conn, audit_rows, AuditRow, mutual),
            marks: all!(conn, fact_marks, MarkRow, mutual),
            changes: all!(conn, changes_pending, ChangeRow, mutual),
            series: series.into_iter().map(|(id, kind, label, last)| (id, (kind, label, last))).collect(),
            households: all!(conn, households, Household, mutual),
            members: all!(conn, members, Member, mutual),
            memberships: all!(conn, memberships, Membership, mutual),
            enrolments: all!(conn, enrolments, Enrolment, mutual),
            spans: all!(conn, cover_spans, Span, mutual),
            dues: all!(conn, dues, Due, mutual),
            cancellations: all!(conn, due_cancellations, DueCancellation, mutual),
            payments: all!(conn, payments, Payment, mutual),
            receipts: all!(conn, receipts, Receipt, mutual),
            allocations: all!(conn, allocations, Allocation, mutual),
            reversals: all!(conn, reversals, Reversal, mutual),
            refunds: all!(conn, refunds, Refund, mutual),
            refund_parts: all!(conn, refund_parts, RefundPart, mutual),
            sessions: all!(conn, cash_sessions, CashSession, mutual),
            accounts: all!(conn, accounts, Account, mutual),
            transfers: all!(conn, transfers, Transfer, mutual),
            counts,
        }
    }

    /// The household's own dues, without those that were cancelled.
    pub fn own_dues(&self, household: HouseholdId) -> impl Iterator<Item = &Due> {
        let of =
            move |due: &&Due| due.household_id == household && due.payer == "HOUSEHOLD" && self.for_cover(due).0 > 0;
        self.dues.iter().filter(of)
    }

    fn relief(&self, due: &Due, kind: CancellationKind) -> impl Iterator<Item = &DueCancellation> {
        let id = due.id;
        self.cancellations.iter().filter(move |row| row.due_id == id && row.kind == kind)
    }

    /// What a due asks for as cover knows it, and what was waived of it on which days.
    pub fn for_cover(&self, due: &Due) -> (i64, Vec<(NaiveDate, i64)>) {
        let cancelled: i64 = self.relief(due, CancellationKind::Cancelled).map(|row| row.amount_minor).sum();
        let waived = self.relief(due, CancellationKind::Waived).map(|row| (row.cancelled_on, row.amount_minor));
        (due.amount_minor - cancelled, waived.collect())
    }

    /// What is open of a due.
    pub fn open(&self, due: &Due) -> i64 {
        let relief: i64 =
            self.cancellations.iter().filter(|row| row.due_id == due.id).map(|row| row.amount_minor).sum();
        due.amount_minor - relief - self.paid(due.id)
    }

    /// What is paid of a due.
    pub fn paid(&self, due: DueId) -> i64 {
        self.allocations.iter().filter(|part| part.due_id == due).map(|part| part.amount_minor).sum()
    }

    /// Whether a payment was reversed.
    pub fn is_reversed(&self, payment: PaymentId) -> bool {
        self.reversals.iter().any(|row| row.payment_id == payment)
    }

    /// What no due has taken of a payment and what was not given back.
    pub fn credit(&self, payment: &Payment) -> i64 {
        if self.is_reversed(payment.id) {
            return 0;
        }
        let taken: i64 =
            self.allocations.iter().filter(|part| part.payment_id == payment.id).map(|part| part.amount_minor).sum();
        let back: i64 =
            self.refund_parts.iter().filter(|part| part.payment_id == payment.id).map(|part| part.amount_minor).sum();
        payment.amount_minor - taken - back
    }

    /// Debits less credits on an account.
    pub fn balance(&self, code: &str) -> i64 {
        let Some(account) = self.accounts.iter().find(|account| account.code == code) else { return 0 };
        let sum = |of: fn(&Transfer) -> AccountId| -> i64 {
            self.transfers.iter().filter(|row| of(row) == account.id).map(|row| row.amount_minor).sum()
        };
        sum(|row| row.debit_account_id) - sum(|row| row.credit_account_id)
    }

    /// What must hold of the money after any history.
    #[track_caller]
    pub fn money_holds(&self) {
        for due in &self.dues {
            let paid = self.paid(due.id);
            assert!(self.open(due) >= 0 && paid >= 0, "{paid} paid of {due:?}");
            assert!(due.payer == "HOUSEHOLD" || paid == 0, "a household paid what another owes: {due:?}");
            assert!(due.amount_minor > 0, "a due of nothing: {due:?}");
        }
        for payment in &self.payments {
            assert!(self.credit(payment) >= 0, "more is allocated than was paid: {payment:?}");
            let parts = |reversed: bool| -> Vec<(DueId, i64)> {
                let of = |part: &&Allocation| part.payment_id == payment.id && part.reversal_id.is_some() == reversed;
                let mut parts: Vec<_> = self.allocations.iter().filter(of).collect();
                parts.sort_by_key(|part| (part.revision, part.ordinal));
                parts.iter().map(|part| (part.due_id, part.amount_minor)).collect()
            };
            // R10: each allocation once more, negative, in the same order; else none.
            let mirrored: Vec<_> = parts(false).into_iter().map(|(due, amount)| (due, -amount)).collect();
            let expected = if self.is_reversed(payment.id) { mirrored } else { Vec::new() };
            assert_eq!(parts(true), expected);
        }
        for part in &self.allocations {
            let payment = self.payments.iter().find(|payment| payment.id == part.payment_id).unwrap();
            assert_eq!(part.household_id, payment.household_id);
            let reversal = self.reversals.iter().find(|row| Some(row.id) == part.reversal_id);
            assert_eq!(part.counts_on, reversal.map_or(payment.received_on, |row| row.reversed_on));
        }
        for household in &self.households {
            let credit: i64 = self
                .payments
                .iter()
                .filter(|payment| payment.household_id == household.id)
                .map(|payment| self.credit(payment))
                .sum();
            let open: i64 = self.own_dues(household.id).map(|due| self.open(due)).sum();
            assert!(credit == 0 || open == 0, "credit {credit} beside an open due of {open}");
        }
        // The books say the same.
        let of = |wanted: &dyn Fn(&Payment) -> bool| -> i64 {
            let standing = |row: &&Payment| wanted(row) && !self.is_reversed(row.id);
            self.payments.iter().filter(standing).map(|row| row.amount_minor).sum()
        };
        let back = |method: Method| -> i64 {
            self.refunds.iter().filter(|row| row.method == method).map(|row| row.amount_minor).sum()
        };
        let cash = of(&|row| row.method == Method::Cash && row.collector_id.is_none());
        assert_eq!(self.balance("cash"), cash - back(Method::Cash));
        let bank = of(&|row| matches!(row.method, Method::Bank | Method::Payroll));
        assert_eq!(self.balance("bank"), bank - back(Method::Bank));
        assert_eq!(self.balance("mobile"), of(&|row| row.method == Method::Mobile) - back(Method::Mobile));
        let float: i64 = self
            .accounts
            .iter()
            .filter(|account| account.code.starts_with("float:"))
            .map(|account| self.balance(&account.code))
            .sum();
        assert_eq!(float, of(&|row| row.method == Method::Cash && row.collector_id.is_some()));
        let credit: i64 = self.payments.iter().map(|payment| self.credit(payment)).sum();
        assert_eq!(-self.balance("household_credits"), credit);
        let paid: i64 = self.dues.iter().map(|due| self.paid(due.id)).sum();
        let income = ["contributions", "fees", "other_income"].map(|code| self.balance(code));
        assert_eq!(-income.iter().sum::<i64>(), paid);
        let fees: i64 =
            self.dues.iter().filter(|due| due.kind == DueKind::Registration).map(|due| self.paid(due.id)).sum();
        assert_eq!(-self.balance("fees"), fees);
        // Whatever went through a desk stands in one of its sessions.
        let cash = self.accounts.iter().find(|account| account.code == "cash").unwrap().id;
        for row in &self.transfers {
            let through = row.debit_account_id == cash || row.credit_account_id == cash;
            assert_eq!(row.cash_session_id.is_some(), through, "{row:?}");
        }
    }

    /// What a household's statement says it paid is what the transfers of its payments brought in, whatever the day.
    #[track_caller]
    pub fn statements_hold(&self, on: NaiveDate) {
        use ayni::contributions::position::Position;
        use ayni::contributions::statement::{LineKind, statement};
        let holding = |id: AccountId| {
            let account = self.accounts.iter().find(|account| account.id == id).unwrap();
            account.code == "cash" || account.code == "bank" || account.code == "mobile" || account.code.contains(':')
        };
        for household in &self.households {
            let id = household.id;
            macro_rules! own {
                ($rows:ident) => {
                    self.$rows.iter().filter(|row| row.household_id == id).cloned().collect()
                };
            }
            let mut money = Position {
                dues: own!(dues),
                cancellations: own!(cancellations),
                payments: own!(payments),
                allocations: own!(allocations),
                reversals: own!(reversals),
                refunded: own!(refund_parts),
            };
            money.allocations.sort_by_key(|part| (part.revision, part.ordinal));
            let refunds: Vec<Refund> = own!(refunds);
            let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
            let found = statement(&money, &refunds, first, on);
            assert_eq!(found.opening, 0);
            assert_eq!(found.closing, found.open - found.advance - found.credit, "{found:#?}");
            assert!(found.open >= 0 && found.advance >= 0 && found.credit >= 0, "{found:#?}");
            let paid: i64 = found
                .lines
                .iter()
                .filter(|line| matches!(line.kind, LineKind::Payment | LineKind::Reversal | LineKind::Refund))
                .map(|line| -line.amount)
                .sum();
            let ids: Vec<PaymentId> = money.payments.iter().map(|payment| payment.id).collect();
            let ledger: i64 = self
                .transfers
                .iter()
                .filter(|row| row.payment_id.is_some_and(|id| ids.contains(&id)) && row.value_on <= on)
                .map(|row| {
                    let (debit, credit) = (holding(row.debit_account_id), holding(row.credit_account_id));
                    (i64::from(debit) - i64::from(credit)) * row.amount_minor
                })
                .sum();
            assert_eq!(paid, ledger, "household {id} on {on}");
            // Two statements that follow one another are one.
            let middle = ayni::dates::add_days(on, -40).unwrap();
            let (one, two) = (statement(&money, &refunds, first, middle), {
                statement(&money, &refunds, ayni::dates::add_days(middle, 1).unwrap(), on)
            });
            assert_eq!((one.closing, two.closing), (two.opening, found.closing));
        }
    }

    /// Each series of receipts runs from 1 without a gap, and every payment has a receipt of its own.
    #[track_caller]
    pub fn receipts_hold(&self) {
        for (id, (kind, label, last)) in &self.series {
            if kind != "receipt" {
                continue;
            }
            let mut numbers: Vec<i64> =
                self.receipts.iter().filter(|row| row.series_id == Some(*id)).filter_map(|row| row.number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=*last).collect::<Vec<_>>(), "series {label}");
        }
        let mut used: Vec<ReceiptId> = self.payments.iter().map(|payment| payment.receipt_id).collect();
        used.extend(self.reversals.iter().map(|row| row.receipt_id));
        used.extend(self.refunds.iter().map(|row| row.receipt_id));
        assert_eq!(self.receipts.len(), used.len());
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), self.receipts.len());
    }

    /// The rows of the frame that a command must have left, against the state before it.
    #[track_caller]
    pub fn frame_holds(&self, before: &Snapshot, command: CommandId, today: NaiveDate, earliest: NaiveDate) {
        use chrono::Datelike;
        assert_eq!(self.commands.len(), before.commands.len() + 1);
        assert_eq!(self.commands.iter().filter(|row| row.id == command).count(), 1);
        assert_eq!(self.audit.len(), before.audit.len() + 1);
        let rows: Vec<&AuditRow> = self.audit.iter().filter(|row| row.command_id == Some(command)).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].kind.code(), "write");
        assert!(self.changes.len() > before.changes.len(), "no pending change");
        let mut months: Vec<NaiveDate> =
            self.marks.iter().filter(|mark| mark.command_id == command).map(|mark| mark.month).collect();
        months.sort_unstable();
        assert_eq!(self.marks.len(), before.marks.len() + months.len());
        let number = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
        assert!(!months.is_empty(), "no mark");
        assert_eq!(*months.last().unwrap(), today.with_day(1).unwrap());
        assert!(months.windows(2).all(|two| number(two[0]) + 1 == number(two[1])), "{months:?}");
        assert!(months[0] <= earliest, "marked from {} but {earliest} changed", months[0]);
        assert!(months[0] >= day("2025-12-01"), "marked from {} though nothing was there", months[0]);
    }
}
