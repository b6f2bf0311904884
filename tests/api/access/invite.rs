//! `POST /users`.
use super::try_log_in;
use crate::samples::{PASSWORD, fresh_id};
use crate::support::World;
use serde_json::{Value, json};

fn invitation(world: &World, role: &str, place: &str) -> Value {
    json!({
        "id": fresh_id(world),
        "name": " Amina Niyonzima ",
        "email": "Amina@Example.org",
        "role": role,
        "organisation_id": world.org(place),
    })
}

#[actix_web::test]
async fn an_invited_user_sets_a_password_and_works() {
    let world = World::new().await;
    let body = invitation(&world, "registrar", "KAY");
    let answer = world.post("/users").as_("mutual_admin").json(body.clone()).send().await.expect(201);
    assert_eq!(answer.text("/user/name"), "Amina Niyonzima");
    assert_eq!(answer.text("/user/email"), "amina@example.org");
    assert_eq!(answer.text("/grant/id"), body["id"].as_str().unwrap(), "the command's id is the row's");
    assert_eq!(answer.headers["location"], format!("/api/v1/users/{}", answer.text("/user/id")));
    assert!(answer.body["grant"]["expires_at"].is_null());
    let code = answer.text("/code");
    let accept = json!({"code": code, "password": PASSWORD});
    world.post("/auth/accept").json(accept).send().await.expect(204);
    let token = try_log_in(&world, "amina@example.org", PASSWORD).await.expect(200).text("/access_token");
    let kay = format!("/organisations/{}", world.org("KAY"));
    world.get(&kay).token(&token).send().await.expect(200);
    let audit = format!("audit_values WHERE content LIKE '%{code}%'");
    assert_eq!(world.test.count(&audit), 0, "the code stands nowhere");
}

#[actix_web::test]
async fn a_repetition_changes_nothing_and_tells_no_code() {
    let world = World::new().await;
    let body = invitation(&world, "registrar", "KAY");
    let invite = |body: Value| world.post("/users").as_("mutual_admin").json(body).send();
    let first = invite(body.clone()).await.expect(201);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let users = world.test.count("users");
    let again = invite(body.clone()).await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.text("/user/id"), first.text("/user/id"));
    assert!(again.body["code"].is_null());
    assert_eq!(world.test.count("users"), users);
    let mut other = body.clone();
    other["name"] = json!("Somebody else");
    let reused = invite(other).await.expect(409);
    assert_eq!((reused.code(), reused.pointers()), ("id_reused", vec!["/id"]));
    let by_another = world.post("/users").as_("system_admin").json(body).send().await;
    assert!(by_another.status == 403 || by_another.status == 409, "{}", by_another.text);
}

#[actix_web::test]
async fn a_key_in_the_header_serves_as_the_id() {
    let world = World::new().await;
    let key = fresh_id(&world);
    let mut body = invitation(&world, "registrar", "KAY");
    body.as_object_mut().unwrap().remove("id");
    let invite = |body: &Value, key: &str| {
        world.post("/users").as_("mutual_admin").json(body.clone()).header("Idempotency-Key", key).send()
    };
    let first = invite(&body, &key).await.expect(201);
    assert_eq!(first.text("/grant/id"), key);
    assert_eq!(invite(&body, &key).await.expect(200).headers["idempotent-replayed"], "true");
    let mut other = body.clone();
    other["name"] = json!("Somebody else");
    assert_eq!(invite(&other, &key).await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(invite(&body, "not a uuid").await.expect(400).code(), "unreadable");
    let mut with_id = body.clone();
    with_id["id"] = json!(fresh_id(&world));
    assert_eq!(invite(&with_id, &fresh_id(&world)).await.expect(400).code(), "unreadable");
}

#[actix_web::test]
async fn a_known_person_gets_one_more_role_and_no_code() {
    let world = World::new().await;
    let mut body = invitation(&world, "registrar", "GIT");
    body["email"] = json!(super::email("treasurer"));
    let answer = world.post("/users").as_("mutual_admin@GIT").json(body).send().await.expect(201);
    assert_eq!(answer.text("/user/id"), world.users["treasurer"].to_string());
    assert!(answer.body["code"].is_null());
    // E-mail of one and phone of another: whose invitation is it?
    world.test.execute(&format!("UPDATE users SET phone = '+25779000001' WHERE email = '{}'", super::email("auditor")));
    let mut body = invitation(&world, "registrar", "GIT");
    body["email"] = json!(super::email("treasurer"));
    body["phone"] = json!("+257 79 000 001");
    let refused = world.post("/users").as_("mutual_admin@GIT").json(body).send().await.expect(409);
    assert_eq!(refused.code(), "email_taken");
}

#[actix_web::test]
async fn each_bad_field_is_named() {
    let world = World::new().await;
    let good = invitation(&world, "registrar", "KAY");
    for (field, value, pointer) in [
        ("name", Value::Null, "/name"),
        ("name", json!(""), "/name"),
        ("name", json!("   "), "/name"),
        ("name", json!("x".repeat(121)), "/name"),
        ("email", json!("no address"), "/email"),
        ("phone", json!("079 000 001"), "/phone"),
        ("role", json!("king"), "/role"),
        ("organisation_id", json!("KAY"), "/organisation_id"),
        ("id", json!("1"), "/id"),
        ("reason", json!(""), "/reason"),
        ("password", json!("x"), "/password"),
    ] {
        let mut body = good.clone();
        if value.is_null() {
            body.as_object_mut().unwrap().remove(field);
        } else {
            body[field] = value;
        }
        let answer = world.post("/users").as_("mutual_admin").json(body).send().await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), ("invalid", vec![pointer]), "{field}");
    }
    let mut nameless = good.clone();
    nameless.as_object_mut().unwrap().remove("email");
    let answer = world.post("/users").as_("mutual_admin").json(nameless).send().await.expect(422);
    assert_eq!(answer.pointers(), ["/email"]);
}

