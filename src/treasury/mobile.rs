//! Mobile money, told by a signed webhook or read from the operator's statement. A telling is a hint that is kept as it came;
//! its identity (R11) is taken in the transaction of the payment. What finds no household lies unallocated and waits for a
//! person, as does what contradicts an earlier telling.
use super::model::*;
use super::rules::{Content, Seen, seen};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::contributions::desks;
use crate::contributions::model::Method;
use crate::contributions::service::{self as contributions, LARGEST_MINOR, Locked, NewPayment, Taker};
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::households::rules::is_valid_card_number;
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{Event, Holding};
use crate::ledger::service::{Posting, post};
use crate::money::{Currency, parse_amount};
use aws_lc_rs::hmac;
use chrono::{NaiveDate, NaiveDateTime};
use serde_json::json;
use std::collections::BTreeMap;

/// How far a webhook's clock may be from ours, in seconds.
const TOLERANCE_SECONDS: i64 = 300;

/// A payment as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    pub provider: String,
    pub provider_txn_id: String,
    /// Major units, as the operator writes them.
    pub amount: String,
    pub currency: String,
    /// The household's number, or a card number of one of its persons; empty where the payer gave none.
    pub account_ref: String,
    pub received_on: NaiveDate,
    /// As it came.
    pub raw: String,
}

/// What a telling led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub event: MobileEventId,
    pub result: Seen,
    pub household: Option<HouseholdId>,
    pub payment: Option<PaymentId>,
}

impl Telling {
    /// The amount in minor units, in the currency in which it was told.
    fn minor(&self) -> Option<i64> {
        let currency = Currency::parse(&self.currency)?;
        parse_amount(&self.amount, currency, currency).ok().filter(|amount| (1..=LARGEST_MINOR).contains(amount))
    }

    /// Refuses what is no payment at all, before anything is kept.
    ///
    /// # Errors
    /// `INVALID_AMOUNT`, `INVALID_MINOR_UNITS` or `amount_refused`, `amount_too_large` naming the field, `future_date`.
    pub fn must_be_payment(&self, currency: Currency, today: NaiveDate) -> Result<()> {
        if self.received_on > today {
            return Err(Problem::of(Code::FutureDate).at("/received_on").into());
        }
        // R1: an amount in another currency is not looked at further; the telling is kept and refused as a whole.
        if Currency::parse(&self.currency) != Some(currency) {
            return Ok(());
        }
        match parse_amount(&self.amount, currency, currency) {
            Err(error) => Err(Problem::field("/amount", error.code(), error.to_string()).into()),
            Ok(amount) => contributions::must_be_at_least(1, amount, "/amount"),
        }
    }
}

/// The household that an account reference names.
fn household_of(r: &mut Read, scope: &MutualScope, reference: &str) -> Result<Option<HouseholdId>> {
    let text: String = reference.split_whitespace().collect();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(household) = households::find_by_number(r, scope, &text)? {
        return Ok(Some(household.id));
    }
    if !is_valid_card_number(&text) {
        return Ok(None);
    }
    Ok(households::find_member_by_number(r, scope, &text)?.map(|(_, stay)| stay.household_id))
}

/// Takes tellings in, in their order: each is kept; the first of an identity becomes a payment.
///
/// # Errors
/// The database's.
pub fn take(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    channel: Channel,
    tellings: &[Telling],
) -> Result<Vec<Told>> {
    let mutual = scope.mutual();
    let mut found = Vec::with_capacity(tellings.len());
    let mut revisions: BTreeMap<HouseholdId, i64> = BTreeMap::new();
    for telling in tellings {
        let household = household_of(w, scope, &telling.account_ref)?;
        found.push(household);
        revisions.extend(household.map(|id| (id, 0)));
    }
    // By ascending id, before any identity.
    for (id, revision) in &mut revisions {
        *revision = households::lock(w, mutual, *id)?.ok_or(Error::Again)?;
    }
    let mut told = Vec::with_capacity(tellings.len());
    for (telling, household) in tellings.iter().zip(found) {
        told.push(take_one(w, scope, order, channel, telling, household, &mut revisions)?);
    }
    Ok(told)
}

/// Keeps the body of a telling that was well signed and is no payment, for whoever asks the operator what it was.
///
/// # Errors
/// The database's.
pub fn keep_refused(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    webhook: WebhookId,
    problem: &Problem,
    raw: &str,
) -> Result<()> {
    let first = problem.errors.first();
    let row = RefusedTelling {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        webhook_id: webhook,
        code: first.map_or_else(|| problem.code.as_str().to_owned(), |error| error.code.to_string()),
        pointer: first.map(|error| error.pointer.clone()),
        raw: raw.to_owned(),
        received_at: w.now(),
    };
    store::insert_refused(w, &row)?;
    w.changed("refused_telling", row.id.uuid(), None, None);
    w.mark(scope.today());
    Ok(())
}

