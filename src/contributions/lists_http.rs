//! `/mutuals/{m}/arrears`, `…/contributions/as-of`, `…/households/{id}/statement`: shapes and handlers.
use super::drawing;
use super::lists;
use super::papers::{StatementLine, StatementView};
use super::position::Position;
use super::statement::{Statement, statement};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::dates;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Format, Ids, Query, cell, shown, wanted, wants_pdf};
use crate::words;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

words! {
    /// How long something has been due.
    pub enum Age {
        /// 1 to 30 days.
        UpTo30 = "1-30",
        /// 31 to 90 days.
        UpTo90 = "31-90",
        /// More than 90 days.
        Over90 = "over-90",
    }
}

impl Age {
    fn of(days: i64) -> Age {
        match days {
            ..=30 => Age::UpTo30,
            31..=90 => Age::UpTo90,
            _ => Age::Over90,
        }
    }

    /// The due dates of that age on a day.
    fn due_between(self, on: NaiveDate) -> Result<(NaiveDate, NaiveDate)> {
        let before = |days: i64| dates::add_days(on, -days).map_err(|_| Problem::of(Code::ImpossibleDate).at("on"));
        let always = dates::bounded((NaiveDate::MIN, on)).0;
        Ok(match self {
            Age::UpTo30 => (before(30)?, before(1)?),
            Age::UpTo90 => (before(90)?, before(31)?),
            Age::Over90 => (always, before(91)?),
        })
    }
}

/// Which households.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ArrearsFilter {
    /// At the end of this day; today where it is left out.
    pub on: Option<NaiveDate>,
    /// Only who has something open of this age.
    #[param(inline)]
    pub age: Option<Age>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// A phone of a household or of a person of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PhoneView {
    /// Family name first; null for the household's own.
    pub name: Option<String>,
    pub phone: String,
}

/// A household that is behind.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArrearsView {
    pub household_id: HouseholdId,
    pub household_number: String,
    pub section_id: Option<OrganisationId>,
    /// Family name first; null where there is none.
    pub principal: Option<String>,
    /// The household's first, then the principal's, then the others'.
    pub phones: Vec<PhoneView>,
    /// Open since 1 to 30 days.
    pub days_1_30_minor: i64,
    /// Open since 31 to 90 days.
    pub days_31_90_minor: i64,
    /// Open since more than 90 days.
    pub over_90_days_minor: i64,
    pub total_minor: i64,
    /// The day on which the oldest of it fell due.
    pub oldest_due_on: NaiveDate,
    pub currency: String,
}

fn behind(r: &mut Read, scope: &MutualScope, on: NaiveDate, of: &[HouseholdId]) -> Result<Vec<ArrearsView>> {
    let open = lists::open_dues(r, scope, on, of)?;
    let called = lists::called(r, scope, of)?;
    let reached = lists::reached(r, scope, of, on)?;
    let mut views = Vec::with_capacity(of.len());
    for (id, number, phone, section_id) in called {
        let own: Vec<(NaiveDate, i64)> =
            open.iter().filter(|row| row.0 == id).map(|(_, due_on, amount)| (*due_on, *amount)).collect();
        let Some((oldest_due_on, _)) = own.first().copied() else { continue };
        let of_age = |age: Age| -> i64 {
            let is = |row: &&(NaiveDate, i64)| Age::of(dates::days_between(row.0, on)) == age;
            own.iter().filter(is).map(|(_, amount)| amount).sum()
        };
        let persons: Vec<&lists::Reached> = reached.iter().filter(|row| row.0 == id).collect();
        let name = |row: &lists::Reached| format!("{} {}", row.1, row.2);
        let mut phones: Vec<PhoneView> = phone.into_iter().map(|phone| PhoneView { name: None, phone }).collect();
        phones
            .extend(persons.iter().filter_map(|row| Some(PhoneView { name: Some(name(row)), phone: row.4.clone()? })));
        views.push(ArrearsView {
            household_id: id,
            household_number: number,
            section_id,
            principal: persons.iter().find(|row| row.3).map(|row| name(row)),
            phones,
            days_1_30_minor: of_age(Age::UpTo30),
            days_31_90_minor: of_age(Age::UpTo90),
            over_90_days_minor: of_age(Age::Over90),
            total_minor: own.iter().map(|(_, amount)| amount).sum(),
            oldest_due_on,
            currency: scope.currency().code().to_owned(),
        });
    }
    Ok(views)
}

