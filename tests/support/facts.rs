//! A mutual's month counted anew from the rows, one row at a time, by nothing that the program uses.
use ayni::access::scopes::{FigureScope, MutualScope};
use ayni::app::HOOKS;
use ayni::audit::frame::{Execution, Order, command};
use ayni::audit::model::{Asker, Purpose};
use ayni::claims::model::{Claim, ClaimState, FormerDecision, Outcome, SettlementState};
use ayni::contributions::model::*;
use ayni::dates::{add_days, days_between, month_of};
use ayni::db::schema::*;
use ayni::db::{Conn, Wall};
use ayni::enrolments::model::{Enrolment, EnrolmentState, Span, SpanReason, SpanState};
use ayni::error::{Code, Error};
use ayni::households::model::{Member, Membership, Relationship, Residence, Sex};
use ayni::ids::*;
use ayni::ledger::model::{Account, AccountKind, Transfer};
use ayni::reports::facts::service::{self, AsOf, each_month};
use ayni::reports::facts::{AgeBands, compute};
use ayni::reports::measures::{Dimension, Measure, Sheet};
use ayni::reports::periods::service::{self as periods, OpenItem};
use ayni::reports::releases::service::{self as releases, closes_from};
use ayni::reports::releases::store;
use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

macro_rules! all {
    ($conn:expr, $table:ident, $row:ty, $mutual:expr) => {{
        let rows: Vec<$row> = $table::table
            .filter($table::mutual_id.eq($mutual))
            .order($table::id)
            .select(<$row>::as_select())
            .load($conn)
            .unwrap();
        rows
    }};
}

/// Of a line: billed, and what the mutual, the member and the facility bear.
type Borne = (i64, i64, i64, i64);

/// Everything of which figures are made.
pub struct Rows {
    spans: Vec<Span>,
    members: HashMap<MemberId, Member>,
    stays: Vec<Membership>,
    lived: Vec<Residence>,
    enrolments: Vec<Enrolment>,
    waiting: HashMap<ProductVersionId, i64>,
    dues: Vec<Due>,
    relief: Vec<DueCancellation>,
    payments: Vec<Payment>,
    reversals: Vec<Reversal>,
    taken: Vec<Allocation>,
    subsidies: Vec<(SubsidyBatchId, i64, NaiveDate)>,
    subsidised: Vec<(SubsidyBatchId, DueId, i64, i64)>,
    accounts: Vec<Account>,
    transfers: Vec<Transfer>,
    claims: Vec<Claim>,
    former: Vec<FormerDecision>,
    voids: Vec<(ClaimId, NaiveDate)>,
    lines: Vec<(ClaimId, String, Borne)>,
    paid: Vec<(i64, NaiveDate)>,
    settlements: Vec<(SettlementId, SettlementState, NaiveDate, i64, Option<NaiveDate>)>,
    items: Vec<(SettlementId, ClaimId, i64)>,
}

