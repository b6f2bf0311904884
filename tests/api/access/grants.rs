//! `POST /users/{id}/grants`, `DELETE /users/{id}/grants/{grant}`.
use crate::samples::{fresh_id, new_user};
use crate::support::World;
use ayni::access::permissions::Role;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_second_role_counts_at_once() {
    let world = World::new().await;
    let git = format!("/organisations/{}", world.org("GIT"));
    world.get(&git).as_("registrar").send().await.expect(404);
    let path = format!("/users/{}/grants", world.users["registrar"]);
    let body = json!({"id": fresh_id(&world), "role": "treasurer", "organisation_id": world.org("GIT")});
    let grant = |body: Value| world.post(&path).as_("mutual_admin@GIT").json(body).send();
    let answer = grant(body.clone()).await.expect(201);
    assert_eq!(answer.text("/role"), "treasurer");
    world.get(&git).as_("registrar").send().await.expect(200);
    assert_eq!(grant(body.clone()).await.expect(200).headers["idempotent-replayed"], "true");
    let mut other = body;
    other["role"] = json!("registrar");
    assert_eq!(grant(other).await.expect(409).code(), "id_reused");
    let unknown = format!("/users/{}/grants", fresh_id(&world));
    let body = json!({"role": "treasurer", "organisation_id": world.org("GIT")});
    world.post(&unknown).as_("mutual_admin@GIT").json(body).send().await.expect(404);
}

#[actix_web::test]
async fn each_bad_field_is_named() {
    let world = World::new().await;
    let path = format!("/users/{}/grants", world.users["registrar"]);
    for (body, pointer) in [
        (json!({"organisation_id": world.org("KAY")}), "/role"),
        (json!({"role": "treasurer"}), "/organisation_id"),
        (json!({"role": "x", "organisation_id": world.org("KAY")}), "/role"),
        (json!({"role": "treasurer", "organisation_id": 1}), "/organisation_id"),
        (json!({"role": "treasurer", "organisation_id": world.org("KAY"), "until": "x"}), "/until"),
        (json!({"role": "treasurer", "organisation_id": world.org("KAY"), "reason": "x".repeat(501)}), "/reason"),
    ] {
        let answer = world.post(&path).as_("mutual_admin").json(body).send().await.expect(422);
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[actix_web::test]
async fn nobody_grants_to_himself() {
    let world = World::new().await;
    let path = format!("/users/{}/grants", world.users["mutual_admin"]);
    let body = json!({"role": "treasurer", "organisation_id": world.org("KAY")});
    let answer = world.post(&path).as_("mutual_admin").json(body).send().await.expect(403);
    assert_eq!(answer.code(), "own_grant");
    // By way of an invitation neither.
    let body = json!({"name": "I", "email": super::email("mutual_admin"), "role": "treasurer",
        "organisation_id": world.org("KAY")});
    assert_eq!(world.post("/users").as_("mutual_admin").json(body).send().await.expect(403).code(), "own_grant");
}

#[actix_web::test]
async fn an_ended_grant_is_over_at_once() {
    let world = World::new().await;
    let (user, grant) = new_user(&world, Some((Role::Registrar, "KAY")));
    let grant = grant.unwrap();
    world.parts.access.pictures.reload().unwrap();
    let token = crate::samples::session_token(&world, user);
    let kay = format!("/organisations/{}", world.org("KAY"));
    world.get(&kay).token(&token).send().await.expect(200);
    let path = format!("/users/{user}/grants/{grant}");
    for (other, status) in [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin", 403)] {
        assert_eq!(world.delete(&path).as_(other).send().await.status, status, "{other}");
    }
    world.get(&kay).token(&token).send().await.expect(200);
    let key = fresh_id(&world);
    let end = || world.delete(&path).as_("mutual_admin").header("Idempotency-Key", &key).send();
    end().await.expect(204);
    world.get(&kay).token(&token).send().await.expect(404);
    world.get("/me").token(&token).send().await.expect(200);
    end().await.expect(204);
    world.delete(&path).as_("mutual_admin").send().await.expect(404);
    let wrong_user = format!("/users/{}/grants/{grant}", world.users["treasurer"]);
    world.delete(&wrong_user).as_("mutual_admin").send().await.expect(404);
}

#[actix_web::test]
async fn nobody_ends_his_own_grant() {
    let world = World::new().await;
    let mine = world.get("/me").as_("mutual_admin").send().await.expect(200);
    let path = format!("/users/{}/grants/{}", world.users["mutual_admin"], mine.text("/grants/0/id"));
    assert_eq!(world.delete(&path).as_("mutual_admin").send().await.expect(403).code(), "own_grant");
}
