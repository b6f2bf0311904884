//! `POST /tariffs/import`.
use super::tariffs::{self, Effect, Line, Plan, PriceList};
use crate::access::guard::{Guard, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{FieldError, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::web::{Body, changed};
use crate::words;
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A price list.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTariffs {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// The mutual or body that makes the prices.
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// ISO 4217, of every price of the file.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// The first day of the prices. What is in force then and costs something else is closed on the day before.
    #[garde(skip)]
    pub valid_from: NaiveDate,
    /// The file: a header `service_code,unit_price` and, where facilities have prices of their own, `provider_code` (empty
    /// for the reference price); comma or semicolon, amounts in major units; at most 5,000 lines. Codes are looked for in
    /// the owner's catalogue, then in those of the bodies above, nearest first.
    #[garde(length(min = 1))]
    pub csv: String,
    /// True shows what would be done and does nothing.
    #[garde(skip)]
    pub dry_run: Option<bool>,
}

words! {
    /// What a line of a price list does.
    pub enum LineEffect {
        /// There is no price on the first day yet: one begins.
        New = "new",
        /// The price in force is closed on the day before, another one begins.
        Changed = "changed",
        /// The price is in force already.
        Same = "same",
        /// The line is bad.
        Error = "error",
    }
}

/// A line of a price list.
#[derive(Serialize, ToSchema)]
pub struct TariffLine {
    /// In the file, the header being line 1.
    pub line: u64,
    pub service_code: String,
    /// Null for the reference price.
    pub provider_code: Option<String>,
    pub effect: LineEffect,
    /// The price that is closed, or stays; minor units.
    pub old_price_minor: Option<i64>,
    /// The price of the file; null where the line is bad.
    pub new_price_minor: Option<i64>,
    /// The faults of a bad line, at `/csv/{line}/{column}`.
    pub errors: Vec<FieldError>,
}

impl From<Line> for TariffLine {
    fn from(line: Line) -> Self {
        let price = line.price.map(|price| price.unit_price_minor);
        let (effect, old, new, errors) = match line.effect {
            Effect::New => (LineEffect::New, None, price, Vec::new()),
            Effect::Changed { old_minor, .. } => (LineEffect::Changed, Some(old_minor), price, Vec::new()),
            Effect::Same => (LineEffect::Same, price, price, Vec::new()),
            Effect::Bad(errors) => (LineEffect::Error, None, None, errors),
        };
        TariffLine {
            line: line.line,
            service_code: line.service_code,
            provider_code: line.provider_code,
            effect,
            old_price_minor: old,
            new_price_minor: new,
            errors,
        }
    }
}

/// A price in force of which the file says nothing; it stays as it is.
#[derive(Serialize, ToSchema)]
pub struct MissingTariff {
    pub service_code: String,
    /// Null for the reference price.
    pub provider_code: Option<String>,
    pub unit_price_minor: i64,
}

/// What a price list does, or would do.
#[derive(Serialize, ToSchema)]
pub struct ImportedTariffs {
    /// True where nothing was done.
    pub dry_run: bool,
    /// Lines by effect.
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    pub errors: usize,
    /// The last day of the prices that are closed.
    pub closed_on: Option<NaiveDate>,
    /// The lines in the order of the file.
    pub lines: Vec<TariffLine>,
    /// The owner's prices in force on the first day that are not in the file: of the facilities that it names, and the
    /// reference where it has reference prices. They stay as they are.
    pub missing: Vec<MissingTariff>,
}

fn view(plan: Plan, valid_from: NaiveDate, dry_run: bool) -> ImportedTariffs {
    let lines: Vec<TariffLine> = plan.lines.into_iter().map(TariffLine::from).collect();
    let count = |effect: LineEffect| lines.iter().filter(|line| line.effect == effect).count();
    let closes = count(LineEffect::Changed) > 0;
    ImportedTariffs {
        dry_run,
        added: count(LineEffect::New),
        changed: count(LineEffect::Changed),
        same: count(LineEffect::Same),
        errors: count(LineEffect::Error),
        closed_on: valid_from.pred_opt().filter(|_| closes),
        missing: plan
            .missing
            .into_iter()
            .map(|row| MissingTariff {
                service_code: row.service_code,
                provider_code: row.provider_code,
                unit_price_minor: row.unit_price_minor,
            })
            .collect(),
        lines,
    }
}

/// `POST /tariffs/import`
pub async fn import(guard: Guard<need::ProviderWrite, Somewhere>, body: Body<ImportTariffs>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProviderWrite)?;
    let currency = Currency::parse(&asked.currency)
        .ok_or_else(|| Problem::field("/currency", "unknown_value", "an ISO 4217 code such as BIF"))?;
    let owner = asked.owner_id;
    let mut owners = vec![owner];
    owners.extend(guard.picture.ancestors(owner, guard.on(owner)));
    let valid_from = asked.valid_from;
    let list = PriceList { owner, owners, currency, valid_from, csv: asked.csv };
    if asked.dry_run == Some(true) {
        let plan = guard.read(move |r, _| tariffs::plan(r, &list)).await?;
        return Ok(changed(false, None, &view(plan, valid_from, true)));
    }
    let done: Arc<Mutex<Option<Plan>>> = Arc::default();
    let (kept, again) = (Arc::clone(&done), list.clone());
    let (plan, replayed) = guard
        .carry_out(
            order,
            move |w, _| {
                *kept.lock() = Some(tariffs::import(w, &list)?);
                Ok(())
            },
            // A repetition did nothing: what the list would do now is told.
            move |r, _| match done.lock().take() {
                Some(plan) => Ok(plan),
                None => tariffs::plan(r, &again),
            },
        )
        .await?;
    Ok(changed(replayed, None, &view(plan, valid_from, false)))
}
