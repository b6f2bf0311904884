//! What a device keeps of a household: its persons with their standing today and until when, what it owes, what its agent has
//! received from it, and when to visit it. Never care.
use crate::access::scopes::MutualScope;
use crate::contributions::model::DueKind;
use crate::contributions::position::Position;
use crate::contributions::service::HOUSEHOLD;
use crate::contributions::store as money;
use crate::dates::{add_days, within};
use crate::db::Read;
use crate::enrolments::model::{Span, SpanState};
use crate::enrolments::store as enrolments;
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::{BirthPrecision, Household, Relationship, Sex};
use crate::households::store as households;
use crate::ids::*;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Days before the end of cover from which a household is worth a visit.
const RENEWAL_DAYS: i64 = 30;
/// Days back to which an agent's receipts are shown.
const RECEIPT_DAYS: i64 = 400;

/// A person's cover, as it runs if nothing more is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandingDocument {
    /// Null where no cover holds today.
    pub state: Option<SpanState>,
    /// The last day of it; null without end.
    pub until_on: Option<NaiveDate>,
}

/// A person of a household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberDocument {
    pub id: MemberId,
    /// For `base_version` of an update.
    pub version: i64,
    pub card_number: String,
    pub relationship: Relationship,
    pub family_name: String,
    pub given_name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    pub birth_precision: BirthPrecision,
    pub national_id: Option<String>,
    pub phone: Option<String>,
    pub occupation: Option<String>,
    pub standing: StandingDocument,
}

/// What is open of a due of the household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueDocument {
    pub id: DueId,
    pub kind: DueKind,
    pub due_on: NaiveDate,
    pub open_minor: i64,
}

/// Cash that the device's agent received from the household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptDocument {
    pub payment_id: PaymentId,
    pub receipt: String,
    pub amount_minor: i64,
    pub received_on: NaiveDate,
    pub is_reversed: bool,
}

words! {
    /// Why a household is worth a visit.
    pub enum VisitReason {
        /// A due is open.
        Due = "DUE",
        /// Cover ends soon.
        Renewal = "RENEWAL",
    }
}

/// When to visit a household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VisitDocument {
    pub from_on: NaiveDate,
    pub reason: VisitReason,
}

/// A household as a device keeps it; it takes the place of what the device had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HouseholdDocument {
    pub id: HouseholdId,
    /// For `base_version` of an update.
    pub version: i64,
    pub number: String,
    pub section_id: Option<OrganisationId>,
    pub area_id: Option<AreaId>,
    pub class: String,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    /// Who belongs to it today.
    pub members: Vec<MemberDocument>,
    pub currency: String,
    /// What is open of the household's own dues, those of later days too, the earliest first.
    pub dues: Vec<DueDocument>,
    /// What it has paid and no due has taken.
    pub credit_minor: i64,
    /// What is due by today, less the credit; below zero it has paid ahead.
    pub balance_minor: i64,
    /// What the device's agent received.
    pub receipts: Vec<ReceiptDocument>,
    pub visit: Option<VisitDocument>,
}

/// The cover of a person on a day: the span that holds it, or the day before the next one begins.
fn standing(spans: &[Span], member: MemberId, today: NaiveDate) -> StandingDocument {
    let own = || spans.iter().filter(|span| span.member_id == member);
    match own().find(|span| within(today, span.from_on, span.to_on)) {
        Some(span) => StandingDocument { state: Some(span.state), until_on: span.to_on },
        None => {
            let next = own().map(|span| span.from_on).filter(|from| *from > today).min();
            StandingDocument { state: None, until_on: next.and_then(|from| from.pred_opt()) }
        }
    }
}

