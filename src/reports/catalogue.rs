//! The catalogue of indicators: what each is, where it comes from, what it may not be taken for, and how it is calculated from
//! the measures of the months. It is data: an indicator is a numerator and a denominator of measures, and one small evaluator
//! serves them all. The numbers of an answer can so be traced to the measures, and the documentation is written from the same
//! lines as are calculated.

use crate::money::{self, Overflow};
use crate::reports::measures::{DEFINITION_VERSION, Measure as M, Measure, Totals};
use std::fmt::Write;

/// When a measure is looked at, within the months of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The sum over the months.
    Sum,
    /// The last month of the period: a stock at its end.
    End,
    /// The month before the period: a stock at its beginning.
    Start,
    /// The sum over the months divided by their number: the mean of the stocks at the end of each month, or of a flow, what it
    /// is in a mean month. To stay with whole numbers nothing is divided: where a term of an indicator is a mean, its numerator
    /// and its denominator are both taken times the number of months, and its formula says so.
    Mean,
}

/// `factor` times a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub factor: i64,
    pub measure: Measure,
    pub at: At,
}

/// What a value is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Minor units of the currency.
    Minor,
    BasisPoints,
    /// Thousandths per person and year.
    PerYearMilli,
    /// Minor units per case or person.
    AverageMinor,
    MonthsTenths,
    DaysHundredths,
}

/// Which way is better. Where it depends on the mutual, neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    HigherIsBetter,
    LowerIsBetter,
    Neither,
}

/// How the value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The numerator alone.
    Figure,
    /// Numerator over denominator, in the indicator's unit.
    Ratio,
    /// Mean, median and buckets of days, from a histogram that is kept as a cut. Who has read it may hand `value` the sum of
    /// the days as numerator and the claims as denominator; that gives the mean.
    Promptness(DaysFrom),
    /// The numerator over a dated target population that the installation keeps; it is put in as denominator.
    OfTarget,
}

/// From when days are counted, up to the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaysFrom {
    Event,
    Submission,
}

/// One indicator. The id is for programs and does not change; another meaning needs another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indicator {
    pub id: &'static str,
    pub name_en: &'static str,
    pub name_fr: &'static str,
    /// In plain words, with the names of the measures.
    pub formula: &'static str,
    pub unit: Unit,
    pub direction: Direction,
    pub source: &'static str,
    /// What it may not be taken for; it stands in every answer.
    pub limits: Option<&'static str>,
    pub how: How,
    pub numerator: &'static [Term],
    pub denominator: &'static [Term],
}

const fn sum(measure: Measure) -> Term {
    Term { factor: 1, measure, at: At::Sum }
}

const fn end(measure: Measure) -> Term {
    Term { factor: 1, measure, at: At::End }
}

const fn start(measure: Measure) -> Term {
    Term { factor: 1, measure, at: At::Start }
}

const fn mean(measure: Measure) -> Term {
    Term { factor: 1, measure, at: At::Mean }
}

const fn minus(term: Term) -> Term {
    Term { factor: -term.factor, ..term }
}

/// Times the days of a year, for what is divided by person-days to be per person and year.
const fn yearly(term: Term) -> Term {
    Term { factor: 365 * term.factor, ..term }
}

const GUIDES: &str = "ILO-STEP / CIDR monitoring guides 2001–2003";
const DASHBOARD: &str = "Federation dashboard, minimum set";
const BOOKS: &str = "Books of the mutual";
const PROVISIONS: &str = "UEMOA Règlement d'exécution n°3/2011, technical provisions";
const TWICE: &str = "A person who belongs to two mutuals counts in both.";
const RESERVES: &str = "Claims submitted and undecided count at what they bill, which is never less than what will be borne; care for \
    which no claim was submitted yet is not in it. Not an actuarial estimate.";
const BOOKS_TIMING: &str = "Income and expenses when the books have them, not spread over the months of cover: compare whole \
    years. Contribution income has the registration fees in it.";

/// A measure as it is: its id is the measure's own name, and it is looked at in one way only.
macro_rules! figure {
    ($at:ident $words:literal, $measure:ident = $id:literal, $en:literal, $fr:literal, $unit:ident, $direction:ident,
     $source:expr, $limits:expr) => {
        Indicator {
            id: $id,
            name_en: $en,
            name_fr: $fr,
            formula: concat!($id, $words),
            unit: Unit::$unit,
            direction: Direction::$direction,
            source: $source,
            limits: $limits,
            how: How::Figure,
            numerator: &[Term { factor: 1, measure: M::$measure, at: At::$at }],
            denominator: &[],
        }
    };
}

macro_rules! stock {
    ($($rest:tt)*) => { figure!(End " at the end of the period", $($rest)*) };
}

macro_rules! flow {
    ($($rest:tt)*) => { figure!(Sum ", summed over the period", $($rest)*) };
}

