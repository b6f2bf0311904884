//! The office's work lists: look-ups on what is recorded, so that no job keeps them and none goes stale.
use super::model::{Enrolment, EnrolmentState, SpanState};
use crate::access::scopes::{MutualScope, Sections};
use crate::db::Read;
use crate::db::schema::*;
use crate::households::model::{BirthPrecision, Member, Relationship};
use crate::ids::*;
use crate::words;
use chrono::{Datelike, Days, NaiveDate};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

/// How many days ahead an enrolment counts as expiring.
pub const EXPIRING_DAYS: u64 = 60;

words! {
    /// What waits for the office.
    pub enum WorkList {
        /// Applications that nobody has decided.
        ToAdmit = "to_admit",
        /// Admitted, and not paid enough for cover to open.
        Unpaid = "unpaid",
        /// Ending within sixty days, with no enrolment after it.
        Expiring = "expiring",
        /// Suspended for arrears today.
        Suspended = "suspended",
        /// Children who have reached their product's greatest age.
        OverAge = "over_age",
        /// Two persons who may be one.
        Duplicates = "duplicates",
    }
}

/// An enrolment that waits for something.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub enrolment: Enrolment,
    pub household_number: String,
    pub phone: Option<String>,
}

/// Which rows of a list.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    pub list: WorkList,
    pub section: Option<OrganisationId>,
    pub on: NaiveDate,
}

fn sections(scope: &MutualScope, which: &Which) -> Option<Vec<Option<OrganisationId>>> {
    match (scope.sections(), which.section) {
        (Sections::All, None) => None,
        (Sections::All, Some(one)) => Some(vec![Some(one)]),
        (Sections::These(ids), asked) => {
            Some(ids.iter().copied().filter(|id| asked.is_none_or(|asked| asked == *id)).map(Some).collect())
        }
    }
}

diesel::alias!(enrolments as later: Later, members as twin: Twin, identity_documents as paper: Paper);

/// The enrolments of a list, by id.
pub fn list_enrolments(
    r: &mut Read,
    scope: &MutualScope,
    which: &Which,
    after: Option<EnrolmentId>,
    limit: i64,
) -> QueryResult<Vec<Waiting>> {
    let (mutual, on) = (scope.mutual(), which.on);
    let mut query = enrolments::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(enrolments::mutual_id).and(households::id.eq(enrolments::household_id))),
        )
        .filter(enrolments::mutual_id.eq(mutual))
        .order(enrolments::id)
        .limit(limit)
        .select((Enrolment::as_select(), households::number, households::phone))
        .into_boxed();
    if let Some(ids) = sections(scope, which) {
        query = query.filter(households::section_id.eq_any(ids));
    }
    if let Some(after) = after {
        query = query.filter(enrolments::id.gt(after));
    }
    let of_enrolment = || {
        cover_spans::table
            .filter(cover_spans::mutual_id.eq(enrolments::mutual_id))
            .filter(cover_spans::household_id.eq(enrolments::household_id))
            .filter(cover_spans::enrolment_id.eq(enrolments::id))
    };
    query = match which.list {
        WorkList::ToAdmit => query.filter(enrolments::state.eq(EnrolmentState::Applied)),
        WorkList::Unpaid => query
            .filter(enrolments::state.eq(EnrolmentState::Admitted))
            .filter(enrolments::ends_on.ge(on))
            .filter(not(exists(of_enrolment()))),
        WorkList::Expiring => {
            let until = on.checked_add_days(Days::new(EXPIRING_DAYS)).unwrap_or(NaiveDate::MAX);
            query
                .filter(enrolments::state.eq(EnrolmentState::Admitted))
                .filter(enrolments::ends_on.between(on, until))
                .filter(exists(of_enrolment()))
                .filter(not(exists(
                    later
                        .filter(later.field(enrolments::mutual_id).eq(enrolments::mutual_id))
                        .filter(later.field(enrolments::household_id).eq(enrolments::household_id))
                        .filter(later.field(enrolments::starts_on).gt(enrolments::ends_on))
                        .filter(
                            later.field(enrolments::state).eq_any([EnrolmentState::Applied, EnrolmentState::Admitted]),
                        ),
                )))
        }
        // The two lists of persons have functions of their own.
        WorkList::Suspended | WorkList::OverAge | WorkList::Duplicates => query.filter(exists(
            of_enrolment()
                .filter(cover_spans::state.eq(SpanState::Suspended))
                .filter(cover_spans::from_on.le(on))
                .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(on))),
        )),
    };
    let rows: Vec<(Enrolment, String, Option<String>)> = query.load(r.conn())?;
    let waiting = |(enrolment, household_number, phone)| Waiting { enrolment, household_number, phone };
    Ok(rows.into_iter().map(waiting).collect())
}

