//! Samples of what follows a claim's first decision: review, voids, letters, appeals, settlements, advances.
use super::care::{approval, claims, claims_at};
use super::register::{Family, act, family, of, sample, scope_in};
use super::{Made, Named, Sample, above, facility_of, fresh_id, made};
use crate::support::World;
use ayni::access::approvals;
use ayni::app::HOOKS;
use ayni::claims::appeals;
use ayni::claims::letters::{self, Issue, NewLetter};
use ayni::claims::model::Appellant;
use ayni::ids::*;
use serde_json::json;

/// A claim that waits for a person.
fn waiting(world: &World, user: Option<UserId>, place: &str) -> ClaimId {
    claims(world, user, place, 2).1[1]
}

fn at(world: &World, place: &str, id: ClaimId, rest: &str) -> Made {
    of(world, place, &format!("/claims/{id}/{rest}"))
}

/// A letter that is asked for, and whose it is.
fn letter(world: &World, user: Option<UserId>, place: &str) -> (Family, LetterId) {
    let family = family(world, user, place);
    let mut owners = vec![family.scope.mutual().into()];
    owners.extend(above(place).iter().map(|code| world.org(code)));
    let new = NewLetter {
        number: None,
        provider: world.provider(facility_of(place)),
        member: family.member,
        services: vec!["CONS".into()],
        diagnoses: "J06.9".into(),
        estimated_minor: 50_000,
        planned_on: family.scope.today(),
        note: None,
    };
    let id = act(world, &family.scope, |w, order| letters::request(w, &family.scope, order, &owners, &new));
    (family, Key::new(id.uuid()))
}

fn issued(world: &World, user: Option<UserId>, place: &str) -> LetterId {
    let (family, id) = letter(world, user, place);
    let today = family.scope.today();
    let issue = Issue { letter_id: id, amount_minor: 40_000, valid_from: today, valid_to: None, reason: None };
    act(world, &family.scope, |w, order| letters::issue(w, &family.scope, order, Some("\"v1\""), &issue).map(|_| ()));
    id
}

/// An appeal that waits, of a claim that was cut.
fn appeal(world: &World, user: Option<UserId>, place: &str) -> AppealId {
    let (family, ids) = claims_at(world, user, place, 1, 6_000);
    let id = act(world, &family.scope, |w, order| {
        appeals::file(w, &family.scope, order, ids[0], Appellant::Member, "The price was agreed")
    });
    Key::new(id.uuid())
}

/// A settlement that was approved and is to be paid.
fn settlement(world: &World, user: Option<UserId>, place: &str) -> SettlementId {
    let id = approval(world, user, place);
    let scope = scope_in(world, place);
    act(world, &scope, |w, order| {
        let mut order = order.clone();
        order.asker.user = Some(world.users["auditor"]);
        approvals::decide(w, &HOOKS, &scope, &order, id, Some("\"v1\""), None)
    });
    Key::new(id.uuid())
}

fn settled(world: &World, user: Option<UserId>, place: &str, rest: &str) -> Made {
    of(world, place, &format!("/settlements/{}{rest}", settlement(world, user, place)))
}

