//! Samples of the treasury: what is taken back and given up, desks.
use super::register::{Family, act, admitted, currency_in, family, of, payment, pays, sample, scope_in};
use super::{Named, Sample, fresh, fresh_id, made};
use crate::support::World;
use ayni::access::approvals;
use ayni::access::scopes::MutualScope;
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::{Order, command};
use ayni::contributions::model::{CancellationKind, Method};
use ayni::contributions::position::Position;
use ayni::contributions::service::{self as contributions, Locked, NewPayment, Taker};
use ayni::contributions::{desks, relief, store};
use ayni::db::Wall;
use ayni::db::Write;
use ayni::error::Error;
use ayni::households::store as households;
use ayni::ids::*;
use ayni::ledger::rules::MovementKind;
use ayni::treasury::collections::{Line, NewCollection};
use ayni::treasury::mobile::Telling;
use ayni::treasury::model::{Channel, Place as TreasuryPlace, Webhook};
use ayni::treasury::movements::NewMovement;
use ayni::treasury::{collections, collectors, mobile, movements, store as treasury, subsidies};
use serde_json::{Value, json};

/// An open due of a household that was admitted today.
fn due(world: &World, user: Option<UserId>, place: &str) -> DueId {
    let (family, _) = admitted(world, user, place);
    let mutual = family.scope.mutual();
    let position =
        world.test.db.read(Wall::mutual(mutual), |r| Ok::<_, Error>(Position::load(r, mutual, family.household)?));
    position.unwrap().dues[0].id
}

/// A desk of its own, closed or open.
fn desk(world: &World, place: &str, is_open: bool) -> CashDeskId {
    let scope = scope_in(world, place);
    let id = act(world, &scope, |w, order| desks::add(w, &scope, order, &format!("D{}", &fresh()[..8]), "Market"));
    let id: CashDeskId = Key::new(id.uuid());
    if is_open {
        act(world, &scope, |w, order| desks::open(w, &scope, order, id, 0, None).map(|_| ()));
    }
    id
}

fn counted(world: &World, place: &str) -> serde_json::Value {
    json!({"id": fresh_id(world), "counted_minor": 0, "currency": currency_in(place)})
}

fn order_of(world: &World, scope: &MutualScope, user: Option<UserId>) -> Order {
    let mut order = terminal_order(&world.test.db, "a sample's rows");
    (order.wall, order.today) = (Wall::mutual(scope.mutual()), scope.today());
    order.asker.user = user;
    order
}

/// Does something as a user.
fn act_as(
    world: &World,
    scope: &MutualScope,
    user: UserId,
    mut body: impl FnMut(&mut Write, &Order) -> Result<(), Error>,
) -> CommandId {
    let order = order_of(world, scope, Some(user));
    command(&world.test.db, &HOOKS, &order, |w| body(w, &order)).unwrap();
    order.id
}

/// What a collector of the place holds: the caller himself where he is one.
fn float(world: &World, user: Option<UserId>, place: &str) -> (MutualScope, UserId) {
    let family = family(world, user, place);
    let agent = world.users["field_agent"];
    let collector = if place == "KAY" { agent } else { world.users["treasurer@GIT"] };
    let scope = family.scope.clone();
    act(world, &scope, |w, order| {
        let (mutual, household) = (scope.mutual(), family.household);
        let revision = households::lock(w, mutual, household)?.unwrap();
        let (currency, today) = (scope.currency(), scope.today());
        let locked = Locked { mutual, household, revision, currency, today, command: order.id };
        let new = NewPayment {
            amount_minor: 700,
            method: Method::Cash,
            received_on: today,
            reference: None,
            taker: Taker::Collector(collector),
            label: None,
            source: None,
            was_unallocated: false,
        };
        contributions::pay(w, order, &locked, Key::new(order.id.uuid()), &new)?;
        w.touch(household);
        Ok(())
    });
    (family.scope, collector)
}

fn remittance(world: &World, user: Option<UserId>, place: &str) -> RemittanceId {
    let (scope, collector) = float(world, user, place);
    let id = act_as(world, &scope, collector, |w, order| collectors::submit(w, &scope, order, collector, 500));
    Key::new(id.uuid())
}

fn counted_remittance(world: &World, user: Option<UserId>, place: &str) -> RemittanceId {
    let id = remittance(world, user, place);
    let scope = scope_in(world, place);
    act_as(world, &scope, world.users["mutual_admin"], |w, order| {
        collectors::count(w, &scope, order, id, Some("\"v1\""), None, 400, Some("lost"))
    });
    id
}

