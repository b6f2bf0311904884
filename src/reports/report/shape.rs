//! Which figures each report has, and by what it may be cut. Data.
use super::period::Period;
use crate::money::Currency;
use crate::reports::catalogue::{CATALOGUE, Indicator, find};
use crate::reports::measures::Dimension;
use crate::words;

words! {
    /// A report.
    pub enum ReportName {
        Dashboard = "dashboard",
        Coverage = "coverage",
        Contributions = "contributions",
        Claims = "claims",
        /// Everything of the catalogue.
        Indicators = "indicators",
        FinancingMix = "financing-mix",
        /// Which units have reported which months.
        Completeness = "completeness",
        Providers = "providers",
    }
}

words! {
    /// By what a report is cut.
    pub enum Cut {
        Sex = "sex",
        AgeBand = "age_band",
        /// Both, as a table with margins.
        SexAge = "sex_age",
        Area = "area",
        Payer = "payer",
        Category = "category",
        Reason = "reason",
        Provider = "provider",
        /// Of the facilities, as they are classed now.
        Level = "level",
    }
}

impl Cut {
    /// In which cells it is kept.
    pub const fn dimension(self) -> Dimension {
        match self {
            Cut::Sex | Cut::AgeBand | Cut::SexAge => Dimension::SexAge,
            Cut::Area => Dimension::Area,
            Cut::Payer => Dimension::Payer,
            Cut::Category => Dimension::Category,
            Cut::Reason => Dimension::Reason,
            Cut::Provider | Cut::Level => Dimension::Provider,
        }
    }
}

impl ReportName {
    /// The cuts that it has; the first is shown where none is asked for, if the report is of a cut.
    pub const fn cuts(self) -> &'static [Cut] {
        match self {
            ReportName::Coverage => &[Cut::Sex, Cut::AgeBand, Cut::SexAge, Cut::Area],
            ReportName::Contributions | ReportName::FinancingMix => &[Cut::Payer],
            ReportName::Claims => &[Cut::Category, Cut::Level, Cut::Reason],
            ReportName::Providers => &[Cut::Provider, Cut::Level],
            ReportName::Dashboard | ReportName::Indicators | ReportName::Completeness => &[],
        }
    }

    /// The cut without which it would be nothing.
    pub const fn own_cut(self) -> Option<Cut> {
        match self {
            ReportName::FinancingMix => Some(Cut::Payer),
            ReportName::Providers => Some(Cut::Provider),
            _ => None,
        }
    }

    /// The ids of its figures.
    const fn ids(self) -> &'static [&'static str] {
        match self {
            ReportName::Dashboard => &[
                "households",
                "principals",
                "beneficiaries_in_force",
                "beneficiaries_waiting",
                "beneficiaries_suspended",
                "coverage_ratio",
                "entries_new",
                "dues_minor",
                "collected_minor",
                "collection_rate",
                "claims_submitted",
                "claims_rejection_ratio",
                "incurred_claims_ratio",
                "paid_minor",
                "reserve_months",
            ],
            ReportName::Coverage => &[
                "households",
                "principals",
                "beneficiaries_in_force",
                "women_in_force",
                "women_share",
                "beneficiaries_waiting",
                "households_suspended",
                "beneficiaries_suspended",
                "persons_registered",
                "person_days",
                "household_size",
                "coverage_ratio",
                "household_penetration",
                "beneficiary_growth_net",
                "beneficiary_growth_gross",
                "household_growth_net",
                "renewal_rate",
                "enrolments_ending",
                "enrolments_renewed",
                "entries_new",
                "entries_returning",
                "exits_expired",
                "exits_lapsed",
                "exits_resigned",
                "exits_excluded",
                "exits_deceased",
                "exits_left",
                "exits_other",
                "sdg_1_3_1_persons_affiliated",
                "sdg_1_3_1_women_affiliated",
            ],
            ReportName::Contributions => &[
                "dues_minor",
                "dues_household_minor",
                "dues_other_payers_minor",
                "fees_minor",
                "received_for_dues_minor",
                "collection_rate",
                "collected_minor",
                "subsidies_received_minor",
                "earned_minor",
                "unearned_minor",
                "arrears_1_30_minor",
                "arrears_31_90_minor",
                "arrears_over_90_minor",
            ],
            ReportName::Claims => &[
                "claims_submitted",
                "claims_approved",
                "claims_partially_approved",
                "claims_rejected",
                "claims_rejection_ratio",
                "refused_claims_rate",
                "billed_decided_minor",
                "benefits_decided_minor",
                "member_share_minor",
                "provider_writeoff_minor",
                "other_payer_minor",
                "paid_minor",
                "cases",
                "utilisation_rate",
                "average_cost_per_case",
                "average_cost_per_beneficiary",
                "undecided_claims",
                "undecided_billed_minor",
                "outstanding_claims_minor",
                "incurred_claims_minor",
                "incurred_claims_ratio",
                "promptness_from_event",
                "promptness_from_submission",
                "sdg_3_8_2_proxy_member_share",
            ],
            ReportName::FinancingMix => &[
                "contribution_income_minor",
                "subsidy_income_minor",
                "other_income_minor",
                "subsidy_share",
                "self_financing_ratio",
                "gross_financing_ratio",
                "dues_household_minor",
                "dues_other_payers_minor",
            ],
            ReportName::Providers => {
                &["claims_submitted", "claims_rejected", "billed_decided_minor", "benefits_decided_minor"]
            }
            ReportName::Indicators | ReportName::Completeness => &[],
        }
    }

    /// Its figures, in their order.
    pub fn figures(self) -> Vec<&'static Indicator> {
        match self {
            ReportName::Indicators => CATALOGUE.iter().collect(),
            other => other.ids().iter().filter_map(|id| find(id)).collect(),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub name: ReportName,
    pub period: Period,
    pub cut: Option<Cut>,
    /// With the period before it.
    pub compare: bool,
    /// The caller works for the mutual itself: it is shown whole and live.
    pub own: bool,
    /// With one total more, of all units, in this currency.
    pub into: Option<Currency>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_a_report_is_in_the_catalogue() {
        for name in ReportName::ALL {
            if *name != ReportName::Indicators {
                assert_eq!(name.figures().len(), name.ids().len(), "{name}");
            }
        }
        assert!(ReportName::Indicators.figures().len() > 80);
        assert!(ReportName::Completeness.figures().is_empty());
    }
}