/// The path of a facility's own.
fn own(world: &World, place: &str, rest: &str) -> Made {
    made(format!("/providers/{}/{rest}", world.provider(facility_of(place))))
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/claims/queue", "claims_officer", |world, user, place| {
        waiting(world, user, place);
        of(world, place, "/claims/queue")
    }),
    sample!("GET /mutuals/{m}/claims/outstanding", "claims_officer", |world, user, place| {
        waiting(world, user, place);
        of(world, place, "/claims/outstanding?on=2026-03-10")
    }),
    sample!("GET /mutuals/{m}/claims/promptness", "claims_officer", |world, _, place| {
        of(world, place, "/claims/promptness?from=2026-01-01&to=2026-12-31")
    }),
    sample!("GET /mutuals/{m}/claims/{id}/history", "claims_officer", |world, user, place| {
        at(world, place, waiting(world, user, place), "history")
    }),
    sample!("POST /mutuals/{m}/claims/{id}/decision", "claims_officer", |world, user, place| {
        at(world, place, waiting(world, user, place), "decision")
            .json(json!({"id": fresh_id(world), "accept": true, "reason": "Two visits, one in the evening"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/claims/{id}/pend", "claims_officer", |world, user, place| {
        at(world, place, claims(world, user, place, 1).1[0], "pend")
            .json(json!({"id": fresh_id(world), "reason": "DOCUMENTS_MISSING", "note": "The prescription"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("PUT /mutuals/{m}/claims/{id}/assignment", "claims_officer", |world, user, place| {
        at(world, place, waiting(world, user, place), "assignment")
            .json(json!({"user_id": null}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/claims/{id}/void", "claims_officer", |world, user, place| {
        at(world, place, claims(world, user, place, 1).1[0], "void")
            .json(json!({"id": fresh_id(world), "reason": "Entered for another person"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/care-settings", "claims_officer", |world, _, place| of(world, place, "/care-settings")),
    sample!("PATCH /mutuals/{m}/care-settings", "mutual_admin", |world, _, place| {
        let scope = scope_in(world, place);
        let version = world
            .test
            .db
            .read(ayni::db::Wall::mutual(scope.mutual()), |r| {
                Ok::<_, ayni::error::Error>(ayni::claims::review_store::settings(r, scope.mutual())?.version)
            })
            .unwrap();
        of(world, place, "/care-settings")
            .json(json!({"appeal_days": 45}))
            .header("If-Match", format!("\"v{version}\""))
    }),
    sample!("GET /mutuals/{m}/letters", "claims_officer", |world, user, place| {
        letter(world, user, place);
        of(world, place, "/letters")
    }),
    sample!("POST /mutuals/{m}/letters", "claims_officer", |world, user, place| {
        let family = family(world, user, place);
        of(world, place, "/letters").json(json!({
            "id": fresh_id(world), "provider_id": world.provider(facility_of(place)), "member_id": family.member,
            "services": ["CONS"], "estimated_minor": 50000, "planned_on": "2026-03-20",
        }))
    }),
    sample!("GET /mutuals/{m}/letters/{id}", "claims_officer", |world, user, place| {
        of(world, place, &format!("/letters/{}", letter(world, user, place).1))
    }),
    sample!("POST /mutuals/{m}/letters/{id}/review", "claims_officer", |world, user, place| {
        of(world, place, &format!("/letters/{}/review", letter(world, user, place).1)).header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/letters/{id}/issue", "medical_adviser", |world, user, place| {
        of(world, place, &format!("/letters/{}/issue", letter(world, user, place).1))
            .json(json!({"id": fresh_id(world), "amount_minor": 40000}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/letters/{id}/refuse", "claims_officer", |world, user, place| {
        of(world, place, &format!("/letters/{}/refuse", letter(world, user, place).1))
            .json(json!({"reason": "The health centre can do it"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/letters/{id}/revoke", "claims_officer", |world, user, place| {
        of(world, place, &format!("/letters/{}/revoke", issued(world, user, place)))
            .json(json!({"reason": "The stay was called off"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("GET /mutuals/{m}/appeals", "claims_officer", |world, user, place| {
        appeal(world, user, place);
        of(world, place, "/appeals")
    }),
    sample!("POST /mutuals/{m}/appeals", "claims_officer", |world, user, place| {
        let (_, ids) = claims_at(world, user, place, 1, 6_000);
        of(world, place, "/appeals").json(json!({
            "id": fresh_id(world), "claim_id": ids[0], "appellant": "member", "reason": "The price was agreed",
        }))
    }),
    sample!("GET /mutuals/{m}/appeals/{id}", "claims_officer", |world, user, place| {
        of(world, place, &format!("/appeals/{}", appeal(world, user, place)))
    }),
    sample!("POST /mutuals/{m}/appeals/{id}/decision", "medical_adviser", |world, user, place| {
        of(world, place, &format!("/appeals/{}/decision", appeal(world, user, place)))
            .json(json!({"id": fresh_id(world), "change": false, "reason": "The convention says so"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/settlements", "treasurer", |world, user, place| {
        settlement(world, user, place);
        of(world, place, "/settlements")
    }),
    sample!("POST /mutuals/{m}/settlements", "treasurer", |world, user, place| {
        claims(world, user, place, 1);
        let provider = world.provider(facility_of(place));
        of(world, place, "/settlements").json(json!({"id": fresh_id(world), "provider_id": provider}))
    }),
    sample!("GET /mutuals/{m}/settlements/payment-file", "treasurer", |world, user, place| {
        settlement(world, user, place);
        of(world, place, "/settlements/payment-file")
    }),
    sample!("GET /mutuals/{m}/settlements/{id}", "treasurer", |world, user, place| settled(world, user, place, "")),
    sample!("GET /mutuals/{m}/settlements/{id}/claims", "treasurer", |world, user, place| {
        settled(world, user, place, "/claims")
    }),
    sample!("POST /mutuals/{m}/settlements/{id}/payments", "treasurer", |world, user, place| {
        settled(world, user, place, "/payments")
            .json(json!({
                "id": fresh_id(world), "method": "bank", "amount_minor": 1,
                "currency": super::register::currency_in(place),
            }))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/settlements/{id}/dispute", "treasurer", |world, user, place| {
        settled(world, user, place, "/dispute")
            .json(json!({"id": fresh_id(world), "reason": "The centre counts one more certificate"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/settlements/{id}/resume", "treasurer", |world, user, place| {
        let id = settlement(world, user, place);
        let scope = scope_in(world, place);
        act(world, &scope, |w, _| {
            ayni::claims::settlement::dispute(w, &scope, id, Some("\"v1\""), "One more certificate")
        });
        of(world, place, &format!("/settlements/{id}/resume"))
            .json(json!({"id": fresh_id(world), "reason": "It is in the next one"}))
            .header("If-Match", "\"v2\"")
    }),
    sample!("POST /mutuals/{m}/settlements/{id}/cancel", "treasurer", |world, user, place| {
        settled(world, user, place, "/cancel")
            .json(json!({"id": fresh_id(world), "reason": "To be asked for anew"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/advances", "treasurer", |world, _, place| of(world, place, "/advances")),
    sample!("POST /mutuals/{m}/advances", "treasurer", |world, _, place| {
        of(world, place, "/advances").json(json!({
            "id": fresh_id(world), "provider_id": world.provider(facility_of(place)), "amount_minor": 100000,
            "currency": super::register::currency_in(place),
        }))
    }),
    sample!("POST /providers/{id}/claims/quote", "provider_clerk", |world, user, place| {
        let family = family(world, user, place);
        own(world, place, "claims/quote").json(json!({
            "card": family.card, "birth_year": 1988, "invoice_number": "Q-1", "service_on": "2026-03-10",
            "lines": [{"line": 1, "service": "CONS", "quantity": 1, "unit_price_minor": 5000}],
        }))
    }),
    sample!("GET /providers/{id}/letters", "provider_clerk", |world, _, place| {
        own(world, place, &format!("letters?mutual_id={}", world.org(place)))
    }),
    sample!("POST /providers/{id}/letters", "provider_clerk", |world, user, place| {
        let family = family(world, user, place);
        own(world, place, "letters").json(json!({
            "id": fresh_id(world), "card": family.card, "birth_year": 1988, "services": ["CONS"], "estimated_minor": 50000,
            "planned_on": "2026-03-20",
        }))
    }),
    sample!("GET /providers/{id}/settlements", "provider_clerk", |world, _, place| {
        own(world, place, &format!("settlements?mutual_id={}", world.org(place)))
    }),
    sample!("GET /providers/{id}/appeals", "provider_clerk", |world, _, place| {
        own(world, place, &format!("appeals?mutual_id={}", world.org(place)))
    }),
    sample!("POST /providers/{id}/appeals", "provider_clerk", |world, user, place| {
        let (_, ids) = claims_at(world, user, place, 1, 6_000);
        own(world, place, "appeals").json(json!({
            "id": fresh_id(world), "mutual_id": world.org(place), "claim_id": ids[0], "reason": "The price was agreed",
        }))
    }),
];
