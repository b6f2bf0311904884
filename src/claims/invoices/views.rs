//! How invoices are shown, alike on the office's side and on the facility's.
use super::file::BadField;
use super::model::*;
use super::{service, store};
use crate::access::scopes::MutualScope;
use crate::claims::model::{ClaimReason, ClaimState, Outcome};
use crate::claims::rules::{Totals, invoice as add_up};
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::jobs::http::JobView;
use crate::jobs::store as jobs;
use crate::page::{Ask, Page};
use crate::words;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

words! {
    /// Where an invoice stands, with what was paid of it.
    pub enum InvoiceStanding {
        /// Its claims are being submitted.
        Received = "RECEIVED",
        /// They are decided as far as the rules go; some may wait for a person.
        InControl = "IN_CONTROL",
        /// The office has accepted what came of it; nothing is paid.
        Accepted = "ACCEPTED",
        /// The facility does not agree.
        Disputed = "DISPUTED",
        /// Accepted, and some of its claims are paid.
        PartlyPaid = "PARTLY_PAID",
        /// Accepted, and all that is owed is paid.
        Paid = "PAID",
    }
}

/// How many certificates have which result; together all of them.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct InvoiceCountsView {
    pub waiting: i64,
    pub claimed: i64,
    pub known: i64,
    pub differs: i64,
    pub bad: i64,
}

/// What the invoice's claims come to (R34), in minor units; those that wait for a person are billed alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceTotalsView {
    /// Claims, refused ones counted.
    pub claims: i64,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_payer_minor: i64,
    /// What the mutual owes for them, paid or not.
    pub payable_minor: i64,
}

/// A step of an invoice.
#[derive(Serialize, ToSchema)]
pub struct InvoiceStepView {
    pub state: InvoiceState,
    pub taken_on: NaiveDate,
    /// Null for what nobody did in person.
    pub taken_by: Option<UserId>,
    pub reason: Option<String>,
    pub recorded_at: DateTime<Utc>,
}

/// A facility's invoice of a month.
#[derive(Serialize, ToSchema)]
pub struct InvoiceView {
    pub id: InvoiceId,
    pub provider_id: ProviderId,
    pub number: String,
    /// `2026-03`
    pub month: String,
    /// The day of its first sending.
    pub received_on: NaiveDate,
    /// Until when it had to be in by the convention; null where that says nothing.
    pub deadline_on: Option<NaiveDate>,
    pub is_late: bool,
    pub state: InvoiceStanding,
    pub currency: String,
    /// How often something of it was sent.
    pub sendings: i32,
    pub certificates: i64,
    pub results: InvoiceCountsView,
    /// Claims that wait for a person.
    pub claims_pended: i64,
    pub totals: InvoiceTotalsView,
    /// The last job and how far it is.
    pub job: JobView,
    pub version: i64,
}

/// An invoice with its steps.
#[derive(Serialize, ToSchema)]
pub struct InvoiceDetail {
    #[serde(flatten)]
    pub invoice: InvoiceView,
    /// The first one first.
    pub steps: Vec<InvoiceStepView>,
}

impl InvoiceDetail {
    /// True where its job has nothing left to do.
    pub fn is_done(&self) -> bool {
        !self.invoice.job.state.is_alive()
    }
}

fn standing(row: &Invoice, sums: &[store::Sums]) -> InvoiceStanding {
    let owed = |wanted: bool| -> i64 {
        let of = |sum: &&store::Sums| (sum.state == ClaimState::Paid) == wanted;
        sums.iter().filter(of).map(|sum| sum.totals.mutual).sum()
    };
    match row.state {
        InvoiceState::Received => InvoiceStanding::Received,
        InvoiceState::InControl => InvoiceStanding::InControl,
        InvoiceState::Disputed => InvoiceStanding::Disputed,
        InvoiceState::Accepted => match (owed(true), owed(false)) {
            (0, _) => InvoiceStanding::Accepted,
            (_, 0) => InvoiceStanding::Paid,
            _ => InvoiceStanding::PartlyPaid,
        },
    }
}

