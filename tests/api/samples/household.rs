//! Samples of events, of what a person's file holds, and of groups.
use super::register::{act, admitted, family, of, sample};
use super::{Named, Sample, fresh, fresh_id, made};
use crate::support::World;
use ayni::access::scopes::MutualScope;
use ayni::app::HOOKS;
use ayni::enrolments::membership::{self, NewStep};
use ayni::households::events::{NewEvent, What, record};
use ayni::households::file::{self, NewDocument, NewExternalCover, NewGroup};
use ayni::households::model::EventKind;
use ayni::ids::*;
use chrono::NaiveDate;
use serde_json::json;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn departed(world: &World, scope: &MutualScope, household: HouseholdId, member: MemberId) -> CommandId {
    let event =
        NewEvent { kind: EventKind::Departure, on: date("2026-03-08"), note: None, what: What::Member { member } };
    act(world, scope, |w, order| record(w, &HOOKS, scope, order, household, &event).map(|_| ()))
}

/// The child of a sample family: the one who is not the principal.
fn child(world: &World, family: &super::register::Family) -> MemberId {
    let rows = world
        .test
        .db
        .read(ayni::db::Wall::mutual(family.scope.mutual()), |r| {
            Ok::<_, ayni::error::Error>(ayni::households::store::list_of_household(
                r,
                family.scope.mutual(),
                family.household,
            )?)
        })
        .unwrap();
    rows.iter().find(|(_, stay)| stay.relationship.code() == "child").map(|(member, _)| member.id).unwrap()
}

fn step(on: &str) -> NewStep {
    NewStep { on: date(on), effective_on: None, reason: Some("For a sample".into()) }
}

/// An enrolment that is excluded after a hearing.
fn excluded(world: &World, user: Option<UserId>, place: &str) -> (MutualScope, EnrolmentId) {
    let (family, id) = admitted(world, user, place);
    let scope = family.scope;
    act(world, &scope, |w, order| membership::hear(w, &scope, order, id, Some("\"v2\""), &step("2026-03-08")));
    act(world, &scope, |w, order| membership::exclude(w, &scope, order, id, Some("\"v3\""), &step("2026-03-09")));
    (scope, id)
}

