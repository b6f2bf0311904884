//! `POST /auth/login`, `/auth/refresh`, `/auth/logout`, `/auth/accept`.
use super::{email, log_in, me, try_log_in};
use crate::samples::{PASSWORD, new_code, new_session, set_password};
use crate::support::World;
use crate::support::database::start;
use chrono::Duration;
use serde_json::{Value, json};

/// The body without what differs from request to request.
fn without_request(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("request_id").unwrap();
    body
}

#[actix_web::test]
async fn a_login_gives_tokens_that_let_in() {
    let world = World::new().await;
    let answer = log_in(&world, "registrar").await;
    assert_eq!(answer.text("/token_type"), "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mine = world.get("/me").token(&answer.text("/access_token")).send().await.expect(200);
    assert_eq!(mine.text("/id"), world.users["registrar"].to_string());
    // Case and spaces of a login do not count, those of a password do.
    try_log_in(&world, &format!("  {} ", email("registrar").to_uppercase()), PASSWORD).await.expect(200);
    try_log_in(&world, &email("registrar"), &PASSWORD.to_uppercase()).await.expect(401);
    world.test.clock.set(start() + Duration::seconds(600));
    assert_eq!(me(&world, &answer.text("/access_token")).await, 401, "ten minutes later");
}

#[actix_web::test]
async fn a_refused_login_does_not_say_why() {
    let world = World::new().await;
    for user in ["registrar", "treasurer"] {
        set_password(&world, world.users[user]);
    }
    let treasurer = world.users["treasurer"];
    world.post(&format!("/users/{treasurer}/disable")).as_("mutual_admin").send().await.expect(200);
    let wrong = try_log_in(&world, &email("registrar"), "not the password").await.expect(401);
    assert_eq!(wrong.code(), "login_refused");
    assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    let wrong = without_request(wrong.body);
    let unknown = try_log_in(&world, "nobody@example.org", PASSWORD).await.expect(401);
    assert_eq!(without_request(unknown.body), wrong);
    let disabled = try_log_in(&world, &email("treasurer"), PASSWORD).await.expect(401);
    assert_eq!(without_request(disabled.body), wrong);
    let passwordless = try_log_in(&world, &email("auditor"), PASSWORD).await.expect(401);
    assert_eq!(without_request(passwordless.body), wrong);
}

#[actix_web::test]
async fn failed_logins_must_wait() {
    let world = World::new().await;
    set_password(&world, world.users["registrar"]);
    for _ in 0..5 {
        try_log_in(&world, &email("registrar"), "not the password").await.expect(401);
    }
    let answer = try_log_in(&world, &email("registrar"), PASSWORD).await.expect(429);
    assert_eq!(answer.code(), "too_many_requests");
    let wait: u64 = answer.headers["retry-after"].parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    // Whoever keeps to it comes in: nobody is locked out.
    actix_web::rt::time::sleep(std::time::Duration::from_secs(wait)).await;
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn a_login_names_each_bad_field() {
    let world = World::new().await;
    for (body, pointer) in [
        (json!({"password": "x"}), "/login"),
        (json!({"login": "a@b.example"}), "/password"),
        (json!({"login": "ab", "password": "x"}), "/login"),
        (json!({"login": "a@b.example", "password": ""}), "/password"),
        (json!({"login": 7, "password": "x"}), "/login"),
        (json!({"login": "a@b.example", "password": "x", "remember": true}), "/remember"),
    ] {
        let answer = world.post("/auth/login").json(body).send().await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), ("invalid", vec![pointer]));
    }
}

#[actix_web::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let world = World::new().await;
    let first = log_in(&world, "registrar").await;
    let refresh = |token: String| world.post("/auth/refresh").json(json!({"refresh_token": token})).send();
    let second = refresh(first.text("/refresh_token")).await.expect(200);
    assert_ne!(second.text("/refresh_token"), first.text("/refresh_token"));
    assert_eq!(me(&world, &first.text("/access_token")).await, 200, "the session goes on");
    assert_eq!(me(&world, &second.text("/access_token")).await, 200);
    let again = refresh(first.text("/refresh_token")).await.expect(401);
    assert_eq!(again.code(), "refresh_refused");
    assert_eq!(
        me(&world, &second.text("/access_token")).await,
        401,
        "somebody has a copy: the session is over at once"
    );
    refresh(second.text("/refresh_token")).await.expect(401);
    refresh("a token that nobody was given".into()).await.expect(401);
    let reason = "sessions WHERE end_reason = 'refresh token used twice'";
    assert_eq!(world.test.count(reason), 1);
}