/// Invoices as they are shown.
///
/// # Errors
/// The database's.
pub fn views(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    rows: Vec<Invoice>,
) -> Result<Vec<InvoiceView>> {
    let mutual = scope.mutual();
    let ids: Vec<InvoiceId> = rows.iter().map(|row| row.id).collect();
    let mut counts: BTreeMap<InvoiceId, InvoiceCountsView> = BTreeMap::new();
    for (invoice, result, count) in store::count_results(r, mutual, &ids)? {
        let of = counts.entry(invoice).or_default();
        *match result {
            ItemResult::Waiting => &mut of.waiting,
            ItemResult::Claimed => &mut of.claimed,
            ItemResult::Known => &mut of.known,
            ItemResult::Differs => &mut of.differs,
            ItemResult::Bad => &mut of.bad,
        } = count;
    }
    let mut sums = store::sum_claims(r, mutual, &ids)?;
    let job_ids: Vec<JobId> = rows.iter().map(|row| row.job_id).collect();
    let found = jobs::list(r, mutual, &job_ids)?;
    let mut shown = Vec::with_capacity(rows.len());
    // A page is mostly of one facility and few months.
    let mut deadlines: BTreeMap<(ProviderId, NaiveDate), Option<NaiveDate>> = BTreeMap::new();
    for row in rows {
        let sums = sums.remove(&row.id).unwrap_or_default();
        let parts: Vec<Totals> = sums.iter().map(|sum| sum.totals).collect();
        let added = add_up(&parts, 0).map_err(|_| Error::Fault("an invoice's claims overflow".into()))?;
        let of = (row.provider_id, row.month_on);
        let deadline_on = match deadlines.get(&of) {
            Some(known) => *known,
            None => service::deadline_on(r, owners, row.provider_id, row.month_on)?,
        };
        deadlines.insert(of, deadline_on);
        let job = found.iter().find(|job| job.id == row.job_id).cloned();
        shown.push(InvoiceView {
            id: row.id,
            provider_id: row.provider_id,
            month: row.month_on.format("%Y-%m").to_string(),
            received_on: row.received_on,
            deadline_on,
            is_late: deadline_on.is_some_and(|deadline| row.received_on > deadline),
            state: standing(&row, &sums),
            currency: row.currency,
            sendings: row.sendings,
            certificates: row.certificates,
            results: counts.remove(&row.id).unwrap_or_default(),
            claims_pended: sums.iter().filter(|sum| sum.state == ClaimState::Pended).map(|sum| sum.claims).sum(),
            totals: InvoiceTotalsView {
                claims: sums.iter().map(|sum| sum.claims).sum(),
                billed_minor: added.billed,
                mutual_minor: added.mutual,
                member_minor: added.member,
                provider_writeoff_minor: added.provider_writeoff,
                other_payer_minor: parts.iter().map(|part| part.other_payer).sum(),
                payable_minor: added.payable,
            },
            job: job.ok_or_else(|| Error::Fault("an invoice's job is not there".into()))?.try_into()?,
            number: row.number,
            version: row.version,
        });
    }
    Ok(shown)
}

/// An invoice with its steps; of one facility where asked.
///
/// # Errors
/// `not_found`.
pub fn detail(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    id: InvoiceId,
    provider: Option<ProviderId>,
) -> Result<InvoiceDetail> {
    let row = must_find(r, scope, id, provider)?;
    let steps = store::list_steps(r, scope.mutual(), id)?
        .into_iter()
        .map(|step| InvoiceStepView {
            state: step.state,
            taken_on: step.taken_on,
            taken_by: step.taken_by,
            reason: step.reason,
            recorded_at: step.recorded_at.and_utc(),
        })
        .collect();
    let invoice = views(r, scope, owners, vec![row])?.pop().ok_or(Problem::of(Code::NotFound))?;
    Ok(InvoiceDetail { invoice, steps })
}

/// An invoice; of one facility where asked.
///
/// # Errors
/// `not_found`.
pub fn must_find(r: &mut Read, scope: &MutualScope, id: InvoiceId, provider: Option<ProviderId>) -> Result<Invoice> {
    store::find(r, scope.mutual(), id)?
        .filter(|row| provider.is_none_or(|provider| row.provider_id == provider))
        .ok_or_else(|| Problem::of(Code::NotFound).into())
}

/// The claim of a certificate.
#[derive(Serialize, ToSchema)]
pub struct InvoiceClaimView {
    pub id: ClaimId,
    pub number: String,
    pub state: ClaimState,
    pub outcome: Outcome,
    /// Why the whole claim was refused or waits.
    pub claim_reason: Option<ClaimReason>,
    pub billed_minor: i64,
    pub mutual_minor: i64,
}

/// A certificate with what came of it.
#[derive(Serialize, ToSchema)]
pub struct InvoiceLineView {
    /// Its place in the invoice.
    pub ordinal: i32,
    /// Null where it has no number that can be used.
    pub certificate: Option<String>,
    /// The sending whose content it has, from 1.
    pub sending: i32,
    /// Its rows there, the header being 1.
    pub rows: Vec<u64>,
    pub result: ItemResult,
    /// Null where it is no claim.
    pub claim: Option<InvoiceClaimView>,
    /// What is wrong, or what differs.
    pub errors: Vec<BadField>,
}

/// A page of certificates with what came of them.
///
/// # Errors
/// The database's.
pub fn items(
    r: &mut Read,
    scope: &MutualScope,
    invoice: InvoiceId,
    result: Option<ItemResult>,
    ask: &Ask,
) -> Result<Page<InvoiceLineView>> {
    let mutual = scope.mutual();
    let rows = store::list_items(r, mutual, invoice, result, ask.after_one()?, ask.fetch())?;
    let ids: Vec<ClaimId> = rows.iter().filter_map(|row| row.claim_id).collect();
    let mut claims: BTreeMap<ClaimId, InvoiceClaimView> = store::list_figures(r, mutual, &ids)?
        .into_iter()
        .map(|(id, number, state, outcome, claim_reason, billed_minor, mutual_minor)| {
            (id, InvoiceClaimView { id, number, state, outcome, claim_reason, billed_minor, mutual_minor })
        })
        .collect();
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(InvoiceLineView {
            ordinal: row.ordinal,
            certificate: (!row.certificate.starts_with('#')).then(|| row.certificate.clone()),
            sending: row.sending,
            rows: service::rows_of(&row)?.iter().map(|sent| sent.row).collect(),
            result: row.result,
            claim: row.claim_id.and_then(|id| claims.remove(&id)),
            errors: faults_of(&row)?,
        });
    }
    Ok(ask.page(shown, |row| vec![row.ordinal.to_string()], |row| row))
}

/// What is wrong with a certificate, or in what it differs.
///
/// # Errors
/// A fault of ours.
pub fn faults_of(row: &Item) -> Result<Vec<BadField>> {
    let Some(text) = &row.faults else { return Ok(Vec::new()) };
    kept(text, "faults")
}
