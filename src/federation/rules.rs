//! The money between mutuals and their federation, in minor units: dues (R35), guarantee fund (R36), stop-loss (R37),
//! clearing (R38). Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::money::{self, Overflow};

/// What a federation asks of a mutual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuesTerms {
    pub per_household: i64,
    /// Of the contributions collected.
    pub rate_bp: i64,
}

/// What a mutual owes its federation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dues {
    pub fixed: i64,
    pub variable: i64,
    pub total: i64,
}

/// R35: households × fixed + share of what was collected.
///
/// # Errors
/// Where an amount does not fit in 64 bits.
pub fn dues(terms: &DuesTerms, active_households: i64, contributions_collected: i64) -> Result<Dues, Overflow> {
    let fixed = active_households.checked_mul(terms.per_household).ok_or(Overflow)?;
    let variable = money::share(contributions_collected, terms.rate_bp)?;
    Ok(Dues { fixed, variable, total: money::sum([fixed, variable])? })
}

/// What a guarantee fund promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuaranteeTerms {
    /// Of the shortfall.
    pub share_bp: i64,
    /// The most that is paid, in times of what the mutual paid in.
    pub multiple: i64,
}

/// A mutual that calls on the guarantee fund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuaranteeCall {
    pub shortfall: i64,
    pub paid_in: i64,
    pub fund_balance: i64,
}

/// R36: the share of the shortfall, up to the multiple of what was paid in and to what the fund has; never negative.
///
/// # Errors
/// Where the share, at a rate above 100 %, does not fit in 64 bits.
pub fn guarantee_payout(terms: &GuaranteeTerms, call: &GuaranteeCall) -> Result<i64, Overflow> {
    // A surplus is no shortfall, and only amounts from zero up are shared (R2).
    let share = money::share(call.shortfall.max(0), terms.share_bp)?;
    // A multiple beyond 64 bits is no limit, not an overflow.
    let most = i128::from(terms.multiple) * i128::from(call.paid_in);
    let payout = most.min(share.min(call.fund_balance).into()).max(0);
    i64::try_from(payout).map_err(|_| Overflow)
}

/// A stop-loss treaty per person and year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopLossTerms {
    /// What the mutual bears alone, per person and year.
    pub retention: i64,
    /// Of what is above the retention.
    pub share_bp: i64,
    /// The most that is recovered, per person and year.
    pub limit: i64,
}

impl StopLossTerms {
    /// R37: what the mutual recovers of what it paid for one person in a year.
    ///
    /// # Errors
    /// Where the excess or its share does not fit in 64 bits.
    pub fn recovery(&self, paid: i64) -> Result<i64, Overflow> {
        Ok(money::share(excess(paid, self.retention)?, self.share_bp)?.min(self.limit))
    }
}

/// What a mutual recovers for its persons of a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recoveries<Person> {
    /// Everyone asked about, zeros too.
    pub by_person: BTreeMap<Person, i64>,
    pub total: i64,
}

/// R37 for each person.
///
/// # Errors
/// Where an amount does not fit in 64 bits.
pub fn stop_loss<Person: Ord + Clone>(
    terms: &StopLossTerms,
    paid_by_person: &BTreeMap<Person, i64>,
) -> Result<Recoveries<Person>, Overflow> {
    let mut by_person = BTreeMap::new();
    for (person, paid) in paid_by_person {
        by_person.insert(person.clone(), terms.recovery(*paid)?);
    }
    let total = money::sum(by_person.values().copied())?;
    Ok(Recoveries { by_person, total })
}

/// A stop-loss treaty on all claims of a year; attachment and cap are rates of the contributions earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateTerms {
    pub attachment_bp: i64,
    /// Of what is above the attachment.
    pub share_bp: i64,
    pub cap_bp: i64,
}

/// What a mutual recovers on all claims of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateRecovery {
    /// The claims that the mutual bears alone.
    pub attachment: i64,
    pub recovery: i64,
}

/// R37 on all claims of a year.
///
/// # Errors
/// Where an amount does not fit in 64 bits.
pub fn aggregate_stop_loss(terms: &AggregateTerms, earned: i64, claims: i64) -> Result<AggregateRecovery, Overflow> {
    let attachment = money::share(earned, terms.attachment_bp)?;
    let share = money::share(excess(claims, attachment)?, terms.share_bp)?;
    let cap = money::share(earned, terms.cap_bp)?;
    Ok(AggregateRecovery { attachment, recovery: share.min(cap) })
}

/// What an amount is above a bound, zero below it.
fn excess(amount: i64, bound: i64) -> Result<i64, Overflow> {
    Ok(amount.checked_sub(bound).ok_or(Overflow)?.max(0))
}

