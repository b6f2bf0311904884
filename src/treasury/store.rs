//! The treasury in the database.
use super::model::*;
use super::rules::Seen;
use crate::access::scopes::MutualScope;
use crate::contributions::model::{Due, DueCancellation, Payment, Receipt};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

/// Gives a new mutual its settings.
pub fn insert_settings(w: &mut Write, row: &MoneySettings) -> QueryResult<()> {
    diesel::insert_into(money_settings::table).values(row).execute(w.conn()).map(|_| ())
}

/// A mutual's settings.
pub fn settings(r: &mut Read, mutual: MutualId) -> QueryResult<MoneySettings> {
    money_settings::table
        .filter(money_settings::mutual_id.eq(mutual))
        .select(MoneySettings::as_select())
        .first(r.conn())
}

/// Changes the settings where they still have the version that was read; false where they have not.
pub fn set_settings(w: &mut Write, row: &MoneySettings) -> QueryResult<bool> {
    diesel::update(money_settings::table.find((row.mutual_id, row.id)).filter(money_settings::version.eq(row.version)))
        .set((
            money_settings::expense_limit_minor.eq(row.expense_limit_minor),
            money_settings::commission_bp.eq(row.commission_bp),
            money_settings::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Adds a movement.
pub fn insert_movement(w: &mut Write, row: &Movement) -> QueryResult<()> {
    diesel::insert_into(movements::table).values(row).execute(w.conn()).map(|_| ())
}

/// A movement with its reversal.
pub fn find_movement(
    r: &mut Read,
    mutual: MutualId,
    id: MovementId,
) -> QueryResult<Option<(Movement, Option<MovementReversal>)>> {
    movements::table
        .left_join(
            movement_reversals::table.on(movement_reversals::mutual_id
                .eq(movements::mutual_id)
                .and(movement_reversals::movement_id.eq(movements::id))),
        )
        .filter(movements::mutual_id.eq(mutual))
        .filter(movements::id.eq(id))
        .select((Movement::as_select(), Option::<MovementReversal>::as_select()))
        .first(r.conn())
        .optional()
}

/// Movements by id, of a kind and a time where one is asked for.
pub fn list_movements(
    r: &mut Read,
    mutual: MutualId,
    kind: Option<crate::ledger::rules::MovementKind>,
    between: (NaiveDate, NaiveDate),
    after: Option<MovementId>,
    limit: i64,
) -> QueryResult<Vec<(Movement, Option<MovementReversal>)>> {
    let mut query = movements::table
        .left_join(
            movement_reversals::table.on(movement_reversals::mutual_id
                .eq(movements::mutual_id)
                .and(movement_reversals::movement_id.eq(movements::id))),
        )
        .filter(movements::mutual_id.eq(mutual))
        .filter(movements::moved_on.between(between.0, between.1))
        .filter(movements::id.gt(after.unwrap_or(MovementId::NIL)))
        .order(movements::id)
        .limit(limit)
        .select((Movement::as_select(), Option::<MovementReversal>::as_select()))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(movements::kind.eq(kind));
    }
    query.load(r.conn())
}

/// Adds the reversal of a movement; false where it has one.
pub fn insert_movement_reversal(w: &mut Write, row: &MovementReversal) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(movement_reversals::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Adds a remittance.
pub fn insert_remittance(w: &mut Write, row: &Remittance) -> QueryResult<()> {
    diesel::insert_into(remittances::table).values(row).execute(w.conn()).map(|_| ())
}

/// A remittance.
pub fn find_remittance(r: &mut Read, mutual: MutualId, id: RemittanceId) -> QueryResult<Option<Remittance>> {
    remittances::table.find((mutual, id)).select(Remittance::as_select()).get_result(r.conn()).optional()
}

/// Takes a remittance as a lock.
pub fn lock_remittance(w: &mut Write, mutual: MutualId, id: RemittanceId) -> QueryResult<bool> {
    diesel::update(remittances::table.find((mutual, id)))
        .set(remittances::version.eq(remittances::version + 1))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Writes a remittance that the command holds.
pub fn set_remittance(w: &mut Write, row: &Remittance) -> QueryResult<()> {
    diesel::update(remittances::table.find((row.mutual_id, row.id))).set(row).execute(w.conn()).map(|_| ())
}

/// Remittances by id, of a collector where one is asked for.
pub fn list_remittances(
    r: &mut Read,
    mutual: MutualId,
    collector: Option<UserId>,
    after: Option<RemittanceId>,
    limit: i64,
) -> QueryResult<Vec<Remittance>> {
    let mut query = remittances::table
        .filter(remittances::mutual_id.eq(mutual))
        .filter(remittances::id.gt(after.unwrap_or(RemittanceId::NIL)))
        .order(remittances::id)
        .limit(limit)
        .select(Remittance::as_select())
        .into_boxed();
    if let Some(collector) = collector {
        query = query.filter(remittances::collector_id.eq(collector));
    }
    query.load(r.conn())
}

/// All remittances of a collector, by id.
pub fn list_remittances_of(r: &mut Read, mutual: MutualId, collector: UserId) -> QueryResult<Vec<Remittance>> {
    list_remittances(r, mutual, Some(collector), None, i64::MAX)
}

/// A collector's receipts of a time that were not reversed, with what each was allocated on contributions, the last first.
pub fn list_receipts_of(
    r: &mut Read,
    mutual: MutualId,
    collector: UserId,
    between: (NaiveDate, NaiveDate),
) -> QueryResult<Vec<(Payment, Receipt)>> {
    payments::table
        .inner_join(
            receipts::table.on(receipts::mutual_id.eq(payments::mutual_id).and(receipts::id.eq(payments::receipt_id))),
        )
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::collector_id.eq(collector))
        .filter(payments::received_on.between(between.0, between.1))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            reversals::table
                .filter(reversals::mutual_id.eq(payments::mutual_id))
                .filter(reversals::payment_id.eq(payments::id)),
        )))
        .order((payments::received_on.desc(), payments::id.desc()))
        .select((Payment::as_select(), Receipt::as_select()))
        .load(r.conn())
}

