//! `/mutuals/{m}/work`: what waits for the office, counted and listed, as JSON or CSV.
use super::work::{self, Waiting, Which, WorkList};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::dates::add_years;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::Member;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::products::{service as products, store as product_store};
use crate::web::{Format, Ids, Query, cell, shown, wanted};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What waits for the office.
#[derive(Clone, Serialize, ToSchema)]
pub struct WorkItem {
    /// The enrolment that waits; null in the lists of persons.
    pub enrolment_id: Option<EnrolmentId>,
    pub household_id: Option<HouseholdId>,
    pub household_number: Option<String>,
    /// The principal, or the person whom the list names.
    pub member_id: Option<MemberId>,
    pub card_number: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    /// Of two persons who may be one, the other.
    pub other_member_id: Option<MemberId>,
    pub other_card_number: Option<String>,
    /// The day that matters: of the application, of the period's first or last day, of birth.
    pub on: Option<NaiveDate>,
}

/// How many rows a list has.
#[derive(Serialize, ToSchema)]
pub struct WorkCount {
    pub list: WorkList,
    /// Rows, as far as they were counted.
    pub count: i64,
    /// False where there are more than were counted.
    pub complete: bool,
}

/// How many rows each list has.
#[derive(Serialize, ToSchema)]
pub struct WorkCounts {
    pub items: Vec<WorkCount>,
}

/// Which rows of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WorkFilter {
    /// Only of this section.
    pub section_id: Option<OrganisationId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// Which rows are counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WorkCountFilter {
    /// Only of this section.
    pub section_id: Option<OrganisationId>,
}

fn name_of(member: &Member) -> String {
    format!("{} {}", member.family_name, member.given_name).trim().to_owned()
}

/// Rows of a list, each with the key after which the next page begins.
fn rows(
    r: &mut Read,
    scope: &MutualScope,
    which: &Which,
    after: Option<Vec<String>>,
    limit: i64,
) -> Result<Vec<(Vec<String>, WorkItem)>> {
    let cursor = || Error::from(Problem::of(Code::CursorInvalid));
    let after = after.unwrap_or_default();
    match which.list {
        WorkList::Duplicates => {
            let after = match after.as_slice() {
                [] => None,
                [a, b] => Some((a.parse().map_err(|_| cursor())?, b.parse().map_err(|_| cursor())?)),
                _ => return Err(cursor()),
            };
            let pairs = work::list_duplicates(r, scope, which, after, limit)?;
            Ok(pairs
                .into_iter()
                .map(|(first, second)| (vec![first.id.to_string(), second.id.to_string()], pair(first, second)))
                .collect())
        }
        WorkList::OverAge => {
            let after = one(&after)?;
            let versions = work::list_versions_in_use(r, scope.mutual(), which.on)?;
            let mut ages = Vec::new();
            for row in product_store::list_versions_by_id(r, &versions)? {
                if let Some(age) = products::parameters(&row)?.child_max_age() {
                    let born_by = add_years(which.on, -age).map_err(|_| Problem::of(Code::ImpossibleDate))?;
                    ages.push((row.id, born_by));
                }
            }
            let found = work::list_over_age(r, scope, which, &ages, after, limit)?;
            Ok(found
                .into_iter()
                .map(|(member, household, number)| (vec![member.id.to_string()], person(member, household, number)))
                .collect())
        }
        _ => {
            let found = work::list_enrolments(r, scope, which, one(&after)?, limit)?;
            let homes: Vec<HouseholdId> = found.iter().map(|row| row.enrolment.household_id).collect();
            let principals = work::list_principals(r, scope.mutual(), &homes)?;
            let of = |home: HouseholdId| principals.iter().rfind(|(id, _)| *id == home).map(|(_, member)| member);
            Ok(found
                .into_iter()
                .map(|row| {
                    (vec![row.enrolment.id.to_string()], enrolment(which.list, &row, of(row.enrolment.household_id)))
                })
                .collect())
        }
    }
}

fn one<T: std::str::FromStr>(after: &[String]) -> Result<Option<T>> {
    match after {
        [] => Ok(None),
        [only] => only.parse().map(Some).map_err(|_| Problem::of(Code::CursorInvalid).into()),
        _ => Err(Problem::of(Code::CursorInvalid).into()),
    }
}

