//! Reads and writes rates.
use super::model::ExchangeRate;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds one.
pub fn insert(w: &mut Write, row: &ExchangeRate) -> QueryResult<()> {
    diesel::insert_into(exchange_rates::table).values(row).execute(w.conn()).map(|_| ())
}

/// One.
pub fn find(r: &mut Read, id: ExchangeRateId) -> QueryResult<Option<ExchangeRate>> {
    exchange_rates::table.find(id).select(ExchangeRate::as_select()).first(r.conn()).optional()
}

/// All of an organisation that begin between two days, the last first.
pub fn list(
    r: &mut Read,
    organisation: OrganisationId,
    (from, to): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<ExchangeRate>> {
    exchange_rates::table
        .filter(exchange_rates::organisation_id.eq(organisation))
        .filter(exchange_rates::valid_from.between(from, to))
        .order((exchange_rates::valid_from.desc(), exchange_rates::recorded_at.desc(), exchange_rates::id.desc()))
        .select(ExchangeRate::as_select())
        .load(r.conn())
}

/// The one of an organisation that holds on a day between a currency and another.
pub fn on(
    r: &mut Read,
    organisation: OrganisationId,
    (one, other): (&str, &str),
    on: NaiveDate,
) -> QueryResult<Option<ExchangeRate>> {
    let there = exchange_rates::currency.eq(one).and(exchange_rates::equals_currency.eq(other));
    let back = exchange_rates::currency.eq(other).and(exchange_rates::equals_currency.eq(one));
    exchange_rates::table
        .filter(exchange_rates::organisation_id.eq(organisation))
        .filter(exchange_rates::valid_from.le(on))
        .filter(there.or(back))
        .order((exchange_rates::valid_from.desc(), exchange_rates::recorded_at.desc(), exchange_rates::id.desc()))
        .select(ExchangeRate::as_select())
        .first(r.conn())
        .optional()
}
