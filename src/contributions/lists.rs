//! Lists of the treasurer: who is behind and since when, credits that no due has taken, and the sums by a day of what is due,
//! earned and open.
use super::earned::Written;
use super::service::HOUSEHOLD;
use super::store::sections;
use crate::access::scopes::MutualScope;
use crate::contributions::model::{CancellationKind, DueKind, Payment};
use crate::dates::Period;
use crate::db::Read;
use crate::db::schema::*;
use crate::db::types::Id;
use crate::ids::*;
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use std::collections::{BTreeMap, HashMap};

/// What is open of a due at the end of a day, as SQL. A date has no character that could be anything else.
fn open_on(on: NaiveDate) -> String {
    format!(
        "(dues.amount_minor - COALESCE((SELECT CAST(SUM(a.amount_minor) AS BIGINT) FROM allocations a \
         WHERE a.mutual_id = dues.mutual_id AND a.due_id = dues.id AND a.counts_on <= '{on}'), 0) \
         - COALESCE((SELECT CAST(SUM(c.amount_minor) AS BIGINT) FROM due_cancellations c \
         WHERE c.mutual_id = dues.mutual_id AND c.due_id = dues.id \
         AND (c.kind = 'CANCELLED' OR c.cancelled_on <= '{on}')), 0))"
    )
}

/// Households that owe something due before a day and not before another, by id.
pub fn households_behind(
    r: &mut Read,
    scope: &MutualScope,
    on: NaiveDate,
    between: (NaiveDate, NaiveDate),
    after: Option<HouseholdId>,
    limit: i64,
) -> QueryResult<Vec<HouseholdId>> {
    let mut query = dues::table
        .inner_join(
            households::table.on(households::mutual_id.eq(dues::mutual_id).and(households::id.eq(dues::household_id))),
        )
        .filter(dues::mutual_id.eq(scope.mutual()))
        .filter(dues::payer.eq(HOUSEHOLD))
        .filter(dues::due_on.between(between.0, between.1))
        .filter(dues::household_id.gt(after.unwrap_or(HouseholdId::NIL)))
        .filter(sql::<Bool>(&format!("{} > 0", open_on(on))))
        .order(dues::household_id)
        .limit(limit)
        .select(dues::household_id)
        .distinct()
        .into_boxed();
    if let Some(ids) = sections(scope) {
        query = query.filter(households::section_id.eq_any(ids));
    }
    query.load(r.conn())
}

/// A household's day and what is open of what fell due on it.
pub type OpenDue = (HouseholdId, NaiveDate, i64);

/// What these households owe that fell due before a day, by household and day.
pub fn open_dues(r: &mut Read, scope: &MutualScope, on: NaiveDate, of: &[HouseholdId]) -> QueryResult<Vec<OpenDue>> {
    dues::table
        .filter(dues::mutual_id.eq(scope.mutual()))
        .filter(dues::payer.eq(HOUSEHOLD))
        .filter(dues::due_on.lt(on))
        .filter(dues::household_id.eq_any(of.to_vec()))
        .filter(sql::<Bool>(&format!("{} > 0", open_on(on))))
        .order((dues::household_id, dues::due_on, dues::id))
        .select((dues::household_id, dues::due_on, sql::<BigInt>(&open_on(on))))
        .load(r.conn())
}

/// Whom to call: household, its number, its phone, its section.
pub type Called = (HouseholdId, String, Option<String>, Option<OrganisationId>);

/// Numbers and phones of households.
pub fn called(r: &mut Read, scope: &MutualScope, of: &[HouseholdId]) -> QueryResult<Vec<Called>> {
    households::table
        .filter(households::mutual_id.eq(scope.mutual()))
        .filter(households::id.eq_any(of.to_vec()))
        .order(households::id)
        .select((households::id, households::number, households::phone, households::section_id))
        .load(r.conn())
}

/// The persons of households today with a phone: household, family name, given name, whether principal, phone.
pub type Reached = (HouseholdId, String, String, bool, Option<String>);