/// All indicators: ratios first, then figures.
pub const CATALOGUE: &[Indicator] = &[
    // The ten ratios of microinsurance; those that the guides for mutuals have under another name carry both names.
    Indicator {
        id: "net_income_ratio",
        name_en: "Net income ratio",
        name_fr: "Ratio de revenu net",
        formula: "(earned_minor + fees_minor + other_income_minor - incurred claims - expenses_minor) / earned_minor, over the \
            period; incurred claims = paid_minor + (payable_minor + undecided_billed_minor) at the end - the same at the start",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 1",
        limits: Some(
            "Contributions due from other payers are in what was earned, so subsidies of the books are not added again. \
            Undecided claims count at what they bill; care for which no claim was submitted yet is not in it. Not the audited \
            result.",
        ),
        how: How::Ratio,
        numerator: &[
            sum(M::Earned),
            sum(M::Fees),
            sum(M::OtherIncome),
            minus(sum(M::Paid)),
            minus(end(M::Payable)),
            minus(end(M::UndecidedBilled)),
            start(M::Payable),
            start(M::UndecidedBilled),
            minus(sum(M::Expenses)),
        ],
        denominator: &[sum(M::Earned)],
    },
    Indicator {
        id: "incurred_expense_ratio",
        name_en: "Incurred expense ratio (operating expense ratio)",
        name_fr: "Ratio frais de fonctionnement/cotisations",
        formula: "expenses_minor / earned_minor, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::LowerIsBetter,
        source: "Wipf & Garand 2010, no. 2; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some("Running expenses as the books have them; benefits are not among them."),
        how: How::Ratio,
        numerator: &[sum(M::Expenses)],
        denominator: &[sum(M::Earned)],
    },
    Indicator {
        id: "incurred_claims_ratio",
        name_en: "Incurred claims ratio (claims ratio)",
        name_fr: "Ratio sinistres/cotisations",
        formula: "(paid_minor + (payable_minor + undecided_billed_minor) at the end - the same at the start) / earned_minor, \
            over the period",
        unit: Unit::BasisPoints,
        direction: Direction::Neither,
        source: "Wipf & Garand 2010, no. 3; IRIS FP8478; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(RESERVES),
        how: How::Ratio,
        numerator: &[
            sum(M::Paid),
            end(M::Payable),
            end(M::UndecidedBilled),
            minus(start(M::Payable)),
            minus(start(M::UndecidedBilled)),
        ],
        denominator: &[sum(M::Earned)],
    },
    Indicator {
        id: "renewal_rate",
        name_en: "Renewal rate (loyalty)",
        name_fr: "Taux de fidélisation (renouvellement)",
        formula: "enrolments_renewed / enrolments_ending, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 4; IRIS PI3212 (count); openIMIS D2; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(
            "Renewed means within 31 days of the end: the last month of a period may still rise. Enrolments are counted, not \
            households of the year before.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::EnrolmentsRenewed)],
        denominator: &[sum(M::EnrolmentsEnding)],
    },
    Indicator {
        id: "promptness_from_event",
        name_en: "Promptness of claims settlement, from care",
        name_fr: "Délai de règlement depuis les soins",
        formula: "days from care to payment of the claims paid in the period: mean, median and number within 0–7, 8–30, 31–90 \
            and more than 90 days",
        unit: Unit::DaysHundredths,
        direction: Direction::LowerIsBetter,
        source: "Wipf & Garand 2010, no. 5; IRIS PI9897",
        limits: Some(
            "Of claims that were paid; the time until a refusal is not in it, nor are claims that still wait.",
        ),
        how: How::Promptness(DaysFrom::Event),
        numerator: &[],
        denominator: &[],
    },
    Indicator {
        id: "promptness_from_submission",
        name_en: "Promptness of claims processing, from submission (payment delay)",
        name_fr: "Délai de paiement depuis le dépôt de la demande",
        formula: "days from submission to payment of the claims paid in the period: mean, median and number within 0–7, 8–30, \
            31–90 and more than 90 days",
        unit: Unit::DaysHundredths,
        direction: Direction::LowerIsBetter,
        source: "IRIS PI8919; openIMIS D4; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(
            "From submission, not from the day the file was complete. Of claims that were paid: refusals and claims that still \
            wait are not in it.",
        ),
        how: How::Promptness(DaysFrom::Submission),
        numerator: &[],
        denominator: &[],
    },
    Indicator {
        id: "claims_rejection_ratio",
        name_en: "Claims rejection ratio",
        name_fr: "Ratio de rejet des sinistres (rejetés/soumis)",
        formula: "claims_rejected / claims_submitted, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::LowerIsBetter,
        source: "Wipf & Garand 2010, no. 6; IRIS PI7902 = PI3383/PI8018",
        limits: Some(
            "Claims rejected in the period may have been submitted before it; refused_claims_rate is over the decisions of the \
            same period. Claims refused in part are not rejected.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::ClaimsRejected)],
        denominator: &[sum(M::ClaimsSubmitted)],
    },
    Indicator {
        id: "beneficiary_growth_net",
        name_en: "Growth of beneficiaries, net",
        name_fr: "Taux d'accroissement net des bénéficiaires",
        formula: "(beneficiaries_in_force at the end - beneficiaries_in_force at the start) / beneficiaries_in_force at the \
            start",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 7; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some("Over the period as it is, not per year. Not the growth of openIMIS, which counts entries only."),
        how: How::Ratio,
        numerator: &[end(M::BeneficiariesInForce), minus(start(M::BeneficiariesInForce))],
        denominator: &[start(M::BeneficiariesInForce)],
    },
    Indicator {
        id: "beneficiary_growth_gross",
        name_en: "Growth of beneficiaries, gross (new entries)",
        name_fr: "Taux d'accroissement brut des bénéficiaires (nouvelles entrées)",
        formula: "entries_new over the period / beneficiaries_in_force at the start",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "openIMIS D3",
        limits: Some(
            "Exits are not subtracted: not growth in the sense of beneficiary_growth_net. openIMIS counts policies, this counts \
            persons.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::EntriesNew)],
        denominator: &[start(M::BeneficiariesInForce)],
    },
    Indicator {
        id: "coverage_ratio",
        name_en: "Coverage ratio (gross penetration rate)",
        name_fr: "Taux de pénétration brut (taux de couverture de la population cible)",
        formula: "beneficiaries_in_force at the end of the period / target population in persons, of the installation",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 8; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(
            "Depends on the target population that was entered and its date; no measure of social protection coverage of a \
            country.",
        ),
        how: How::OfTarget,
        numerator: &[end(M::BeneficiariesInForce)],
        denominator: &[],
    },
    Indicator {
        id: "solvency_ratio",
        name_en: "Solvency ratio",
        name_fr: "Ratio de solvabilité",
        formula: "assets_minor / liabilities_minor, at the end of the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 9; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(
            "All assets of the books, not only those that a supervisor admits; provisions that are not booked are not among the \
            liabilities. Not a statutory solvency margin.",
        ),
        how: How::Ratio,
        numerator: &[end(M::Assets)],
        denominator: &[end(M::Liabilities)],
    },
    Indicator {
        id: "liquidity_ratio",
        name_en: "Liquidity ratio",
        name_fr: "Ratio de liquidité",
        formula: "liquid_minor / payable_minor, at the end of the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: "Wipf & Garand 2010, no. 10; ILO-STEP / CIDR monitoring guides 2001–2003",
        limits: Some(
            "Over benefits decided and not paid; other debts of the next three months are not in it. Cash that collectors hold \
            is not counted.",
        ),
        how: How::Ratio,
        numerator: &[end(M::Liquid)],
        denominator: &[end(M::Payable)],
    },
    // The monitoring set of mutuals.
    Indicator {
        id: "household_penetration",
        name_en: "Penetration rate of households",
        name_fr: "Taux de pénétration des ménages",
        formula: "households at the end of the period / target population in households, of the installation",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some(
            "Depends on the target population that was entered and its date. A household counts with one person in force, \
            enrolled whole or not.",
        ),
        how: How::OfTarget,
        numerator: &[end(M::Households)],
        denominator: &[],
    },
    Indicator {
        id: "household_growth_net",
        name_en: "Growth of households, net",
        name_fr: "Taux d'accroissement net des ménages adhérents",
        formula: "(households at the end - households at the start) / households at the start",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some("Over the period as it is, not per year."),
        how: How::Ratio,
        numerator: &[end(M::Households), minus(start(M::Households))],
        denominator: &[start(M::Households)],
    },
    Indicator {
        id: "household_size",
        name_en: "Household size covered",
        name_fr: "Taille moyenne des ménages couverts (bénéficiaires par adhérent)",
        formula: "beneficiaries_in_force / principals, at the end of the period; 10 000 basis points are one person",
        unit: Unit::BasisPoints,
        direction: Direction::Neither,
        source: GUIDES,
        limits: Some("Of the persons covered: does not tell whether households are enrolled whole."),
        how: How::Ratio,
        numerator: &[end(M::BeneficiariesInForce)],
        denominator: &[end(M::Principals)],
    },
    Indicator {
        id: "women_share",
        name_en: "Women's share of beneficiaries",
        name_fr: "Part des femmes parmi les bénéficiaires",
        formula: "women_in_force / beneficiaries_in_force, at the end of the period",
        unit: Unit::BasisPoints,
        direction: Direction::Neither,
        source: "Social performance companions of Wipf & Garand 2010",
        limits: Some("Girls are in it. Persons covered, not members who vote nor those elected."),
        how: How::Ratio,
        numerator: &[end(M::WomenInForce)],
        denominator: &[end(M::BeneficiariesInForce)],
    },
    Indicator {
        id: "collection_rate",
        name_en: "Contribution collection rate",
        name_fr: "Taux de recouvrement des cotisations",
        formula: "received_for_dues_minor / dues_minor, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some(
            "What all payers paid for the dues of the period, whenever it came: it rises while late payments come in.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::ReceivedForDues)],
        denominator: &[sum(M::Dues)],
    },
    Indicator {
        id: "utilisation_rate",
        name_en: "Utilisation rate per person and year",
        name_fr: "Taux d'utilisation annuel",
        formula: "365 × cases / person_days, over the period (cases per person-year in force)",
        unit: Unit::PerYearMilli,
        direction: Direction::Neither,
        source: GUIDES,
        limits: Some(
            "Cases are claims approved: recent months rise until their claims are submitted and decided. Days of waiting are in \
            the person-days.",
        ),
        how: How::Ratio,
        numerator: &[yearly(sum(M::Cases))],
        denominator: &[sum(M::PersonDays)],
    },
    Indicator {
        id: "average_cost_per_case",
        name_en: "Average cost per case",
        name_fr: "Coût moyen par cas",
        formula: "benefits_decided_minor / (claims_approved + claims_partially_approved), over the period",
        unit: Unit::AverageMinor,
        direction: Direction::Neither,
        source: "ILO-STEP / CIDR monitoring guides 2001–2003; openIMIS D7",
        limits: Some(
            "The mutual's share only, by the month of the decision: the cases are those decided, not those of the care of the \
            period.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::BenefitsDecided)],
        denominator: &[sum(M::ClaimsApproved), sum(M::ClaimsPartiallyApproved)],
    },
    Indicator {
        id: "average_cost_per_beneficiary",
        name_en: "Average cost per beneficiary and year",
        name_fr: "Coût moyen annuel par bénéficiaire",
        formula: "365 × benefits_decided_minor / person_days, over the period (minor units per person-year in force)",
        unit: Unit::AverageMinor,
        direction: Direction::Neither,
        source: GUIDES,
        limits: Some("The mutual's share only, by the month of the decision; not a risk premium."),
        how: How::Ratio,
        numerator: &[yearly(sum(M::BenefitsDecided))],
        denominator: &[sum(M::PersonDays)],
    },
    Indicator {
        id: "decided_claims_ratio",
        name_en: "Claims ratio on decided benefits",
        name_fr: "Ratio prestations décidées/cotisations",
        formula: "benefits_decided_minor / earned_minor, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::Neither,
        source: "ILO-STEP / CIDR monitoring guides 2001–2003, without reserves",
        limits: Some("Claims not decided yet are not in it: not the incurred claims ratio."),
        how: How::Ratio,
        numerator: &[sum(M::BenefitsDecided)],
        denominator: &[sum(M::Earned)],
    },
    Indicator {
        id: "gross_financing_ratio",
        name_en: "Gross financing ratio",
        name_fr: "Taux de couverture des charges (financement brut)",
        formula: "(contribution_income_minor + subsidy_income_minor + other_income_minor) / (benefits_decided_minor + \
            expenses_minor), over the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some(BOOKS_TIMING),
        how: How::Ratio,
        numerator: &[sum(M::ContributionIncome), sum(M::SubsidyIncome), sum(M::OtherIncome)],
        denominator: &[sum(M::BenefitsDecided), sum(M::Expenses)],
    },
    Indicator {
        id: "self_financing_ratio",
        name_en: "Self-financing ratio",
        name_fr: "Taux d'autofinancement",
        formula: "contribution_income_minor / (benefits_decided_minor + expenses_minor), over the period",
        unit: Unit::BasisPoints,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some(BOOKS_TIMING),
        how: How::Ratio,
        numerator: &[sum(M::ContributionIncome)],
        denominator: &[sum(M::BenefitsDecided), sum(M::Expenses)],
    },
    Indicator {
        id: "subsidy_share",
        name_en: "Subsidy share of income",
        name_fr: "Part des subventions dans les produits",
        formula: "subsidy_income_minor / (contribution_income_minor + subsidy_income_minor + other_income_minor), over the \
            period",
        unit: Unit::BasisPoints,
        direction: Direction::Neither,
        source: GUIDES,
        limits: Some("Grants that the books have as other income are not counted as subsidies."),
        how: How::Ratio,
        numerator: &[sum(M::SubsidyIncome)],
        denominator: &[sum(M::ContributionIncome), sum(M::SubsidyIncome), sum(M::OtherIncome)],
    },
    Indicator {
        id: "reserve_months",
        name_en: "Reserves in months of charges",
        name_fr: "Ratio de réserves en mois de charges",
        formula: "(assets_minor - liabilities_minor) at the end of the period / mean monthly (benefits_decided_minor + \
            expenses_minor); numerator and denominator are both shown times the number of months",
        unit: Unit::MonthsTenths,
        direction: Direction::HigherIsBetter,
        source: GUIDES,
        limits: Some(
            "Own funds of the books, in whatever form they are held, provisions that are not booked not subtracted. Not a \
            statutory reserve.",
        ),
        how: How::Ratio,
        numerator: &[end(M::Assets), minus(end(M::Liabilities))],
        denominator: &[mean(M::BenefitsDecided), mean(M::Expenses)],
    },
    Indicator {
        id: "refused_claims_rate",
        name_en: "Refused claims rate (of claims decided)",
        name_fr: "Taux de refus des demandes décidées",
        formula: "claims_rejected / (claims_approved + claims_partially_approved + claims_rejected), over the period",
        unit: Unit::BasisPoints,
        direction: Direction::LowerIsBetter,
        source: GUIDES,
        limits: Some("Claims refused in part are not refused. Not a rate of fraud."),
        how: How::Ratio,
        numerator: &[sum(M::ClaimsRejected)],
        denominator: &[sum(M::ClaimsApproved), sum(M::ClaimsPartiallyApproved), sum(M::ClaimsRejected)],
    },
    // What may be told next to the Sustainable Development Goals, without being their indicators.
    Indicator {
        id: "sdg_1_3_1_persons_affiliated",
        name_en: "Persons affiliated to a contributory health scheme",
        name_fr: "Personnes affiliées à un régime de santé contributif",
        formula: "beneficiaries_in_force at the end of the period",
        unit: Unit::Count,
        direction: Direction::Neither,
        source: "ILO Social Security Inquiry; related to SDG 1.3.1",
        limits: Some(
            "Not SDG 1.3.1, whose published series concern cash benefits: a count for the ILO Social Security Inquiry. A person \
            who belongs to two mutuals counts in both.",
        ),
        how: How::Figure,
        numerator: &[end(M::BeneficiariesInForce)],
        denominator: &[],
    },
    Indicator {
        id: "sdg_1_3_1_women_affiliated",
        name_en: "Women affiliated to a contributory health scheme",
        name_fr: "Femmes affiliées à un régime de santé contributif",
        formula: "women_in_force at the end of the period",
        unit: Unit::Count,
        direction: Direction::Neither,
        source: "ILO Social Security Inquiry; related to SDG 1.3.1",
        limits: Some(
            "Not SDG 1.3.1, whose published series concern cash benefits: a count for the ILO Social Security Inquiry. Girls are \
            in it. A person who belongs to two mutuals counts in both.",
        ),
        how: How::Figure,
        numerator: &[end(M::WomenInForce)],
        denominator: &[],
    },
    Indicator {
        id: "sdg_3_8_2_proxy_member_share",
        name_en: "Member share of billed cost",
        name_fr: "Part du coût facturé à la charge des membres",
        formula: "member_share_minor / billed_decided_minor, over the period",
        unit: Unit::BasisPoints,
        direction: Direction::LowerIsBetter,
        source: "Related to SDG 3.8.2 (definition of 2025)",
        limits: Some(
            "Not SDG 3.8.2, which a household survey measures: the share of people whose spending on health exceeds 40% of the \
            household's discretionary budget. Only care for which a claim was decided is in it; what members pay elsewhere is \
            not known.",
        ),
        how: How::Ratio,
        numerator: &[sum(M::MemberShare)],
        denominator: &[sum(M::BilledDecided)],
    },
    // Figures made of several measures.
    Indicator {
        id: "incurred_claims_minor",
        name_en: "Incurred claims",
        name_fr: "Sinistres survenus",
        formula: "paid_minor over the period + (payable_minor + undecided_billed_minor) at the end - the same at the start",
        unit: Unit::Minor,
        direction: Direction::Neither,
        source: "Wipf & Garand 2010, no. 3",
        limits: Some(RESERVES),
        how: How::Figure,
        numerator: &[
            sum(M::Paid),
            end(M::Payable),
            end(M::UndecidedBilled),
            minus(start(M::Payable)),
            minus(start(M::UndecidedBilled)),
        ],
        denominator: &[],
    },
    Indicator {
        id: "outstanding_claims_minor",
        name_en: "Provision for outstanding claims",
        name_fr: "Provision pour sinistres à payer",
        formula: "payable_minor + undecided_billed_minor, at the end of the period",
        unit: Unit::Minor,
        direction: Direction::Neither,
        source: PROVISIONS,
        limits: Some(RESERVES),
        how: How::Figure,
        numerator: &[end(M::Payable), end(M::UndecidedBilled)],
        denominator: &[],
    },
    Indicator {
        id: "own_funds_minor",
        name_en: "Own funds",
        name_fr: "Fonds propres",
        formula: "assets_minor - liabilities_minor, at the end of the period",
        unit: Unit::Minor,
        direction: Direction::HigherIsBetter,
        source: BOOKS,
        limits: Some("Provisions that are not booked are not subtracted."),
        how: How::Figure,
        numerator: &[end(M::Assets), minus(end(M::Liabilities))],
        denominator: &[],
    },
    Indicator {
        id: "dues_other_payers_minor",
        name_en: "Contributions due from other payers",
        name_fr: "Cotisations émises à la charge d'autres payeurs",
        formula: "dues_minor - dues_household_minor, summed over the period",
        unit: Unit::Minor,
        direction: Direction::Neither,
        source: DASHBOARD,
        limits: None,
        how: How::Figure,
        numerator: &[sum(M::Dues), minus(sum(M::DuesHousehold))],
        denominator: &[],
    },
    // The measures themselves.
    stock!(Households = "households", "Households in force", "Ménages couverts", Count, Neither, DASHBOARD, None),
    stock!(
        Principals = "principals",
        "Principals in force",
        "Adhérents titulaires à jour",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    stock!(
        BeneficiariesInForce = "beneficiaries_in_force",
        "Beneficiaries in force",
        "Bénéficiaires à jour",
        Count,
        Neither,
        "Federation dashboard, minimum set; openIMIS P6",
        Some(TWICE)
    ),
    stock!(
        WomenInForce = "women_in_force",
        "Women in force",
        "Femmes bénéficiaires à jour",
        Count,
        Neither,
        DASHBOARD,
        Some(TWICE)
    ),
    stock!(
        BeneficiariesWaiting = "beneficiaries_waiting",
        "Beneficiaries waiting",
        "Bénéficiaires en période d'observation",
        Count,
        Neither,
        DASHBOARD,
        Some("At least one category of care has not begun; others may have.")
    ),
    stock!(
        HouseholdsSuspended = "households_suspended",
        "Households suspended",
        "Ménages suspendus",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    stock!(
        BeneficiariesSuspended = "beneficiaries_suspended",
        "Beneficiaries suspended",
        "Bénéficiaires suspendus",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    stock!(
        PersonsRegistered = "persons_registered",
        "Persons registered",
        "Personnes inscrites",
        Count,
        Neither,
        DASHBOARD,
        Some("Covered or not: not a number of insured.")
    ),
    flow!(
        PersonDays = "person_days",
        "Person-days in force",
        "Jours-personnes de couverture",
        Count,
        Neither,
        GUIDES,
        None
    ),
    flow!(EntriesNew = "entries_new", "New entries", "Nouvelles entrées", Count, Neither, DASHBOARD, None),
    flow!(EntriesReturning = "entries_returning", "Returns", "Réadhésions", Count, Neither, DASHBOARD, None),
    flow!(
        ExitsExpired = "exits_expired",
        "Exits: not renewed",
        "Sorties : non-renouvellement",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        ExitsLapsed = "exits_lapsed",
        "Exits: arrears",
        "Sorties : radiation pour impayés",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        ExitsResigned = "exits_resigned",
        "Exits: resignation",
        "Sorties : démission",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(ExitsExcluded = "exits_excluded", "Exits: exclusion", "Sorties : exclusion", Count, Neither, DASHBOARD, None),
    flow!(ExitsDeceased = "exits_deceased", "Exits: death", "Sorties : décès", Count, Neither, DASHBOARD, None),
    flow!(
        ExitsLeft = "exits_left",
        "Exits: left the household",
        "Sorties : départ du ménage",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(ExitsOther = "exits_other", "Exits: other", "Sorties : autres", Count, Neither, DASHBOARD, None),
    flow!(
        EnrolmentsEnding = "enrolments_ending",
        "Enrolments ending",
        "Adhésions arrivées à terme",
        Count,
        Neither,
        GUIDES,
        None
    ),
    flow!(
        EnrolmentsRenewed = "enrolments_renewed",
        "Enrolments renewed",
        "Adhésions renouvelées",
        Count,
        Neither,
        "IRIS PI3212",
        Some("Within 31 days of the end: the last month of a period may still rise.")
    ),
    flow!(Dues = "dues_minor", "Contributions due", "Cotisations émises", Minor, Neither, DASHBOARD, None),
    flow!(
        DuesHousehold = "dues_household_minor",
        "Contributions due from households",
        "Cotisations émises à la charge des ménages",
        Minor,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(Fees = "fees_minor", "Registration fees due", "Droits d'adhésion émis", Minor, Neither, DASHBOARD, None),
    flow!(
        ReceivedForDues = "received_for_dues_minor",
        "Received for dues of the period",
        "Cotisations reçues au titre de la période",
        Minor,
        Neither,
        GUIDES,
        Some("Whenever it came: it rises while late payments come in. Not what was collected in the period.")
    ),
    flow!(
        Collected = "collected_minor",
        "Collected from households",
        "Encaissements des ménages",
        Minor,
        Neither,
        DASHBOARD,
        Some("For dues of any period, credit included: not the numerator of the collection rate.")
    ),
    flow!(
        SubsidiesReceived = "subsidies_received_minor",
        "Received from other payers",
        "Subventions encaissées",
        Minor,
        Neither,
        DASHBOARD,
        None
    ),
    stock!(
        Arrears1To30 = "arrears_1_30_minor",
        "Arrears of 1 to 30 days",
        "Arriérés de 1 à 30 jours",
        Minor,
        LowerIsBetter,
        DASHBOARD,
        None
    ),
    stock!(
        Arrears31To90 = "arrears_31_90_minor",
        "Arrears of 31 to 90 days",
        "Arriérés de 31 à 90 jours",
        Minor,
        LowerIsBetter,
        DASHBOARD,
        None
    ),
    stock!(
        ArrearsOver90 = "arrears_over_90_minor",
        "Arrears of more than 90 days",
        "Arriérés de plus de 90 jours",
        Minor,
        LowerIsBetter,
        DASHBOARD,
        None
    ),
    flow!(
        Earned = "earned_minor",
        "Contributions earned",
        "Cotisations acquises",
        Minor,
        Neither,
        "Wipf & Garand 2010; openIMIS P9",
        Some(
            "Of all payers, day by day of the cover; neither cash nor the income of the books. Registration fees are not in it."
        )
    ),
    stock!(
        Unearned = "unearned_minor",
        "Provision for unearned contributions",
        "Provision pour cotisations non acquises",
        Minor,
        Neither,
        PROVISIONS,
        None
    ),
    flow!(
        ContributionIncome = "contribution_income_minor",
        "Income from contributions and fees",
        "Produits des cotisations et droits d'adhésion",
        Minor,
        Neither,
        BOOKS,
        Some("As booked; not the contributions earned.")
    ),
    flow!(
        SubsidyIncome = "subsidy_income_minor",
        "Subsidy income",
        "Subventions (produits)",
        Minor,
        Neither,
        BOOKS,
        None
    ),
    flow!(
        OtherIncome = "other_income_minor",
        "Grants and other income",
        "Dons et autres produits",
        Minor,
        Neither,
        BOOKS,
        None
    ),
    flow!(
        Expenses = "expenses_minor",
        "Running expenses",
        "Frais de fonctionnement",
        Minor,
        Neither,
        BOOKS,
        Some("Benefits are not in it.")
    ),
    stock!(
        Liquid = "liquid_minor",
        "Cash, bank and mobile money",
        "Disponibilités",
        Minor,
        Neither,
        BOOKS,
        Some("What collectors hold is not in it.")
    ),
    stock!(
        Payable = "payable_minor",
        "Benefits decided and not paid",
        "Prestations à payer",
        Minor,
        Neither,
        BOOKS,
        None
    ),
    stock!(Assets = "assets_minor", "Assets", "Actif", Minor, Neither, BOOKS, None),
    stock!(Liabilities = "liabilities_minor", "Liabilities", "Dettes", Minor, Neither, BOOKS, None),
    flow!(
        ClaimsSubmitted = "claims_submitted",
        "Claims submitted",
        "Demandes déposées",
        Count,
        Neither,
        "IRIS PI8018",
        None
    ),
    flow!(
        ClaimsApproved = "claims_approved",
        "Claims approved whole",
        "Demandes acceptées",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        ClaimsPartiallyApproved = "claims_partially_approved",
        "Claims approved in part",
        "Demandes acceptées en partie",
        Count,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        ClaimsRejected = "claims_rejected",
        "Claims rejected",
        "Demandes rejetées",
        Count,
        Neither,
        "IRIS PI3383",
        None
    ),
    flow!(
        BilledDecided = "billed_decided_minor",
        "Billed, of claims decided",
        "Montant facturé",
        Minor,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        BenefitsDecided = "benefits_decided_minor",
        "Mutual's share of claims decided",
        "Part de la mutuelle",
        Minor,
        Neither,
        DASHBOARD,
        Some("By the month of the decision; neither what was paid nor incurred claims.")
    ),
    flow!(
        MemberShare = "member_share_minor",
        "Members' share of claims decided",
        "Part des membres",
        Minor,
        Neither,
        DASHBOARD,
        Some("What is recorded on claims; not all that members spend on health.")
    ),
    flow!(
        WriteOff = "provider_writeoff_minor",
        "Borne by providers",
        "Montant à la charge des prestataires",
        Minor,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(
        OtherPayer = "other_payer_minor",
        "Share of other payers of claims decided",
        "Part d'autres payeurs",
        Minor,
        Neither,
        DASHBOARD,
        None
    ),
    flow!(Paid = "paid_minor", "Benefits paid", "Prestations payées", Minor, Neither, DASHBOARD, None),
    flow!(
        Cases = "cases",
        "Cases",
        "Cas pris en charge",
        Count,
        Neither,
        GUIDES,
        Some("Claims approved by the month of care: recent months rise until their claims are decided. Not persons.")
    ),
    stock!(
        UndecidedClaims = "undecided_claims",
        "Claims undecided",
        "Demandes en instance",
        Count,
        LowerIsBetter,
        DASHBOARD,
        None
    ),
    stock!(
        UndecidedBilled = "undecided_billed_minor",
        "Billed, of claims undecided",
        "Montant facturé des demandes en instance",
        Minor,
        Neither,
        DASHBOARD,
        Some("What they bill, not what the mutual will bear.")
    ),
];

/// The indicator of an id.
pub fn find(id: &str) -> Option<&'static Indicator> {
    CATALOGUE.iter().find(|indicator| indicator.id == id)
}

/// The months of a period of one unit: the month before it, where there is one, and its months in order.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    pub before: Option<&'a Totals>,
    /// `None`: that month was not reported.
    pub months: &'a [Option<&'a Totals>],
}

/// Numerator and denominator of one unit; `None` where a figure in it is not known or a month it looks at is missing, and where
/// the indicator has no such part or it is not made of measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub numerator: Option<i128>,
    pub denominator: Option<i128>,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// The denominator is 0.
    NothingToDivide,
    /// A figure it needs is not known.
    NotReported,
    /// The installation keeps no target population for it.
    NoTarget,
    /// It tells of so few persons that a body above is not shown it.
    TooFew,
}

/// A value with what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    pub numerator: Option<i128>,
    pub denominator: Option<i128>,
    pub value: Option<i64>,
    pub undefined: Option<Undefined>,
}

/// The parts of one unit.
pub fn parts(indicator: &Indicator, window: &Window<'_>) -> Parts {
    let times = if indicator.has_mean() { window.length() } else { 1 };
    Parts {
        numerator: total(indicator.numerator, window, times),
        denominator: total(indicator.denominator, window, times),
    }
}

/// The value of one unit, or of several: the sum of numerators over the sum of denominators (R39), never a mean of ratios.
/// Units of which a part is not known are left out, and how many is returned: a total of some must not pass for one of all.
/// All units have the same period, else numbers times different numbers of months would be added.
///
/// # Errors
/// Where a sum or the value has too many digits.
pub fn value(indicator: &Indicator, units: &[Parts]) -> Result<(Value, usize), Overflow> {
    let whole: Vec<Parts> = units.iter().copied().filter(|unit| indicator.is_whole(*unit)).collect();
    let left_out = units.len() - whole.len();
    if whole.is_empty() {
        return Ok((indicator.unknown(units), left_out));
    }
    let numerator = added(whole.iter().map(|unit| unit.numerator))?;
    if indicator.how == How::Figure {
        let value = i64::try_from(numerator).map_err(|_| Overflow)?;
        return Ok((
            Value { numerator: Some(numerator), denominator: None, value: Some(value), undefined: None },
            left_out,
        ));
    }
    let denominator = added(whole.iter().map(|unit| unit.denominator))?;
    let value = money::ratio(numerator, denominator, indicator.unit.scale())?;
    let undefined = value.is_none().then_some(Undefined::NothingToDivide);
    Ok((Value { numerator: Some(numerator), denominator: Some(denominator), value, undefined }, left_out))
}

fn added(numbers: impl Iterator<Item = Option<i128>>) -> Result<i128, Overflow> {
    numbers.flatten().try_fold(0_i128, |sum, number| sum.checked_add(number).ok_or(Overflow))
}

/// The sum of terms, each taken `times`; of no terms there is none. It cannot overflow: a figure has 64 bits, factors and
/// numbers of months are small.
fn total(terms: &[Term], window: &Window<'_>, times: i128) -> Option<i128> {
    if terms.is_empty() {
        return None;
    }
    terms.iter().map(|term| term.of(window, times)).sum()
}

impl Term {
    fn of(&self, window: &Window<'_>, times: i128) -> Option<i128> {
        let known = |totals: &Totals| totals.known(self.measure).map(i128::from);
        let figure = match self.at {
            At::Sum => window.sum(known)? * times,
            At::End => window.months.last().copied().flatten().and_then(known)? * times,
            At::Start => window.before.and_then(known)? * times,
            At::Mean => window.sum(known)?,
        };
        Some(i128::from(self.factor) * figure)
    }
}

impl Window<'_> {
    fn length(&self) -> i128 {
        self.months.iter().map(|_| 1_i128).sum()
    }

    /// The sum over the months; `None` where one of them, or all, is missing.
    fn sum(&self, known: impl Fn(&Totals) -> Option<i128>) -> Option<i128> {
        if self.months.is_empty() {
            return None;
        }
        self.months.iter().map(|month| month.and_then(&known)).sum()
    }
}

impl Indicator {
    fn has_mean(&self) -> bool {
        self.numerator.iter().chain(self.denominator).any(|term| term.at == At::Mean)
    }

    /// All that the value needs is known.
    pub fn is_whole(&self, unit: Parts) -> bool {
        unit.numerator.is_some() && (self.how == How::Figure || unit.denominator.is_some())
    }

    /// No unit is whole. Of a single one, what is known of it is shown all the same.
    fn unknown(&self, units: &[Parts]) -> Value {
        let target = self.how == How::OfTarget && units.iter().any(|unit| unit.numerator.is_some());
        let undefined = Some(if target { Undefined::NoTarget } else { Undefined::NotReported });
        let (numerator, denominator) = match units {
            [only] => (only.numerator, only.denominator),
            _ => (None, None),
        };
        Value { numerator, denominator, value: None, undefined }
    }
}

impl Unit {
    /// What a ratio is multiplied by to be told in this unit.
    pub const fn scale(self) -> i64 {
        match self {
            Unit::Count | Unit::Minor | Unit::AverageMinor => 1,
            Unit::BasisPoints => 10_000,
            Unit::PerYearMilli => 1000,
            Unit::MonthsTenths => 10,
            Unit::DaysHundredths => 100,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Minor => "minor",
            Unit::BasisPoints => "basis_points",
            Unit::PerYearMilli => "per_year_milli",
            Unit::AverageMinor => "average_minor",
            Unit::MonthsTenths => "months_tenths",
            Unit::DaysHundredths => "days_hundredths",
        }
    }
}

impl Direction {
    pub const fn word(self) -> &'static str {
        match self {
            Direction::HigherIsBetter => "higher_is_better",
            Direction::LowerIsBetter => "lower_is_better",
            Direction::Neither => "neither",
        }
    }
}

impl Undefined {
    pub const fn word(self) -> &'static str {
        match self {
            Undefined::NothingToDivide => "nothing_to_divide",
            Undefined::NotReported => "not_reported",
            Undefined::NoTarget => "no_target",
            Undefined::TooFew => "too_few",
        }
    }
}

