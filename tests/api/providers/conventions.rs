//! `/providers/{id}/conventions`
use super::change;
use crate::samples::fresh_id;
use crate::support::{Answer, World};
use serde_json::{Value, json};

/// A facility of KAY without a convention: where its conventions are.
async fn facility(world: &World) -> String {
    let body = json!({
        "owner_id": world.org("KAY"), "code": "CLINIC", "name": "Clinic", "level": "health_centre", "sector": "private",
    });
    let made = world.post("/providers").as_("mutual_admin").json(body).send().await.expect(201);
    format!("/providers/{}/conventions", made.text("/id"))
}

async fn add(world: &World, path: &str, more: Value) -> Answer {
    let mut body = json!({"party_id": world.org("KAY"), "valid_from": "2026-01-01"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post(path).as_("mutual_admin").json(body).send().await
}

#[actix_web::test]
async fn a_convention_says_what_it_covers_and_when_who_is_paid() {
    let world = World::new().await;
    let path = facility(&world).await;
    let told = json!({
        "id": fresh_id(&world), "valid_to": "2026-12-31", "categories": ["OPD", "MATERNITY"],
        "excluded_services": ["SCAN", "X-RAY.2"], "invoice_days": 15, "payment_days": 30, "advance_minor": 500_000,
        "currency": "BIF",
    });
    let made = add(&world, &path, told.clone()).await.expect(201);
    for field in ["id", "valid_to", "categories", "excluded_services", "invoice_days", "payment_days", "currency"] {
        assert_eq!(made.body[field], told[field], "{field}");
    }
    assert_eq!(made.body["advance_minor"], json!(500_000));
    assert_eq!(add(&world, &path, told).await.expect(200).headers["idempotent-replayed"], "true");
    let read = world.get(&made.headers["location"][7..]).as_("registrar").send().await.expect(200);
    assert_eq!((&read.body, read.headers["etag"].as_str()), (&made.body, "\"v1\""));
    let all = world.get(&path).as_("registrar").send().await.expect(200);
    assert_eq!(all.body["items"], json!([made.body]));
    world.get(&made.headers["location"][7..]).as_("mutual_admin@GIT").send().await.expect(404);
    // Left out, everything is covered and nothing is agreed.
    let plain = add(&world, &path, json!({"valid_from": "2027-01-01"})).await.expect(201);
    assert_eq!((&plain.body["categories"], &plain.body["excluded_services"]), (&Value::Null, &json!([])));
    assert_eq!((&plain.body["invoice_days"], &plain.body["advance_minor"]), (&Value::Null, &Value::Null));
    // No category at all is something else than all of them.
    let path = format!("/providers/{}/conventions", world.provider("HC-KAY"));
    let none = json!({"party_id": world.org("P1"), "valid_from": "2026-01-01", "categories": []});
    let none = world.post(&path).as_("platform_admin").json(none).send().await.expect(201);
    assert_eq!(none.body["categories"], json!([]));
}

#[actix_web::test]
async fn each_bad_field_of_a_convention_is_named() {
    let world = World::new().await;
    let path = facility(&world).await;
    let cases = [
        (json!({"categories": ["A B"]}), "/categories/0"),
        (json!({"categories": vec!["A"; 51]}), "/categories"),
        (json!({"excluded_services": ["é"]}), "/excluded_services/0"),
        (json!({"invoice_days": -1}), "/invoice_days"),
        (json!({"invoice_days": 367}), "/invoice_days"),
        (json!({"payment_days": 367}), "/payment_days"),
        (json!({"advance_minor": 1}), "/currency"),
        (json!({"currency": "BIF"}), "/advance_minor"),
        (json!({"advance_minor": 1, "currency": "XXY"}), "/currency"),
        (json!({"advance_minor": 0, "currency": "BIF"}), "/advance_minor"),
        (json!({"advance_minor": i64::MAX, "currency": "BIF"}), "/advance_minor"),
        (json!({"valid_to": "2025-12-31"}), "/valid_to"),
    ];
    for (body, pointer) in &cases {
        let answer = add(&world, &path, body.clone()).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![*pointer]), "{body}: {}", answer.text);
    }
    assert_eq!(cases.len(), 12);
    assert_eq!(world.test.count("conventions"), 3);
}

