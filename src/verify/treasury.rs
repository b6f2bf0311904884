//! The checks of the treasury: what lies unallocated, what collectors hold, what moved, what other payers paid.
use super::Finding;
use crate::contributions::store as contributions;
use crate::db::Read;
use crate::error::Result;
use crate::ids::*;
use crate::ledger::rules::{MAIN, MovementKind};
use crate::ledger::store as ledger;
use crate::treasury::collectors::float_of;
use crate::treasury::model::Remittance;
use crate::treasury::store;
use chrono::NaiveDate;

/// The accounts of the treasury against its rows.
///
/// # Errors
/// The database's.
pub fn treasury(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut compare = |what: String, rows: i64, books: i64| {
        if rows != books {
            let what = format!("{what}: the rows say {rows}, the books {books}");
            findings.push(Finding { check: "treasury", mutual: code.to_owned(), what });
        }
    };
    let unallocated = store::sum_unassigned(r, mutual)? - store::sum_assigned(r, mutual)?;
    compare("unallocated money".into(), unallocated, -ledger::balance(r, mutual, MAIN, "unallocated")?);
    for account in ledger::list_accounts_of(r, mutual, MAIN)? {
        let Some(collector) = account.code.strip_prefix("float:").and_then(|id| id.parse().ok()).map(Key::new) else {
            continue;
        };
        let received = contributions::sum_of_collector(r, mutual, collector)?;
        let counted: Vec<Remittance> = store::list_remittances_of(r, mutual, collector)?;
        let counted: Vec<&Remittance> = counted.iter().filter(|row| row.counted_minor.is_some()).collect();
        let handed: i64 = counted.iter().map(|row| row.declared_minor).sum();
        let there = ledger::balance(r, mutual, MAIN, &float_of(collector))?;
        compare(format!("float of {collector}"), received - handed, there);
        let short: i64 = counted.iter().map(|row| row.declared_minor - row.counted_minor.unwrap_or(0)).sum();
        let repaid = sum_of(r, mutual, MovementKind::DebtRepaid, Some(collector))?;
        let debt = ledger::balance(r, mutual, MAIN, &format!("debt:{collector}"))?;
        compare(format!("debt of {collector}"), short - repaid, debt);
    }
    let spent = sum_of(r, mutual, MovementKind::Expense, None)? + sum_of(r, mutual, MovementKind::Commission, None)?;
    let opened = ledger::sum_of_event(r, mutual, MAIN, "expense", "opening_balance")?;
    compare("expenses".into(), spent + opened, ledger::balance(r, mutual, MAIN, "expense")?);
    let subsidies = store::sum_subsidies(r, mutual)?;
    let opened = ledger::sum_of_event(r, mutual, MAIN, "subsidies", "opening_balance")?;
    compare("subsidies".into(), subsidies - opened, -ledger::balance(r, mutual, MAIN, "subsidies")?);
    Ok(findings)
}

/// The sum of the standing movements of a kind.
fn sum_of(r: &mut Read, mutual: MutualId, kind: MovementKind, collector: Option<UserId>) -> Result<i64> {
    let always = crate::dates::bounded((NaiveDate::MIN, NaiveDate::MAX));
    let rows = store::list_movements(r, mutual, Some(kind), always, None, i64::MAX)?;
    let of = |row: &crate::treasury::model::Movement| collector.is_none() || row.collector_id == collector;
    Ok(rows.iter().filter(|(row, back)| back.is_none() && of(row)).map(|(row, _)| row.amount_minor).sum())
}
