//! `GET /organisations/{id}/reports/month`
use super::model::{DEFINITION_VERSION, Figures};
use super::service::{self, Report};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::picture::Picture;
use crate::access::scopes::BodyScope;
use crate::error::{Error, Result};
use crate::ids::*;
use crate::web::{Format, Query, blocking, cell, shown, wanted};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which month.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MonthFilter {
    /// `2026-03`
    pub period: String,
}

/// A ratio with what it is made of.
#[derive(Serialize, ToSchema)]
pub struct RatioView {
    pub numerator_minor: i64,
    pub denominator_minor: i64,
    /// Basis points, half up; null where the denominator is 0.
    pub value_bp: Option<i64>,
}

/// A month in figures. Stocks are of the month's last day, or of today within it.
#[derive(Serialize, ToSchema)]
pub struct FiguresView {
    /// Households with a person in force; one who waits counts.
    pub households: i64,
    /// Principals in force.
    pub principals: i64,
    /// Persons in force.
    pub beneficiaries_in_force: i64,
    /// Contributions due in the month, of all payers.
    pub dues_minor: i64,
    /// Registration fees due in the month.
    pub fees_minor: i64,
    /// Payments received in the month less reversals of the month, credit included.
    pub collected_minor: i64,
    pub claims_submitted: i64,
    /// Approved whole, by the day of decision.
    pub claims_approved: i64,
    /// Approved in part.
    pub claims_partially_approved: i64,
    pub claims_rejected: i64,
    /// The mutual's share settled in the month.
    pub paid_minor: i64,
    /// The mutual's share decided in the month over the dues of the month.
    pub claims_ratio: RatioView,
    /// What was received for the dues of the month over those dues.
    pub collection_rate: RatioView,
}

fn figures_view(figures: &Figures) -> Result<FiguresView> {
    Ok(FiguresView {
        households: figures.households,
        principals: figures.principals,
        beneficiaries_in_force: figures.beneficiaries_in_force,
        dues_minor: figures.dues_minor,
        fees_minor: figures.fees_minor,
        collected_minor: figures.collected_minor,
        claims_submitted: figures.claims_submitted,
        claims_approved: figures.claims_approved,
        claims_partially_approved: figures.claims_partially_approved,
        claims_rejected: figures.claims_rejected,
        paid_minor: figures.paid_minor,
        claims_ratio: RatioView {
            numerator_minor: figures.benefits_decided_minor,
            denominator_minor: figures.dues_minor,
            value_bp: service::claims_ratio_bp(figures)?,
        },
        collection_rate: RatioView {
            numerator_minor: figures.received_for_dues_minor,
            denominator_minor: figures.dues_minor,
            value_bp: service::collection_rate_bp(figures)?,
        },
    })
}

/// A mutual's month.
#[derive(Serialize, ToSchema)]
pub struct MutualMonth {
    pub mutual_id: OrganisationId,
    pub code: String,
    pub name: String,
    pub currency: String,
    pub figures: FiguresView,
}

/// The sum of the mutuals of one currency.
#[derive(Serialize, ToSchema)]
pub struct CurrencyMonth {
    pub currency: String,
    pub figures: FiguresView,
}

/// How many mutuals the figures are of.
#[derive(Serialize, ToSchema)]
pub struct CompletenessView {
    pub expected: usize,
    pub reported: usize,
    pub late: usize,
    pub missing: usize,
}

/// A month of a mutual, or of the mutuals below a body. No person is behind it.
#[derive(Serialize, ToSchema)]
pub struct MonthReport {
    pub organisation_id: OrganisationId,
    /// `2026-03`
    pub period: String,
    /// `live`: computed from the rows now, not frozen.
    pub basis: String,
    /// The instant of which the figures are.
    pub as_of: DateTime<Utc>,
    /// The day of the stocks.
    pub stock_on: NaiveDate,
    /// The version of the definitions.
    pub definition_version: u32,
    pub completeness: CompletenessView,
    /// Each currency apart; they are never added.
    pub totals: Vec<CurrencyMonth>,
    /// Each mutual, by code.
    pub mutuals: Vec<MutualMonth>,
}