/// Who belongs to these households on a day, the principal first.
pub fn reached(r: &mut Read, scope: &MutualScope, of: &[HouseholdId], on: NaiveDate) -> QueryResult<Vec<Reached>> {
    use crate::households::model::Relationship;
    let rows: Vec<(HouseholdId, String, String, Relationship, Option<String>)> = memberships::table
        .inner_join(
            members::table
                .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
        )
        .filter(memberships::mutual_id.eq(scope.mutual()))
        .filter(memberships::household_id.eq_any(of.to_vec()))
        .filter(memberships::from_on.le(on))
        .filter(memberships::to_on.is_null().or(memberships::to_on.ge(on)))
        .filter(members::died_on.is_null())
        .order((memberships::household_id, memberships::from_on, memberships::id))
        .select((
            memberships::household_id,
            members::family_name,
            members::given_name,
            memberships::relationship,
            members::phone,
        ))
        .load(r.conn())?;
    let mut found: Vec<Reached> = rows
        .into_iter()
        .map(|(household, family, given, relationship, phone)| {
            (household, family, given, relationship == Relationship::Principal, phone)
        })
        .collect();
    found.sort_by_key(|row| (row.0, !row.3));
    Ok(found)
}

/// What no due has taken of payments that stand, with the payment, by payment id.
pub fn credits(
    r: &mut Read,
    scope: &MutualScope,
    after: Option<PaymentId>,
    limit: i64,
) -> QueryResult<Vec<(Payment, i64)>> {
    let credit = "(payments.amount_minor - COALESCE((SELECT CAST(SUM(a.amount_minor) AS BIGINT) FROM allocations a \
                  WHERE a.mutual_id = payments.mutual_id AND a.payment_id = payments.id), 0) \
                  - COALESCE((SELECT CAST(SUM(f.amount_minor) AS BIGINT) FROM refund_parts f \
                  WHERE f.mutual_id = payments.mutual_id AND f.payment_id = payments.id), 0))";
    payments::table
        .filter(payments::mutual_id.eq(scope.mutual()))
        .filter(payments::id.gt(after.unwrap_or(PaymentId::NIL)))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            reversals::table
                .filter(reversals::mutual_id.eq(payments::mutual_id))
                .filter(reversals::payment_id.eq(payments::id)),
        )))
        .filter(sql::<Bool>(&format!("{credit} > 0")))
        .order(payments::id)
        .limit(limit)
        .select((Payment::as_select(), sql::<BigInt>(credit)))
        .load(r.conn())
}

/// What is owed by a payer at the end of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwedBy {
    /// Dues that fell due, less what was cancelled, waived or written off.
    pub due: i64,
    /// What of them was paid.
    pub paid: i64,
    /// What of them is open.
    pub open: i64,
}

/// The contributions of a mutual at the end of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Contributions of all enrolments admitted by then, of all payers.
    pub written: i64,
    pub earned: i64,
    pub unearned: i64,
    /// By payer.
    pub owed: BTreeMap<String, OwedBy>,
}

/// Contributions of all payers for enrolments admitted by a day, and what of them was earned by then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Earned {
    pub written: i64,
    pub earned: i64,
    pub unearned: i64,
}

/// What was written of an enrolment by two days.
type Written2 = (EnrolmentId, Option<i64>, Option<i64>);

