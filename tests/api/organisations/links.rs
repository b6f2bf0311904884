//! `GET` and `POST /organisations/{id}/links`, `POST …/links/{link}/end`.
use crate::samples::fresh_id;
use crate::support::World;
use crate::support::database::start;
use chrono::Duration;
use serde_json::{Value, json};

async fn federation(world: &World, code: &str, parent: &str) -> String {
    let body = json!({"code": code, "name": code, "kind": "federation", "parent_id": world.org(parent)});
    world.post("/organisations").as_("system_admin").json(body).send().await.expect(201).text("/id")
}

async fn link(world: &World, child: &str, parent: &str, kind: &str, from: &str) -> crate::support::Answer {
    let body = json!({"id": fresh_id(world), "kind": kind, "parent_id": parent, "valid_from": from});
    world.post(&format!("/organisations/{child}/links")).as_("system_admin").json(body).send().await
}

async fn links(world: &World, id: &str) -> Vec<Value> {
    let answer = world.get(&format!("/organisations/{id}/links")).as_("system_admin").send().await.expect(200);
    answer.body["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_second_parent_ends_the_first_on_the_day_before() {
    let world = World::new().await;
    let kay = world.org("KAY").to_string();
    let made = link(&world, &kay, &world.org("P2").to_string(), "parent", "2026-04-01").await.expect(201);
    assert!(made.body["valid_to"].is_null());
    let all = links(&world, &kay).await;
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0]["valid_from"], &all[0]["valid_to"]), (&json!("2026-03-10"), &json!("2026-03-31")));
    assert_eq!((&all[1]["parent_id"], &all[1]["valid_to"]), (&json!(world.org("P2")), &Value::Null));
    // Access follows the calendar, without anything being done on the day.
    let path = format!("/organisations/{kay}");
    world.get(&path).as_("platform_admin").send().await.expect(200);
    world.get(&path).as_("platform_admin@P2").send().await.expect(404);
    world.test.clock.set(start() + Duration::days(21));
    world.get(&path).as_("platform_admin").send().await.expect(200);
    world.test.clock.set(start() + Duration::days(22));
    world.get(&path).as_("platform_admin").send().await.expect(404);
    world.get(&path).as_("platform_admin@P2").send().await.expect(200);
    world.get(&path).as_("registrar").send().await.expect(200);
}

#[actix_web::test]
async fn a_parent_may_not_begin_before_one_that_stands() {
    let world = World::new().await;
    let kay = world.org("KAY").to_string();
    let p2 = world.org("P2").to_string();
    for from in ["2026-03-10", "2020-01-01"] {
        let answer = link(&world, &kay, &p2, "parent", from).await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), ("impossible_date", vec!["/valid_from"]));
    }
    assert_eq!(links(&world, &kay).await.len(), 1);
}

#[actix_web::test]
async fn a_circle_is_refused() {
    let world = World::new().await;
    let a = federation(&world, "FA", "P1").await;
    let body = json!({"code": "FB", "name": "FB", "kind": "federation", "parent_id": a});
    let b = world.post("/organisations").as_("system_admin").json(body).send().await.expect(201).text("/id");
    for kind in ["parent", "member_of"] {
        let answer = link(&world, &a, &b, kind, "2026-05-01").await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), ("tree_refused", vec!["/parent_id"]), "{kind}");
        let itself = link(&world, &a, &a, kind, "2026-05-01").await.expect(422);
        assert_eq!(itself.code(), "tree_refused");
    }
    let c = federation(&world, "FC", "P1").await;
    link(&world, &c, &b, "member_of", "2026-05-01").await.expect(201);
    assert_eq!(link(&world, &a, &c, "parent", "2026-06-01").await.expect(422).code(), "tree_refused");
}

#[actix_web::test]
async fn membership_of_another_body_opens_no_door() {
    let world = World::new().await;
    let kay = world.org("KAY").to_string();
    let p2 = world.org("P2").to_string();
    link(&world, &kay, &p2, "member_of", "2026-01-01").await.expect(201);
    let path = format!("/organisations/{kay}");
    world.get(&path).as_("platform_admin@P2").send().await.expect(404);
    let again = link(&world, &kay, &p2, "member_of", "2026-02-01").await.expect(422);
    assert_eq!(again.code(), "tree_refused");
    let other = federation(&world, "FA", "P1").await;
    link(&world, &kay, &other, "member_of", "2026-02-01").await.expect(201);
    let root = world.org("ROOT").to_string();
    assert_eq!(link(&world, &kay, &root, "member_of", "2026-02-01").await.expect(422).code(), "tree_refused");
    assert_eq!(
        link(&world, &kay, &world.org("GIT").to_string(), "member_of", "2026-02-01").await.expect(422).code(),
        "tree_refused"
    );
}

#[actix_web::test]
async fn a_link_ends_on_a_day_on_which_it_stands() {
    let world = World::new().await;
    let kay = world.org("KAY").to_string();
    let made = link(&world, &kay, &world.org("P2").to_string(), "member_of", "2026-01-01").await.expect(201);
    let path = format!("/organisations/{kay}/links/{}/end", made.text("/id"));
    let key = fresh_id(&world);
    let end = |on: &str, key: &str| {
        world.post(&path).as_("platform_admin").json(json!({"on": on})).header("Idempotency-Key", key).send()
    };
    let early = end("2025-12-31", &fresh_id(&world)).await.expect(422);
    assert_eq!((early.code(), early.pointers()), ("impossible_date", vec!["/on"]));
    assert_eq!(end("2026-06-30", &key).await.expect(200).text("/valid_to"), "2026-06-30");
    assert_eq!(end("2026-06-30", &key).await.expect(200).headers["idempotent-replayed"], "true");
    assert_eq!(end("2026-05-31", &key).await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(end("2026-07-01", &fresh_id(&world)).await.expect(422).code(), "impossible_date");
    let elsewhere = path.replace(&kay, &world.org("GIT").to_string());
    world.post(&elsewhere).as_("platform_admin").json(json!({"on": "2026-05-31"})).send().await.expect(404);
    let bad = world.post(&path).as_("platform_admin").json(json!({"on": "tomorrow"})).send().await.expect(422);
    assert_eq!(bad.pointers(), ["/on"]);
}

#[actix_web::test]
async fn a_repeated_link_is_one_link() {
    let world = World::new().await;
    let path = format!("/organisations/{}/links", world.org("KAY"));
    let body =
        json!({"id": fresh_id(&world), "kind": "member_of", "parent_id": world.org("P1"), "valid_from": "2026-01-01"});
    let add = |body: Value| world.post(&path).as_("platform_admin").json(body).send();
    let first = add(body.clone()).await.expect(201);
    let again = add(body.clone()).await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.body), ("true", &first.body));
    let mut other = body;
    other["valid_from"] = json!("2026-02-01");
    assert_eq!(add(other).await.expect(409).code(), "id_reused");
    for (body, pointer) in [
        (json!({"kind": "friend", "parent_id": world.org("P1"), "valid_from": "2026-01-01"}), "/kind"),
        (json!({"kind": "parent", "parent_id": 1, "valid_from": "2026-01-01"}), "/parent_id"),
        (json!({"kind": "parent", "parent_id": world.org("P1"), "valid_from": "1.1.2026"}), "/valid_from"),
        (json!({"kind": "parent", "parent_id": world.org("P1")}), "/valid_from"),
        (json!({"kind": "parent", "parent_id": world.org("P1"), "valid_from": "2026-01-01", "x": 1}), "/x"),
    ] {
        assert_eq!(add(body).await.expect(422).pointers(), [pointer]);
    }
}
