//! Makes releases: when a month is closed or corrected, provisionally once a day, and of what a mutual hands in.
use super::model::*;
use super::store;
use crate::access::scopes::FigureScope;
use crate::dates::{add_days, add_months, month_of};
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::reports::facts::service::{self as facts, AsOf};
use crate::reports::facts::{AgeBands, definition};
use crate::reports::measures::{Sheet, Totals, cells_text};
use chrono::NaiveDate;

/// So many days after its end a month may be closed.
pub const CLOSES_AFTER_DAYS: i64 = 2;
/// Months that are over and not closed are released provisionally for so long.
const PROVISIONAL_MONTHS: i64 = 3;
/// How a body's mutuals have reported in time where it has set nothing: so many days after the month.
pub const DUE_DAYS: i32 = 15;

/// The age bands of the installation.
///
/// # Errors
/// A fault where what was kept cannot be read.
pub fn age_bands(r: &mut Read) -> Result<AgeBands> {
    match store::settings(r, OrganisationId::NIL)?.and_then(|row| row.age_bands) {
        None => Ok(AgeBands::default()),
        Some(text) => text.parse().map_err(|_| Error::Fault("kept age bands cannot be read".into())),
    }
}

/// How figures are computed today.
///
/// # Errors
/// The database's.
pub fn as_of(db: &Db, today: NaiveDate) -> Result<AsOf> {
    Ok(AsOf { today, bands: db.read(Wall::ROOT, age_bands)? })
}

/// What a release says of a month, with its cuts.
///
/// # Errors
/// A fault where what was kept cannot be read.
pub fn sheet_of(r: &mut Read, release: &Release) -> Result<Sheet> {
    let mut sheet = Sheet { totals: Totals::read(&release.figures)?, ..Sheet::default() };
    for cut in store::list_all_cuts(r, release.id)? {
        sheet.cuts.insert(cut.dimension, kept(&cut.cells, "cells of a release")?);
    }
    Ok(sheet)
}

/// A release to be made.
pub struct NewRelease<'a> {
    pub unit: OrganisationId,
    pub month: NaiveDate,
    pub basis: Basis,
    pub source: Source,
    pub stock_on: NaiveDate,
    pub currency: &'a str,
    pub definition: String,
    pub note: Option<String>,
    pub by: Option<UserId>,
    pub sheet: &'a Sheet,
}

/// Makes the next release of a unit's month.
///
/// # Errors
/// The database's; the transaction starts anew where another was faster.
pub fn release(w: &mut Write, new: &NewRelease) -> Result<Release> {
    let before = store::standing(w, new.unit, new.month)?.map_or(0, |release| release.number);
    let row = Release {
        id: w.new_id(),
        unit_id: new.unit,
        month: new.month,
        number: before + 1,
        basis: new.basis,
        source: new.source,
        as_of: w.now(),
        stock_on: new.stock_on,
        currency: new.currency.to_owned(),
        definition: new.definition.clone(),
        figures: new.sheet.totals.text(),
        note: new.note.clone(),
        recorded_by: new.by,
        replaced_by: None,
    };
    let cuts: Vec<ReleaseCut> = new
        .sheet
        .cuts
        .iter()
        .map(|(dimension, cells)| ReleaseCut { release_id: row.id, dimension: *dimension, cells: cells_text(cells) })
        .collect();
    if store::insert(w, &row, &cuts)? { Ok(row) } else { Err(Error::Again) }
}

/// The day from which a month may be closed.
///
/// # Errors
/// A fault beyond the calendar.
pub fn closes_from(month: NaiveDate) -> Result<NaiveDate> {
    let beyond = |_| Error::Fault("a month beyond the calendar".into());
    add_days(month_of(month).map_err(beyond)?.to, CLOSES_AFTER_DAYS).map_err(beyond)
}

/// A month's facts as they are kept, held so that nobody computes them meanwhile. What is recorded after this is late.
///
/// # Errors
/// `busy` where the month has become stale since it was computed: ask again.
pub fn hold_facts(w: &mut Write, scope: &FigureScope, month: NaiveDate, as_of: &AsOf) -> Result<Sheet> {
    facts::hold(w, scope, month, as_of)?.ok_or_else(|| Problem::of(Code::Busy).into())
}

/// Whether a month is released for good, or was released today.
fn is_settled(r: &mut Read, unit: OrganisationId, month: NaiveDate) -> Result<bool> {
    let standing = store::standing(r, unit, month)?;
    let today = r.now().date();
    Ok(standing.is_some_and(|release| release.basis != Basis::Provisional || release.as_of.date() >= today))
}

/// Releases a month that is over and not closed, where nothing of it was released today and its figures are others than those
/// that were; true where it did.
///
/// # Errors
/// The database's.
pub fn release_provisionally(db: &Db, scope: &FigureScope, month: NaiveDate, as_of: &AsOf) -> Result<bool> {
    let unit: OrganisationId = scope.mutual().into();
    let wall = Wall::mutual(scope.mutual());
    if db.read(wall, |r| is_settled(r, unit, month))? {
        return Ok(false);
    }
    let found = facts::months(db, scope, (month, month), as_of)?;
    let Some(known) = found.first() else { return Ok(false) };
    db.write(wall, |w| {
        // Whoever closes the month holds it too: a provisional release never comes after it.
        let Some(sheet) = facts::hold(w, scope, month, as_of)? else { return Ok(false) };
        if is_settled(w, unit, month)? {
            return Ok(false);
        }
        if let Some(standing) = store::standing(w, unit, month)?
            && sheet_of(w, &standing)? == sheet
        {
            return Ok(false);
        }
        let new = NewRelease {
            unit,
            month,
            basis: Basis::Provisional,
            source: Source::Register,
            stock_on: known.stock_on,
            currency: scope.currency().code(),
            definition: definition(&as_of.bands),
            note: None,
            by: None,
            sheet: &sheet,
        };
        release(w, &new).map(|_| true)
    })
}

/// What is done for a mutual's figures beside its work: marks are kept short, and months that are over are released
/// provisionally. True where something was done and more may be left.
///
/// # Errors
/// The database's.
pub fn keep_up(db: &Db, scope: &FigureScope, today: NaiveDate) -> Result<bool> {
    let as_of = as_of(db, today)?;
    if facts::refresh(db, scope, &as_of, 1)? > 0 {
        return Ok(true);
    }
    let beyond = |_| Error::Fault("a month beyond the calendar".into());
    let this = month_of(today).map_err(beyond)?.from;
    // One look for all of them: it is taken for every mutual every few seconds.
    let open = db.read(Wall::mutual(scope.mutual()), |r| {
        let begins = facts::begins(r, scope)?;
        let mut open = Vec::new();
        for back in 1..=PROVISIONAL_MONTHS {
            let month = add_months(this, -back).map_err(beyond)?;
            if facts::has_begun(begins, month) && !is_settled(r, scope.mutual().into(), month)? {
                open.push(month);
            }
        }
        Ok::<_, Error>(open)
    })?;
    for month in open {
        if release_provisionally(db, scope, month, &as_of)? {
            return Ok(true);
        }
    }
    Ok(false)
}
