//! Commands of the catalogue of care: facilities, conventions, services, prices.
use super::model::*;
use super::store;
use crate::access::store as access;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;
use serde_json::json;

/// A facility as told.
#[derive(Debug, Clone)]
pub struct NewProvider {
    pub owner: OrganisationId,
    pub code: String,
    pub name: String,
    /// `health_centre`, `hospital`…
    pub level: String,
    pub sector: Sector,
    pub area: Option<AreaId>,
}

/// Adds a facility.
///
/// # Errors
/// `number_taken`.
pub fn add(w: &mut Write, order: &Order, new: &NewProvider) -> Result<ProviderId> {
    let row = Provider {
        id: Key::new(order.id.uuid()),
        owner_id: new.owner,
        code: new.code.clone(),
        name: new.name.clone(),
        level: new.level.clone(),
        sector: new.sector,
        area_id: new.area,
        created_at: w.now(),
        version: 1,
    };
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("provider", row.id.uuid());
    w.field("code", None, Some(json!(row.code)));
    access::move_version(w)?;
    Ok(row.id)
}

fn overlaps(a: (NaiveDate, Option<NaiveDate>), b: (NaiveDate, Option<NaiveDate>)) -> bool {
    a.1.is_none_or(|end| b.0 <= end) && b.1.is_none_or(|end| a.0 <= end)
}

fn must_be_in_order(from: NaiveDate, to: Option<NaiveDate>) -> Result<()> {
    if to.is_some_and(|to| to < from) {
        return Err(Problem::with(Code::ImpossibleDate, "the last day lies before the first").at("/valid_to").into());
    }
    Ok(())
}

/// Makes a convention with a mutual or a body. Two of the same parties never overlap.
///
/// # Errors
/// `not_found`, `impossible_date`, `period_overlaps`.
pub fn convene(
    w: &mut Write,
    order: &Order,
    provider: ProviderId,
    party: OrganisationId,
    from: NaiveDate,
    to: Option<NaiveDate>,
) -> Result<ConventionId> {
    must_be_in_order(from, to)?;
    if !store::lock(w, provider)? {
        return Err(Code::NotFound.into());
    }
    let known = store::list_conventions(w, provider)?;
    if known.iter().any(|row| row.party_id == party && overlaps((row.valid_from, row.valid_to), (from, to))) {
        let detail = "a convention of the same parties stands on some of these days";
        return Err(Problem::with(Code::PeriodOverlaps, detail).at("/valid_from").into());
    }
    let row = Convention {
        id: Key::new(order.id.uuid()),
        provider_id: provider,
        party_id: party,
        valid_from: from,
        valid_to: to,
        created_at: w.now(),
    };
    store::insert_convention(w, &row)?;
    w.names("provider", provider.uuid());
    w.names("convention", row.id.uuid());
    w.names("organisation", party.uuid());
    w.field("valid_from", None, Some(json!(from)));
    w.field("valid_to", None, Some(json!(to)));
    access::move_version(w)?;
    Ok(row.id)
}

/// A service as told.
#[derive(Debug, Clone)]
pub struct NewService {
    pub owner: OrganisationId,
    pub code: String,
    pub name: String,
    /// The benefit category: `OPD`…
    pub category: String,
    pub kind: ServiceKind,
}

/// Adds a service.
///
/// # Errors
/// `number_taken`.
pub fn add_service(w: &mut Write, order: &Order, new: &NewService) -> Result<ServiceId> {
    let row = Service {
        id: Key::new(order.id.uuid()),
        owner_id: new.owner,
        code: new.code.clone(),
        name: new.name.clone(),
        category: new.category.clone(),
        kind: new.kind,
        created_at: w.now(),
        version: 1,
    };
    if !store::insert_service(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("service", row.id.uuid());
    w.field("code", None, Some(json!(row.code)));
    Ok(row.id)
}

/// A price as told.
#[derive(Debug, Clone)]
pub struct NewTariff {
    pub owner: OrganisationId,
    /// None for the reference price.
    pub provider: Option<ProviderId>,
    pub service: ServiceId,
    pub unit_price_minor: i64,
    pub currency: Currency,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

/// Adds a price. Versions of the same price never overlap (R22).
///
/// # Errors
/// `not_found`, `impossible_date`, `period_overlaps`, `amount_refused`.
pub fn add_tariff(w: &mut Write, order: &Order, new: &NewTariff) -> Result<TariffId> {
    must_be_in_order(new.valid_from, new.valid_to)?;
    if !(0..=crate::contributions::service::LARGEST_MINOR).contains(&new.unit_price_minor) {
        return Err(Problem::of(Code::AmountRefused).at("/unit_price_minor").into());
    }
    if !store::lock_service(w, new.service)? {
        return Err(Problem::of(Code::NotFound).at("/service_id").into());
    }
    let same = store::list_prices(w, &[new.owner], new.provider, &[new.service])?;
    if same
        .iter()
        .filter(|row| row.provider_id == new.provider)
        .any(|row| overlaps((row.valid_from, row.valid_to), (new.valid_from, new.valid_to)))
    {
        let detail = "a version of this price is valid on some of these days";
        return Err(Problem::with(Code::PeriodOverlaps, detail).at("/valid_from").into());
    }
    let row = Tariff {
        id: Key::new(order.id.uuid()),
        owner_id: new.owner,
        provider_id: new.provider,
        service_id: new.service,
        unit_price_minor: new.unit_price_minor,
        currency: new.currency.code().to_owned(),
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        created_at: w.now(),
    };
    store::insert_tariff(w, &row)?;
    w.names("tariff", row.id.uuid());
    w.names("service", new.service.uuid());
    w.field("unit_price_minor", None, Some(json!(row.unit_price_minor)));
    w.field("valid_from", None, Some(json!(row.valid_from)));
    Ok(row.id)
}
