//! The month of a mutual or of the mutuals below a body, live from the rows: one mutual and one transaction at a time.
use super::model::{Figures, Month};
use super::rules::Fraction;
use super::store;
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::{BodyScope, FigureScope};
use crate::dates::month_of;
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Reads `2026-03`.
///
/// # Errors
/// `invalid`, `future_date`.
pub fn month(text: &str, today: NaiveDate) -> Result<Month> {
    let malformed = || Error::from(Problem::field("period", "malformed", "a month as YYYY-MM, such as 2026-03"));
    let first = (text.len() == 7)
        .then(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok())
        .flatten()
        .ok_or_else(malformed)?;
    if first > today {
        return Err(Problem::of(Code::FutureDate).at("period").into());
    }
    let whole = month_of(first).map_err(|_| malformed())?;
    Ok(Month { from: whole.from, to: whole.to, stock_on: whole.to.min(today) })
}

/// A mutual's line.
#[derive(Debug, Clone)]
pub struct Row {
    /// The mutual.
    pub mutual: OrganisationId,
    /// Its currency.
    pub currency: Currency,
    /// Its figures.
    pub figures: Figures,
}

/// A month, mutual by mutual, and added up by currency: currencies are never added.
#[derive(Debug, Clone)]
pub struct Report {
    /// The mutuals, by code.
    pub rows: Vec<Row>,
    /// The sums, by currency.
    pub totals: Vec<(Currency, Figures)>,
}

/// The month of an organisation: a mutual's own, or those of the mutuals linked below a body on the month's last day.
///
/// # Errors
/// The database's.
pub fn report(db: &Db, picture: &Picture, scope: &BodyScope, month: Month) -> Result<Report> {
    let mutuals: Vec<OrganisationId> = match scope.kind() {
        OrganisationKind::Mutual => vec![scope.organisation()],
        OrganisationKind::Root => picture.mutuals(),
        _ => picture.mutuals_under(scope.organisation(), month.stock_on).into_iter().collect(),
    };
    let mut rows = Vec::with_capacity(mutuals.len());
    for mutual in mutuals {
        let figures_of = FigureScope::within(scope, picture, mutual, month.stock_on)?;
        let figures =
            db.read(Wall::mutual(figures_of.mutual()), |r| store::month(r, &figures_of, month).map_err(Error::from))?;
        rows.push(Row { mutual, currency: figures_of.currency(), figures });
    }
    rows.sort_by_key(|row| picture.organisation(row.mutual).map(|found| found.code.clone()));
    let mut totals: BTreeMap<&'static str, (Currency, Figures)> = BTreeMap::new();
    for row in &rows {
        let sum = totals.entry(row.currency.code()).or_insert((row.currency, Figures::default()));
        sum.1 = sum.1.plus(&row.figures).ok_or(Problem::of(Code::AmountTooLarge))?;
    }
    Ok(Report { rows, totals: totals.into_values().collect() })
}

/// The mutual's share decided in the month over the dues of the month, in basis points (R40); none without dues.
///
/// # Errors
/// Beyond what can be counted.
pub fn claims_ratio_bp(figures: &Figures) -> Result<Option<i64>> {
    ratio(figures.benefits_decided_minor, figures.dues_minor)
}

/// What was received for the dues of the month over those dues, in basis points (R40); none without dues.
///
/// # Errors
/// Beyond what can be counted.
pub fn collection_rate_bp(figures: &Figures) -> Result<Option<i64>> {
    ratio(figures.received_for_dues_minor, figures.dues_minor)
}

fn ratio(numerator: i64, denominator: i64) -> Result<Option<i64>> {
    Fraction { numerator, denominator }.ratio_bp().map_err(|_| Problem::of(Code::AmountTooLarge).into())
}
