//! The posting table: which account is debited and which is credited for each event. Pure, and the only place that knows.
use super::model::AccountKind;
use crate::ids::{CashDeskId, ProviderId, UserId};
use std::borrow::Cow;

/// The one book with which a mutual begins.
pub const MAIN: &str = "MAIN";

/// The accounts with which a mutual begins; those of a provider or a collector are opened when first needed.
pub const ACCOUNTS: &[(&str, AccountKind)] = &[
    ("cash", AccountKind::Asset),
    ("bank", AccountKind::Asset),
    ("mobile", AccountKind::Asset),
    ("advances", AccountKind::Asset),
    ("household_credits", AccountKind::Liability),
    ("payable:member", AccountKind::Liability),
    ("contributions", AccountKind::Income),
    ("fees", AccountKind::Income),
    ("other_income", AccountKind::Income),
    ("subsidies", AccountKind::Income),
    ("benefits", AccountKind::Expense),
    ("expense", AccountKind::Expense),
];

/// Where money lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// In the mutual's first cash desk.
    Cash,
    /// In another cash desk.
    Desk(CashDeskId),
    /// At the bank.
    Bank,
    /// With the mobile-money operator.
    Mobile,
    /// With a collector, until he remits it.
    Float(UserId),
    /// Come without a household to which it belongs: what is at the bank or the operator is owed to somebody unknown.
    Unallocated,
}

/// What money was received for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Income {
    /// Contributions.
    Contributions,
    /// Registration fees.
    Fees,
    /// Anything else.
    Other,
}

crate::words! {
    /// An account that may have a balance when a mutual goes live. What is owed to households and providers, and what lies
    /// with collectors, is not here: it comes with payments and claims, from which the programme knows to whom it belongs.
    pub enum Opened {
        Cash = "cash",
        Bank = "bank",
        Mobile = "mobile",
        Advances = "advances",
        Contributions = "contributions",
        Fees = "fees",
        OtherIncome = "other_income",
        Subsidies = "subsidies",
        Benefits = "benefits",
        Expense = "expense",
    }
}

impl Opened {
    /// Whether it is counted by its credits.
    pub const fn is_income(self) -> bool {
        matches!(self, Opened::Contributions | Opened::Fees | Opened::OtherIncome | Opened::Subsidies)
    }
}

/// Against what opening balances stand: what the mutual had of its own on the day of going live.
const OWN_FUNDS: &str = "own_funds";
/// What came without a household to which it belongs.
pub const UNALLOCATED: &str = "unallocated";
/// What counting the cash found missing, less what it found too much.
const DIFFERENCES: &str = "cash_differences";

crate::words! {
    /// A movement of money that concerns no household's dues.
    pub enum MovementKind {
        /// Something was bought or paid.
        Expense = "expense",
        /// A collector's commission was paid.
        Commission = "commission",
        /// A grant was received.
        Grant = "grant",
        /// Other income was received.
        OtherIncome = "other_income",
        /// Cash was brought to the bank.
        Deposit = "deposit",
        /// Cash was fetched from the bank.
        Withdrawal = "withdrawal",
        /// The mobile-money operator paid out to the bank.
        Payout = "payout",
        /// A collector paid what he was short.
        DebtRepaid = "debt_repaid",
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The part of a payment that a due took.
    PaymentAllocated {
        /// Where the payment went.
        into: Holding,
        /// By the due's kind.
        income: Income,
    },
    /// The part of a payment that no due took.
    PaymentSurplus {
        /// Where the payment went.
        into: Holding,
    },
    /// A due took what an earlier payment had left.
    CreditUsed {
        /// By the due's kind.
        income: Income,
    },
    /// A claim was decided: the mutual owes its share.
    ClaimDecided {
        /// To whom.
        to: Creditor,
    },
    /// What an account had on the day of going live beyond what is known.
    OpeningBalance {
        /// Which.
        account: Opened,
        /// It had less than is known.
        less: bool,
    },
    /// A decided claim was decided anew, or waits again: the mutual owes less.
    ClaimReduced {
        /// To whom it was owed.
        to: Creditor,
    },
    /// What was owed was paid.
    SettlementPaid {
        /// To whom.
        to: Creditor,
        /// From where.
        from: Holding,
    },
    /// A facility was given money in advance.
    AdvancePaid,
    /// What was owed to a facility was taken from its advance.
    AdvanceOffset {
        /// Which.
        provider: ProviderId,
    },
    /// Money came for which no household is known.
    MoneyUnallocated {
        /// Where it lies.
        into: Holding,
    },
    /// Such money was sent back.
    UnallocatedReturned {
        /// Where it lay.
        from: Holding,
    },
    /// A household's credit was given back.
    Refunded {
        /// Where it was taken from.
        from: Holding,
    },
    /// What a collector handed over was counted.
    RemittanceCounted {
        /// Who.
        collector: UserId,
        /// Where it lies now.
        into: Holding,
    },
    /// What was missing of what a collector said to hand over.
    RemittanceShort {
        /// Who.
        collector: UserId,
    },
    /// What was there beyond what a collector said to hand over.
    RemittanceOver {
        /// Who.
        collector: UserId,
        /// Where it lies now.
        into: Holding,
    },
    /// Counting a desk's cash found a difference.
    CashDifference {
        /// Which desk.
        at: Holding,
        /// Something was missing.
        missing: bool,
    },
    /// A payer other than the household paid its part.
    SubsidyReceived,
    /// Money moved otherwise.
    Moved {
        /// How.
        kind: MovementKind,
        /// Where it came from or went to.
        holding: Holding,
        /// Whose debt is repaid.
        collector: Option<UserId>,
    },
}

/// To whom the mutual owes benefits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creditor {
    /// The provider: third-party payment.
    Provider(ProviderId),
    /// The member, who paid the provider: reimbursement.
    Member,
}

