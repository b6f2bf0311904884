//! Broken glass: an auditor made from above, with a reason, for three hours, shown to the mutual at once.
use crate::samples::{fresh_id, new_user, session_token};
use crate::support::World;
use crate::support::database::start;
use chrono::Duration;
use serde_json::json;

#[actix_web::test]
async fn broken_glass_needs_a_reason_is_shown_and_runs_out() {
    let world = World::new().await;
    let (user, _) = new_user(&world, None);
    let kay = world.org("KAY");
    let path = format!("/users/{user}/grants");
    let bare = json!({"id": fresh_id(&world), "role": "auditor", "organisation_id": kay});
    let refused = world.post(&path).as_("platform_admin").json(bare.clone()).send().await.expect(422);
    assert_eq!((refused.code(), refused.pointers()), ("grant_refused", vec!["/reason"]));
    let own_audit = format!(
        "audit_rows WHERE mutual_id = (SELECT id FROM organisations WHERE code = 'KAY') AND route = '{}'",
        "POST /api/v1/users/{id}/grants"
    );
    assert_eq!(world.test.count(&own_audit), 0);
    let mut body = bare;
    body["reason"] = json!("Complaint 17 of a member");
    let foreign = world.post(&path).as_("platform_admin@P2").json(body.clone()).send().await;
    assert_eq!(foreign.status, 404);
    let made = world.post(&path).as_("platform_admin").json(body.clone()).send().await.expect(201);
    assert_eq!(made.text("/expires_at"), "2026-03-10T15:00:00Z");
    assert_eq!(made.text("/reason"), "Complaint 17 of a member");
    assert_eq!(world.test.count(&own_audit), 1, "the mutual sees it in its own audit");
    let told = "audit_values v JOIN audit_rows a ON a.mutual_id = v.mutual_id AND a.id = v.id \
                JOIN organisations o ON o.id = v.mutual_id WHERE o.code = 'KAY' AND v.content LIKE '%Complaint 17%'";
    assert_eq!(world.test.count(told), 1);
    world.post(&path).as_("platform_admin").json(body).send().await.expect(200);
    assert_eq!(world.test.count(&own_audit), 1, "a repetition shows nothing twice");

    let see = format!("/organisations/{kay}");
    world.get(&see).token(&session_token(&world, user)).send().await.expect(200);
    let sister = format!("/organisations/{}", world.org("GIT"));
    world.get(&sister).token(&session_token(&world, user)).send().await.expect(404);
    world.test.clock.set(start() + Duration::hours(3) - Duration::seconds(1));
    world.get(&see).token(&session_token(&world, user)).send().await.expect(200);
    let list = format!("/users?organisation_id={kay}");
    assert_eq!(
        world.get(&list).as_("mutual_admin").send().await.expect(200).body["items"].as_array().unwrap().len(),
        7
    );
    world.test.clock.set(start() + Duration::hours(3));
    let token = session_token(&world, user);
    world.get(&see).token(&token).send().await.expect(404);
    let mine = world.get("/me").token(&token).send().await.expect(200);
    assert_eq!(mine.body["grants"], json!([]));
    let listed = world.get(&list).as_("mutual_admin").send().await.expect(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 6, "a grant that has run out stands no more");
}

#[actix_web::test]
async fn the_mutuals_own_auditor_stays() {
    let world = World::new().await;
    let (user, _) = new_user(&world, None);
    let body = json!({"role": "auditor", "organisation_id": world.org("KAY")});
    let made = world.post(&format!("/users/{user}/grants")).as_("mutual_admin").json(body).send().await.expect(201);
    assert!(made.body["expires_at"].is_null());
}

#[actix_web::test]
async fn nobody_breaks_the_glass_for_himself() {
    let world = World::new().await;
    let path = format!("/users/{}/grants", world.users["platform_admin"]);
    let body = json!({"role": "auditor", "organisation_id": world.org("KAY"), "reason": "curiosity"});
    assert_eq!(world.post(&path).as_("platform_admin").json(body).send().await.expect(403).code(), "own_grant");
}
