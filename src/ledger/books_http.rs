//! `/mutuals/{m}/books`, `…/trial-balance`, `/accounts/{id}/history`, `/journal`: the books as an accountant reads them.
use super::journal;
use super::model::AccountKind;
use super::rules::MAIN;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::dates;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Ids, Query, accepted, blocking, shown};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// An account of a book's chart.
#[derive(Serialize, ToSchema)]
pub struct ChartLine {
    pub id: AccountId,
    pub code: String,
    pub kind: AccountKind,
    /// In words.
    pub name: String,
    /// The collector, facility or desk whose account it is.
    pub of: Option<Uuid>,
}

/// A book with its chart of accounts.
#[derive(Serialize, ToSchema)]
pub struct BookView {
    /// `MAIN`…: money of different owners never mixes.
    pub book: String,
    pub currency: String,
    pub accounts: Vec<ChartLine>,
}

/// What an account is, in words, and whose.
fn named(code: &str) -> (String, Option<Uuid>) {
    let (head, of) = match code.split_once(':') {
        Some((head, id)) => (head, id.parse::<Uuid>().ok()),
        None => (code, None),
    };
    let name = match (head, of) {
        ("cash", None) => "Cash of the first desk",
        ("cash", Some(_)) => "Cash of a desk",
        ("bank", _) => "Bank",
        ("mobile", _) => "Mobile-money operator",
        ("advances", _) => "Advances to facilities",
        ("float", _) => "Float of a collector",
        ("debt", _) => "Debt of a collector",
        ("household_credits", _) => "Credits of households",
        ("unallocated", _) => "Received and not allocated",
        ("payable", Some(_)) => "Owed to a facility",
        ("payable", None) => "Owed to members",
        ("own_funds", _) => "Own funds at going live",
        ("contributions", _) => "Contributions",
        ("fees", _) => "Registration fees",
        ("other_income", _) => "Other income",
        ("subsidies", _) => "Subsidies",
        ("benefits", _) => "Benefits",
        ("expense", _) => "Expenses",
        ("cash_differences", _) => "Differences found by counting",
        (other, _) => return (other.to_owned(), of),
    };
    (name.to_owned(), of)
}

/// `GET /mutuals/{m}/books`
pub async fn books(guard: Guard<need::LedgerRead, MutualScope>) -> Result<HttpResponse> {
    let items = guard
        .read(|r, scope| {
            let mut books: Vec<BookView> = Vec::new();
            for account in store::list_all_accounts(r, scope)? {
                let (name, of) = named(&account.code);
                let line = ChartLine { id: account.id, code: account.code, kind: account.kind, name, of };
                match books.iter_mut().find(|book| book.book == account.book) {
                    Some(book) => book.accounts.push(line),
                    None => books.push(BookView {
                        book: account.book,
                        currency: scope.currency().code().to_owned(),
                        accounts: vec![line],
                    }),
                }
            }
            Ok(books)
        })
        .await?;
    Ok(shown(&Page { items, next_cursor: None }))
}

/// An account in a trial balance.
#[derive(Serialize, ToSchema)]
pub struct BalanceLine {
    pub account_id: AccountId,
    pub code: String,
    pub kind: AccountKind,
    pub name: String,
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// Debits less credits, where that is above zero.
    pub debit_balance_minor: i64,
    /// Credits less debits, where that is above zero.
    pub credit_balance_minor: i64,
}

/// A book's trial balance at the end of a day.
#[derive(Serialize, ToSchema)]
pub struct TrialBalanceView {
    pub book: String,
    pub on: NaiveDate,
    pub currency: String,
    pub accounts: Vec<BalanceLine>,
    /// The same on both sides.
    pub total_debit_minor: i64,
    pub total_credit_minor: i64,
    pub total_debit_balance_minor: i64,
    pub total_credit_balance_minor: i64,
}

/// Of which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BalanceFilter {
    /// Transfers whose own day is not later; today where it is left out.
    pub on: Option<NaiveDate>,
}

