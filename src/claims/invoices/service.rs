//! Commands of invoices: send, which keeps what was sent and asks for the job that submits it; dispute and accept. What is
//! a claim already is never submitted again.
use super::file::{BadField, Certificate, Sent, certificates, differences, form};
use super::model::*;
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::claims::model::ClaimState;
use crate::dates::{add_days, month_of, within};
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::jobs::model::JobKind;
use crate::jobs::{enqueue, store as jobs};
use crate::providers::store as providers;
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What was sent.
#[derive(Debug, Clone)]
pub struct NewInvoice {
    pub provider: ProviderId,
    pub number: String,
    /// The first day of the month.
    pub month_on: NaiveDate,
    /// Sent by the facility itself, not by the office for it.
    pub by_provider: bool,
    pub sent: Sent,
}

/// The day until which an invoice of a month must be in, by the convention of the month's last day; none where there is no
/// such day.
///
/// # Errors
/// The database's.
pub fn deadline_on(
    r: &mut Read,
    owners: &[OrganisationId],
    provider: ProviderId,
    month_on: NaiveDate,
) -> Result<Option<NaiveDate>> {
    let Ok(month) = month_of(month_on) else { return Ok(None) };
    let convention = providers::list_conventions(r, provider)?
        .into_iter()
        .find(|row| owners.contains(&row.party_id) && within(month.to, row.valid_from, row.valid_to));
    let days = convention.and_then(|row| row.invoice_days);
    Ok(days.and_then(|days| add_days(month.to, i64::from(days)).ok()))
}

/// Takes an invoice, or more of one: what is new or was bad waits for the job, what is a claim already is told and left
/// alone. The same content as last time changes nothing.
///
/// # Errors
/// `not_found`, `future_date`, `number_taken` for another month, `wrong_state` once it is accepted or disputed.
pub fn send(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    new: &NewInvoice,
) -> Result<InvoiceId> {
    let mutual = scope.mutual();
    providers::find(w, new.provider)?
        .filter(|provider| owners.contains(&provider.owner_id))
        .ok_or_else(|| Problem::of(Code::NotFound).at("/provider_id"))?;
    if new.month_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/month").into());
    }
    let hash = hash_of(&new.sent);
    let sent = certificates(new.sent.rows.clone());
    let total = i64::try_from(sent.len()).unwrap_or(i64::MAX);
    if store::find_by_number(w, mutual, new.provider, &new.number)?.is_none() {
        let id: InvoiceId = Key::new(order.id.uuid());
        let job = enqueue(w, mutual, order, JobKind::Invoice, Key::new(id.uuid()), total)?;
        let row = Invoice {
            mutual_id: mutual,
            id,
            provider_id: new.provider,
            number: new.number.clone(),
            month_on: new.month_on,
            received_on: scope.today(),
            state: InvoiceState::Received,
            sendings: 1,
            certificates: total,
            currency: scope.currency().code().to_owned(),
            job_id: job,
            recorded_at: w.now(),
            version: 1,
        };
        if store::insert(w, &row)? {
            keep_sending(w, scope, order, new, &row, &hash)?;
            let items: Vec<Item> =
                (1..).zip(&sent).map(|(at, one)| item(w, scope, &row, at, one)).collect::<Result<_>>()?;
            store::insert_items(w, &items)?;
            take_step(w, scope, order, &row, None)?;
            told(w, &row, new);
            return Ok(id);
        }
        // Another command made it meanwhile, and this one had waited for its commit: read anew.
        return Err(Error::Again);
    }
    send_more(w, scope, order, new, &hash, sent)
}

