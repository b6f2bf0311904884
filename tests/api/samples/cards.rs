//! Samples of cards, certificates and what anybody may ask about them.
use super::register::{Family, act, of, payment, sample};
use super::{Named, Sample, fresh_id, made};
use crate::support::World;
use ayni::cards::model::ProofKind;
use ayni::cards::service::{self as cards, Issuer, token_text};
use ayni::ids::*;
use serde_json::json;

fn issuer(world: &World, family: &Family) -> Issuer {
    let access = &world.parts.access;
    Issuer::new(access.keys.clone(), &access.pictures.current().unwrap(), family.scope.mutual()).unwrap()
}

/// A family that is covered, with a card of the principal or a certificate; and its token.
fn proof(world: &World, user: Option<UserId>, place: &str, kind: ProofKind) -> (Family, ProofId, String) {
    let (family, _) = payment(world, user, place);
    let (scope, issuer) = (&family.scope, issuer(world, &family));
    let id = act(world, scope, |w, order| match kind {
        ProofKind::Card => cards::issue_card(w, scope, order, &issuer, family.member, None),
        ProofKind::Certificate => cards::issue_certificate(w, scope, order, &issuer, family.household, None),
    });
    let keys = world.parts.access.keys.cards();
    let token = token_text(&keys.token(keys.current(), scope.mutual(), id.uuid()).unwrap());
    (family, Key::new(id.uuid()), token)
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/members/{id}/card", "registrar", |world, user, place| {
        let (family, ..) = proof(world, user, place, ProofKind::Card);
        of(world, place, &format!("/members/{}/card", family.member))
    }),
    sample!("POST /mutuals/{m}/members/{id}/card", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/card", payment(world, user, place).0.member))
            .json(json!({"id": fresh_id(world)}))
    }),
    sample!("POST /mutuals/{m}/members/{id}/card/revoke", "registrar", |world, user, place| {
        let (family, ..) = proof(world, user, place, ProofKind::Card);
        of(world, place, &format!("/members/{}/card/revoke", family.member)).json(json!({"reason": "LOST"}))
    }),
    sample!("POST /mutuals/{m}/households/{id}/certificate", "registrar", |world, user, place| {
        of(world, place, &format!("/households/{}/certificate", payment(world, user, place).0.household))
            .json(json!({"id": fresh_id(world)}))
    }),
    sample!("GET /mutuals/{m}/certificates/{id}", "registrar", |world, user, place| {
        let (_, id, _) = proof(world, user, place, ProofKind::Certificate);
        of(world, place, &format!("/certificates/{id}"))
    }),
    sample!("POST /mutuals/{m}/certificates/{id}/revoke", "registrar", |world, user, place| {
        let (_, id, _) = proof(world, user, place, ProofKind::Certificate);
        of(world, place, &format!("/certificates/{id}/revoke")).json(json!({"reason": "ERROR"}))
    }),
    sample!("GET /verify/keys", "registrar", Named::Anywhere, |_, _, _| made("/verify/keys")),
    sample!("GET /verify/revoked", "registrar", Named::Anywhere, |_, _, _| made("/verify/revoked")),
    sample!("GET /verify/{token}", "registrar", Named::Anywhere, |world, user, place| {
        made(format!("/verify/{}", proof(world, user, place, ProofKind::Card).2))
    }),
];