#[actix_web::test]
async fn a_role_is_granted_only_where_it_belongs() {
    let world = World::new().await;
    for (user, role, place, status, code) in [
        ("mutual_admin", "platform_admin", "KAY", 422, "grant_refused"),
        ("mutual_admin", "field_agent", "KAY", 422, "grant_refused"),
        ("mutual_admin", "provider_clerk", "KAY", 422, "grant_refused"),
        ("mutual_admin", "registrar", "GIT", 404, "not_found"),
        ("mutual_admin", "platform_analyst", "P1", 404, "not_found"),
        ("registrar", "registrar", "KAY", 403, "forbidden"),
        ("platform_admin", "registrar", "KAY", 403, "forbidden"),
        ("platform_admin", "mutual_admin", "KAY", 409, "admin_exists"),
        ("system_admin", "mutual_admin", "KAY", 409, "admin_exists"),
        ("system_admin", "treasurer", "KAY", 403, "forbidden"),
        ("platform_admin", "platform_admin", "P2", 404, "not_found"),
        ("platform_admin", "platform_admin", "NET", 404, "not_found"),
        ("platform_analyst", "platform_analyst", "P1", 403, "forbidden"),
    ] {
        let body = invitation(&world, role, place);
        let answer = world.post("/users").as_(user).json(body).send().await;
        assert_eq!((answer.status, answer.code()), (status, code), "{user} invites a {role} in {place}");
    }
    assert_eq!(world.test.count("users WHERE name LIKE 'Amina%'"), 0, "a refusal leaves nobody");
}

#[actix_web::test]
async fn a_body_invites_a_mutuals_first_administrator() {
    let world = World::new().await;
    let new = json!({
        "id": fresh_id(&world), "code": "RUY", "name": "Ruyigi", "kind": "mutual", "parent_id": world.org("P1"),
        "country": "BI", "currency": "BIF", "timezone": "Africa/Bujumbura",
    });
    let made = world.post("/organisations").as_("platform_admin").json(new).send().await.expect(201);
    let mut body = invitation(&world, "mutual_admin", "KAY");
    body["organisation_id"] = made.body["id"].clone();
    world.post("/users").as_("platform_admin").json(body.clone()).send().await.expect(201);
    body["id"] = json!(fresh_id(&world));
    body["email"] = json!("second@example.org");
    let second = world.post("/users").as_("platform_admin").json(body).send().await.expect(409);
    assert_eq!(second.code(), "admin_exists");
}

#[actix_web::test]
async fn an_invitation_of_somebody_known_tells_nothing_of_what_he_does_elsewhere() {
    let world = World::new().await;
    let body = json!({"name": "T", "email": super::email("treasurer"), "role": "registrar", "organisation_id": world.org("GIT")});
    let answer = world.post("/users").as_("mutual_admin@GIT").json(body).send().await.expect(201);
    let places: Vec<&Value> =
        answer.body["user"]["grants"].as_array().unwrap().iter().map(|grant| &grant["organisation_id"]).collect();
    assert_eq!(places, [&json!(world.org("GIT"))]);
}
