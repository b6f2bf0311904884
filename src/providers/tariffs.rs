//! A price list from a CSV file: what it would change against the prices in force, then exactly that. A price is never
//! edited: its version is closed on the day before the list begins, and a new one begun.
use super::model::Tariff;
use super::service::days_overlap;
use super::store;
use crate::contributions::service::LARGEST_MINOR;
use crate::dates::{add_days, within};
use crate::db::{Read, Write};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::money::{Currency, parse_amount};
use crate::records::{Columns, Fault, Record, parse};
use chrono::NaiveDate;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The columns. An empty `provider_code` is the reference price.
const COLUMNS: Columns = Columns { required: &["service_code", "unit_price"], optional: &["provider_code"] };

/// The largest number of lines of one file.
pub const MOST_LINES: usize = 5_000;

/// Faults told of one file.
const MOST_FAULTS: usize = 100;

/// A price list.
#[derive(Debug, Clone)]
pub struct PriceList {
    /// Who makes the prices.
    pub owner: OrganisationId,
    /// In whose catalogues services and facilities are looked for: the owner, then the bodies above, nearest first.
    pub owners: Vec<OrganisationId>,
    pub currency: Currency,
    /// The first day of the prices.
    pub valid_from: NaiveDate,
    pub csv: String,
}

/// What a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// There is no price on the first day yet.
    New,
    /// The price in force is closed on the day before and a new one begun.
    Changed { old_minor: i64, closes: TariffId },
    /// The price is in force already.
    Same,
    /// The line is bad.
    Bad(Vec<FieldError>),
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the file, the header being line 1.
    pub line: u64,
    pub service_code: String,
    /// None for the reference price.
    pub provider_code: Option<String>,
    /// Unknown where the line is bad.
    pub price: Option<Price>,
    pub effect: Effect,
}

/// Of what a price is, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub service: ServiceId,
    pub provider: Option<ProviderId>,
    pub unit_price_minor: i64,
}

/// A price of the owner of which the list says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub service_code: String,
    pub provider_code: Option<String>,
    pub unit_price_minor: i64,
}

/// What a list does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub lines: Vec<Line>,
    /// Prices valid on the first day, of the facilities of the file (or reference, where it has reference prices), that
    /// are not in it; left as they are.
    pub missing: Vec<Missing>,
}

impl Plan {
    /// The faults of all bad lines.
    fn faults(&self) -> Vec<FieldError> {
        let bad = self.lines.iter().filter_map(|line| match &line.effect {
            Effect::Bad(faults) => Some(faults.clone()),
            _ => None,
        });
        bad.flatten().take(MOST_FAULTS).collect()
    }
}

fn of_file(fault: Fault) -> FieldError {
    FieldError::new(format!("/csv/{}/{}", fault.line, fault.column), "bad_row", fault.reason)
}

/// The texts of a line, and the price where it can be read.
struct Told {
    line: u64,
    service: String,
    provider: Option<String>,
    unit_price_minor: i64,
    faults: Vec<FieldError>,
}

fn told(mut record: Record, currency: Currency) -> Told {
    let line = record.line;
    if record.is_bad() {
        let faults = record.into_faults().into_iter().map(of_file).collect();
        return Told { line, service: String::new(), provider: None, unit_price_minor: 0, faults };
    }
    let service = record.text("service_code", 30);
    let provider = record.optional("provider_code", 30);
    let price = record.text("unit_price", 40);
    let mut faults: Vec<FieldError> = record.into_faults().into_iter().map(of_file).collect();
    let mut unit_price_minor = 0;
    if faults.is_empty() {
        match parse_amount(&price, currency, currency) {
            Ok(minor) if minor <= LARGEST_MINOR => unit_price_minor = minor,
            Ok(_) => faults.push(at(line, "unit_price", Code::AmountTooLarge.as_str(), "beyond what can be counted")),
            Err(error) => faults.push(at(line, "unit_price", error.code(), &error.to_string())),
        }
    }
    Told { line, service, provider, unit_price_minor, faults }
}

fn at(line: u64, column: &str, code: &str, message: &str) -> FieldError {
    FieldError::new(format!("/csv/{line}/{column}"), code, message)
}

fn read(list: &PriceList) -> Result<Vec<Told>> {
    let records = parse(list.csv.as_bytes(), "tariffs.csv", COLUMNS).map_err(|faults| {
        let errors = faults.into_iter().take(MOST_FAULTS).map(of_file).collect();
        Error::from(Problem::fields(Code::Invalid, errors))
    })?;
    if !(1..=MOST_LINES).contains(&records.len()) {
        return Err(Problem::field("/csv", "out_of_bounds", format!("1 to {MOST_LINES} lines")).into());
    }
    Ok(records.into_iter().map(|record| told(record, list.currency)).collect())
}

