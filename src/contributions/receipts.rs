//! Receipts: one series per issuer and calendar year, without a gap. The series is the last lock that a command takes. Only a
//! device numbers its receipts itself, in the field: there a gap is a receipt that has not arrived, and it is listed.
use super::model::*;
use super::{desks, store};
use crate::access::scopes::MutualScope;
use crate::db::Write;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::series::{self, SeriesKind};
use chrono::{Datelike, NaiveDate};

/// Who gives a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuer {
    /// A desk.
    Desk(CashDeskId),
    /// A collector.
    Collector(UserId),
    /// A collector's device, which has given this number of its own series in the field already.
    Device(DeviceId, String, i64),
    /// Another system gave it, with this label; it stands outside the series.
    Other(String),
}

impl Issuer {
    /// Who gave the receipt of a payment; a counter-receipt comes from the same. What another system had given, the
    /// mutual's first desk takes back.
    pub fn of(payment: &Payment, first: CashDeskId) -> Issuer {
        match (payment.collector_id, payment.cash_desk_id) {
            (Some(collector), _) => Issuer::Collector(collector),
            (None, Some(desk)) => Issuer::Desk(desk),
            (None, None) => Issuer::Desk(first),
        }
    }
}

/// Gives the next receipt of the issuer's series for the year of a day.
///
/// # Errors
/// `not_found` for an unknown desk, `number_taken` for another system's label seen before.
pub fn give(w: &mut Write, mutual: MutualId, issuer: &Issuer, on: NaiveDate) -> Result<Receipt> {
    let year = on.year();
    let (of, name) = match issuer {
        Issuer::Other(label) => return insert(w, mutual, None, label.clone(), on),
        Issuer::Desk(desk) => {
            let found = store::find_desk(w, mutual, *desk)?.ok_or(Problem::of(Code::NotFound).at("/cash_desk_id"))?;
            (*desk, found.code)
        }
        Issuer::Device(device, code, number) => {
            let label = format!("D.{code}-{year}");
            let series = series::put(w, mutual, SeriesKind::Receipt, Key::new(device.uuid()), year, &label, *number)?;
            return insert(w, mutual, Some((series, *number)), format!("{label}-{number:06}"), on);
        }
        Issuer::Collector(user) => {
            let text = user.to_string();
            let name = format!("A{}{}", text.get(..8).unwrap_or(""), text.get(32..).unwrap_or(""));
            (Key::new(user.uuid()), name)
        }
    };
    let label = format!("{name}-{year}");
    let (series, number) = series::take(w, mutual, SeriesKind::Receipt, of, year, &label, 1)?;
    insert(w, mutual, Some((series, number)), format!("{label}-{number:06}"), on)
}

fn insert(
    w: &mut Write,
    mutual: MutualId,
    place: Option<(SeriesId, i64)>,
    label: String,
    issued_on: NaiveDate,
) -> Result<Receipt> {
    let row = Receipt {
        mutual_id: mutual,
        id: w.new_id(),
        series_id: place.map(|(series, _)| series),
        number: place.map(|(_, number)| number),
        label,
        issued_on,
    };
    if !store::insert_receipt(w, &row)? {
        return Err(Problem::with(Code::NumberTaken, "this receipt was recorded before").at("/receipt_number").into());
    }
    Ok(row)
}

/// Lets the receipts of the office's desk begin, for a year, where its receipt book ended.
///
/// # Errors
/// `wrong_state` where a receipt was given already.
pub fn begin(w: &mut Write, scope: &MutualScope, year: i32, first: i64) -> Result<()> {
    let desk = desks::first(w, scope.mutual())?;
    let label = format!("{}-{year}", desk.code);
    if series::begin_at(w, scope.mutual(), SeriesKind::Receipt, desk.id, year, &label, first)? {
        return Ok(());
    }
    let detail = format!("receipts {label} were given already: a series has no gap");
    Err(Problem::with(Code::WrongState, detail).at("/first").into())
}
