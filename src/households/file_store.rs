//! Documents, phones, consents, cover by other schemes and groups in the database. The caller has looked the person up in
//! his scope, which is what opens the file.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds an identity document.
pub fn insert_document(w: &mut Write, row: &IdentityDocument) -> QueryResult<()> {
    diesel::insert_into(identity_documents::table).values(row).execute(w.conn()).map(|_| ())
}

/// A person's identity documents.
pub fn list_documents(r: &mut Read, mutual: MutualId, member: MemberId) -> QueryResult<Vec<IdentityDocument>> {
    identity_documents::table
        .filter(identity_documents::mutual_id.eq(mutual))
        .filter(identity_documents::member_id.eq(member))
        .order(identity_documents::id)
        .select(IdentityDocument::as_select())
        .load(r.conn())
}

/// Ends an identity document.
pub fn end_document(w: &mut Write, mutual: MutualId, id: DocumentId, on: NaiveDate) -> QueryResult<()> {
    diesel::update(identity_documents::table.find((mutual, id)))
        .set(identity_documents::ended_on.eq(Some(on)))
        .execute(w.conn())
        .map(|_| ())
}

/// Adds phones.
pub fn insert_phones(w: &mut Write, rows: &[Phone]) -> QueryResult<()> {
    insert_all!(w, phones::table, rows)
}

/// Ends the phones with this number that a person, or a household as a whole, has.
pub fn end_phones_like(
    w: &mut Write,
    mutual: MutualId,
    of: (Option<HouseholdId>, Option<MemberId>),
    e164: &str,
    on: NaiveDate,
) -> QueryResult<()> {
    let these = phones::table
        .filter(phones::mutual_id.eq(mutual))
        .filter(phones::e164.eq(e164.to_owned()))
        .filter(phones::ended_on.is_null());
    let ended = phones::ended_on.eq(Some(on));
    match of {
        (Some(household), _) => {
            diesel::update(these.filter(phones::household_id.eq(household))).set(ended).execute(w.conn())
        }
        (None, member) => diesel::update(these.filter(phones::member_id.eq(member))).set(ended).execute(w.conn()),
    }
    .map(|_| ())
}

/// A person's phones.
pub fn list_phones(r: &mut Read, mutual: MutualId, member: MemberId) -> QueryResult<Vec<Phone>> {
    phones::table
        .filter(phones::mutual_id.eq(mutual))
        .filter(phones::member_id.eq(member))
        .order(phones::id)
        .select(Phone::as_select())
        .load(r.conn())
}

/// Ends a phone.
pub fn end_phone(w: &mut Write, mutual: MutualId, id: PhoneId, on: NaiveDate) -> QueryResult<()> {
    diesel::update(phones::table.find((mutual, id))).set(phones::ended_on.eq(Some(on))).execute(w.conn()).map(|_| ())
}

/// Adds a consent, or its refusal.
pub fn insert_consent(w: &mut Write, row: &Consent) -> QueryResult<()> {
    diesel::insert_into(consents::table).values(row).execute(w.conn()).map(|_| ())
}

/// A person's consents and refusals.
pub fn list_consents(r: &mut Read, mutual: MutualId, member: MemberId) -> QueryResult<Vec<Consent>> {
    consents::table
        .filter(consents::mutual_id.eq(mutual))
        .filter(consents::member_id.eq(member))
        .order(consents::id)
        .select(Consent::as_select())
        .load(r.conn())
}

/// Adds cover by another scheme.
pub fn insert_external_cover(w: &mut Write, row: &ExternalCover) -> QueryResult<()> {
    diesel::insert_into(external_covers::table).values(row).execute(w.conn()).map(|_| ())
}

/// A person's cover by other schemes.
pub fn list_external_covers(r: &mut Read, mutual: MutualId, member: MemberId) -> QueryResult<Vec<ExternalCover>> {
    external_covers::table
        .filter(external_covers::mutual_id.eq(mutual))
        .filter(external_covers::member_id.eq(member))
        .order(external_covers::id)
        .select(ExternalCover::as_select())
        .load(r.conn())
}