/// Computes what was written and earned by each of two days, in their order: what was recorded by then counts, by its own day.
pub fn earned(r: &mut Read, mutual: MutualId, days: [NaiveDate; 2]) -> QueryResult<[Earned; 2]> {
    let [then, now] = days;
    let total = |column: &str| sql::<Nullable<BigInt>>(&format!("CAST(SUM({column}) AS BIGINT)"));
    let periods: Vec<(EnrolmentId, NaiveDate, NaiveDate, Option<NaiveDate>)> = enrolments::table
        .filter(enrolments::mutual_id.eq(mutual))
        .filter(enrolments::admitted_on.is_not_null())
        .select((enrolments::id, enrolments::starts_on, enrolments::ends_on, enrolments::ended_on))
        .load(r.conn())?;
    let issued: Vec<Written2> = dues::table
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::issued_on.le(now))
        .filter(dues::kind.eq(DueKind::Contribution))
        .group_by(dues::enrolment_id)
        .select((
            dues::enrolment_id,
            total(&format!("CASE WHEN dues.issued_on <= '{then}' THEN dues.amount_minor END")),
            total("dues.amount_minor"),
        ))
        .load(r.conn())?;
    let less: Vec<Written2> = due_cancellations::table
        .inner_join(
            dues::table
                .on(dues::mutual_id.eq(due_cancellations::mutual_id).and(dues::id.eq(due_cancellations::due_id))),
        )
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::issued_on.le(now))
        .filter(dues::kind.eq(DueKind::Contribution))
        .filter(due_cancellations::cancelled_on.le(now))
        // What was written off was earned and lost: it stays in what was written.
        .filter(due_cancellations::kind.ne(CancellationKind::WrittenOff))
        .group_by(dues::enrolment_id)
        .select((
            dues::enrolment_id,
            total(&format!(
                "CASE WHEN dues.issued_on <= '{then}' AND due_cancellations.cancelled_on <= '{then}' \
                 THEN due_cancellations.amount_minor END"
            )),
            total("due_cancellations.amount_minor"),
        ))
        .load(r.conn())?;
    let mut amounts: HashMap<EnrolmentId, [Option<i64>; 2]> =
        issued.into_iter().map(|(enrolment, then, now)| (enrolment, [then, now])).collect();
    for (enrolment, then, now) in less {
        for (amount, less) in amounts.entry(enrolment).or_default().iter_mut().zip([then, now]) {
            *amount = amount.map(|amount| amount - less.unwrap_or(0));
        }
    }
    let mut found = [Earned::default(); 2];
    for (enrolment, from, to, ended) in periods {
        let written = amounts.get(&enrolment).copied().unwrap_or_default();
        for ((found, amount), on) in found.iter_mut().zip(written).zip(days) {
            // Nothing of it was issued by then.
            let Some(amount) = amount else { continue };
            // An end that came later was not known on the day: what was earned by then stays what it was.
            let to = ended.filter(|ended| *ended <= on).map_or(to, |ended| ended.min(to)).max(from);
            let written = Written { amount, period: Period { from, to } };
            found.written += amount;
            found.earned += written.earned(on);
            found.unearned += written.unearned(on);
        }
    }
    Ok(found)
}

/// What is open of dues of one age.
#[derive(QueryableByName)]
struct OpenOfAge {
    #[diesel(sql_type = BigInt)]
    age: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
}

/// What households have open at the end of a day of dues that fell due 1 to 30, 31 to 90 and more than 90 days before it. What
/// counts for dues is added up once and joined, since to look for that of each due takes PostgreSQL four times as long.
pub fn open_by_age(r: &mut Read, mutual: MutualId, on: NaiveDate) -> QueryResult<[i64; 3]> {
    let before = |days: i64| crate::dates::add_days(on, -days).unwrap_or(NaiveDate::MIN);
    let (month, quarter) = (before(30), before(90));
    // Numbered as both engines read it; a date has no character that could be anything else.
    let query = format!(
        "SELECT age, CAST(SUM(open) AS BIGINT) AS open FROM (\
           SELECT CAST(CASE WHEN d.due_on >= '{month}' THEN 0 WHEN d.due_on >= '{quarter}' THEN 1 ELSE 2 END AS BIGINT) AS age, \
             d.amount_minor - COALESCE(a.amount, 0) - COALESCE(c.amount, 0) AS open FROM dues d \
           LEFT JOIN (SELECT due_id, CAST(SUM(amount_minor) AS BIGINT) AS amount FROM allocations \
             WHERE mutual_id = $1 AND counts_on <= '{on}' GROUP BY due_id) a ON a.due_id = d.id \
           LEFT JOIN (SELECT due_id, CAST(SUM(amount_minor) AS BIGINT) AS amount FROM due_cancellations \
             WHERE mutual_id = $2 AND (kind = 'CANCELLED' OR cancelled_on <= '{on}') GROUP BY due_id) c ON c.due_id = d.id \
           WHERE d.mutual_id = $3 AND d.payer = $4 AND d.due_on < '{on}') AS found \
         WHERE open > 0 GROUP BY age"
    );
    let rows: Vec<OpenOfAge> = diesel::sql_query(query)
        .bind::<Id, _>(mutual)
        .bind::<Id, _>(mutual)
        .bind::<Id, _>(mutual)
        .bind::<Text, _>(HOUSEHOLD)
        .load(r.conn())?;
    let mut ages = [0_i64; 3];
    for row in rows {
        if let Some(place) = usize::try_from(row.age).ok().and_then(|age| ages.get_mut(age)) {
            *place = row.open;
        }
    }
    Ok(ages)
}

