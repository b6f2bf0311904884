//! `GET /organisations/{id}/reports/{name}`, `GET /indicators`: shapes and handlers.
use super::cuts::CutTable;
use super::figures::Figure;
use super::period::Period;
use super::service::{self, Report, Reported};
use super::shape::{Cut, Question, ReportName};
use super::sheets;
use super::units::KnownMonth;
use super::workbook;
use crate::access::guard::{Guard, Somewhere};
use crate::access::permissions::{Need, OrganisationKind, need};
use crate::access::picture::Picture;
use crate::access::scopes::BodyScope;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::reports::catalogue::{CATALOGUE, Indicator, Value};
use crate::reports::facts::{AgeBands, definition};
use crate::reports::measures::DEFINITION_VERSION;
use crate::reports::rates::http::ExchangeRateView;
use crate::reports::releases::service as releases;
use crate::reports::releases::shelf::{Shelf, Told};
use crate::reports::rules::PROMPTNESS_BUCKETS;
use crate::web::{Ids, Query, blocking};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};

/// What is asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReportFilter {
    /// A month `2026-03`, a quarter `2026Q1` or a year `2026`. Of bodies, one that is over.
    pub period: String,
    /// One of the report's cuts: coverage has `sex`, `age_band`, `sex_age`, `area`; contributions and financing-mix `payer`;
    /// claims `category`, `level`, `reason`; providers `provider`, `level`.
    pub cut: Option<String>,
    /// `previous`: with the values of the period before, as long as this one.
    pub compare: Option<String>,
    /// Of the report `indicators`: one of the catalogue alone.
    pub indicator: Option<String>,
    /// With one total more: of all units, converted into this currency at the rates of the period's last day.
    pub currency: Option<String>,
}

/// A value with what it is made of.
#[derive(Serialize, ToSchema)]
pub struct ValueView {
    /// Null where it is not known.
    pub numerator: Option<i64>,
    /// Null where there is none, or it is not known.
    pub denominator: Option<i64>,
    /// In the unit of the indicator; null with `undefined`.
    pub value: Option<i64>,
    /// `nothing_to_divide`, `not_reported`, `no_target` or `too_few`.
    pub undefined: Option<&'static str>,
}

impl ValueView {
    fn of(value: &Value) -> Result<ValueView> {
        let narrow = |amount: Option<i128>| -> Result<Option<i64>> {
            amount.map(|amount| i64::try_from(amount).map_err(|_| Problem::of(Code::AmountTooLarge).into())).transpose()
        };
        Ok(ValueView {
            numerator: narrow(value.numerator)?,
            denominator: narrow(value.denominator)?,
            value: value.value,
            undefined: value.undefined.map(|why| why.word()),
        })
    }
}

/// How fast claims were paid.
#[derive(Serialize, ToSchema)]
pub struct PromptnessView {
    /// Claims paid within `0-7`, `8-30`, `31-90`, `>90` days; above the mutual rounded as cuts are, null where they are hidden.
    pub buckets: BTreeMap<String, Option<i64>>,
    /// Days, in hundredths.
    pub mean_hundredths: Option<i64>,
    /// Days, in tenths.
    pub median_tenths: Option<i64>,
}

/// A figure.
#[derive(Serialize, ToSchema)]
pub struct FigureView {
    /// Of the catalogue, `GET /indicators`.
    pub id: &'static str,
    /// `count`, `minor`, `basis_points`, `per_year_milli`, `average_minor`, `months_tenths`, `days_hundredths`.
    pub unit: &'static str,
    #[serde(flatten)]
    pub value: ValueView,
    /// Units that are not in it, since something of theirs is not known.
    pub units_left_out: usize,
    /// Of the period before; null where it was not asked for.
    pub previous: Option<ValueView>,
    /// Units that are not in `previous`, since something of theirs is not known or they were too small then; null where it was not
    /// asked for.
    pub previous_units_left_out: Option<usize>,
    /// The middle value of the units; of a mutual that of its sisters under the body next above it, itself among them, as they
    /// have released it: null where fewer than five have.
    pub median: Option<i64>,
    pub promptness: Option<PromptnessView>,
    /// What it may not be taken for; told once, with the totals.
    pub limits: Option<&'static str>,
}