fn movement(world: &World, place: &str) -> MovementId {
    let scope = scope_in(world, place);
    let new = NewMovement {
        kind: MovementKind::Grant,
        amount_minor: 5_000,
        holding: TreasuryPlace::Bank,
        cash_desk_id: None,
        collector_id: None,
        category: None,
        description: "A grant".into(),
        counterparty: None,
        reference: None,
        moved_on: scope.today(),
    };
    let id = act(world, &scope, |w, order| movements::record(w, &scope, order, &new, &[]).map(|_| ()));
    Key::new(id.uuid())
}

fn movement_body(world: &World, place: &str) -> Value {
    json!({"id": fresh_id(world), "kind": "expense", "amount_minor": 900, "currency": currency_in(place),
        "holding": "bank", "category": "rent", "description": "Rent of March", "moved_on": "2026-03-10"})
}

/// A household's number.
fn number_of(world: &World, family: &Family) -> String {
    let mutual = family.scope.mutual();
    let found = world
        .test
        .db
        .read(Wall::mutual(mutual), |r| Ok::<_, Error>(households::find(r, &family.scope, family.household)?));
    found.unwrap().unwrap().number
}

/// A collection whose list does not agree, and the number of its household.
fn collection(world: &World, user: Option<UserId>, place: &str) -> (GroupCollectionId, String) {
    let family = family(world, user, place);
    let number = number_of(world, &family);
    let scope = &family.scope;
    let new = NewCollection {
        group: None,
        payer: "Cooperative".into(),
        method: Method::Payroll,
        desk: None,
        amount_minor: 900,
        received_on: scope.today(),
        reference: None,
        list: vec![Line { household_number: number.clone(), amount_minor: 800 }],
    };
    let id = act(world, scope, |w, order| collections::record(w, scope, order, &new));
    (Key::new(id.uuid()), number)
}

/// An invoice for a due that a fund has taken over.
fn subsidy(world: &World, user: Option<UserId>, place: &str) -> (MutualScope, SubsidyBatchId) {
    let scope = fund_due(world, user, place);
    let today = scope.today();
    let id = act(world, &scope, |w, order| subsidies::invoice(w, &scope, order, "FUND", today));
    (scope, Key::new(id.uuid()))
}

fn fund_due(world: &World, user: Option<UserId>, place: &str) -> MutualScope {
    let due = due(world, user, place);
    let scope = scope_in(world, place);
    let asked = act_as(world, &scope, world.users["treasurer"], |w, order| {
        relief::request(w, &scope, order, CancellationKind::Waived, due, None, Some("FUND"), "a poor harvest")
    });
    act_as(world, &scope, world.users["mutual_admin"], |w, order| {
        approvals::decide(w, &HOOKS, &scope, order, Key::new(asked.uuid()), Some("\"v1\""), None)
    });
    scope
}

/// What an operator told: without a household, or in another currency.
fn event(world: &World, place: &str, currency: &str) -> MobileEventId {
    let scope = scope_in(world, place);
    let telling = Telling {
        provider: "LUMICASH".into(),
        provider_txn_id: fresh(),
        amount: "500".into(),
        currency: currency.into(),
        account_ref: "unknown".into(),
        received_on: scope.today(),
        raw: "{}".into(),
    };
    let mut event = MobileEventId::NIL;
    act(world, &scope, |w, order| {
        event = mobile::take(w, &scope, order, Channel::Webhook, std::slice::from_ref(&telling))?[0].event;
        Ok(())
    });
    event
}

const SECRET: [u8; 4] = *b"salt";

fn webhook(world: &World, place: &str) -> (MutualScope, WebhookId) {
    let scope = scope_in(world, place);
    let mut id = WebhookId::NIL;
    act(world, &scope, |w, order| {
        id = Key::new(order.id.uuid());
        let row = Webhook {
            mutual_id: scope.mutual(),
            id,
            provider: "LUMICASH".into(),
            secret: SECRET.to_vec(),
            created_by: None,
            created_at: w.now(),
            ended_at: None,
            version: 1,
        };
        Ok(treasury::insert_webhook(w, &row)?)
    });
    (scope, id)
}

const V1: (&str, &str) = ("If-Match", "\"v1\"");

