//! `/mutuals/{m}/sync/pull`: shapes and handler.
use super::devices;
use super::devices_http::{DeviceSeriesView, NumberBlockView, block_view, series_of};
use super::feed::{self, PulledItem};
use super::model::{Device, DeviceState, ProposalState};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::{Read, Wall};
use crate::error::{Problem, Result};
use crate::ids::*;
use crate::treasury::collectors;
use crate::web::{Query, blocking, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Households in one page at most.
const MOST: u16 = 500;
/// Where the device does not say.
const USUAL: u16 = 100;

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PullFilter {
    pub device_id: DeviceId,
    /// Households, 1 to 500; 100 where it is left out.
    pub limit: Option<u16>,
    /// From the page or the pull before; without it all households come.
    pub cursor: Option<String>,
}

/// A remittance that nobody has counted yet, or that was counted in the last days.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RemittanceDocument {
    pub id: RemittanceId,
    pub declared_minor: i64,
    /// Null while nobody has counted it.
    pub counted_minor: Option<i64>,
    pub submitted_on: NaiveDate,
}

/// Where the agent stands with the mutual's money.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentAccountDocument {
    pub currency: String,
    /// What he holds, as far as it has arrived.
    pub float_minor: i64,
    /// What of it he has submitted and nobody counted yet.
    pub submitted_minor: i64,
    /// What he was short, less what he repaid.
    pub debt_minor: i64,
    /// The last remittances, the newest first.
    pub remittances: Vec<RemittanceDocument>,
}

/// An operation that is with the office, or was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposalDocument {
    pub op_id: OperationId,
    pub state: ProposalState,
    /// Why it came to nothing.
    pub code: String,
}

/// What a device pulls.
#[derive(Serialize, ToSchema)]
pub struct PullView {
    pub as_of_at: DateTime<Utc>,
    /// The business date in the mutual's zone: standings and balances are of this day.
    pub today_on: NaiveDate,
    /// The device empties itself: it was said to be lost. Then nothing else is here.
    pub wipe: bool,
    pub items: Vec<PulledItem>,
    pub next_cursor: Option<String>,
    pub has_more: bool,
    /// On the last page.
    pub account: Option<AgentAccountDocument>,
    /// The device's series of receipts, on the last page.
    pub receipts: Vec<DeviceSeriesView>,
    /// Card numbers that the device may use, on the last page; those that it has used are among them.
    pub blocks: Vec<NumberBlockView>,
    /// What the office said of the device's operations that came to nothing, the newest 200 of them, on the last page.
    pub proposals: Vec<ProposalDocument>,
}

/// The last remittances that a device is shown.
const SHOWN: usize = 10;
/// And the last proposals.
const LAST_PROPOSALS: i64 = 200;

fn account(r: &mut Read, scope: &MutualScope, agent: UserId) -> Result<AgentAccountDocument> {
    let today = scope.today();
    let found = collectors::account(r, scope, agent, (today, today))?;
    let mut rows = crate::treasury::store::list_remittances_of(r, scope.mutual(), agent)?;
    rows.sort_by_key(|row| std::cmp::Reverse((row.submitted_on, row.id)));
    let remittances = rows
        .into_iter()
        .take(SHOWN)
        .map(|row| RemittanceDocument {
            id: row.id,
            declared_minor: row.declared_minor,
            counted_minor: row.counted_minor,
            submitted_on: row.submitted_on,
        })
        .collect();
    Ok(AgentAccountDocument {
        currency: scope.currency().code().to_owned(),
        float_minor: found.float_minor,
        submitted_minor: found.submitted_minor,
        debt_minor: found.debt_minor,
        remittances,
    })
}

fn proposals(r: &mut Read, mutual: MutualId, device: DeviceId) -> Result<Vec<ProposalDocument>> {
    let rows = store::list_proposals_of(r, mutual, device, LAST_PROPOSALS)?;
    Ok(rows.into_iter().map(|(op_id, state, code)| ProposalDocument { op_id, state, code }).collect())
}

/// `GET /mutuals/{m}/sync/pull`
pub async fn pull(guard: Guard<need::FieldSync, MutualScope>, query: Query<PullFilter>) -> Result<HttpResponse> {
    let asked = query.0;
    let limit = asked.limit.unwrap_or(USUAL);
    if limit == 0 || limit > MOST {
        return Err(Problem::field("limit", "out_of_bounds", format!("from 1 to {MOST}")).into());
    }
    let (db, user, mutual) = (guard.desk.db.clone(), guard.user, guard.scope.mutual());
    let device: Device = blocking(move || {
        let wall = Wall::mutual(mutual);
        let device = db.read(wall, |r| devices::must_be_own(store::find_device(r, mutual, asked.device_id)?, user))?;
        db.write(wall, |w| Ok::<_, crate::error::Error>(store::set_seen(w, mutual, device.id, w.now())?))?;
        if device.state != DeviceState::Lost {
            feed::number_all(&db, mutual)?;
        }
        Ok(device)
    })
    .await?;
    let today_on = guard.scope.today();
    let view = guard
        .read(move |r, scope| {
            let as_of_at = r.now().and_utc();
            if device.state == DeviceState::Lost {
                return Ok(PullView {
                    as_of_at,
                    today_on,
                    wipe: true,
                    items: Vec::new(),
                    next_cursor: asked.cursor.clone(),
                    has_more: false,
                    account: None,
                    receipts: Vec::new(),
                    blocks: Vec::new(),
                    proposals: Vec::new(),
                });
            }
            let page = feed::pull(r, scope, &device, asked.cursor.as_deref(), usize::from(limit))?;
            let is_last = !page.has_more;
            Ok(PullView {
                as_of_at,
                today_on,
                wipe: false,
                items: page.items,
                next_cursor: Some(page.next_cursor),
                has_more: page.has_more,
                account: if is_last { Some(account(r, scope, user)?) } else { None },
                receipts: if is_last { series_of(r, mutual, device.id)? } else { Vec::new() },
                blocks: if is_last {
                    store::list_blocks(r, mutual, device.id)?.iter().map(block_view).collect::<Result<_>>()?
                } else {
                    Vec::new()
                },
                proposals: if is_last { proposals(r, mutual, device.id)? } else { Vec::new() },
            })
        })
        .await?;
    let seen = view.items.iter().filter_map(|item| item.household.as_ref()).map(|household| household.id.uuid());
    guard.note("household", seen, None).await?;
    Ok(shown(&view))
}