/// What was allocated of a collector's standing receipts of a time, by payment and kind of due.
pub fn list_parts_of(
    r: &mut Read,
    mutual: MutualId,
    collector: UserId,
    between: (NaiveDate, NaiveDate),
) -> QueryResult<Vec<(PaymentId, crate::contributions::model::DueKind, i64)>> {
    allocations::table
        .inner_join(
            payments::table
                .on(payments::mutual_id.eq(allocations::mutual_id).and(payments::id.eq(allocations::payment_id))),
        )
        .inner_join(dues::table.on(dues::mutual_id.eq(allocations::mutual_id).and(dues::id.eq(allocations::due_id))))
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::collector_id.eq(collector))
        .filter(payments::received_on.between(between.0, between.1))
        .select((payments::id, dues::kind, allocations::amount_minor))
        .load(r.conn())
}

/// Adds an operator's way to tell of payments.
pub fn insert_webhook(w: &mut Write, row: &Webhook) -> QueryResult<()> {
    diesel::insert_into(webhooks::table).values(row).execute(w.conn()).map(|_| ())
}

/// An operator's way to tell of payments.
pub fn find_webhook(r: &mut Read, mutual: MutualId, id: WebhookId) -> QueryResult<Option<Webhook>> {
    webhooks::table.find((mutual, id)).select(Webhook::as_select()).get_result(r.conn()).optional()
}

