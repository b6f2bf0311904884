//! `/mutuals/{m}/mobile-money` and the public webhook: shapes and handlers.
use super::mobile::{self, Decision, Telling, Told, Waits};
use super::model::{Channel, MobileEvent, Webhook};
use super::rules::Seen;
use super::store;
use crate::access::guard::{Guard, Open};
use crate::access::permissions::need;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::audit::frame::{Done, Order, command};
use crate::db::Wall;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::records::{Columns, parse};
use crate::web::{Body, Ids, Query, blocking, changed, made, must_match, shown};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Lines of one statement at most.
const MOST_LINES: usize = 2_000;
/// Lines of one transaction.
const CHUNK: usize = 50;
/// Bytes of a webhook's body at most.
const LARGEST_TELLING: usize = 16 * 1024;

/// An operator's statement.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadStatement {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// The operator, always written alike: `LUMICASH`, `ECOCASH`, `ORANGE_SN`.
    #[garde(length(chars, min = 1, max = 40), pattern("^[A-Z][A-Z0-9_]*$"))]
    #[schema(min_length = 1, max_length = 40, pattern = "^[A-Z][A-Z0-9_]*$")]
    pub provider: String,
    /// The file: a header `transaction_id,date,amount,currency,account_ref`, comma or semicolon; amounts in major units,
    /// dates `YYYY-MM-DD`; `account_ref` is a household's number or a card number. At most 2,000 lines.
    #[garde(length(min = 1))]
    pub csv: String,
}

/// What a line led to.
#[derive(Serialize, ToSchema)]
pub struct StatementLine {
    /// In the file; the header is 1.
    pub line: u64,
    pub transaction_id: String,
    /// The telling, or the first one of a line that was read before; null where the line is bad.
    pub event_id: Option<MobileEventId>,
    /// `created`, `replayed` (seen before), `conflict_quarantined`, `currency_refused`; null where the line is bad.
    pub result: Option<Seen>,
    /// Null where no household was found, or no money moved.
    pub household_id: Option<HouseholdId>,
    pub payment_id: Option<PaymentId>,
    /// True where money lies unallocated and waits for a person.
    pub unallocated: bool,
    /// What is wrong with a bad line, of which nothing is kept.
    pub errors: Vec<FieldError>,
}

/// What a statement led to.
#[derive(Serialize, ToSchema)]
pub struct StatementView {
    pub lines: Vec<StatementLine>,
    /// Of the payments created now.
    pub created_minor: i64,
    pub created: usize,
    pub replayed: usize,
    pub quarantined: usize,
    pub unallocated: usize,
    pub bad: usize,
    pub currency: String,
}

/// The good tellings of a file with their lines, and what is wrong with the others.
type ReadLines = (Vec<(u64, Telling)>, Vec<StatementLine>);