impl Rows {
    pub fn load(conn: &mut Conn, mutual: MutualId) -> Rows {
        let versions: Vec<(ProductVersionId, String)> =
            product_versions::table.select((product_versions::id, product_versions::parameters)).load(conn).unwrap();
        let waiting = versions.into_iter().map(|(id, text)| {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let benefits = json["benefits"].as_object().cloned().unwrap_or_default();
            (id, benefits.values().filter_map(|benefit| benefit["waiting_months"].as_i64()).max().unwrap_or(0))
        });
        Rows {
            waiting: waiting.collect(),
            spans: all!(conn, cover_spans, Span, mutual),
            members: all!(conn, members, Member, mutual).into_iter().map(|row| (row.id, row)).collect(),
            stays: all!(conn, memberships, Membership, mutual),
            lived: all!(conn, residences, Residence, mutual),
            enrolments: all!(conn, enrolments, Enrolment, mutual),
            dues: all!(conn, dues, Due, mutual),
            relief: all!(conn, due_cancellations, DueCancellation, mutual),
            payments: all!(conn, payments, Payment, mutual),
            reversals: all!(conn, reversals, Reversal, mutual),
            taken: all!(conn, allocations, Allocation, mutual),
            subsidies: subsidy_payments::table
                .filter(subsidy_payments::mutual_id.eq(mutual))
                .select((subsidy_payments::batch_id, subsidy_payments::amount_minor, subsidy_payments::received_on))
                .load(conn)
                .unwrap(),
            subsidised: subsidy_items::table
                .filter(subsidy_items::mutual_id.eq(mutual))
                .select((
                    subsidy_items::batch_id,
                    subsidy_items::due_id,
                    subsidy_items::before_minor,
                    subsidy_items::amount_minor,
                ))
                .load(conn)
                .unwrap(),
            accounts: all!(conn, accounts, Account, mutual),
            transfers: all!(conn, transfers, Transfer, mutual),
            claims: all!(conn, claims, Claim, mutual),
            former: all!(conn, claim_decisions, FormerDecision, mutual),
            voids: claim_voids::table
                .filter(claim_voids::mutual_id.eq(mutual))
                .select((claim_voids::claim_id, claim_voids::voided_on))
                .load(conn)
                .unwrap(),
            lines: claim_lines::table
                .filter(claim_lines::mutual_id.eq(mutual))
                .select((
                    claim_lines::claim_id,
                    claim_lines::category,
                    (
                        diesel::dsl::sql::<diesel::sql_types::BigInt>("quantity * unit_price_minor"),
                        diesel::dsl::sql::<diesel::sql_types::BigInt>("COALESCE(mutual_minor, 0)"),
                        diesel::dsl::sql::<diesel::sql_types::BigInt>("COALESCE(member_minor, 0)"),
                        diesel::dsl::sql::<diesel::sql_types::BigInt>("COALESCE(provider_writeoff_minor, 0)"),
                    ),
                ))
                .load(conn)
                .unwrap(),
            paid: settlement_payments::table
                .filter(settlement_payments::mutual_id.eq(mutual))
                .select((settlement_payments::amount_minor, settlement_payments::paid_on))
                .load(conn)
                .unwrap(),
            settlements: settlements::table
                .filter(settlements::mutual_id.eq(mutual))
                .select((
                    settlements::id,
                    settlements::state,
                    settlements::approved_on,
                    settlements::advance_offset_minor,
                    settlements::paid_on,
                ))
                .load(conn)
                .unwrap(),
            items: settlement_items::table
                .filter(settlement_items::mutual_id.eq(mutual))
                .select((settlement_items::settlement_id, settlement_items::claim_id, settlement_items::amount_minor))
                .load(conn)
                .unwrap(),
        }
    }

    /// The month, up to a day.
    pub fn sheet(&self, month: NaiveDate, today: NaiveDate, bands: &[(i64, &str)]) -> Sheet {
        let whole = month_of(month).unwrap();
        let mut counted = Counted {
            rows: self,
            from: whole.from,
            to: whole.to,
            on: whole.to.min(today),
            bands,
            sheet: Sheet::default(),
        };
        counted.register();
        counted.moves();
        counted.money();
        counted.books();
        counted.care();
        counted.sheet
    }
}

struct Counted<'a> {
    rows: &'a Rows,
    from: NaiveDate,
    to: NaiveDate,
    on: NaiveDate,
    bands: &'a [(i64, &'a str)],
    sheet: Sheet,
}