/// An amount that one mutual owes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation<Id> {
    pub debtor: Id,
    pub creditor: Id,
    pub amount: i64,
}

/// An amount that one mutual is to send another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer<Id> {
    pub from: Id,
    pub to: Id,
    pub amount: i64,
}

/// Obligations settled by fewer and smaller transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing<Id> {
    /// Owed to each mutual less owed by it; one that is even is listed with zero.
    pub net: BTreeMap<Id, i64>,
    pub transfers: Vec<Transfer<Id>>,
    /// The sum of the obligations.
    pub gross: i64,
    /// The sum of the transfers.
    pub settled: i64,
}

/// R38: the largest debtor pays the largest creditor until everyone is even; of equals the lower id.
///
/// # Errors
/// Where a position or a sum does not fit in 64 bits.
pub fn clear<Id: Ord + Clone>(obligations: &[Obligation<Id>]) -> Result<Clearing<Id>, Overflow> {
    let gross = money::sum(obligations.iter().map(|obligation| obligation.amount))?;
    let net = net_positions(obligations)?;
    let transfers = settle(net.clone())?;
    let settled = money::sum(transfers.iter().map(|transfer| transfer.amount))?;
    Ok(Clearing { net, transfers, gross, settled })
}

fn net_positions<Id: Ord + Clone>(obligations: &[Obligation<Id>]) -> Result<BTreeMap<Id, i64>, Overflow> {
    // In 128 bits, since a position may leave 64 on its way to a sum that fits.
    let mut wide: BTreeMap<Id, i128> = BTreeMap::new();
    for Obligation { debtor, creditor, amount } in obligations {
        *wide.entry(debtor.clone()).or_default() -= i128::from(*amount);
        *wide.entry(creditor.clone()).or_default() += i128::from(*amount);
    }
    wide.into_iter().map(|(id, net)| Ok((id, i64::try_from(net).map_err(|_| Overflow)?))).collect()
}

