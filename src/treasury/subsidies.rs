//! Subsidies: what the State, an employer, a donor or a fund owes of dues is invoiced in a batch with the list of
//! beneficiaries and paid later. A household's cover never waits for it.
use super::model::*;
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::contributions::desks;
use crate::contributions::receipts::{self, Issuer};
use crate::contributions::service::{HOUSEHOLD, must_be_amount};
use crate::db::Write;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::Event;
use crate::ledger::service::{Posting, post};
use crate::money;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashMap;

/// Dues of one invoice at most; what is left goes into the next.
const MOST: i64 = 2_000;

/// Invoices a payer for his dues until a day that stand in no invoice yet.
///
/// # Errors
/// `wrong_state` where nothing is to be invoiced.
pub fn invoice(w: &mut Write, scope: &MutualScope, order: &Order, payer: &str, until: NaiveDate) -> Result<()> {
    let mutual = scope.mutual();
    if payer == HOUSEHOLD {
        let message = "a household is sent no invoice here; its dues are listed as arrears";
        return Err(Problem::field("/payer", "unknown_value", message).into());
    }
    // One invoice at a time: a due stands in one.
    crate::contributions::store::lock_invoicing(w, mutual)?;
    let dues = store::list_uninvoiced(w, mutual, payer, until, MOST)?;
    let ids: Vec<DueId> = dues.iter().map(|due| due.id).collect();
    let mut relief: HashMap<DueId, i64> = HashMap::new();
    for row in store::list_relief(w, mutual, &ids)? {
        *relief.entry(row.due_id).or_default() += row.amount_minor;
    }
    let id: SubsidyBatchId = Key::new(order.id.uuid());
    let mut items = Vec::new();
    let mut before_minor = 0_i64;
    for due in &dues {
        let amount_minor = due.amount_minor - relief.get(&due.id).copied().unwrap_or(0);
        if amount_minor <= 0 {
            continue;
        }
        items.push(SubsidyItem {
            mutual_id: mutual,
            id: w.new_id(),
            batch_id: id,
            ordinal: i32::try_from(items.len() + 1).unwrap_or(i32::MAX),
            due_id: due.id,
            household_id: due.household_id,
            amount_minor,
            before_minor,
        });
        before_minor = before_minor.checked_add(amount_minor).ok_or(Problem::of(Code::AmountTooLarge))?;
    }
    if items.is_empty() {
        let detail = "no due of this payer until that day stands outside his invoices";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let row = SubsidyBatch {
        mutual_id: mutual,
        id,
        payer: payer.to_owned(),
        label: format!("{payer}-{:04}", store::count_batches(w, mutual, payer)? + 1),
        until_on: until,
        issued_on: scope.today(),
        number_of_dues: i64::try_from(items.len()).unwrap_or(i64::MAX),
        amount_minor: before_minor,
        currency: scope.currency().code().to_owned(),
        recorded_by: order.asker.user,
        recorded_at: w.now(),
        version: 1,
    };
    store::insert_batch(w, &row, &items)?;
    w.changed("subsidy_batch", id.uuid(), None, None);
    w.field("payer", None, Some(json!(payer)));
    w.field("amount_minor", None, Some(json!(before_minor)));
    w.mark(scope.today());
    Ok(())
}

/// A payer's payment of an invoice, whole or in part.
#[derive(Debug, Clone)]
pub struct NewSubsidyPayment {
    pub amount_minor: i64,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
}

/// Records what a payer paid of an invoice: a receipt of the first desk, the bank and `subsidies`.
///
/// # Errors
/// `amount_refused` beyond what is open of the invoice, `amount_too_large`, `future_date`, `not_found`.
pub fn pay(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    batch: SubsidyBatchId,
    new: &NewSubsidyPayment,
) -> Result<()> {
    must_be_amount(new.amount_minor)?;
    if new.received_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/received_on").into());
    }
    let mutual = scope.mutual();
    if !store::lock_batch(w, mutual, batch)? {
        return Err(Code::NotFound.into());
    }
    let row = store::find_batch(w, mutual, batch)?.ok_or(Problem::of(Code::NotFound))?;
    let paid = store::list_subsidy_payments(w, mutual, &[batch])?;
    let paid = money::sum(paid.iter().map(|(payment, _)| payment.amount_minor))
        .map_err(|_| Problem::of(Code::AmountTooLarge))?;
    let open = row.amount_minor - paid;
    if new.amount_minor > open {
        let detail = format!("{open} minor units are open of the invoice");
        return Err(Problem::with(Code::AmountRefused, detail).at("/amount_minor").into());
    }
    let desk = desks::first(w, mutual)?.id;
    let receipt = receipts::give(w, mutual, &Issuer::Desk(desk), new.received_on)?;
    let id: SubsidyPaymentId = Key::new(order.id.uuid());
    let payment = SubsidyPayment {
        mutual_id: mutual,
        id,
        batch_id: batch,
        receipt_id: receipt.id,
        amount_minor: new.amount_minor,
        currency: row.currency,
        received_on: new.received_on,
        reference: new.reference.clone(),
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert_subsidy_payment(w, &payment)?;
    let posting =
        Posting { source: Some(id.uuid()), ..Posting::of(Event::SubsidyReceived, new.amount_minor, new.received_on) };
    post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
    w.changed("subsidy_batch", batch.uuid(), None, None);
    w.field("amount_minor", None, Some(json!(new.amount_minor)));
    w.field("receipt", None, Some(json!(receipt.label)));
    w.mark(new.received_on);
    // What was received for dues is of the months of the dues.
    if let Some(first) = store::first_due_of(w, mutual, batch)? {
        w.mark(first.min(scope.today()));
    }
    Ok(())
}