fn visit(dues: &[DueDocument], spans: &[Span], today: NaiveDate) -> Option<VisitDocument> {
    let due = dues.iter().map(|due| due.due_on).min();
    let ends = spans
        .iter()
        .filter(|span| span.state == SpanState::InForce && within(today, span.from_on, span.to_on))
        .filter_map(|span| span.to_on)
        .max();
    let renewal = ends.and_then(|last| add_days(last, -RENEWAL_DAYS).ok());
    match (due, renewal) {
        (Some(due), renewal) if renewal.is_none_or(|from| due <= from) => {
            Some(VisitDocument { from_on: due, reason: VisitReason::Due })
        }
        (_, Some(from)) => Some(VisitDocument { from_on: from, reason: VisitReason::Renewal }),
        (_, None) => None,
    }
}

/// A household as a device of this agent keeps it.
///
/// # Errors
/// A fault where amounts do not fit.
pub fn document(r: &mut Read, scope: &MutualScope, row: Household, agent: UserId) -> Result<HouseholdDocument> {
    let (mutual, today) = (scope.mutual(), scope.today());
    let persons = households::list_of_household(r, mutual, row.id)?;
    let spans = enrolments::list_spans_of(r, mutual, row.id)?;
    let position = Position::load(r, mutual, row.id)?;
    let open = |due: &crate::contributions::model::Due| position.owed(due) - position.paid(due.id);
    let mut dues: Vec<DueDocument> = position
        .dues
        .iter()
        .filter(|due| due.payer == HOUSEHOLD && open(due) > 0)
        .map(|due| DueDocument { id: due.id, kind: due.kind, due_on: due.due_on, open_minor: open(due) })
        .collect();
    dues.sort_by_key(|due| (due.due_on, due.id));
    let sum = |amounts: &mut dyn Iterator<Item = i64>| {
        crate::money::sum(amounts).map_err(|_| Problem::of(Code::AmountTooLarge))
    };
    let credit_minor = sum(&mut position.payments.iter().map(|payment| position.credit(payment)))?;
    let due_now = sum(&mut dues.iter().filter(|due| due.due_on <= today).map(|due| due.open_minor))?;
    let from = add_days(today, -RECEIPT_DAYS).unwrap_or(today);
    let own: Vec<_> = position
        .payments
        .iter()
        .filter(|payment| payment.collector_id == Some(agent) && payment.received_on >= from)
        .collect();
    let ids: Vec<ReceiptId> = own.iter().map(|payment| payment.receipt_id).collect();
    let labels: BTreeMap<ReceiptId, String> = money::list_labels(r, mutual, &ids)?.into_iter().collect();
    let receipts = own
        .into_iter()
        .map(|payment| {
            let label = labels.get(&payment.receipt_id).cloned();
            Ok(ReceiptDocument {
                payment_id: payment.id,
                receipt: label.ok_or_else(|| Error::Fault("a payment's receipt is not there".into()))?,
                amount_minor: payment.amount_minor,
                received_on: payment.received_on,
                is_reversed: position.is_reversed(payment.id),
            })
        })
        .collect::<Result<_>>()?;
    let members = persons
        .into_iter()
        .filter(|(member, stay)| within(today, stay.from_on, stay.to_on) && member.died_on.is_none_or(|on| on >= today))
        .map(|(member, stay)| MemberDocument {
            id: member.id,
            version: member.version,
            relationship: stay.relationship,
            standing: standing(&spans, member.id, today),
            card_number: member.card_number,
            family_name: member.family_name,
            given_name: member.given_name,
            sex: member.sex,
            birth_date: member.birth_date,
            birth_precision: member.birth_precision,
            national_id: member.national_id,
            phone: member.phone,
            occupation: member.occupation,
        })
        .collect();
    Ok(HouseholdDocument {
        visit: visit(&dues, &spans, today),
        id: row.id,
        version: row.version,
        number: row.number,
        section_id: row.section_id,
        area_id: row.area_id,
        class: row.class,
        phone: row.phone,
        registered_on: row.registered_on,
        members,
        currency: scope.currency().code().to_owned(),
        balance_minor: due_now - credit_minor,
        dues,
        credit_minor,
        receipts,
    })
}
