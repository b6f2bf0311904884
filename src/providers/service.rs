//! Commands of the catalogue of care: facilities, conventions, services, prices.
use super::model::*;
use super::store;
use crate::access::store as access;
use crate::audit::frame::Order;
use crate::contributions::service::must_be_at_least;
use crate::db::{Read, Write};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::web::must_match;
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
    /// What else is known of it.
    pub details: ProviderDetails,
}

/// What else is known of a facility.
#[derive(Debug, Clone, Default)]
pub struct ProviderDetails {
    /// `outpatient`, `maternity`…
    pub care_types: Vec<String>,
    pub contact_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<String>,
    /// The last day on which it gives care.
    pub active_to: Option<NaiveDate>,
}

fn must_be_area(r: &mut Read, area: Option<AreaId>) -> Result<()> {
    match area {
        Some(area) if crate::organisations::store::find_area(r, area)?.is_none() => {
            Err(Problem::of(Code::NotFound).at("/area_id").into())
        }
        _ => Ok(()),
    }
}

/// Adds a facility.
///
/// # Errors
/// `number_taken`, `not_found`.
pub fn add(w: &mut Write, order: &Order, new: &NewProvider) -> Result<ProviderId> {
    must_be_area(w, new.area)?;
    let details = new.details.clone();
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
        care_types: Words::of(&details.care_types),
        contact_name: details.contact_name,
        phone: details.phone,
        email: details.email,
        address: details.address,
        active_to: details.active_to,
    };
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("provider", row.id.uuid());
    w.field("code", None, Some(json!(row.code)));
    access::move_version(w)?;
    Ok(row.id)
}

/// What changes of a facility; what is left out stays, null empties.
#[derive(Debug, Clone, Default)]
pub struct ProviderChange {
    pub name: Option<String>,
    pub level: Option<String>,
    pub sector: Option<Sector>,
    pub area: Option<Option<AreaId>>,
    pub care_types: Option<Vec<String>>,
    pub contact_name: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub email: Option<Option<String>>,
    pub address: Option<Option<String>>,
    pub active_to: Option<Option<NaiveDate>>,
}

/// Changes a facility. Claims that were decided keep the level and sector by which they were.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub fn change(w: &mut Write, id: ProviderId, if_match: Option<&str>, change: &ProviderChange) -> Result<()> {
    store::lock(w, id)?;
    let known = store::find(w, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    must_be_area(w, change.area.flatten())?;
    let mut row = known.clone();
    let asked = change.clone();
    row.name = asked.name.unwrap_or(row.name);
    row.level = asked.level.unwrap_or(row.level);
    row.sector = asked.sector.unwrap_or(row.sector);
    row.area_id = asked.area.unwrap_or(row.area_id);
    row.care_types = asked.care_types.map_or(row.care_types, |words| Words::of(&words));
    row.contact_name = asked.contact_name.unwrap_or(row.contact_name);
    row.phone = asked.phone.unwrap_or(row.phone);
    row.email = asked.email.unwrap_or(row.email);
    row.address = asked.address.unwrap_or(row.address);
    row.active_to = asked.active_to.unwrap_or(row.active_to);
    row.version += 1;
    store::set(w, &row)?;
    w.names("provider", id.uuid());
    for (name, before, after) in [
        ("name", json!(known.name), json!(row.name)),
        ("level", json!(known.level), json!(row.level)),
        ("sector", json!(known.sector), json!(row.sector)),
        ("area_id", json!(known.area_id), json!(row.area_id)),
        ("care_types", json!(known.care_types.to_vec()), json!(row.care_types.to_vec())),
        ("contact_name", json!(known.contact_name), json!(row.contact_name)),
        ("phone", json!(known.phone), json!(row.phone)),
        ("email", json!(known.email), json!(row.email)),
        ("address", json!(known.address), json!(row.address)),
        ("active_to", json!(known.active_to), json!(row.active_to)),
    ] {
        if before != after {
            w.field(name, Some(before), Some(after));
        }
    }
    if known.active_to != row.active_to {
        access::move_version(w)?;
    }
    Ok(())
}