fn pair(first: Member, second: Member) -> WorkItem {
    WorkItem {
        enrolment_id: None,
        household_id: None,
        household_number: None,
        name: Some(name_of(&first)),
        member_id: Some(first.id),
        card_number: Some(first.card_number),
        phone: first.phone,
        other_member_id: Some(second.id),
        other_card_number: Some(second.card_number),
        on: first.birth_date.or(second.birth_date),
    }
}

fn person(member: Member, household: HouseholdId, number: String) -> WorkItem {
    WorkItem {
        enrolment_id: None,
        household_id: Some(household),
        household_number: Some(number),
        name: Some(name_of(&member)),
        member_id: Some(member.id),
        card_number: Some(member.card_number),
        phone: member.phone,
        other_member_id: None,
        other_card_number: None,
        on: member.birth_date,
    }
}

fn enrolment(list: WorkList, row: &Waiting, principal: Option<&Member>) -> WorkItem {
    let own = &row.enrolment;
    WorkItem {
        enrolment_id: Some(own.id),
        household_id: Some(own.household_id),
        household_number: Some(row.household_number.clone()),
        member_id: principal.map(|member| member.id),
        card_number: principal.map(|member| member.card_number.clone()),
        name: principal.map(name_of),
        phone: row.phone.clone().or_else(|| principal.and_then(|member| member.phone.clone())),
        other_member_id: None,
        other_card_number: None,
        on: Some(match list {
            WorkList::ToAdmit => own.applied_on,
            WorkList::Unpaid => own.starts_on,
            _ => own.ends_on,
        }),
    }
}

/// The most rows that are counted.
const MOST_COUNTED: i64 = 10_000;

/// `GET /mutuals/{m}/work`
pub async fn counts(
    guard: Guard<need::RegisterRead, MutualScope>,
    query: Query<WorkCountFilter>,
) -> Result<HttpResponse> {
    let section = query.0.section_id;
    let items = guard
        .read(move |r, scope| {
            let mut items = Vec::new();
            for list in WorkList::ALL.iter().copied() {
                let which = Which { list, section, on: scope.today() };
                let found = i64::try_from(rows(r, scope, &which, None, MOST_COUNTED + 1)?.len()).unwrap_or(i64::MAX);
                items.push(WorkCount { list, count: found.min(MOST_COUNTED), complete: found <= MOST_COUNTED });
            }
            Ok(items)
        })
        .await?;
    guard.note("work", [], None).await?;
    Ok(shown(&WorkCounts { items }))
}

/// `GET /mutuals/{m}/work/{list}`
pub async fn list(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, String)>,
    query: Query<WorkFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let list: WorkList = path.0.1.parse().map_err(|_| Problem::of(Code::NotFound))?;
    let format = wanted(&req)?;
    let filter = query.0;
    let section = filter.section_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("work {list} {section:?}"))?;
    let page: Page<WorkItem> = guard
        .read(move |r, scope| {
            let which = Which { list, section, on: scope.today() };
            let found = rows(r, scope, &which, ask.after().map(<[String]>::to_vec), ask.fetch())?;
            Ok(ask.page(found, |(key, _)| key.clone(), |(_, item)| item))
        })
        .await?;
    let members = page.items.iter().flat_map(|item| [item.member_id, item.other_member_id]).flatten();
    guard.note("member", members.map(|id| id.uuid()), None).await?;
    match format {
        Format::Json => Ok(shown(&page)),
        Format::Csv => {
            let mut answer = HttpResponse::Ok();
            answer.insert_header((header::CACHE_CONTROL, "no-store"));
            if let Some(next) = &page.next_cursor {
                // A table has no place for it.
                answer.insert_header(("Next-Cursor", next.as_str()));
            }
            Ok(answer.content_type("text/csv; charset=utf-8").body(csv(&page.items)?))
        }
    }
}

fn csv(items: &[WorkItem]) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    for item in items {
        let name = item.name.as_deref().map(|name| cell(name).into_owned());
        table.serialize(WorkItem { name, ..item.clone() }).map_err(|error| failed(error.to_string()))?;
    }
    if items.is_empty() {
        table.write_record(COLUMNS).map_err(|error| failed(error.to_string()))?;
    }
    table.into_inner().map_err(|error| failed(error.to_string()))
}

/// The header of a table without rows: the fields of an item.
const COLUMNS: [&str; 10] = [
    "enrolment_id",
    "household_id",
    "household_number",
    "member_id",
    "card_number",
    "name",
    "phone",
    "other_member_id",
    "other_card_number",
    "on",
];
