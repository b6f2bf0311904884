//! What a person's file holds beside the person: identity documents, phones, consents, cover by other schemes; and the
//! groups to which persons belong. Each is a dated fact: it begins, it may end, and it is not rewritten.
use super::file_store as files;
use super::model::*;
use super::phones::{Dialled, dialled};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::dates::{age_on, within};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use chrono::NaiveDate;
use serde_json::json;

/// From this age a person consents for himself.
pub const OF_AGE: i64 = 18;

/// Finds a person, locks the household and looks again.
///
/// # Errors
/// `not_found`; where the person has moved meanwhile, the command starts anew.
pub fn locked(w: &mut Write, scope: &MutualScope, id: MemberId) -> Result<(Member, Household)> {
    let (_, stay) = store::find_member(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    store::lock(w, scope.mutual(), stay.household_id)?;
    let (member, again) = store::find_member(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    if again.household_id != stay.household_id {
        return Err(Error::Again);
    }
    let household = store::find(w, scope, stay.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    Ok((member, household))
}

fn noted(
    w: &mut Write,
    scope: &MutualScope,
    member: &Member,
    household: &Household,
    what: &'static str,
    id: uuid::Uuid,
) {
    w.changed("member", member.id.uuid(), household.section_id, household.section_id);
    w.changed("household", household.id.uuid(), household.section_id, household.section_id);
    w.names(what, id);
    w.mark(scope.today());
}

fn not_after_today(scope: &MutualScope, on: NaiveDate, pointer: &str) -> Result<()> {
    if on > scope.today() { Err(Problem::of(Code::FutureDate).at(pointer).into()) } else { Ok(()) }
}

fn not_before_birth(member: &Member, on: NaiveDate, pointer: &str) -> Result<()> {
    if member.birth_date.is_some_and(|born| on < born) {
        return Err(Problem::of(Code::BeforeBirth).at(pointer).into());
    }
    Ok(())
}

/// An identity document as told.
#[derive(Debug, Clone)]
pub struct NewDocument {
    pub kind: DocumentKind,
    pub number: String,
    pub issued_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
}

/// Adds an identity document of a person.
///
/// # Errors
/// `not_found`, `future_date`, `before_birth`, `impossible_date`.
pub fn add_document(w: &mut Write, scope: &MutualScope, order: &Order, of: MemberId, new: &NewDocument) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    if let Some(on) = new.issued_on {
        not_after_today(scope, on, "/issued_on")?;
        not_before_birth(&member, on, "/issued_on")?;
    }
    if let (Some(from), Some(to)) = (new.issued_on, new.expires_on)
        && to < from
    {
        return Err(Problem::with(Code::ImpossibleDate, "it expires before it is issued").at("/expires_on").into());
    }
    let row = IdentityDocument {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        member_id: of,
        kind: new.kind,
        number: new.number.clone(),
        issued_on: new.issued_on,
        expires_on: new.expires_on,
        ended_on: None,
        recorded_at: w.now(),
    };
    files::insert_document(w, &row)?;
    noted(w, scope, &member, &household, "document", row.id.uuid());
    w.field("kind", None, Some(json!(new.kind)));
    w.field("number", None, Some(json!(new.number)));
    Ok(())
}

/// Adds a phone of a person; one that others have too is normal.
///
/// # Errors
/// `not_found`, `invalid` where it cannot be a number of any country.
pub fn add_phone(w: &mut Write, scope: &MutualScope, order: &Order, of: MemberId, raw: &str) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    let told = dialled(w, scope.mutual(), &[Some(raw)], |_| "/number".into())?.pop().flatten();
    let Dialled { e164: number, raw } = told.ok_or_else(|| Error::Fault("a phone was told and not read".into()))?;
    let row = Phone {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        household_id: None,
        member_id: Some(of),
        e164: number.clone(),
        raw,
        from_on: scope.today(),
        ended_on: None,
        recorded_at: w.now(),
    };
    files::insert_phones(w, &[row])?;
    if member.phone.is_none() {
        store::set_member(w, &Member { phone: Some(number), ..member.clone() })?;
        let (entity, version) = (Key::new(of.uuid()), member.version + 1);
        store::set_field_versions(w, scope.mutual(), entity, &["phone"], version)?;
    }
    noted(w, scope, &member, &household, "phone", order.id.uuid());
    Ok(())
}

/// A consent as told.
#[derive(Debug, Clone)]
pub struct NewConsent {
    pub purpose: ConsentPurpose,
    /// The version of the wording that was read out.
    pub wording: String,
    pub given: bool,
    pub guardian: Option<MemberId>,
    pub decided_on: NaiveDate,
}

/// Records that a person consents to a purpose, or refuses. For a minor a person of age of the household does. A refusal
/// of photo or messages blocks nothing: no cover depends on them.
///
/// # Errors
/// `not_found`, `future_date`, `before_birth`, `guardian_needed`, `not_a_guardian`.
pub fn add_consent(w: &mut Write, scope: &MutualScope, order: &Order, of: MemberId, new: &NewConsent) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    not_after_today(scope, new.decided_on, "/decided_on")?;
    not_before_birth(&member, new.decided_on, "/decided_on")?;
    let minor = |born: Option<NaiveDate>| {
        born.and_then(|born| age_on(born, new.decided_on).ok()).is_some_and(|age| age < OF_AGE)
    };
    match (minor(member.birth_date), new.guardian) {
        (true, None) => return Err(Problem::of(Code::GuardianNeeded).at("/guardian_id").into()),
        (_, Some(guardian)) => {
            let there = store::list_of_household(w, scope.mutual(), household.id)?.into_iter().any(|(one, stay)| {
                one.id == guardian
                    && one.id != of
                    && within(new.decided_on, stay.from_on, stay.to_on)
                    && one.died_on.is_none_or(|died| died >= new.decided_on)
                    && !minor(one.birth_date)
            });
            if !there || !minor(member.birth_date) {
                return Err(Problem::of(Code::NotAGuardian).at("/guardian_id").into());
            }
        }
        (false, None) => {}
    }
    let row = Consent {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        member_id: of,
        purpose: new.purpose,
        wording: new.wording.clone(),
        given: new.given,
        guardian_id: new.guardian,
        decided_on: new.decided_on,
        recorded_at: w.now(),
    };
    files::insert_consent(w, &row)?;
    noted(w, scope, &member, &household, "consent", row.id.uuid());
    w.field("purpose", None, Some(json!(new.purpose)));
    w.field("given", None, Some(json!(new.given)));
    Ok(())
}