impl Counted<'_> {
    fn add(&mut self, measure: Measure, amount: i64) {
        let now = self.sheet.totals.get(measure);
        self.sheet.totals.set(measure, now + amount);
    }

    fn in_month(&self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }

    fn state(&self, member: MemberId, day: NaiveDate) -> Option<&Span> {
        self.rows
            .spans
            .iter()
            .find(|span| span.member_id == member && span.from_on <= day && span.to_on.is_none_or(|to| to >= day))
    }

    fn band(&self, member: MemberId) -> String {
        let member = &self.rows.members[&member];
        let age = member.birth_date.map(|born| {
            let mut age = i64::from(self.on.year() - born.year());
            let birthday = born
                .with_year(self.on.year())
                .unwrap_or_else(|| NaiveDate::from_ymd_opt(self.on.year(), 2, 28).unwrap());
            if birthday > self.on {
                age -= 1;
            }
            age.max(0)
        });
        let name = age.map_or("unknown", |age| self.bands.iter().rfind(|(from, _)| *from <= age).unwrap().1);
        format!("{} {name}", member.sex)
    }

    fn register(&mut self) {
        let mut homes: BTreeMap<HouseholdId, i64> = BTreeMap::new();
        let mut suspended = BTreeSet::new();
        let members: Vec<MemberId> = self.rows.members.keys().copied().collect();
        for member in members {
            let stay = self.rows.stays.iter().find(|stay| {
                stay.member_id == member && stay.from_on <= self.on && stay.to_on.is_none_or(|to| to >= self.on)
            });
            if stay.is_some() && self.rows.members[&member].died_on.is_none_or(|died| died >= self.on) {
                self.add(Measure::PersonsRegistered, 1);
            }
            let Some(span) = self.state(member, self.on).cloned() else { continue };
            match span.state {
                SpanState::InForce => {
                    *homes.entry(span.household_id).or_default() += 1;
                    self.add(Measure::BeneficiariesInForce, 1);
                    if self.rows.members[&member].sex == Sex::Female {
                        self.add(Measure::WomenInForce, 1);
                    }
                    if stay.is_some_and(|stay| stay.relationship == Relationship::Principal) {
                        self.add(Measure::Principals, 1);
                    }
                    let key = self.band(member);
                    self.sheet.add(Dimension::SexAge, &key, 0, 1);
                    let version = self.rows.enrolments.iter().find(|row| row.id == span.enrolment_id).unwrap();
                    let months = self.rows.waiting[&version.product_version_id];
                    let first = span.waiting_from.map(|from| ayni::dates::add_months(from, months).unwrap());
                    if first.is_some_and(|first| first > self.on) {
                        self.add(Measure::BeneficiariesWaiting, 1);
                    }
                }
                SpanState::Suspended => {
                    suspended.insert(span.household_id);
                    self.add(Measure::BeneficiariesSuspended, 1);
                }
                _ => {}
            }
        }
        self.add(Measure::Households, i64::try_from(homes.len()).unwrap());
        self.add(Measure::HouseholdsSuspended, i64::try_from(suspended.len()).unwrap());
        for (home, persons) in homes {
            let lived = self.rows.lived.iter().filter(|row| row.household_id == home && row.from_on <= self.on);
            let area = lived.max_by_key(|row| row.from_on).and_then(|row| row.area_id);
            let key = area.map_or("none".into(), |area| area.to_string());
            self.sheet.add(Dimension::Area, &key, 0, 1);
            self.sheet.add(Dimension::Area, &key, 1, persons);
        }
    }

    /// Day by day: who is covered, who came, who went.
    fn moves(&mut self) {
        let belongs = |span: Option<&Span>| {
            span.is_some_and(|span| matches!(span.state, SpanState::InForce | SpanState::Suspended))
        };
        let members: Vec<MemberId> = self.rows.members.keys().copied().collect();
        for member in members {
            let mut day = self.from;
            while day <= self.on {
                let (now, before) = (self.state(member, day), self.state(member, add_days(day, -1).unwrap()));
                let (reason, is_in_force) =
                    (now.map(|span| span.reason), now.is_some_and(|span| span.state == SpanState::InForce));
                match (belongs(before), belongs(now)) {
                    (false, true) => {
                        let earlier = self
                            .rows
                            .spans
                            .iter()
                            .any(|span| span.member_id == member && belongs(Some(span)) && span.from_on < day);
                        self.add(if earlier { Measure::EntriesReturning } else { Measure::EntriesNew }, 1);
                    }
                    (true, false) => {
                        let measure = match reason {
                            Some(SpanReason::PeriodEnded) => Measure::ExitsExpired,
                            Some(SpanReason::Lapsed | SpanReason::Arrears) => Measure::ExitsLapsed,
                            Some(SpanReason::Resigned) => Measure::ExitsResigned,
                            Some(SpanReason::Excluded) => Measure::ExitsExcluded,
                            Some(SpanReason::Deceased) => Measure::ExitsDeceased,
                            Some(SpanReason::LeftHousehold) => Measure::ExitsLeft,
                            _ => Measure::ExitsOther,
                        };
                        self.add(measure, 1);
                    }
                    _ => {}
                }
                if is_in_force {
                    self.add(Measure::PersonDays, 1);
                }
                day = add_days(day, 1).unwrap();
            }
        }
        let admitted: Vec<&Enrolment> = self.rows.enrolments.iter().collect();
        for row in admitted.iter().filter(|row| row.state == EnrolmentState::Admitted) {
            if !(self.from..=self.on).contains(&row.ends_on) {
                continue;
            }
            self.add(Measure::EnrolmentsEnding, 1);
            let renewed = admitted.iter().any(|next| {
                next.household_id == row.household_id
                    && next.admitted_on.is_some()
                    && next.state != EnrolmentState::Cancelled
                    && (1..=31).contains(&days_between(row.ends_on, next.starts_on))
            });
            self.add(Measure::EnrolmentsRenewed, i64::from(renewed));
        }
    }

    fn money(&mut self) {
        for due in &self.rows.dues {
            let relief = |kinds: &[CancellationKind], by: NaiveDate| -> i64 {
                let own = self.rows.relief.iter().filter(|row| row.due_id == due.id && kinds.contains(&row.kind));
                own.filter(|row| row.cancelled_on <= by).map(|row| row.amount_minor).sum()
            };
            let never = [CancellationKind::Cancelled, CancellationKind::Waived];
            if self.in_month(due.due_on) {
                let stands = due.amount_minor - relief(&never, NaiveDate::MAX);
                match due.kind {
                    DueKind::Contribution => {
                        let taken = self.rows.taken.iter().filter(|part| part.due_id == due.id);
                        let mut received: i64 = taken.map(|part| part.amount_minor).sum();
                        for (batch, _, before, amount) in self.rows.subsidised.iter().filter(|row| row.1 == due.id) {
                            let so_far = self.rows.subsidies.iter().filter(|row| row.0 == *batch).map(|row| row.1);
                            received += (so_far.sum::<i64>() - before).clamp(0, *amount);
                        }
                        self.sheet.add(Dimension::Payer, &due.payer, 0, stands);
                        self.sheet.add(Dimension::Payer, &due.payer, 1, received);
                        let totals = &mut self.sheet.totals;
                        totals.set(Measure::Dues, totals.get(Measure::Dues) + stands);
                        totals.set(Measure::ReceivedForDues, totals.get(Measure::ReceivedForDues) + received);
                        if due.payer == "HOUSEHOLD" {
                            totals.set(Measure::DuesHousehold, totals.get(Measure::DuesHousehold) + stands);
                        }
                    }
                    DueKind::Registration => {
                        let totals = &mut self.sheet.totals;
                        totals.set(Measure::Fees, totals.get(Measure::Fees) + stands);
                    }
                    _ => {}
                }
            }
            if due.payer == "HOUSEHOLD" && due.due_on < self.on {
                let late = [CancellationKind::Waived, CancellationKind::WrittenOff];
                let paid = self.rows.taken.iter().filter(|part| part.due_id == due.id && part.counts_on <= self.on);
                let open = due.amount_minor
                    - relief(&[CancellationKind::Cancelled], NaiveDate::MAX)
                    - relief(&late, self.on)
                    - paid.map(|part| part.amount_minor).sum::<i64>();
                let measure = match days_between(due.due_on, self.on) {
                    ..=30 => Measure::Arrears1To30,
                    31..=90 => Measure::Arrears31To90,
                    _ => Measure::ArrearsOver90,
                };
                let totals = &mut self.sheet.totals;
                totals.set(measure, totals.get(measure) + open.max(0));
            }
        }
        let (now, then) = (self.earned(self.on), self.earned(add_days(self.from, -1).unwrap()));
        self.add(Measure::Earned, now.0 - then.0);
        self.add(Measure::Unearned, now.1);
        for payment in &self.rows.payments {
            if self.in_month(payment.received_on) {
                let now = self.sheet.totals.get(Measure::Collected);
                self.sheet.totals.set(Measure::Collected, now + payment.amount_minor);
            }
        }
        for reversal in &self.rows.reversals {
            if !self.in_month(reversal.reversed_on) {
                continue;
            }
            let payment = self.rows.payments.iter().find(|row| row.id == reversal.payment_id).unwrap();
            let now = self.sheet.totals.get(Measure::Collected);
            self.sheet.totals.set(Measure::Collected, now - payment.amount_minor);
        }
        let subsidies: i64 = self.rows.subsidies.iter().filter(|row| self.in_month(row.2)).map(|row| row.1).sum();
        self.add(Measure::SubsidiesReceived, subsidies);
    }

    /// Earned and unearned at the end of a day, enrolment by enrolment.
    fn earned(&self, on: NaiveDate) -> (i64, i64) {
        let (mut earned, mut unearned) = (0, 0);
        for row in self.rows.enrolments.iter().filter(|row| row.admitted_on.is_some()) {
            let mut written = 0;
            let mut any = false;
            for due in &self.rows.dues {
                if due.enrolment_id != row.id || due.kind != DueKind::Contribution || due.issued_on > on {
                    continue;
                }
                any = true;
                let less = self.rows.relief.iter().filter(|less| {
                    less.due_id == due.id && less.kind != CancellationKind::WrittenOff && less.cancelled_on <= on
                });
                written += due.amount_minor - less.map(|less| less.amount_minor).sum::<i64>();
            }
            if !any {
                continue;
            }
            let ended = row.ended_on.filter(|ended| *ended <= on);
            let to = ended.map_or(row.ends_on, |ended| ended.min(row.ends_on)).max(row.starts_on);
            let days = days_between(row.starts_on, to) + 1;
            let left = days_between(on, to).clamp(0, days);
            let open = (2 * written * left + days).div_euclid(2 * days);
            earned += written - open;
            unearned += open;
        }
        (earned, unearned)
    }

    fn books(&mut self) {
        let accounts: HashMap<AccountId, (AccountKind, String)> =
            self.rows.accounts.iter().map(|row| (row.id, (row.kind, row.code.clone()))).collect();
        let transfers: Vec<(AccountId, AccountId, i64, NaiveDate)> = self
            .rows
            .transfers
            .iter()
            .map(|row| (row.debit_account_id, row.credit_account_id, row.amount_minor, row.value_on))
            .collect();
        let last = self.on;
        for (debit, credit, amount, on) in transfers.into_iter().filter(|row| row.3 <= last) {
            for (account, amount) in [(debit, amount), (credit, -amount)] {
                let (kind, code) = &accounts[&account];
                let starts = |what: &str| code == what || code.starts_with(&format!("{what}:"));
                let month = on >= self.from;
                match kind {
                    AccountKind::Asset => {
                        self.add(Measure::Assets, amount);
                        if ["cash", "bank", "mobile"].into_iter().any(starts) {
                            self.add(Measure::Liquid, amount);
                        }
                    }
                    AccountKind::Liability => {
                        self.add(Measure::Liabilities, -amount);
                        if starts("payable") {
                            self.add(Measure::Payable, -amount);
                        }
                    }
                    AccountKind::Income if month && (code == "contributions" || code == "fees") => {
                        self.add(Measure::ContributionIncome, -amount);
                    }
                    AccountKind::Income if month && code == "subsidies" => self.add(Measure::SubsidyIncome, -amount),
                    AccountKind::Income if month => self.add(Measure::OtherIncome, -amount),
                    AccountKind::Expense if month && code != "benefits" => self.add(Measure::Expenses, amount),
                    _ => {}
                }
            }
        }
    }

    fn shares(&mut self, amounts: [i64; 5], sign: i64) {
        let measures = [
            Measure::BilledDecided,
            Measure::BenefitsDecided,
            Measure::MemberShare,
            Measure::WriteOff,
            Measure::OtherPayer,
        ];
        for (measure, amount) in measures.into_iter().zip(amounts) {
            self.add(measure, sign * amount);
        }
    }

    fn decision(&mut self, outcome: Outcome, amounts: [i64; 5]) {
        let measure = match outcome {
            Outcome::Approved => Measure::ClaimsApproved,
            Outcome::PartiallyApproved => Measure::ClaimsPartiallyApproved,
            Outcome::Rejected => Measure::ClaimsRejected,
            Outcome::Pended => return,
        };
        self.add(measure, 1);
        self.shares(amounts, 1);
    }

    fn care(&mut self) {
        let rows = self.rows;
        for claim in &rows.claims {
            let amounts = [
                claim.billed_minor,
                claim.mutual_minor,
                claim.member_minor,
                claim.provider_writeoff_minor,
                claim.other_paid_minor,
            ];
            let voided = rows.voids.iter().find(|row| row.0 == claim.id).map(|row| row.1);
            if self.in_month(claim.submitted_on) {
                self.add(Measure::ClaimsSubmitted, 1);
            }
            let accepted = matches!(claim.outcome, Outcome::Approved | Outcome::PartiallyApproved);
            if accepted && claim.state != ClaimState::Voided && self.in_month(claim.service_on) {
                self.add(Measure::Cases, 1);
                let key = self.band(claim.member_id);
                self.sheet.add(Dimension::SexAge, &key, 1, 1);
            }
            if claim.decided_on.is_some_and(|on| self.in_month(on)) && claim.outcome != Outcome::Pended {
                self.decision(claim.outcome, amounts);
                let key = claim.provider_id.to_string();
                let rejected = i64::from(claim.outcome == Outcome::Rejected);
                let (of_member, written_off) = (claim.member_minor, claim.provider_writeoff_minor);
                let numbers = [1, rejected, claim.billed_minor, claim.mutual_minor, of_member, written_off];
                for (at, value) in numbers.into_iter().enumerate() {
                    self.sheet.add(Dimension::Provider, &key, at, value);
                }
                if rejected == 1 {
                    let reason = claim.claim_reason.map_or("NOTHING_COVERED", |reason| reason.code());
                    self.sheet.add(Dimension::Reason, reason, 0, 1);
                }
                let mut met = BTreeSet::new();
                for (_, category, amounts) in rows.lines.iter().filter(|line| line.0 == claim.id) {
                    let first = i64::from(met.insert(category));
                    let (billed, borne, mut of_member, mut written_off) = *amounts;
                    // Of a claim refused whole nothing is said of the lines: its bearer bears them.
                    if claim.mutual_minor == 0 && borne + of_member + written_off == 0 && claim.other_paid_minor == 0 {
                        match claim.provider_writeoff_minor {
                            0 => of_member = billed,
                            _ => written_off = billed,
                        }
                    }
                    for (at, value) in [first, billed, borne, of_member, written_off].into_iter().enumerate() {
                        self.sheet.add(Dimension::Category, category, at, value);
                    }
                }
            }
            if voided.is_some_and(|on| self.in_month(on)) && claim.decided_on.is_some() {
                self.shares(amounts, -1);
            }
            let stood = rows.former.iter().any(|row| {
                row.claim_id == claim.id && row.decided_on.is_some_and(|on| on <= self.on) && row.replaced_on > self.on
            });
            let waits = claim.submitted_on <= self.on
                && claim.decided_on.is_none_or(|on| on > self.on)
                && !stood
                && voided.is_none_or(|on| on > self.on);
            if waits {
                self.add(Measure::UndecidedClaims, 1);
                self.add(Measure::UndecidedBilled, claim.billed_minor);
            }
        }
        for row in &rows.former {
            let amounts = [
                row.billed_minor,
                row.mutual_minor,
                row.member_minor,
                row.provider_writeoff_minor,
                row.other_paid_minor,
            ];
            if row.decided_on.is_some_and(|on| self.in_month(on)) {
                self.decision(row.outcome, amounts);
            }
            if row.decided_on.is_some() && self.in_month(row.replaced_on) {
                self.shares(amounts, -1);
            }
        }
        let paid: i64 = rows.paid.iter().filter(|row| self.in_month(row.1)).map(|row| row.0).sum();
        self.add(Measure::Paid, paid);
        for (id, state, approved_on, offset, paid_on) in &rows.settlements {
            if *state != SettlementState::Cancelled && self.in_month(*approved_on) {
                self.add(Measure::Paid, *offset);
            }
            let Some(paid_on) = paid_on.filter(|on| self.in_month(*on) && *state == SettlementState::Paid) else {
                continue;
            };
            for (_, claim, _) in rows.items.iter().filter(|item| item.0 == *id && item.2 > 0) {
                let claim = rows.claims.iter().find(|row| row.id == *claim).unwrap();
                let care = days_between(claim.discharged_on.unwrap_or(claim.service_on), paid_on);
                let submission = days_between(claim.submitted_on, paid_on);
                self.sheet.add(Dimension::DaysFromEvent, &care.to_string(), 0, 1);
                self.sheet.add(Dimension::DaysFromSubmission, &submission.to_string(), 0, 1);
            }
        }
    }
}