/// `GET /organisations/{id}/reports/month`
pub async fn month(
    guard: Guard<need::FiguresRead, BodyScope>,
    req: HttpRequest,
    query: Query<MonthFilter>,
) -> Result<HttpResponse> {
    let format = wanted(&req)?;
    let period = query.0.period;
    let month = service::month(&period, guard.scope.today())?;
    let as_of = guard.now.and_utc();
    let (db, picture, scope) = (guard.desk.db.clone(), guard.picture.clone(), guard.scope.clone());
    let report = blocking(move || service::report(&db, &picture, &scope, month)).await?;
    let units = report.rows.len();
    let view = MonthReport {
        organisation_id: guard.scope.organisation(),
        period,
        basis: "live".into(),
        as_of,
        stock_on: month.stock_on,
        definition_version: DEFINITION_VERSION,
        // Every mutual linked here keeps its rows in this database, so that each has reported.
        completeness: CompletenessView { expected: units, reported: units, late: 0, missing: 0 },
        totals: totals(&report)?,
        mutuals: mutuals(&report, &guard.picture)?,
    };
    match format {
        Format::Json => Ok(shown(&view)),
        Format::Csv => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("text/csv; charset=utf-8")
            .body(csv(&view)?)),
    }
}

fn totals(report: &Report) -> Result<Vec<CurrencyMonth>> {
    report
        .totals
        .iter()
        .map(|(currency, figures)| {
            Ok(CurrencyMonth { currency: currency.code().to_owned(), figures: figures_view(figures)? })
        })
        .collect()
}

fn mutuals(report: &Report, picture: &Picture) -> Result<Vec<MutualMonth>> {
    report
        .rows
        .iter()
        .map(|row| {
            let found = picture.organisation(row.mutual);
            Ok(MutualMonth {
                mutual_id: row.mutual,
                code: found.map(|mutual| mutual.code.clone()).unwrap_or_default(),
                name: found.map(|mutual| mutual.name.clone()).unwrap_or_default(),
                currency: row.currency.code().to_owned(),
                figures: figures_view(&row.figures)?,
            })
        })
        .collect()
}

/// A line per mutual, then one per currency.
fn csv(view: &MonthReport) -> Result<String> {
    let fault = |error: &dyn std::fmt::Display| Error::Fault(format!("a report cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "period",
            "basis",
            "as_of",
            "definition_version",
            "row",
            "mutual_code",
            "mutual_name",
            "currency",
            "households",
            "principals",
            "beneficiaries_in_force",
            "dues_minor",
            "fees_minor",
            "collected_minor",
            "claims_submitted",
            "claims_approved",
            "claims_partially_approved",
            "claims_rejected",
            "paid_minor",
            "claims_ratio_numerator_minor",
            "claims_ratio_denominator_minor",
            "claims_ratio_bp",
            "collection_rate_numerator_minor",
            "collection_rate_denominator_minor",
            "collection_rate_bp",
            "expected",
            "reported",
        ])
        .map_err(|error| fault(&error))?;
    let mut line = |row: &str, code: &str, name: &str, currency: &str, figures: &FiguresView| {
        let bp = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        // A spreadsheet takes a cell that begins so for a formula.
        let name = if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{name}") } else { name.into() };
        writer.write_record([
            view.period.clone(),
            view.basis.clone(),
            view.as_of.to_rfc3339(),
            view.definition_version.to_string(),
            row.to_owned(),
            code.to_owned(),
            name,
            currency.to_owned(),
            figures.households.to_string(),
            figures.principals.to_string(),
            figures.beneficiaries_in_force.to_string(),
            figures.dues_minor.to_string(),
            figures.fees_minor.to_string(),
            figures.collected_minor.to_string(),
            figures.claims_submitted.to_string(),
            figures.claims_approved.to_string(),
            figures.claims_partially_approved.to_string(),
            figures.claims_rejected.to_string(),
            figures.paid_minor.to_string(),
            figures.claims_ratio.numerator_minor.to_string(),
            figures.claims_ratio.denominator_minor.to_string(),
            bp(figures.claims_ratio.value_bp),
            figures.collection_rate.numerator_minor.to_string(),
            figures.collection_rate.denominator_minor.to_string(),
            bp(figures.collection_rate.value_bp),
            view.completeness.expected.to_string(),
            view.completeness.reported.to_string(),
        ])
    };
    for mutual in &view.mutuals {
        line("mutual", &mutual.code, &cell(&mutual.name), &mutual.currency, &mutual.figures)
            .map_err(|error| fault(&error))?;
    }
    for total in &view.totals {
        line("total", "", "", &total.currency, &total.figures).map_err(|error| fault(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| fault(&error))?;
    String::from_utf8(bytes).map_err(|error| fault(&error))
}
