//! `/organisations/{id}/exchange-rates`: what a currency is worth in another, from a day on.
use super::model::ExchangeRate;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::{OrganisationKind, need};
use crate::access::scopes::BodyScope;
use crate::contributions::service::LARGEST_MINOR;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::web::{Body, Query, made, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Two amounts that are worth the same from a day on, until there is a later rate between the two currencies.
#[derive(Serialize, ToSchema)]
pub struct ExchangeRateView {
    pub id: ExchangeRateId,
    pub organisation_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub currency: String,
    /// In minor units.
    pub amount_minor: i64,
    pub equals_currency: String,
    /// In minor units of the other currency.
    pub equals_minor: i64,
    pub source: String,
    pub recorded_at: DateTime<Utc>,
}

impl ExchangeRateView {
    pub fn of(row: &ExchangeRate) -> ExchangeRateView {
        ExchangeRateView {
            id: row.id,
            organisation_id: row.organisation_id,
            valid_from: row.valid_from,
            currency: row.currency.clone(),
            amount_minor: row.amount_minor,
            equals_currency: row.equals_currency.clone(),
            equals_minor: row.equals_minor,
            source: row.source.clone(),
            recorded_at: row.recorded_at.and_utc(),
        }
    }
}

/// Those of a year, the last first.
#[derive(Serialize, ToSchema)]
pub struct ExchangeRateList {
    pub items: Vec<ExchangeRateView>,
}

/// Which rates are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRateFilter {
    /// Those that begin in this year; the running one where none is asked for.
    pub year: Option<i32>,
}

/// `GET /organisations/{id}/exchange-rates`
pub async fn list(
    guard: Guard<need::FiguresRead, BodyScope>,
    query: Query<ExchangeRateFilter>,
) -> Result<HttpResponse> {
    let year = query.0.year.unwrap_or(guard.scope.today().year());
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).filter(|_| (1900..=9_999).contains(&year));
    let Some(days) = day(1, 1).zip(day(12, 31)) else {
        return Err(Problem::field("year", "out_of_bounds", "1900 to 9999").into());
    };
    let items = guard
        .read(move |r, scope| {
            let rows = store::list(r, scope.organisation(), days)?;
            Ok(rows.iter().map(ExchangeRateView::of).collect())
        })
        .await?;
    Ok(shown(&ExchangeRateList { items }))
}

/// A rate: `{currency: "XOF", amount_minor: 655957, equals_currency: "EUR", equals_minor: 100000}` says that 655,957 francs are
/// 1,000.00 euros.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddExchangeRate {
    /// Made by the client, so that it may be sent again.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// It holds until the day of the next one between the two. One that was wrong is recorded anew from the same day.
    #[garde(skip)]
    pub valid_from: NaiveDate,
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    #[garde(range(min = 1, max = LARGEST_MINOR))]
    #[schema(minimum = 1)]
    pub amount_minor: i64,
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub equals_currency: String,
    #[garde(range(min = 1, max = LARGEST_MINOR))]
    #[schema(minimum = 1)]
    pub equals_minor: i64,
    /// Where it comes from: a central bank, a treaty.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    pub source: String,
}

/// `POST /organisations/{id}/exchange-rates`
pub async fn add(guard: Guard<need::FigureSettings, BodyScope>, body: Body<AddExchangeRate>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    if matches!(guard.scope.kind(), OrganisationKind::Mutual | OrganisationKind::Section) {
        return Err(Problem::with(Code::WrongState, "a body above mutuals says what currencies are worth").into());
    }
    let known = |field: &'static str, code: &str| {
        let message = || format!("'{code}' is no currency");
        Currency::parse(code).ok_or_else(|| Problem::field(field, "unknown_value", message()))
    };
    let (one, other) = (known("/currency", &asked.currency)?, known("/equals_currency", &asked.equals_currency)?);
    if one == other {
        return Err(Problem::field("/equals_currency", "invalid", "another currency than the first").into());
    }
    if asked.valid_from > guard.scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/valid_from").into());
    }
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let row = ExchangeRate {
                    id: Key::new(order.id.uuid()),
                    organisation_id: scope.organisation(),
                    valid_from: asked.valid_from,
                    currency: one.code().to_owned(),
                    amount_minor: asked.amount_minor,
                    equals_currency: other.code().to_owned(),
                    equals_minor: asked.equals_minor,
                    source: asked.source.clone(),
                    recorded_by: order.asker.user,
                    recorded_at: w.now(),
                };
                store::insert(w, &row)?;
                w.names("exchange_rate", row.id.uuid());
                w.names("organisation", scope.organisation().uuid());
                w.field("valid_from", None, Some(json!(row.valid_from)));
                w.field("currency", None, Some(json!(row.currency)));
                w.field("amount_minor", None, Some(json!(row.amount_minor)));
                w.field("equals_currency", None, Some(json!(row.equals_currency)));
                w.field("equals_minor", None, Some(json!(row.equals_minor)));
                Ok(())
            },
            |r, _, order| {
                let found = store::find(r, Key::new(order.id.uuid()))?;
                found.as_ref().map(ExchangeRateView::of).ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    let location = format!("/api/v1/organisations/{}/exchange-rates", guard.scope.organisation());
    Ok(made(replayed, &location, None, &view))
}
