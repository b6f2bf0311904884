//! Opens a mutual's books and posts events into them, within the command that they belong to.
use super::model::*;
use super::rules::{ACCOUNTS, Event, MAIN, Opened, opened_when_needed};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Opens the accounts of a new mutual.
///
/// # Errors
/// The database's.
pub fn open_books(w: &mut Write, mutual: MutualId) -> Result<()> {
    let rows: Vec<Account> = ACCOUNTS
        .iter()
        .map(|(code, kind)| Account {
            mutual_id: mutual,
            id: w.new_id(),
            book: MAIN.to_owned(),
            code: (*code).to_owned(),
            kind: *kind,
        })
        .collect();
    Ok(store::insert_accounts(w, &rows)?)
}

/// One event to be posted.
#[derive(Debug, Clone)]
pub struct Posting {
    /// What happened.
    pub event: Event,
    /// How much, above zero.
    pub amount_minor: i64,
    /// The payment that it comes from.
    pub payment: Option<PaymentId>,
    /// The due that it is for.
    pub due: Option<DueId>,
    /// The claim that it is for.
    pub claim: Option<ClaimId>,
    /// The settlement that pays it.
    pub settlement: Option<SettlementId>,
    /// What else it comes from: a reversal, a refund, a movement, a remittance…
    pub source: Option<Uuid>,
    /// The session of the desk through which cash went.
    pub session: Option<CashSessionId>,
    /// The event's own day.
    pub value_on: NaiveDate,
}

impl Posting {
    /// An event of so much on a day, that comes from nothing yet.
    pub fn of(event: Event, amount_minor: i64, value_on: NaiveDate) -> Posting {
        Posting {
            event,
            amount_minor,
            payment: None,
            due: None,
            claim: None,
            settlement: None,
            source: None,
            session: None,
            value_on,
        }
    }
}

/// What the transfers of one command have in common.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The mutual.
    pub mutual: MutualId,
    /// Its currency.
    pub currency: Currency,
    /// The command.
    pub command: CommandId,
    /// The business date.
    pub posted_on: NaiveDate,
}

/// Writes one transfer per event, in order, into the main book.
///
/// # Errors
/// A fault where the mutual lacks an account of the posting table.
pub fn post(
    w: &mut Write,
    mutual: MutualId,
    currency: Currency,
    command: CommandId,
    posted_on: NaiveDate,
    postings: &[Posting],
) -> Result<()> {
    if postings.is_empty() {
        return Ok(());
    }
    let mut accounts: HashMap<String, AccountId> =
        store::list_accounts_of(w, mutual, MAIN)?.into_iter().map(|account| (account.code, account.id)).collect();
    let mut rows = Vec::with_capacity(postings.len());
    for posting in postings {
        let ordinal = next_place(w);
        let (debit, credit) = posting.event.posting();
        rows.push(Transfer {
            mutual_id: mutual,
            id: w.new_id(),
            book: MAIN.to_owned(),
            debit_account_id: account(w, mutual, &mut accounts, &debit)?,
            credit_account_id: account(w, mutual, &mut accounts, &credit)?,
            amount_minor: posting.amount_minor,
            currency: currency.code().to_owned(),
            event: posting.event.name().to_owned(),
            command_id: command,
            ordinal,
            payment_id: posting.payment,
            due_id: posting.due,
            claim_id: posting.claim,
            settlement_id: posting.settlement,
            reverses_id: None,
            source_id: posting.source.map(Key::new),
            cash_session_id: posting.session,
            posted_on,
            value_on: posting.value_on,
            recorded_at: w.now(),
        });
    }
    Ok(store::insert_transfers(w, &rows)?)
}

/// A command may post more than once; its transfers keep their order.
fn next_place(w: &mut Write) -> i32 {
    let place = w.effects.transfers;
    w.effects.transfers = place.saturating_add(1);
    place
}

/// Posts the mirror of transfers, each naming the one that it reverses.
///
/// # Errors
/// The database's.
pub fn mirror(
    w: &mut Write,
    entry: Entry,
    originals: &[Transfer],
    source: Uuid,
    session: Option<CashSessionId>,
    value_on: NaiveDate,
) -> Result<()> {
    let mut rows = Vec::with_capacity(originals.len());
    for original in originals {
        rows.push(Transfer {
            id: w.new_id(),
            debit_account_id: original.credit_account_id,
            credit_account_id: original.debit_account_id,
            command_id: entry.command,
            ordinal: next_place(w),
            reverses_id: Some(original.id),
            source_id: Some(Key::new(source)),
            // What did not go through the desk does not come back through it.
            cash_session_id: original.cash_session_id.and(session),
            posted_on: entry.posted_on,
            value_on,
            recorded_at: w.now(),
            ..original.clone()
        });
    }
    Ok(store::insert_transfers(w, &rows)?)
}

/// Brings an account to what it had at the end of the day of going live, in the sense in which the account is counted: what
/// is there, what came in, what went out. Payments and claims that were imported are in it already; what is missing is
/// posted against the mutual's own funds.
///
/// # Errors
/// `future_date`, `amount_too_large`.
pub fn open_balance(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    account: Opened,
    amount_minor: i64,
    on: NaiveDate,
    session: Option<CashSessionId>,
) -> Result<()> {
    if on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/on").into());
    }
    let debits = store::balance_on(w, scope.mutual(), MAIN, account.code(), on)?;
    let known = if account.is_income() { -debits } else { debits };
    let missing = amount_minor.checked_sub(known).ok_or(Problem::of(Code::AmountTooLarge).at("/amount"))?;
    if missing != 0 {
        let event = Event::OpeningBalance { account, less: missing < 0 };
        let posting = Posting { session, ..Posting::of(event, missing.abs(), on) };
        post(w, scope.mutual(), scope.currency(), order.id, scope.today(), &[posting])?;
    }
    w.names("organisation", scope.mutual().uuid());
    w.field("account", None, Some(json!(account)));
    w.field("amount_minor", None, Some(json!(amount_minor)));
    w.field("on", None, Some(json!(on)));
    w.mark(on);
    Ok(())
}

/// An account of the main book, opened now where the posting table lets it be. Two commands that open the same one meet
/// in its unique key: the second then reads what the first made.
fn account(w: &mut Write, mutual: MutualId, known: &mut HashMap<String, AccountId>, code: &str) -> Result<AccountId> {
    if let Some(id) = known.get(code) {
        return Ok(*id);
    }
    let kind =
        opened_when_needed(code).ok_or_else(|| Error::Fault(format!("the mutual {mutual} has no account {code}")))?;
    let row = Account { mutual_id: mutual, id: w.new_id(), book: MAIN.to_owned(), code: code.to_owned(), kind };
    store::open_account(w, &row)?;
    let found = store::list_accounts_of(w, mutual, MAIN)?.into_iter().find(|account| account.code == code);
    let id = found.ok_or_else(|| Error::Fault(format!("the account {code} was not opened")))?.id;
    known.insert(code.to_owned(), id);
    Ok(id)
}
