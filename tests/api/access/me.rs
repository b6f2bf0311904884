//! `/me`, `/me/mutuals`, `/me/password`, `/me/sessions`, `/roles`.
use super::{email, log_in, me, try_log_in};
use crate::samples::{PASSWORD, new_session};
use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn one_sees_oneself_with_ones_grants() {
    let world = World::new().await;
    let answer = world.get("/me").as_("field_agent").send().await.expect(200);
    assert_eq!(answer.text("/email"), email("field_agent"));
    assert_eq!(answer.text("/grants/0/role"), "field_agent");
    assert_eq!(answer.text("/grants/0/organisation_id"), world.org("KAY-S1").to_string());
    assert_eq!(answer.body["has_password"], false);
    assert!(!answer.text.contains("password_hash"));
}

#[actix_web::test]
async fn ones_mutuals_are_those_of_ones_grants_and_sections() {
    let world = World::new().await;
    for (user, codes) in [
        ("field_agent", vec!["KAY"]),
        ("registrar", vec!["KAY"]),
        ("mutual_admin@SEN", vec!["SEN"]),
        ("platform_admin", vec![]),
        ("system_admin", vec![]),
    ] {
        let answer = world.get("/me/mutuals").as_(user).send().await.expect(200);
        let seen: Vec<&str> =
            answer.body["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
        assert_eq!(seen, codes, "{user}");
    }
}

#[actix_web::test]
async fn a_new_password_ends_the_other_sessions() {
    let world = World::new().await;
    let here = log_in(&world, "registrar").await.text("/access_token");
    let elsewhere = log_in(&world, "registrar").await.text("/access_token");
    let change = |current: &str, new: &str| {
        world.put("/me/password").token(&here).json(json!({"current_password": current, "new_password": new})).send()
    };
    let wrong = change("not the password", "a new long password").await.expect(422);
    assert_eq!(wrong.pointers(), ["/current_password"]);
    assert_eq!(change(PASSWORD, "short").await.expect(422).pointers(), ["/new_password"]);
    change(PASSWORD, "a new long password").await.expect(204);
    assert_eq!(me(&world, &here).await, 200);
    assert_eq!(me(&world, &elsewhere).await, 401);
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(401);
    try_log_in(&world, &email("registrar"), "a new long password").await.expect(200);
    // Neither password stands anywhere, hashed into a request either.
    assert_eq!(world.test.count("audit_values WHERE content LIKE '%password%' AND content LIKE '%horse%'"), 0);
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let world = World::new().await;
    let here = log_in(&world, "registrar").await.text("/access_token");
    let elsewhere = log_in(&world, "registrar").await.text("/access_token");
    let listed = world.get("/me/sessions").token(&here).send().await.expect(200);
    let items = listed.body["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    let other = items.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    world.delete(&format!("/me/sessions/{other}")).as_("treasurer").send().await.expect(404);
    assert_eq!(me(&world, &elsewhere).await, 200);
    world.delete(&format!("/me/sessions/{other}")).token(&here).send().await.expect(204);
    assert_eq!(me(&world, &elsewhere).await, 401);
    assert_eq!(me(&world, &here).await, 200);
    world.delete(&format!("/me/sessions/{other}")).token(&here).send().await.expect(404);
    world.delete("/me/sessions/not-an-id").token(&here).send().await.expect(404);
}

#[actix_web::test]
async fn ending_a_session_twice_with_one_key_changes_nothing() {
    let world = World::new().await;
    let (session, _) = new_session(&world, world.users["registrar"]);
    let key = crate::samples::fresh_id(&world);
    let end =
        || world.delete(&format!("/me/sessions/{session}")).as_("registrar").header("Idempotency-Key", &key).send();
    end().await.expect(204);
    end().await.expect(204);
    assert_eq!(world.test.count(&format!("audit_rows WHERE route = '{}'", "DELETE /api/v1/me/sessions/{id}")), 1);
}

#[actix_web::test]
async fn the_permission_table_is_shown() {
    let world = World::new().await;
    let answer = world.get("/roles").as_("platform_analyst").send().await.expect(200);
    let permissions = answer.body["permissions"].as_array().unwrap();
    assert_eq!(permissions.len(), ayni::access::permissions::Permission::ALL.len());
    let register = permissions.iter().find(|row| row["permission"] == "register_write").unwrap();
    assert_eq!(register["roles"], json!(["mutual_admin", "registrar", "field_agent"]));
}
