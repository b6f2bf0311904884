//! `GET /users`, `GET /users/{id}`, `POST /users/{id}/reset`, `/disable`, `/enable`.
use super::{email, log_in, me, try_log_in};
use crate::samples::{PASSWORD, fresh_id, new_user};
use crate::support::World;
use ayni::access::permissions::Role;
use serde_json::json;
use std::collections::BTreeSet;

#[actix_web::test]
async fn the_users_of_an_organisation_are_walked_page_by_page() {
    let world = World::new().await;
    let list = format!("/users?organisation_id={}", world.org("KAY"));
    let all = world.get(&list).as_("mutual_admin").send().await.expect(200);
    let all: Vec<String> =
        all.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all.len(), 6, "those of the mutual, not those of its sections");
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("{list}&limit=2{cursor}")).as_("mutual_admin").send().await.expect(200);
        for item in page.body["items"].as_array().unwrap() {
            seen.push(item["id"].as_str().unwrap().to_owned());
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 6);
    let foreign = format!("/users?organisation_id={}{cursor}", world.org("KAY-S1"));
    let answer = world.get(&foreign).as_("mutual_admin").send().await.expect(400);
    assert_eq!(answer.code(), "cursor_invalid", "a cursor of another list");
    for (query, pointer) in
        [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("role=registrar", "role")]
    {
        let answer = world.get(&format!("{list}&{query}")).as_("mutual_admin").send().await.expect(422);
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
    assert_eq!(world.get("/users").as_("mutual_admin").send().await.expect(422).pointers(), ["organisation_id"]);
}

#[actix_web::test]
async fn an_administrator_sees_only_what_a_user_does_for_him() {
    let world = World::new().await;
    let (user, _) = new_user(&world, Some((Role::Registrar, "KAY")));
    let body = json!({"id": fresh_id(&world), "role": "treasurer", "organisation_id": world.org("GIT")});
    world.post(&format!("/users/{user}/grants")).as_("mutual_admin@GIT").json(body).send().await.expect(201);
    let list = format!("/users?organisation_id={}", world.org("KAY"));
    let listed = world.get(&list).as_("mutual_admin").send().await.expect(200);
    let mine = listed.body["items"].as_array().unwrap().iter().find(|item| item["id"] == json!(user)).unwrap().clone();
    assert_eq!(mine["grants"].as_array().unwrap().len(), 1);
    // A reset or a disabling would reach the other mutual too.
    for path in ["", "/reset", "/disable", "/enable"] {
        let ask = if path.is_empty() {
            world.get(&format!("/users/{user}"))
        } else {
            world.post(&format!("/users/{user}{path}"))
        };
        assert_eq!(ask.as_("mutual_admin").send().await.expect(403).code(), "forbidden", "{path}");
    }
    world.post(&format!("/users/{user}/disable")).as_("system_admin").send().await.expect(200);
}

#[actix_web::test]
async fn a_user_is_read_with_his_version() {
    let world = World::new().await;
    let path = format!("/users/{}", world.users["registrar"]);
    let answer = world.get(&path).as_("mutual_admin").send().await.expect(200);
    assert_eq!(answer.headers["etag"], "\"v1\"");
    assert_eq!(answer.text("/grants/0/role"), "registrar");
    for (user, status) in
        [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin", 404), ("system_admin", 200)]
    {
        assert_eq!(world.get(&path).as_(user).send().await.status, status, "{user}");
    }
    world.get(&format!("/users/{}", fresh_id(&world))).as_("mutual_admin").send().await.expect(404);
    world.get("/users/nobody").as_("mutual_admin").send().await.expect(404);
}

#[actix_web::test]
async fn a_disabled_user_is_out_at_once_until_enabled() {
    let world = World::new().await;
    let logged = log_in(&world, "registrar").await;
    let token = logged.text("/access_token");
    let path = format!("/users/{}", world.users["registrar"]);
    assert_eq!(me(&world, &token).await, 200);
    let answer = world.post(&format!("{path}/disable")).as_("mutual_admin").send().await.expect(200);
    assert_eq!(answer.body["disabled"], true);
    assert_eq!(me(&world, &token).await, 401);
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(401);
    let refresh = json!({"refresh_token": logged.text("/refresh_token")});
    world.post("/auth/refresh").json(refresh).send().await.expect(401);
    let answer = world.post(&format!("{path}/enable")).as_("mutual_admin").send().await.expect(200);
    assert_eq!(answer.body["disabled"], false);
    assert_eq!(me(&world, &token).await, 401, "his session stays ended");
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(200);
    let own = format!("/users/{}/disable", world.users["mutual_admin"]);
    assert_eq!(world.post(&own).as_("mutual_admin").send().await.expect(403).code(), "own_grant");
}

#[actix_web::test]
async fn a_repeated_disabling_says_so() {
    let world = World::new().await;
    let path = format!("/users/{}/disable", world.users["registrar"]);
    let key = fresh_id(&world);
    let ask = |path: &str| world.post(path).as_("mutual_admin").header("Idempotency-Key", &key).send();
    let first = ask(&path).await.expect(200);
    let again = ask(&path).await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(first.body, again.body);
    let other = format!("/users/{}/disable", world.users["treasurer"]);
    assert_eq!(ask(&other).await.expect(422).code(), "idempotency_key_reused");
}

#[actix_web::test]
async fn a_reset_ends_sessions_and_the_old_password() {
    let world = World::new().await;
    let token = log_in(&world, "registrar").await.text("/access_token");
    let path = format!("/users/{}/reset", world.users["registrar"]);
    let key = fresh_id(&world);
    let reset = || world.post(&path).as_("mutual_admin").header("Idempotency-Key", &key).send();
    let answer = reset().await.expect(200);
    assert_eq!(answer.text("/expires_at"), "2026-03-11T12:00:00Z");
    let code = answer.text("/code");
    let again = reset().await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(again.body["code"].is_null(), "it is told once");
    assert_eq!(me(&world, &token).await, 401);
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(401);
    let accept = json!({"code": code, "password": "a new long password"});
    world.post("/auth/accept").json(accept).send().await.expect(204);
    try_log_in(&world, &email("registrar"), "a new long password").await.expect(200);
    let own = format!("/users/{}/reset", world.users["mutual_admin"]);
    assert_eq!(world.post(&own).as_("mutual_admin").send().await.expect(403).code(), "own_grant");
}