fn take_one(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    channel: Channel,
    telling: &Telling,
    household: Option<HouseholdId>,
    revisions: &mut BTreeMap<HouseholdId, i64>,
) -> Result<Told> {
    let mutual = scope.mutual();
    let minor = telling.minor();
    let amount = minor.map_or_else(|| telling.amount.clone(), |minor| minor.to_string());
    let content = Content { amount: &amount, currency: &telling.currency, account_ref: &telling.account_ref };
    let event: MobileEventId = w.new_id();
    let identity = MobileIdentity {
        mutual_id: mutual,
        id: w.new_id(),
        provider: telling.provider.clone(),
        provider_txn_id: telling.provider_txn_id.clone(),
        event_id: event,
        content: content.text(),
    };
    let result = if store::claim_identity(w, &identity)? {
        seen(None, &content, scope.currency())
    } else {
        let first = store::find_identity(w, mutual, &telling.provider, &telling.provider_txn_id)?
            .ok_or_else(|| Error::Fault("an identity that is taken is not there".into()))?;
        seen(Some(&first.content), &content, scope.currency())
    };
    let mut payment = None;
    if let (Seen::Created, Some(amount_minor)) = (result, minor) {
        match household {
            Some(household) => {
                // A household named twice in one file is one more step of the same lock.
                let revision = match revisions.get(&household).copied() {
                    Some(0) | None => households::lock(w, mutual, household)?.ok_or(Error::Again)?,
                    Some(revision) => revision,
                };
                revisions.insert(household, 0);
                let new = NewPayment {
                    amount_minor,
                    method: Method::Mobile,
                    received_on: telling.received_on,
                    reference: Some(format!("{} {}", telling.provider, telling.provider_txn_id)),
                    taker: Taker::Desk(desks::first(w, mutual)?.id),
                    label: None,
                    source: Some(Key::new(event.uuid())),
                    was_unallocated: false,
                };
                payment = Some(pay(w, scope, order, household, revision, &new)?);
            }
            None => {
                let posting = Posting {
                    source: Some(event.uuid()),
                    ..Posting::of(Event::MoneyUnallocated { into: Holding::Mobile }, amount_minor, telling.received_on)
                };
                post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
            }
        }
    }
    let row = MobileEvent {
        mutual_id: mutual,
        id: event,
        provider: telling.provider.clone(),
        provider_txn_id: telling.provider_txn_id.clone(),
        channel,
        amount_text: telling.amount.clone(),
        amount_minor: minor,
        currency: telling.currency.clone(),
        account_ref: telling.account_ref.clone(),
        received_on: telling.received_on,
        result,
        household_id: household.filter(|_| payment.is_some()),
        payment_id: payment,
        raw: telling.raw.clone(),
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert_event(w, &row)?;
    w.changed("mobile_event", event.uuid(), None, None);
    w.mark(telling.received_on.min(scope.today()));
    Ok(Told { event, result, household: row.household_id, payment })
}

fn pay(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    household: HouseholdId,
    revision: i64,
    new: &NewPayment,
) -> Result<PaymentId> {
    let mutual = scope.mutual();
    let locked =
        Locked { mutual, household, revision, currency: scope.currency(), today: scope.today(), command: order.id };
    let id = w.new_id();
    contributions::pay(w, order, &locked, id, new)?;
    let section = households::section_of(w, mutual, household)?;
    w.changed("payment", id.uuid(), section, section);
    w.touch(household);
    Ok(id)
}

/// What of a telling still waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing.
    No,
    /// Money lies unallocated.
    Money,
    /// A contradiction or another currency; no money moved.
    Look,
}

/// Which of these tellings wait, in their order.
///
/// # Errors
/// The database's.
pub fn waiting(r: &mut Read, mutual: MutualId, events: &[MobileEvent]) -> Result<Vec<(Waits, i32)>> {
    let ids: Vec<MobileEventId> = events.iter().map(|event| event.id).collect();
    let decisions = store::list_decisions(r, mutual, &ids)?;
    let payments: Vec<PaymentId> = decisions.iter().filter_map(|row| row.payment_id).collect();
    let reversed = store::list_reversed(r, mutual, &payments)?;
    Ok(events
        .iter()
        .map(|event| {
            let own: Vec<&MobileDecision> = decisions.iter().filter(|row| row.event_id == event.id).collect();
            let next = i32::try_from(own.len()).unwrap_or(i32::MAX).saturating_add(1);
            let stands = own.last().is_some_and(|row| row.payment_id.is_none_or(|id| !reversed.contains(&id)));
            let waits = match (event.result, event.payment_id) {
                _ if stands => Waits::No,
                (Seen::Created, None) => Waits::Money,
                (Seen::ConflictQuarantined | Seen::CurrencyRefused, _) => Waits::Look,
                _ => Waits::No,
            };
            (waits, next)
        })
        .collect())
}

