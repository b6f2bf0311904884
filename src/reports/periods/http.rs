//! `/mutuals/{m}/periods`: the end of a mutual's months.
use super::service::{self, Month, MonthState, Open, OpenItem, Reopening, month_in_path};
use crate::access::approvals::ask_for;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::{FigureScope, MutualScope};
use crate::dates::month_of;
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::reports::facts::service::{self as facts, AsOf};
use crate::reports::measures::{Measure, Totals};
use crate::reports::releases::model::*;
use crate::reports::releases::service as releases;
use crate::reports::releases::store as release_store;
use crate::web::{Body, Ids, Query, blocking, changed, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Something that is open.
#[derive(Serialize, ToSchema)]
pub struct OpenView {
    pub item: OpenItem,
    /// How many.
    pub number: i64,
    pub amount_minor: i64,
}

/// A step of a month.
#[derive(Serialize, ToSchema)]
pub struct MonthStepView {
    pub kind: MonthStepKind,
    /// What was open all the same.
    pub despite: Vec<OpenItem>,
    pub reason: Option<String>,
    pub recorded_on: NaiveDate,
    /// Who asked, where it took two persons.
    pub requested_by: Option<UserId>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: DateTime<Utc>,
}

/// What bodies above see of a month.
#[derive(Serialize, ToSchema)]
pub struct ReleaseView {
    pub id: ReleaseId,
    /// The first of the month is 1.
    pub number: i64,
    pub basis: Basis,
    pub source: Source,
    pub as_of: DateTime<Utc>,
    pub definition: String,
    pub note: Option<String>,
    /// Who closed, corrected or handed it in; null where nobody did.
    pub recorded_by: Option<UserId>,
}

impl ReleaseView {
    pub fn of(row: &Release) -> ReleaseView {
        ReleaseView {
            id: row.id,
            number: row.number,
            basis: row.basis,
            source: row.source,
            as_of: row.as_of.and_utc(),
            definition: row.definition.clone(),
            note: row.note.clone(),
            recorded_by: row.recorded_by,
        }
    }
}

/// A mutual's month.
#[derive(Serialize, ToSchema)]
pub struct PeriodView {
    /// `2026-03`
    pub period: String,
    pub state: MonthState,
    /// The first day on which it may be closed.
    pub closes_from: NaiveDate,
    /// What is open of it now; empty where nothing is.
    pub open: Vec<OpenView>,
    /// True where its figures are no longer those that bodies see: close it, or release a correction.
    pub differs: bool,
    pub steps: Vec<MonthStepView>,
    /// What bodies see of it; null where nothing was released.
    pub release: Option<ReleaseView>,
    /// Its figures, by name of the measure; those that are not known are null. Empty where nothing was released.
    pub figures: BTreeMap<&'static str, Option<i64>>,
}

/// A month in the list of a year.
#[derive(Serialize, ToSchema)]
pub struct PeriodLine {
    /// `2026-03`
    pub period: String,
    pub state: MonthState,
    pub closes_from: NaiveDate,
    pub release: Option<ReleaseView>,
}

/// The months of a year.
#[derive(Serialize, ToSchema)]
pub struct PeriodList {
    pub items: Vec<PeriodLine>,
}

/// Which year.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct YearFilter {
    /// This year where it is left out.
    pub year: Option<i32>,
}

fn name_of(month: NaiveDate) -> String {
    month.format("%Y-%m").to_string()
}

/// `GET /mutuals/{m}/periods`
pub async fn list(guard: Guard<need::FiguresRead, MutualScope>, query: Query<YearFilter>) -> Result<HttpResponse> {
    use chrono::Datelike;
    let today = guard.scope.today();
    let year = query.0.year.unwrap_or(today.year());
    let begin = (1_900..=9_998).contains(&year).then(|| NaiveDate::from_ymd_opt(year, 1, 1)).flatten();
    let begin = begin.ok_or_else(|| Error::from(Problem::field("year", "out_of_bounds", "from 1900 to 9998")))?;
    let items = guard
        .read(move |r, scope| {
            let figures = FigureScope::of(scope);
            let begins = facts::begins(r, &figures)?;
            let mut items = Vec::new();
            for at in 0..12 {
                let month = crate::dates::add_months(begin, at).unwrap_or(begin);
                if month > today || !facts::has_begun(begins, month) {
                    continue;
                }
                let found = service::month(r, scope, month)?;
                items.push(PeriodLine {
                    period: name_of(month),
                    state: found.state,
                    closes_from: found.closes_from,
                    release: found.standing.as_ref().map(ReleaseView::of),
                });
            }
            Ok(items)
        })
        .await?;
    Ok(shown(&PeriodList { items }))
}

/// The month with its facts computed, and whether they are those that were released.
fn look(db: &Db, scope: &MutualScope, month: NaiveDate) -> Result<PeriodView> {
    let as_of = fresh(db, scope, month)?;
    let now = facts::months(db, &FigureScope::of(scope), (month, month), &as_of)?.pop();
    db.read(Wall::mutual(scope.mutual()), |r| {
        let found = service::month(r, scope, month)?;
        let differs = match (&found.standing, &now) {
            (Some(release), Some(now)) => !now.sheet.says(&releases::sheet_of(r, release)?),
            _ => false,
        };
        view(found, service::checklist(r, scope, month)?, differs)
    })
}