/// The bands of [`AgeBands::default`], with their names.
pub const BANDS: [(i64, &str); 8] =
    [(0, "0-4"), (5, "5-14"), (15, "15-24"), (25, "25-34"), (35, "35-44"), (45, "45-54"), (55, "55-64"), (65, "65+")];

/// What is kept of each month from `first` on equals what the program computes now, and what is counted here from the rows.
/// Gives how many months had something in them.
pub fn hold(db: &ayni::db::Db, conn: &mut Conn, scope: &MutualScope, first: NaiveDate) -> usize {
    let as_of = AsOf { today: scope.today(), bands: AgeBands::default() };
    let figures = FigureScope::of(scope);
    let span = (month_of(first).unwrap().from, month_of(scope.today()).unwrap().from);
    let kept = service::months(db, &figures, span, &as_of).unwrap();
    assert_eq!(kept.len(), each_month(span).count());
    let rows = Rows::load(conn, scope.mutual());
    let mut filled = 0;
    for facts in &kept {
        let now = db
            .read(Wall::mutual(scope.mutual()), |r| compute(r, &figures, facts.month, as_of.today, &as_of.bands))
            .unwrap();
        same("a mark is missing", facts.month, &facts.sheet, &now);
        same("not as the rows say", facts.month, &now, &rows.sheet(facts.month, as_of.today, &BANDS));
        filled += usize::from(now != Sheet::default());
    }
    filled
}

