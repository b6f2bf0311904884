//! `POST /mutuals/{m}/enrolments/price`: what an enrolment of a household would cost, line by line.
use super::terms::{self, Application};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::Result;
use crate::ids::*;
use crate::products::price_http::{RefusalView, price_view};
use crate::web::{Body, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

/// An enrolment that is thought of.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceEnrolment {
    #[garde(skip)]
    pub household_id: HouseholdId,
    #[garde(skip)]
    pub product_id: ProductId,
    #[garde(skip)]
    pub starts_on: NaiveDate,
    /// As long as the product's period where it is left out.
    #[garde(skip)]
    pub ends_on: Option<NaiveDate>,
    /// The day of the application; today where it is left out.
    #[garde(skip)]
    pub applied_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/enrolments/price`
pub async fn price(guard: Guard<need::RegisterRead, MutualScope>, body: Body<PriceEnrolment>) -> Result<HttpResponse> {
    let asked = body.value;
    let mutual: OrganisationId = guard.scope.mutual().into();
    let mut owners = guard.picture.ancestors(mutual, guard.scope.today());
    owners.push(mutual);
    let household = asked.household_id;
    let application = Application {
        number: None,
        household,
        product: asked.product_id,
        starts_on: asked.starts_on,
        ends_on: asked.ends_on,
        applied_on: asked.applied_on.unwrap_or(guard.scope.today()),
        waiting_from: None,
        agreed: false,
    };
    let priced = guard.read(move |r, scope| terms::price(r, scope, &owners, &application)).await?;
    guard.note("household", [household.uuid()], None).await?;
    let refusals = priced.refusals.into_iter().map(RefusalView::from).collect();
    let view =
        price_view(&priced.product, priced.period, priced.first_enrolment, priced.persons, priced.schedule, refusals)?;
    Ok(shown(&view))
}
