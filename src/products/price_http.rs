//! `POST /products/{id}/price`: what a household would owe, line by line, without one being there.
use super::http::visible;
use super::rules::{DueKind, Entry, PersonOf, Product, Reckoned, Schedule, period_of, schedule};
use super::service;
use super::store;
use crate::access::guard::{Guard, Somewhere};
use crate::access::permissions::need;
use crate::dates::{Period, age_on};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::web::{Body, Ids, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A due that admission would issue.
#[derive(Serialize, ToSchema)]
pub struct PlannedDueView {
    pub kind: DueKind,
    /// `HOUSEHOLD`, or who pays for it.
    pub payer: String,
    pub due_on: NaiveDate,
    pub amount_minor: i64,
    /// Which instalment or month, from 1.
    pub part: usize,
    /// Of how many.
    pub parts: usize,
}

/// What a payer owes in all.
#[derive(Serialize, ToSchema)]
pub struct PayerTotal {
    pub payer: String,
    pub amount_minor: i64,
}

/// Why the household could not enter on these terms.
#[derive(Serialize, ToSchema)]
pub struct RefusalView {
    pub code: String,
    pub message: String,
}

impl From<Problem> for RefusalView {
    fn from(problem: Problem) -> Self {
        RefusalView { code: problem.code.as_str().to_owned(), message: problem.detail }
    }
}

/// What a period costs.
#[derive(Serialize, ToSchema)]
pub struct PriceView {
    pub currency: String,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    /// True where fees of entry are due.
    pub first_enrolment: bool,
    pub persons: usize,
    /// How the price of the period, or of one month of a monthly price, comes about.
    pub lines: Vec<Reckoned>,
    /// The dues that admission would issue.
    pub dues: Vec<PlannedDueView>,
    pub totals: Vec<PayerTotal>,
    /// Why an application would be refused: windows, cycle, size, age, and of a registered household its principal and a
    /// period that it has already; empty where nothing stands in the way.
    pub refusals: Vec<RefusalView>,
}

/// A price as it is shown.
///
/// # Errors
/// `amount_too_large`.
pub fn price_view(
    product: &Product,
    period: Period,
    first_enrolment: bool,
    persons: usize,
    made: Schedule,
    refusals: Vec<RefusalView>,
) -> Result<PriceView> {
    let totals = made.by_payer().map_err(|_| Problem::of(Code::AmountTooLarge))?;
    Ok(PriceView {
        currency: product.currency.code().to_owned(),
        starts_on: period.from,
        ends_on: period.to,
        first_enrolment,
        persons,
        lines: made.reckoning,
        dues: made
            .dues
            .into_iter()
            .map(|due| PlannedDueView {
                kind: due.kind,
                payer: due.payer,
                due_on: due.due_on,
                amount_minor: due.amount_minor,
                part: due.part.0,
                parts: due.part.1,
            })
            .collect(),
        totals: totals.into_iter().map(|(payer, amount_minor)| PayerTotal { payer, amount_minor }).collect(),
        refusals,
    })
}

/// A person who is thought of.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricedPerson {
    /// `STANDARD` where it is left out.
    #[garde(inner(length(min = 1, max = 20)))]
    #[schema(min_length = 1, max_length = 20)]
    pub class: Option<String>,
    /// Who was born on an unknown day counts as an adult.
    #[garde(skip)]
    pub birth_date: Option<NaiveDate>,
}

/// A household that is thought of.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceProduct {
    /// A version, also a draft; the published one valid on `starts_on` where it is left out.
    #[garde(skip)]
    pub version: Option<i32>,
    #[garde(skip)]
    pub starts_on: NaiveDate,
    /// As long as the product's period where it is left out.
    #[garde(skip)]
    pub ends_on: Option<NaiveDate>,
    /// The day of the application; today where it is left out.
    #[garde(skip)]
    pub applied_on: Option<NaiveDate>,
    /// False for a renewal; true where it is left out.
    #[garde(skip)]
    pub first_enrolment: Option<bool>,
    #[garde(length(min = 1, max = 50), dive)]
    #[schema(min_items = 1, max_items = 50)]
    pub persons: Vec<PricedPerson>,
}

/// `POST /products/{id}/price`
pub async fn price(
    guard: Guard<need::ProductRead, Somewhere>,
    path: Ids<ProductId>,
    body: Body<PriceProduct>,
) -> Result<HttpResponse> {
    let id = visible(&guard, path.0).await?.id;
    let asked = body.value;
    let (version, starts_on) = (asked.version, asked.starts_on);
    let row = guard
        .read(move |r, _| {
            let found = match version {
                Some(number) => {
                    store::find_version(r, id, number)?.ok_or(Problem::of(Code::NotFound).at("/version"))?
                }
                None => {
                    store::find_valid(r, id, starts_on)?.ok_or(Problem::of(Code::ProductNotValid).at("/starts_on"))?
                }
            };
            Ok(found)
        })
        .await?;
    let product = service::parameters(&row)?;
    service::must_not_contradict(&product)?;
    let unborn = asked.persons.iter().position(|one| one.birth_date.is_some_and(|born| born > starts_on));
    if let Some(at) = unborn {
        let detail = "the person is born after the period's first day";
        return Err(Problem::with(Code::ImpossibleDate, detail).at(format!("/persons/{at}/birth_date")).into());
    }
    let impossible = |detail: &str| Problem::with(Code::ImpossibleDate, detail).at("/ends_on");
    let period = period_of(&product, starts_on, asked.ends_on)
        .map_err(|_| impossible("a date lies beyond the calendar"))?
        .ok_or(impossible("the period ends before it begins"))?;
    if period.days() > 1830 {
        return Err(impossible("a period has at most five years").into());
    }
    let people: Vec<PersonOf> = asked
        .persons
        .iter()
        .map(|one| PersonOf {
            class: one.class.clone().unwrap_or_else(|| "STANDARD".into()),
            age: one.birth_date.and_then(|born| age_on(born, starts_on).ok()),
        })
        .collect();
    let first = asked.first_enrolment.unwrap_or(true);
    let born: Vec<Option<NaiveDate>> = asked.persons.iter().map(|one| one.birth_date).collect();
    let today = guard.now.date();
    let entry = Entry { is_renewal: !first, size: i64::try_from(born.len()).unwrap_or(i64::MAX), born: &born };
    let who: Vec<String> = (0..born.len()).map(|at| format!("/persons/{at}")).collect();
    let refusals = product.refuses(asked.applied_on.unwrap_or(today), starts_on, &entry);
    let refusals = refusals.iter().map(|reason| service::refusal(reason, &who).into()).collect();
    let made = schedule(&product, &people, period, first).map_err(service::refused_price)?;
    Ok(shown(&price_view(&product, period, first, people.len(), made, refusals)?))
}