/// The principals of households, of today or the last.
pub fn list_principals(r: &mut Read, mutual: MutualId, of: &[HouseholdId]) -> QueryResult<Vec<(HouseholdId, Member)>> {
    memberships::table
        .inner_join(
            members::table
                .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
        )
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::household_id.eq_any(of.to_vec()))
        .filter(memberships::relationship.eq(Relationship::Principal))
        .order((memberships::from_on, memberships::id))
        .select((memberships::household_id, Member::as_select()))
        .load(r.conn())
}

/// Two persons who may be one: of one name and no different birth year, or with one identity document. By the first's id
/// and the second's.
pub fn list_duplicates(
    r: &mut Read,
    scope: &MutualScope,
    which: &Which,
    after: Option<(MemberId, MemberId)>,
    limit: i64,
) -> QueryResult<Vec<(Member, Member)>> {
    let mut seen = Vec::new();
    let mut at = after;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    // Pairs of which the caller sees one person only do not shorten his page.
    loop {
        let pairs = pairs(r, scope.mutual(), at, limit)?;
        let full = pairs.len() == wanted;
        at = pairs.last().copied();
        // Of whom the office has said what they are, it is not asked again.
        let ids: Vec<MemberId> = pairs.iter().map(|pair| pair.0).collect();
        let decided = crate::households::duplicates_store::list_decided(r, scope.mutual(), &ids)?;
        let pairs: Vec<_> = pairs.into_iter().filter(|(one, other)| !decided.contains(&(*one, *other))).collect();
        seen.extend(visible(r, scope, which, &pairs)?);
        if !full || seen.len() >= wanted {
            seen.truncate(wanted);
            return Ok(seen);
        }
    }
}

fn pairs(
    r: &mut Read,
    mutual: MutualId,
    after: Option<(MemberId, MemberId)>,
    limit: i64,
) -> QueryResult<Vec<(MemberId, MemberId)>> {
    let same_name = members::folded_name.eq(twin.field(members::folded_name));
    let same_year = members::birth_date
        .is_null()
        .or(twin.field(members::birth_date).is_null())
        .or(members::birth_date.eq(twin.field(members::birth_date)))
        .or(members::birth_precision.ne("day"))
        .or(twin.field(members::birth_precision).ne("day"));
    let mut query = members::table
        .inner_join(twin.on(twin.field(members::mutual_id).eq(members::mutual_id).and(same_name)))
        .filter(members::mutual_id.eq(mutual))
        .filter(members::id.lt(twin.field(members::id)))
        .filter(members::died_on.is_null())
        .filter(twin.field(members::died_on).is_null())
        .filter(same_year)
        .order((members::id, twin.field(members::id)))
        .limit(limit)
        .select((members::id, twin.field(members::id)))
        .into_boxed();
    if let Some((first, second)) = after {
        query = query.filter(members::id.gt(first).or(members::id.eq(first).and(twin.field(members::id).gt(second))));
    }
    let mut pairs: Vec<(MemberId, MemberId)> = query.load(r.conn())?;
    let mut by_paper = identity_documents::table
        .inner_join(
            paper.on(paper
                .field(identity_documents::mutual_id)
                .eq(identity_documents::mutual_id)
                .and(paper.field(identity_documents::number).eq(identity_documents::number))),
        )
        .filter(identity_documents::mutual_id.eq(mutual))
        .filter(paper.field(identity_documents::kind).eq(identity_documents::kind))
        .filter(identity_documents::member_id.lt(paper.field(identity_documents::member_id)))
        .filter(identity_documents::ended_on.is_null())
        .filter(paper.field(identity_documents::ended_on).is_null())
        .order((identity_documents::member_id, paper.field(identity_documents::member_id)))
        .limit(limit)
        .select((identity_documents::member_id, paper.field(identity_documents::member_id)))
        .into_boxed();
    if let Some((first, second)) = after {
        by_paper =
            by_paper.filter(identity_documents::member_id.gt(first).or(
                identity_documents::member_id.eq(first).and(paper.field(identity_documents::member_id).gt(second)),
            ));
    }
    pairs.extend(by_paper.load::<(MemberId, MemberId)>(r.conn())?);
    pairs.sort();
    pairs.dedup();
    pairs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(pairs)
}

