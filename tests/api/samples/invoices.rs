//! Samples of facilities' invoices and of jobs.
use super::register::{act, of, payment, sample};
use super::{Made, Named, Sample, above, facility_of, fresh, fresh_id, made};
use crate::support::World;
use ayni::claims::invoices::file::read;
use ayni::claims::invoices::model::Invoice;
use ayni::claims::invoices::service::{NewInvoice, send};
use ayni::claims::invoices::store;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::ids::*;
use serde_json::{Value, json};

/// A file of one good certificate and one whose card nobody has.
fn file(card: &str) -> String {
    format!(
        "certificate,card,visit_type,service_on,discharged_on,diagnoses,service_code,quantity,unit_price\n\
         {},{card},,2026-03-10,,J06.9,CONS,1,6000\n{},nobody,,2026-03-10,,,CONS,1,5000\n",
        fresh(),
        fresh()
    )
}

/// An invoice that was sent.
fn sent(world: &World, user: Option<UserId>, place: &str) -> Invoice {
    let (family, _) = payment(world, user, place);
    let mut owners = vec![world.org(place)];
    owners.extend(above(place).iter().map(|code| world.org(code)));
    let new = NewInvoice {
        provider: world.provider(facility_of(place)),
        number: fresh(),
        month_on: "2026-03-01".parse().unwrap(),
        by_provider: false,
        sent: read(&file(&family.card)).unwrap(),
    };
    let scope = &family.scope;
    let id = act(world, scope, |w, order| send(w, scope, order, &owners, &new).map(|_| ()));
    let wall = Wall::mutual(scope.mutual());
    let found = world.test.db.read(wall, |r| Ok::<_, Error>(store::find(r, scope.mutual(), Key::new(id.uuid()))?));
    found.unwrap().unwrap()
}

/// An invoice whose job is done.
fn in_control(world: &World, user: Option<UserId>, place: &str) -> Invoice {
    let invoice = sent(world, user, place);
    world.parts.jobs.work_all().unwrap();
    invoice
}

fn body(card: &str) -> Value {
    json!({"number": fresh(), "month": "2026-03", "csv": file(card)})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn office(world: &World, user: Option<UserId>, place: &str, rest: &str) -> Made {
    let invoice = in_control(world, user, place);
    of(world, place, &format!("/invoices/{}{rest}", invoice.id))
}

fn own(world: &World, user: Option<UserId>, place: &str, rest: &str) -> Made {
    let invoice = in_control(world, user, place);
    let provider = world.provider(facility_of(place));
    made(format!("/providers/{provider}/invoices/{}{rest}?mutual_id={}", invoice.id, world.org(place)))
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/jobs/{id}", "claims_officer", |world, user, place| {
        of(world, place, &format!("/jobs/{}", sent(world, user, place).job_id))
    }),
    sample!("POST /mutuals/{m}/jobs/{id}/cancel", "claims_officer", |world, user, place| {
        of(world, place, &format!("/jobs/{}/cancel", sent(world, user, place).job_id))
    }),
    sample!("GET /mutuals/{m}/invoices", "claims_officer", |world, user, place| {
        sent(world, user, place);
        of(world, place, "/invoices")
    }),
    sample!("POST /mutuals/{m}/invoices", "claims_officer", |world, user, place| {
        let (family, _) = payment(world, user, place);
        let provider = world.provider(facility_of(place));
        of(world, place, "/invoices")
            .json(with(body(&family.card), json!({"id": fresh_id(world), "provider_id": provider})))
    }),
    sample!("GET /mutuals/{m}/invoices/{id}", "claims_officer", |world, user, place| office(world, user, place, "")),
    sample!("GET /mutuals/{m}/invoices/{id}/lines", "claims_officer", |world, user, place| {
        office(world, user, place, "/lines")
    }),
    sample!("GET /mutuals/{m}/invoices/{id}/bad.csv", "claims_officer", |world, user, place| {
        office(world, user, place, "/bad.csv")
    }),
    sample!("GET /mutuals/{m}/invoices/{id}/disallowances", "claims_officer", |world, user, place| {
        office(world, user, place, "/disallowances")
    }),
    sample!("POST /mutuals/{m}/invoices/{id}/accept", "claims_officer", |world, user, place| {
        office(world, user, place, "/accept").json(json!({"id": fresh_id(world)})).header("If-Match", "\"v2\"")
    }),
    sample!("GET /providers/{id}/invoices", "provider_clerk", |world, user, place| {
        sent(world, user, place);
        let provider = world.provider(facility_of(place));
        made(format!("/providers/{provider}/invoices?mutual_id={}", world.org(place)))
    }),
    sample!("POST /providers/{id}/invoices", "provider_clerk", |world, user, place| {
        let (family, _) = payment(world, user, place);
        let more = json!({"id": fresh_id(world), "mutual_id": world.org(place)});
        made(format!("/providers/{}/invoices", world.provider(facility_of(place)))).json(with(body(&family.card), more))
    }),
    sample!("GET /providers/{id}/invoices/{invoice}", "provider_clerk", |world, user, place| {
        own(world, user, place, "")
    }),
    sample!("GET /providers/{id}/invoices/{invoice}/lines", "provider_clerk", |world, user, place| {
        own(world, user, place, "/lines")
    }),
    sample!("GET /providers/{id}/invoices/{invoice}/bad.csv", "provider_clerk", |world, user, place| {
        own(world, user, place, "/bad.csv")
    }),
    sample!("GET /providers/{id}/invoices/{invoice}/disallowances", "provider_clerk", |world, user, place| {
        own(world, user, place, "/disallowances")
    }),
    sample!("POST /providers/{id}/invoices/{invoice}/dispute", "provider_clerk", |world, user, place| {
        let invoice = in_control(world, user, place);
        let provider = world.provider(facility_of(place));
        made(format!("/providers/{provider}/invoices/{}/dispute", invoice.id)).json(json!({
            "id": fresh_id(world), "mutual_id": world.org(place), "reason": "The price was agreed on the phone",
        }))
    }),
];
