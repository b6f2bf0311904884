//! `/organisations/{id}/figure-settings`, `…/target-populations`, `…/returns/{period}`: what organisations set for their
//! figures, and the months of mutuals that keep paper or their own Ayni.
use super::model::*;
use super::service::{self as releases, NewRelease, age_bands};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::{OrganisationKind, need};
use crate::access::scopes::{BodyScope, FigureScope};
use crate::dates::month_of;
use crate::db::{Wall, Write};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::reports::facts::service::{begins, has_begun};
use crate::reports::facts::{AgeBands, definition};
use crate::reports::measures::{Cells, Dimension, Measure, Sheet, Totals};
use crate::reports::periods::http::{ReleaseList, ReleaseView};
use crate::reports::periods::service::month_in_path;
use crate::web::{Body, Ids, blocking, changed, made, must_match, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an organisation has set for figures.
#[derive(Serialize, ToSchema)]
pub struct FigureSettingsView {
    pub organisation_id: OrganisationId,
    /// A month of its mutuals is due so many days after its end; null where it has set nothing.
    pub due_days: Option<i32>,
    /// The first ages of the bands of the installation.
    pub age_bands: String,
    pub version: i64,
}

/// What to set.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFigureSettings {
    /// 1 to 365; null: as the body above has it, 15 where none has set it.
    #[garde(inner(range(min = 1, max = 365)))]
    #[schema(minimum = 1, maximum = 365)]
    pub due_days: Option<i32>,
    /// Of the installation alone: growing ages from 0, such as `0,5,15,25,35,45,55,65`.
    #[garde(inner(length(chars, max = 100)))]
    #[schema(max_length = 100)]
    pub age_bands: Option<String>,
}

fn settings_view(r: &mut crate::db::Read, scope: &BodyScope) -> Result<FigureSettingsView> {
    let found = store::settings(r, scope.organisation())?;
    Ok(FigureSettingsView {
        organisation_id: scope.organisation(),
        due_days: found.as_ref().and_then(|row| row.due_days),
        age_bands: age_bands(r)?.to_string(),
        version: found.map_or(0, |row| row.version),
    })
}

/// `GET /organisations/{id}/figure-settings`
pub async fn settings(guard: Guard<need::FiguresRead, BodyScope>) -> Result<HttpResponse> {
    let view = guard.read(settings_view).await?;
    Ok(crate::web::found(view.version, &view))
}