/// The nearest row of each code.
fn nearest<T>(
    rows: Vec<T>,
    owners: &[OrganisationId],
    of: impl Fn(&T) -> (OrganisationId, &str),
) -> BTreeMap<String, T> {
    let nearness = |row: &T| owners.iter().position(|owner| *owner == of(row).0);
    let mut found: BTreeMap<String, T> = BTreeMap::new();
    for row in rows {
        let code = of(&row).1.to_owned();
        if found.get(&code).is_none_or(|known| nearness(&row) < nearness(known)) {
            found.insert(code, row);
        }
    }
    found
}

/// The services that a list names, which are locked before its prices are looked at.
fn services_named(r: &mut Read, list: &PriceList, lines: &[Told]) -> Result<BTreeMap<String, ServiceId>> {
    let codes: BTreeSet<String> = lines.iter().map(|line| line.service.clone()).collect();
    let rows = store::find_services(r, &list.owners, &codes.into_iter().collect::<Vec<String>>())?;
    let rows = nearest(rows, &list.owners, |row| (row.owner_id, &row.code));
    Ok(rows.into_iter().map(|(code, row)| (code, row.id)).collect())
}

/// What a list would do.
///
/// # Errors
/// `invalid` where the file as a whole cannot be read; the fault of a line stands in its effect.
pub fn plan(r: &mut Read, list: &PriceList) -> Result<Plan> {
    let lines = read(list)?;
    let services = services_named(r, list, &lines)?;
    plan_lines(r, list, lines, &services)
}

fn plan_lines(
    r: &mut Read,
    list: &PriceList,
    lines: Vec<Told>,
    services: &BTreeMap<String, ServiceId>,
) -> Result<Plan> {
    let codes: BTreeSet<String> = lines.iter().filter_map(|line| line.provider.clone()).collect();
    let found = store::find_by_codes(r, &list.owners, &codes.into_iter().collect::<Vec<String>>())?;
    let providers = nearest(found, &list.owners, |row| (row.owner_id, &row.code));
    let mut versions: BTreeMap<(ServiceId, Option<ProviderId>), Vec<Tariff>> = BTreeMap::new();
    for row in store::list_prices_since(r, list.owner, list.valid_from)? {
        versions.entry((row.service_id, row.provider_id)).or_default().push(row);
    }
    let mut plan = Plan::default();
    let mut seen: BTreeSet<(ServiceId, Option<ProviderId>)> = BTreeSet::new();
    for told in lines {
        let mut faults = told.faults;
        let service = services.get(&told.service).copied();
        if service.is_none() && faults.is_empty() {
            let message = format!("there is no service {}", told.service);
            faults.push(at(told.line, "service_code", "unknown_value", &message));
        }
        let provider = match &told.provider {
            None => None,
            Some(code) => {
                let known = providers.get(code).map(|row| row.id);
                if known.is_none() && faults.is_empty() {
                    let message = format!("there is no facility {code}");
                    faults.push(at(told.line, "provider_code", "unknown_value", &message));
                }
                known
            }
        };
        let mut price = None;
        let mut effect = Effect::Bad(Vec::new());
        if let (Some(service), true) = (service, faults.is_empty()) {
            if !seen.insert((service, provider)) {
                faults.push(at(told.line, "service_code", "twice", "an earlier line has this price"));
            }
            let known = versions.get(&(service, provider)).map_or(&[][..], Vec::as_slice);
            price = Some(Price { service, provider, unit_price_minor: told.unit_price_minor });
            match effect_of(known, list, told.unit_price_minor) {
                Ok(found) => effect = found,
                Err((column, code, message)) => faults.push(at(told.line, column, code.as_str(), &message)),
            }
        }
        if !faults.is_empty() {
            effect = Effect::Bad(faults);
        }
        plan.lines.push(Line {
            line: told.line,
            service_code: told.service,
            provider_code: told.provider,
            price,
            effect,
        });
    }
    plan.missing = missing(r, list, &plan.lines, &versions)?;
    Ok(plan)
}

