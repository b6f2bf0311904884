//! `POST /products` and `POST /products/{id}/versions`
use crate::support::World;
use crate::support::register::{bands, per_person};
use serde_json::json;

#[actix_web::test]
async fn a_product_begins_with_a_draft_and_has_more_versions() {
    let world = World::new().await;
    let id = "01959d00-0000-7000-8000-0000000000a1";
    let body = json!({"id": id, "owner_id": world.org("KAY"), "code": "FAM", "name": " Family ", "parameters": bands(),
        "valid_from": "2026-01-01"});
    let made = world.post("/products").as_("mutual_admin").json(body.clone()).send().await.expect(201);
    assert_eq!(
        made.body,
        json!({"id": id, "owner_id": world.org("KAY"), "code": "FAM", "name": "Family", "currency": "BIF", "version": 1})
    );
    assert_eq!(made.headers["location"], format!("/api/v1/products/{id}"));
    assert_eq!(made.headers["etag"], "\"v1\"");
    let again = world.post("/products").as_("mutual_admin").json(body.clone()).send().await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, made.body);
    let mut other = body.clone();
    other["name"] = json!("Another");
    world.post("/products").as_("mutual_admin").json(other).send().await.refused(
        409,
        "id_reused",
        &[("/id", "id_reused")],
    );
    let draft = world.get(&format!("/products/{id}/versions/1")).as_("registrar").send().await.expect(200);
    assert_eq!((draft.text("/state"), draft.text("/valid_from")), ("draft".into(), "2026-01-01".into()));
    assert_eq!(draft.body["parameters"], bands());
    assert!(draft.body["published_at"].is_null());
    let versions = format!("/products/{id}/versions");
    let next = world
        .post(&versions)
        .as_("mutual_admin")
        .json(json!({"parameters": per_person("per_person_year", 5)}))
        .send()
        .await
        .expect(201);
    assert_eq!(next.body["number"], 2);
    assert_eq!(next.headers["location"], format!("/api/v1/products/{id}/versions/2"));
    let mut francs = bands();
    francs["currency"] = json!("XOF");
    world.post(&versions).as_("mutual_admin").json(json!({"parameters": francs})).send().await.refused(
        422,
        "CURRENCY_MISMATCH",
        &[("/parameters/currency", "CURRENCY_MISMATCH")],
    );
    let taken = json!({"owner_id": world.org("KAY"), "code": "FAM", "name": "F", "parameters": bands()});
    world.post("/products").as_("mutual_admin").json(taken).send().await.refused(
        409,
        "number_taken",
        &[("/code", "number_taken")],
    );
    // Codes are unique per owner.
    let git = json!({"owner_id": world.org("GIT"), "code": "FAM", "name": "F", "parameters": bands()});
    world.post("/products").as_("mutual_admin@GIT").json(git).send().await.expect(201);
}

#[actix_web::test]
async fn only_who_may_and_only_where() {
    let world = World::new().await;
    let body = |owner: &str| json!({"owner_id": world.org(owner), "code": "X1", "name": "X", "parameters": bands()});
    let nobody =
        [("registrar", 403), ("treasurer", 403), ("auditor", 403), ("field_agent", 403), ("system_admin", 403)];
    world.each("POST", "/products", Some(body("KAY")), &nobody).await;
    let elsewhere = [("mutual_admin", 404), ("platform_admin@P2", 404)];
    world.each("POST", "/products", Some(body("GIT")), &elsewhere).await;
    world.post("/products").as_("mutual_admin").json(body("P1")).send().await.expect(404);
}

#[actix_web::test]
async fn each_fault_is_named() {
    let world = World::new().await;
    let send = |body: serde_json::Value| world.post("/products").as_("mutual_admin").json(body).send();
    let owner = world.org("KAY");
    send(json!({"owner_id": owner, "code": "fam", "name": "", "parameters": bands()})).await.refused(
        422,
        "invalid",
        &[("/code", "out_of_bounds"), ("/name", "out_of_bounds")],
    );
    send(json!({"owner_id": owner, "code": "FAM", "name": "F"})).await.refused(
        422,
        "invalid",
        &[("/parameters", "missing")],
    );
    send(json!({"owner_id": owner, "code": "FAM", "name": "F", "parameters": {"currency": "ZZZ"}})).await.refused(
        422,
        "invalid",
        &[("/parameters/currency", "wrong_type")],
    );
    send(json!({"owner_id": owner, "code": "FAM", "name": "F", "parameters": {"currency": "BIF", "copay": 3}}))
        .await
        .refused(422, "invalid", &[("/parameters/copay", "unknown_field")]);
    send(json!({"owner_id": owner, "code": "FAM", "name": "F", "parameters": bands(), "valid_from": "2026-02-01",
        "valid_to": "2026-01-31"}))
    .await
    .refused(422, "impossible_date", &[("/valid_to", "impossible_date")]);
    assert_eq!(world.count("products"), 0);
}
