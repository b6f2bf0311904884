//! `/mutuals/{m}/households`, `/members`: shapes and handlers.
use super::model::{BirthPrecision, Household, Member, Membership, Relationship, Sex};
use super::phones::may_be_phone;
use super::service::{self, HouseholdCorrection, LARGEST, MemberCorrection, NewHousehold, NewMember};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, emptied, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A person.
#[derive(Serialize, ToSchema)]
pub struct MemberView {
    pub id: MemberId,
    /// The mutual's card number with its two check digits.
    pub card_number: String,
    /// The number of another system.
    pub legacy_number: Option<String>,
    pub household_id: HouseholdId,
    pub relationship: Relationship,
    pub family_name: String,
    pub given_name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    pub birth_precision: BirthPrecision,
    pub national_id: Option<String>,
    pub phone: Option<String>,
    pub occupation: Option<String>,
    /// First day in the household.
    pub member_since_on: NaiveDate,
    /// Last day there; null where the person is there.
    pub member_until_on: Option<NaiveDate>,
    pub version: i64,
}

/// A person with a stay.
pub fn member_view((member, stay): (Member, Membership)) -> MemberView {
    MemberView {
        id: member.id,
        card_number: member.card_number,
        legacy_number: member.legacy_number,
        household_id: stay.household_id,
        relationship: stay.relationship,
        family_name: member.family_name,
        given_name: member.given_name,
        sex: member.sex,
        birth_date: member.birth_date,
        birth_precision: member.birth_precision,
        national_id: member.national_id,
        phone: member.phone,
        occupation: member.occupation,
        member_since_on: stay.from_on,
        member_until_on: stay.to_on,
        version: member.version,
    }
}

/// A household with its persons.
#[derive(Serialize, ToSchema)]
pub struct HouseholdView {
    pub id: HouseholdId,
    pub number: String,
    pub section_id: Option<OrganisationId>,
    pub area_id: Option<AreaId>,
    /// `STANDARD`, `INDIGENT`…: what subsidies go by.
    pub class: String,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    pub members: Vec<MemberView>,
    pub version: i64,
}

fn household_view(household: Household, members: Vec<(Member, Membership)>) -> HouseholdView {
    HouseholdView {
        id: household.id,
        number: household.number,
        section_id: household.section_id,
        area_id: household.area_id,
        class: household.class,
        phone: household.phone,
        registered_on: household.registered_on,
        members: members.into_iter().map(member_view).collect(),
        version: household.version,
    }
}

fn show(r: &mut crate::db::Read, scope: &MutualScope, id: HouseholdId) -> Result<HouseholdView> {
    let household = store::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let members = store::list_of_household(r, scope.mutual(), id)?;
    Ok(household_view(household, members))
}

/// A household in a list.
#[derive(Serialize, ToSchema)]
pub struct HouseholdItem {
    pub id: HouseholdId,
    pub number: String,
    pub section_id: Option<OrganisationId>,
    pub area_id: Option<AreaId>,
    pub class: String,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    pub version: i64,
}

/// Which households.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HouseholdListFilter {
    /// Only of this section.
    pub section_id: Option<OrganisationId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/households`
pub async fn list(
    guard: Guard<need::RegisterRead, MutualScope>,
    query: Query<HouseholdListFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let section = filter.section_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("households {section:?}"))?;
    let page: Page<HouseholdItem> = guard
        .read(move |r, scope| {
            let rows = store::list(r, scope, section, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(
                rows,
                |row| vec![row.id.to_string()],
                |row| HouseholdItem {
                    id: row.id,
                    number: row.number,
                    section_id: row.section_id,
                    area_id: row.area_id,
                    class: row.class,
                    phone: row.phone,
                    registered_on: row.registered_on,
                    version: row.version,
                },
            ))
        })
        .await?;
    guard.note("household", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/households/{id}`