/// All units of one currency.
#[derive(Serialize, ToSchema)]
pub struct TotalView {
    /// Null: all units, of what is no money.
    pub currency: Option<String>,
    pub units: usize,
    pub figures: Vec<FigureView>,
    /// Of the one that was asked for in this currency, all units: what others were worth in it. Null where nothing is converted.
    pub rates: Option<Vec<ExchangeRateView>>,
}

/// A unit.
#[derive(Serialize, ToSchema)]
pub struct UnitView {
    pub unit_id: OrganisationId,
    pub code: String,
    pub name: String,
    pub currency: String,
    /// `in_time`, `late`, `provisional`, `missing`: the worst of its months.
    pub reported: String,
    /// Its day has passed and something is not closed.
    pub overdue: bool,
    /// It had fewer than 8 persons in a month of the period or in the one before it: a body above is shown none of its
    /// figures, and they are in no total.
    pub too_small: bool,
    /// By month, `closed`, `correction`, `return`, `provisional`, `live` or `missing`.
    pub months: BTreeMap<String, String>,
    /// Where its releases of the period come from: `register`, `paper`, `file`; empty where there are none.
    pub sources: Vec<String>,
    /// Definitions of its releases (version and age bands) that are others than the present ones: to be compared with care.
    pub other_definitions: Vec<String>,
    /// Of its youngest release.
    pub as_of: Option<DateTime<Utc>>,
    /// Empty of a report of one unit, which is its total.
    pub figures: Vec<FigureView>,
}

/// How complete a report is.
#[derive(Serialize, ToSchema)]
pub struct ReportCompleteness {
    pub units_expected: usize,
    /// Every month closed, corrected or handed in.
    pub units_reported: usize,
    /// Of these, some month after its day.
    pub units_late: usize,
    /// Some month is not final.
    pub units_provisional: usize,
    /// Of some month there is nothing.
    pub units_missing: usize,
    /// Of so few persons that nothing of them is shown or added.
    pub units_too_small: usize,
    /// Their codes.
    pub provisional: Vec<String>,
    pub late: Vec<String>,
    pub missing: Vec<String>,
    /// A month is due so many days after its end.
    pub due_days: i32,
}

/// A row of a cut; what is hidden is null.
#[derive(Serialize, ToSchema)]
pub struct CutRowView {
    /// As it is kept: `female 0-4`, an area's or a facility's id, a payer, a category, a reason.
    pub key: String,
    /// Its name, where the key is an id.
    pub name: Option<String>,
    /// By name of the number.
    pub numbers: BTreeMap<String, Option<i64>>,
}

/// A cut.
#[derive(Serialize, ToSchema)]
pub struct CutView {
    pub cut: Cut,
    /// `whole` for the mutual itself; `round5`: counts of 1 to 7 hidden with their amounts, others rounded to 5, totals too;
    /// `suppress`: exact, small cells and others for their sake hidden.
    pub disclosure: String,
    /// Null where it holds no money.
    pub currency: Option<String>,
    pub rows: Vec<CutRowView>,
    pub total: CutRowView,
}

/// A report. No person is behind it.
#[derive(Serialize, ToSchema)]
pub struct ReportView {
    pub organisation_id: OrganisationId,
    pub report: ReportName,
    /// As it was asked.
    pub period: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// `live`: the mutual's own, now; `releases`: what mutuals have released.
    pub basis: String,
    /// Of the youngest figure in it; null where nothing is known of the period.
    pub as_of: Option<DateTime<Utc>>,
    /// The day of the stocks.
    pub stock_on: NaiveDate,
    pub definition_version: u32,
    pub completeness: ReportCompleteness,
    pub totals: Vec<TotalView>,
    pub cuts: Vec<CutView>,
    pub units: Vec<UnitView>,
}

