//! The posting table: which account is debited and which is credited for each event. Pure, and the only place that knows.
use super::model::AccountKind;
use crate::ids::{ProviderId, UserId};
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
    /// In the cash desk.
    Cash,
    /// At the bank.
    Bank,
    /// With the mobile-money operator.
    Mobile,
    /// With a collector, until he remits it.
    Float(UserId),
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
    /// What was owed was paid from the bank.
    SettlementPaid {
        /// To whom.
        to: Creditor,
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
            Holding::Bank => "bank".into(),
            Holding::Mobile => "mobile".into(),
            Holding::Float(collector) => format!("float:{collector}").into(),
        }
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
    if code == OWN_FUNDS {
        return Some(AccountKind::Equity);
    }
    match code.split_once(':')? {
        ("float", _) => Some(AccountKind::Asset),
        ("payable", _) => Some(AccountKind::Liability),
        _ => None,
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
            Event::SettlementPaid { .. } => "settlement_paid",
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
            Event::SettlementPaid { to } => (to.account(), "bank".into()),
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
            events.push(Event::SettlementPaid { to });
        }
        assert_eq!(events.len(), 23);
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