impl Creditor {
    fn account(self) -> Cow<'static, str> {
        match self {
            Creditor::Provider(provider) => format!("payable:{provider}").into(),
            Creditor::Member => "payable:member".into(),
        }
    }
}

impl Holding {
    fn account(self) -> Cow<'static, str> {
        match self {
            Holding::Cash => "cash".into(),
            Holding::Desk(desk) => format!("cash:{desk}").into(),
            Holding::Bank => "bank".into(),
            Holding::Mobile => "mobile".into(),
            Holding::Float(collector) => format!("float:{collector}").into(),
            Holding::Unallocated => UNALLOCATED.into(),
        }
    }

    /// True for the cash of a desk, which is counted in sessions.
    pub const fn is_desk(self) -> bool {
        matches!(self, Holding::Cash | Holding::Desk(_))
    }
}

impl Income {
    const fn account(self) -> &'static str {
        match self {
            Income::Contributions => "contributions",
            Income::Fees => "fees",
            Income::Other => "other_income",
        }
    }
}

/// The kind of an account that is opened when first needed; none for those that must be there.
pub fn opened_when_needed(code: &str) -> Option<AccountKind> {
    match code {
        OWN_FUNDS => return Some(AccountKind::Equity),
        UNALLOCATED => return Some(AccountKind::Liability),
        DIFFERENCES => return Some(AccountKind::Expense),
        _ => {}
    }
    match code.split_once(':')? {
        ("float" | "cash" | "debt", _) => Some(AccountKind::Asset),
        ("payable", _) => Some(AccountKind::Liability),
        _ => None,
    }
}

/// The account of what a collector owes the mutual; below zero, what it owes him.
fn debt(collector: UserId) -> Cow<'static, str> {
    format!("debt:{collector}").into()
}

fn moved(kind: MovementKind, holding: Holding, collector: Option<UserId>) -> (Cow<'static, str>, Cow<'static, str>) {
    let bank = || Holding::Bank.account();
    match kind {
        MovementKind::Expense | MovementKind::Commission => ("expense".into(), holding.account()),
        MovementKind::Grant | MovementKind::OtherIncome => (holding.account(), "other_income".into()),
        MovementKind::Deposit | MovementKind::Payout => (bank(), holding.account()),
        MovementKind::Withdrawal => (holding.account(), bank()),
        MovementKind::DebtRepaid => (holding.account(), debt(collector.unwrap_or(UserId::NIL))),
    }
}