pub async fn get(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    guard.note("household", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// A person to be registered.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<MemberId>,
    #[garde(skip)]
    pub relationship: Relationship,
    #[garde(length(chars, min = 1, max = 80), custom(no_control))]
    #[schema(min_length = 1, max_length = 80)]
    pub family_name: String,
    #[garde(length(chars, max = 80), custom(no_control))]
    #[schema(max_length = 80)]
    pub given_name: String,
    #[garde(skip)]
    pub sex: Sex,
    #[garde(skip)]
    pub birth_date: Option<NaiveDate>,
    /// `day` where it is left out.
    #[garde(skip)]
    pub birth_precision: Option<BirthPrecision>,
    #[garde(inner(length(chars, min = 1, max = 40)))]
    #[schema(min_length = 1, max_length = 40)]
    pub national_id: Option<String>,
    /// In international form, or as in the mutual's country; shared phones are normal.
    #[garde(inner(custom(may_be_phone)))]
    #[schema(max_length = 30)]
    pub phone: Option<String>,
    #[garde(inner(length(chars, min = 1, max = 80)))]
    #[schema(min_length = 1, max_length = 80)]
    pub occupation: Option<String>,
    /// The number of another system.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub legacy_number: Option<String>,
}

fn no_control(text: &str, _: &()) -> garde::Result {
    if text.chars().any(char::is_control) { Err(garde::Error::new("no control characters")) } else { Ok(()) }
}

/// A number of another system or of a paper register.
pub fn is_number(text: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits or hyphens")) }
}

/// A class of household.
pub fn is_class(text: &str, _: &()) -> garde::Result {
    let good = (1..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if good { Ok(()) } else { Err(garde::Error::new("1 to 20 capitals, digits or underscores")) }
}

impl From<Person> for NewMember {
    fn from(person: Person) -> Self {
        NewMember {
            id: person.id,
            relationship: person.relationship,
            family_name: person.family_name.trim().to_owned(),
            given_name: person.given_name.trim().to_owned(),
            sex: person.sex,
            birth_date: person.birth_date,
            birth_precision: person.birth_precision.unwrap_or(BirthPrecision::Day),
            national_id: person.national_id,
            phone: person.phone,
            occupation: person.occupation,
            legacy_number: person.legacy_number,
            card_number: None,
        }
    }
}

/// A household to be registered.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterHousehold {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<HouseholdId>,
    /// Of the paper register; the next of the series where it is left out.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub number: Option<String>,
    #[garde(skip)]
    pub section_id: Option<OrganisationId>,
    #[garde(skip)]
    pub area_id: Option<AreaId>,
    /// `STANDARD` where it is left out.
    #[garde(inner(custom(is_class)))]
    #[schema(pattern = "^[A-Z0-9_]{1,20}$")]
    pub class: Option<String>,
    #[garde(inner(custom(may_be_phone)))]
    #[schema(max_length = 30)]
    pub phone: Option<String>,
    /// Not after today.
    #[garde(skip)]
    pub registered_on: NaiveDate,
    /// One principal and up to 49 others.
    #[garde(length(min = 1, max = LARGEST), dive)]
    #[schema(min_items = 1, max_items = 50)]
    pub members: Vec<Person>,
}

/// `POST /mutuals/{m}/households`
pub async fn register(
    guard: Guard<need::RegisterWrite, MutualScope>,
    body: Body<RegisterHousehold>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let section = service::section_for(&guard.picture, &guard.scope, asked.section_id)?;
    let new = NewHousehold {
        number: asked.number,
        section,
        area: asked.area_id,
        class: asked.class.unwrap_or_else(|| "STANDARD".into()),
        phone: asked.phone,
        registered_on: asked.registered_on,
        members: asked.members.into_iter().map(NewMember::from).collect(),
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let newcomers = service::register(w, scope, order, &new)?;
                super::duplicates::look(w, scope, newcomers).map(|_| ())
            },
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/households/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// What is corrected of a household.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectHousehold {
    /// Null takes it out of its section.
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<OrganisationId>)]
    pub section_id: Option<Option<OrganisationId>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<AreaId>)]
    pub area_id: Option<Option<AreaId>>,
    #[garde(inner(custom(is_class)))]
    #[schema(pattern = "^[A-Z0-9_]{1,20}$")]
    pub class: Option<String>,
    #[garde(inner(inner(custom(may_be_phone))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, max_length = 30)]
    pub phone: Option<Option<String>>,
}

