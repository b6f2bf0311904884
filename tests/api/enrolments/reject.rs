//! `POST /mutuals/{m}/enrolments/{id}/reject`
use crate::support::World;
use crate::support::register::bands;
use serde_json::json;

#[actix_web::test]
async fn a_rejected_application_leaves_the_period_free() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S2"), "STANDARD", 1).await.text("/id");
    let id = world.application(&home, &product, "2026-03-01").await.expect(201).text("/id");
    let path = format!("{}/enrolments/{id}/reject", world.mutual("KAY"));
    let reason = json!({"reason": " no papers "});
    let others = [("field_agent", 403), ("treasurer", 403), ("registrar@GIT", 404), ("platform_admin", 404)];
    world.each("POST", &path, Some(reason.clone()), &others).await;
    let post = || world.post(&path).as_("section_registrar");
    post().json(reason.clone()).send().await.refused(428, "precondition_required", &[]);
    let send = |body| post().header("If-Match", "\"v1\"").json(body).send();
    send(json!({})).await.refused(422, "invalid", &[("/reason", "missing")]);
    send(json!({"reason": ""})).await.refused(422, "invalid", &[("/reason", "out_of_bounds")]);
    let rejected = send(reason.clone()).await.expect(200);
    assert_eq!((rejected.text("/state"), rejected.text("/reason")), ("REJECTED".into(), "no papers".into()));
    send(reason.clone()).await.refused(412, "version_mismatch", &[]);
    post().header("If-Match", "\"v2\"").json(reason).send().await.refused(409, "wrong_state", &[]);
    let admit = path.replace("/reject", "/admit");
    world.post(&admit).as_("registrar").header("If-Match", "\"v2\"").json(json!({})).send().await.refused(
        409,
        "wrong_state",
        &[],
    );
    world.application(&home, &product, "2026-03-01").await.expect(201);
    assert_eq!(world.count("dues"), 0);
}