/// `GET /mutuals/{m}/arrears`
pub async fn arrears(
    guard: Guard<need::PaymentRead, MutualScope>,
    query: Query<ArrearsFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let filter = query.0;
    let format = wanted(&req)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("arrears {:?} {:?}", filter.on, filter.age))?;
    let page: Page<ArrearsView> = guard
        .read(move |r, scope| {
            let on = filter.on.unwrap_or(scope.today());
            let always = dates::bounded((NaiveDate::MIN, on)).0;
            let yesterday = on.pred_opt().unwrap_or(on);
            let between = match filter.age {
                Some(age) => age.due_between(on)?,
                None => (always, yesterday),
            };
            let ids = lists::households_behind(r, scope, on, between, ask.after_one()?, ask.fetch())?;
            let views = behind(r, scope, on, &ids)?;
            Ok(ask.page(views, |row| vec![row.household_id.to_string()], |row| row))
        })
        .await?;
    guard.note("household", page.items.iter().map(|row| row.household_id.uuid()), None).await?;
    if format == Format::Json {
        return Ok(shown(&page));
    }
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(next) = &page.next_cursor {
        answer.insert_header(("Next-Cursor", next.as_str()));
    }
    Ok(answer.content_type("text/csv; charset=utf-8").body(arrears_csv(&page.items)?))
}

fn arrears_csv(rows: &[ArrearsView]) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    let header = [
        "household_number",
        "principal",
        "phones",
        "days_1_30_minor",
        "days_31_90_minor",
        "over_90_days_minor",
        "total_minor",
        "oldest_due_on",
        "currency",
    ];
    table.write_record(header).map_err(|error| failed(error.to_string()))?;
    for row in rows {
        let phones: Vec<&str> = row.phones.iter().map(|phone| phone.phone.as_str()).collect();
        table
            .write_record([
                cell(&row.household_number).as_ref(),
                cell(row.principal.as_deref().unwrap_or("")).as_ref(),
                cell(&phones.join(" ")).as_ref(),
                &row.days_1_30_minor.to_string(),
                &row.days_31_90_minor.to_string(),
                &row.over_90_days_minor.to_string(),
                &row.total_minor.to_string(),
                &row.oldest_due_on.to_string(),
                &row.currency,
            ])
            .map_err(|error| failed(error.to_string()))?;
    }
    table.into_inner().map_err(|error| failed(error.to_string()))
}

/// What is owed by a payer.
#[derive(Serialize, ToSchema)]
pub struct OwedView {
    /// `HOUSEHOLD`, or who pays for it: `STATE`…
    pub payer: String,
    /// What fell due by then, fees and other dues included, less what was cancelled, waived or written off.
    pub due_minor: i64,
    pub paid_minor: i64,
    pub outstanding_minor: i64,
}

/// The contributions of a mutual at the end of a day, computed from the register.
#[derive(Serialize, ToSchema)]
pub struct ContributionsView {
    pub on: NaiveDate,
    /// Contributions issued by then, of all payers, less what was cancelled or waived.
    pub written_minor: i64,
    /// The part of the periods' days that have passed, half up per enrolment.
    pub earned_minor: i64,
    /// Written less earned.
    pub unearned_minor: i64,
    pub owed: Vec<OwedView>,
    pub currency: String,
}

/// Of which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOfFilter {
    /// Today where it is left out.
    pub on: Option<NaiveDate>,
}

