//! Products and versions in the database.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds a product; false where the owner has one of this code.
pub fn insert(w: &mut Write, row: &ProductRow) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(products::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A product.
pub fn find(r: &mut Read, id: ProductId) -> QueryResult<Option<ProductRow>> {
    products::table.find(id).select(ProductRow::as_select()).get_result(r.conn()).optional()
}

/// A product of one of these owners by its code.
pub fn find_by_code(r: &mut Read, owners: &[OrganisationId], code: &str) -> QueryResult<Vec<ProductRow>> {
    products::table
        .filter(products::owner_id.eq_any(owners.to_vec()))
        .filter(products::code.eq(code))
        .order(products::id)
        .select(ProductRow::as_select())
        .load(r.conn())
}

/// Takes a product as a lock and moves its version.
pub fn lock(w: &mut Write, id: ProductId) -> QueryResult<bool> {
    diesel::update(products::table.find(id))
        .set(products::version.eq(products::version + 1))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Products of these owners, by code and id.
pub fn list(
    r: &mut Read,
    owners: &[OrganisationId],
    after: Option<(String, ProductId)>,
    limit: i64,
) -> QueryResult<Vec<ProductRow>> {
    let mut query = products::table
        .filter(products::owner_id.eq_any(owners.to_vec()))
        .order((products::code, products::id))
        .limit(limit)
        .select(ProductRow::as_select())
        .into_boxed();
    if let Some((code, id)) = after {
        query = query.filter(products::code.gt(code.clone()).or(products::code.eq(code).and(products::id.gt(id))));
    }
    query.load(r.conn())
}

/// Adds a version. Its number is unique within the product, which is locked.
pub fn insert_version(w: &mut Write, row: &VersionRow) -> QueryResult<()> {
    diesel::insert_into(product_versions::table).values(row).execute(w.conn()).map(|_| ())
}

/// The versions of a product, by number.
pub fn list_versions(r: &mut Read, product: ProductId) -> QueryResult<Vec<VersionRow>> {
    product_versions::table
        .filter(product_versions::product_id.eq(product))
        .order(product_versions::number)
        .select(VersionRow::as_select())
        .load(r.conn())
}

/// A version by its number.
pub fn find_version(r: &mut Read, product: ProductId, number: i32) -> QueryResult<Option<VersionRow>> {
    product_versions::table
        .filter(product_versions::product_id.eq(product))
        .filter(product_versions::number.eq(number))
        .select(VersionRow::as_select())
        .first(r.conn())
        .optional()
}

/// Versions by id.
pub fn list_versions_by_id(r: &mut Read, ids: &[ProductVersionId]) -> QueryResult<Vec<VersionRow>> {
    product_versions::table
        .filter(product_versions::id.eq_any(ids.to_vec()))
        .select(VersionRow::as_select())
        .load(r.conn())
}

/// The published version that is valid on a day; the highest number where several are.
pub fn find_valid(r: &mut Read, product: ProductId, on: NaiveDate) -> QueryResult<Option<VersionRow>> {
    product_versions::table
        .filter(product_versions::product_id.eq(product))
        .filter(product_versions::state.eq(VersionState::Published))
        .filter(product_versions::valid_from.is_null().or(product_versions::valid_from.le(on)))
        .filter(product_versions::valid_to.is_null().or(product_versions::valid_to.ge(on)))
        .order(product_versions::number.desc())
        .select(VersionRow::as_select())
        .first(r.conn())
        .optional()
}

/// Changes a draft of this version; false where it changed meanwhile or is published.
pub fn set_draft(w: &mut Write, row: &VersionRow) -> QueryResult<bool> {
    diesel::update(
        product_versions::table
            .filter(product_versions::id.eq(row.id))
            .filter(product_versions::version.eq(row.version))
            .filter(product_versions::state.eq(VersionState::Draft)),
    )
    .set((
        product_versions::parameters.eq(&row.parameters),
        product_versions::valid_from.eq(row.valid_from),
        product_versions::valid_to.eq(row.valid_to),
        product_versions::version.eq(row.version + 1),
    ))
    .execute(w.conn())
    .map(|n| n == 1)
}

/// Publishes a draft of this version; false where it changed meanwhile or is published.
pub fn set_published(w: &mut Write, id: ProductVersionId, version: i64) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(
        product_versions::table
            .filter(product_versions::id.eq(id))
            .filter(product_versions::version.eq(version))
            .filter(product_versions::state.eq(VersionState::Draft)),
    )
    .set((
        product_versions::state.eq(VersionState::Published),
        product_versions::published_at.eq(Some(now)),
        product_versions::version.eq(version + 1),
    ))
    .execute(w.conn())
    .map(|n| n == 1)
}
