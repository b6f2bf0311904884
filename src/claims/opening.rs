//! What persons had used of their cover year before their mutual went live: no ceiling is refilled by it.
use super::model::OpeningUsage;
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::enrolments::model::EnrolmentState;
use crate::enrolments::store as enrolments;
use crate::error::{Code, Problem, Result};
use crate::households::file::locked;
use crate::ids::*;
use crate::products::{service as products, store as product_store};
use chrono::Datelike;
use serde_json::json;

/// What was used of a category in a cover year.
#[derive(Debug, Clone)]
pub struct Used {
    pub member: MemberId,
    pub category: String,
    /// The year in which the cover year began.
    pub year: i32,
    /// What the mutual had paid, which counts against the ceilings of the person and of the household (R25, R28).
    pub amount_minor: i64,
    /// Units. A frequency limit is that of a calendar month (R23), which a year's total says nothing of: kept, not counted.
    pub quantity: i64,
}

/// Records what was used before, once for each person, category and cover year, and before any claim of that year: a
/// decision must have known it.
///
/// # Errors
/// `not_found`, `unknown_value` of a category that the product does not cover, `wrong_state` after a claim, `number_taken`
/// where it was recorded before.
pub fn record_used(w: &mut Write, scope: &MutualScope, order: &Order, used: &Used) -> Result<()> {
    let mutual = scope.mutual();
    let (member, household) = locked(w, scope, used.member)?;
    let enrolment = enrolments::list_of_household(w, mutual, household.id)?
        .into_iter()
        .filter(|row| row.state == EnrolmentState::Admitted && row.starts_on.year() == used.year)
        .filter(|row| row.starts_on <= scope.today())
        .max_by_key(|row| row.starts_on);
    let Some(enrolment) = enrolment else {
        let detail = format!("no admitted enrolment of household {} begins in {}", household.number, used.year);
        return Err(Problem::with(Code::NotFound, detail).at("/year").into());
    };
    let version = product_store::list_versions_by_id(w, &[enrolment.product_version_id])?;
    let product = version.first().map(products::parameters).transpose()?;
    if !product.is_some_and(|product| product.benefits.contains_key(&used.category)) {
        let detail = format!("the product does not cover {}", used.category);
        return Err(Problem::field("/category", "unknown_value", detail).into());
    }
    if store::has_claims(w, mutual, enrolment.id)? {
        let detail = format!("claims of enrolment {} came before: they were decided without it", enrolment.number);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let row = OpeningUsage {
        mutual_id: mutual,
        id: Key::new(order.id.uuid()),
        household_id: household.id,
        enrolment_id: enrolment.id,
        member_id: member.id,
        category: used.category.clone(),
        amount_minor: used.amount_minor,
        quantity: used.quantity,
        recorded_on: scope.today(),
        recorded_at: w.now(),
    };
    if !store::insert_opening(w, &row)? {
        return Err(Problem::with(Code::NumberTaken, "it was recorded before").into());
    }
    w.changed("opening_usage", row.id.uuid(), household.section_id, household.section_id);
    w.names("member", member.id.uuid());
    w.mark(scope.today());
    w.field("category", None, Some(json!(row.category)));
    w.field("year", None, Some(json!(used.year)));
    w.field("amount_minor", None, Some(json!(row.amount_minor)));
    w.field("quantity", None, Some(json!(row.quantity)));
    Ok(())
}