/// `GET /mutuals/{m}/contributions`
pub async fn contributions(
    guard: Guard<need::LedgerRead, MutualScope>,
    query: Query<AsOfFilter>,
) -> Result<HttpResponse> {
    let on = query.0.on;
    let view = guard
        .read(move |r, scope| {
            let on = on.unwrap_or(scope.today());
            let found = lists::as_of(r, scope.mutual(), dates::bounded((on, on)).0)?;
            Ok(ContributionsView {
                on,
                written_minor: found.written,
                earned_minor: found.earned,
                unearned_minor: found.unearned,
                owed: found
                    .owed
                    .into_iter()
                    .map(|(payer, owed)| OwedView {
                        payer,
                        due_minor: owed.due,
                        paid_minor: owed.paid,
                        outstanding_minor: owed.open,
                    })
                    .collect(),
                currency: scope.currency().code().to_owned(),
            })
        })
        .await?;
    Ok(shown(&view))
}

/// Of which time, and in which language.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StatementFilter {
    /// The first of January of the last day's year where it is left out.
    pub from: Option<NaiveDate>,
    /// Today where it is left out.
    pub to: Option<NaiveDate>,
    /// Of the PDF: `en` or `fr`; where it is left out, as `Accept-Language` asks, else English.
    #[param(inline)]
    pub lang: Option<crate::language::Language>,
}

fn show_statement(
    r: &mut Read,
    scope: &MutualScope,
    mutual: &str,
    id: HouseholdId,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<StatementView> {
    let household = households::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let money = Position::load(r, scope.mutual(), id)?;
    let refunds = store::list_refunds_of(r, scope.mutual(), id)?;
    let rows: Vec<super::model::Refund> = refunds.into_iter().map(|(refund, _)| refund).collect();
    let found: Statement = statement(&money, &rows, from, to);
    let ids: Vec<ReceiptId> = found.lines.iter().filter_map(|line| line.receipt).collect();
    let labels: HashMap<ReceiptId, String> = store::list_labels(r, scope.mutual(), &ids)?.into_iter().collect();
    let persons = lists::reached(r, scope, &[id], scope.today())?;
    let principal = persons.iter().find(|row| row.3).map(|row| format!("{} {}", row.1, row.2));
    Ok(StatementView {
        mutual: mutual.to_owned(),
        household_id: id,
        household_number: household.number,
        principal: principal.unwrap_or_default(),
        from,
        to,
        opening_minor: found.opening,
        lines: found
            .lines
            .into_iter()
            .map(|line| StatementLine {
                on: line.on,
                kind: line.kind,
                due_kind: line.due_kind,
                receipt_number: line.receipt.and_then(|id| labels.get(&id).cloned()),
                amount_minor: line.amount,
                balance_minor: line.balance,
            })
            .collect(),
        closing_minor: found.closing,
        open_minor: found.open,
        advance_minor: found.advance,
        credit_minor: found.credit,
        currency: scope.currency().code().to_owned(),
    })
}

/// `GET /mutuals/{m}/households/{id}/statement`
pub async fn household_statement(
    guard: Guard<need::PaymentRead, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
    query: Query<StatementFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (id, filter) = (path.0.1, query.0);
    let pdf = wants_pdf(&req)?;
    let accepted = req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = crate::language::Language::wanted(filter.lang, accepted);
    let to = filter.to.unwrap_or(guard.scope.today());
    let from = filter.from.or_else(|| NaiveDate::from_ymd_opt(to.year(), 1, 1)).unwrap_or(to);
    if from > to {
        return Err(Problem::with(Code::ImpossibleDate, "it begins after its end").at("from").into());
    }
    let mutual = guard.name_of_mutual();
    let view = guard.read(move |r, scope| show_statement(r, scope, &mutual, id, (from, to))).await?;
    if !pdf {
        guard.note("household", [id.uuid()], None).await?;
        return Ok(shown(&view));
    }
    let printed = crate::web::blocking(move || {
        drawing::statement(&view, language).map_err(|error| Error::Fault(format!("a statement: {error}")))
    })
    .await?;
    guard.note("household", [id.uuid()], Some(json!({"printed": "statement"}))).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_LANGUAGE, language.code()))
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"statement.pdf\""))
        .content_type("application/pdf")
        .body(printed))
}