/// Whether two times share a day, None standing for no end.
pub fn days_overlap(a: (NaiveDate, Option<NaiveDate>), b: (NaiveDate, Option<NaiveDate>)) -> bool {
    a.1.is_none_or(|end| b.0 <= end) && b.1.is_none_or(|end| a.0 <= end)
}

fn must_be_in_order(from: NaiveDate, to: Option<NaiveDate>) -> Result<()> {
    if to.is_some_and(|to| to < from) {
        return Err(Problem::with(Code::ImpossibleDate, "the last day lies before the first").at("/valid_to").into());
    }
    Ok(())
}

/// A convention as told.
#[derive(Debug, Clone)]
pub struct NewConvention {
    pub provider: ProviderId,
    pub party: OrganisationId,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    /// What was agreed besides.
    pub terms: Agreed,
}

/// What a convention says besides its days.
#[derive(Debug, Clone, Default)]
pub struct Agreed {
    /// Benefit categories that are covered; none is all.
    pub categories: Option<Vec<String>>,
    /// Codes of services that are not, though their category is.
    pub excluded_services: Vec<String>,
    /// Days after the month's end within which the invoice must arrive.
    pub invoice_days: Option<i32>,
    /// Days after reception within which it is paid.
    pub payment_days: Option<i32>,
    /// The advance or deposit.
    pub advance: Option<Advance>,
}

/// An advance or deposit agreed. Information: the money moves elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    pub amount_minor: i64,
    pub currency: Currency,
}

fn must_be_amount(advance: Option<Advance>) -> Result<()> {
    advance.map_or(Ok(()), |advance| must_be_at_least(1, advance.amount_minor, "/advance_minor"))
}

/// The days between which no other convention of the same parties stands.
fn must_not_overlap(
    known: &[Convention],
    but: Option<ConventionId>,
    party: OrganisationId,
    days: (NaiveDate, Option<NaiveDate>),
    pointer: &str,
) -> Result<()> {
    let others = known.iter().filter(|row| row.party_id == party && Some(row.id) != but);
    if others.into_iter().any(|row| days_overlap((row.valid_from, row.valid_to), days)) {
        let detail = "a convention of the same parties stands on some of these days";
        return Err(Problem::with(Code::PeriodOverlaps, detail).at(pointer).into());
    }
    Ok(())
}

/// Makes a convention with a mutual or a body. Two of the same parties never overlap.
///
/// # Errors
/// `not_found`, `impossible_date`, `period_overlaps`, `amount_refused`, `amount_too_large`.
pub fn convene(w: &mut Write, order: &Order, new: &NewConvention) -> Result<ConventionId> {
    let days = (new.valid_from, new.valid_to);
    must_be_in_order(new.valid_from, new.valid_to)?;
    must_be_amount(new.terms.advance)?;
    if !store::lock(w, new.provider)? {
        return Err(Code::NotFound.into());
    }
    let provider = store::find(w, new.provider)?.ok_or(Problem::of(Code::NotFound))?;
    if !provider.is_active(new.valid_from) {
        return Err(Problem::with(Code::ImpossibleDate, "the facility has ended by then").at("/valid_from").into());
    }
    must_not_overlap(&store::list_conventions(w, new.provider)?, None, new.party, days, "/valid_from")?;
    let terms = &new.terms;
    let row = Convention {
        id: Key::new(order.id.uuid()),
        provider_id: new.provider,
        party_id: new.party,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        created_at: w.now(),
        categories: terms.categories.as_deref().map(Words::of),
        excluded_services: Words::of(&terms.excluded_services),
        invoice_days: terms.invoice_days,
        payment_days: terms.payment_days,
        advance_minor: terms.advance.map(|advance| advance.amount_minor),
        currency: terms.advance.map(|advance| advance.currency.code().to_owned()),
        version: 1,
    };
    store::insert_convention(w, &row)?;
    w.names("provider", new.provider.uuid());
    w.names("convention", row.id.uuid());
    w.names("organisation", new.party.uuid());
    w.field("valid_from", None, Some(json!(row.valid_from)));
    w.field("valid_to", None, Some(json!(row.valid_to)));
    w.field("categories", None, Some(json!(terms.categories)));
    w.field("excluded_services", None, Some(json!(terms.excluded_services)));
    w.field("advance_minor", None, Some(json!(row.advance_minor)));
    access::move_version(w)?;
    Ok(row.id)
}

