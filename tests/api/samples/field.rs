//! Samples of devices, of what they push and pull, and of what the office decides on.
use super::register::{act, family, of, sample, scope_in};
use super::{Made, Named, Sample, fresh, fresh_id};
use crate::support::World;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ayni::access::permissions::Role;
use ayni::access::scopes::SystemScope;
use ayni::app::HOOKS;
use ayni::audit::model::{Asker, Purpose};
use ayni::db::Wall;
use ayni::error::Error;
use ayni::field::devices::{self, NewDevice};
use ayni::field::feed;
use ayni::field::model::{Device, DeviceState, HeldPush, HeldState};
use ayni::field::outcome::{Heard, Pushing};
use ayni::field::push;
use ayni::field::signatures::signed_text;
use ayni::field::store;
use ayni::households::duplicates_store::{self as duplicates, PairState, PossibleDuplicate};
use ayni::ids::*;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use uuid::Uuid;

/// The key of every device of these samples.
fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn agent(world: &World, user: Option<UserId>) -> UserId {
    user.unwrap_or(world.users["field_agent"])
}

/// Somebody new who collects in a section of the place: that of the caller, where he works in one.
fn new_agent(world: &World, user: Option<UserId>, place: &str) -> UserId {
    let mutual = if ["KAY", "GIT", "SEN"].contains(&place) { place } else { "KAY" };
    let section = if user == Some(world.users["section_registrar"]) { 2 } else { 1 };
    let (agent, _) = super::new_user(world, Some((Role::FieldAgent, &format!("{mutual}-S{section}"))));
    world.parts.access.pictures.reload().unwrap();
    agent
}

/// A device that waits for its code; with the code.
fn pending(world: &World, user: Option<UserId>, place: &str) -> (DeviceId, String) {
    let scope = scope_in(world, place);
    let new = NewDevice { agent: agent(world, user), code: fresh()[..8].to_owned(), name: "Phone".into() };
    let mut code = None;
    let id = act(world, &scope, |w, order| {
        code = Some(devices::register(w, &scope, order, &[new.agent], &new)?);
        Ok(())
    });
    (Key::new(id.uuid()), code.unwrap())
}

fn active(world: &World, user: Option<UserId>, place: &str) -> Device {
    let (id, code) = pending(world, user, place);
    let scope = scope_in(world, place);
    act(world, &scope, |w, _| {
        devices::activate(w, &scope, agent(world, user), &code, pair().public_key().as_ref()).map(|_| ())
    });
    let wall = Wall::mutual(scope.mutual());
    world.test.db.read(wall, |r| Ok::<_, Error>(store::find_device(r, scope.mutual(), id)?)).unwrap().unwrap()
}

/// A push of one household, in the section of the agent where the place has one.
fn envelope(world: &World, place: &str) -> Value {
    let section = if place == "KAY" { json!(world.org("KAY-S1")) } else { Value::Null };
    json!({
        "batch_id": fresh_id(world), "device_time": "2026-03-10T12:00:00+00:00", "schema": 1,
        "ops": [{
            "op_id": fresh_id(world), "type": "create", "entity": format!("household/{}", fresh_id(world)),
            "data": {"section_id": section, "registered_on": "2026-03-09", "members": [
                {"relationship": "principal", "family_name": fresh(), "given_name": fresh(), "sex": "female"}]},
        }],
    })
}

fn signed(made: Made, device: &Device) -> Made {
    let body = made.body.as_ref().unwrap().to_string();
    let at = "2026-03-10T12:00:00+00:00";
    let text = signed_text("POST", &format!("/api/v1{}", made.path), at, body.as_bytes());
    let signature = BASE64URL_NOPAD.encode(pair().sign(text.as_bytes()).as_ref());
    made.header("Ayni-Device", device.id.to_string()).header("Ayni-Timestamp", at).header("Ayni-Signature", signature)
}

/// An operation that came to nothing: it names a household that is not there.
fn proposal(world: &World, user: Option<UserId>, place: &str) -> OperationId {
    let agent = new_agent(world, user, place);
    let device = active(world, Some(agent), place);
    let family = family(world, user, place);
    let op = Uuid::parse_str(&fresh_id(world)).unwrap();
    let envelope = json!({
        "batch_id": fresh_id(world), "device_time": "2026-03-10T12:00:00+00:00", "schema": 1,
        "ops": [{"op_id": op, "type": "update", "entity": format!("household/{}", family.household),
            "base_version": 1, "data": {"class": "no class"}}],
    });
    let picture = world.parts.access.pictures.current().unwrap();
    let mutual = family.scope.mutual().into();
    let scope = SystemScope::of_the_terminal().agent(&picture, &world.test.clock, mutual, agent).unwrap();
    let asker = Asker { user: Some(device.agent_id), purpose: Purpose::Enrolment, request: op };
    let results = world.test.db.write(Wall::mutual(scope.mutual()), |w| {
        let by = Pushing { hooks: &HOOKS, picture: &picture, scope: &scope, device: &device, asker, heard: Heard::Now };
        push::push(w, &by, &push::read(envelope.to_string().as_bytes(), by.heard, scope.today())?)
    });
    assert_eq!(results.unwrap()[0].code.as_deref(), Some("OUT_OF_BOUNDS"));
    OperationId::new(op)
}

fn held(world: &World, place: &str) -> HeldPushId {
    let device = active(world, Some(new_agent(world, None, place)), place);
    let scope = scope_in(world, place);
    let lost = Device { state: DeviceState::Lost, version: device.version + 1, ..device.clone() };
    let body = envelope(world, place).to_string();
    world
        .test
        .db
        .write(Wall::mutual(scope.mutual()), |w| {
            store::set_device(w, &lost)?;
            let row = HeldPush {
                mutual_id: scope.mutual(),
                id: w.new_id(),
                device_id: device.id,
                body: body.clone(),
                signed_at: "2026-03-10T12:00:00+00:00".into(),
                received_at: w.now(),
                state: HeldState::Held,
                decided_by: None,
                decided_at: None,
                note: None,
                version: 1,
                content_hash: None,
            };
            store::insert_held(w, &row)?;
            Ok::<_, Error>(row.id)
        })
        .unwrap()
}