/// `GET /mutuals/{m}/books/{book}/trial-balance`
pub async fn trial_balance(
    guard: Guard<need::LedgerRead, MutualScope>,
    path: Ids<(OrganisationId, String)>,
    query: Query<BalanceFilter>,
) -> Result<HttpResponse> {
    let (book, on) = (path.0.1, query.0.on);
    let view = guard
        .read(move |r, scope| {
            let on = dates::bounded((NaiveDate::MIN, on.unwrap_or(scope.today()))).1;
            let rows = store::list_sums(r, scope, &book, None, Some(on))?;
            if rows.is_empty() {
                return Err(Code::NotFound.into());
            }
            let accounts: Vec<BalanceLine> = rows
                .into_iter()
                .map(|(account, debit_minor, credit_minor)| BalanceLine {
                    account_id: account.id,
                    name: named(&account.code).0,
                    code: account.code,
                    kind: account.kind,
                    debit_minor,
                    credit_minor,
                    debit_balance_minor: (debit_minor - credit_minor).max(0),
                    credit_balance_minor: (credit_minor - debit_minor).max(0),
                })
                .collect();
            let sum = |of: fn(&BalanceLine) -> i64| accounts.iter().map(of).sum();
            Ok(TrialBalanceView {
                book: book.clone(),
                on,
                currency: scope.currency().code().to_owned(),
                total_debit_minor: sum(|line| line.debit_minor),
                total_credit_minor: sum(|line| line.credit_minor),
                total_debit_balance_minor: sum(|line| line.debit_balance_minor),
                total_credit_balance_minor: sum(|line| line.credit_balance_minor),
                accounts,
            })
        })
        .await?;
    Ok(shown(&view))
}

/// A movement on an account.
#[derive(Serialize, ToSchema)]
pub struct HistoryLine {
    pub transfer_id: TransferId,
    pub value_on: NaiveDate,
    pub posted_on: NaiveDate,
    pub event: String,
    /// The account on the other side.
    pub counter_account: String,
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// Debits less credits after it.
    pub balance_minor: i64,
    pub payment_id: Option<PaymentId>,
    pub due_id: Option<DueId>,
    pub reverses_id: Option<TransferId>,
}

/// An account between two days.
#[derive(Serialize, ToSchema)]
pub struct HistoryView {
    pub account_id: AccountId,
    pub book: String,
    pub code: String,
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub currency: String,
    /// Debits less credits before the first day.
    pub opening_minor: i64,
    pub items: Vec<HistoryLine>,
    /// Debits less credits at the end of the last day.
    pub closing_minor: i64,
    pub next_cursor: Option<String>,
}

/// Of which time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HistoryFilter {
    /// The first day of the last day's month where it is left out.
    pub from: Option<NaiveDate>,
    /// Today where it is left out.
    pub to: Option<NaiveDate>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

