//! `GET /products`, `/products/{id}` and versions
use crate::support::World;
use crate::support::register::bands;

#[actix_web::test]
async fn a_platforms_product_is_seen_and_used_below_it_alone() {
    let world = World::new().await;
    let shared = world.product("platform_admin", "P1", "SHARED", bands()).await;
    let own = world.product("mutual_admin", "KAY", "OWN", bands()).await;
    let path = format!("/products/{shared}");
    let seen = [
        ("registrar", 200),
        ("field_agent", 200),
        ("mutual_admin@GIT", 200),
        ("mutual_admin@SEN", 404),
        ("platform_admin@P2", 404),
        ("network_analyst", 200),
    ];
    world.each("GET", &path, None, &seen).await;
    world.each("GET", &format!("/products/{own}"), None, &[("platform_admin", 200), ("mutual_admin@GIT", 404)]).await;
    let codes = |items: Vec<serde_json::Value>| -> Vec<String> {
        items.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(world.items("registrar", "/products").await), ["OWN", "SHARED"]);
    assert_eq!(codes(world.items("registrar@GIT", "/products").await), ["SHARED"]);
    assert!(world.items("mutual_admin@SEN", "/products").await.is_empty());
    world.get(&format!("/products?owner_id={}", world.org("KAY"))).as_("registrar@GIT").send().await.expect(404);
    let first = world.get("/products?limit=1").as_("registrar").send().await.expect(200);
    let cursor = first.text("/next_cursor");
    let second = world.get(&format!("/products?limit=1&cursor={cursor}")).as_("registrar").send().await.expect(200);
    assert_eq!(second.text("/items/0/code"), "SHARED");
    assert!(second.body["next_cursor"].is_null());
    // A mutual uses it and does not change it.
    let version = format!("{path}/versions/1");
    world
        .each("PATCH", &version, Some(serde_json::json!({})), &[("mutual_admin", 403), ("mutual_admin@SEN", 404)])
        .await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.application(&home, &shared, "2026-03-01").await.expect(201);
    let home = world.home_of("SEN", None, "STANDARD", 2).await.text("/id");
    world
        .post(&format!("{}/enrolments", world.mutual("SEN")))
        .as_("mutual_admin@SEN")
        .json(serde_json::json!({"household_id": home, "product_id": shared, "starts_on": "2026-03-01"}))
        .send()
        .await
        .refused(404, "not_found", &[("/product_id", "not_found")]);
    world.get(&format!("{path}/versions/2")).as_("registrar").send().await.expect(404);
}