fn figure(figure: &Figure) -> Result<FigureView> {
    Ok(FigureView {
        id: figure.indicator.id,
        unit: figure.indicator.unit.word(),
        value: ValueView::of(&figure.value)?,
        units_left_out: figure.left_out,
        previous: figure.previous.as_ref().map(ValueView::of).transpose()?,
        previous_units_left_out: figure.previous.is_some().then_some(figure.previous_left_out),
        median: figure.median,
        promptness: figure.promptness.map(|found| PromptnessView {
            buckets: PROMPTNESS_BUCKETS.iter().map(|name| (*name).to_owned()).zip(found.buckets).collect(),
            mean_hundredths: found.mean_hundredths,
            median_tenths: found.median_tenths,
        }),
        limits: figure.indicator.limits,
    })
}

fn figures(all: &[Figure]) -> Result<Vec<FigureView>> {
    all.iter().map(figure).collect()
}

const fn word(reported: Reported) -> &'static str {
    match reported {
        Reported::InTime => "in_time",
        Reported::Late => "late",
        Reported::Provisional => "provisional",
        Reported::Missing => "missing",
    }
}

/// The names of keys that are ids.
pub type Names = BTreeMap<String, String>;

fn cut(table: &CutTable, names: &Names) -> CutView {
    let row = |row: &super::cuts::CutRow| CutRowView {
        key: row.key.clone(),
        name: names.get(&row.key).cloned(),
        numbers: table.numbers.iter().map(|name| (*name).to_owned()).zip(row.numbers.iter().copied()).collect(),
    };
    CutView {
        cut: table.cut,
        disclosure: table.disclosure.word().to_owned(),
        currency: table.currency.map(|currency| currency.code().to_owned()),
        rows: table.rows.iter().map(row).collect(),
        total: row(&table.total),
    }
}

fn view(
    report: &Report,
    picture: &Picture,
    scope: &BodyScope,
    asked: (&str, &AgeBands),
    names: &Names,
) -> Result<ReportView> {
    let (period, bands) = asked;
    let present = definition(bands);
    let count = |wanted: &[Reported]| report.units.iter().filter(|line| wanted.contains(&line.reported)).count();
    let codes = |wanted: Reported| service::codes(report, picture, &BTreeSet::from([wanted]));
    let mut units = Vec::with_capacity(report.units.len());
    let named: Vec<(NaiveDate, String)> =
        report.question.period.each().into_iter().map(|month| (month, month.format("%Y-%m").to_string())).collect();
    for line in &report.units {
        let found = picture.organisation(line.unit.id);
        let months = named.iter().map(|(month, name)| {
            let state = match line.unit.months.get(month).map(KnownMonth::release) {
                None => "missing",
                Some(None) => "live",
                Some(Some(told)) => told.basis.code(),
            };
            (name.clone(), state.to_owned())
        });
        let asked = line.unit.months.range(report.question.period.first..);
        let released: Vec<&Told> = asked.filter_map(|(_, known)| known.release()).collect();
        let sources: BTreeSet<&str> = released.iter().map(|told| told.source.code()).collect();
        let definitions = released.iter().map(|told| told.definition.as_str());
        let others: BTreeSet<&str> = definitions.filter(|definition| *definition != present).collect();
        units.push(UnitView {
            unit_id: line.unit.id,
            code: found.map(|unit| unit.code.clone()).unwrap_or_default(),
            name: found.map(|unit| unit.name.clone()).unwrap_or_default(),
            currency: line.unit.currency.code().to_owned(),
            reported: word(line.reported).to_owned(),
            overdue: line.overdue,
            too_small: line.unit.too_small,
            months: months.collect(),
            sources: sources.into_iter().map(str::to_owned).collect(),
            other_definitions: others.into_iter().map(str::to_owned).collect(),
            as_of: line.unit.months.values().map(|month| month.as_of().and_utc()).max(),
            figures: line
                .figures
                .iter()
                .map(|own| Ok(FigureView { limits: None, ..figure(own)? }))
                .collect::<Result<_>>()?,
        });
    }
    let totals = report.totals.iter().map(|total| {
        Ok(TotalView {
            currency: total.currency.map(|currency| currency.code().to_owned()),
            units: total.units,
            figures: figures(&total.figures)?,
            rates: total.rates.as_ref().map(|rates| rates.iter().map(ExchangeRateView::of).collect()),
        })
    });
    Ok(ReportView {
        organisation_id: scope.organisation(),
        report: report.question.name,
        period: period.to_owned(),
        from: report.question.period.first,
        to: report.question.period.last_day(),
        basis: if report.question.own { "live" } else { "releases" }.to_owned(),
        as_of: report.as_of.map(|at| at.and_utc()),
        stock_on: report.stock_on,
        definition_version: DEFINITION_VERSION,
        completeness: ReportCompleteness {
            units_expected: report.units.len(),
            units_reported: count(&[Reported::InTime, Reported::Late]),
            units_late: count(&[Reported::Late]),
            units_provisional: count(&[Reported::Provisional]),
            units_missing: count(&[Reported::Missing]),
            units_too_small: report.units.iter().filter(|line| line.unit.too_small).count(),
            provisional: codes(Reported::Provisional),
            late: codes(Reported::Late),
            missing: codes(Reported::Missing),
            due_days: report.due_days,
        },
        totals: totals.collect::<Result<_>>()?,
        cuts: report.cuts.iter().map(|table| cut(table, names)).collect(),
        units,
    })
}

