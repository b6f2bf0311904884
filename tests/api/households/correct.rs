//! `PATCH /mutuals/{m}/households/{id}`
use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn a_correction_needs_the_version_that_was_read() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let path = format!("{}/households/{}", world.mutual("KAY"), home.text("/id"));
    let key = "01959d00-0000-7000-8000-0000000000c1";
    let change = json!({"class": "POOR", "phone": "+25779000002"});
    let patch = || world.patch(&path).as_("registrar").json(change.clone());
    patch().send().await.refused(428, "precondition_required", &[]);
    patch().header("If-Match", "\"v7\"").send().await.refused(412, "version_mismatch", &[]);
    let changed = patch().header("If-Match", "\"v1\"").header("Idempotency-Key", key).send().await.expect(200);
    assert_eq!(changed.headers["etag"], "\"v2\"");
    assert_eq!((changed.text("/class"), changed.text("/phone")), ("POOR".into(), "+25779000002".into()));
    assert_eq!(changed.text("/section_id"), world.org("KAY-S1").to_string());
    // Repetition comes before If-Match.
    let again = patch().header("If-Match", "\"v1\"").header("Idempotency-Key", key).send().await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, changed.body);
    let others = [("treasurer", 403), ("section_registrar", 404), ("registrar@GIT", 404), ("platform_admin", 404)];
    world.each("PATCH", &path, Some(change.clone()), &others).await;
    let match_2 = |body| world.patch(&path).as_("registrar").header("If-Match", "\"v2\"").json(body).send();
    match_2(json!({"class": "x", "phone": "1"})).await.refused(
        422,
        "invalid",
        &[("/class", "out_of_bounds"), ("/phone", "out_of_bounds")],
    );
    match_2(json!({"number": "H7"})).await.refused(422, "invalid", &[("/number", "unknown_field")]);
    match_2(json!({"section_id": world.org("GIT-S1")})).await.refused(
        404,
        "not_found",
        &[("/section_id", "not_found")],
    );
    let emptied = match_2(json!({"phone": null})).await.expect(200);
    assert_eq!((&emptied.body["phone"], emptied.text("/class")), (&json!(null), "POOR".to_owned()));
    let match_2 = |body| world.patch(&path).as_("registrar").header("If-Match", "\"v3\"").json(body).send();
    // Moved to the other section, the first one sees it no more.
    match_2(json!({"section_id": world.org("KAY-S2")})).await.expect(200);
    world.each("GET", &path, None, &[("field_agent", 404), ("section_registrar", 200)]).await;
}