/// What is kept of a month, computed first where it is stale.
pub fn kept(db: &ayni::db::Db, scope: &MutualScope, month: NaiveDate) -> Sheet {
    let as_of = AsOf { today: scope.today(), bands: AgeBands::default() };
    service::months(db, &FigureScope::of(scope), (month, month), &as_of).unwrap().pop().unwrap().sheet
}

/// The two sheets say the same.
fn same(what: &str, month: NaiveDate, one: &Sheet, other: &Sheet) {
    let differ = differences(one, other);
    assert!(differ.is_empty(), "{what}, {month}: {differ:#?}");
}

/// Where two sheets differ; a cell of nothing but zeros is none.
fn differences(one: &Sheet, other: &Sheet) -> Vec<String> {
    let all = |sheet: &Sheet| {
        let mut list: BTreeMap<String, Vec<i64>> =
            Measure::ALL.iter().map(|measure| (measure.code().to_owned(), vec![sheet.totals.get(*measure)])).collect();
        for dimension in Dimension::ALL {
            for (key, numbers) in sheet.cells(*dimension) {
                if numbers.iter().any(|number| *number != 0) {
                    list.insert(format!("{dimension}/{key}"), numbers.clone());
                }
            }
        }
        list
    };
    let (one, other) = (all(one), all(other));
    let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    keys.into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .map(|key| format!("{key}: {:?} and {:?}", one.get(key), other.get(key)))
        .collect()
}

