//! `POST /mutuals/{m}/enrolments`, and reading them
use crate::support::World;
use crate::support::register::bands;
use serde_json::json;

#[actix_web::test]
async fn an_application_waits_for_its_admission() {
    let world = World::new().await;
    let product = world.product("platform_admin", "P1", "FAM", bands()).await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    let path = format!("{}/enrolments", world.mutual("KAY"));
    let id = "01959d00-0000-7000-8000-0000000000e1";
    let body = json!({"id": id, "household_id": home, "product_id": product, "starts_on": "2026-01-31"});
    let made = world.post(&path).as_("field_agent").json(body.clone()).send().await.expect(201);
    assert_eq!(made.headers["location"], format!("/api/v1{path}/{id}"));
    for (field, value) in
        [("number", "E000001"), ("state", "APPLIED"), ("ends_on", "2027-01-30"), ("applied_on", "2026-03-10")]
    {
        assert_eq!(made.body[field], value, "{field}");
    }
    assert!(made.body["admitted_on"].is_null());
    let again = world.post(&path).as_("field_agent").json(body).send().await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.body), ("true", &made.body));
    assert!(world.dues(&home).await.is_empty());
    let one = format!("{path}/{id}");
    let users = [
        ("field_agent", 200),
        ("section_registrar", 404),
        ("treasurer", 200),
        ("registrar@GIT", 404),
        ("platform_admin", 404),
    ];
    world.each("GET", &one, None, &users).await;
    world.get(&one.replace(&world.mutual("KAY"), &world.mutual("GIT"))).as_("registrar@GIT").send().await.expect(404);
    assert_eq!(world.items("registrar", &format!("{path}?state=APPLIED")).await.len(), 1);
    assert!(world.items("registrar", &format!("{path}?state=ADMITTED")).await.is_empty());
    assert!(world.items("section_registrar", &path).await.is_empty());
    world.get(&format!("{path}?state=applied")).as_("registrar").send().await.refused(
        422,
        "invalid",
        &[("state", "wrong_type")],
    );
}

#[actix_web::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let mut francs = bands();
    francs["currency"] = json!("XOF");
    let foreign = world.product("mutual_admin", "KAY", "XOF", francs).await;
    let of_git = world.product("mutual_admin@GIT", "GIT", "GIT", bands()).await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    let path = format!("{}/enrolments", world.mutual("KAY"));
    let body =
        |product: &str, starts_on: &str| json!({"household_id": home, "product_id": product, "starts_on": starts_on});
    let send = |body| world.post(&path).as_("registrar").json(body).send();
    send(body(&foreign, "2026-03-01")).await.refused(422, "CURRENCY_MISMATCH", &[("/product_id", "CURRENCY_MISMATCH")]);
    send(body(&of_git, "2026-03-01")).await.refused(404, "not_found", &[("/product_id", "not_found")]);
    let mut backwards = body(&product, "2026-03-01");
    backwards["ends_on"] = json!("2026-02-28");
    send(backwards).await.refused(422, "impossible_date", &[("/ends_on", "impossible_date")]);
    let mut long = body(&product, "2026-03-01");
    long["ends_on"] = json!("2036-02-28");
    send(long).await.refused(422, "impossible_date", &[("/ends_on", "impossible_date")]);
    let mut future = body(&product, "2026-03-01");
    future["applied_on"] = json!("2026-03-11");
    send(future).await.refused(422, "future_date", &[("/applied_on", "future_date")]);
    send(json!({"product_id": product, "starts_on": "x"})).await.expect(422);
    let others = [("auditor", 403), ("treasurer", 403), ("section_registrar", 404), ("mutual_admin@GIT", 404)];
    world.each("POST", &path, Some(body(&product, "2026-03-01")), &others).await;
    let mut numbered = body(&product, "2026-03-01");
    numbered["number"] = json!("E000002");
    send(numbered.clone()).await.expect(201);
    send(body(&product, "2027-02-28")).await.refused(422, "period_overlaps", &[("/starts_on", "period_overlaps")]);
    numbered["starts_on"] = json!("2027-03-01");
    send(numbered).await.refused(409, "number_taken", &[("/number", "number_taken")]);
    assert_eq!(send(body(&product, "2027-03-01")).await.expect(201).text("/number"), "E000001");
    assert_eq!(send(body(&product, "2028-03-01")).await.expect(201).text("/number"), "E000003");
}

#[actix_web::test]
async fn the_version_valid_on_the_first_day_is_taken() {
    let world = World::new().await;
    let send = |path: String, body: serde_json::Value| {
        world.post(&path).as_("mutual_admin").header("If-Match", "\"v1\"").json(body).send()
    };
    let product = send(
        "/products".into(),
        json!({"owner_id": world.org("KAY"), "code": "FAM", "name": "F",
        "parameters": bands(), "valid_from": "2026-01-01", "valid_to": "2026-03-31"}),
    )
    .await
    .expect(201)
    .text("/id");
    let versions = format!("/products/{product}/versions");
    let second = send(versions.clone(), json!({"parameters": bands(), "valid_from": "2026-04-01"})).await.expect(201);
    world
        .post(&format!("{versions}/1/publish"))
        .as_("mutual_admin")
        .header("If-Match", "\"v1\"")
        .send()
        .await
        .expect(200);
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.application(&home, &product, "2025-12-31").await.refused(
        422,
        "product_not_valid",
        &[("/starts_on", "product_not_valid")],
    );
    // The next version is a draft yet.
    world.application(&home, &product, "2026-04-01").await.refused(
        422,
        "product_not_valid",
        &[("/starts_on", "product_not_valid")],
    );
    world
        .post(&format!("{versions}/2/publish"))
        .as_("mutual_admin")
        .header("If-Match", "\"v1\"")
        .send()
        .await
        .expect(200);
    let made = world.application(&home, &product, "2026-04-01").await.expect(201);
    assert_eq!(made.text("/product_version_id"), second.text("/id"));
}