/// What changes of a convention; what is left out stays, null empties. What it covers does not change: such a convention
/// is ended and another one made, so that the terms of a day are those that were agreed for it.
#[derive(Debug, Clone, Default)]
pub struct ConventionChange {
    pub valid_to: Option<Option<NaiveDate>>,
    pub invoice_days: Option<Option<i32>>,
    pub payment_days: Option<Option<i32>>,
    pub advance: Option<Option<Advance>>,
}

/// Ends a convention, moves its end, or changes what does not concern cover. It ends today at the earliest, or on its
/// first day where that is still to come: care was given under it until now. One that has ended stays ended.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`, `impossible_date`, `period_overlaps`, `amount_refused`, `amount_too_large`.
pub fn change_convention(
    w: &mut Write,
    provider: ProviderId,
    id: ConventionId,
    if_match: Option<&str>,
    today: NaiveDate,
    change: &ConventionChange,
) -> Result<()> {
    store::lock(w, provider)?;
    let all = store::list_conventions(w, provider)?;
    let known = all.iter().find(|row| row.id == id).ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    must_be_amount(change.advance.flatten())?;
    let mut row = known.clone();
    row.valid_to = change.valid_to.unwrap_or(row.valid_to);
    row.invoice_days = change.invoice_days.unwrap_or(row.invoice_days);
    row.payment_days = change.payment_days.unwrap_or(row.payment_days);
    if let Some(advance) = change.advance {
        row.advance_minor = advance.map(|advance| advance.amount_minor);
        row.currency = advance.map(|advance| advance.currency.code().to_owned());
    }
    row.version += 1;
    if row.valid_to != known.valid_to {
        if known.valid_to.is_some_and(|last| last < today) {
            let detail = "the convention has ended; make another one";
            return Err(Problem::with(Code::WrongState, detail).at("/valid_to").into());
        }
        let earliest = today.max(known.valid_from);
        if row.valid_to.is_some_and(|last| last < earliest) {
            let detail = format!("it ends on {earliest} at the earliest");
            return Err(Problem::with(Code::ImpossibleDate, detail).at("/valid_to").into());
        }
        must_not_overlap(&all, Some(id), row.party_id, (row.valid_from, row.valid_to), "/valid_to")?;
    }
    store::set_convention(w, &row)?;
    w.names("provider", provider.uuid());
    w.names("convention", id.uuid());
    w.names("organisation", row.party_id.uuid());
    for (name, before, after) in [
        ("valid_to", json!(known.valid_to), json!(row.valid_to)),
        ("invoice_days", json!(known.invoice_days), json!(row.invoice_days)),
        ("payment_days", json!(known.payment_days), json!(row.payment_days)),
        ("advance_minor", json!(known.advance_minor), json!(row.advance_minor)),
        ("currency", json!(known.currency), json!(row.currency)),
    ] {
        if before != after {
            w.field(name, Some(before), Some(after));
        }
    }
    if row.valid_to != known.valid_to {
        access::move_version(w)?;
    }
    Ok(())
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
    /// For whom it is.
    pub limits: Limits,
}

/// For whom a service is; ages in completed years on its day, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub sex: Option<SexLimit>,
    pub min_age_years: Option<i32>,
    pub max_age_years: Option<i32>,
}