/// Reads what is asked.
///
/// # Errors
/// `not_found` for an unknown report, `invalid` naming what is not of the report, `future_date`.
fn question(
    name: &str,
    filter: &ReportFilter,
    own: bool,
    today: NaiveDate,
) -> Result<(Question, Option<&'static Indicator>)> {
    let name = ReportName::parse(name).ok_or(Problem::of(Code::NotFound))?;
    let malformed = || Problem::field("period", "malformed", "a month 2026-03, a quarter 2026Q1 or a year 2026");
    let period = Period::parse(&filter.period).ok_or_else(malformed)?;
    if period.first > today {
        return Err(Problem::of(Code::FutureDate).at("period").into());
    }
    let unknown = |field: &'static str, message: String| Error::from(Problem::field(field, "unknown_value", message));
    let cut = match &filter.cut {
        None => None,
        Some(text) => Some(Cut::parse(text).ok_or_else(|| unknown("cut", format!("'{text}' is no cut")))?),
    };
    let compare = match filter.compare.as_deref() {
        None => false,
        Some("previous") => true,
        Some(other) => return Err(unknown("compare", format!("'{other}' is not `previous`"))),
    };
    let indicator = match &filter.indicator {
        None => None,
        Some(_) if name != ReportName::Indicators => {
            return Err(unknown("indicator", "only the report `indicators` is asked for one".into()));
        }
        Some(id) => {
            let found = crate::reports::catalogue::find(id);
            Some(found.ok_or_else(|| unknown("indicator", format!("'{id}' is not in the catalogue")))?)
        }
    };
    let into = match &filter.currency {
        None => None,
        Some(code) => {
            let found = Currency::parse(code);
            Some(found.ok_or_else(|| unknown("currency", format!("'{code}' is no currency")))?)
        }
    };
    Ok((Question { name, period, cut, compare, own, into }, indicator))
}

/// Whether the caller works for the mutual itself, and not for a body above it.
fn is_own<N: Need>(guard: &Guard<N, BodyScope>) -> bool {
    let organisation = guard.scope.organisation();
    guard.scope.kind() == OrganisationKind::Mutual
        && guard.grants().any(|(role, at)| at == organisation && role.may(N::PERMISSION))
}