#[actix_web::test]
async fn a_convention_ends_today_at_the_earliest_and_never_overlaps_another() {
    let world = World::new().await;
    let path = facility(&world).await;
    let made = add(&world, &path, json!({})).await.expect(201);
    let own = format!("{path}/{}", made.text("/id"));
    let end = |version, on: &str| change(&world, &own, version, json!({"valid_to": on}));
    let body = json!({"valid_to": "2026-06-30"});
    world.patch(&own).as_("mutual_admin").json(body.clone()).send().await.refused(428, "precondition_required", &[]);
    let users = [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin@P2", 404)];
    world.each("PATCH", &own, Some(body), &users).await;
    end(2, "2026-06-30").await.refused(412, "version_mismatch", &[]);
    end(1, "2026-03-09").await.refused(422, "impossible_date", &[("/valid_to", "impossible_date")]);
    let ended = end(1, "2026-06-30").await.expect(200);
    assert_eq!((ended.text("/valid_to"), ended.headers["etag"].as_str()), ("2026-06-30".into(), "\"v2\""));
    // The next one begins where it ended; then it cannot be made longer.
    add(&world, &path, json!({"valid_from": "2026-06-30"})).await.refused(
        422,
        "period_overlaps",
        &[("/valid_from", "period_overlaps")],
    );
    let next = add(&world, &path, json!({"valid_from": "2026-07-01"})).await.expect(201);
    end(2, "2026-07-01").await.refused(422, "period_overlaps", &[("/valid_to", "period_overlaps")]);
    change(&world, &own, 2, json!({"valid_to": null})).await.refused(
        422,
        "period_overlaps",
        &[("/valid_to", "period_overlaps")],
    );
    end(2, "2026-03-10").await.expect(200);
    // One that is still to come ends on its first day at the earliest.
    let coming = format!("{path}/{}", next.text("/id"));
    change(&world, &coming, 1, json!({"valid_to": "2026-06-30"})).await.refused(
        422,
        "impossible_date",
        &[("/valid_to", "impossible_date")],
    );
    change(&world, &coming, 1, json!({"valid_to": "2026-07-01"})).await.expect(200);
    // What has ended stays so.
    world.test.execute("UPDATE conventions SET valid_to = '2026-03-09' WHERE valid_to = '2026-03-10'");
    end(3, "2026-05-01").await.refused(409, "wrong_state", &[("/valid_to", "wrong_state")]);
}

#[actix_web::test]
async fn what_does_not_concern_cover_may_change() {
    let world = World::new().await;
    let path = facility(&world).await;
    let told = json!({"categories": ["OPD"], "invoice_days": 15, "advance_minor": 500_000, "currency": "BIF"});
    let own = format!("{path}/{}", add(&world, &path, told).await.expect(201).text("/id"));
    let body = json!({"invoice_days": null, "payment_days": 45, "advance_minor": 700_000, "currency": "BIF"});
    let changed = change(&world, &own, 1, body).await.expect(200);
    assert_eq!((&changed.body["invoice_days"], &changed.body["payment_days"]), (&Value::Null, &json!(45)));
    assert_eq!(changed.body["advance_minor"], json!(700_000));
    let emptied = change(&world, &own, 2, json!({"advance_minor": null})).await.expect(200);
    assert_eq!((&emptied.body["advance_minor"], &emptied.body["currency"]), (&Value::Null, &Value::Null));
    assert_eq!(emptied.body["payment_days"], json!(45));
    for (body, pointer, code) in [
        (json!({"advance_minor": 5}), "/currency", "missing"),
        (json!({"currency": "BIF"}), "/advance_minor", "missing"),
        (json!({"payment_days": 367}), "/payment_days", "out_of_bounds"),
        (json!({"categories": ["OPD"]}), "/categories", "unknown_field"),
        (json!({"valid_from": "2026-02-01"}), "/valid_from", "unknown_field"),
    ] {
        change(&world, &own, 3, body).await.refused(422, "invalid", &[(pointer, code)]);
    }
}

#[actix_web::test]
async fn the_end_of_a_convention_counts_for_clerks_at_once() {
    let world = World::new().await;
    let id = world.provider("HC-KAY");
    let path = format!("/providers/{id}/conventions");
    let all = world.get(&path).as_("platform_admin").send().await.expect(200);
    let convention = all.text("/items/0/id");
    let claims = format!("/providers/{id}/claims?mutual_id={}", world.org("KAY"));
    world.get(&claims).as_("provider_clerk").send().await.expect(200);
    change(&world, &format!("{path}/{convention}"), 1, json!({"valid_to": "2026-03-10"})).await.expect(200);
    world.get(&claims).as_("provider_clerk").send().await.expect(200);
    world.test.db.clock().set("2026-03-11T12:00:00Z".parse().unwrap());
    world.get(&claims).as_("provider_clerk").send().await.expect(404);
}
