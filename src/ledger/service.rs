//! Opens a mutual's books and posts events into them, within the command that they belong to.
use super::model::*;
use super::rules::{ACCOUNTS, Event, MAIN, opened_when_needed};
use super::store;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;
use std::collections::HashMap;

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
    /// The event's own day.
    pub value_on: NaiveDate,
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
    for (ordinal, posting) in (0i32..).zip(postings) {
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
            posted_on,
            value_on: posting.value_on,
            recorded_at: w.now(),
        });
    }
    Ok(store::insert_transfers(w, &rows)?)
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
