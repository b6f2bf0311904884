//! Samples of months, releases and reports.
use super::register::{act, of, sample, scope_in};
use super::{Made, Named, Sample, fresh_id, made};
use crate::support::World;
use ayni::access::model::ApiKey;
use ayni::access::scopes::{FigureScope, MutualScope};
use ayni::access::store as access;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::households::service::{NewHousehold, NewMember, register};
use ayni::ids::ApiKeyId;
use ayni::reports::facts::service as facts;
use ayni::reports::periods::service as periods;
use ayni::reports::releases::{service as releases, store};
use chrono::{Months, NaiveDate};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A month long past that no other sample has, in which the mutual had a household.
fn month(world: &World, scope: &MutualScope) -> NaiveDate {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first: NaiveDate = "1950-01-01".parse().unwrap();
    let month = first + Months::new(NEXT.fetch_add(1, Ordering::SeqCst) % 800);
    join(world, scope, month);
    compute(world, scope, month);
    month
}

/// Has a month computed, so that the marks that this answers are gone.
fn compute(world: &World, scope: &MutualScope, month: NaiveDate) {
    let as_of = releases::as_of(&world.test.db, scope.today()).unwrap();
    facts::months(&world.test.db, &FigureScope::of(scope), (month, month), &as_of).unwrap();
}

fn join(world: &World, scope: &MutualScope, on: NaiveDate) {
    let principal = NewMember {
        id: None,
        relationship: "principal".parse().unwrap(),
        family_name: "Ndayizeye".into(),
        given_name: "Ancilla".into(),
        sex: "female".parse().unwrap(),
        birth_date: Some("1920-05-02".parse().unwrap()),
        birth_precision: "day".parse().unwrap(),
        national_id: None,
        phone: None,
        occupation: None,
        legacy_number: None,
        card_number: None,
    };
    let new = NewHousehold {
        number: None,
        section: None,
        area: None,
        class: "STANDARD".into(),
        phone: None,
        registered_on: on,
        members: vec![principal],
    };
    act(world, scope, |w, order| register(w, scope, order, &new).map(|_| ()));
}

/// A closed month.
fn closed(world: &World, scope: &MutualScope) -> NaiveDate {
    let month = month(world, scope);
    let as_of = releases::as_of(&world.test.db, scope.today()).unwrap();
    act(world, scope, |w, order| periods::close(w, scope, order, month, &as_of, &[]));
    month
}

fn name(month: NaiveDate) -> String {
    month.format("%Y-%m").to_string()
}

fn settings_version(world: &World, place: &str) -> String {
    let found = world.test.db.read(Wall::ROOT, |r| Ok::<_, Error>(store::settings(r, world.org(place))?)).unwrap();
    format!("\"v{}\"", found.map_or(0, |row| row.version))
}

fn organisation(world: &World, place: &str, rest: &str) -> Made {
    made(format!("/organisations/{}{rest}", world.org(place)))
}

fn target(world: &World) -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let day: NaiveDate = "1950-01-01".parse().unwrap();
    let day = day + chrono::Days::new(u64::from(NEXT.fetch_add(1, Ordering::SeqCst)));
    json!({"id": fresh_id(world), "valid_from": day, "persons": 12_000, "households": 2_400, "source": "census"})
}

/// A key of a body.
fn key(world: &World, place: &str) -> ApiKeyId {
    let now = world.test.db.clock().now();
    let row = ApiKey {
        id: world.test.db.ids().next(),
        organisation_id: world.org(place),
        name: "Dashboard".into(),
        secret_hash: vec![0; 32],
        scopes: "[\"reports\"]".into(),
        created_by: None,
        created_at: now,
        expires_at: now + chrono::Duration::days(30),
        last_used_at: None,
        revoked_at: None,
        version: 1,
    };
    let written = world.test.db.write(Wall::ROOT, |w| Ok::<_, Error>(access::insert_api_key(w, &row)?));
    written.unwrap();
    row.id
}

