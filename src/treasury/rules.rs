//! Rules of the treasury: what a collector owes (R16), whether a list agrees with its transfer (R16), whether an operator's
//! payment was seen before (R11). Pure.
use crate::contributions::model::DueKind;
use crate::money::{self, Currency, Overflow};
use crate::words;

words! {
    /// Where a collector stands.
    pub enum Balance {
        /// All that was collected was handed over.
        Balanced = "BALANCED",
        /// Less.
        Short = "SHORT",
        /// More.
        Over = "OVER",
    }
}

impl Balance {
    /// By what is outstanding.
    pub const fn of(outstanding_minor: i64) -> Balance {
        match outstanding_minor {
            0 => Balance::Balanced,
            1.. => Balance::Short,
            _ => Balance::Over,
        }
    }
}

/// What a collector collected and handed over (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    pub collected: i64,
    pub outstanding: i64,
    pub state: Balance,
    /// The sum of the shares of each contribution receipt.
    pub commission: i64,
}

/// What a collector's receipts come to; one receipt is what it was for and how much.
///
/// # Errors
/// Where a sum does not fit in 64 bits.
pub fn collected(receipts: &[(DueKind, i64)], remitted: i64, commission_bp: i64) -> Result<Collected, Overflow> {
    let collected = money::sum(receipts.iter().map(|(_, amount)| *amount))?;
    let outstanding = collected.checked_sub(remitted).ok_or(Overflow)?;
    let mut commission = 0_i64;
    for (_, amount) in receipts.iter().filter(|(kind, _)| *kind == DueKind::Contribution) {
        commission = commission.checked_add(money::share(*amount, commission_bp)?).ok_or(Overflow)?;
    }
    Ok(Collected { collected, outstanding, state: Balance::of(outstanding), commission })
}

words! {
    /// What becomes of a transfer with a list.
    pub enum ListResult {
        Allocated = "ALLOCATED",
        PendingListCorrection = "PENDING_LIST_CORRECTION",
    }
}

/// A transfer against its list (R16): all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    pub list_total: i64,
    /// Transferred less the list's total.
    pub difference: i64,
    pub result: ListResult,
    pub allocated: i64,
}

/// Compares a transfer with the amounts of its list.
///
/// # Errors
/// Where a sum does not fit in 64 bits.
pub fn listed(amounts: &[i64], transferred: i64) -> Result<Listed, Overflow> {
    let list_total = money::sum(amounts.iter().copied())?;
    let difference = transferred.checked_sub(list_total).ok_or(Overflow)?;
    let (result, allocated) = match difference {
        0 => (ListResult::Allocated, list_total),
        _ => (ListResult::PendingListCorrection, 0),
    };
    Ok(Listed { list_total, difference, result, allocated })
}

words! {
    /// What an operator's payment is (R11).
    pub enum Seen {
        /// Seen for the first time, in the mutual's currency.
        Created = "created",
        /// Seen before with the same content: without effect.
        Replayed = "replayed",
        /// Seen before with other content: no money moves.
        ConflictQuarantined = "conflict_quarantined",
        /// Seen for the first time, in another currency: no money moves.
        CurrencyRefused = "currency_refused",
    }
}

/// What makes two tellings of one transaction the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// In minor units, or as it was told where it cannot be read in its currency.
    pub amount: &'a str,
    pub currency: &'a str,
    pub account_ref: &'a str,
}

impl Content<'_> {
    /// As it is kept beside the identity.
    pub fn text(&self) -> String {
        serde_json::json!([self.amount, self.currency, self.account_ref]).to_string()
    }
}

/// What a telling is, beside the first telling of the same identity if there was one.
pub fn seen(first: Option<&str>, now: &Content<'_>, currency: Currency) -> Seen {
    match first {
        Some(first) if first == now.text() => Seen::Replayed,
        Some(_) => Seen::ConflictQuarantined,
        None if Currency::parse(now.currency) == Some(currency) => Seen::Created,
        None => Seen::CurrencyRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commission_is_rounded_receipt_by_receipt() {
        let receipts = [(DueKind::Contribution, 1), (DueKind::Contribution, 1), (DueKind::Registration, 100)];
        let found = collected(&receipts, 103, 5000).unwrap();
        // Half of 1 is 1, half up, each time; the fee has none.
        assert_eq!((found.commission, found.outstanding, found.state), (2, -1, Balance::Over));
        assert_eq!(collected(&receipts, 102, 0).unwrap().state, Balance::Balanced);
        assert!(collected(&[(DueKind::Other, i64::MAX), (DueKind::Other, 1)], 0, 0).is_err());
    }

    #[test]
    fn a_list_is_paid_whole_or_not_at_all() {
        let same = listed(&[5, 7], 12).unwrap();
        assert_eq!((same.result, same.allocated, same.difference), (ListResult::Allocated, 12, 0));
        for transferred in [11, 13] {
            let other = listed(&[5, 7], transferred).unwrap();
            assert_eq!((other.result, other.allocated), (ListResult::PendingListCorrection, 0));
        }
    }

    #[test]
    fn an_identity_is_what_it_was_first() {
        let bif = Currency::parse("BIF").unwrap();
        let told = |amount, currency, account_ref| Content { amount, currency, account_ref };
        let first = told("5", "BIF", "H1");
        assert_eq!(seen(None, &first, bif), Seen::Created);
        assert_eq!(seen(None, &told("5", "XOF", "H1"), bif), Seen::CurrencyRefused);
        assert_eq!(seen(None, &told("5", "bif", "H1"), bif), Seen::CurrencyRefused);
        assert_eq!(seen(Some(&first.text()), &first, bif), Seen::Replayed);
        for other in [told("6", "BIF", "H1"), told("5", "XOF", "H1"), told("5", "BIF", "H2")] {
            assert_eq!(seen(Some(&first.text()), &other, bif), Seen::ConflictQuarantined);
        }
    }
}