/// What a person decides on a telling that waits.
#[derive(Debug, Clone)]
pub enum Decision {
    /// It is this household's.
    Assign(HouseholdId),
    /// It was sent back.
    Return(String),
    /// It was looked into.
    Dismiss(String),
}

/// Decides on a telling that waits.
///
/// # Errors
/// `not_found`, `wrong_state` where it does not wait, or waits for another decision.
pub fn decide(w: &mut Write, scope: &MutualScope, order: &Order, id: MobileEventId, decision: &Decision) -> Result<()> {
    let mutual = scope.mutual();
    let lock = match decision {
        Decision::Assign(household) => {
            let unknown = || Problem::of(Code::NotFound).at("/household_id");
            let revision = households::lock(w, mutual, *household)?.ok_or_else(unknown)?;
            households::find(w, scope, *household)?.ok_or_else(unknown)?;
            Some((*household, revision))
        }
        Decision::Return(_) | Decision::Dismiss(_) => None,
    };
    let event = store::find_event(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    let (waits, ordinal) = waiting(w, mutual, std::slice::from_ref(&event))?.remove(0);
    let wanted = if matches!(decision, Decision::Dismiss(_)) { Waits::Look } else { Waits::Money };
    let refused = |what: &str| Error::from(Problem::with(Code::WrongState, what));
    match (waits, wanted) {
        (Waits::No, _) => return Err(refused("it waits for nobody")),
        (Waits::Look, Waits::Money) => return Err(refused("no money came with it; it can only be dismissed")),
        (Waits::Money, Waits::Look) => return Err(refused("money lies with it; assign it or send it back")),
        _ => {}
    }
    let amount_minor = event.amount_minor.unwrap_or(0);
    let (kind, payment, reason) = match (decision, lock) {
        (Decision::Assign(_), Some((household, revision))) => {
            let new = NewPayment {
                amount_minor,
                method: Method::Mobile,
                received_on: event.received_on,
                reference: Some(format!("{} {}", event.provider, event.provider_txn_id)),
                taker: Taker::Desk(desks::first(w, mutual)?.id),
                label: None,
                source: Some(Key::new(id.uuid())),
                was_unallocated: true,
            };
            (Decided::Assigned, Some(pay(w, scope, order, household, revision, &new)?), None)
        }
        (Decision::Assign(_), None) => return Err(Error::Fault("a household was not locked".into())),
        (Decision::Return(reason), _) => {
            let event = Event::UnallocatedReturned { from: Holding::Mobile };
            let posting = Posting { source: Some(id.uuid()), ..Posting::of(event, amount_minor, scope.today()) };
            post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
            (Decided::Returned, None, Some(reason.clone()))
        }
        (Decision::Dismiss(reason), _) => (Decided::Dismissed, None, Some(reason.clone())),
    };
    let row = MobileDecision {
        mutual_id: mutual,
        id: Key::new(order.id.uuid()),
        event_id: id,
        ordinal,
        kind,
        payment_id: payment,
        reason,
        decided_on: scope.today(),
        decided_by: order.asker.user,
        recorded_at: w.now(),
    };
    // Two who decide at once meet in the place of the decision.
    if !store::insert_decision(w, &row)? {
        return Err(refused("somebody else decided it just now"));
    }
    w.changed("mobile_event", id.uuid(), None, None);
    w.field("decision", None, Some(json!(kind)));
    w.mark(event.received_on);
    Ok(())
}

/// True where the signature of a webhook's body is right: `v1=` and the hexadecimal HMAC-SHA-256 of `timestamp.body`.
///
/// # Errors
/// `signature_refused`, `signature_expired` more than five minutes from our clock.
pub fn verify_signature(
    secret: &[u8],
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: NaiveDateTime,
) -> Result<()> {
    let refused = || Error::from(Code::SignatureRefused);
    let timestamp = timestamp.ok_or_else(refused)?;
    let seconds: i64 = timestamp.parse().map_err(|_| refused())?;
    let signature = signature.and_then(|text| text.strip_prefix("v1=")).ok_or_else(refused)?;
    let tag = data_encoding::HEXLOWER_PERMISSIVE.decode(signature.as_bytes()).map_err(|_| refused())?;
    let mut message = timestamp.as_bytes().to_vec();
    message.push(b'.');
    message.extend_from_slice(body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, &message, &tag).map_err(|_| refused())?;
    // After the signature, so that who cannot sign learns nothing of the clock.
    if now.and_utc().timestamp().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Code::SignatureExpired.into());
    }
    Ok(())
}

/// Signs a body as [`verify_signature`] asks it: for tests and for who tries it out.
pub fn sign(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    let mut message = format!("{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &message);
    format!("v1={}", data_encoding::HEXLOWER.encode(tag.as_ref()))
}
