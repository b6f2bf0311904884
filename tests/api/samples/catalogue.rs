//! Samples of what changes in the catalogue of care: facilities, conventions, services, price lists, lists of diagnoses.
use super::care::{provider, sees, service};
use super::register::{currency_in, sample};
use super::{Named, Sample, Seen, fresh, fresh_id, made};
use crate::matrix::reaches;
use crate::support::World;
use ayni::access::permissions::Role;
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::command;
use ayni::ids::*;
use ayni::providers::model::ServiceKind;
use ayni::providers::service::{Agreed, Limits, NewConvention, NewService, add_service, convene};
use serde_json::json;

/// Whoever sees the catalogue of an owner and may not write it is told so.
fn writes(grants: &[(Role, &'static str)], owner: &str) -> Seen {
    let may = |role: &Role| matches!(role, Role::PlatformAdmin | Role::MutualAdmin);
    match sees(grants, owner) {
        Seen::In if !grants.iter().any(|(role, at)| may(role) && reaches(at, owner)) => Seen::Refused,
        seen => seen,
    }
}

fn convention(world: &World, party: &str) -> String {
    let order = terminal_order(&world.test.db, "a sample's rows");
    let new = NewConvention {
        provider: provider(world, party),
        party: world.org(party),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_to: None,
        terms: Agreed::default(),
    };
    command(&world.test.db, &HOOKS, &order, |w| convene(w, &order, &new).map(|_| ())).unwrap();
    let id: ConventionId = Key::new(order.id.uuid());
    format!("/providers/{}/conventions/{id}", new.provider)
}

pub static SAMPLES: &[Sample] = &[
    sample!("PATCH /providers/{id}", "mutual_admin", Named::By(writes), |world, _, place| {
        made(format!("/providers/{}", provider(world, place)))
            .json(json!({"care_types": ["outpatient"], "phone": "+257 22 22 00 01"}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("GET /providers/{id}/conventions/{convention}", "registrar", Named::By(sees), |world, _, place| {
        made(convention(world, place))
    }),
    sample!("PATCH /providers/{id}/conventions/{convention}", "mutual_admin", Named::By(writes), |world, _, place| {
        made(convention(world, place)).json(json!({"valid_to": "2026-12-31"})).header("If-Match", "\"v1\"")
    }),
    sample!("GET /services/{id}", "registrar", Named::By(sees), |world, _, place| {
        made(format!("/services/{}", service(world, place)))
    }),
    sample!("PATCH /services/{id}", "mutual_admin", Named::By(writes), |world, _, place| {
        made(format!("/services/{}", service(world, place)))
            .json(json!({"sex": "female", "min_age_years": 12}))
            .header("If-Match", "\"v1\"")
    }),
    sample!("POST /tariffs/import", "mutual_admin", |world, _, place| {
        let code = format!("S{}", fresh());
        let order = terminal_order(&world.test.db, "a sample's rows");
        let new = NewService {
            owner: world.org(place),
            code: code.clone(),
            name: "Delivery".into(),
            category: "MATERNITY".into(),
            kind: ServiceKind::Service,
            limits: Limits::default(),
        };
        command(&world.test.db, &HOOKS, &order, |w| add_service(w, &order, &new).map(|_| ())).unwrap();
        made("/tariffs/import").json(json!({
            "id": fresh_id(world), "owner_id": world.org(place), "currency": currency_in(place),
            "valid_from": "2026-04-01", "csv": format!("service_code,unit_price\n{code},7000\n"),
        }))
    }),
    sample!("GET /diagnosis-lists", "registrar", Named::Anywhere, |_, _, _| made("/diagnosis-lists")),
    sample!("POST /diagnosis-lists", "mutual_admin", |world, _, place| made("/diagnosis-lists").json(json!({
        "id": fresh_id(world), "owner_id": world.org(place), "name": format!("ICD-10 {}", fresh()),
        "csv": "code,name\nJ06.9,Acute upper respiratory infection\n",
    }))),
    sample!("GET /diagnoses", "claims_officer", Named::By(sees), |world, _, place| {
        made(format!("/diagnoses?owner_id={}&q=J06", world.org(place)))
    }),
];
