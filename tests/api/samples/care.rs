//! Samples of the catalogue of care, claims, settlements, approvals and reports.
use super::register::{Family, act, currency_in, family, of, payment, sample};
use super::{Made, Named, Sample, Seen, above, facility_of, fresh, fresh_id, made};
use crate::matrix::reaches;
use crate::support::World;
use ayni::access::permissions::{Permission, Role, roles_with};
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::command;
use ayni::claims::model::{Mode, VisitType};
use ayni::claims::service::{Cites, Deciding, NewClaim, NewLine, submit};
use ayni::claims::settlement;
use ayni::claims::settlement_store::Payee;
use ayni::ids::*;
use ayni::providers::model::{Sector, ServiceKind};
use ayni::providers::service::{self as providers, Limits, NewProvider, NewService, ProviderDetails};
use serde_json::{Value, json};

/// Whoever works on the owner, above it, or below it sees its catalogue.
pub fn sees(grants: &[(Role, &'static str)], owner: &str) -> Seen {
    let may = |role: &Role| roles_with(Permission::ProviderRead).contains(role);
    let seen = grants.iter().any(|(role, at)| may(role) && (reaches(at, owner) || above(at).contains(&owner)));
    if seen { Seen::In } else { Seen::Nothing }
}

pub fn provider(world: &World, owner: &str) -> ProviderId {
    let order = terminal_order(&world.test.db, "a sample's rows");
    let new = NewProvider {
        owner: world.org(owner),
        code: format!("F{}", fresh()),
        name: "Health centre".into(),
        level: "health_centre".into(),
        sector: Sector::Public,
        area: None,
        details: ProviderDetails::default(),
    };
    command(&world.test.db, &HOOKS, &order, |w| providers::add(w, &order, &new).map(|_| ())).unwrap();
    Key::new(order.id.uuid())
}

pub fn service(world: &World, owner: &str) -> ServiceId {
    let order = terminal_order(&world.test.db, "a sample's rows");
    let new = NewService {
        owner: world.org(owner),
        code: format!("S{}", fresh()),
        name: "Consultation".into(),
        category: "OPD".into(),
        kind: ServiceKind::Service,
        limits: Limits::default(),
    };
    command(&world.test.db, &HOOKS, &order, |w| providers::add_service(w, &order, &new).map(|_| ())).unwrap();
    Key::new(order.id.uuid())
}

/// Claims of a covered member at the facility of the place, each for the same service on the same day: the first is
/// approved, those after it wait for a person.
pub fn claims(world: &World, user: Option<UserId>, place: &str, number: usize) -> (Family, Vec<ClaimId>) {
    claims_at(world, user, place, number, 5_000)
}

/// As [`claims`], at a price: above 5,000 minor units it is cut.
pub fn claims_at(
    world: &World,
    user: Option<UserId>,
    place: &str,
    number: usize,
    price: i64,
) -> (Family, Vec<ClaimId>) {
    let (family, _) = payment(world, user, place);
    let scope = &family.scope;
    let mut owners = vec![world.org(place)];
    owners.extend(above(place).iter().map(|code| world.org(code)));
    let ids = (0..number)
        .map(|_| {
            let new = NewClaim {
                number: None,
                invoice_number: fresh(),
                provider: world.provider(facility_of(place)),
                member: family.member,
                mode: Mode::ThirdParty,
                visit_type: VisitType::Other,
                service_on: scope.today(),
                discharged_on: None,
                submitted_on: scope.today(),
                diagnoses: "J06.9".into(),
                other_payer_minor: None,
                lines: vec![NewLine { line: 1, service: "CONS".into(), quantity: 1, unit_price_minor: price }],
                cites: Cites::default(),
            };
            let deciding = Deciding { on: scope.today() };
            let id = act(world, scope, |w, order| submit(w, scope, order, &owners, &new, deciding).map(|_| ()));
            Key::new(id.uuid())
        })
        .collect();
    (family, ids)
}

/// The body of a claim, without who and where.
fn basket() -> Value {
    json!({
        "invoice_number": fresh(), "service_on": "2026-03-10", "diagnoses": ["J06.9"],
        "lines": [{"line": 1, "service": "CONS", "quantity": 1, "unit_price_minor": 5000}],
    })
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// What waits for a second person: asked for by somebody else than the caller.
pub fn approval(world: &World, user: Option<UserId>, place: &str) -> ApprovalId {
    let (family, _) = claims(world, user, place, 1);
    let scope = &family.scope;
    let admin = world.users["mutual_admin"];
    let asks = if user == Some(admin) { world.users["treasurer"] } else { admin };
    let id = act(world, scope, |w, order| {
        let mut order = order.clone();
        order.asker.user = Some(asks);
        let payee = Payee::Provider(world.provider(facility_of(place)));
        settlement::request(w, scope, &order, payee, scope.today())
    });
    Key::new(id.uuid())
}

fn own(world: &World, place: &str, rest: &str) -> Made {
    made(format!("/providers/{}/claims{rest}", world.provider(facility_of(place))))
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /providers", "registrar", Named::Anywhere, |_, _, _| made("/providers")),
    sample!("POST /providers", "mutual_admin", |world, _, place| made("/providers").json(json!({
        "id": fresh_id(world), "owner_id": world.org(place), "code": format!("F{}", fresh()), "name": "Health centre",
        "level": "health_centre", "sector": "public",
    }))),
    sample!("GET /providers/{id}", "registrar", Named::By(sees), |world, _, place| {
        made(format!("/providers/{}", provider(world, place)))
    }),
    sample!("GET /providers/{id}/conventions", "registrar", Named::By(sees), |world, _, place| {
        made(format!("/providers/{}/conventions", provider(world, place)))
    }),
    sample!("POST /providers/{id}/conventions", "mutual_admin", |world, _, place| {
        made(format!("/providers/{}/conventions", provider(world, place)))
            .json(json!({"id": fresh_id(world), "party_id": world.org(place), "valid_from": "2026-01-01"}))
    }),
    sample!("GET /services", "registrar", Named::Anywhere, |_, _, _| made("/services")),
    sample!("POST /services", "mutual_admin", |world, _, place| made("/services").json(json!({
        "id": fresh_id(world), "owner_id": world.org(place), "code": format!("S{}", fresh()), "name": "Consultation",
        "category": "OPD", "kind": "service",
    }))),
    sample!("GET /tariffs", "registrar", Named::Anywhere, |_, _, _| made("/tariffs")),
    sample!("POST /tariffs", "mutual_admin", |world, _, place| made("/tariffs").json(json!({
        "id": fresh_id(world), "owner_id": world.org(place), "service_id": service(world, place),
        "unit_price_minor": 5000, "currency": currency_in(place), "valid_from": "2026-01-01",
    }))),
    sample!("GET /mutuals/{m}/claims", "claims_officer", |world, user, place| {
        claims(world, user, place, 1);
        of(world, place, "/claims")
    }),
    sample!("POST /mutuals/{m}/claims", "claims_officer", |world, user, place| {
        let (family, _) = payment(world, user, place);
        let provider = world.provider(facility_of(place));
        of(world, place, "/claims")
            .json(with(basket(), json!({"id": fresh_id(world), "provider_id": provider, "member_id": family.member})))
    }),
    sample!("POST /mutuals/{m}/claims/quote", "claims_officer", |world, user, place| {
        let family = family(world, user, place);
        let provider = world.provider(facility_of(place));
        of(world, place, "/claims/quote")
            .json(with(basket(), json!({"provider_id": provider, "member_id": family.member})))
    }),
    sample!("GET /mutuals/{m}/claims/{id}", "claims_officer", |world, user, place| {
        of(world, place, &format!("/claims/{}", claims(world, user, place, 1).1[0]))
    }),
    sample!("GET /mutuals/{m}/approvals", "treasurer", |world, user, place| {
        approval(world, user, place);
        of(world, place, "/approvals")
    }),
    sample!("GET /mutuals/{m}/approvals/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/approvals/{}", approval(world, user, place)))
    }),
    sample!("POST /mutuals/{m}/approvals/{id}/approve", "treasurer", |world, user, place| {
        of(world, place, &format!("/approvals/{}/approve", approval(world, user, place))).header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/approvals/{id}/refuse", "treasurer", |world, user, place| {
        of(world, place, &format!("/approvals/{}/refuse", approval(world, user, place)))
            .json(json!({"reason": "The invoice is not here"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /providers/{id}/claims", "provider_clerk", |world, _, place| {
        own(world, place, &format!("?mutual_id={}", world.org(place)))
    }),
    sample!("POST /providers/{id}/claims", "provider_clerk", |world, user, place| {
        let (family, _) = payment(world, user, place);
        own(world, place, "")
            .json(with(basket(), json!({"id": fresh_id(world), "card": family.card, "birth_year": 1988})))
    }),
];