/// Cover by another scheme as told.
#[derive(Debug, Clone)]
pub struct NewExternalCover {
    pub scheme: String,
    pub number: Option<String>,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
}

/// Records that another scheme covers a person.
///
/// # Errors
/// `not_found`, `before_birth`, `impossible_date`.
pub fn add_external_cover(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    of: MemberId,
    new: &NewExternalCover,
) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    not_before_birth(&member, new.from_on, "/from_on")?;
    if new.to_on.is_some_and(|to| to < new.from_on) {
        return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/to_on").into());
    }
    let row = ExternalCover {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        member_id: of,
        scheme: new.scheme.clone(),
        number: new.number.clone(),
        from_on: new.from_on,
        ended_on: new.to_on,
        recorded_at: w.now(),
    };
    files::insert_external_cover(w, &row)?;
    noted(w, scope, &member, &household, "external_cover", row.id.uuid());
    w.field("scheme", None, Some(json!(new.scheme)));
    Ok(())
}

/// What of a person's file ends.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    Document(DocumentId),
    Phone(PhoneId),
    ExternalCover(ExternalCoverId),
}

/// Ends a document, a phone or cover by another scheme: the last day on which it holds.
///
/// # Errors
/// `not_found`, `wrong_state` where it has ended, `impossible_date`.
pub fn end(w: &mut Write, scope: &MutualScope, of: MemberId, what: Ending, on: NaiveDate) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    let mutual = scope.mutual();
    let missing = || Error::from(Problem::of(Code::NotFound));
    let (from, ended, name, id) = match what {
        Ending::Document(id) => {
            let row = files::list_documents(w, mutual, of)?.into_iter().find(|row| row.id == id).ok_or_else(missing)?;
            (row.issued_on, row.ended_on, "document", id.uuid())
        }
        Ending::Phone(id) => {
            let row = files::list_phones(w, mutual, of)?.into_iter().find(|row| row.id == id).ok_or_else(missing)?;
            (Some(row.from_on), row.ended_on, "phone", id.uuid())
        }
        Ending::ExternalCover(id) => {
            let rows = files::list_external_covers(w, mutual, of)?;
            let row = rows.into_iter().find(|row| row.id == id).ok_or_else(missing)?;
            (Some(row.from_on), row.ended_on, "external_cover", id.uuid())
        }
    };
    if ended.is_some() {
        return Err(Problem::with(Code::WrongState, "it has ended before").into());
    }
    if from.is_some_and(|from| on < from) {
        return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/on").into());
    }
    match what {
        Ending::Document(id) => files::end_document(w, mutual, id, on)?,
        Ending::Phone(id) => {
            files::end_phone(w, mutual, id, on)?;
            // The number that is shown first is one that is still in use.
            let next = files::list_phones(w, mutual, of)?.into_iter().find(|row| row.ended_on.is_none());
            store::set_member(w, &Member { phone: next.map(|row| row.e164), ..member.clone() })?;
            let (entity, version) = (Key::new(member.id.uuid()), member.version + 1);
            store::set_field_versions(w, mutual, entity, &["phone"], version)?;
        }
        Ending::ExternalCover(id) => files::end_external_cover(w, mutual, id, on)?,
    }
    noted(w, scope, &member, &household, name, id);
    w.field("ended_on", Some(json!(null)), Some(json!(on)));
    Ok(())
}

