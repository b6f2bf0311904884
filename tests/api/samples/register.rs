//! Samples of products, the register, money and eligibility.
use super::{Made, Named, Sample, Seen, above, fresh, fresh_id, is_contracted, made};
use crate::matrix::reaches;
use crate::support::World;
use ayni::access::permissions::{Permission, Role, roles_with};
use ayni::access::scopes::MutualScope;
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::{Order, command};
use ayni::contributions::model::Method;
use ayni::contributions::service::{self as contributions, Locked, NewPayment, Taker};
use ayni::db::{Wall, Write};
use ayni::enrolments::service::{self as enrolments, Application};
use ayni::error::{Error, Result};
use ayni::households::service::{NewHousehold, register};
use ayni::households::store as households;
use ayni::ids::*;
use ayni::products::service::{self as products, NewProduct};
use chrono::NaiveDate;
use serde_json::{Value, json};

const STARTS_ON: &str = "2026-03-01";

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Carries a command of a mutual out; gives its id.
pub fn act(world: &World, scope: &MutualScope, mut body: impl FnMut(&mut Write, &Order) -> Result<()>) -> CommandId {
    let order = Order {
        wall: Wall::mutual(scope.mutual()),
        today: scope.today(),
        ..terminal_order(&world.test.db, "a sample's rows")
    };
    command(&world.test.db, &HOOKS, &order, |w| body(w, &order)).unwrap();
    order.id
}

/// The section in which a caller of the world works, if he works in one of this mutual.
fn section_of(world: &World, user: Option<UserId>, place: &str) -> Option<OrganisationId> {
    let user = user?;
    [("field_agent", "KAY-S1"), ("section_registrar", "KAY-S2")]
        .into_iter()
        .find(|(name, section)| world.users[*name] == user && above(section).first() == Some(&place))
        .map(|(_, section)| world.org(section))
}

/// A household with two members, where the caller sees it.
pub struct Family {
    pub scope: MutualScope,
    pub household: HouseholdId,
    pub member: MemberId,
    pub card: String,
}

/// The whole of a mutual. A place that is none has no households and no money; those of KAY stand in.
pub fn scope_in(world: &World, place: &str) -> MutualScope {
    world.scope(if ["KAY", "GIT", "SEN"].contains(&place) { place } else { "KAY" })
}

pub fn family(world: &World, user: Option<UserId>, place: &str) -> Family {
    let scope = scope_in(world, place);
    let person = |relationship: &str, born: &str| ayni::households::service::NewMember {
        id: None,
        relationship: relationship.parse().unwrap(),
        family_name: "Ndayizeye".into(),
        given_name: fresh(),
        sex: "female".parse().unwrap(),
        birth_date: Some(date(born)),
        birth_precision: "day".parse().unwrap(),
        national_id: None,
        phone: None,
        occupation: None,
        legacy_number: None,
        card_number: None,
    };
    let new = NewHousehold {
        number: None,
        section: section_of(world, user, place),
        area: None,
        class: "STANDARD".into(),
        phone: None,
        registered_on: date(STARTS_ON),
        members: vec![person("principal", "1988-05-02"), person("child", "2015-01-20")],
    };
    let id = act(world, &scope, |w, order| register(w, &scope, order, &new).map(|_| ()));
    let household: HouseholdId = Key::new(id.uuid());
    let mutual = scope.mutual();
    let members = world
        .test
        .db
        .read(Wall::mutual(mutual), |r| Ok::<_, Error>(households::list_of_household(r, mutual, household)?))
        .unwrap();
    let (member, _) = members.iter().find(|(_, stay)| stay.relationship.code() == "principal").unwrap();
    Family { household, member: member.id, card: member.card_number.clone(), scope }
}

fn parameters(currency: &str) -> Value {
    json!({
        "currency": currency,
        "contribution": {"kind": "household_bands", "bands": [{"from": 1, "to": 6, "amount": 30000}],
            "extra_per_person_above": {"above": 6, "amount": 2500}},
        "registration_fee": 1000,
        "renewal_grace_days": 30,
        "arrears": {"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 180},
        "benefits": {"OPD": {"waiting_months": 0, "rate_bp": {"public": 8000, "private": 5000}}}
    })
}

pub fn currency_in(place: &str) -> &'static str {
    if place.starts_with("SEN") || place == "P2" { "XOF" } else { "BIF" }
}