/// `PUT /organisations/{id}/figure-settings`
pub async fn set_settings(
    guard: Guard<need::FigureSettings, BodyScope>,
    body: Body<SetFigureSettings>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    if guard.scope.kind() == OrganisationKind::Mutual || guard.scope.kind() == OrganisationKind::Section {
        return Err(Problem::with(Code::WrongState, "a body above mutuals sets when months are due").into());
    }
    let bands = match &asked.age_bands {
        None => None,
        Some(_) if guard.scope.organisation() != OrganisationId::NIL => {
            let message = "bands are those of the installation: set them on its root";
            return Err(Problem::field("/age_bands", "not_here", message).into());
        }
        Some(text) => {
            let bands: AgeBands = text.parse().map_err(|why: String| Problem::field("/age_bands", "malformed", why))?;
            Some(bands.to_string())
        }
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let known = store::settings(w, scope.organisation())?;
                let version = known.as_ref().map_or(0, |row| row.version);
                must_match(if_match.as_deref(), version)?;
                let row = FigureSettings {
                    organisation_id: scope.organisation(),
                    due_days: asked.due_days,
                    age_bands: bands.clone().or(known.as_ref().and_then(|row| row.age_bands.clone())),
                    version: version + 1,
                };
                if !store::set_settings(w, &row, known.map(|row| row.version))? {
                    return Err(Error::Again);
                }
                w.names("organisation", scope.organisation().uuid());
                w.field("due_days", None, Some(json!(row.due_days)));
                w.field("age_bands", None, Some(json!(row.age_bands)));
                Ok(())
            },
            |r, scope, _| settings_view(r, scope),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// How many an organisation is there for, from a day on.
#[derive(Serialize, ToSchema)]
pub struct TargetView {
    pub id: TargetId,
    pub valid_from: NaiveDate,
    pub persons: i64,
    pub households: Option<i64>,
    pub source: String,
    pub recorded_at: DateTime<Utc>,
}

fn target_view(row: &TargetPopulation) -> TargetView {
    TargetView {
        id: row.id,
        valid_from: row.valid_from,
        persons: row.persons,
        households: row.households,
        source: row.source.clone(),
        recorded_at: row.recorded_at.and_utc(),
    }
}

/// All of an organisation.
#[derive(Serialize, ToSchema)]
pub struct TargetList {
    pub items: Vec<TargetView>,
}

/// `GET /organisations/{id}/target-populations`
pub async fn targets(guard: Guard<need::FiguresRead, BodyScope>) -> Result<HttpResponse> {
    let items = guard
        .read(|r, scope| Ok(store::list_targets(r, scope.organisation())?.iter().map(target_view).collect()))
        .await?;
    Ok(shown(&TargetList { items }))
}

/// A target population.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTarget {
    /// Made by the client, so that it may be sent again.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// It holds until the day of the next one.
    #[garde(skip)]
    pub valid_from: NaiveDate,
    #[garde(range(min = 1, max = 2_000_000_000))]
    #[schema(minimum = 1, maximum = 2000000000)]
    pub persons: i64,
    #[garde(inner(range(min = 1, max = 2_000_000_000)))]
    #[schema(minimum = 1, maximum = 2000000000)]
    pub households: Option<i64>,
    /// Where the number comes from: a census, a survey, an estimate.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    pub source: String,
}

/// `POST /organisations/{id}/target-populations`
pub async fn add_target(guard: Guard<need::FiguresWrite, BodyScope>, body: Body<AddTarget>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let row = TargetPopulation {
                    id: Key::new(order.id.uuid()),
                    organisation_id: scope.organisation(),
                    valid_from: asked.valid_from,
                    persons: asked.persons,
                    households: asked.households,
                    source: asked.source.clone(),
                    recorded_by: order.asker.user,
                    recorded_at: w.now(),
                };
                if !store::insert_target(w, &row)? {
                    let detail = "there is one from that day";
                    return Err(Problem::with(Code::PeriodOverlaps, detail).at("/valid_from").into());
                }
                w.names("target_population", row.id.uuid());
                w.names("organisation", scope.organisation().uuid());
                w.field("persons", None, Some(json!(row.persons)));
                w.field("valid_from", None, Some(json!(row.valid_from)));
                Ok(())
            },
            |r, scope, order| {
                let all = store::list_targets(r, scope.organisation())?;
                let found = all.iter().find(|row| row.id.uuid() == order.id.uuid());
                found.map(target_view).ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    let location = format!("/api/v1/organisations/{}/target-populations", guard.scope.organisation());
    Ok(made(replayed, &location, None, &view))
}

/// A month of a mutual that keeps paper, or its own Ayni: totals without a person.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthReturn {
    /// Made by the client, so that it may be sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// `paper`, or `file` where another Ayni made it.
    #[garde(skip)]
    pub source: Source,
    /// By measure, as in the documentation of indicators; amounts in minor units. `households` and `beneficiaries_in_force` at
    /// least; what is left out is not known.
    #[garde(length(min = 2, max = 100))]
    pub figures: BTreeMap<String, i64>,
    /// By dimension and key, where they are known: `{"sex_age": {"female 0-4": [12, 3]}}`, persons and cases.
    #[serde(default)]
    #[garde(length(max = 20))]
    #[schema(value_type = Object)]
    pub cuts: BTreeMap<String, Cells>,
    #[serde(default)]
    #[garde(inner(length(chars, max = 300)))]
    #[schema(max_length = 300)]
    pub note: Option<String>,
}