/// What was sent of an invoice that is there.
fn send_more(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    new: &NewInvoice,
    hash: &[u8],
    sent: Vec<Certificate>,
) -> Result<InvoiceId> {
    let mutual = scope.mutual();
    let found = store::find_by_number(w, mutual, new.provider, &new.number)?.ok_or(Error::Again)?;
    let known = store::lock(w, mutual, found.id)?.ok_or(Error::Again)?;
    if known.month_on != new.month_on {
        let detail = format!("the facility's invoice of this number is of {}", known.month_on.format("%Y-%m"));
        return Err(Problem::with(Code::NumberTaken, detail).at("/month").into());
    }
    let job = jobs::find(w, mutual, known.job_id)?;
    let items = store::list_items(w, mutual, known.id, None, None, i64::MAX)?;
    // A job that was cancelled or given up is begun anew by sending the same again.
    let waits = known.state == InvoiceState::Received || items.iter().any(|item| item.result == ItemResult::Waiting);
    let is_stranded = waits && !job.is_some_and(|job| job.state.is_alive());
    let sendings = store::list_sendings(w, mutual, known.id)?;
    if sendings.last().is_some_and(|last| last.hash == hash) && !is_stranded {
        w.names("invoice", known.id.uuid());
        return Ok(known.id);
    }
    if !matches!(known.state, InvoiceState::Received | InvoiceState::InControl) {
        let detail = format!("the invoice is {}; send what is left under another number", known.state);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let mut row = Invoice { sendings: known.sendings + 1, version: known.version + 1, ..known.clone() };
    let mut last = items.iter().map(|item| item.ordinal).max().unwrap_or(0);
    let (mut by_number, mut gone): (BTreeMap<&str, &Item>, Vec<&Item>) = (BTreeMap::new(), Vec::new());
    for item in &items {
        // Nobody can tell which certificate it was: what is sent now speaks for it.
        if item.certificate.starts_with('#') {
            gone.push(item);
        } else {
            by_number.insert(&item.certificate, item);
        }
    }
    let (mut alike, mut other, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for one in &sent {
        match by_number.get(one.number.as_str()).copied() {
            Some(item) if item.claim_id.is_some() => match differing(scope, item, one)? {
                None => alike.push(item.id),
                Some(faults) => other.push(Item { result: ItemResult::Differs, faults: Some(faults), ..item.clone() }),
            },
            Some(item) => {
                gone.push(item);
                fresh.push((item.ordinal, one));
            }
            None => {
                last += 1;
                fresh.push((last, one));
            }
        }
    }
    let gone: BTreeSet<InvoiceClaimId> = gone.into_iter().map(|item| item.id).collect();
    let others = items.iter().filter(|item| item.result == ItemResult::Waiting && !gone.contains(&item.id)).count();
    let total = i64::try_from(fresh.len() + others).unwrap_or(i64::MAX);
    if total > 0 {
        row.job_id = enqueue(w, mutual, order, JobKind::Invoice, Key::new(known.id.uuid()), total)?;
        row.state = InvoiceState::Received;
    } else if is_stranded {
        // Its job was given up after the last certificate: nothing is left to do.
        row.state = InvoiceState::InControl;
    }
    let gone: Vec<InvoiceClaimId> = gone.into_iter().collect();
    store::remove_items(w, mutual, &gone)?;
    let fresh: Vec<Item> = fresh.into_iter().map(|(at, one)| item(w, scope, &row, at, one)).collect::<Result<_>>()?;
    row.certificates =
        known.certificates + i64::try_from(fresh.len()).unwrap_or(0) - i64::try_from(gone.len()).unwrap_or(0);
    store::set(w, &row)?;
    store::insert_items(w, &fresh)?;
    store::set_known(w, mutual, &alike)?;
    for item in &other {
        store::set_result(w, item)?;
    }
    if total > 0 {
        store::give_waiting(w, mutual, known.id, row.job_id)?;
    }
    keep_sending(w, scope, order, new, &row, hash)?;
    if row.state != known.state {
        take_step(w, scope, order, &row, None)?;
    }
    told(w, &row, new);
    Ok(known.id)
}

/// SHA-256 of the rows as they were sent.
fn hash_of(sent: &Sent) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for row in &sent.rows {
        hasher.update(json!(row.fields).to_string().as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_vec()
}

/// A certificate as it is kept: waiting, or bad where it cannot be read.
fn item(w: &mut Write, scope: &MutualScope, invoice: &Invoice, ordinal: i32, one: &Certificate) -> Result<Item> {
    let faults = form(&one.rows, scope.currency(), scope.today()).err();
    Ok(Item {
        mutual_id: scope.mutual(),
        id: w.new_id(),
        invoice_id: invoice.id,
        ordinal,
        certificate: one.number.clone(),
        sending: invoice.sendings,
        job_id: invoice.job_id,
        content: text_of(&one.rows)?,
        result: if faults.is_some() { ItemResult::Bad } else { ItemResult::Waiting },
        claim_id: None,
        faults: faults.map(|faults| text_of(&faults)).transpose()?,
    })
}

/// Something as a JSON text.
///
/// # Errors
/// A fault of ours.
pub fn text_of<T: serde::Serialize + ?Sized>(what: &T) -> Result<String> {
    serde_json::to_string(what).map_err(|error| Error::Fault(format!("a text cannot be written: {error}")))
}

/// The rows of a certificate as they were sent.
///
/// # Errors
/// A fault of ours.
pub fn rows_of(item: &Item) -> Result<Vec<super::file::SentRow>> {
    kept(&item.content, "rows")
}

/// In what a certificate that is a claim differs from what was sent now; none where it does not.
fn differing(scope: &MutualScope, item: &Item, now: &Certificate) -> Result<Option<String>> {
    let before = form(&rows_of(item)?, scope.currency(), NaiveDate::MAX);
    let row = now.rows.first().map(|row| row.row);
    let fault =
        |field: &str, code: &str, message: String| BadField { row, field: field.into(), code: code.into(), message };
    let faults: Vec<BadField> = match (before, form(&now.rows, scope.currency(), NaiveDate::MAX)) {
        (Ok(before), Ok(after)) => differences(&before, &after)
            .into_iter()
            .map(|field| fault(field, "differs", "other content than the claim has; the claim was left alone".into()))
            .collect(),
        (_, Err(faults)) => faults,
        (Err(_), Ok(_)) => vec![fault("", "differs", "other content than the claim has".into())],
    };
    if faults.is_empty() { Ok(None) } else { text_of(&faults).map(Some) }
}

fn keep_sending(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    new: &NewInvoice,
    row: &Invoice,
    hash: &[u8],
) -> Result<()> {
    let sending = Sending {
        mutual_id: scope.mutual(),
        id: w.new_id(),
        invoice_id: row.id,
        ordinal: row.sendings,
        sent_on: scope.today(),
        sent_by: order.asker.user,
        by_provider: new.by_provider,
        number_of_rows: i64::try_from(new.sent.rows.len()).unwrap_or(i64::MAX),
        header: new.sent.columns.join(","),
        delimiter: char::from(new.sent.delimiter).to_string(),
        hash: hash.to_vec(),
        recorded_at: w.now(),
    };
    store::insert_sending(w, &sending)?;
    Ok(())
}

/// Keeps that an invoice came into the state in which it is now.
///
/// # Errors
/// The database's.
pub fn take_step(w: &mut Write, scope: &MutualScope, order: &Order, row: &Invoice, reason: Option<&str>) -> Result<()> {
    let before = store::list_steps(w, scope.mutual(), row.id)?;
    let step = Step {
        mutual_id: scope.mutual(),
        id: w.new_id(),
        invoice_id: row.id,
        ordinal: before.last().map_or(1, |last| last.ordinal + 1),
        state: row.state,
        taken_on: scope.today(),
        taken_by: order.asker.user,
        reason: reason.map(str::to_owned),
        recorded_at: w.now(),
    };
    store::insert_step(w, &step)?;
    w.field("state", before.last().map(|last| json!(last.state)), Some(json!(row.state)));
    Ok(())
}

fn told(w: &mut Write, row: &Invoice, new: &NewInvoice) {
    w.changed("invoice", row.id.uuid(), None, None);
    w.names("provider", row.provider_id.uuid());
    w.field("number", None, Some(json!(row.number)));
    w.field("rows", None, Some(json!(new.sent.rows.len())));
    w.mark(row.received_on);
}

/// The office accepts what came of an invoice: once nothing of it waits, whether the facility disputed it or not.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn accept(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: InvoiceId,
    if_match: Option<&str>,
    reason: Option<&str>,
) -> Result<()> {
    let known = store::lock(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if !matches!(known.state, InvoiceState::InControl | InvoiceState::Disputed) {
        return Err(Problem::with(Code::WrongState, format!("the invoice is {}", known.state)).into());
    }
    let sums = store::sum_claims(w, scope.mutual(), &[id])?;
    let pended: i64 = sums.values().flatten().filter(|sum| sum.state == ClaimState::Pended).map(|sum| sum.claims).sum();
    if pended > 0 {
        let detail = format!("{pended} of its claims wait for a person");
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let row = Invoice { state: InvoiceState::Accepted, version: known.version + 1, ..known };
    store::set(w, &row)?;
    take_step(w, scope, order, &row, reason)?;
    w.changed("invoice", id.uuid(), None, None);
    w.mark(scope.today());
    Ok(())
}

/// The facility does not agree with what came of its invoice.
///
/// # Errors
/// `not_found`, `wrong_state` before the control is done and where it is disputed already.
pub fn dispute(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    provider: ProviderId,
    id: InvoiceId,
    reason: &str,
) -> Result<()> {
    let known = store::lock(w, scope.mutual(), id)?.filter(|row| row.provider_id == provider);
    let known = known.ok_or(Problem::of(Code::NotFound))?;
    if !matches!(known.state, InvoiceState::InControl | InvoiceState::Accepted) {
        return Err(Problem::with(Code::WrongState, format!("the invoice is {}", known.state)).into());
    }
    let row = Invoice { state: InvoiceState::Disputed, version: known.version + 1, ..known };
    store::set(w, &row)?;
    take_step(w, scope, order, &row, Some(reason))?;
    w.changed("invoice", id.uuid(), None, None);
    w.mark(scope.today());
    Ok(())
}
