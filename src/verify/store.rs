//! Rows as the checks read them: whole tables of a mutual, in no scope of a caller.
use crate::claims::model::{Appeal, AppealState, ClaimState, FormerDecision, Letter, LetterState, Review, Settlement};
use crate::contributions::model::Receipt;
use crate::db::Read;
use crate::db::schema::*;
use crate::ids::*;
use crate::ledger::model::{Account, Transfer};
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Commands without an audit row that names them.
pub fn commands_without_audit(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(CommandId, String)>> {
    commands::table
        .filter(commands::mutual_id.eq(mutual))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            audit_rows::table
                .filter(audit_rows::mutual_id.eq(commands::mutual_id))
                .filter(audit_rows::command_id.eq(commands::id.nullable()))
                .filter(audit_rows::kind.eq(crate::audit::model::AuditKind::Write)),
        )))
        .select((commands::id, commands::route))
        .load(r.conn())
}

/// How many commands there are.
pub fn count_commands(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    commands::table.filter(commands::mutual_id.eq(mutual)).count().get_result(r.conn())
}

/// A series: its first and its last number.
type SeriesRow = (SeriesId, crate::series::SeriesKind, CashDeskId, String, i64, i64);

/// The devices of agents, as issuers of receipts.
pub fn list_devices(r: &mut Read, mutual: MutualId) -> QueryResult<BTreeSet<CashDeskId>> {
    let ids: Vec<DeviceId> = devices::table.filter(devices::mutual_id.eq(mutual)).select(devices::id).load(r.conn())?;
    Ok(ids.into_iter().map(|id| Key::new(id.uuid())).collect())
}

/// Series: id, kind, issuer, label, first and last number.
pub fn list_series(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<SeriesRow>> {
    series::table
        .filter(series::mutual_id.eq(mutual))
        .order(series::id)
        .select((series::id, series::kind, series::issuer_id, series::label, series::first_number, series::last_number))
        .load(r.conn())
}

/// The receipts of a series, by number.
pub fn list_receipts(r: &mut Read, mutual: MutualId, of: SeriesId) -> QueryResult<Vec<Receipt>> {
    receipts::table
        .filter(receipts::mutual_id.eq(mutual))
        .filter(receipts::series_id.eq(of))
        .order(receipts::number)
        .select(Receipt::as_select())
        .load(r.conn())
}

/// Receipts that belong to no payment, reversal, refund or payment of another payer.
pub fn stray_receipts(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(ReceiptId, String)>> {
    receipts::table
        .filter(receipts::mutual_id.eq(mutual))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            payments::table
                .filter(payments::mutual_id.eq(receipts::mutual_id))
                .filter(payments::receipt_id.eq(receipts::id)),
        )))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            reversals::table
                .filter(reversals::mutual_id.eq(receipts::mutual_id))
                .filter(reversals::receipt_id.eq(receipts::id)),
        )))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            refunds::table
                .filter(refunds::mutual_id.eq(receipts::mutual_id))
                .filter(refunds::receipt_id.eq(receipts::id)),
        )))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            subsidy_payments::table
                .filter(subsidy_payments::mutual_id.eq(receipts::mutual_id))
                .filter(subsidy_payments::receipt_id.eq(receipts::id)),
        )))
        .select((receipts::id, receipts::label))
        .load(r.conn())
}

/// The card numbers of all members.
pub fn list_cards(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(MemberId, String)>> {
    members::table
        .filter(members::mutual_id.eq(mutual))
        .order(members::id)
        .select((members::id, members::card_number))
        .load(r.conn())
}

/// The accounts of a mutual.
pub fn list_accounts(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Account>> {
    accounts::table.filter(accounts::mutual_id.eq(mutual)).select(Account::as_select()).load(r.conn())
}

/// The transfers of these payments, in their order.
pub fn list_transfers_of(r: &mut Read, mutual: MutualId, payments: &[PaymentId]) -> QueryResult<Vec<Transfer>> {
    let ids: Vec<Option<PaymentId>> = payments.iter().map(|id| Some(*id)).collect();
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::payment_id.eq_any(ids))
        .order((transfers::id, transfers::ordinal))
        .select(Transfer::as_select())
        .load(r.conn())
}

/// Transfers whose command is not there.
pub fn stray_transfers(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<TransferId>> {
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            commands::table
                .filter(commands::mutual_id.eq(transfers::mutual_id))
                .filter(commands::id.eq(transfers::command_id)),
        )))
        .select(transfers::id)
        .load(r.conn())
}

/// Households by id, after one.
pub fn list_households(
    r: &mut Read,
    mutual: MutualId,
    after: Option<HouseholdId>,
    limit: i64,
) -> QueryResult<Vec<(HouseholdId, String)>> {
    households::table
        .filter(households::mutual_id.eq(mutual))
        .filter(households::id.gt(after.unwrap_or(HouseholdId::NIL)))
        .order(households::id)
        .limit(limit)
        .select((households::id, households::number))
        .load(r.conn())
}