impl MonthReturn {
    /// What a release says, to be handed in elsewhere.
    pub fn of(currency: &str, sheet: &Sheet) -> MonthReturn {
        let figures =
            Measure::ALL.iter().filter_map(|measure| Some((measure.code().to_owned(), sheet.totals.known(*measure)?)));
        let cuts = sheet.cuts.iter().map(|(dimension, cells)| (dimension.code().to_owned(), cells.clone()));
        MonthReturn {
            id: None,
            currency: currency.to_owned(),
            source: Source::File,
            figures: figures.collect(),
            // Areas and facilities have other ids elsewhere.
            cuts: cuts.filter(|(name, _)| !["area", "provider"].contains(&name.as_str())).collect(),
            note: None,
        }
    }

    /// Reads it: every figure known, counts that can be, cells that add up.
    fn sheet(&self, bands: &AgeBands) -> Result<Sheet> {
        let mut faults = Vec::new();
        let mut totals = Totals::UNKNOWN;
        for (name, value) in &self.figures {
            let pointer = format!("/figures/{name}");
            match Measure::parse(name) {
                None => faults.push(FieldError::new(pointer, "unknown_field", "no measure has this name")),
                Some(_) if value.unsigned_abs() > crate::contributions::service::LARGEST_MINOR.unsigned_abs() => {
                    faults.push(FieldError::new(pointer, "out_of_bounds", "beyond what can be counted"));
                }
                Some(_) if !name.ends_with("_minor") && *value < 0 => {
                    faults.push(FieldError::new(pointer, "out_of_bounds", "a count is not below zero"));
                }
                Some(measure) => totals.set(measure, *value),
            }
        }
        for needed in [Measure::Households, Measure::BeneficiariesInForce] {
            if totals.known(needed).is_none() {
                let pointer = format!("/figures/{needed}");
                faults.push(FieldError::new(pointer, "required", "a return has it at least"));
            }
        }
        let mut sheet = Sheet { totals, ..Sheet::default() };
        for (name, cells) in &self.cuts {
            let pointer = format!("/cuts/{name}");
            let known =
                Dimension::parse(name).filter(|dimension| !matches!(dimension, Dimension::Area | Dimension::Provider));
            let Some(dimension) = known else {
                faults.push(FieldError::new(pointer, "unknown_field", "no cut of a return has this name"));
                continue;
            };
            if let Err(why) = check_cells(dimension, cells, bands, &totals) {
                faults.push(FieldError::new(pointer, "invalid", why));
            }
            sheet.cuts.insert(dimension, cells.clone());
        }
        if faults.is_empty() { Ok(sheet) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
    }
}

fn check_cells(
    dimension: Dimension,
    cells: &Cells,
    bands: &AgeBands,
    totals: &Totals,
) -> std::result::Result<(), String> {
    let numbers = dimension.numbers();
    if cells.len() > 500 {
        return Err("at most 500 cells".into());
    }
    let odd = cells.iter().find(|(key, own)| key.chars().count() > 80 || !dimension.has(own.len()));
    if let Some((key, _)) = odd {
        return Err(format!("the cell '{key}' has not the numbers {}", numbers.join(", ")));
    }
    let largest = crate::contributions::service::LARGEST_MINOR;
    if cells.values().flatten().any(|number| !(-largest..=largest).contains(number)) {
        return Err("a number is beyond what can be counted".into());
    }
    if dimension == Dimension::SexAge {
        let names = bands.names();
        let is_known = |key: &str| {
            key.split_once(' ').is_some_and(|(sex, band)| {
                sex.parse::<crate::households::model::Sex>().is_ok()
                    && (band == "unknown" || names.iter().any(|name| name == band))
            })
        };
        if let Some(key) = cells.keys().find(|key| !is_known(key)) {
            return Err(format!("'{key}' is no sex with an age band of {}", names.join(", ")));
        }
        let sum: i64 = cells.values().filter_map(|own| own.first()).sum();
        if Some(sum) != totals.known(Measure::BeneficiariesInForce) {
            return Err(format!("the cells have {sum} persons, the figures another number"));
        }
    }
    if dimension != Dimension::Payer && cells.values().filter_map(|own| own.first()).any(|count| *count < 0) {
        return Err("a count is not below zero".into());
    }
    Ok(())
}

/// Why nothing is handed in for a mutual.
const KEPT_HERE: &str = "its register is kept here: the mutual closes its month";

/// What was released from a register here is not replaced by a form.
fn must_keep_elsewhere(w: &mut Write, scope: &BodyScope, month: NaiveDate) -> Result<()> {
    let standing = store::standing(w, scope.organisation(), month)?;
    if standing.is_some_and(|release| release.source == Source::Register) {
        return Err(Problem::with(Code::WrongState, KEPT_HERE).into());
    }
    Ok(())
}

/// `PUT /organisations/{id}/returns/{period}`
pub async fn hand_in(
    guard: Guard<need::FiguresWrite, BodyScope>,
    path: Ids<(OrganisationId, String)>,
    body: Body<MonthReturn>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let month = month_in_path(&path.0.1)?;
    let asked = body.value;
    let own = guard.picture.organisation(guard.scope.organisation()).and_then(|found| found.currency);
    let Some(own) = own.filter(|_| guard.scope.kind() == OrganisationKind::Mutual) else {
        return Err(Problem::with(Code::WrongState, "only a mutual hands its months in").into());
    };
    if Currency::parse(&asked.currency) != Some(own) {
        return Err(
            Problem::field("/currency", "CURRENCY_MISMATCH", format!("the mutual counts in {}", own.code())).into()
        );
    }
    if asked.source == Source::Register {
        return Err(Problem::field("/source", "unknown_value", "paper or file").into());
    }
    let last = month_of(month).map_err(|_| Error::from(Code::NotFound))?.to;
    if guard.scope.today() <= last {
        return Err(Code::MonthNotOver.into());
    }
    // Behind the mutual's own wall, which the command does not enter.
    let (db, figures) =
        (guard.desk.db.clone(), FigureScope::within(&guard.scope, &guard.picture, guard.scope.organisation(), last)?);
    let here = blocking(move || {
        db.read(Wall::mutual(figures.mutual()), |r| Ok::<_, Error>(has_begun(begins(r, &figures)?, month)))
    });
    if here.await? {
        return Err(Problem::with(Code::WrongState, KEPT_HERE).into());
    }
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_keep_elsewhere(w, scope, month)?;
                let bands = age_bands(w)?;
                let sheet = asked.sheet(&bands)?;
                let new = NewRelease {
                    unit: scope.organisation(),
                    month,
                    basis: Basis::Return,
                    source: asked.source,
                    stock_on: last,
                    currency: own.code(),
                    definition: definition(&bands),
                    note: asked.note.clone(),
                    by: order.asker.user,
                    sheet: &sheet,
                };
                let release = releases::release(w, &new)?;
                w.names("release", release.id.uuid());
                w.names("organisation", scope.organisation().uuid());
                w.field("month", None, Some(json!(month)));
                w.field("source", None, Some(json!(release.source)));
                Ok(())
            },
            move |r, scope, _| {
                let found = store::standing(r, scope.organisation(), month)?.ok_or(Problem::of(Code::NotFound))?;
                Ok(ReleaseView::of(&found))
            },
        )
        .await?;
    Ok(changed(replayed, None, &view))
}

/// `GET /organisations/{id}/returns/{period}`
pub async fn list_returns(
    guard: Guard<need::FiguresRead, BodyScope>,
    path: Ids<(OrganisationId, String)>,
) -> Result<HttpResponse> {
    let month = month_in_path(&path.0.1)?;
    let items = guard
        .read(move |r, scope| {
            let found = store::list(r, scope.organisation(), month)?;
            Ok(found.iter().filter(|release| release.basis == Basis::Return).map(ReleaseView::of).collect())
        })
        .await?;
    Ok(shown(&ReleaseList { items }))
}
