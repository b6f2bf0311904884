//! What was due, what came in, what is behind, what the books say.
use super::{Part, Scope};
use crate::contributions::lists;
use crate::contributions::model::{CancellationKind, DueKind};
use crate::contributions::service::HOUSEHOLD;
use crate::dates::add_days;
use crate::db::Read;
use crate::db::schema::*;
use crate::error::Result;
use crate::ids::*;
use crate::ledger::model::AccountKind;
use crate::reports::measures::{Dimension, Measure, Sheet};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use std::collections::{BTreeMap, HashMap};

/// A sum as both engines give it.
fn total(column: &str) -> diesel::expression::SqlLiteral<Nullable<BigInt>> {
    sql::<Nullable<BigInt>>(&format!("CAST(SUM({column}) AS BIGINT)"))
}

/// Adds what was due and what was received for it.
pub(super) fn dues(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    due(r, of, &mut part.sheet)?;
    received(r, of, &mut part.sheet)
}

/// Adds what is behind, by its age.
pub(super) fn arrears(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let ages = [Measure::Arrears1To30, Measure::Arrears31To90, Measure::ArrearsOver90];
    for (age, open) in ages.into_iter().zip(lists::open_by_age(r, of.mutual, of.stock_on)?) {
        part.sheet.totals.set(age, open);
    }
    Ok(())
}

/// Adds what of the contributions was earned in the month, and what is not yet.
pub(super) fn earned(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let before = add_days(of.from, -1).unwrap_or(of.from);
    let [then, now] = lists::earned(r, of.mutual, [before, of.stock_on])?;
    part.sheet.totals.set(Measure::Earned, now.earned - then.earned);
    part.sheet.totals.set(Measure::Unearned, now.unearned);
    Ok(())
}

/// Contributions and fees due in the month, less what was cancelled or waived.
fn due(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let issued: Vec<(DueKind, String, Option<i64>)> = dues::table
        .filter(dues::mutual_id.eq(of.mutual))
        .filter(dues::due_on.between(of.from, of.to))
        .group_by((dues::kind, dues::payer))
        .select((dues::kind, dues::payer, total("amount_minor")))
        .load(r.conn())?;
    let less: Vec<(DueKind, String, Option<i64>)> = due_cancellations::table
        .inner_join(
            dues::table
                .on(dues::mutual_id.eq(due_cancellations::mutual_id).and(dues::id.eq(due_cancellations::due_id))),
        )
        .filter(dues::mutual_id.eq(of.mutual))
        .filter(dues::due_on.between(of.from, of.to))
        // What nobody expects any more was due all the same.
        .filter(due_cancellations::kind.ne(CancellationKind::WrittenOff))
        .group_by((dues::kind, dues::payer))
        .select((dues::kind, dues::payer, total("due_cancellations.amount_minor")))
        .load(r.conn())?;
    let mut owed: BTreeMap<(DueKind, String), i64> = BTreeMap::new();
    for (kind, payer, amount) in issued {
        *owed.entry((kind, payer)).or_default() += amount.unwrap_or(0);
    }
    for (kind, payer, amount) in less {
        *owed.entry((kind, payer)).or_default() -= amount.unwrap_or(0);
    }
    let sum_of = |wanted: &dyn Fn(&DueKind, &str) -> bool| {
        owed.iter().filter(|((kind, payer), _)| wanted(kind, payer)).map(|(_, amount)| amount).sum::<i64>()
    };
    sheet.totals.set(Measure::Dues, sum_of(&|kind, _| *kind == DueKind::Contribution));
    sheet
        .totals
        .set(Measure::DuesHousehold, sum_of(&|kind, payer| *kind == DueKind::Contribution && payer == HOUSEHOLD));
    sheet.totals.set(Measure::Fees, sum_of(&|kind, _| *kind == DueKind::Registration));
    for ((kind, payer), amount) in &owed {
        if *kind == DueKind::Contribution {
            sheet.add(Dimension::Payer, payer, 0, *amount);
        }
    }
    Ok(())
}

/// What was received for the dues of the month, and what was received in the month.
fn received(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let taken: Vec<(String, Option<i64>)> = allocations::table
        .inner_join(dues::table.on(dues::mutual_id.eq(allocations::mutual_id).and(dues::id.eq(allocations::due_id))))
        .filter(dues::mutual_id.eq(of.mutual))
        .filter(dues::kind.eq(DueKind::Contribution))
        .filter(dues::due_on.between(of.from, of.to))
        .group_by(dues::payer)
        .select((dues::payer, total("allocations.amount_minor")))
        .load(r.conn())?;
    let taken = taken.into_iter().map(|(payer, amount)| (payer, amount.unwrap_or(0)));
    let mut all = 0_i64;
    for (payer, amount) in taken.chain(subsidised(r, of)?) {
        all += amount;
        sheet.add(Dimension::Payer, &payer, 1, amount);
    }
    sheet.totals.set(Measure::ReceivedForDues, all);
    let paid: Option<i64> = payments::table
        .filter(payments::mutual_id.eq(of.mutual))
        .filter(payments::received_on.between(of.from, of.to))
        .select(total("amount_minor"))
        .first(r.conn())?;
    let reversed: Option<i64> = reversals::table
        .inner_join(
            payments::table
                .on(payments::mutual_id.eq(reversals::mutual_id).and(payments::id.eq(reversals::payment_id))),
        )
        .filter(reversals::mutual_id.eq(of.mutual))
        .filter(reversals::reversed_on.between(of.from, of.to))
        .select(total("payments.amount_minor"))
        .first(r.conn())?;
    let subsidies: Option<i64> = subsidy_payments::table
        .filter(subsidy_payments::mutual_id.eq(of.mutual))
        .filter(subsidy_payments::received_on.between(of.from, of.to))
        .select(total("amount_minor"))
        .first(r.conn())?;
    sheet.totals.set(Measure::Collected, paid.unwrap_or(0) - reversed.unwrap_or(0));
    sheet.totals.set(Measure::SubsidiesReceived, subsidies.unwrap_or(0));
    Ok(())
}