/// The pairs of which the caller sees both. Somebody whose registration was taken back is nobody's twin.
fn visible(
    r: &mut Read,
    scope: &MutualScope,
    which: &Which,
    pairs: &[(MemberId, MemberId)],
) -> QueryResult<Vec<(Member, Member)>> {
    let ids: std::collections::BTreeSet<MemberId> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let found: Vec<Member> = members::table
        .filter(members::mutual_id.eq(scope.mutual()))
        .filter(members::id.eq_any(ids))
        .select(Member::as_select())
        .load(r.conn())?;
    let rows = crate::households::store::with_last_stays(r, scope, found)?;
    let there = |id: &MemberId| rows.iter().find(|(member, _)| member.id == *id).cloned();
    let present = |stay: &crate::households::model::Membership| stay.to_on.is_none_or(|to| to >= which.on);
    let both = |(a, b): &(MemberId, MemberId)| {
        let ((first, its), (second, of)) = (there(a)?, there(b)?);
        (present(&its) && present(&of) && may_be_one(&first, &second)).then_some((first, second))
    };
    Ok(pairs.iter().filter_map(both).collect())
}

/// Whether two birth dates may be one person's: the same day, or the same year where one is known less exactly.
fn may_be_one(first: &Member, second: &Member) -> bool {
    let (Some(one), Some(other)) = (first.birth_date, second.birth_date) else { return true };
    let exact = first.birth_precision == BirthPrecision::Day && second.birth_precision == BirthPrecision::Day;
    if exact { one == other } else { one.year() == other.year() }
}

/// Children who have reached the greatest age of the product of their household's last admitted enrolment, by id. `ages`
/// are the products that have one.
pub fn list_over_age(
    r: &mut Read,
    scope: &MutualScope,
    which: &Which,
    ages: &[(ProductVersionId, NaiveDate)],
    after: Option<MemberId>,
    limit: i64,
) -> QueryResult<Vec<(Member, HouseholdId, String)>> {
    let mut found = Vec::new();
    for (version, born_by) in ages {
        let mut query =
            members::table
                .inner_join(
                    memberships::table
                        .on(memberships::mutual_id.eq(members::mutual_id).and(memberships::member_id.eq(members::id))),
                )
                .inner_join(households::table.on(
                    households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id)),
                ))
                .filter(members::mutual_id.eq(scope.mutual()))
                .filter(members::birth_date.le(born_by))
                .filter(members::died_on.is_null())
                .filter(memberships::relationship.eq(Relationship::Child))
                .filter(memberships::from_on.le(which.on))
                .filter(memberships::to_on.is_null())
                .filter(exists(
                    enrolments::table
                        .filter(enrolments::mutual_id.eq(memberships::mutual_id))
                        .filter(enrolments::household_id.eq(memberships::household_id))
                        .filter(enrolments::product_version_id.eq(version))
                        .filter(enrolments::state.eq(EnrolmentState::Admitted))
                        .filter(enrolments::starts_on.le(which.on))
                        .filter(enrolments::ends_on.ge(which.on)),
                ))
                .order(members::id)
                .limit(limit)
                .select((Member::as_select(), households::id, households::number))
                .into_boxed();
        if let Some(ids) = sections(scope, which) {
            query = query.filter(households::section_id.eq_any(ids));
        }
        if let Some(after) = after {
            query = query.filter(members::id.gt(after));
        }
        found.extend(query.load::<(Member, HouseholdId, String)>(r.conn())?);
    }
    found.sort_by_key(|(member, ..)| member.id);
    found.dedup_by_key(|(member, ..)| member.id);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// The product versions in which households of the mutual are enrolled on a day.
pub fn list_versions_in_use(r: &mut Read, mutual: MutualId, on: NaiveDate) -> QueryResult<Vec<ProductVersionId>> {
    enrolments::table
        .filter(enrolments::mutual_id.eq(mutual))
        .filter(enrolments::state.eq(EnrolmentState::Admitted))
        .filter(enrolments::starts_on.le(on))
        .filter(enrolments::ends_on.ge(on))
        .select(enrolments::product_version_id)
        .distinct()
        .load(r.conn())
}
