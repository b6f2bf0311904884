//! `/mutuals/{m}/devices`: shapes and handlers.
use super::devices::{self, LARGEST_BLOCK, NewDevice};
use super::model::{Device, DeviceState, NumberBlock};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::store as money;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::households::service::card_of;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::BASE64URL_NOPAD;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A device.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    pub id: DeviceId,
    /// Names its receipts: `D.{code}-2026-000001`.
    pub code: String,
    pub name: String,
    pub agent_id: UserId,
    pub state: DeviceState,
    /// Until when its one-time code can be used; null where it has none.
    pub code_expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub activated_at: Option<DateTime<Utc>>,
    /// When it last sent or asked for something.
    pub last_seen_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl From<Device> for DeviceView {
    fn from(row: Device) -> Self {
        DeviceView {
            id: row.id,
            code: row.code,
            name: row.name,
            agent_id: row.agent_id,
            state: row.state,
            code_expires_at: row.code_expires_at.map(|at| at.and_utc()),
            created_at: row.created_at.and_utc(),
            activated_at: row.activated_at.map(|at| at.and_utc()),
            last_seen_at: row.last_seen_at.map(|at| at.and_utc()),
            version: row.version,
        }
    }
}

fn show(r: &mut Read, scope: &MutualScope, id: DeviceId) -> Result<DeviceView> {
    Ok(store::find_device(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?.into())
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DeviceFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/devices`
pub async fn list(guard: Guard<need::DeviceRead, MutualScope>, query: Query<DeviceFilter>) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "devices")?;
    let page: Page<DeviceView> = guard
        .read(move |r, scope| {
            let rows = store::list_devices(r, scope.mutual(), ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], DeviceView::from))
        })
        .await?;
    Ok(shown(&page))
}

/// A receipt series of a device.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct DeviceSeriesView {
    /// In front of its numbers.
    pub label: String,
    pub year: i32,
    /// The last number that has arrived; the device goes on behind it.
    pub last_number: i64,
    /// Numbers before it that have not arrived.
    pub gaps: Vec<i64>,
}

/// A block of card numbers.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NumberBlockView {
    pub id: NumberBlockId,
    pub issued_on: NaiveDate,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// In order, check digits included (R52).
    pub card_numbers: Vec<String>,
}

pub(super) fn block_view(row: &NumberBlock) -> Result<NumberBlockView> {
    Ok(NumberBlockView {
        id: row.id,
        issued_on: row.issued_on,
        expires_on: row.expires_on,
        card_numbers: (row.first_serial..=row.last_serial)
            .map(|serial| card_of(&row.prefix, serial))
            .collect::<Result<_>>()?,
    })
}

/// The receipt series of a device, by year.
pub(super) fn series_of(r: &mut Read, mutual: MutualId, device: DeviceId) -> Result<Vec<DeviceSeriesView>> {
    let mut views = Vec::new();
    for row in money::list_series_of(r, mutual, Key::new(device.uuid()))? {
        let (_, gaps) = money::gaps(r, mutual, &row)?;
        views.push(DeviceSeriesView { label: row.label, year: row.year, last_number: row.last_number, gaps });
    }
    Ok(views)
}

/// A device with its numbers.
#[derive(Serialize, ToSchema)]
pub struct DeviceDetailView {
    pub device: DeviceView,
    /// Of each year.
    pub receipts: Vec<DeviceSeriesView>,
    /// Card numbers that it was given and has not lost to another.
    pub blocks: Vec<NumberBlockView>,
}

/// `GET /mutuals/{m}/devices/{id}`
pub async fn get(
    guard: Guard<need::DeviceRead, MutualScope>,
    path: Ids<(OrganisationId, DeviceId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard
        .read(move |r, scope| {
            Ok(DeviceDetailView {
                device: show(r, scope, id)?,
                receipts: series_of(r, scope.mutual(), id)?,
                blocks: store::list_blocks(r, scope.mutual(), id)?.iter().map(block_view).collect::<Result<_>>()?,
            })
        })
        .await?;
    Ok(found(view.device.version, &view))
}

/// A device to be registered.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<DeviceId>,
    /// The field agent who will carry it.
    #[garde(skip)]
    pub agent_id: UserId,
    /// Unique in the mutual; it names the device's receipts.
    #[garde(length(chars, max = 10), custom(is_code))]
    #[schema(pattern = "^[A-Z0-9]{1,10}$")]
    pub code: String,
    #[garde(length(chars, max = 80), custom(not_blank))]
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
}

fn is_code(text: &str, _: &()) -> garde::Result {
    let good = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if good { Ok(()) } else { Err(garde::Error::new("1 to 10 capitals or digits")) }
}

/// A device with its one-time code.
#[derive(Serialize, ToSchema)]
pub struct DeviceCodeView {
    pub device: DeviceView,
    /// To be typed on the device within 15 minutes; shown once, null where the request is repeated.
    pub code: Option<String>,
}

/// `POST /mutuals/{m}/devices`
pub async fn register(
    guard: Guard<need::DeviceManage, MutualScope>,
    body: Body<RegisterDevice>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let id: DeviceId = Key::new(order.id.uuid());
    let asked = body.value;
    let new = NewDevice { agent: asked.agent_id, code: asked.code, name: asked.name.trim().to_owned() };
    let (agents, scope) = (guard.collectors(), guard.scope.clone());
    let code = guard.carry_out_once(order, move |w, order| devices::register(w, &scope, order, &agents, &new)).await?;
    let view = DeviceCodeView { device: guard.read(move |r, scope| show(r, scope, id)).await?, code };
    let location = format!("/api/v1/mutuals/{}/devices/{id}", guard.scope.mutual());
    Ok(made(view.code.is_none(), &location, Some(view.device.version), &view))
}

/// `POST /mutuals/{m}/devices/{id}/code`
pub async fn renew(
    guard: Guard<need::DeviceManage, MutualScope>,
    path: Ids<(OrganisationId, DeviceId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.plain_order()?;
    let if_match = guard.facts.if_match.clone();
    let scope = guard.scope.clone();
    let code = guard.carry_out_once(order, move |w, _| devices::renew(w, &scope, id, if_match.as_deref())).await?;
    let view = DeviceCodeView { device: guard.read(move |r, scope| show(r, scope, id)).await?, code };
    Ok(changed(view.code.is_none(), Some(view.device.version), &view))
}

async fn withdraw(
    guard: Guard<need::DeviceManage, MutualScope>,
    id: DeviceId,
    to: DeviceState,
) -> Result<HttpResponse> {
    let order = guard.plain_order()?;
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| devices::withdraw(w, scope, id, if_match.as_deref(), to),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/devices/{id}/lost`
pub async fn lost(
    guard: Guard<need::DeviceManage, MutualScope>,
    path: Ids<(OrganisationId, DeviceId)>,
) -> Result<HttpResponse> {
    withdraw(guard, path.0.1, DeviceState::Lost).await
}

/// `POST /mutuals/{m}/devices/{id}/revoke`
pub async fn revoke(
    guard: Guard<need::DeviceManage, MutualScope>,
    path: Ids<(OrganisationId, DeviceId)>,
) -> Result<HttpResponse> {
    withdraw(guard, path.0.1, DeviceState::Revoked).await
}

/// A device that its agent activates.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateDevice {
    /// The one-time code.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    pub code: String,
    /// The device's Ed25519 key, 32 bytes in base64url without padding.
    #[garde(length(chars, max = 60))]
    #[schema(max_length = 60)]
    pub public_key: String,
}

/// `POST /mutuals/{m}/devices/activate`
pub async fn activate(guard: Guard<need::FieldSync, MutualScope>, body: Body<ActivateDevice>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let unreadable = || Problem::field("/public_key", "pattern", "base64url without padding");
    let key = BASE64URL_NOPAD.decode(body.value.public_key.as_bytes()).map_err(|_| unreadable())?;
    let code = body.value.code.trim().to_ascii_uppercase();
    let user = guard.user;
    let scope = guard.scope.clone();
    let known = key.clone();
    let id = guard.carry_out_once(order, move |w, _| devices::activate(w, &scope, user, &code, &key)).await?;
    let view = guard
        .read(move |r, scope| match id {
            Some(id) => show(r, scope, id),
            // The answer was lost and the same is asked again.
            None => {
                let own = store::find_by_key(r, scope.mutual(), user, &known)?;
                Ok(own.ok_or(Problem::of(Code::CodeRefused).at("/code"))?.into())
            }
        })
        .await?;
    Ok(found(view.version, &view))
}

/// Card numbers to be given ahead.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskNumbers {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<NumberBlockId>,
    /// 1 to 500.
    #[garde(range(min = 1, max = LARGEST_BLOCK))]
    #[schema(minimum = 1, maximum = 500)]
    pub count: i64,
}

/// `POST /mutuals/{m}/devices/{id}/number-blocks`
pub async fn numbers(
    guard: Guard<need::FieldSync, MutualScope>,
    path: Ids<(OrganisationId, DeviceId)>,
    body: Body<AskNumbers>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let (user, count) = (guard.user, body.value.count);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| devices::give_numbers(w, scope, order, id, user, count).map(|_| ()),
            move |r, scope, order| {
                let block: NumberBlockId = Key::new(order.id.uuid());
                let rows = store::list_blocks(r, scope.mutual(), id)?;
                block_view(rows.iter().find(|row| row.id == block).ok_or(Problem::of(Code::NotFound))?)
            },
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}