/// A product of an owner, with one version: a draft, or published.
fn product(world: &World, owner: &str, published: bool) -> ProductId {
    let order = terminal_order(&world.test.db, "a sample's rows");
    let new = NewProduct {
        owner: world.org(owner),
        code: format!("P{}", fresh()),
        name: "Family".into(),
        parameters: serde_json::from_value(parameters(currency_in(owner))).unwrap(),
        valid_from: None,
        valid_to: None,
    };
    command(&world.test.db, &HOOKS, &order, |w| {
        let id = products::add(w, &order, &new)?;
        if published {
            products::publish(w, id, 1, Some("\"v1\""))?;
        }
        Ok(())
    })
    .unwrap();
    Key::new(order.id.uuid())
}

/// An application of a new household.
fn application(world: &World, user: Option<UserId>, place: &str) -> (Family, EnrolmentId) {
    let family = family(world, user, place);
    let product = product(world, place, true);
    let owners = [world.org(place)];
    let asked = Application {
        number: None,
        household: family.household,
        product,
        starts_on: date(STARTS_ON),
        ends_on: None,
        applied_on: date(STARTS_ON),
        waiting_from: None,
        agreed: false,
    };
    let scope = &family.scope;
    let id = act(world, scope, |w, order| enrolments::apply(w, scope, order, &owners, &asked).map(|_| ()));
    (family, Key::new(id.uuid()))
}

/// An enrolment of a new household that was admitted today.
pub fn admitted(world: &World, user: Option<UserId>, place: &str) -> (Family, EnrolmentId) {
    let (family, id) = application(world, user, place);
    let scope = &family.scope;
    act(world, scope, |w, order| enrolments::admit(w, scope, order, id, Some("\"v1\""), scope.today()));
    (family, id)
}

/// A payment of a household that was admitted.
pub fn payment(world: &World, user: Option<UserId>, place: &str) -> (Family, PaymentId) {
    let (family, _) = admitted(world, user, place);
    let payment = pays(world, &family, 31_000);
    (family, payment)
}

/// A payment in cash at the desk.
pub fn pays(world: &World, family: &Family, amount_minor: i64) -> PaymentId {
    let scope = &family.scope;
    let paid = act(world, scope, |w, order| {
        let (mutual, household) = (scope.mutual(), family.household);
        let revision = households::lock(w, mutual, household)?.unwrap();
        let (currency, today) = (scope.currency(), scope.today());
        let locked = Locked { mutual, household, revision, currency, today, command: order.id };
        let desk = ayni::contributions::store::list_desks(w, mutual)?[0].id;
        let new = NewPayment {
            amount_minor,
            method: Method::Cash,
            received_on: scope.today(),
            reference: None,
            taker: Taker::Desk(desk),
            label: None,
            source: None,
            was_unallocated: false,
        };
        contributions::pay(w, order, &locked, Key::new(order.id.uuid()), &new)?;
        w.touch(household);
        Ok(())
    });
    Key::new(paid.uuid())
}

/// A path of a mutual; other places have none.
pub fn of(world: &World, place: &str, rest: &str) -> Made {
    made(format!("{}{rest}", world.mutual(place)))
}