fn group(world: &World, scope: &MutualScope) -> CommandId {
    let new = NewGroup { code: fresh(), name: "Coffee growers".into(), kind: "cooperative".parse().unwrap() };
    act(world, scope, |w, order| file::add_group(w, scope, order, &new))
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/households/{id}/events", "registrar", |world, user, place| {
        let family = family(world, user, place);
        departed(world, &family.scope, family.household, child(world, &family));
        of(world, place, &format!("/households/{}/events", family.household))
    }),
    sample!("POST /mutuals/{m}/households/{id}/events", "registrar", |world, user, place| {
        of(world, place, &format!("/households/{}/events", family(world, user, place).household)).json(json!({
            "id": fresh_id(world), "kind": "BIRTH", "on": "2026-03-05",
            "person": {"relationship": "child", "family_name": "Ndayizeye", "given_name": fresh(), "sex": "male"},
        }))
    }),
    sample!("POST /mutuals/{m}/events/{id}/reverse", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let event = departed(world, &family.scope, family.household, child(world, &family));
        of(world, place, &format!("/events/{event}/reverse")).json(json!({"id": fresh_id(world), "reason": "Mistaken"}))
    }),
    sample!("GET /mutuals/{m}/members/{id}/file", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/file", family(world, user, place).member))
    }),
    sample!("POST /mutuals/{m}/members/{id}/documents", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/documents", family(world, user, place).member))
            .json(json!({"id": fresh_id(world), "kind": "national_id", "number": "531.0801/64.551"}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/phones", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/phones", family(world, user, place).member))
            .json(json!({"id": fresh_id(world), "number": "+257 79 000 002"}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/consents", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/consents", family(world, user, place).member))
            .json(json!({"id": fresh_id(world), "purpose": "photo", "wording": "2026-1", "given": false}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/external-covers", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/external-covers", family(world, user, place).member))
            .json(json!({"id": fresh_id(world), "scheme": "CAM", "number": "77", "from_on": "2026-01-01"}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/documents/{part}/end", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let (scope, member) = (&family.scope, family.member);
        let new =
            NewDocument { kind: "passport".parse().unwrap(), number: "P1".into(), issued_on: None, expires_on: None };
        let part = act(world, scope, |w, order| file::add_document(w, scope, order, member, &new));
        of(world, place, &format!("/members/{member}/documents/{part}/end")).json(json!({"id": fresh_id(world)}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/phones/{part}/end", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let (scope, member) = (&family.scope, family.member);
        let part = act(world, scope, |w, order| file::add_phone(w, scope, order, member, "+25779000003"));
        of(world, place, &format!("/members/{member}/phones/{part}/end")).json(json!({"id": fresh_id(world)}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/external-covers/{part}/end", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let (scope, member) = (&family.scope, family.member);
        let new = NewExternalCover { scheme: "CAM".into(), number: None, from_on: date("2026-01-01"), to_on: None };
        let part = act(world, scope, |w, order| file::add_external_cover(w, scope, order, member, &new));
        of(world, place, &format!("/members/{member}/external-covers/{part}/end"))
            .json(json!({"id": fresh_id(world), "on": "2026-02-28"}))
    }),
    sample!("GET /mutuals/{m}/groups", "registrar", |world, user, place| {
        group(world, &family(world, user, place).scope);
        of(world, place, "/groups")
    }),
    sample!("POST /mutuals/{m}/groups", "registrar", |world, _, place| {
        of(world, place, "/groups")
            .json(json!({"id": fresh_id(world), "code": fresh(), "name": "Coffee growers", "kind": "cooperative"}))
    }),
    sample!("GET /mutuals/{m}/groups/{id}/members", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let group: GroupId = Key::new(group(world, &family.scope).uuid());
        let scope = &family.scope;
        act(world, scope, |w, order| file::join_group(w, scope, order, group, family.member, date("2026-03-05")));
        of(world, place, &format!("/groups/{group}/members"))
    }),
    sample!("POST /mutuals/{m}/groups/{id}/members", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let group = group(world, &family.scope);
        of(world, place, &format!("/groups/{group}/members"))
            .json(json!({"id": fresh_id(world), "member_id": family.member}))
    }),
    sample!("POST /mutuals/{m}/groups/{id}/members/{part}/end", "registrar", |world, user, place| {
        let family = family(world, user, place);
        let group: GroupId = Key::new(group(world, &family.scope).uuid());
        let (scope, member) = (&family.scope, family.member);
        let part = act(world, scope, |w, order| file::join_group(w, scope, order, group, member, date("2026-03-05")));
        of(world, place, &format!("/groups/{group}/members/{part}/end")).json(json!({"id": fresh_id(world)}))
    }),
    sample!("GET /mutuals/{m}/work", "registrar", |world, user, place| {
        admitted(world, user, place);
        of(world, place, "/work")
    }),
    sample!("GET /mutuals/{m}/work/{list}", "registrar", |world, user, place| {
        admitted(world, user, place);
        of(world, place, "/work/unpaid")
    }),
    sample!("GET /mutuals/{m}/enrolments/{id}/steps", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/steps", admitted(world, user, place).1))
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/renew", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/renew", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world)}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/resign", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/resign", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "For a sample"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/hearing", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/hearing", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "For a sample"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/cancel", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/cancel", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "For a sample"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/end", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/end", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "For a sample"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/entered-in-error", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/entered-in-error", admitted(world, user, place).1))
            .json(json!({"id": fresh_id(world), "reason": "For a sample"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/exclude", "registrar", |world, user, place| {
        let (family, id) = admitted(world, user, place);
        let scope = family.scope;
        act(world, &scope, |w, order| membership::hear(w, &scope, order, id, Some("\"v2\""), &step("2026-03-08")));
        of(world, place, &format!("/enrolments/{id}/exclude"))
            .json(json!({"id": fresh_id(world), "reason": "Lent the card"}))
            .header("If-Match", "\"v3\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/appeal", "registrar", |world, user, place| {
        let (_, id) = excluded(world, user, place);
        of(world, place, &format!("/enrolments/{id}/appeal"))
            .json(json!({"id": fresh_id(world), "reason": "It was stolen"}))
            .header("If-Match", "\"v4\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/appeal/decision", "registrar", |world, user, place| {
        let (scope, id) = excluded(world, user, place);
        act(world, &scope, |w, order| membership::appeal(w, &scope, order, id, Some("\"v4\""), &step("2026-03-10")));
        of(world, place, &format!("/enrolments/{id}/appeal/decision"))
            .json(json!({"id": fresh_id(world), "upheld": true, "reason": "The police report says so"}))
            .header("If-Match", "\"v5\"")
    }),
    Sample {
        key: "PATCH /areas/{id}",
        by: ("platform_admin", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            let id = world.area(&format!("Hill {}", fresh()));
            made(format!("/areas/{id}")).json(json!({"valid_to": "2026-06-30"})).header("If-Match", "\"v1\"")
        },
    },
    Sample {
        key: "POST /areas/import",
        by: ("platform_admin", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            let csv = format!("code,name,valid_from\nX{},Hill {},2025-06-05\n", fresh(), fresh());
            made("/areas/import").json(json!({"id": fresh_id(world), "country": "BI", "csv": csv}))
        },
    },
];
