//! `PATCH /products/{id}/versions/{number}`
use crate::support::World;
use crate::support::register::{bands, per_person};
use serde_json::json;

#[actix_web::test]
async fn a_draft_changes_and_a_published_version_does_not() {
    let world = World::new().await;
    let made = world
        .post("/products")
        .as_("mutual_admin")
        .json(json!({"owner_id": world.org("KAY"), "code": "FAM", "name": "F", "parameters": bands()}))
        .send()
        .await
        .expect(201);
    let version = format!("/products/{}/versions/1", made.text("/id"));
    let change = json!({"parameters": per_person("per_person_year", 7000), "valid_to": "2026-12-31"});
    let patch = || world.patch(&version).as_("mutual_admin").json(change.clone());
    patch().send().await.refused(428, "precondition_required", &[]);
    patch().header("If-Match", "\"v2\"").send().await.refused(412, "version_mismatch", &[]);
    world
        .each(
            "PATCH",
            &version,
            Some(change.clone()),
            &[("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin@P2", 404)],
        )
        .await;
    let changed = patch().header("If-Match", "\"v1\"").send().await.expect(200);
    assert_eq!(changed.headers["etag"], "\"v2\"");
    assert_eq!(changed.body["parameters"]["contribution"], json!({"kind": "per_person_year", "amount": 7000}));
    assert_eq!(changed.text("/valid_to"), "2026-12-31");
    world
        .patch(&version)
        .as_("mutual_admin")
        .header("If-Match", "\"v2\"")
        .json(json!({"valid_from": "2027-01-01"}))
        .send()
        .await
        .refused(422, "impossible_date", &[("/valid_to", "impossible_date")]);
    let publish = format!("{version}/publish");
    let publish = || world.post(&publish).as_("mutual_admin");
    publish().send().await.refused(428, "precondition_required", &[]);
    publish().header("If-Match", "\"v1\"").send().await.refused(412, "version_mismatch", &[]);
    let published = publish().header("If-Match", "\"v2\"").send().await.expect(200);
    assert_eq!(published.text("/state"), "published");
    assert_eq!(published.text("/published_at"), "2026-03-10T12:00:00Z");
    patch().header("If-Match", "\"v3\"").send().await.refused(422, "version_immutable", &[]);
    publish().header("If-Match", "\"v3\"").send().await.refused(422, "version_immutable", &[]);
}