/// The transfers of these claims.
pub fn list_transfers_of_claims(r: &mut Read, mutual: MutualId, claims: &[ClaimId]) -> QueryResult<Vec<Transfer>> {
    let ids: Vec<Option<ClaimId>> = claims.iter().map(|id| Some(*id)).collect();
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::claim_id.eq_any(ids))
        .order(transfers::id)
        .select(Transfer::as_select())
        .load(r.conn())
}

/// The transfers of settlements.
pub fn list_transfers_of_settlements(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Transfer>> {
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::settlement_id.is_not_null())
        .order(transfers::id)
        .select(Transfer::as_select())
        .load(r.conn())
}

/// The settlements of a mutual.
pub fn list_settlements(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Settlement>> {
    settlements::table
        .filter(settlements::mutual_id.eq(mutual))
        .order(settlements::id)
        .select(Settlement::as_select())
        .load(r.conn())
}

/// Claims that say that something of them was paid or that are in a settlement: their numbers, and how much.
pub fn list_settled(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(ClaimId, String, i64)>> {
    claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::settled_minor.ne(0).or(claims::state.eq_any(vec![ClaimState::Batched, ClaimState::Paid])))
        .order(claims::id)
        .select((claims::id, claims::number, claims::settled_minor))
        .load(r.conn())
}

/// The decisions that were replaced, by claim and in their order.
pub fn list_former(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<FormerDecision>> {
    claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(mutual))
        .order((claim_decisions::claim_id, claim_decisions::recorded_at, claim_decisions::id))
        .select(FormerDecision::as_select())
        .load(r.conn())
}

/// The appeals that changed a decision, by claim and in their order.
pub fn list_changed_appeals(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Appeal>> {
    appeals::table
        .filter(appeals::mutual_id.eq(mutual))
        .filter(appeals::state.eq(AppealState::Changed))
        .order((appeals::claim_id, appeals::id))
        .select(Appeal::as_select())
        .load(r.conn())
}

/// The reviews of a mutual with the states of their claims.
pub fn list_reviews(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(Review, ClaimState)>> {
    claim_reviews::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(claim_reviews::mutual_id).and(claims::id.eq(claim_reviews::id))),
        )
        .filter(claim_reviews::mutual_id.eq(mutual))
        .order(claim_reviews::id)
        .select((Review::as_select(), claims::state))
        .load(r.conn())
}

/// How many claims wait.
pub fn count_pended(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::state.eq(ClaimState::Pended))
        .count()
        .get_result(r.conn())
}

/// The letters that a claim uses: with the claim's state, what the mutual bears of it, and which letter it cites.
pub type UsedLetters = Vec<(Letter, ClaimState, i64, Option<LetterId>)>;

/// The letters that claims use.
pub fn list_used_letters(r: &mut Read, mutual: MutualId) -> QueryResult<UsedLetters> {
    letters::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(letters::mutual_id).and(letters::claim_id.eq(claims::id.nullable()))),
        )
        .inner_join(
            claim_links::table.on(claim_links::mutual_id.eq(claims::mutual_id).and(claim_links::id.eq(claims::id))),
        )
        .filter(letters::mutual_id.eq(mutual))
        .order(letters::id)
        .select((Letter::as_select(), claims::state, claims::mutual_minor, claim_links::letter_id))
        .load(r.conn())
}

/// How many letters say that they are used.
pub fn count_used_letters(r: &mut Read, mutual: MutualId) -> QueryResult<i64> {
    letters::table
        .filter(letters::mutual_id.eq(mutual))
        .filter(letters::state.eq(LetterState::Used))
        .count()
        .get_result(r.conn())
}

/// What was paid for each person in each cover year: enrolment, person, sum.
pub type YearSums = Vec<(Option<EnrolmentId>, MemberId, Option<i64>)>;

/// Sums of the mutual's share by enrolment and person.
pub fn sums_by_year(r: &mut Read, mutual: MutualId) -> QueryResult<YearSums> {
    claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::enrolment_id.is_not_null())
        .filter(claims::state.ne(ClaimState::Voided))
        .group_by((claims::enrolment_id, claims::member_id))
        .select((
            claims::enrolment_id,
            claims::member_id,
            diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(
                "CAST(SUM(mutual_minor) AS BIGINT)",
            ),
        ))
        .load(r.conn())
}

/// What persons had used of their cover years before the mutual went live.
pub fn list_openings(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<(EnrolmentId, MemberId, i64)>> {
    opening_usages::table
        .filter(opening_usages::mutual_id.eq(mutual))
        .select((opening_usages::enrolment_id, opening_usages::member_id, opening_usages::amount_minor))
        .load(r.conn())
}

/// The product versions of enrolments.
pub fn versions_of(
    r: &mut Read,
    mutual: MutualId,
    enrolments: &[EnrolmentId],
) -> QueryResult<Vec<(EnrolmentId, String, ProductVersionId)>> {
    use crate::db::schema::enrolments as table;
    let mut found = Vec::new();
    for chunk in enrolments.chunks(500) {
        let rows: Vec<(EnrolmentId, String, ProductVersionId)> = table::table
            .filter(table::mutual_id.eq(mutual))
            .filter(table::id.eq_any(chunk.to_vec()))
            .select((table::id, table::number, table::product_version_id))
            .load(r.conn())?;
        found.extend(rows);
    }
    Ok(found)
}
