//! Providers, conventions, services and tariffs in the database.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use diesel::prelude::*;

/// Adds a provider; false where the owner has one of this code.
pub fn insert(w: &mut Write, row: &Provider) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(providers::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A provider.
pub fn find(r: &mut Read, id: ProviderId) -> QueryResult<Option<Provider>> {
    providers::table.find(id).select(Provider::as_select()).first(r.conn()).optional()
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

/// Providers of these owners, by code and id.
pub fn list(
    r: &mut Read,
    owners: &[OrganisationId],
    after: Option<(String, ProviderId)>,
    limit: i64,
) -> QueryResult<Vec<Provider>> {
    let mut query = providers::table
        .filter(providers::owner_id.eq_any(owners.to_vec()))
        .order((providers::code, providers::id))
        .limit(limit)
        .select(Provider::as_select())
        .into_boxed();
    if let Some((code, id)) = after {
        query = query.filter(providers::code.gt(code.clone()).or(providers::code.eq(code).and(providers::id.gt(id))));
    }
    query.load(r.conn())
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

/// Adds a service; false where the owner has one of this code.
pub fn insert_service(w: &mut Write, row: &Service) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(services::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A service.
pub fn find_service(r: &mut Read, id: ServiceId) -> QueryResult<Option<Service>> {
    services::table.find(id).select(Service::as_select()).first(r.conn()).optional()
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

/// Takes a service as a lock, so that its reference prices never overlap.
pub fn lock_service(w: &mut Write, id: ServiceId) -> QueryResult<bool> {
    diesel::update(services::table.find(id))
        .set(services::version.eq(services::version))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Adds a price.
pub fn insert_tariff(w: &mut Write, row: &Tariff) -> QueryResult<()> {
    diesel::insert_into(tariffs::table).values(row).execute(w.conn()).map(|_| ())
}

/// A price.
pub fn find_tariff(r: &mut Read, id: TariffId) -> QueryResult<Option<Tariff>> {
    tariffs::table.find(id).select(Tariff::as_select()).first(r.conn()).optional()
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