impl Limits {
    fn must_hold_somebody(self) -> Result<()> {
        match (self.min_age_years, self.max_age_years) {
            (Some(least), Some(most)) if most < least => {
                Err(Problem::field("/max_age_years", "out_of_bounds", "lies below min_age_years").into())
            }
            _ => Ok(()),
        }
    }
}

/// Adds a service.
///
/// # Errors
/// `number_taken`, `invalid`.
pub fn add_service(w: &mut Write, order: &Order, new: &NewService) -> Result<ServiceId> {
    new.limits.must_hold_somebody()?;
    let row = Service {
        id: Key::new(order.id.uuid()),
        owner_id: new.owner,
        code: new.code.clone(),
        name: new.name.clone(),
        category: new.category.clone(),
        kind: new.kind,
        created_at: w.now(),
        version: 1,
        sex: new.limits.sex,
        min_age_years: new.limits.min_age_years,
        max_age_years: new.limits.max_age_years,
    };
    if !store::insert_service(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.names("service", row.id.uuid());
    w.field("code", None, Some(json!(row.code)));
    Ok(row.id)
}

/// What changes of a service; what is left out stays, null empties.
#[derive(Debug, Clone, Default)]
pub struct ServiceChange {
    pub name: Option<String>,
    pub category: Option<String>,
    pub kind: Option<ServiceKind>,
    pub sex: Option<Option<SexLimit>>,
    pub min_age_years: Option<Option<i32>>,
    pub max_age_years: Option<Option<i32>>,
}

/// Changes a service. Claims that were decided keep the category and limits by which they were.
///
/// # Errors
/// `not_found`, `version_mismatch`, `invalid`.
pub fn change_service(w: &mut Write, id: ServiceId, if_match: Option<&str>, change: &ServiceChange) -> Result<()> {
    store::lock_services(w, &[id])?;
    let known = store::find_service(w, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    let mut row = known.clone();
    let asked = change.clone();
    row.name = asked.name.unwrap_or(row.name);
    row.category = asked.category.unwrap_or(row.category);
    row.kind = asked.kind.unwrap_or(row.kind);
    row.sex = asked.sex.unwrap_or(row.sex);
    row.min_age_years = asked.min_age_years.unwrap_or(row.min_age_years);
    row.max_age_years = asked.max_age_years.unwrap_or(row.max_age_years);
    row.version += 1;
    let limits = Limits { sex: row.sex, min_age_years: row.min_age_years, max_age_years: row.max_age_years };
    limits.must_hold_somebody()?;
    store::set_service(w, &row)?;
    w.names("service", id.uuid());
    for (name, before, after) in [
        ("name", json!(known.name), json!(row.name)),
        ("category", json!(known.category), json!(row.category)),
        ("kind", json!(known.kind), json!(row.kind)),
        ("sex", json!(known.sex), json!(row.sex)),
        ("min_age_years", json!(known.min_age_years), json!(row.min_age_years)),
        ("max_age_years", json!(known.max_age_years), json!(row.max_age_years)),
    ] {
        if before != after {
            w.field(name, Some(before), Some(after));
        }
    }
    Ok(())
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
/// `not_found`, `impossible_date`, `period_overlaps`, `amount_refused`, `amount_too_large`.
pub fn add_tariff(w: &mut Write, order: &Order, new: &NewTariff) -> Result<TariffId> {
    must_be_in_order(new.valid_from, new.valid_to)?;
    must_be_at_least(0, new.unit_price_minor, "/unit_price_minor")?;
    if store::lock_services(w, &[new.service])? == 0 {
        return Err(Problem::of(Code::NotFound).at("/service_id").into());
    }
    let same = store::list_prices(w, &[new.owner], new.provider, &[new.service])?;
    if same
        .iter()
        .filter(|row| row.provider_id == new.provider)
        .any(|row| days_overlap((row.valid_from, row.valid_to), (new.valid_from, new.valid_to)))
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
