//! Commands of products: draft, change, publish.
use super::model::*;
use super::rules::{CallError, Product, ScheduleError, TermsError};
use super::store;
use crate::audit::frame::Order;
use crate::db::{Read, Write};
use crate::error::{Code, Error, FieldError, Problem, Result, kept};
use crate::ids::*;
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;

/// The parameters of a stored version.
///
/// # Errors
/// A fault where the stored text cannot be read.
pub fn parameters(row: &VersionRow) -> Result<Product> {
    kept(&row.parameters, "parameters of a product")
}

fn text(parameters: &Product) -> Result<String> {
    serde_json::to_string(parameters).map_err(|error| Error::Fault(format!("parameters cannot be written: {error}")))
}

/// What is asked for a new product.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// The owner.
    pub owner: OrganisationId,
    /// Unique per owner.
    pub code: String,
    /// Shown name.
    pub name: String,
    /// Parameters of the first draft.
    pub parameters: Product,
    /// First day of the first draft.
    pub valid_from: Option<NaiveDate>,
    /// Last day of the first draft.
    pub valid_to: Option<NaiveDate>,
}

/// Makes a product with its first version as a draft.
///
/// # Errors
/// `number_taken`, `impossible_date`.
pub fn add(w: &mut Write, order: &Order, new: &NewProduct) -> Result<ProductId> {
    let id = Key::new(order.id.uuid());
    let row = ProductRow {
        id,
        owner_id: new.owner,
        code: new.code.clone(),
        name: new.name.clone(),
        currency: new.parameters.currency.code().to_owned(),
        created_at: w.now(),
        version: 1,
    };
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("product", id.uuid());
    w.field("code", None, Some(json!(row.code)));
    let version = w.new_id();
    draft(w, version, id, 1, &new.parameters, new.valid_from, new.valid_to)?;
    Ok(id)
}

/// Makes the next version as a draft.
///
/// # Errors
/// `not_found`, `impossible_date`, `CURRENCY_MISMATCH`.
pub fn add_version(
    w: &mut Write,
    order: &Order,
    product: ProductId,
    parameters: &Product,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
) -> Result<i32> {
    if !store::lock(w, product)? {
        return Err(Code::NotFound.into());
    }
    must_have_currency(w, product, parameters)?;
    let last = store::list_versions(w, product)?.last().map_or(0, |version| version.number);
    w.names("product", product.uuid());
    draft(w, Key::new(order.id.uuid()), product, last + 1, parameters, valid_from, valid_to)?;
    Ok(last + 1)
}

fn must_have_currency(r: &mut Read, product: ProductId, parameters: &Product) -> Result<()> {
    let row = store::find(r, product)?.ok_or(Problem::of(Code::NotFound))?;
    if row.currency == parameters.currency.code() {
        return Ok(());
    }
    let detail = format!("the product is in {}", row.currency);
    Err(Problem::with(Code::CurrencyMismatch, detail).at("/parameters/currency").into())
}

fn draft(
    w: &mut Write,
    id: ProductVersionId,
    product: ProductId,
    number: i32,
    parameters: &Product,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
) -> Result<()> {
    must_be_in_order(valid_from, valid_to)?;
    let row = VersionRow {
        id,
        product_id: product,
        number,
        state: VersionState::Draft,
        valid_from,
        valid_to,
        parameters: text(parameters)?,
        created_at: w.now(),
        published_at: None,
        version: 1,
    };
    store::insert_version(w, &row)?;
    w.names("product_version", row.id.uuid());
    w.field("parameters", None, Some(json!(parameters)));
    Ok(())
}

fn must_be_in_order(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<()> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => {
            Err(Problem::with(Code::ImpossibleDate, "the last day lies before the first").at("/valid_to").into())
        }
        _ => Ok(()),
    }
}

/// What changes of a draft.
#[derive(Debug, Clone, Default)]
pub struct DraftChange {
    /// New parameters, whole.
    pub parameters: Option<Product>,
    /// New first day.
    pub valid_from: Option<NaiveDate>,
    /// New last day.
    pub valid_to: Option<NaiveDate>,
}