/// What a price does beside the versions of it that are valid on the first day or begin later.
fn effect_of(
    known: &[Tariff],
    list: &PriceList,
    unit_price_minor: i64,
) -> std::result::Result<Effect, (&'static str, Code, String)> {
    let in_force = known.iter().find(|row| within(list.valid_from, row.valid_from, row.valid_to));
    if let Some(row) = in_force
        && row.currency != list.currency.code()
    {
        return Err(("unit_price", Code::CurrencyMismatch, format!("the price is in {}", row.currency)));
    }
    if in_force.is_some_and(|row| row.unit_price_minor == unit_price_minor) {
        return Ok(Effect::Same);
    }
    let overlapping = |row: &&Tariff| {
        in_force.is_none_or(|current| current.id != row.id)
            && days_overlap((row.valid_from, row.valid_to), (list.valid_from, None))
    };
    if let Some(later) = known.iter().find(overlapping) {
        let message = format!("another version of this price begins on {}", later.valid_from);
        return Err(("service_code", Code::PeriodOverlaps, message));
    }
    match in_force {
        None => Ok(Effect::New),
        Some(row) if row.valid_from == list.valid_from => {
            let message = "another version of this price begins on that day; a version's price does not change";
            Err(("service_code", Code::PeriodOverlaps, message.to_owned()))
        }
        Some(row) => Ok(Effect::Changed { old_minor: row.unit_price_minor, closes: row.id }),
    }
}

fn missing(
    r: &mut Read,
    list: &PriceList,
    lines: &[Line],
    versions: &BTreeMap<(ServiceId, Option<ProviderId>), Vec<Tariff>>,
) -> Result<Vec<Missing>> {
    let told: BTreeSet<(ServiceId, Option<ProviderId>)> =
        lines.iter().filter_map(|line| line.price.map(|price| (price.service, price.provider))).collect();
    let of_whom: BTreeSet<Option<ProviderId>> = told.iter().map(|(_, provider)| *provider).collect();
    let left: Vec<&Tariff> = versions
        .iter()
        .filter(|(key, _)| of_whom.contains(&key.1) && !told.contains(key))
        .filter_map(|(_, rows)| rows.iter().find(|row| within(list.valid_from, row.valid_from, row.valid_to)))
        .collect();
    let services: BTreeSet<ServiceId> = left.iter().map(|row| row.service_id).collect();
    let services = store::find_services_by_id(r, &services.into_iter().collect::<Vec<ServiceId>>())?;
    let services: BTreeMap<ServiceId, String> = services.into_iter().map(|row| (row.id, row.code)).collect();
    let providers: Vec<ProviderId> = of_whom.into_iter().flatten().collect();
    let providers: BTreeMap<ProviderId, String> =
        store::find_by_ids(r, &providers)?.into_iter().map(|row| (row.id, row.code)).collect();
    let mut found: Vec<Missing> = left
        .into_iter()
        .map(|row| Missing {
            service_code: services.get(&row.service_id).cloned().unwrap_or_default(),
            provider_code: row.provider_id.and_then(|id| providers.get(&id).cloned()),
            unit_price_minor: row.unit_price_minor,
        })
        .collect();
    found.sort_by(|a, b| (&a.provider_code, &a.service_code).cmp(&(&b.provider_code, &b.service_code)));
    Ok(found)
}

/// Does what a list does: all its lines, or none. Claims that were decided keep the prices by which they were.
///
/// # Errors
/// `invalid` naming line and column of each bad line.
pub fn import(w: &mut Write, list: &PriceList) -> Result<Plan> {
    let lines = read(list)?;
    let services = services_named(w, list, &lines)?;
    let ids: Vec<ServiceId> = services.values().copied().collect::<BTreeSet<ServiceId>>().into_iter().collect();
    store::lock_services(w, &ids)?;
    let plan = plan_lines(w, list, lines, &services)?;
    let faults = plan.faults();
    if !faults.is_empty() {
        return Err(Problem::fields(Code::Invalid, faults).into());
    }
    let day_before = add_days(list.valid_from, -1).map_err(|_| Problem::of(Code::ImpossibleDate).at("/valid_from"))?;
    let now = w.now();
    let mut closed = Vec::new();
    let mut begun = Vec::new();
    for line in &plan.lines {
        let Some(price) = line.price else { continue };
        match &line.effect {
            Effect::Same | Effect::Bad(_) => continue,
            Effect::New => {}
            Effect::Changed { closes, .. } => closed.push(*closes),
        }
        begun.push(Tariff {
            id: w.new_id(),
            owner_id: list.owner,
            provider_id: price.provider,
            service_id: price.service,
            unit_price_minor: price.unit_price_minor,
            currency: list.currency.code().to_owned(),
            valid_from: list.valid_from,
            valid_to: None,
            created_at: now,
        });
    }
    store::close_tariffs(w, &closed, day_before)?;
    store::insert_tariffs(w, &begun)?;
    for row in &begun {
        w.names("tariff", row.id.uuid());
    }
    w.names("organisation", list.owner.uuid());
    w.field("valid_from", None, Some(json!(list.valid_from)));
    w.field("begun", None, Some(json!(begun.len())));
    w.field("closed", None, Some(json!(closed.len())));
    Ok(plan)
}