/// All of them, by id.
pub fn list_webhooks(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Webhook>> {
    webhooks::table
        .filter(webhooks::mutual_id.eq(mutual))
        .order(webhooks::id)
        .select(Webhook::as_select())
        .load(r.conn())
}

/// Ends one; false where it is ended or has another version.
pub fn end_webhook(w: &mut Write, mutual: MutualId, id: WebhookId, at: NaiveDateTime) -> QueryResult<bool> {
    diesel::update(webhooks::table.find((mutual, id)).filter(webhooks::ended_at.is_null()))
        .set((webhooks::ended_at.eq(Some(at)), webhooks::version.eq(webhooks::version + 1)))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Takes an operator's transaction for the first time; false where it was taken before.
pub fn claim_identity(w: &mut Write, row: &MobileIdentity) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(mobile_identities::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Keeps a telling that was refused.
pub fn insert_refused(w: &mut Write, row: &RefusedTelling) -> QueryResult<()> {
    diesel::insert_into(refused_tellings::table).values(row).execute(w.conn()).map(|_| ())
}

/// Tellings that were refused, by id.
pub fn list_refused(
    r: &mut Read,
    mutual: MutualId,
    after: Option<RefusedTellingId>,
    limit: i64,
) -> QueryResult<Vec<RefusedTelling>> {
    refused_tellings::table
        .filter(refused_tellings::mutual_id.eq(mutual))
        .filter(refused_tellings::id.gt(after.unwrap_or(RefusedTellingId::NIL)))
        .order(refused_tellings::id)
        .limit(limit)
        .select(RefusedTelling::as_select())
        .load(r.conn())
}

/// The first telling of an operator's transaction.
pub fn find_identity(
    r: &mut Read,
    mutual: MutualId,
    provider: &str,
    transaction: &str,
) -> QueryResult<Option<MobileIdentity>> {
    mobile_identities::table
        .filter(mobile_identities::mutual_id.eq(mutual))
        .filter(mobile_identities::provider.eq(provider))
        .filter(mobile_identities::provider_txn_id.eq(transaction))
        .select(MobileIdentity::as_select())
        .first(r.conn())
        .optional()
}

/// Adds a telling.
pub fn insert_event(w: &mut Write, row: &MobileEvent) -> QueryResult<()> {
    diesel::insert_into(mobile_events::table).values(row).execute(w.conn()).map(|_| ())
}

/// A telling.
pub fn find_event(r: &mut Read, mutual: MutualId, id: MobileEventId) -> QueryResult<Option<MobileEvent>> {
    mobile_events::table.find((mutual, id)).select(MobileEvent::as_select()).get_result(r.conn()).optional()
}

/// Tellings that a person may have to look into, by id: those without a household, and those that contradict.
pub fn list_odd_events(
    r: &mut Read,
    mutual: MutualId,
    after: Option<MobileEventId>,
    limit: i64,
) -> QueryResult<Vec<MobileEvent>> {
    mobile_events::table
        .filter(mobile_events::mutual_id.eq(mutual))
        .filter(mobile_events::id.gt(after.unwrap_or(MobileEventId::NIL)))
        .filter(
            mobile_events::result
                .eq(Seen::Created)
                .and(mobile_events::payment_id.is_null())
                .or(mobile_events::result.eq_any(vec![Seen::ConflictQuarantined, Seen::CurrencyRefused])),
        )
        .order(mobile_events::id)
        .limit(limit)
        .select(MobileEvent::as_select())
        .load(r.conn())
}

/// What was decided on these tellings, in order.
pub fn list_decisions(r: &mut Read, mutual: MutualId, of: &[MobileEventId]) -> QueryResult<Vec<MobileDecision>> {
    mobile_decisions::table
        .filter(mobile_decisions::mutual_id.eq(mutual))
        .filter(mobile_decisions::event_id.eq_any(of.to_vec()))
        .order((mobile_decisions::event_id, mobile_decisions::ordinal))
        .select(MobileDecision::as_select())
        .load(r.conn())
}

/// Which of these payments were reversed.
pub fn list_reversed(r: &mut Read, mutual: MutualId, of: &[PaymentId]) -> QueryResult<Vec<PaymentId>> {
    reversals::table
        .filter(reversals::mutual_id.eq(mutual))
        .filter(reversals::payment_id.eq_any(of.to_vec()))
        .select(reversals::payment_id)
        .load(r.conn())
}

/// Adds a decision; false where another has this place.
pub fn insert_decision(w: &mut Write, row: &MobileDecision) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(mobile_decisions::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Adds a collection with its first list.
pub fn insert_collection(w: &mut Write, row: &GroupCollection) -> QueryResult<()> {
    diesel::insert_into(group_collections::table).values(row).execute(w.conn()).map(|_| ())
}

/// Adds lines of a list.
pub fn insert_collection_items(w: &mut Write, rows: &[GroupCollectionItem]) -> QueryResult<()> {
    insert_all!(w, group_collection_items::table, rows)
}

/// A collection.
pub fn find_collection(r: &mut Read, mutual: MutualId, id: GroupCollectionId) -> QueryResult<Option<GroupCollection>> {
    group_collections::table.find((mutual, id)).select(GroupCollection::as_select()).get_result(r.conn()).optional()
}

/// Takes a collection as a lock.
pub fn lock_collection(w: &mut Write, mutual: MutualId, id: GroupCollectionId) -> QueryResult<bool> {
    diesel::update(group_collections::table.find((mutual, id)))
        .set(group_collections::version.eq(group_collections::version + 1))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Says which list of a collection counts, and when it was allocated.
pub fn set_collection(w: &mut Write, row: &GroupCollection) -> QueryResult<()> {
    diesel::update(group_collections::table.find((row.mutual_id, row.id)))
        .set((
            group_collections::list_version.eq(row.list_version),
            group_collections::allocated_on.eq(row.allocated_on),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Collections by id.
pub fn list_collections(
    r: &mut Read,
    mutual: MutualId,
    pending: bool,
    after: Option<GroupCollectionId>,
    limit: i64,
) -> QueryResult<Vec<GroupCollection>> {
    let mut query = group_collections::table
        .filter(group_collections::mutual_id.eq(mutual))
        .filter(group_collections::id.gt(after.unwrap_or(GroupCollectionId::NIL)))
        .order(group_collections::id)
        .limit(limit)
        .select(GroupCollection::as_select())
        .into_boxed();
    if pending {
        query = query.filter(group_collections::allocated_on.is_null());
    }
    query.load(r.conn())
}

/// The lines of a collection's list that counts, with the households' numbers.
pub fn list_collection_items(r: &mut Read, row: &GroupCollection) -> QueryResult<Vec<(GroupCollectionItem, String)>> {
    group_collection_items::table
        .inner_join(
            households::table.on(households::mutual_id
                .eq(group_collection_items::mutual_id)
                .and(households::id.eq(group_collection_items::household_id))),
        )
        .filter(group_collection_items::mutual_id.eq(row.mutual_id))
        .filter(group_collection_items::collection_id.eq(row.id))
        .filter(group_collection_items::list_version.eq(row.list_version))
        .order(group_collection_items::ordinal)
        .select((GroupCollectionItem::as_select(), households::number))
        .load(r.conn())
}

/// The dues of a payer until a day that stand in no invoice yet, in the order of their day and id.
pub fn list_uninvoiced(
    r: &mut Read,
    mutual: MutualId,
    payer: &str,
    until: NaiveDate,
    limit: i64,
) -> QueryResult<Vec<Due>> {
    dues::table
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::payer.eq(payer))
        .filter(dues::due_on.le(until))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            subsidy_items::table
                .filter(subsidy_items::mutual_id.eq(dues::mutual_id))
                .filter(subsidy_items::due_id.eq(dues::id)),
        )))
        .order((dues::due_on, dues::id))
        .limit(limit)
        .select(Due::as_select())
        .load(r.conn())
}

/// What is owed no more of these dues.
pub fn list_relief(r: &mut Read, mutual: MutualId, of: &[DueId]) -> QueryResult<Vec<DueCancellation>> {
    let mut found = Vec::new();
    for chunk in of.chunks(500) {
        let rows: Vec<DueCancellation> = due_cancellations::table
            .filter(due_cancellations::mutual_id.eq(mutual))
            .filter(due_cancellations::due_id.eq_any(chunk.to_vec()))
            .select(DueCancellation::as_select())
            .load(r.conn())?;
        found.extend(rows);
    }
    Ok(found)
}

/// Adds an invoice with its dues.
pub fn insert_batch(w: &mut Write, row: &SubsidyBatch, items: &[SubsidyItem]) -> QueryResult<()> {
    diesel::insert_into(subsidy_batches::table).values(row).execute(w.conn())?;
    insert_all!(w, subsidy_items::table, items)
}

/// An invoice.
pub fn find_batch(r: &mut Read, mutual: MutualId, id: SubsidyBatchId) -> QueryResult<Option<SubsidyBatch>> {
    subsidy_batches::table.find((mutual, id)).select(SubsidyBatch::as_select()).get_result(r.conn()).optional()
}

/// The earliest day on which something of an invoice is due.
pub fn first_due_of(r: &mut Read, mutual: MutualId, batch: SubsidyBatchId) -> QueryResult<Option<NaiveDate>> {
    subsidy_items::table
        .inner_join(
            dues::table.on(dues::mutual_id.eq(subsidy_items::mutual_id).and(dues::id.eq(subsidy_items::due_id))),
        )
        .filter(subsidy_items::mutual_id.eq(mutual))
        .filter(subsidy_items::batch_id.eq(batch))
        .select(diesel::dsl::min(dues::due_on))
        .first(r.conn())
}

/// Takes an invoice as a lock.
pub fn lock_batch(w: &mut Write, mutual: MutualId, id: SubsidyBatchId) -> QueryResult<bool> {
    diesel::update(subsidy_batches::table.find((mutual, id)))
        .set(subsidy_batches::version.eq(subsidy_batches::version + 1))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// How many invoices a payer has.
pub fn count_batches(r: &mut Read, mutual: MutualId, payer: &str) -> QueryResult<i64> {
    subsidy_batches::table
        .filter(subsidy_batches::mutual_id.eq(mutual))
        .filter(subsidy_batches::payer.eq(payer))
        .count()
        .get_result(r.conn())
}

/// Invoices by id, of a payer where one is asked for.
pub fn list_batches(
    r: &mut Read,
    mutual: MutualId,
    payer: Option<&str>,
    after: Option<SubsidyBatchId>,
    limit: i64,
) -> QueryResult<Vec<SubsidyBatch>> {
    let mut query = subsidy_batches::table
        .filter(subsidy_batches::mutual_id.eq(mutual))
        .filter(subsidy_batches::id.gt(after.unwrap_or(SubsidyBatchId::NIL)))
        .order(subsidy_batches::id)
        .limit(limit)
        .select(SubsidyBatch::as_select())
        .into_boxed();
    if let Some(payer) = payer {
        query = query.filter(subsidy_batches::payer.eq(payer.to_owned()));
    }
    query.load(r.conn())
}

/// What was paid of these invoices.
pub fn list_subsidy_payments(
    r: &mut Read,
    mutual: MutualId,
    of: &[SubsidyBatchId],
) -> QueryResult<Vec<(SubsidyPayment, Receipt)>> {
    subsidy_payments::table
        .inner_join(
            receipts::table.on(receipts::mutual_id
                .eq(subsidy_payments::mutual_id)
                .and(receipts::id.eq(subsidy_payments::receipt_id))),
        )
        .filter(subsidy_payments::mutual_id.eq(mutual))
        .filter(subsidy_payments::batch_id.eq_any(of.to_vec()))
        .order(subsidy_payments::id)
        .select((SubsidyPayment::as_select(), Receipt::as_select()))
        .load(r.conn())
}

/// Adds a payment of another payer.
pub fn insert_subsidy_payment(w: &mut Write, row: &SubsidyPayment) -> QueryResult<()> {
    diesel::insert_into(subsidy_payments::table).values(row).execute(w.conn()).map(|_| ())
}

/// A line of an invoice: the due, the household's number and class, how many belong to it on the due's day.
pub type Beneficiaries = (SubsidyItem, NaiveDate, String, String);

/// The dues of an invoice with the households' numbers and classes, in order.
pub fn list_batch_items(
    r: &mut Read,
    mutual: MutualId,
    batch: SubsidyBatchId,
    after: Option<i32>,
    limit: i64,
) -> QueryResult<Vec<Beneficiaries>> {
    subsidy_items::table
        .inner_join(
            households::table.on(households::mutual_id
                .eq(subsidy_items::mutual_id)
                .and(households::id.eq(subsidy_items::household_id))),
        )
        .inner_join(
            dues::table.on(dues::mutual_id.eq(subsidy_items::mutual_id).and(dues::id.eq(subsidy_items::due_id))),
        )
        .filter(subsidy_items::mutual_id.eq(mutual))
        .filter(subsidy_items::batch_id.eq(batch))
        .filter(subsidy_items::ordinal.gt(after.unwrap_or(0)))
        .order(subsidy_items::ordinal)
        .limit(limit)
        .select((SubsidyItem::as_select(), dues::due_on, households::number, households::class))
        .load(r.conn())
}

/// The persons of these households: household, family and given name, whether principal, stay.
pub type Belonging = (HouseholdId, String, String, bool, NaiveDate, Option<NaiveDate>);

/// Who belonged to these households, with their stays.
pub fn list_belonging(r: &mut Read, mutual: MutualId, of: &[HouseholdId]) -> QueryResult<Vec<Belonging>> {
    use crate::households::model::Relationship;
    let rows: Vec<(HouseholdId, String, String, Relationship, NaiveDate, Option<NaiveDate>)> = memberships::table
        .inner_join(
            members::table
                .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
        )
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::household_id.eq_any(of.to_vec()))
        .order((memberships::household_id, memberships::from_on, memberships::id))
        .select((
            memberships::household_id,
            members::family_name,
            members::given_name,
            memberships::relationship,
            memberships::from_on,
            memberships::to_on,
        ))
        .load(r.conn())?;
    let is_principal = |relationship: Relationship| relationship == Relationship::Principal;
    Ok(rows
        .into_iter()
        .map(|(household, family, given, relationship, from, to)| {
            (household, family, given, is_principal(relationship), from, to)
        })
        .collect())
}

/// Sums of all tellings that were counted and of all collections: for `verify`.
pub fn sum_unassigned(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    let created: Option<i64> = mobile_events::table
        .filter(mobile_events::mutual_id.eq(mutual))
        .filter(mobile_events::result.eq(Seen::Created))
        .filter(mobile_events::payment_id.is_null())
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let pending: Option<i64> = group_collections::table
        .filter(group_collections::mutual_id.eq(mutual))
        .filter(group_collections::was_pending.eq(true))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    Ok(created.unwrap_or(0) + pending.unwrap_or(0))
}

/// The sum of standing payments that had lain unallocated, of what was sent back, and of lists that were corrected.
pub fn sum_assigned(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    let paid: Option<i64> = payments::table
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::was_unallocated.eq(true))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            reversals::table
                .filter(reversals::mutual_id.eq(payments::mutual_id))
                .filter(reversals::payment_id.eq(payments::id)),
        )))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let returned: Option<i64> = mobile_decisions::table
        .inner_join(
            mobile_events::table.on(mobile_events::mutual_id
                .eq(mobile_decisions::mutual_id)
                .and(mobile_events::id.eq(mobile_decisions::event_id))),
        )
        .filter(mobile_decisions::mutual_id.eq(mutual))
        .filter(mobile_decisions::kind.eq(Decided::Returned))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(mobile_events.amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let corrected: Option<i64> = group_collections::table
        .filter(group_collections::mutual_id.eq(mutual))
        .filter(group_collections::was_pending.eq(true))
        .filter(group_collections::allocated_on.is_not_null())
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    Ok(paid.unwrap_or(0) + returned.unwrap_or(0) + corrected.unwrap_or(0))
}

/// What all other payers have paid.
pub fn sum_subsidies(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    let sum: Option<i64> = subsidy_payments::table
        .filter(subsidy_payments::mutual_id.eq(mutual))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    Ok(sum.unwrap_or(0))
}

/// The names of users, for who reads a list of collectors.
pub fn names_of(r: &mut Read, _: &MutualScope, of: &[UserId]) -> QueryResult<Vec<(UserId, String)>> {
    users::table.filter(users::id.eq_any(of.to_vec())).select((users::id, users::name)).load(r.conn())
}