/// `PATCH /mutuals/{m}/households/{id}`
pub async fn correct(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
    body: Body<CorrectHousehold>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let section = match asked.section_id {
        Some(section) => Some(service::section_for(&guard.picture, &guard.scope, section)?),
        None => None,
    };
    let correction = HouseholdCorrection { section, area: asked.area_id, class: asked.class, phone: asked.phone };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| service::correct_household(w, scope, id, if_match.as_deref(), &correction),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// Which members.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MemberListFilter {
    /// Only of this household.
    pub household_id: Option<HouseholdId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/members`
pub async fn members(
    guard: Guard<need::RegisterRead, MutualScope>,
    query: Query<MemberListFilter>,
) -> Result<HttpResponse> {
    let asked = query.0;
    let household = asked.household_id;
    let ask = Ask::new(asked.limit, asked.cursor.as_deref(), &format!("members {household:?}"))?;
    let page: Page<MemberView> = guard
        .read(move |r, scope| {
            let rows = store::list_members(r, scope, household, scope.today(), ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |(member, _)| vec![member.folded_name.clone(), member.id.to_string()], member_view))
        })
        .await?;
    guard.note("member", page.items.iter().map(|member| member.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/members/{id}`
pub async fn get_member(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show_member(r, scope, id)).await?;
    guard.note("member", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

fn show_member(r: &mut crate::db::Read, scope: &MutualScope, id: MemberId) -> Result<MemberView> {
    Ok(member_view(store::find_member(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?))
}

/// A person who joins a household.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<MemberId>,
    #[garde(skip)]
    pub household_id: HouseholdId,
    /// First day in the household, not after today. A newborn registered within 30 days of birth is covered from birth.
    #[garde(skip)]
    pub registered_on: NaiveDate,
    /// The person; an `id` here is not used.
    #[garde(dive)]
    pub person: Person,
}

/// `POST /mutuals/{m}/members`
pub async fn add_member(guard: Guard<need::RegisterWrite, MutualScope>, body: Body<AddMember>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let hooks = guard.desk.hooks;
    let (household, on) = (asked.household_id, asked.registered_on);
    let new = NewMember::from(asked.person);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                super::events::arrive(w, &hooks, scope, order, household, on, &new)?;
                super::duplicates::look_in(w, scope, household)
            },
            |r, scope, order| show_member(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/members/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// What is corrected of a person.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectMember {
    #[garde(inner(length(chars, min = 1, max = 80), custom(no_control)))]
    #[schema(min_length = 1, max_length = 80)]
    pub family_name: Option<String>,
    #[garde(inner(length(chars, max = 80), custom(no_control)))]
    #[schema(max_length = 80)]
    pub given_name: Option<String>,
    #[garde(skip)]
    pub sex: Option<Sex>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<NaiveDate>)]
    pub birth_date: Option<Option<NaiveDate>>,
    #[garde(skip)]
    pub birth_precision: Option<BirthPrecision>,
    #[garde(inner(inner(length(chars, min = 1, max = 40))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    pub national_id: Option<Option<String>>,
    #[garde(inner(inner(custom(may_be_phone))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, max_length = 30)]
    pub phone: Option<Option<String>>,
    #[garde(inner(inner(length(chars, min = 1, max = 80))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    pub occupation: Option<Option<String>>,
}

impl From<CorrectMember> for MemberCorrection {
    fn from(asked: CorrectMember) -> Self {
        MemberCorrection {
            family_name: asked.family_name.map(|name| name.trim().to_owned()),
            given_name: asked.given_name.map(|name| name.trim().to_owned()),
            sex: asked.sex,
            birth_date: asked.birth_date,
            birth_precision: asked.birth_precision,
            national_id: asked.national_id,
            phone: asked.phone,
            occupation: asked.occupation,
        }
    }
}

/// `PATCH /mutuals/{m}/members/{id}`
pub async fn correct_member(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<CorrectMember>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let correction = MemberCorrection::from(body.value);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| service::correct_member(w, scope, id, if_match.as_deref(), &correction),
            move |r, scope, _| show_member(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