fn pair_of_persons(world: &World, user: Option<UserId>, place: &str) -> PossibleDuplicateId {
    let (one, other) = (family(world, user, place), family(world, user, place));
    let mutual = one.scope.mutual();
    world
        .test
        .db
        .write(Wall::mutual(mutual), |w| {
            let row = PossibleDuplicate {
                mutual_id: mutual,
                id: w.new_id(),
                member_id: one.member,
                other_id: other.member,
                score: 75,
                state: PairState::Open,
                found_at: w.now(),
                decided_by: None,
                decided_at: None,
                note: None,
                version: 1,
            };
            duplicates::insert_pair(w, &row)?;
            Ok::<_, Error>(row.id)
        })
        .unwrap()
}

fn device(world: &World, place: &str, rest: &str) -> Made {
    of(world, place, &format!("/devices/{}{rest}", active(world, None, place).id))
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/devices", "mutual_admin", |world, _, place| {
        active(world, None, place);
        of(world, place, "/devices")
    }),
    sample!("POST /mutuals/{m}/devices", "mutual_admin", |world, _, place| {
        let agent = new_agent(world, None, place);
        of(world, place, "/devices")
            .json(json!({"id": fresh_id(world), "agent_id": agent, "code": &fresh()[..8], "name": "Phone"}))
    }),
    sample!("GET /mutuals/{m}/devices/{id}", "mutual_admin", |world, _, place| device(world, place, "")),
    sample!("POST /mutuals/{m}/devices/{id}/code", "mutual_admin", |world, _, place| {
        device(world, place, "/code").header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/devices/{id}/lost", "mutual_admin", |world, _, place| {
        device(world, place, "/lost").header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/devices/{id}/revoke", "mutual_admin", |world, _, place| {
        device(world, place, "/revoke").header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/devices/activate", "field_agent", |world, user, place| {
        let (_, code) = pending(world, user, place);
        let key = BASE64URL_NOPAD.encode(pair().public_key().as_ref());
        of(world, place, "/devices/activate").json(json!({"code": code, "public_key": key}))
    }),
    sample!("POST /mutuals/{m}/devices/{id}/number-blocks", "field_agent", |world, user, place| {
        let device = active(world, user, place);
        of(world, place, &format!("/devices/{}/number-blocks", device.id))
            .json(json!({"id": fresh_id(world), "count": 5}))
    }),
    sample!("POST /mutuals/{m}/sync/push", "field_agent", |world, user, place| {
        let device = active(world, user, place);
        signed(of(world, place, "/sync/push").json(envelope(world, place)), &device)
    }),
    sample!("GET /mutuals/{m}/sync/pull", "field_agent", |world, user, place| {
        let family = family(world, user, place);
        let device = active(world, user, place);
        // A pull numbers what waits: here nothing does.
        feed::number_all(&world.test.db, family.scope.mutual()).unwrap();
        of(world, place, &format!("/sync/pull?device_id={}&limit=2", device.id))
    }),
    sample!("GET /mutuals/{m}/sync/areas", "field_agent", |world, _, place| of(world, place, "/sync/areas")),
    sample!("GET /mutuals/{m}/sync/products", "field_agent", |world, _, place| of(world, place, "/sync/products")),
    sample!("GET /mutuals/{m}/sync/texts", "field_agent", |world, _, place| of(world, place, "/sync/texts?lang=fr")),
    sample!("GET /mutuals/{m}/proposals", "mutual_admin", |world, user, place| {
        proposal(world, user, place);
        of(world, place, "/proposals?state=OPEN")
    }),
    sample!("GET /mutuals/{m}/proposals/{id}", "mutual_admin", |world, user, place| {
        of(world, place, &format!("/proposals/{}", proposal(world, user, place)))
    }),
    sample!("POST /mutuals/{m}/proposals/{id}/accept", "mutual_admin", |world, user, place| {
        of(world, place, &format!("/proposals/{}/accept", proposal(world, user, place)))
            .json(json!({"id": fresh_id(world), "data": {"class": "INDIGENT"}, "note": "Asked the agent"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/proposals/{id}/discard", "mutual_admin", |world, user, place| {
        of(world, place, &format!("/proposals/{}/discard", proposal(world, user, place)))
            .json(json!({"note": "A slip"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/held-pushes", "mutual_admin", |world, _, place| {
        held(world, place);
        of(world, place, "/held-pushes")
    }),
    sample!("POST /mutuals/{m}/held-pushes/{id}/apply", "mutual_admin", |world, _, place| {
        of(world, place, &format!("/held-pushes/{}/apply", held(world, place)))
            .json(json!({"note": "The agent found it again"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/held-pushes/{id}/discard", "mutual_admin", |world, _, place| {
        of(world, place, &format!("/held-pushes/{}/discard", held(world, place)))
            .json(json!({"note": "Not by the agent"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/duplicates", "mutual_admin", |world, user, place| {
        pair_of_persons(world, user, place);
        of(world, place, "/duplicates?state=OPEN")
    }),
    sample!("POST /mutuals/{m}/duplicates/{id}/decision", "mutual_admin", |world, user, place| {
        of(world, place, &format!("/duplicates/{}/decision", pair_of_persons(world, user, place)))
            .json(json!({"judgement": "DIFFERENT", "note": "Cousins"}))
            .header("If-Match", "\"v1\"")
    }),
];
