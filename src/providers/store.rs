//! Providers, conventions, services and tariffs in the database.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds a provider; false where the owner has one of this code.
pub fn insert(w: &mut Write, row: &Provider) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(providers::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A provider.
pub fn find(r: &mut Read, id: ProviderId) -> QueryResult<Option<Provider>> {
    providers::table.find(id).select(Provider::as_select()).get_result(r.conn()).optional()
}

/// The providers of this code among these owners.
pub fn find_by_code(r: &mut Read, owners: &[OrganisationId], code: &str) -> QueryResult<Vec<Provider>> {
    providers::table
        .filter(providers::owner_id.eq_any(owners.to_vec()))
        .filter(providers::code.eq(code))
        .order(providers::id)
        .select(Provider::as_select())
        .load(r.conn())
}

/// The providers of these codes among these owners.
pub fn find_by_codes(r: &mut Read, owners: &[OrganisationId], codes: &[String]) -> QueryResult<Vec<Provider>> {
    providers::table
        .filter(providers::owner_id.eq_any(owners.to_vec()))
        .filter(providers::code.eq_any(codes.to_vec()))
        .order(providers::id)
        .select(Provider::as_select())
        .load(r.conn())
}

/// Providers by id.
pub fn find_by_ids(r: &mut Read, ids: &[ProviderId]) -> QueryResult<Vec<Provider>> {
    providers::table.filter(providers::id.eq_any(ids.to_vec())).select(Provider::as_select()).load(r.conn())
}

/// Which providers are listed.
#[derive(Debug, Clone, Default)]
pub struct ProviderFilter {
    pub level: Option<String>,
    pub sector: Option<Sector>,
    pub care_type: Option<String>,
    pub area: Option<AreaId>,
}

/// Providers of these owners, by code and id.
pub fn list(
    r: &mut Read,
    owners: &[OrganisationId],
    filter: &ProviderFilter,
    after: Option<(String, ProviderId)>,
    limit: i64,
) -> QueryResult<Vec<Provider>> {
    let mut query = providers::table
        .filter(providers::owner_id.eq_any(owners.to_vec()))
        .order((providers::code, providers::id))
        .limit(limit)
        .select(Provider::as_select())
        .into_boxed();
    if let Some(level) = &filter.level {
        query = query.filter(providers::level.eq(level.clone()));
    }
    if let Some(sector) = filter.sector {
        query = query.filter(providers::sector.eq(sector));
    }
    if let Some(word) = &filter.care_type {
        // An underscore would stand for any letter.
        let pattern = format!("% {} %", word.replace('_', "\\_"));
        query = query.filter(providers::care_types.like(pattern).escape('\\'));
    }
    if let Some(area) = filter.area {
        query = query.filter(providers::area_id.eq(area));
    }
    if let Some((code, id)) = after {
        query = query.filter(providers::code.gt(code.clone()).or(providers::code.eq(code).and(providers::id.gt(id))));
    }
    query.load(r.conn())
}

/// Writes a provider's row, which is locked.
pub fn set(w: &mut Write, row: &Provider) -> QueryResult<()> {
    diesel::update(providers::table.find(row.id))
        .set((
            providers::name.eq(&row.name),
            providers::level.eq(&row.level),
            providers::sector.eq(row.sector),
            providers::area_id.eq(row.area_id),
            providers::care_types.eq(&row.care_types),
            providers::contact_name.eq(&row.contact_name),
            providers::phone.eq(&row.phone),
            providers::email.eq(&row.email),
            providers::address.eq(&row.address),
            providers::active_to.eq(row.active_to),
            providers::version.eq(row.version),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Takes a provider as a lock: its conventions and prices are written one after another, so that they never overlap.
pub fn lock(w: &mut Write, id: ProviderId) -> QueryResult<bool> {
    diesel::update(providers::table.find(id))
        .set(providers::version.eq(providers::version))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Adds a convention.
pub fn insert_convention(w: &mut Write, row: &Convention) -> QueryResult<()> {
    diesel::insert_into(conventions::table).values(row).execute(w.conn()).map(|_| ())
}

/// The conventions of a provider, by first day.
pub fn list_conventions(r: &mut Read, provider: ProviderId) -> QueryResult<Vec<Convention>> {
    conventions::table
        .filter(conventions::provider_id.eq(provider))
        .order((conventions::valid_from, conventions::id))
        .select(Convention::as_select())
        .load(r.conn())
}

/// Writes what may change of a convention, whose provider is locked.
pub fn set_convention(w: &mut Write, row: &Convention) -> QueryResult<()> {
    diesel::update(conventions::table.find(row.id))
        .set((
            conventions::valid_to.eq(row.valid_to),
            conventions::invoice_days.eq(row.invoice_days),
            conventions::payment_days.eq(row.payment_days),
            conventions::advance_minor.eq(row.advance_minor),
            conventions::currency.eq(&row.currency),
            conventions::version.eq(row.version),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Adds a service; false where the owner has one of this code.
pub fn insert_service(w: &mut Write, row: &Service) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(services::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A service.
pub fn find_service(r: &mut Read, id: ServiceId) -> QueryResult<Option<Service>> {
    services::table.find(id).select(Service::as_select()).get_result(r.conn()).optional()
}

/// The services of these codes among these owners.
pub fn find_services(r: &mut Read, owners: &[OrganisationId], codes: &[String]) -> QueryResult<Vec<Service>> {
    services::table
        .filter(services::owner_id.eq_any(owners.to_vec()))
        .filter(services::code.eq_any(codes.to_vec()))
        .order(services::id)
        .select(Service::as_select())
        .load(r.conn())
}

/// Services by id.
pub fn find_services_by_id(r: &mut Read, ids: &[ServiceId]) -> QueryResult<Vec<Service>> {
    services::table.filter(services::id.eq_any(ids.to_vec())).select(Service::as_select()).load(r.conn())
}

/// Services of these owners, by code and id.
pub fn list_services(
    r: &mut Read,
    owners: &[OrganisationId],
    after: Option<(String, ServiceId)>,
    limit: i64,
) -> QueryResult<Vec<Service>> {
    let mut query = services::table
        .filter(services::owner_id.eq_any(owners.to_vec()))
        .order((services::code, services::id))
        .limit(limit)
        .select(Service::as_select())
        .into_boxed();
    if let Some((code, id)) = after {
        query = query.filter(services::code.gt(code.clone()).or(services::code.eq(code).and(services::id.gt(id))));
    }
    query.load(r.conn())
}

/// Takes services as locks, so that their prices never overlap; says how many there are.
pub fn lock_services(w: &mut Write, ids: &[ServiceId]) -> QueryResult<usize> {
    diesel::update(services::table.filter(services::id.eq_any(ids.to_vec())))
        .set(services::version.eq(services::version))
        .execute(w.conn())
}

/// Writes what may change of a service, which is locked.
pub fn set_service(w: &mut Write, row: &Service) -> QueryResult<()> {
    diesel::update(services::table.find(row.id))
        .set((
            services::name.eq(&row.name),
            services::category.eq(&row.category),
            services::kind.eq(row.kind),
            services::sex.eq(row.sex),
            services::min_age_years.eq(row.min_age_years),
            services::max_age_years.eq(row.max_age_years),
            services::version.eq(row.version),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Adds a price.
pub fn insert_tariff(w: &mut Write, row: &Tariff) -> QueryResult<()> {
    diesel::insert_into(tariffs::table).values(row).execute(w.conn()).map(|_| ())
}

/// Adds prices, whose services are locked.
pub fn insert_tariffs(w: &mut Write, rows: &[Tariff]) -> QueryResult<()> {
    crate::insert_all!(w, tariffs::table, rows)
}

/// Gives prices their last day.
pub fn close_tariffs(w: &mut Write, ids: &[TariffId], on: NaiveDate) -> QueryResult<()> {
    for some in ids.chunks(500) {
        diesel::update(tariffs::table.filter(tariffs::id.eq_any(some.to_vec())))
            .set(tariffs::valid_to.eq(Some(on)))
            .execute(w.conn())?;
    }
    Ok(())
}

/// The prices of an owner that are valid on a day or later, by first day.
pub fn list_prices_since(r: &mut Read, owner: OrganisationId, day: NaiveDate) -> QueryResult<Vec<Tariff>> {
    tariffs::table
        .filter(tariffs::owner_id.eq(owner))
        .filter(tariffs::valid_to.is_null().or(tariffs::valid_to.ge(day)))
        .order((tariffs::valid_from, tariffs::id))
        .select(Tariff::as_select())
        .load(r.conn())
}

/// A price.
pub fn find_tariff(r: &mut Read, id: TariffId) -> QueryResult<Option<Tariff>> {
    tariffs::table.find(id).select(Tariff::as_select()).get_result(r.conn()).optional()
}

/// The prices of these services that one of these owners made, of the provider or as reference, by first day.
pub fn list_prices(
    r: &mut Read,
    owners: &[OrganisationId],
    provider: Option<ProviderId>,
    of: &[ServiceId],
) -> QueryResult<Vec<Tariff>> {
    let mut query = tariffs::table
        .filter(tariffs::owner_id.eq_any(owners.to_vec()))
        .filter(tariffs::service_id.eq_any(of.to_vec()))
        .order((tariffs::valid_from, tariffs::id))
        .select(Tariff::as_select())
        .into_boxed();
    query = match provider {
        Some(provider) => query.filter(tariffs::provider_id.eq(provider).or(tariffs::provider_id.is_null())),
        None => query.filter(tariffs::provider_id.is_null()),
    };
    query.load(r.conn())
}

/// Prices of these owners, by id.
pub fn list_tariffs(
    r: &mut Read,
    owners: &[OrganisationId],
    provider: Option<ProviderId>,
    after: Option<TariffId>,
    limit: i64,
) -> QueryResult<Vec<Tariff>> {
    let mut query = tariffs::table
        .filter(tariffs::owner_id.eq_any(owners.to_vec()))
        .order(tariffs::id)
        .limit(limit)
        .select(Tariff::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(tariffs::provider_id.eq(provider));
    }
    if let Some(after) = after {
        query = query.filter(tariffs::id.gt(after));
    }
    query.load(r.conn())
}

/// Adds a list of diagnoses; false where the owner has one of this name.
pub fn insert_list(w: &mut Write, row: &DiagnosisList) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| {
        diesel::insert_into(diagnosis_lists::table).values(row).on_conflict_do_nothing().execute(c)
    })
    .map(|inserted| inserted == 1)
}

/// Adds the codes of a list.
pub fn insert_codes(w: &mut Write, rows: &[DiagnosisCode]) -> QueryResult<()> {
    crate::insert_all!(w, diagnosis_codes::table, rows)
}

/// A list of diagnoses.
pub fn find_list(r: &mut Read, id: DiagnosisListId) -> QueryResult<Option<DiagnosisList>> {
    diagnosis_lists::table.find(id).select(DiagnosisList::as_select()).get_result(r.conn()).optional()
}

/// The lists of these owners, by owner, the last one first.
pub fn list_lists(r: &mut Read, owners: &[OrganisationId]) -> QueryResult<Vec<DiagnosisList>> {
    diagnosis_lists::table
        .filter(diagnosis_lists::owner_id.eq_any(owners.to_vec()))
        .order((diagnosis_lists::owner_id, diagnosis_lists::loaded_at.desc(), diagnosis_lists::id.desc()))
        .select(DiagnosisList::as_select())
        .load(r.conn())
}

/// The codes of a list that begin so, in their order.
pub fn list_codes(
    r: &mut Read,
    list: DiagnosisListId,
    begins: &str,
    after: Option<String>,
    limit: i64,
) -> QueryResult<Vec<DiagnosisCode>> {
    let mut query = diagnosis_codes::table
        .filter(diagnosis_codes::list_id.eq(list))
        .filter(diagnosis_codes::code.ge(begins.to_owned()))
        // A code is capitals, digits and a dot, all of which come before this one.
        .filter(diagnosis_codes::code.lt(format!("{begins}~")))
        .order(diagnosis_codes::code)
        .limit(limit)
        .select(DiagnosisCode::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(diagnosis_codes::code.gt(after));
    }
    query.load(r.conn())
}

/// Whether a list has a code.
pub fn has_code(r: &mut Read, list: DiagnosisListId, code: &str) -> QueryResult<bool> {
    let found: Option<String> =
        diagnosis_codes::table.find((list, code)).select(diagnosis_codes::code).get_result(r.conn()).optional()?;
    Ok(found.is_some())
}

/// Whether a list has a category, or a code below it.
pub fn has_category(r: &mut Read, list: DiagnosisListId, category: &str) -> QueryResult<bool> {
    list_codes(r, list, category, None, 1).map(|rows| !rows.is_empty())
}