/// A product is seen by its owner, by who works above, and by whoever may use it: who works below.
fn sees_product(grants: &[(Role, &'static str)], owner: &str) -> Seen {
    let seen = grants.iter().any(|(_, at)| reaches(at, owner) || above(at).contains(&owner));
    if seen { Seen::In } else { Seen::Nothing }
}

/// Whoever sees a product and may not write it is told so.
fn writes_product(grants: &[(Role, &'static str)], owner: &str) -> Seen {
    let may = |role: &Role| matches!(role, Role::PlatformAdmin | Role::MutualAdmin);
    match sees_product(grants, owner) {
        Seen::In if !grants.iter().any(|(role, at)| may(role) && reaches(at, owner)) => Seen::Refused,
        seen => seen,
    }
}

/// Grants above a mutual are outside it; a body has no persons.
fn asks_eligibility(grants: &[(Role, &'static str)], place: &str) -> Seen {
    if !["KAY", "GIT", "SEN"].contains(&place) {
        return Seen::Nothing;
    }
    let here = |at: &str| at == place || above(at).first() == Some(&place) || is_contracted(at, place);
    let roles: Vec<Role> = grants.iter().filter(|(_, at)| here(at)).map(|(role, _)| *role).collect();
    let may = |role: &Role| roles_with(Permission::EligibilityCheck).contains(role);
    match (roles.is_empty(), roles.iter().any(may)) {
        (true, _) => Seen::Nothing,
        (false, true) => Seen::In,
        (false, false) => Seen::Refused,
    }
}

/// An entry of the table.
macro_rules! sample {
    ($key:literal, $by:literal, $make:expr) => {
        sample!($key, $by, Named::There, $make)
    };
    ($key:literal, $by:literal, $named:expr, $make:expr) => {
        Sample { key: $key, by: ($by, "KAY"), named: $named, make: $make }
    };
}
pub(super) use sample;

pub static SAMPLES: &[Sample] = &[
    sample!("GET /products", "registrar", Named::Anywhere, |_, _, _| made("/products")),
    sample!("POST /products", "mutual_admin", |world, _, place| made("/products").json(json!({
        "id": fresh_id(world), "owner_id": world.org(place), "code": format!("P{}", fresh()), "name": "Family",
        "parameters": parameters(currency_in(place)),
    }))),
    sample!("GET /products/{id}", "registrar", Named::By(sees_product), |world, _, place| {
        made(format!("/products/{}", product(world, place, true)))
    }),
    sample!("GET /products/{id}/versions", "registrar", Named::By(sees_product), |world, _, place| {
        made(format!("/products/{}/versions", product(world, place, true)))
    }),
    sample!("POST /products/{id}/versions", "mutual_admin", Named::By(writes_product), |world, _, place| {
        made(format!("/products/{}/versions", product(world, place, true)))
            .json(json!({"id": fresh_id(world), "parameters": parameters(currency_in(place))}))
    }),
    sample!("GET /products/{id}/versions/{number}", "registrar", Named::By(sees_product), |world, _, place| {
        made(format!("/products/{}/versions/1", product(world, place, true)))
    }),
    sample!("PATCH /products/{id}/versions/{number}", "mutual_admin", Named::By(writes_product), |world, _, place| {
        made(format!("/products/{}/versions/1", product(world, place, false)))
            .json(json!({"parameters": parameters(currency_in(place))}))
            .header("If-Match", "\"v1\"")
    }),
    sample!(
        "POST /products/{id}/versions/{number}/publish",
        "mutual_admin",
        Named::By(writes_product),
        |world, _, place| {
            made(format!("/products/{}/versions/1/publish", product(world, place, false))).header("If-Match", "\"v1\"")
        }
    ),
    sample!("POST /products/{id}/price", "registrar", Named::By(sees_product), |world, _, place| {
        made(format!("/products/{}/price", product(world, place, true)))
            .json(json!({"starts_on": STARTS_ON, "persons": [{"birth_date": "1988-05-02"}]}))
    }),
    sample!("POST /mutuals/{m}/enrolments/price", "registrar", |world, user, place| {
        of(world, place, "/enrolments/price").json(json!({
            "household_id": family(world, user, place).household, "product_id": product(world, place, true),
            "starts_on": STARTS_ON,
        }))
    }),
    sample!("GET /mutuals/{m}/households", "registrar", |world, user, place| {
        family(world, user, place);
        of(world, place, "/households")
    }),
    sample!("POST /mutuals/{m}/households", "registrar", |world, user, place| {
        of(world, place, "/households").json(json!({
            "id": fresh_id(world), "registered_on": STARTS_ON, "section_id": section_of(world, user, place),
            "members": [{"relationship": "principal", "family_name": "Ndayizeye", "given_name": fresh(),
                "sex": "female", "birth_date": "1988-05-02"}],
        }))
    }),
    sample!("GET /mutuals/{m}/households/{id}", "registrar", |world, user, place| {
        of(world, place, &format!("/households/{}", family(world, user, place).household))
    }),
    sample!("PATCH /mutuals/{m}/households/{id}", "registrar", |world, user, place| {
        of(world, place, &format!("/households/{}", family(world, user, place).household))
            .json(json!({"phone": "+25779000001"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/members", "registrar", |world, user, place| {
        family(world, user, place);
        of(world, place, "/members")
    }),
    sample!("POST /mutuals/{m}/members", "registrar", |world, user, place| {
        of(world, place, "/members").json(json!({
            "id": fresh_id(world), "household_id": family(world, user, place).household, "registered_on": "2026-03-05",
            "person": {"relationship": "child", "family_name": "Ndayizeye", "given_name": fresh(), "sex": "male",
                "birth_date": "2019-01-20"},
        }))
    }),
    sample!("POST /mutuals/{m}/members/search", "registrar", |world, user, place| {
        family(world, user, place);
        of(world, place, "/members/search").json(json!({"name": "ndayizeye"}))
    }),
    sample!("GET /mutuals/{m}/members/{id}", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}", family(world, user, place).member))
    }),
    sample!("PATCH /mutuals/{m}/members/{id}", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}", family(world, user, place).member))
            .json(json!({"occupation": "farmer"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/members/{id}/status", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/status", family(world, user, place).member))
    }),
    sample!("GET /mutuals/{m}/members/{id}/cover", "registrar", |world, user, place| {
        of(world, place, &format!("/members/{}/cover", family(world, user, place).member))
    }),
    sample!("GET /mutuals/{m}/enrolments", "registrar", |world, user, place| {
        application(world, user, place);
        of(world, place, "/enrolments")
    }),
    sample!("POST /mutuals/{m}/enrolments", "registrar", |world, user, place| {
        of(world, place, "/enrolments").json(json!({
            "id": fresh_id(world), "household_id": family(world, user, place).household,
            "product_id": product(world, place, true), "starts_on": STARTS_ON,
        }))
    }),
    sample!("GET /mutuals/{m}/enrolments/{id}", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}", application(world, user, place).1))
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/admit", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/admit", application(world, user, place).1))
            .json(json!({"admitted_on": "2026-03-10"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /mutuals/{m}/enrolments/{id}/reject", "registrar", |world, user, place| {
        of(world, place, &format!("/enrolments/{}/reject", application(world, user, place).1))
            .json(json!({"reason": "No photograph"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /mutuals/{m}/dues", "treasurer", |world, user, place| {
        payment(world, user, place);
        of(world, place, "/dues")
    }),
    sample!("GET /mutuals/{m}/payments", "treasurer", |world, user, place| {
        payment(world, user, place);
        of(world, place, "/payments")
    }),
    sample!("POST /mutuals/{m}/payments", "treasurer", |world, user, place| {
        of(world, place, "/payments").json(json!({
            "id": fresh_id(world), "household_id": payment(world, user, place).0.household, "amount_minor": 500,
            "currency": currency_in(place), "method": "cash", "received_on": "2026-03-09",
        }))
    }),
    sample!("GET /mutuals/{m}/payments/{id}", "treasurer", |world, user, place| {
        of(world, place, &format!("/payments/{}", payment(world, user, place).1))
    }),
    sample!("GET /mutuals/{m}/accounts", "treasurer", |world, _, place| of(world, place, "/accounts")),
    sample!("GET /mutuals/{m}/transfers", "treasurer", |world, user, place| {
        payment(world, user, place);
        of(world, place, "/transfers")
    }),
    sample!("GET /mutuals/{m}/audit", "auditor", |world, _, place| of(world, place, "/audit")),
    sample!("POST /eligibility", "claims_officer", Named::By(asks_eligibility), |world, user, place| {
        made("/eligibility").json(json!({
            "card": family(world, user, place).card, "mutual": place, "on": "2026-03-10", "birth_year": 1988,
        }))
    }),
];
