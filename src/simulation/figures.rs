//! The figures of the simulated mutuals: months are closed on the third day after, one mutual is late with its last ones, one
//! keeps paper and its platform hands its months in.
use super::Dice;
use super::tree::{Mutual, Tree, order};
use crate::access::picture::Picture;
use crate::access::scopes::{FigureScope, SystemScope};
use crate::access::service::terminal_order;
use crate::app::HOOKS;
use crate::audit::frame::command;
use crate::audit::model::Purpose;
use crate::dates::{add_months, month_of};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::reports::facts::service as facts;
use crate::reports::facts::{AgeBands, definition};
use crate::reports::measures::{Dimension, Measure, Sheet, Totals};
use crate::reports::periods::service::{OpenItem, close};
use crate::reports::rates::model::ExchangeRate;
use crate::reports::rates::store as rates;
use crate::reports::releases::model::{Basis, FigureSettings, Source, TargetPopulation};
use crate::reports::releases::service::{self as releases, NewRelease};
use crate::reports::releases::store;
use chrono::NaiveDate;

fn beyond<T>(_: T) -> Error {
    Error::Fault("a month beyond the calendar".into())
}

/// Closes the month before a day, whatever is open of it.
///
/// # Errors
/// The database's.
pub fn close_month(db: &Db, picture: &Picture, mutual: &Mutual, day: NaiveDate) -> Result<()> {
    let month = add_months(month_of(day).map_err(beyond)?.from, -1).map_err(beyond)?;
    let scope = SystemScope::of_the_terminal().mutual(picture, db.clock(), mutual.id)?;
    let figures = FigureScope::of(&scope);
    let begins = db.read(crate::db::Wall::mutual(scope.mutual()), |r| facts::begins(r, &figures))?;
    if !facts::has_begun(begins, month) {
        return Ok(());
    }
    let as_of = releases::as_of(db, scope.today())?;
    facts::months(db, &figures, (month, month), &as_of)?;
    let order = order(db, &scope, mutual.treasurer, Purpose::Collection);
    command(db, &HOOKS, &order, |w| close(w, &scope, &order, month, &as_of, OpenItem::ALL))?;
    Ok(())
}

/// What the mutual that keeps paper hands in for the month before a day: it grows a little each month.
///
/// # Errors
/// The database's.
pub fn hand_in(db: &Db, tree: &Tree, day: NaiveDate, dice: &mut Dice) -> Result<()> {
    let Some(paper) = &tree.paper else { return Ok(()) };
    let month = add_months(month_of(day).map_err(beyond)?.from, -1).map_err(beyond)?;
    let mut number = |bound: u64| i64::try_from(dice.below(bound)).unwrap_or(0);
    let sizes = [48 + number(6), 14 + number(4), 3];
    let mut sheet = Sheet { totals: Totals::UNKNOWN, ..Sheet::default() };
    let mut persons = 0;
    for (sex, add) in [("female", 4), ("male", 0)] {
        for (band, size) in ["5-14", "25-34", "65+"].into_iter().zip(sizes) {
            let own = size + add;
            persons += own;
            sheet.add(Dimension::SexAge, &format!("{sex} {band}"), 0, own);
        }
    }
    let dues = 5_000 * (persons / 5);
    for (measure, value) in [
        (Measure::Households, persons / 5),
        (Measure::Principals, persons / 5),
        (Measure::BeneficiariesInForce, persons),
        (Measure::WomenInForce, persons / 2 + 6),
        (Measure::Dues, dues),
        (Measure::Collected, dues * 8 / 10),
        (Measure::ReceivedForDues, dues * 8 / 10),
        (Measure::ClaimsSubmitted, 20 + number(9)),
        (Measure::ClaimsRejected, 2),
        (Measure::Paid, 30_000 + 500 * number(20)),
    ] {
        sheet.totals.set(measure, value);
    }
    let order = terminal_order(db, "ayni simulate");
    command(db, &HOOKS, &order, |w| {
        let new = NewRelease {
            unit: paper.id,
            month,
            basis: Basis::Return,
            source: Source::Paper,
            stock_on: month_of(month).map_err(beyond)?.to,
            currency: paper.currency,
            definition: definition(&AgeBands::default()),
            note: Some("From the paper ledger of the office".into()),
            by: Some(paper.platform_admin),
            sheet: &sheet,
        };
        releases::release(w, &new).map(|release| w.names("release", release.id.uuid()))
    })?;
    Ok(())
}

/// Says how many each mutual is there for, when months are due, and what a currency is worth where there are two of them.
///
/// # Errors
/// The database's.
pub fn expect(db: &Db, tree: &Tree, households: u32, start: NaiveDate) -> Result<()> {
    let order = terminal_order(db, "ayni simulate");
    command(db, &HOOKS, &order, |w| {
        for platform in &tree.platforms {
            let row = FigureSettings { organisation_id: *platform, due_days: Some(10), age_bands: None, version: 1 };
            store::set_settings(w, &row, None)?;
            w.names("organisation", platform.uuid());
        }
        for (currency, amount_minor) in [("BIF", 3_350_000), ("XOF", 655_957)] {
            let row = ExchangeRate {
                id: w.new_id(),
                organisation_id: tree.network,
                valid_from: start,
                currency: currency.into(),
                amount_minor,
                equals_currency: "EUR".into(),
                equals_minor: 100_000,
                source: "Central bank".into(),
                recorded_by: None,
                recorded_at: w.now(),
            };
            rates::insert(w, &row)?;
            w.names("exchange_rate", row.id.uuid());
        }
        let paper = tree.paper.iter().map(|paper| paper.id);
        for unit in tree.mutuals.iter().map(|mutual| mutual.id).chain(paper) {
            let row = TargetPopulation {
                id: w.new_id(),
                organisation_id: unit,
                valid_from: start,
                persons: i64::from(households) * 40,
                households: Some(i64::from(households) * 8),
                source: "Census, projected".into(),
                recorded_by: None,
                recorded_at: w.now(),
            };
            store::insert_target(w, &row)?;
            w.names("target_population", row.id.uuid());
        }
        Ok(())
    })?;
    Ok(())
}