/// `GET /organisations/{id}/reports/{name}`
pub async fn report(
    guard: Guard<need::FiguresRead, BodyScope>,
    path: Ids<(OrganisationId, String)>,
    req: HttpRequest,
    query: Query<ReportFilter>,
    shelf: web::Data<Shelf>,
) -> Result<HttpResponse> {
    let form = sheets::form(&req)?;
    let filter = query.0;
    let (question, only) = question(&path.0.1, &filter, is_own(&guard), guard.scope.today())?;
    let (db, picture, scope) = (guard.desk.db.clone(), guard.picture.clone(), guard.scope.clone());
    let period = filter.period.clone();
    let machine = guard.machine.as_ref().map(|machine| machine.key);
    let (view, body) = blocking(move || {
        if let Some(key) = machine {
            crate::access::machines::used(&db, key)?;
        }
        let report = service::report(&db, &picture, &shelf, &scope, question, only)?;
        let names = names_of(&db, &report)?;
        let bands = releases::as_of(&db, scope.today())?.bands;
        let view = view(&report, &picture, &scope, (&period, &bands), &names)?;
        let body = match form {
            sheets::Form::Json => serde_json::to_vec(&view)
                .map_err(|error| Error::Fault(format!("a report cannot be written: {error}")))?,
            sheets::Form::Csv => sheets::csv(&view)?,
            sheets::Form::Xlsx => workbook::xlsx(&view)?,
        };
        Ok((view, body))
    })
    .await?;
    Ok(tagged(&req, form, &view, body))
}

/// The answer with a tag that is the same as long as it says the same; 304 where the caller has it.
fn tagged(req: &HttpRequest, form: sheets::Form, view: &ReportView, body: Vec<u8>) -> HttpResponse {
    // A workbook has the time at which it was made in it: what it says is the same as the JSON.
    let said = match form {
        sheets::Form::Xlsx => Sha256::digest(serde_json::to_vec(view).unwrap_or_default()),
        _ => Sha256::digest(&body),
    };
    let tag = format!("\"{}{}\"", form.name(), data_encoding::HEXLOWER.encode(&said));
    let known = req.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    response.insert_header((header::VARY, "Accept"));
    if is_known {
        return response.finish();
    }
    if form == sheets::Form::Xlsx {
        let name = format!("attachment; filename=\"{}-{}.xlsx\"", view.report, view.period);
        response.insert_header((header::CONTENT_DISPOSITION, name));
    }
    response.content_type(form.kind()).body(body)
}

/// Names of areas and facilities in the cuts.
fn names_of(db: &crate::db::Db, report: &Report) -> Result<Names> {
    let ids = |cut: Cut| {
        let rows = report.cuts.iter().filter(|table| table.cut == cut).flat_map(|table| &table.rows);
        rows.filter_map(|row| row.key.parse::<uuid::Uuid>().ok()).collect::<Vec<_>>()
    };
    let (areas, providers) = (ids(Cut::Area), ids(Cut::Provider));
    if areas.is_empty() && providers.is_empty() {
        return Ok(Names::new());
    }
    db.read(crate::db::Wall::ROOT, |r| {
        crate::reports::releases::store::names(r, &areas, &providers).map_err(Error::from)
    })
}

/// An entry of the catalogue.
#[derive(Serialize, ToSchema)]
pub struct IndicatorView {
    pub id: String,
    pub name_en: String,
    pub name_fr: String,
    /// In plain words, with the names of the measures.
    pub formula: String,
    pub unit: String,
    /// `higher_is_better`, `lower_is_better` or `neither`.
    pub direction: String,
    pub source: String,
    /// What it may not be taken for.
    pub limits: Option<String>,
    /// True where it looks at the month before the period.
    pub looks_back: bool,
}

/// The catalogue.
#[derive(Serialize, ToSchema)]
pub struct CatalogueView {
    pub definition_version: u32,
    pub items: Vec<IndicatorView>,
}

/// `GET /indicators`
pub async fn catalogue(_guard: Guard<need::FiguresRead, Somewhere>) -> Result<HttpResponse> {
    let items = CATALOGUE.iter().map(|indicator| IndicatorView {
        id: indicator.id.to_owned(),
        name_en: indicator.name_en.to_owned(),
        name_fr: indicator.name_fr.to_owned(),
        formula: indicator.formula.to_owned(),
        unit: indicator.unit.word().to_owned(),
        direction: indicator.direction.word().to_owned(),
        source: indicator.source.to_owned(),
        limits: indicator.limits.map(str::to_owned),
        looks_back: service::looks_back(indicator),
    });
    Ok(crate::web::shown(&CatalogueView { definition_version: DEFINITION_VERSION, items: items.collect() }))
}