/// The receipt of a payment.
fn receipt(world: &World, user: Option<UserId>, place: &str) -> ReceiptId {
    let (family, payment) = payment(world, user, place);
    let mutual = family.scope.mutual();
    let found =
        world.test.db.read(Wall::mutual(mutual), |r| Ok::<_, Error>(store::find_payment(r, &family.scope, payment)?));
    found.unwrap().unwrap().1.id
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/books", "treasurer", |world, _, place| of(world, place, "/books")),
    sample!("GET /mutuals/{m}/books/{book}/trial-balance", "treasurer", |world, _, place| {
        of(world, place, "/books/MAIN/trial-balance")
    }),
    sample!("GET /mutuals/{m}/accounts/{id}/history", "treasurer", |world, user, place| {
        let mutual = payment(world, user, place).0.scope.mutual();
        let found = world
            .test
            .db
            .read(Wall::mutual(mutual), |r| Ok::<_, Error>(ayni::ledger::store::list_accounts_of(r, mutual, "MAIN")?));
        let id = found.unwrap().iter().find(|account| account.code == "cash").unwrap().id;
        of(world, place, &format!("/accounts/{id}/history"))
    }),
    sample!("GET /mutuals/{m}/journal", "treasurer", |world, user, place| {
        payment(world, user, place);
        of(world, place, "/journal").header("Accept", "text/csv")
    }),
    sample!("GET /mutuals/{m}/arrears", "treasurer", |world, user, place| {
        admitted(world, user, place);
        of(world, place, "/arrears?limit=3")
    }),
    sample!("GET /mutuals/{m}/unallocated", "treasurer", |world, user, place| {
        pays(world, &family(world, user, place), 70);
        of(world, place, "/unallocated?limit=3")
    }),
    sample!("GET /mutuals/{m}/contributions", "treasurer", |world, _, place| of(world, place, "/contributions")),
    sample!("GET /mutuals/{m}/households/{id}/statement", "treasurer", |world, user, place| {
        of(world, place, &format!("/households/{}/statement", payment(world, user, place).0.household))
    }),
    sample!("GET /mutuals/{m}/receipt-series", "treasurer", |world, _, place| of(world, place, "/receipt-series")),
    sample!("GET /mutuals/{m}/receipts/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/receipts/{}", receipt(world, user, place)))
    }),
    sample!("GET /mutuals/{m}/claims/overtaken", "claims_officer", |world, _, place| {
        of(world, place, "/claims/overtaken")
    }),
    sample!("GET /mutuals/{m}/money-settings", "treasurer", |world, _, place| of(world, place, "/money-settings")),
    sample!("PATCH /mutuals/{m}/money-settings", "mutual_admin", |world, _, place| {
        let scope = scope_in(world, place);
        let mutual = scope.mutual();
        let known =
            world.test.db.read(Wall::mutual(mutual), |r| Ok::<_, Error>(treasury::settings(r, mutual)?)).unwrap();
        of(world, place, "/money-settings")
            .json(json!({"commission_bp": 500}))
            .header("If-Match", format!("\"v{}\"", known.version))
    }),
    sample!("GET /mutuals/{m}/movements", "treasurer", |world, _, place| of(world, place, "/movements")),
    sample!("POST /mutuals/{m}/movements", "treasurer", |world, _, place| {
        of(world, place, "/movements").json(movement_body(world, place))
    }),
    sample!("GET /mutuals/{m}/movements/{id}", "treasurer", |world, _, place| {
        of(world, place, &format!("/movements/{}", movement(world, place)))
    }),
    sample!("POST /mutuals/{m}/movements/{id}/reversal", "treasurer", |world, _, place| {
        of(world, place, &format!("/movements/{}/reversal", movement(world, place)))
            .json(json!({"id": fresh_id(world), "reason": "entered twice"}))
    }),
    sample!("GET /mutuals/{m}/collectors", "treasurer", |world, user, place| {
        float(world, user, place);
        of(world, place, "/collectors")
    }),
    sample!("GET /mutuals/{m}/remittances", "treasurer", |world, _, place| of(world, place, "/remittances")),
    sample!("POST /mutuals/{m}/remittances", "treasurer", |world, user, place| {
        let (_, collector) = float(world, user, place);
        of(world, place, "/remittances").json(json!({"id": fresh_id(world), "declared_minor": 300,
            "currency": currency_in(place), "collector_id": collector}))
    }),
    sample!("GET /mutuals/{m}/remittances/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/remittances/{}", remittance(world, user, place)))
    }),
    sample!("POST /mutuals/{m}/remittances/{id}/count", "treasurer", |world, user, place| {
        of(world, place, &format!("/remittances/{}/count", remittance(world, user, place)))
            .json(json!({"id": fresh_id(world), "counted_minor": 500}))
            .header(V1.0, V1.1)
    }),
    sample!("POST /mutuals/{m}/remittances/{id}/close", "treasurer", |world, user, place| {
        of(world, place, &format!("/remittances/{}/close", counted_remittance(world, user, place)))
            .header("If-Match", "\"v2\"")
    }),
    sample!("GET /mutuals/{m}/group-collections", "treasurer", |world, user, place| {
        collection(world, user, place);
        of(world, place, "/group-collections?limit=2")
    }),
    sample!("POST /mutuals/{m}/group-collections", "treasurer", |world, user, place| {
        let number = number_of(world, &family(world, user, place));
        of(world, place, "/group-collections").json(json!({"id": fresh_id(world), "payer": "Cooperative",
            "method": "payroll", "amount_minor": 800, "currency": currency_in(place), "received_on": "2026-03-10",
            "list": [{"household_number": number, "amount_minor": 800}]}))
    }),
    sample!("GET /mutuals/{m}/group-collections/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/group-collections/{}", collection(world, user, place).0))
    }),
    sample!("PUT /mutuals/{m}/group-collections/{id}/list", "treasurer", |world, user, place| {
        let (id, number) = collection(world, user, place);
        of(world, place, &format!("/group-collections/{id}/list"))
            .json(json!({"list": [{"household_number": number, "amount_minor": 900}]}))
            .header(V1.0, V1.1)
    }),
    sample!("GET /mutuals/{m}/subsidies", "treasurer", |world, _, place| of(world, place, "/subsidies")),
    sample!("POST /mutuals/{m}/subsidies", "treasurer", |world, user, place| {
        fund_due(world, user, place);
        of(world, place, "/subsidies").json(json!({"id": fresh_id(world), "payer": "FUND"}))
    }),
    sample!("GET /mutuals/{m}/subsidies/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/subsidies/{}", subsidy(world, user, place).1))
    }),
    sample!("GET /mutuals/{m}/subsidies/{id}/beneficiaries", "treasurer", |world, user, place| {
        of(world, place, &format!("/subsidies/{}/beneficiaries", subsidy(world, user, place).1))
    }),
    sample!("POST /mutuals/{m}/subsidies/{id}/payments", "treasurer", |world, user, place| {
        of(world, place, &format!("/subsidies/{}/payments", subsidy(world, user, place).1)).json(json!({
            "id": fresh_id(world), "amount_minor": 10, "currency": currency_in(place), "received_on": "2026-03-10"}))
    }),
    sample!("POST /mutuals/{m}/mobile-money/statements", "treasurer", |world, user, place| {
        let number = number_of(world, &family(world, user, place));
        let csv = format!(
            "transaction_id,date,amount,currency,account_ref\n{},2026-03-10,700,{},{number}\n",
            fresh(),
            currency_in(place)
        );
        of(world, place, "/mobile-money/statements")
            .json(json!({"id": fresh_id(world), "provider": "LUMICASH", "csv": csv}))
    }),
    sample!("GET /mutuals/{m}/mobile-money/quarantine", "treasurer", |world, _, place| {
        event(world, place, currency_in(place));
        of(world, place, "/mobile-money/quarantine")
    }),
    sample!("POST /mutuals/{m}/mobile-money/events/{id}/assign", "treasurer", |world, user, place| {
        let home = family(world, user, place).household;
        of(world, place, &format!("/mobile-money/events/{}/assign", event(world, place, currency_in(place))))
            .json(json!({"id": fresh_id(world), "household_id": home}))
    }),
    sample!("POST /mutuals/{m}/mobile-money/events/{id}/return", "treasurer", |world, _, place| {
        of(world, place, &format!("/mobile-money/events/{}/return", event(world, place, currency_in(place))))
            .json(json!({"id": fresh_id(world), "reason": "nobody knows the payer"}))
    }),
    sample!("POST /mutuals/{m}/mobile-money/events/{id}/dismiss", "treasurer", |world, _, place| {
        of(world, place, &format!("/mobile-money/events/{}/dismiss", event(world, place, "EUR")))
            .json(json!({"id": fresh_id(world), "reason": "a test of the operator"}))
    }),
    sample!("GET /mutuals/{m}/mobile-money/refused", "treasurer", |world, _, place| {
        of(world, place, "/mobile-money/refused")
    }),
    sample!("GET /mutuals/{m}/mobile-money/webhooks", "mutual_admin", |world, _, place| {
        of(world, place, "/mobile-money/webhooks")
    }),
    sample!("POST /mutuals/{m}/mobile-money/webhooks", "mutual_admin", |world, _, place| {
        of(world, place, "/mobile-money/webhooks").json(json!({"id": fresh_id(world), "provider": "LUMICASH"}))
    }),
    sample!("POST /mutuals/{m}/mobile-money/webhooks/{id}/end", "mutual_admin", |world, _, place| {
        of(world, place, &format!("/mobile-money/webhooks/{}/end", webhook(world, place).1)).header(V1.0, V1.1)
    }),
    sample!("POST /webhooks/mobile-money/{m}/{id}", "treasurer", |world, _, place| {
        let (scope, id) = webhook(world, place);
        let body = json!({"transaction_id": fresh(), "amount": "500", "currency": currency_in(place),
            "account_ref": "", "received_on": "2026-03-10"});
        let now = world.test.db.clock().now().and_utc().timestamp();
        made(format!("/webhooks/mobile-money/{}/{id}", scope.mutual()))
            .header("Ayni-Timestamp", now.to_string())
            .header("Ayni-Signature", mobile::sign(&SECRET, now, body.to_string().as_bytes()))
            .json(body)
    }),
    sample!("POST /mutuals/{m}/payments/{id}/reversal", "treasurer", |world, user, place| {
        of(world, place, &format!("/payments/{}/reversal", payment(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "entered twice"}))
    }),
    sample!("POST /mutuals/{m}/refunds", "treasurer", |world, user, place| {
        let family = family(world, user, place);
        pays(world, &family, 500);
        of(world, place, "/refunds").json(json!({
            "id": fresh_id(world), "household_id": family.household, "amount_minor": 300,
            "currency": currency_in(place), "method": "cash", "reason": "moves away",
        }))
    }),
    sample!("POST /mutuals/{m}/dues/{id}/waiver", "treasurer", |world, user, place| {
        of(world, place, &format!("/dues/{}/waiver", due(world, user, place)))
            .json(json!({"id": fresh_id(world), "reason": "a poor harvest", "payer": "DONOR"}))
    }),
    sample!("POST /mutuals/{m}/dues/{id}/write-off", "treasurer", |world, user, place| {
        of(world, place, &format!("/dues/{}/write-off", due(world, user, place)))
            .json(json!({"id": fresh_id(world), "reason": "moved away"}))
    }),
    sample!("GET /mutuals/{m}/cash-desks", "treasurer", |world, _, place| of(world, place, "/cash-desks")),
    sample!("POST /mutuals/{m}/cash-desks", "treasurer", |world, _, place| {
        of(world, place, "/cash-desks")
            .json(json!({"id": fresh_id(world), "code": format!("M{}", &fresh()[..8]), "name": "Market"}))
    }),
    sample!("POST /mutuals/{m}/cash-desks/{id}/open", "treasurer", |world, _, place| {
        of(world, place, &format!("/cash-desks/{}/open", desk(world, place, false))).json(counted(world, place))
    }),
    sample!("POST /mutuals/{m}/cash-desks/{id}/close", "treasurer", |world, _, place| {
        of(world, place, &format!("/cash-desks/{}/close", desk(world, place, true))).json(counted(world, place))
    }),
    sample!("GET /mutuals/{m}/cash-desks/{id}/sessions", "treasurer", |world, _, place| {
        of(world, place, &format!("/cash-desks/{}/sessions", desk(world, place, true)))
    }),
    sample!("GET /mutuals/{m}/cash-sessions/{id}", "treasurer", |world, _, place| {
        let desk = desk(world, place, true);
        let mutual = scope_in(world, place).mutual();
        let session =
            world.test.db.read(Wall::mutual(mutual), |r| Ok::<_, Error>(store::last_session(r, mutual, desk)?));
        let id = session.unwrap().map_or(CashSessionId::NIL, |session| session.id);
        of(world, place, &format!("/cash-sessions/{id}"))
    }),
];