/// A group as told.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub code: String,
    pub name: String,
    pub kind: GroupKind,
}

/// Adds a group.
///
/// # Errors
/// `number_taken`.
pub fn add_group(w: &mut Write, scope: &MutualScope, order: &Order, new: &NewGroup) -> Result<()> {
    let row = Group {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        code: new.code.clone(),
        name: new.name.clone(),
        kind: new.kind,
        recorded_at: w.now(),
        version: 1,
    };
    if !files::insert_group(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("group", row.id.uuid());
    w.field("code", None, Some(json!(new.code)));
    Ok(())
}

/// Makes a person a member of a group from a day.
///
/// # Errors
/// `not_found`, `before_birth`, `future_date`, `wrong_state` where the person belongs to it already.
pub fn join_group(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    group: GroupId,
    of: MemberId,
    from_on: NaiveDate,
) -> Result<()> {
    let (member, household) = locked(w, scope, of)
        .map_err(|error| if let Error::Problem(problem) = error { problem.at("/member_id").into() } else { error })?;
    files::find_group(w, scope.mutual(), group)?.ok_or(Problem::of(Code::NotFound))?;
    not_after_today(scope, from_on, "/from_on")?;
    not_before_birth(&member, from_on, "/from_on")?;
    let stays = files::list_groups_of(w, scope.mutual(), of)?;
    if stays.iter().any(|row| row.group_id == group && row.ended_on.is_none_or(|ended| ended >= from_on)) {
        return Err(Problem::with(Code::WrongState, "the person belongs to the group on that day")
            .at("/from_on")
            .into());
    }
    let row = GroupMember {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        group_id: group,
        member_id: of,
        from_on,
        ended_on: None,
        recorded_at: w.now(),
    };
    files::insert_group_member(w, &row)?;
    noted(w, scope, &member, &household, "group_member", row.id.uuid());
    w.names("group", group.uuid());
    Ok(())
}

/// Ends a person's membership of a group.
///
/// # Errors
/// `not_found`, `wrong_state`, `impossible_date`.
pub fn leave_group(w: &mut Write, scope: &MutualScope, group: GroupId, id: GroupMemberId, on: NaiveDate) -> Result<()> {
    let known = files::find_group_member(w, scope.mutual(), id)?.filter(|row| row.group_id == group);
    let of = known.ok_or(Problem::of(Code::NotFound))?.member_id;
    let (member, household) = locked(w, scope, of)?;
    let row = files::find_group_member(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    if row.ended_on.is_some() {
        return Err(Problem::with(Code::WrongState, "it has ended before").into());
    }
    if on < row.from_on {
        return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/on").into());
    }
    files::end_group_member(w, scope.mutual(), id, on)?;
    noted(w, scope, &member, &household, "group_member", id.uuid());
    w.field("ended_on", Some(json!(null)), Some(json!(on)));
    Ok(())
}