impl Event {
    /// The event's name, kept on the transfer.
    pub const fn name(self) -> &'static str {
        match self {
            Event::PaymentAllocated { .. } => "payment_allocated",
            Event::PaymentSurplus { .. } => "payment_surplus",
            Event::CreditUsed { .. } => "credit_used",
            Event::ClaimDecided { .. } => "claim_decided",
            Event::OpeningBalance { .. } => "opening_balance",
            Event::ClaimReduced { .. } => "claim_reduced",
            Event::SettlementPaid { .. } => "settlement_paid",
            Event::AdvancePaid => "advance_paid",
            Event::AdvanceOffset { .. } => "advance_offset",
            Event::MoneyUnallocated { .. } => "money_unallocated",
            Event::UnallocatedReturned { .. } => "unallocated_returned",
            Event::Refunded { .. } => "refunded",
            Event::RemittanceCounted { .. } => "remittance_counted",
            Event::RemittanceShort { .. } => "remittance_short",
            Event::RemittanceOver { .. } => "remittance_over",
            Event::CashDifference { .. } => "cash_difference",
            Event::SubsidyReceived => "subsidy_received",
            Event::Moved { kind, .. } => kind.code(),
        }
    }

    /// The accounts debited and credited.
    pub fn posting(self) -> (Cow<'static, str>, Cow<'static, str>) {
        match self {
            Event::PaymentAllocated { into, income } => (into.account(), income.account().into()),
            Event::PaymentSurplus { into } => (into.account(), "household_credits".into()),
            Event::CreditUsed { income } => ("household_credits".into(), income.account().into()),
            Event::ClaimDecided { to } => ("benefits".into(), to.account()),
            Event::OpeningBalance { account, less } if account.is_income() != less => {
                (OWN_FUNDS.into(), account.code().into())
            }
            Event::OpeningBalance { account, .. } => (account.code().into(), OWN_FUNDS.into()),
            Event::ClaimReduced { to } => (to.account(), "benefits".into()),
            Event::SettlementPaid { to, from } => (to.account(), from.account()),
            Event::AdvancePaid => ("advances".into(), "bank".into()),
            Event::AdvanceOffset { provider } => (Creditor::Provider(provider).account(), "advances".into()),
            Event::MoneyUnallocated { into } => (into.account(), UNALLOCATED.into()),
            Event::UnallocatedReturned { from } => (UNALLOCATED.into(), from.account()),
            Event::Refunded { from } => ("household_credits".into(), from.account()),
            Event::RemittanceCounted { collector, into } => (into.account(), Holding::Float(collector).account()),
            Event::RemittanceShort { collector } => (debt(collector), Holding::Float(collector).account()),
            Event::RemittanceOver { collector, into } => (into.account(), debt(collector)),
            Event::CashDifference { at, missing: true } => (DIFFERENCES.into(), at.account()),
            Event::CashDifference { at, missing: false } => (at.account(), DIFFERENCES.into()),
            Event::SubsidyReceived => ("bank".into(), "subsidies".into()),
            Event::Moved { kind, holding, collector } => moved(kind, holding, collector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_posts_between_two_different_accounts_of_the_beginning() {
        let holdings = [Holding::Cash, Holding::Bank, Holding::Mobile, Holding::Float(UserId::NIL)];
        let incomes = [Income::Contributions, Income::Fees, Income::Other];
        let mut events = Vec::new();
        for into in holdings {
            events.push(Event::PaymentSurplus { into });
            events.extend(incomes.map(|income| Event::PaymentAllocated { into, income }));
        }
        events.extend(incomes.map(|income| Event::CreditUsed { income }));
        for to in [Creditor::Provider(ProviderId::NIL), Creditor::Member] {
            events.push(Event::ClaimDecided { to });
            events.push(Event::ClaimReduced { to });
            events.extend(holdings.map(|from| Event::SettlementPaid { to, from }));
        }
        events.extend([Event::AdvancePaid, Event::AdvanceOffset { provider: ProviderId::NIL }]);
        for at in [Holding::Cash, Holding::Desk(CashDeskId::NIL), Holding::Bank, Holding::Mobile] {
            events.extend([
                Event::MoneyUnallocated { into: at },
                Event::UnallocatedReturned { from: at },
                Event::Refunded { from: at },
                Event::RemittanceCounted { collector: UserId::NIL, into: at },
                Event::RemittanceOver { collector: UserId::NIL, into: at },
                Event::CashDifference { at, missing: true },
                Event::CashDifference { at, missing: false },
            ]);
        }
        events.extend([Event::RemittanceShort { collector: UserId::NIL }, Event::SubsidyReceived]);
        for kind in MovementKind::ALL {
            let holding = if *kind == MovementKind::Payout { Holding::Mobile } else { Holding::Cash };
            events.push(Event::Moved { kind: *kind, holding, collector: None });
        }
        events.push(Event::PaymentSurplus { into: Holding::Unallocated });
        assert_eq!(events.len(), 23 + 10 + 28 + 2 + 8 + 1);
        for event in events {
            let (debit, credit) = event.posting();
            assert_ne!(debit, credit, "{event:?}");
            for code in [debit, credit] {
                assert!(
                    ACCOUNTS.iter().any(|(known, _)| *known == code) || opened_when_needed(&code).is_some(),
                    "{code}"
                );
            }
        }
    }
}