/// The transfers after which every position is zero. Each one evens a mutual out, so there are fewer than mutuals.
fn settle<Id: Ord + Clone>(mut open: BTreeMap<Id, i64>) -> Result<Vec<Transfer<Id>>, Overflow> {
    let mut transfers = Vec::new();
    loop {
        // `min_by_key` keeps the first of equals, which is the lower id; `max_by_key` would keep the last.
        let debtor = open.iter().min_by_key(|(_, net)| **net);
        let creditor = open.iter().min_by_key(|(_, net)| Reverse(**net));
        // Positions add up to zero: without a debtor there is no creditor.
        let (Some((from, owing @ ..0)), Some((to, owed @ 1..))) = (debtor, creditor) else {
            return Ok(transfers);
        };
        let amount = owing.checked_neg().ok_or(Overflow)?.min(*owed);
        let transfer = Transfer { from: from.clone(), to: to.clone(), amount };
        for (id, change) in [(&transfer.from, amount), (&transfer.to, -amount)] {
            if let Some(net) = open.get_mut(id) {
                *net += change;
            }
        }
        transfers.push(transfer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dues_are_fixed_and_variable() {
        let terms = DuesTerms { per_household: 100, rate_bp: 200 };
        assert_eq!(dues(&terms, 1250, 37_500_000), Ok(Dues { fixed: 125_000, variable: 750_000, total: 875_000 }));
        assert_eq!(dues(&terms, 0, 25), Ok(Dues { fixed: 0, variable: 1, total: 1 }));
        assert_eq!(dues(&terms, 0, 24), Ok(Dues { fixed: 0, variable: 0, total: 0 }));
        assert_eq!(dues(&terms, i64::MAX, 0), Err(Overflow));
        let all = DuesTerms { per_household: 1, rate_bp: 10_000 };
        assert_eq!(dues(&all, 1, i64::MAX), Err(Overflow));
    }

    #[test]
    fn the_guarantee_pays_the_smallest_of_three() {
        let terms = GuaranteeTerms { share_bp: 8000, multiple: 3 };
        let payout = |shortfall, paid_in, fund_balance| {
            guarantee_payout(&terms, &GuaranteeCall { shortfall, paid_in, fund_balance }).unwrap()
        };
        assert_eq!(payout(4_000_000, 1_000_000, 10_000_000), 3_000_000);
        assert_eq!(payout(3_000_000, 1_000_000, 10_000_000), 2_400_000);
        assert_eq!(payout(4_000_000, 1_000_000, 2_999_999), 2_999_999);
        assert_eq!(payout(4_000_000, 0, 10_000_000), 0);
        assert_eq!(payout(4_000_000, 1_000_000, -5), 0);
        assert_eq!(payout(-4_000_000, 1_000_000, 10_000_000), 0);
        // Three times the largest amount is beyond 64 bits and no limit.
        assert_eq!(payout(10, i64::MAX, i64::MAX), 8);
        let beyond = GuaranteeTerms { share_bp: 10_001, multiple: 1 };
        let call = GuaranteeCall { shortfall: i64::MAX, paid_in: 0, fund_balance: 0 };
        assert_eq!(guarantee_payout(&beyond, &call), Err(Overflow));
    }

    #[test]
    fn stop_loss_starts_above_the_retention() {
        let terms = StopLossTerms { retention: 150_000, share_bp: 9000, limit: 500_000 };
        let paid = BTreeMap::from([("A", 420_000), ("B", 900_000), ("C", 150_000), ("D", 0)]);
        let found = stop_loss(&terms, &paid).unwrap();
        assert_eq!(found.by_person, BTreeMap::from([("A", 243_000), ("B", 500_000), ("C", 0), ("D", 0)]));
        assert_eq!(found.total, 743_000);
        // Each person is rounded, and then added.
        assert_eq!(terms.recovery(150_005), Ok(5));
        let halves = BTreeMap::from([(1, 150_005), (2, 150_005)]);
        assert_eq!(stop_loss(&terms, &halves).unwrap().total, 10);
        let huge = StopLossTerms { retention: 0, share_bp: 10_000, limit: i64::MAX };
        assert_eq!(stop_loss(&huge, &BTreeMap::from([(1, i64::MAX), (2, 1)])), Err(Overflow));
    }

    #[test]
    fn the_aggregate_is_capped_by_what_was_earned() {
        let terms = AggregateTerms { attachment_bp: 11_000, share_bp: 8000, cap_bp: 2500 };
        let recovery = |claims| aggregate_stop_loss(&terms, 10_000_000, claims).unwrap().recovery;
        let expected = AggregateRecovery { attachment: 11_000_000, recovery: 1_200_000 };
        assert_eq!(aggregate_stop_loss(&terms, 10_000_000, 12_500_000), Ok(expected));
        assert_eq!(recovery(11_000_000), 0);
        assert_eq!(recovery(9_000_000), 0);
        assert_eq!(recovery(11_000_001), 1);
        assert_eq!(recovery(14_125_000), 2_500_000);
        assert_eq!(recovery(20_000_000), 2_500_000);
        let nothing_earned = AggregateRecovery { attachment: 0, recovery: 0 };
        assert_eq!(aggregate_stop_loss(&terms, 0, 500), Ok(nothing_earned));
        assert_eq!(aggregate_stop_loss(&terms, i64::MAX, 0), Err(Overflow));
    }

    fn owed(debtor: u8, creditor: u8, amount: i64) -> Obligation<u8> {
        Obligation { debtor, creditor, amount }
    }

    fn sent(from: u8, to: u8, amount: i64) -> Transfer<u8> {
        Transfer { from, to, amount }
    }

    #[test]
    fn five_obligations_clear_in_two_transfers() {
        let obligations =
            [owed(1, 2, 120_000), owed(2, 1, 45_000), owed(3, 1, 30_000), owed(1, 3, 10_000), owed(2, 3, 60_000)];
        let expected = Clearing {
            net: BTreeMap::from([(1, -55_000), (2, 15_000), (3, 40_000)]),
            transfers: vec![sent(1, 3, 40_000), sent(1, 2, 15_000)],
            gross: 265_000,
            settled: 55_000,
        };
        assert_eq!(clear(&obligations), Ok(expected));
    }

    #[test]
    fn of_equal_positions_the_lower_id_goes_first() {
        let found = clear(&[owed(4, 2, 50), owed(3, 1, 50)]).unwrap();
        assert_eq!(found.transfers, [sent(3, 1, 50), sent(4, 2, 50)]);
        // After 1 paid 60, it owes 40 and 2, with 50, is the largest debtor.
        let found = clear(&[owed(1, 8, 60), owed(1, 9, 40), owed(2, 9, 10), owed(2, 7, 40)]).unwrap();
        assert_eq!(found.net, BTreeMap::from([(1, -100), (2, -50), (7, 40), (8, 60), (9, 50)]));
        assert_eq!(found.transfers, [sent(1, 8, 60), sent(2, 9, 50), sent(1, 7, 40)]);
    }

    #[test]
    fn the_even_are_listed_and_send_nothing() {
        let circle = clear(&[owed(1, 2, 70), owed(2, 3, 70), owed(3, 1, 70), owed(5, 5, 9)]).unwrap();
        assert_eq!(circle.net, BTreeMap::from([(1, 0), (2, 0), (3, 0), (5, 0)]));
        assert_eq!((circle.transfers, circle.gross, circle.settled), (vec![], 219, 0));
        assert_eq!(clear::<u8>(&[]).unwrap().gross, 0);
        // The gross amount fits though a position on the way to it does not.
        assert_eq!(clear(&[owed(1, 2, i64::MAX), owed(1, 2, 1)]), Err(Overflow));
        let there_and_back = [owed(1, 2, i64::MAX), owed(1, 2, -5), owed(2, 1, 5)];
        assert_eq!(clear(&there_and_back).unwrap().net[&2], i64::MAX - 10);
    }

    fn obligations() -> impl Strategy<Value = Vec<Obligation<u8>>> {
        let one = (0..7_u8, 0..7_u8, prop_oneof![0..5_i64, 0..1_000_000_i64]);
        prop::collection::vec(one.prop_map(|(debtor, creditor, amount)| owed(debtor, creditor, amount)), 0..25)
    }

    proptest! {
        #[test]
        fn after_clearing_everyone_is_even(obligations in obligations()) {
            let found = clear(&obligations).unwrap();
            let mut open = found.net.clone();
            for transfer in &found.transfers {
                prop_assert!(transfer.amount > 0 && transfer.from != transfer.to);
                *open.get_mut(&transfer.from).unwrap() += transfer.amount;
                *open.get_mut(&transfer.to).unwrap() -= transfer.amount;
            }
            prop_assert!(open.values().all(|net| *net == 0));
            prop_assert_eq!(found.net.values().sum::<i64>(), 0);
            prop_assert_eq!(found.settled, found.net.values().filter(|net| **net > 0).sum::<i64>());
            prop_assert!(found.settled <= found.gross);
            prop_assert!(found.transfers.len() <= found.net.len().saturating_sub(1));
        }

        #[test]
        fn the_order_of_obligations_does_not_matter(obligations in obligations()) {
            let mut turned = obligations.clone();
            turned.reverse();
            prop_assert_eq!(clear(&turned), clear(&obligations));
        }

        #[test]
        fn a_payout_stays_within_the_fund(
            shortfall in -1000..=i64::MAX, paid_in in any::<i64>(), fund_balance in any::<i64>(),
            share_bp in 0..=10_000_i64, multiple in 0..10_i64,
        ) {
            let call = GuaranteeCall { shortfall, paid_in, fund_balance };
            let payout = guarantee_payout(&GuaranteeTerms { share_bp, multiple }, &call).unwrap();
            prop_assert!((0..=fund_balance.max(0)).contains(&payout));
            prop_assert!(payout <= shortfall.max(0));
        }

        #[test]
        fn a_recovery_stays_within_limit_and_excess(
            paid in 0..=i64::MAX, retention in 0..=i64::MAX, share_bp in 0..=10_000_i64, limit in 0..=i64::MAX,
        ) {
            let recovery = StopLossTerms { retention, share_bp, limit }.recovery(paid).unwrap();
            prop_assert!((0..=limit.min((paid - retention).max(0))).contains(&recovery));
        }

        #[test]
        fn a_recovery_on_all_claims_stays_within_the_cap(
            earned in 0..1_000_000_000_i64, claims in 0..2_000_000_000_i64, attachment_bp in 0..20_000_i64,
            share_bp in 0..=10_000_i64, cap_bp in 0..10_000_i64,
        ) {
            let terms = AggregateTerms { attachment_bp, share_bp, cap_bp };
            let found = aggregate_stop_loss(&terms, earned, claims).unwrap();
            prop_assert!(found.recovery >= 0 && found.recovery <= money::share(earned, cap_bp).unwrap());
            prop_assert!(found.recovery <= (claims - found.attachment).max(0));
        }

        #[test]
        fn no_amounts_panic(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
            let terms = StopLossTerms { retention: a, share_bp: b, limit: c };
            let aggregate = AggregateTerms { attachment_bp: a, share_bp: b, cap_bp: c };
            let call = GuaranteeCall { shortfall: c, paid_in: a, fund_balance: b };
            let _ = (dues(&DuesTerms { per_household: a, rate_bp: b }, c, a), terms.recovery(b));
            let _ = guarantee_payout(&GuaranteeTerms { share_bp: a, multiple: b }, &call);
            let _ = aggregate_stop_loss(&aggregate, b, c);
            let _ = clear(&[owed(1, 2, a), owed(2, 3, b), owed(3, 1, c)]);
        }
    }
}