/// What bodies above have been given of a mutual's months, as it was counted here when it was given.
#[derive(Default)]
pub struct Published {
    turns: u32,
    months: BTreeMap<NaiveDate, Vec<(ReleaseId, Sheet)>>,
    /// Closed months that were opened again.
    open: BTreeSet<NaiveDate>,
    pub corrections: usize,
    pub reopenings: usize,
}

impl Published {
    /// Looks that what was given of each month from `first` on is still what was given; closes, corrects or opens again some of
    /// them.
    pub fn go_on(&mut self, db: &ayni::db::Db, conn: &mut Conn, scope: &MutualScope, first: NaiveDate) {
        self.turns += 1;
        let today = scope.today();
        let as_of = AsOf { today, bands: AgeBands::default() };
        let span = (month_of(first).unwrap().from, month_of(today).unwrap().from);
        service::months(db, &FigureScope::of(scope), span, &as_of).unwrap();
        let rows = Rows::load(conn, scope.mutual());
        for month in each_month(span) {
            self.stands(db, scope, month);
            let now = rows.sheet(month, today, &BANDS);
            let given = self.months.get(&month).and_then(|all| all.last()).map(|(_, sheet)| sheet.clone());
            if !(self.turns + month.month()).is_multiple_of(3) {
                continue;
            }
            if given.is_some() && !self.open.contains(&month) && (self.turns / 3 + month.month()).is_multiple_of(4) {
                reopen(db, scope, month);
                self.open.insert(month);
                self.reopenings += 1;
                self.stands(db, scope, month);
                continue;
            }
            let order = order(db, scope);
            let was_open = self.open.contains(&month);
            // A month that is open is not corrected.
            if was_open {
                let late = command(db, &HOOKS, &order, |w| periods::correct(w, scope, &order, month, &as_of, "late"));
                assert!(
                    matches!(late, Err(Error::Problem(problem)) if problem.code == Code::MonthNotClosed),
                    "{month}"
                );
            }
            let is_first = given.is_none() || was_open;
            let done = command(db, &HOOKS, &order, |w| match is_first {
                true => periods::close(w, scope, &order, month, &as_of, OpenItem::ALL),
                false => periods::correct(w, scope, &order, month, &as_of, "something came late"),
            });
            let refused = match done {
                Ok(_) => None,
                Err(Error::Problem(problem)) => Some(problem.code),
                Err(other) => panic!("{other:?}"),
            };
            let expected = match &given {
                None if today < closes_from(month).unwrap() => Some(Code::MonthNotOver),
                // Who closes anew gives what there is, also where it is what there was.
                Some(given) if !was_open && differences(given, &now).is_empty() => Some(Code::NothingToCorrect),
                _ => None,
            };
            assert_eq!(refused, expected, "{month} on {today}");
            if refused.is_none() {
                self.corrections += usize::from(!is_first);
                self.open.remove(&month);
                let standing = standing(db, scope, month).unwrap().0;
                self.months.entry(month).or_default().push((standing, now));
                self.stands(db, scope, month);
            }
        }
    }