/// Ends cover by another scheme.
pub fn end_external_cover(w: &mut Write, mutual: MutualId, id: ExternalCoverId, on: NaiveDate) -> QueryResult<()> {
    diesel::update(external_covers::table.find((mutual, id)))
        .set(external_covers::ended_on.eq(Some(on)))
        .execute(w.conn())
        .map(|_| ())
}

/// Adds a group; false where its code is taken.
pub fn insert_group(w: &mut Write, row: &Group) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(groups::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A group.
pub fn find_group(r: &mut Read, mutual: MutualId, id: GroupId) -> QueryResult<Option<Group>> {
    groups::table.find((mutual, id)).select(Group::as_select()).get_result(r.conn()).optional()
}

/// The mutual's groups, by code.
pub fn list_groups(
    r: &mut Read,
    mutual: MutualId,
    after: Option<(String, GroupId)>,
    limit: i64,
) -> QueryResult<Vec<Group>> {
    let mut query = groups::table
        .filter(groups::mutual_id.eq(mutual))
        .order((groups::code, groups::id))
        .limit(limit)
        .select(Group::as_select())
        .into_boxed();
    if let Some((code, id)) = after {
        query = query.filter(groups::code.gt(code.clone()).or(groups::code.eq(code).and(groups::id.gt(id))));
    }
    query.load(r.conn())
}

/// Adds a person's membership of a group.
pub fn insert_group_member(w: &mut Write, row: &GroupMember) -> QueryResult<()> {
    diesel::insert_into(group_members::table).values(row).execute(w.conn()).map(|_| ())
}

/// A person's membership of a group.
pub fn find_group_member(r: &mut Read, mutual: MutualId, id: GroupMemberId) -> QueryResult<Option<GroupMember>> {
    group_members::table.find((mutual, id)).select(GroupMember::as_select()).get_result(r.conn()).optional()
}

/// A person's memberships of groups.
pub fn list_groups_of(r: &mut Read, mutual: MutualId, member: MemberId) -> QueryResult<Vec<GroupMember>> {
    group_members::table
        .filter(group_members::mutual_id.eq(mutual))
        .filter(group_members::member_id.eq(member))
        .order(group_members::id)
        .select(GroupMember::as_select())
        .load(r.conn())
}

/// Ends a person's membership of a group.
pub fn end_group_member(w: &mut Write, mutual: MutualId, id: GroupMemberId, on: NaiveDate) -> QueryResult<()> {
    diesel::update(group_members::table.find((mutual, id)))
        .set(group_members::ended_on.eq(Some(on)))
        .execute(w.conn())
        .map(|_| ())
}

/// A group's members within the caller's sections, by id of the membership.
pub fn list_group_members(
    r: &mut Read,
    scope: &MutualScope,
    group: GroupId,
    after: Option<GroupMemberId>,
    limit: i64,
) -> QueryResult<Vec<GroupMember>> {
    let mut query = group_members::table
        .filter(group_members::mutual_id.eq(scope.mutual()))
        .filter(group_members::group_id.eq(group))
        .order(group_members::id)
        .limit(limit)
        .select(GroupMember::as_select())
        .into_boxed();
    if let Sections::These(ids) = scope.sections() {
        let seen = ids.iter().map(|id| Some(*id)).collect::<Vec<_>>();
        let there =
            memberships::table
                .inner_join(households::table.on(
                    households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id)),
                ))
                .filter(memberships::mutual_id.eq(group_members::mutual_id))
                .filter(memberships::member_id.eq(group_members::member_id))
                .filter(memberships::to_on.is_null())
                .filter(households::section_id.eq_any(seen));
        query = query.filter(diesel::dsl::exists(there));
    }
    if let Some(after) = after {
        query = query.filter(group_members::id.gt(after));
    }
    query.load(r.conn())
}