/// The headings of the documentation, in its order, with what falls under each.
type Group = (&'static str, fn(&Indicator) -> bool);
const GROUPS: [Group; 5] = [
    ("Ratios and rates", |indicator| indicator.how == How::Ratio),
    ("Over a target population", |indicator| indicator.how == How::OfTarget),
    ("Promptness", |indicator| matches!(indicator.how, How::Promptness(_))),
    ("Figures: counts", |indicator| indicator.how == How::Figure && indicator.unit == Unit::Count),
    ("Figures: amounts", |indicator| indicator.how == How::Figure && indicator.unit != Unit::Count),
];

const INTRODUCTION: &str = "\
Numerator and denominator are always returned with a value, so that it can be checked and added up. Where nothing is to be
divided the value is null, never 0, and its reason is given: `nothing_to_divide` (the denominator is 0), `not_reported` (a
figure it needs is not known), `no_target` (no target population was entered),
`too_few` (it would tell a body above of one to seven persons, or of the days of as few claims). Values are rounded half up, away from zero.

The value of several units is the sum of their numerators over the sum of their denominators, never a mean of their ratios.
Units of which a part is not known are left out, and their number is returned.

\"At the end\" is the last day of the period, or today within it; \"at the start\" is the last day of the month before it, and
where that month was not reported, what needs it is not known. A year of person-days has 365 days.

Units: `basis_points` are ten-thousandths, `per_year_milli` thousandths per person and year, `minor` minor units of the
currency, `average_minor` the same per case or person, `months_tenths` tenths of a month, `days_hundredths` hundredths of a
day.
";

const NOT_KEPT: &str = "
## What the guides have and is not here

- Attendance at assemblies, women among the elected and in management (organisational analogue of SDG 5.5.2), complaints: nothing
  here records assemblies, offices or complaints.
- Attendance of insured and others at the same facility: a mutual does not know the others.
- Share of households enrolled whole: nobody records who was left out.
- Work injuries (administrative count beside SDG 8.8.1): claims have no cause of care of that kind.
- Mean delay until rights open: the waiting that products ask for is a parameter, and `beneficiaries_waiting` counts who waits.
- Utilisation and cost per case by category of care or level of facility as indicators: claims, what they bill, what the mutual bears,
  the member's share and the write-off are the cuts `category` and `level` of the report `claims`, by facility those of `providers`.
- Promptness up to a denial: days are counted to payment.
";

/// The text of `docs/indicators.md`.
pub fn indicators_md() -> String {
    let mut text = format!(
        "# Indicators\n\nThis page is generated from the catalogue. The definitions have a version, {DEFINITION_VERSION}: it is \
        returned with\nevery answer, and a unit whose releases are of another one names it (`other_definitions`).\n\n{INTRODUCTION}"
    );
    for (heading, belongs) in GROUPS {
        text.push_str(&table(heading, belongs));
    }
    text.push_str(NOT_KEPT);
    text
}

fn table(heading: &str, belongs: fn(&Indicator) -> bool) -> String {
    let mut text = format!(
        "\n## {heading}\n\n| Id | English | Français | Unit | Direction | Formula | Source | Limits |\n\
        |---|---|---|---|---|---|---|---|\n"
    );
    for indicator in CATALOGUE.iter().filter(|indicator| belongs(indicator)) {
        text.push_str(&row(indicator));
    }
    text
}

fn row(indicator: &Indicator) -> String {
    let mut text = format!("| `{}` |", indicator.id);
    let cells = [
        indicator.name_en,
        indicator.name_fr,
        indicator.unit.word(),
        indicator.direction.word(),
        indicator.formula,
        indicator.source,
        indicator.limits.unwrap_or_default(),
    ];
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn totals(figures: &[(Measure, i64)]) -> Totals {
        figures.iter().fold(Totals::UNKNOWN, |totals, (measure, figure)| totals.with(*measure, *figure))
    }

    /// The value of one unit over two months, all other figures unknown.
    fn of(id: &str, before: &[(Measure, i64)], first: &[(Measure, i64)], last: &[(Measure, i64)]) -> Value {
        let (before, first, last) = (totals(before), totals(first), totals(last));
        let window = Window { before: Some(&before), months: &[Some(&first), Some(&last)] };
        let indicator = find(id).unwrap();
        value(indicator, &[parts(indicator, &window)]).unwrap().0
    }

    fn made(numerator: i128, denominator: i128, value: i64) -> Value {
        Value { numerator: Some(numerator), denominator: Some(denominator), value: Some(value), undefined: None }
    }

    fn known(numerator: i128, denominator: i128) -> Parts {
        Parts { numerator: Some(numerator), denominator: Some(denominator) }
    }

    #[test]
    fn ids_are_unique_and_lower_snake_case() {
        let ids: BTreeSet<&str> = CATALOGUE.iter().map(|indicator| indicator.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for id in ids {
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{id}");
            assert!(
                id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.ends_with('_') && !id.contains("__"),
                "{id}"
            );
            assert_eq!(find(id).unwrap().id, id);
        }
        assert_eq!(find("nothing"), None);
    }

    #[test]
    fn every_indicator_is_told_and_has_the_parts_of_its_kind() {
        for indicator in CATALOGUE {
            for text in [indicator.name_en, indicator.name_fr, indicator.formula, indicator.source] {
                assert!(!text.is_empty() && !text.contains('|') && !text.contains("  "), "{}", indicator.id);
            }
            let limits = indicator.limits.unwrap_or("-");
            assert!(!limits.is_empty() && !limits.contains('|') && !limits.contains("  "), "{}", indicator.id);
            let has = (!indicator.numerator.is_empty(), !indicator.denominator.is_empty());
            let expected = match indicator.how {
                How::Figure | How::OfTarget => (true, false),
                How::Ratio => (true, true),
                How::Promptness(_) => (false, false),
            };
            assert_eq!(has, expected, "{}", indicator.id);
            let figure = indicator.how == How::Figure;
            assert_eq!(matches!(indicator.unit, Unit::Count | Unit::Minor), figure, "{}", indicator.id);
            assert!(!figure || !indicator.has_mean(), "{}: a figure alone would be shown multiplied", indicator.id);
        }
    }

    #[test]
    fn a_formula_names_every_measure_it_uses() {
        for indicator in CATALOGUE {
            let words: BTreeSet<&str> =
                indicator.formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
            for term in indicator.numerator.iter().chain(indicator.denominator) {
                assert!(words.contains(term.measure.code()), "{}: {}", indicator.id, term.measure.code());
                assert!(term.factor != 0 && term.factor.abs() <= 365, "{}", indicator.id);
            }
        }
    }

    #[test]
    fn every_measure_is_used_and_is_a_figure_of_its_own_name() {
        for measure in Measure::ALL.iter().copied() {
            let indicator = find(measure.code()).unwrap_or_else(|| panic!("{}", measure.code()));
            assert_eq!(indicator.how, How::Figure);
            assert!(matches!(indicator.numerator, [Term { factor: 1, measure: own, .. }] if *own == measure));
            let amount = measure.code().ends_with("_minor");
            assert_eq!(indicator.unit, if amount { Unit::Minor } else { Unit::Count }, "{}", indicator.id);
        }
    }

    #[test]
    fn a_measure_is_looked_at_as_a_stock_or_as_a_flow_never_as_both() {
        for measure in Measure::ALL.iter().copied() {
            let terms = CATALOGUE.iter().flat_map(|indicator| indicator.numerator.iter().chain(indicator.denominator));
            let own: Vec<At> = terms.filter(|term| term.measure == measure).map(|term| term.at).collect();
            let stock = own.iter().all(|at| matches!(at, At::End | At::Start));
            let flow = own.iter().all(|at| matches!(at, At::Sum | At::Mean));
            assert!(stock || flow, "{}", measure.code());
        }
    }

    /// Before: 100 payable, 50 undecided. Paid 300 + 500, then 150 payable, 80 undecided: incurred 800 + 230 − 150 = 880.
    fn technical(id: &str) -> Value {
        let first = [(M::Earned, 600), (M::Fees, 20), (M::OtherIncome, 0), (M::Paid, 300), (M::Expenses, 90)];
        let last = [
            (M::Earned, 700),
            (M::Fees, 10),
            (M::OtherIncome, 40),
            (M::Paid, 500),
            (M::Expenses, 110),
            (M::Payable, 150),
            (M::UndecidedBilled, 80),
        ];
        of(id, &[(M::Payable, 100), (M::UndecidedBilled, 50)], &first, &last)
    }

    #[test]
    fn the_technical_result_by_hand() {
        // 1300 + 30 + 40 − 880 − 200 = 290.
        assert_eq!(technical("net_income_ratio"), made(290, 1300, 2231));
        assert_eq!(technical("incurred_expense_ratio"), made(200, 1300, 1538));
        assert_eq!(technical("incurred_claims_ratio"), made(880, 1300, 6769));
        assert_eq!(technical("incurred_claims_minor").value, Some(880));
        assert_eq!(technical("outstanding_claims_minor").value, Some(230));
        assert_eq!(technical("earned_minor").value, Some(1300));
    }

    #[test]
    fn members_by_hand() {
        let first = [(M::EnrolmentsRenewed, 30), (M::EnrolmentsEnding, 40), (M::EntriesNew, 25)];
        let last = [
            (M::EnrolmentsRenewed, 5),
            (M::EnrolmentsEnding, 10),
            (M::EntriesNew, 15),
            (M::BeneficiariesInForce, 190),
            (M::WomenInForce, 99),
            (M::Households, 44),
            (M::Principals, 40),
        ];
        let value = |id| of(id, &[(M::BeneficiariesInForce, 200), (M::Households, 40)], &first, &last);
        assert_eq!(value("renewal_rate"), made(35, 50, 7000));
        assert_eq!(value("beneficiary_growth_net"), made(-10, 200, -500));
        assert_eq!(value("beneficiary_growth_gross"), made(40, 200, 2000));
        assert_eq!(value("household_growth_net"), made(4, 40, 1000));
        assert_eq!(value("household_size"), made(190, 40, 47_500));
        assert_eq!(value("women_share"), made(99, 190, 5211));
        assert_eq!(value("sdg_1_3_1_persons_affiliated").value, Some(190));
        assert_eq!(value("sdg_1_3_1_women_affiliated").value, Some(99));
    }

    #[test]
    fn claims_by_hand() {
        let month = |submitted, approved, partial, rejected| {
            [
                (M::ClaimsSubmitted, submitted),
                (M::ClaimsApproved, approved),
                (M::ClaimsPartiallyApproved, partial),
                (M::ClaimsRejected, rejected),
                (M::BenefitsDecided, 1000),
                (M::BilledDecided, 1600),
                (M::MemberShare, 400),
                (M::Earned, 1250),
                (M::Cases, 11),
                (M::PersonDays, 3650),
            ]
        };
        let value = |id| of(id, &[], &month(20, 10, 4, 2), &month(30, 12, 4, 8));
        assert_eq!(value("claims_rejection_ratio"), made(10, 50, 2000));
        assert_eq!(value("refused_claims_rate"), made(10, 40, 2500));
        assert_eq!(value("average_cost_per_case"), made(2000, 30, 67));
        // 22 cases in 20 person-years.
        assert_eq!(value("utilisation_rate"), made(22 * 365, 7300, 1100));
        assert_eq!(value("average_cost_per_beneficiary"), made(2000 * 365, 7300, 100));
        assert_eq!(value("decided_claims_ratio"), made(2000, 2500, 8000));
        assert_eq!(value("sdg_3_8_2_proxy_member_share"), made(800, 3200, 2500));
    }

    #[test]
    fn money_by_hand() {
        let month = |dues, received, liquid| {
            [
                (M::Dues, dues + 100),
                (M::DuesHousehold, dues),
                (M::ReceivedForDues, received),
                (M::ContributionIncome, 500),
                (M::SubsidyIncome, 200),
                (M::OtherIncome, 100),
                (M::BenefitsDecided, 450),
                (M::Expenses, 50),
                (M::Assets, 5000),
                (M::Liabilities, 4000),
                (M::Liquid, liquid),
                (M::Payable, 800),
            ]
        };
        let value = |id| of(id, &[], &month(400, 380, 0), &month(600, 420, 1200));
        assert_eq!(value("collection_rate"), made(800, 1200, 6667));
        assert_eq!(value("gross_financing_ratio"), made(1600, 1000, 16_000));
        assert_eq!(value("self_financing_ratio"), made(1000, 1000, 10_000));
        assert_eq!(value("subsidy_share"), made(400, 1600, 2500));
        assert_eq!(value("solvency_ratio"), made(5000, 4000, 12_500));
        assert_eq!(value("liquidity_ratio"), made(1200, 800, 15_000));
        assert_eq!(value("own_funds_minor").value, Some(1000));
        assert_eq!(value("dues_other_payers_minor").value, Some(200));
        // 1000 over 500 in a mean month, both times two months.
        assert_eq!(value("reserve_months"), made(2000, 1000, 20));
    }

    #[test]
    fn a_target_is_put_in_and_else_is_missing() {
        for (id, measure) in [("coverage_ratio", M::BeneficiariesInForce), ("household_penetration", M::Households)] {
            let indicator = find(id).unwrap();
            let month = totals(&[(measure, 150)]);
            let found = parts(indicator, &Window { before: None, months: &[Some(&month)] });
            assert_eq!(found, Parts { numerator: Some(150), denominator: None });
            let none = value(indicator, &[found]).unwrap();
            assert_eq!(
                (none.0.numerator, none.0.value, none.0.undefined),
                (Some(150), None, Some(Undefined::NoTarget))
            );
            assert_eq!(none.1, 1);
            let with = value(indicator, &[Parts { denominator: Some(1200), ..found }]).unwrap();
            assert_eq!(with, (made(150, 1200, 1250), 0));
            let unknown = Parts { numerator: None, denominator: Some(1200) };
            assert_eq!(value(indicator, &[unknown]).unwrap().0.undefined, Some(Undefined::NotReported));
        }
    }

    #[test]
    fn the_mean_of_days_comes_from_a_histogram_that_was_read() {
        for (id, from) in
            [("promptness_from_event", DaysFrom::Event), ("promptness_from_submission", DaysFrom::Submission)]
        {
            let indicator = find(id).unwrap();
            assert_eq!(indicator.how, How::Promptness(from));
            let month = Totals::NOTHING;
            let found = parts(indicator, &Window { before: None, months: &[Some(&month)] });
            assert_eq!(found, Parts { numerator: None, denominator: None });
            assert_eq!(value(indicator, &[known(292, 10)]).unwrap().0, made(292, 10, 2920));
            assert_eq!(value(indicator, &[known(0, 0)]).unwrap().0.undefined, Some(Undefined::NothingToDivide));
        }
    }

    #[test]
    fn over_nothing_there_is_no_value_and_never_zero() {
        let month = Totals::NOTHING;
        let window = Window { before: Some(&month), months: &[Some(&month)] };
        let nothing = Some(Undefined::NothingToDivide);
        let expected = Value { numerator: Some(0), denominator: Some(0), value: None, undefined: nothing };
        for indicator in CATALOGUE.iter().filter(|indicator| indicator.how == How::Ratio) {
            assert_eq!(value(indicator, &[parts(indicator, &window)]), Ok((expected, 0)), "{}", indicator.id);
        }
        for indicator in CATALOGUE.iter().filter(|indicator| indicator.how == How::Figure) {
            let found = value(indicator, &[parts(indicator, &window)]).unwrap().0;
            assert_eq!((found.value, found.undefined), (Some(0), None), "{}", indicator.id);
        }
    }

    #[test]
    fn what_looks_at_a_month_that_is_missing_is_not_known() {
        let month = Totals::NOTHING;
        let gaps: [&[Option<&Totals>]; 3] = [&[], &[None], &[Some(&month), None]];
        for indicator in CATALOGUE {
            for months in gaps {
                let found = parts(indicator, &Window { before: Some(&month), months });
                let starts =
                    indicator.denominator.iter().all(|term| term.at == At::Start) && !indicator.denominator.is_empty();
                let expected = Parts { numerator: None, denominator: starts.then_some(0) };
                assert_eq!(found, expected, "{}", indicator.id);
                assert_eq!(
                    value(indicator, &[found]).unwrap().0.undefined,
                    Some(Undefined::NotReported),
                    "{}",
                    indicator.id
                );
            }
        }
        let gap = Window { before: None, months: &[None, Some(&month)] };
        assert_eq!(parts(find("paid_minor").unwrap(), &gap).numerator, None);
        assert_eq!(
            parts(find("households").unwrap(), &gap).numerator,
            Some(0),
            "a stock at the end needs the last month only"
        );
    }

    #[test]
    fn a_figure_that_is_not_known_is_not_zero() {
        let (whole, partial) = (Totals::NOTHING, Totals::UNKNOWN.with(M::Earned, 5));
        let window = Window { before: None, months: &[Some(&whole), Some(&partial)] };
        let ratio = find("incurred_expense_ratio").unwrap();
        assert_eq!(parts(ratio, &window), Parts { numerator: None, denominator: Some(5) });
        let found = value(ratio, &[parts(ratio, &window)]).unwrap();
        let undefined = Some(Undefined::NotReported);
        assert_eq!(found, (Value { numerator: None, denominator: Some(5), value: None, undefined }, 1));
    }

    #[test]
    fn without_the_month_before_growth_is_not_reported() {
        let month = totals(&[(M::BeneficiariesInForce, 9), (M::Households, 3), (M::EntriesNew, 1)]);
        for id in ["beneficiary_growth_net", "beneficiary_growth_gross", "household_growth_net"] {
            let indicator = find(id).unwrap();
            let found = parts(indicator, &Window { before: None, months: &[Some(&month)] });
            assert_eq!(found.denominator, None);
            assert_eq!(value(indicator, &[found]).unwrap().0.undefined, Some(Undefined::NotReported), "{id}");
        }
    }

    #[test]
    fn a_consolidated_value_is_a_ratio_of_sums() {
        let ratio = find("collection_rate").unwrap();
        let missing = Parts { numerator: Some(7), denominator: None };
        let units = [known(800, 1000), known(3000, 2000), missing, known(5, 0)];
        assert_eq!(value(ratio, &units), Ok((made(3805, 3000, 12_683), 1)));
        let nothing =
            Value { numerator: None, denominator: None, value: None, undefined: Some(Undefined::NotReported) };
        assert_eq!(value(ratio, &[missing, missing]), Ok((nothing, 2)));
        assert_eq!(value(ratio, &[]), Ok((nothing, 0)));
        let figure = find("paid_minor").unwrap();
        let amount = |numerator| Parts { numerator, denominator: None };
        let found = value(figure, &[amount(Some(4)), amount(None), amount(Some(6))]).unwrap();
        assert_eq!(found, (Value { numerator: Some(10), denominator: None, value: Some(10), undefined: None }, 1));
    }

    #[test]
    fn what_has_too_many_digits_is_refused() {
        let month = Totals::NOTHING.with(M::Paid, i64::MAX).with(M::Cases, i64::MAX);
        let window = Window { before: None, months: &[Some(&month), Some(&month)] };
        for indicator in CATALOGUE {
            let _ = value(indicator, &[parts(indicator, &window)]);
        }
        let paid = find("paid_minor").unwrap();
        assert_eq!(value(paid, &[parts(paid, &window)]), Err(Overflow));
        assert_eq!(value(paid, &[known(i128::MAX, 1), known(1, 1)]), Err(Overflow));
    }

    #[test]
    fn the_documentation_has_each_indicator_once() {
        let text = indicators_md();
        for indicator in CATALOGUE {
            assert_eq!(text.matches(&format!("\n| `{}` |", indicator.id)).count(), 1, "{}", indicator.id);
        }
        for line in text.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.matches('|').count(), 9, "{line}");
        }
        for word in [Undefined::NothingToDivide, Undefined::NotReported, Undefined::NoTarget].map(Undefined::word) {
            assert!(text.contains(word));
        }
        for unit in CATALOGUE.iter().map(|indicator| indicator.unit).filter(|unit| *unit != Unit::Count) {
            assert!(text.contains(&format!("`{}`", unit.word())), "{unit:?}");
        }
        assert!(text.contains(&format!("version, {DEFINITION_VERSION}")));
    }
}