/// What was issued of a due by a day.
type Issued = (DueId, String, NaiveDate, i64);

/// Computes the contributions by a day: what was recorded by then counts, by its own day.
pub fn as_of(r: &mut Read, mutual: MutualId, on: NaiveDate) -> QueryResult<AsOf> {
    let mut found = AsOf::default();
    let [_, earned] = earned(r, mutual, [on, on])?;
    (found.written, found.earned, found.unearned) = (earned.written, earned.earned, earned.unearned);
    let issued: Vec<Issued> = dues::table
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::issued_on.le(on))
        .filter(dues::due_on.le(on))
        .select((dues::id, dues::payer, dues::due_on, dues::amount_minor))
        .load(r.conn())?;
    let relief: Vec<(DueId, CancellationKind, i64)> = due_cancellations::table
        .filter(due_cancellations::mutual_id.eq(mutual))
        .filter(due_cancellations::cancelled_on.le(on))
        .select((due_cancellations::due_id, due_cancellations::kind, due_cancellations::amount_minor))
        .load(r.conn())?;
    let paid: Vec<(DueId, i64)> = allocations::table
        .filter(allocations::mutual_id.eq(mutual))
        .filter(allocations::counts_on.le(on))
        .select((allocations::due_id, allocations::amount_minor))
        .load(r.conn())?;
    let mut never: BTreeMap<DueId, i64> = BTreeMap::new();
    let mut given_up: BTreeMap<DueId, i64> = BTreeMap::new();
    for (due, kind, amount) in relief {
        // What was written off was earned and lost: it stays in what was written.
        let sums = if kind == CancellationKind::WrittenOff { &mut given_up } else { &mut never };
        *sums.entry(due).or_default() += amount;
    }
    let mut paid_by: BTreeMap<DueId, i64> = BTreeMap::new();
    for (due, amount) in paid {
        *paid_by.entry(due).or_default() += amount;
    }
    for (due, amount) in subsidised(r, mutual, on)? {
        *paid_by.entry(due).or_default() += amount;
    }
    for (due, payer, _, amount) in issued {
        let stands = amount - never.get(&due).copied().unwrap_or(0);
        let owed = stands - given_up.get(&due).copied().unwrap_or(0);
        let paid = paid_by.get(&due).copied().unwrap_or(0);
        let of = found.owed.entry(payer).or_default();
        of.due += owed;
        of.paid += paid;
        of.open += owed - paid;
    }
    Ok(found)
}

/// What other payers had paid of their dues by a day: an invoice's dues are paid in their order.
fn subsidised(r: &mut Read, mutual: MutualId, on: NaiveDate) -> QueryResult<Vec<(DueId, i64)>> {
    let received: Vec<(SubsidyBatchId, i64)> = subsidy_payments::table
        .filter(subsidy_payments::mutual_id.eq(mutual))
        .filter(subsidy_payments::received_on.le(on))
        .select((subsidy_payments::batch_id, subsidy_payments::amount_minor))
        .load(r.conn())?;
    let mut sums: BTreeMap<SubsidyBatchId, i64> = BTreeMap::new();
    for (batch, amount) in received {
        *sums.entry(batch).or_default() += amount;
    }
    let batches: Vec<SubsidyBatchId> = sums.keys().copied().collect();
    let items: Vec<(SubsidyBatchId, DueId, i64, i64)> = subsidy_items::table
        .filter(subsidy_items::mutual_id.eq(mutual))
        .filter(subsidy_items::batch_id.eq_any(batches))
        .select((
            subsidy_items::batch_id,
            subsidy_items::due_id,
            subsidy_items::before_minor,
            subsidy_items::amount_minor,
        ))
        .load(r.conn())?;
    let paid = |(batch, due, before, amount): (SubsidyBatchId, DueId, i64, i64)| {
        let sum = sums.get(&batch).copied().unwrap_or(0);
        (due, (sum - before).clamp(0, amount))
    };
    Ok(items.into_iter().map(paid).filter(|(_, amount)| *amount > 0).collect())
}