/// What other payers paid of the contributions due in the month: an invoice's dues are paid in their order.
fn subsidised(r: &mut Read, of: &Scope<'_>) -> Result<Vec<(String, i64)>> {
    let items: Vec<(SubsidyBatchId, String, i64, i64)> = subsidy_items::table
        .inner_join(
            dues::table.on(dues::mutual_id.eq(subsidy_items::mutual_id).and(dues::id.eq(subsidy_items::due_id))),
        )
        .filter(dues::mutual_id.eq(of.mutual))
        .filter(dues::kind.eq(DueKind::Contribution))
        .filter(dues::due_on.between(of.from, of.to))
        .select((subsidy_items::batch_id, dues::payer, subsidy_items::before_minor, subsidy_items::amount_minor))
        .load(r.conn())?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let paid: Vec<(SubsidyBatchId, Option<i64>)> = subsidy_payments::table
        .filter(subsidy_payments::mutual_id.eq(of.mutual))
        .group_by(subsidy_payments::batch_id)
        .select((subsidy_payments::batch_id, total("amount_minor")))
        .load(r.conn())?;
    let paid: HashMap<SubsidyBatchId, Option<i64>> = paid.into_iter().collect();
    let mut by_payer: BTreeMap<String, i64> = BTreeMap::new();
    for (batch, payer, before, amount) in items {
        let so_far = paid.get(&batch).copied().flatten().unwrap_or(0);
        *by_payer.entry(payer).or_default() += (so_far - before).clamp(0, amount);
    }
    Ok(by_payer.into_iter().collect())
}

/// Adds what the books say: flows of the month and balances at its end, by the days of the events.
pub(super) fn books(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let known: Vec<(AccountId, String, AccountKind)> = accounts::table
        .filter(accounts::mutual_id.eq(of.mutual))
        .select((accounts::id, accounts::code, accounts::kind))
        .load(r.conn())?;
    let moved = moved(r, of)?;
    let mut sums: BTreeMap<Measure, i64> = BTreeMap::new();
    let mut bump = |measure: Measure, amount: i64| *sums.entry(measure).or_default() += amount;
    for (id, code, kind) in &known {
        let (flow, balance) = moved.get(id).copied().unwrap_or_default();
        let (group, _) = code.split_once(':').unwrap_or((code, ""));
        match (kind, group) {
            (AccountKind::Income, "contributions" | "fees") => bump(Measure::ContributionIncome, -flow),
            (AccountKind::Income, "subsidies") => bump(Measure::SubsidyIncome, -flow),
            (AccountKind::Income, _) => bump(Measure::OtherIncome, -flow),
            // Benefits are in the figures of care.
            (AccountKind::Expense, "benefits") | (AccountKind::Equity, _) => {}
            (AccountKind::Expense, _) => bump(Measure::Expenses, flow),
            (AccountKind::Asset, _) => {
                bump(Measure::Assets, balance);
                if matches!(group, "cash" | "bank" | "mobile") {
                    bump(Measure::Liquid, balance);
                }
            }
            (AccountKind::Liability, _) => {
                bump(Measure::Liabilities, -balance);
                if group == "payable" {
                    bump(Measure::Payable, -balance);
                }
            }
        }
    }
    for (measure, amount) in sums {
        part.sheet.totals.set(measure, amount);
    }
    Ok(())
}

/// Debits less credits of each account: of the month, and up to its end.
fn moved(r: &mut Read, of: &Scope<'_>) -> Result<HashMap<AccountId, (i64, i64)>> {
    let within = format!("CASE WHEN value_on >= '{}' THEN amount_minor END", of.from);
    let pairs: Vec<(AccountId, AccountId, Option<i64>, Option<i64>)> = transfers::table
        .filter(transfers::mutual_id.eq(of.mutual))
        .filter(transfers::value_on.le(of.stock_on))
        .group_by((transfers::debit_account_id, transfers::credit_account_id))
        .select((transfers::debit_account_id, transfers::credit_account_id, total(&within), total("amount_minor")))
        .load(r.conn())?;
    let mut sums: HashMap<AccountId, (i64, i64)> = HashMap::new();
    for (debit, credit, flow, all) in pairs {
        let (flow, all) = (flow.unwrap_or(0), all.unwrap_or(0));
        let taker = sums.entry(debit).or_default();
        *taker = (taker.0 + flow, taker.1 + all);
        let giver = sums.entry(credit).or_default();
        *giver = (giver.0 - flow, giver.1 - all);
    }
    Ok(sums)
}