/// Reads a file.
fn read_file(asked: &ReadStatement, scope: &MutualScope) -> Result<ReadLines> {
    const REQUIRED: &[&str] = &["transaction_id", "date", "amount", "currency", "account_ref"];
    let records = parse(asked.csv.as_bytes(), "csv", Columns { required: REQUIRED, optional: &[] });
    let records = records.map_err(|faults| {
        let fields = faults.into_iter().map(|fault| FieldError::new("/csv", "unreadable", fault.to_string()));
        Error::from(Problem::fields(Code::Invalid, fields.collect()))
    })?;
    if records.len() > MOST_LINES {
        return Err(Problem::field("/csv", "too_long", format!("at most {MOST_LINES} lines")).into());
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for mut record in records {
        let line = record.line;
        let transaction = record.text("transaction_id", 80);
        let date = record.date("date");
        let telling = Telling {
            provider: asked.provider.clone(),
            provider_txn_id: transaction.clone(),
            amount: record.text("amount", 40),
            currency: record.text("currency", 3),
            account_ref: record.optional("account_ref", 80).unwrap_or_default(),
            received_on: date.unwrap_or_default(),
            raw: record.content().to_string(),
        };
        let mut errors: Vec<FieldError> = Vec::new();
        if record.is_bad() {
            let faults = record.into_faults().into_iter();
            errors.extend(faults.map(|fault| FieldError::new(fault.column, "invalid", fault.reason)));
        } else if let Err(Error::Problem(problem)) = telling.must_be_payment(scope.currency(), scope.today()) {
            errors.extend(problem.errors.iter().map(|error| FieldError {
                pointer: error.pointer.trim_start_matches('/').replace("received_on", "date"),
                ..error.clone()
            }));
        }
        if errors.is_empty() {
            good.push((line, telling));
        } else {
            bad.push(StatementLine {
                line,
                transaction_id: transaction,
                event_id: None,
                result: None,
                household_id: None,
                payment_id: None,
                unallocated: false,
                errors,
            });
        }
    }
    Ok((good, bad))
}

/// The id of a part of something that has an id: a repetition of the whole repeats its parts.
fn part_of(whole: Uuid, part: &[u8]) -> CommandId {
    let mut hasher = Sha256::new();
    hasher.update(whole.as_bytes());
    hasher.update(part);
    let digest = hasher.finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    Key::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// `POST /mutuals/{m}/mobile-money/statements`
pub async fn read_statement(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    body: Body<ReadStatement>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let scope = guard.scope.clone();
    let (good, bad) = read_file(&asked, &scope)?;
    let (db, hooks) = (guard.desk.db.clone(), guard.desk.hooks);
    let view = blocking(move || {
        let mut lines = bad;
        let mut created_minor = 0_i64;
        for (at, chunk) in good.chunks(CHUNK).enumerate() {
            // Each part is a command, so that the writer is free for others in between.
            let order = Order { id: part_of(order.id.uuid(), &at.to_be_bytes()), ..order.clone() };
            let tellings: Vec<Telling> = chunk.iter().map(|(_, telling)| telling.clone()).collect();
            let done =
                command(&db, &hooks, &order, |w| mobile::take(w, &scope, &order, Channel::Statement, &tellings))?;
            let told: Vec<Told> = match done {
                Done::Made(told) => told,
                Done::Replayed => db.read(Wall::mutual(scope.mutual()), |r| again(r, &scope, &tellings))?,
            };
            for ((line, telling), told) in chunk.iter().zip(told) {
                let is_new = told.result == Seen::Created;
                if let (true, Some(amount)) = (is_new, minor_of(&db, &scope, told.event)?) {
                    created_minor = created_minor.saturating_add(amount);
                }
                lines.push(StatementLine {
                    line: *line,
                    transaction_id: telling.provider_txn_id.clone(),
                    event_id: Some(told.event),
                    result: Some(told.result),
                    household_id: told.household,
                    payment_id: told.payment,
                    unallocated: is_new && told.payment.is_none(),
                    errors: Vec::new(),
                });
            }
        }
        lines.sort_by_key(|line| line.line);
        let count = |wanted: &dyn Fn(&StatementLine) -> bool| lines.iter().filter(|line| wanted(line)).count();
        Ok(StatementView {
            created_minor,
            created: count(&|line| line.result == Some(Seen::Created)),
            replayed: count(&|line| line.result == Some(Seen::Replayed)),
            quarantined: count(&|line| matches!(line.result, Some(Seen::ConflictQuarantined | Seen::CurrencyRefused))),
            unallocated: count(&|line| line.unallocated),
            bad: count(&|line| line.result.is_none()),
            currency: scope.currency().code().to_owned(),
            lines,
        })
    })
    .await?;
    Ok(shown(&view))
}

fn minor_of(db: &crate::db::Db, scope: &MutualScope, event: MobileEventId) -> Result<Option<i64>> {
    db.read(Wall::mutual(scope.mutual()), |r| {
        Ok(store::find_event(r, scope.mutual(), event)?.and_then(|event| event.amount_minor))
    })
}

/// What a repeated part says: every line was seen before.
fn again(r: &mut crate::db::Read, scope: &MutualScope, tellings: &[Telling]) -> Result<Vec<Told>> {
    let mut told = Vec::with_capacity(tellings.len());
    for telling in tellings {
        let first = store::find_identity(r, scope.mutual(), &telling.provider, &telling.provider_txn_id)?
            .ok_or_else(|| Error::Fault("a line that was read is not there".into()))?;
        let event = store::find_event(r, scope.mutual(), first.event_id)?;
        told.push(Told {
            event: first.event_id,
            result: Seen::Replayed,
            household: event.as_ref().and_then(|event| event.household_id),
            payment: event.and_then(|event| event.payment_id),
        });
    }
    Ok(told)
}

/// What an operator told and a person has to look into.
#[derive(Serialize, ToSchema)]
pub struct QuarantineView {
    pub id: MobileEventId,
    pub provider: String,
    pub provider_txn_id: String,
    pub channel: Channel,
    /// `created` with an account reference that names no household, `conflict_quarantined` or `currency_refused`.
    pub result: Seen,
    /// As it was told, in major units.
    pub amount: String,
    /// Null where it cannot be read in its currency.
    pub amount_minor: Option<i64>,
    pub currency: String,
    /// As the payer gave it.
    pub account_ref: String,
    pub received_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// True where money lies unallocated: assign it or send it back. Else look into it and dismiss it.
    pub holds_money: bool,
}

fn quarantined(event: MobileEvent, holds_money: bool) -> QuarantineView {
    QuarantineView {
        id: event.id,
        provider: event.provider,
        provider_txn_id: event.provider_txn_id,
        channel: event.channel,
        result: event.result,
        amount: event.amount_text,
        amount_minor: event.amount_minor,
        currency: event.currency,
        account_ref: event.account_ref,
        received_on: event.received_on,
        recorded_at: event.recorded_at.and_utc(),
        holds_money,
    }
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct QuarantineFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/mobile-money/quarantine`
pub async fn quarantine(
    guard: Guard<need::TreasuryRead, MutualScope>,
    query: Query<QuarantineFilter>,
) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "quarantine")?;
    let page: Page<QuarantineView> = guard
        .read(move |r, scope| {
            let mutual = scope.mutual();
            let wanted = usize::try_from(ask.fetch()).unwrap_or(usize::MAX);
            let mut after: Option<MobileEventId> = ask.after_one()?;
            let mut found = Vec::new();
            // Those that were decided are passed over, page by page.
            loop {
                let events = store::list_odd_events(r, mutual, after, ask.fetch())?;
                let waits = mobile::waiting(r, mutual, &events)?;
                let is_last = events.len() < wanted;
                after = events.last().map(|event| event.id);
                found.extend(
                    events
                        .into_iter()
                        .zip(waits)
                        .filter(|(_, (waits, _))| *waits != Waits::No)
                        .map(|(event, (waits, _))| quarantined(event, waits == Waits::Money)),
                );
                if is_last || found.len() >= wanted {
                    break;
                }
            }
            found.truncate(wanted);
            Ok(ask.page(found, |row| vec![row.id.to_string()], |row| row))
        })
        .await?;
    guard.note("mobile_event", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// To whom the money belongs.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignMoney {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(skip)]
    pub household_id: HouseholdId,
}

/// Why nothing of it becomes a payment.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveReason {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// What was decided.
#[derive(Serialize, ToSchema)]
pub struct DecidedView {
    pub event_id: MobileEventId,
    pub decision: super::model::Decided,
    pub payment_id: Option<PaymentId>,
    pub reason: Option<String>,
    pub decided_on: NaiveDate,
}

async fn decide(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    order: Order,
    id: MobileEventId,
    decision: Decision,
) -> Result<HttpResponse> {
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| mobile::decide(w, scope, order, id, &decision),
            move |r, scope, order| {
                let rows = store::list_decisions(r, scope.mutual(), &[id])?;
                let own = rows.into_iter().find(|row| row.id.uuid() == order.id.uuid());
                let row = own.ok_or(Problem::of(Code::NotFound))?;
                Ok(DecidedView {
                    event_id: row.event_id,
                    decision: row.kind,
                    payment_id: row.payment_id,
                    reason: row.reason,
                    decided_on: row.decided_on,
                })
            },
        )
        .await?;
    Ok(changed(replayed, None, &view))
}

/// `POST /mutuals/{m}/mobile-money/events/{id}/assign`
pub async fn assign(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, MobileEventId)>,
    body: Body<AssignMoney>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    decide(guard, order, path.0.1, Decision::Assign(body.value.household_id)).await
}

/// `POST /mutuals/{m}/mobile-money/events/{id}/return`
pub async fn send_back(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, MobileEventId)>,
    body: Body<GiveReason>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    decide(guard, order, path.0.1, Decision::Return(body.value.reason)).await
}

/// `POST /mutuals/{m}/mobile-money/events/{id}/dismiss`
pub async fn dismiss(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, MobileEventId)>,
    body: Body<GiveReason>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    decide(guard, order, path.0.1, Decision::Dismiss(body.value.reason)).await
}

/// An operator's way to tell of payments.
#[derive(Serialize, ToSchema)]
pub struct WebhookView {
    pub id: WebhookId,
    pub provider: String,
    /// Where the operator posts.
    pub path: String,
    /// Hexadecimal; shown once, when it is made.
    pub secret: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub version: i64,
}

fn webhook_view(row: Webhook, secret: Option<String>) -> WebhookView {
    WebhookView {
        id: row.id,
        path: format!("/api/v1/webhooks/mobile-money/{}/{}", row.mutual_id, row.id),
        provider: row.provider,
        secret,
        created_at: row.created_at.and_utc(),
        ended_at: row.ended_at.map(|at| at.and_utc()),
        version: row.version,
    }
}

/// `GET /mutuals/{m}/mobile-money/webhooks`
pub async fn webhooks(guard: Guard<need::MoneySettings, MutualScope>) -> Result<HttpResponse> {
    let rows = guard.read(|r, scope| Ok(store::list_webhooks(r, scope.mutual())?)).await?;
    let items: Vec<WebhookView> = rows.into_iter().map(|row| webhook_view(row, None)).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// An operator that will tell of payments.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddWebhook {
    #[garde(skip)]
    pub id: Option<WebhookId>,
    #[garde(length(chars, min = 1, max = 40), pattern("^[A-Z][A-Z0-9_]*$"))]
    #[schema(min_length = 1, max_length = 40, pattern = "^[A-Z][A-Z0-9_]*$")]
    pub provider: String,
}

/// `POST /mutuals/{m}/mobile-money/webhooks`
pub async fn add_webhook(
    guard: Guard<need::MoneySettings, MutualScope>,
    body: Body<AddWebhook>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let mut secret = [0u8; 32];
    fill_from_machine(&mut secret);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let row = Webhook {
                    mutual_id: scope.mutual(),
                    id: Key::new(order.id.uuid()),
                    provider: asked.provider.clone(),
                    secret: secret.to_vec(),
                    created_by: order.asker.user,
                    created_at: w.now(),
                    ended_at: None,
                    version: 1,
                };
                store::insert_webhook(w, &row)?;
                w.changed("webhook", row.id.uuid(), None, None);
                w.field("provider", None, Some(json!(asked.provider)));
                w.mark(scope.today());
                Ok(())
            },
            |r, scope, order| {
                let row = store::find_webhook(r, scope.mutual(), Key::new(order.id.uuid()))?;
                Ok(webhook_view(row.ok_or(Problem::of(Code::NotFound))?, None))
            },
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/mobile-money/webhooks/{}", guard.scope.mutual(), view.id);
    let secret = (!replayed).then(|| data_encoding::HEXLOWER.encode(&secret));
    Ok(made(replayed, &location, Some(view.version), &WebhookView { secret, ..view }))
}

/// `POST /mutuals/{m}/mobile-money/webhooks/{id}/end`
pub async fn end_webhook(
    guard: Guard<need::MoneySettings, MutualScope>,
    path: Ids<(OrganisationId, WebhookId)>,
) -> Result<HttpResponse> {
    let order = guard.plain_order()?;
    let id = path.0.1;
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let row = store::find_webhook(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                must_match(if_match.as_deref(), row.version)?;
                let now = w.now();
                if !store::end_webhook(w, scope.mutual(), id, now)? {
                    return Err(Problem::with(Code::WrongState, "it was ended already").into());
                }
                w.changed("webhook", id.uuid(), None, None);
                w.mark(scope.today());
                Ok(())
            },
            move |r, scope, _| {
                let row = store::find_webhook(r, scope.mutual(), id)?;
                Ok(webhook_view(row.ok_or(Problem::of(Code::NotFound))?, None))
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// A telling that was well signed and refused.
#[derive(Serialize, ToSchema)]
pub struct RefusedTellingView {
    pub id: RefusedTellingId,
    pub webhook_id: WebhookId,
    /// Why, as it was answered.
    pub code: String,
    /// Where in the body; null where the whole of it is at fault.
    pub pointer: Option<String>,
    /// The body as it came.
    pub raw: String,
    pub received_at: DateTime<Utc>,
}

/// `GET /mutuals/{m}/mobile-money/refused`
pub async fn refused(
    guard: Guard<need::TreasuryRead, MutualScope>,
    query: Query<QuarantineFilter>,
) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "refused_tellings")?;
    let page: Page<RefusedTellingView> = guard
        .read(move |r, scope| {
            let rows = store::list_refused(r, scope.mutual(), ask.after_one()?, ask.fetch())?;
            Ok(ask.page(
                rows,
                |row| vec![row.id.to_string()],
                |row| RefusedTellingView {
                    id: row.id,
                    webhook_id: row.webhook_id,
                    code: row.code,
                    pointer: row.pointer,
                    raw: row.raw,
                    received_at: row.received_at.and_utc(),
                },
            ))
        })
        .await?;
    guard.note("refused_telling", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A payment as an operator tells it.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TellPayment {
    /// The operator's own number of it.
    #[garde(length(chars, min = 1, max = 80))]
    #[schema(min_length = 1, max_length = 80)]
    pub transaction_id: String,
    /// Major units, as text: `5500` or `10.50`.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    pub amount: String,
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// A household's number or a card number; empty where the payer gave none.
    #[garde(length(chars, max = 80))]
    #[schema(max_length = 80)]
    pub account_ref: String,
    /// Not after today.
    #[garde(skip)]
    pub received_on: NaiveDate,
}

/// What the telling is.
#[derive(Serialize, ToSchema)]
pub struct ToldView {
    pub event_id: MobileEventId,
    pub result: Seen,
}

/// The payment that a signed body tells, and the hash of what was read.
fn read_telling(path: &str, bytes: &[u8], webhook: &Webhook, scope: &MutualScope) -> Result<(Telling, [u8; 32])> {
    let body: Body<TellPayment> = crate::web::parse(path, bytes)?;
    let telling = Telling {
        provider: webhook.provider.clone(),
        provider_txn_id: body.value.transaction_id,
        amount: body.value.amount,
        currency: body.value.currency,
        account_ref: body.value.account_ref,
        received_on: body.value.received_on,
        raw: String::from_utf8_lossy(bytes).into_owned(),
    };
    telling.must_be_payment(scope.currency(), scope.today())?;
    Ok((telling, body.hash))
}

/// `POST /webhooks/mobile-money/{m}/{id}`
///
/// Asks for no login: the body is signed with the webhook's secret.
pub async fn tell(
    open: Open,
    path: Ids<(OrganisationId, WebhookId)>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let (mutual, id) = path.0;
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (timestamp, signature) = (header("Ayni-Timestamp"), header("Ayni-Signature"));
    let bytes = payload
        .to_bytes_limited(LARGEST_TELLING)
        .await
        .map_err(|_| Problem::with(Code::TooLarge, format!("at most {LARGEST_TELLING} bytes")))?
        .map_err(|_| Problem::of(Code::Unreadable))?;
    let picture = open.access.pictures.current()?;
    // Whether there is such a mutual or webhook is not told to who cannot sign.
    let scope = SystemScope::of_the_terminal()
        .mutual(&picture, open.desk.db.clock(), mutual)
        .map_err(|_| Problem::of(Code::SignatureRefused))?;
    let (db, hooks) = (open.desk.db.clone(), open.desk.hooks);
    let asker = open.asker(None);
    let route = open.facts.route.clone();
    let path = req.path().to_owned();
    let view = blocking(move || {
        let wall = Wall::mutual(scope.mutual());
        let known = db.read(wall, |r| store::find_webhook(r, scope.mutual(), id).map_err(Error::from))?;
        let webhook = known.filter(|row| row.ended_at.is_none()).ok_or(Problem::of(Code::SignatureRefused))?;
        let now = db.clock().now();
        mobile::verify_signature(&webhook.secret, timestamp.as_deref(), signature.as_deref(), &bytes, now)?;
        let order =
            |id, hash| Order { id, wall, route: route.clone(), hash, asker, today: scope.today(), by_header: false };
        let (telling, hash) = match read_telling(&path, &bytes, &webhook, &scope) {
            Ok(read) => read,
            // Who signed it had something to say: the body is kept as it came, once however often it is sent.
            Err(Error::Problem(problem)) => {
                let digest: [u8; 32] = Sha256::digest(&bytes).into();
                let order = order(part_of(webhook.id.uuid(), &digest), digest);
                let raw = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
                command(&db, &hooks, &order, |w| mobile::keep_refused(w, &scope, &order, webhook.id, &problem, &raw))?;
                return Err(Error::Problem(problem));
            }
            Err(error) => return Err(error),
        };
        let order = order(db.ids().next(), hash);
        let tellings = [telling];
        let done = command(&db, &hooks, &order, |w| mobile::take(w, &scope, &order, Channel::Webhook, &tellings))?;
        match done {
            Done::Made(mut told) if !told.is_empty() => {
                let told = told.remove(0);
                Ok(ToldView { event_id: told.event, result: told.result })
            }
            _ => Err(Error::Fault("a telling led to nothing".into())),
        }
    })
    .await?;
    Ok(shown(&view))
}