fn time_of(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<(NaiveDate, NaiveDate)> {
    let to = to.unwrap_or(today);
    let from = from.unwrap_or(to.with_day(1).unwrap_or(to));
    if from > to {
        return Err(Problem::with(Code::ImpossibleDate, "it begins after its end").at("from").into());
    }
    Ok(dates::bounded((from, to)))
}

/// `GET /mutuals/{m}/accounts/{id}/history`
pub async fn history(
    guard: Guard<need::LedgerRead, MutualScope>,
    path: Ids<(OrganisationId, AccountId)>,
    query: Query<HistoryFilter>,
) -> Result<HttpResponse> {
    let (id, filter) = (path.0.1, query.0);
    let ask =
        Ask::new(filter.limit, filter.cursor.as_deref(), &format!("history {id} {:?}", (filter.from, filter.to)))?;
    let view = guard
        .read(move |r, scope| {
            let (from, to) = time_of(filter.from, filter.to, scope.today())?;
            history_of(r, scope, id, (from, to), &ask)
        })
        .await?;
    guard.note("transfer", view.items.iter().map(|line| line.transfer_id.uuid()), None).await?;
    Ok(shown(&view))
}

fn history_of(
    r: &mut Read,
    scope: &MutualScope,
    id: AccountId,
    (from, to): (NaiveDate, NaiveDate),
    ask: &Ask,
) -> Result<HistoryView> {
    let accounts = store::list_all_accounts(r, scope)?;
    let account = accounts.iter().find(|account| account.id == id).ok_or(Problem::of(Code::NotFound))?;
    let after: Option<(NaiveDate, TransferId)> = ask.after_two()?;
    let before = from.pred_opt().unwrap_or(from);
    let opening_minor = store::net_until(r, scope.mutual(), id, before)?;
    // What stands before a page is summed by the database, not read.
    let mut balance = match after {
        Some(last) => store::net_through(r, scope.mutual(), id, last)?,
        None => opening_minor,
    };
    let rows = store::list_history(r, scope.mutual(), id, (from, to), after, ask.fetch())?;
    let page = ask.page(
        rows,
        |row| vec![row.value_on.to_string(), row.id.to_string()],
        |row| {
            let is_debit = row.debit_account_id == id;
            let other = if is_debit { row.credit_account_id } else { row.debit_account_id };
            balance += if is_debit { row.amount_minor } else { -row.amount_minor };
            HistoryLine {
                transfer_id: row.id,
                value_on: row.value_on,
                posted_on: row.posted_on,
                event: row.event,
                counter_account: accounts
                    .iter()
                    .find(|account| account.id == other)
                    .map(|account| account.code.clone())
                    .unwrap_or_default(),
                debit_minor: if is_debit { row.amount_minor } else { 0 },
                credit_minor: if is_debit { 0 } else { row.amount_minor },
                balance_minor: balance,
                payment_id: row.payment_id,
                due_id: row.due_id,
                reverses_id: row.reverses_id,
            }
        },
    );
    Ok(HistoryView {
        account_id: id,
        book: account.book.clone(),
        name: named(&account.code).0,
        code: account.code.clone(),
        from,
        to,
        currency: scope.currency().code().to_owned(),
        opening_minor,
        items: page.items,
        closing_minor: store::net_until(r, scope.mutual(), id, to)?,
        next_cursor: page.next_cursor,
    })
}

/// Of which book and time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct JournalFilter {
    /// `MAIN` where it is left out.
    pub book: Option<String>,
    /// The first day of the last day's month where it is left out.
    pub from: Option<NaiveDate>,
    /// Today where it is left out; at most 366 days after the first.
    pub to: Option<NaiveDate>,
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// `GET /mutuals/{m}/journal`
pub async fn journal(
    guard: Guard<need::LedgerRead, MutualScope>,
    query: Query<JournalFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let filter = query.0;
    let kinds = accepted(&req);
    let is_sheet = kinds.contains(&XLSX);
    if !is_sheet && !kinds.iter().any(|kind| matches!(*kind, "text/csv" | "text/*" | "*/*" | "")) {
        return Err(Code::NotAcceptable.into());
    }
    let (from, to) = time_of(filter.from, filter.to, guard.scope.today())?;
    if dates::days_between(from, to) > 366 {
        return Err(Problem::field("to", "out_of_bounds", "at most 366 days after `from`").into());
    }
    let book = filter.book.unwrap_or_else(|| MAIN.to_owned());
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    let asked = serde_json::json!({"journal": book, "from": from, "to": to});
    guard.note("journal", [], Some(asked)).await?;
    let (kind, name) = if is_sheet { (XLSX, "journal.xlsx") } else { ("text/csv; charset=utf-8", "journal.csv") };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .content_type(kind);
    if is_sheet {
        let sheet = blocking(move || journal::sheet(&db, &scope, &book, (from, to))).await?;
        return Ok(answer.body(sheet));
    }
    Ok(answer.streaming(journal::table(db, scope, book, (from, to))))
}