fn view(found: Month, open: Vec<Open>, differs: bool) -> Result<PeriodView> {
    let steps = found.steps.into_iter().map(|step| {
        Ok(MonthStepView {
            kind: step.kind,
            despite: kept(&step.despite, "what was open")?,
            reason: step.reason,
            recorded_on: step.recorded_on,
            requested_by: step.requested_by,
            recorded_by: step.recorded_by,
            recorded_at: step.recorded_at.and_utc(),
        })
    });
    let figures = match &found.standing {
        None => BTreeMap::new(),
        Some(release) => {
            let totals = Totals::read(&release.figures)?;
            Measure::ALL.iter().map(|measure| (measure.code(), totals.known(*measure))).collect()
        }
    };
    Ok(PeriodView {
        period: name_of(found.month),
        state: found.state,
        closes_from: found.closes_from,
        open: open
            .into_iter()
            .map(|open| OpenView { item: open.item, number: open.number, amount_minor: open.amount_minor })
            .collect(),
        differs,
        steps: steps.collect::<Result<_>>()?,
        release: found.standing.as_ref().map(ReleaseView::of),
        figures,
    })
}

/// Sees that a month has begun, for the mutual and at all, and that its facts are computed.
fn fresh(db: &Db, scope: &MutualScope, month: NaiveDate) -> Result<AsOf> {
    let figures = FigureScope::of(scope);
    let begins = db.read(Wall::mutual(scope.mutual()), |r| facts::begins(r, &figures))?;
    let starts = month_of(month).map_err(|_| Error::from(Code::NotFound))?.from;
    if !facts::has_begun(begins, month) || starts > scope.today() {
        return Err(Code::NotFound.into());
    }
    let as_of = releases::as_of(db, scope.today())?;
    facts::months(db, &figures, (month, month), &as_of)?;
    Ok(as_of)
}

/// `GET /mutuals/{m}/periods/{period}`
pub async fn show(
    guard: Guard<need::FiguresRead, MutualScope>,
    path: Ids<(OrganisationId, String)>,
) -> Result<HttpResponse> {
    let month = month_in_path(&path.0.1)?;
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    Ok(shown(&blocking(move || look(&db, &scope, month)).await?))
}

/// What may stay open.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseMonth {
    /// Made by the client, so that it may be sent again.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// What is open and may stay so.
    #[serde(default)]
    #[garde(length(max = 10))]
    pub despite: Vec<OpenItem>,
}

/// `POST /mutuals/{m}/periods/{period}/close`
pub async fn close(
    guard: Guard<need::MonthClose, MutualScope>,
    path: Ids<(OrganisationId, String)>,
    body: Body<CloseMonth>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let (month, despite) = (month_in_path(&path.0.1)?, body.value.despite);
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    let as_of = blocking(move || fresh(&db, &scope, month)).await?;
    let ((), replayed) = guard
        .act(order, move |w, scope, order| service::close(w, scope, order, month, &as_of, &despite), |_, _, _| Ok(()))
        .await?;
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    let view = blocking(move || look(&db, &scope, month)).await?;
    Ok(changed(replayed, None, &view))
}

/// Why.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthReason {
    /// Made by the client, so that it may be sent again.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/periods/{period}/corrections`
pub async fn correct(
    guard: Guard<need::MonthClose, MutualScope>,
    path: Ids<(OrganisationId, String)>,
    body: Body<MonthReason>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let (month, reason) = (month_in_path(&path.0.1)?, body.value.reason);
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    let as_of = blocking(move || fresh(&db, &scope, month)).await?;
    let ((), replayed) = guard
        .act(order, move |w, scope, order| service::correct(w, scope, order, month, &as_of, &reason), |_, _, _| Ok(()))
        .await?;
    let (db, scope) = (guard.desk.db.clone(), guard.scope.clone());
    let view = blocking(move || look(&db, &scope, month)).await?;
    Ok(changed(replayed, None, &view))
}

/// `POST /mutuals/{m}/periods/{period}/reopen`
pub async fn reopen(
    guard: Guard<need::MonthClose, MutualScope>,
    path: Ids<(OrganisationId, String)>,
    body: Body<MonthReason>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = Reopening { month: month_in_path(&path.0.1)?, reason: body.value.reason };
    ask_for(&guard, order, move |w, scope, order| service::request_reopening(w, scope, order, &asked)).await
}

/// All releases of a month, the last first.
#[derive(Serialize, ToSchema)]
pub struct ReleaseList {
    pub items: Vec<ReleaseView>,
}

/// `GET /mutuals/{m}/periods/{period}/releases`
pub async fn list_releases(
    guard: Guard<need::FiguresRead, MutualScope>,
    path: Ids<(OrganisationId, String)>,
) -> Result<HttpResponse> {
    let month = month_in_path(&path.0.1)?;
    let items = guard
        .read(move |r, scope| {
            let found = release_store::list(r, scope.mutual().into(), month)?;
            Ok(found.iter().map(ReleaseView::of).collect())
        })
        .await?;
    Ok(shown(&ReleaseList { items }))
}