pub static SAMPLES: &[Sample] = &[
    sample!("GET /mutuals/{m}/periods", "treasurer", |world, _, place| of(world, place, "/periods?year=2026")),
    sample!("GET /mutuals/{m}/periods/{period}", "treasurer", |world, _, place| {
        let month = month(world, &scope_in(world, place));
        of(world, place, &format!("/periods/{}", name(month)))
    }),
    sample!("GET /mutuals/{m}/periods/{period}/releases", "treasurer", |world, _, place| {
        of(world, place, "/periods/2026-01/releases")
    }),
    sample!("POST /mutuals/{m}/periods/{period}/close", "treasurer", |world, _, place| {
        let month = month(world, &scope_in(world, place));
        of(world, place, &format!("/periods/{}/close", name(month))).json(json!({"id": fresh_id(world)}))
    }),
    sample!("POST /mutuals/{m}/periods/{period}/corrections", "treasurer", |world, _, place| {
        let scope = scope_in(world, place);
        let month = closed(world, &scope);
        join(world, &scope, month);
        compute(world, &scope, month);
        of(world, place, &format!("/periods/{}/corrections", name(month)))
            .json(json!({"id": fresh_id(world), "reason": "a household was forgotten"}))
    }),
    sample!("POST /mutuals/{m}/periods/{period}/reopen", "treasurer", |world, _, place| {
        let month = closed(world, &scope_in(world, place));
        of(world, place, &format!("/periods/{}/reopen", name(month)))
            .json(json!({"id": fresh_id(world), "reason": "the cash book was lost"}))
    }),
    Sample {
        key: "GET /organisations/{id}/api-keys",
        by: ("platform_admin", "P1"),
        named: Named::There,
        make: |world, _, place| organisation(world, place, "/api-keys"),
    },
    Sample {
        key: "POST /organisations/{id}/api-keys",
        by: ("platform_admin", "P1"),
        named: Named::There,
        make: |world, _, place| {
            let body = json!({"id": fresh_id(world), "name": "Dashboard", "scopes": ["reports"], "days": 30});
            organisation(world, place, "/api-keys").json(body)
        },
    },
    Sample {
        key: "POST /organisations/{id}/api-keys/{key}/revoke",
        by: ("platform_admin", "P1"),
        named: Named::There,
        make: |world, _, place| {
            let id = key(world, place);
            organisation(world, place, &format!("/api-keys/{id}/revoke")).header("If-Match", "\"v1\"")
        },
    },
    sample!("GET /indicators", "treasurer", Named::Anywhere, |_, _, _| made("/indicators")),
    sample!("GET /organisations/{id}/reports/{name}", "mutual_admin", |world, _, place| {
        organisation(world, place, "/reports/dashboard?period=2026-02")
    }),
    sample!("GET /organisations/{id}/figure-settings", "mutual_admin", |world, _, place| {
        organisation(world, place, "/figure-settings")
    }),
    Sample {
        key: "PUT /organisations/{id}/figure-settings",
        by: ("platform_admin", "P1"),
        named: Named::There,
        make: |world, _, place| {
            organisation(world, place, "/figure-settings")
                .json(json!({"due_days": 20}))
                .header("If-Match", settings_version(world, place))
        },
    },
    sample!("GET /organisations/{id}/target-populations", "mutual_admin", |world, _, place| {
        organisation(world, place, "/target-populations")
    }),
    sample!("POST /organisations/{id}/target-populations", "mutual_admin", |world, _, place| {
        organisation(world, place, "/target-populations").json(target(world))
    }),
    sample!("GET /organisations/{id}/exchange-rates", "mutual_admin", |world, _, place| {
        organisation(world, place, "/exchange-rates?year=2026")
    }),
    Sample {
        key: "POST /organisations/{id}/exchange-rates",
        by: ("platform_admin", "P1"),
        named: Named::There,
        make: |world, _, place| {
            organisation(world, place, "/exchange-rates").json(json!({
                "id": fresh_id(world), "valid_from": "2026-01-01", "source": "central bank",
                "currency": "BIF", "amount_minor": 335_000, "equals_currency": "EUR", "equals_minor": 10_000,
            }))
        },
    },
    sample!("GET /organisations/{id}/returns/{period}", "mutual_admin", |world, _, place| {
        organisation(world, place, "/returns/2025-11")
    }),
    // A mutual without a register here.
    Sample {
        key: "PUT /organisations/{id}/returns/{period}",
        by: ("platform_admin", "GIT"),
        named: Named::There,
        make: |world, _, place| {
            let currency = if place.starts_with("SEN") { "XOF" } else { "BIF" };
            let figures = json!({"households": 40, "beneficiaries_in_force": 190, "dues_minor": 400_000});
            organisation(world, place, "/returns/2025-11")
                .json(json!({"id": fresh_id(world), "currency": currency, "source": "paper", "figures": figures}))
        },
    },
];