#[actix_web::test]
async fn a_session_ends_when_it_is_not_used() {
    let world = World::new().await;
    let user = world.users["field_agent"];
    let refresh = |token: String| world.post("/auth/refresh").json(json!({"refresh_token": token})).send();
    let (_, idle) = new_session(&world, user);
    let (_, kept) = new_session(&world, user);
    world.test.clock.set(start() + Duration::days(29));
    let kept = refresh(kept).await.expect(200).text("/refresh_token");
    world.test.clock.set(start() + Duration::days(30));
    assert_eq!(refresh(idle).await.expect(401).code(), "refresh_refused");
    world.test.clock.set(start() + Duration::days(58));
    let kept = refresh(kept).await.expect(200).text("/refresh_token");
    world.test.clock.set(start() + Duration::days(87));
    let kept = refresh(kept).await.expect(200).text("/refresh_token");
    world.test.clock.set(start() + Duration::days(90));
    refresh(kept).await.expect(401);
}

#[actix_web::test]
async fn a_logout_ends_the_session_at_once() {
    let world = World::new().await;
    let (one, other) = (log_in(&world, "registrar").await, log_in(&world, "registrar").await);
    let token = one.text("/access_token");
    let answer = world.post("/auth/logout").token(&token).send().await.expect(204);
    assert_eq!(answer.text, "");
    assert_eq!(me(&world, &token).await, 401);
    let body = json!({"refresh_token": one.text("/refresh_token")});
    world.post("/auth/refresh").json(body).send().await.expect(401);
    assert_eq!(me(&world, &other.text("/access_token")).await, 200, "the other session goes on");
}

#[actix_web::test]
async fn a_code_sets_a_password_once() {
    let world = World::new().await;
    let user = world.users["registrar"];
    let old = log_in(&world, "registrar").await.text("/access_token");
    let code = new_code(&world, user);
    let accept = |code: &str, password: &str| {
        world.post("/auth/accept").json(json!({"code": code, "password": password})).send()
    };
    let short = accept(&code, "too short").await.expect(422);
    assert_eq!(short.pointers(), ["/password"]);
    // It is read aloud: small letters and spaces around do not count.
    accept(&format!(" {} ", code.to_lowercase()), "a new long password").await.expect(204);
    assert_eq!(accept(&code, "a new long password").await.expect(401).code(), "code_refused");
    assert_eq!(me(&world, &old).await, 401, "earlier sessions end");
    try_log_in(&world, &email("registrar"), PASSWORD).await.expect(401);
    try_log_in(&world, &email("registrar"), "a new long password").await.expect(200);
}

#[actix_web::test]
async fn a_code_runs_out_and_a_newer_one_replaces_it() {
    let world = World::new().await;
    let user = world.users["registrar"];
    let accept = |code: String| world.post("/auth/accept").json(json!({"code": code, "password": PASSWORD})).send();
    let first = new_code(&world, user);
    let second = new_code(&world, user);
    accept(first).await.expect(401);
    world.test.clock.set(start() + Duration::hours(24));
    assert_eq!(accept(second).await.expect(401).code(), "code_refused");
    let third = new_code(&world, user);
    world.test.clock.set(start() + Duration::hours(48) - Duration::seconds(1));
    accept(third).await.expect(204);
}

#[actix_web::test]
async fn guessing_codes_must_wait() {
    let world = World::new().await;
    let body = json!({"code": "AAAA-BBBB-CCCC-DDDD", "password": PASSWORD});
    for _ in 0..5 {
        world.post("/auth/accept").json(body.clone()).send().await.expect(401);
    }
    let answer = world.post("/auth/accept").json(body).send().await.expect(429);
    assert!(answer.headers.contains_key("retry-after"));
}