    /// The last release of a month is the one that was given last, and says what it said.
    fn stands(&self, db: &ayni::db::Db, scope: &MutualScope, month: NaiveDate) {
        let given = self.months.get(&month).and_then(|all| all.last());
        let standing = standing(db, scope, month);
        assert_eq!(standing.as_ref().map(|found| found.0), given.map(|given| given.0), "{month}");
        if let Some(((_, found), (_, given))) = standing.zip(given) {
            same("a release is not what it was", month, &found, given);
        }
    }

    /// How many months were closed.
    pub fn closings(&self) -> usize {
        self.months.len()
    }
}

/// Opens a month again, as the approval of a second person does.
fn reopen(db: &ayni::db::Db, scope: &MutualScope, month: NaiveDate) {
    let order = order(db, scope);
    let asked = periods::Reopening { month, reason: "a list was found".into() };
    let execution = Execution {
        kind: "reopening".into(),
        id: db.ids().next(),
        request: serde_json::to_value(asked).unwrap(),
        scope: scope.clone(),
        mutual: scope.mutual(),
        currency: scope.currency(),
        today: scope.today(),
        command: order.id,
        requested_by: db.ids().next(),
        approved_by: db.ids().next(),
    };
    command(db, &HOOKS, &order, |w| periods::reopen(w, &execution)).unwrap();
    let again = self::order(db, scope);
    let twice = command(db, &HOOKS, &again, |w| periods::reopen(w, &execution));
    assert!(matches!(twice, Err(Error::Problem(problem)) if problem.code == Code::MonthNotClosed), "{month}");
}

fn standing(db: &ayni::db::Db, scope: &MutualScope, month: NaiveDate) -> Option<(ReleaseId, Sheet)> {
    db.read(Wall::ROOT, |r| {
        let found = store::standing(r, scope.mutual().into(), month)?;
        found.map(|release| Ok::<_, Error>((release.id, releases::sheet_of(r, &release)?))).transpose()
    })
    .unwrap()
}

fn order(db: &ayni::db::Db, scope: &MutualScope) -> Order {
    let id: CommandId = db.ids().next();
    Order {
        id,
        wall: Wall::mutual(scope.mutual()),
        route: "close".into(),
        hash: [9; 32],
        asker: Asker { user: None, purpose: Purpose::Support, request: id.uuid() },
        today: scope.today(),
        by_header: false,
    }
}
