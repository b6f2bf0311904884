//! Samples of what changes in the catalogue of care: facilities, conventions, services, price lists, lists of diagnoses.
use super::care::{provider, sees, service};
use super::register::sample;
use super::{Named, Sample, Seen, made};
use crate::matrix::reaches;
use crate::support::World;
use ayni::access::permissions::Role;
use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::command;
use ayni::ids::*;
use ayni::providers::service::{Agreed, NewConvention, convene};
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
];