/// Changes a draft.
///
/// # Errors
/// `version_immutable`, `version_mismatch`, `impossible_date`.
pub fn change_draft(
    w: &mut Write,
    product: ProductId,
    number: i32,
    if_match: Option<&str>,
    change: &DraftChange,
) -> Result<()> {
    store::lock(w, product)?;
    let known = store::find_version(w, product, number)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if known.state == VersionState::Published {
        return Err(Code::VersionImmutable.into());
    }
    let mut row = known.clone();
    if let Some(parameters) = &change.parameters {
        must_have_currency(w, product, parameters)?;
        row.parameters = text(parameters)?;
    }
    row.valid_from = change.valid_from.or(known.valid_from);
    row.valid_to = change.valid_to.or(known.valid_to);
    must_be_in_order(row.valid_from, row.valid_to)?;
    if !store::set_draft(w, &row)? {
        return Err(Code::VersionMismatch.into());
    }
    w.names("product", product.uuid());
    w.names("product_version", row.id.uuid());
    w.field("parameters", Some(json!(known.parameters)), Some(json!(row.parameters)));
    Ok(())
}

/// Publishes a draft: from then on it does not change and households may be enrolled in it.
///
/// # Errors
/// `parameters_contradict` with all reasons at once, `version_immutable`, `version_mismatch`.
pub fn publish(w: &mut Write, product: ProductId, number: i32, if_match: Option<&str>) -> Result<()> {
    store::lock(w, product)?;
    let known = store::find_version(w, product, number)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if known.state == VersionState::Published {
        return Err(Code::VersionImmutable.into());
    }
    must_not_contradict(&parameters(&known)?)?;
    if !store::set_published(w, known.id, known.version)? {
        return Err(Code::VersionMismatch.into());
    }
    w.names("product", product.uuid());
    w.names("product_version", known.id.uuid());
    w.field("state", Some(json!(known.state)), Some(json!(VersionState::Published)));
    Ok(())
}

/// What contradicts itself can be neither published nor priced.
///
/// # Errors
/// `parameters_contradict` with all reasons at once.
pub fn must_not_contradict(parameters: &Product) -> Result<()> {
    let mut reasons: Vec<FieldError> = parameters
        .contradictions()
        .into_iter()
        .map(|reason| FieldError::new(format!("/parameters{}", reason.pointer), reason.code, reason.message))
        .collect();
    reasons.dedup();
    if reasons.is_empty() { Ok(()) } else { Err(Problem::fields(Code::ParametersContradict, reasons).into()) }
}

/// Why a household has no price.
pub fn refused_price(error: ScheduleError) -> Error {
    match error {
        ScheduleError::Call(CallError::Overflow(_)) => Problem::of(Code::AmountTooLarge).into(),
        ScheduleError::Call(other) => Problem::with(Code::NoBand, other.to_string()).into(),
        ScheduleError::Calendar(_) => Problem::with(Code::ImpossibleDate, "a date lies beyond the calendar").into(),
    }
}

/// Why a household may not enter on a product's terms, with its field; `who` says how each person is named, never by name.
pub fn refusal(error: &TermsError, who: &[String]) -> Problem {
    let (code, pointer) = match error {
        TermsError::OutsideWindow => (Code::OutsideEnrolmentWindow, "/applied_on"),
        TermsError::NotACycleStart(_) => (Code::NotACycleStart, "/starts_on"),
        TermsError::TooLarge { .. } => (Code::HouseholdTooLarge, "/household_id"),
        TermsError::TooOld { .. } => (Code::AgeLimit, "/household_id"),
    };
    let detail = match error {
        TermsError::TooOld { at, most } => {
            let named: Vec<&str> = at.iter().filter_map(|at| who.get(*at)).map(String::as_str).collect();
            format!("older than {most} on the period's first day: {}", named.join(", "))
        }
        other => other.to_string(),
    };
    Problem::with(code, detail).at(pointer)
}
