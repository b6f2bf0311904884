//! `GET` and `PATCH /organisations/{id}`.
use crate::samples::fresh_id;
use crate::support::{World, all_at_once};
use serde_json::json;

#[actix_web::test]
async fn a_change_names_the_version_that_was_read() {
    let world = World::new().await;
    let path = format!("/organisations/{}", world.org("KAY"));
    let read = world.get(&path).as_("mutual_admin").send().await.expect(200);
    let tag = read.headers["etag"].clone();
    let change = |tag: Option<&str>, name: &str| {
        let ask = world.patch(&path).as_("mutual_admin").json(json!({"name": name}));
        match tag {
            Some(tag) => ask.header("If-Match", tag).send(),
            None => ask.send(),
        }
    };
    assert_eq!(change(None, "Kayanza").await.expect(428).code(), "precondition_required");
    assert_eq!(change(Some("\"v77\""), "Kayanza").await.expect(412).code(), "version_mismatch");
    let changed = change(Some(&tag), " Kayanza ").await.expect(200);
    assert_eq!(changed.text("/name"), "Kayanza");
    assert_eq!(changed.text("/timezone"), read.text("/timezone"), "what is left out stays");
    assert_ne!(changed.headers["etag"], tag);
    assert_eq!(change(Some(&tag), "Again").await.expect(412).code(), "version_mismatch");
    let read = world.get(&path).as_("mutual_admin").send().await.expect(200);
    assert_eq!((read.text("/name").as_str(), &read.headers["etag"]), ("Kayanza", &changed.headers["etag"]));
}

#[actix_web::test]
async fn a_repeated_change_is_answered_though_the_version_moved() {
    let world = World::new().await;
    let path = format!("/organisations/{}", world.org("KAY"));
    let tag = world.get(&path).as_("mutual_admin").send().await.expect(200).headers["etag"].clone();
    let key = fresh_id(&world);
    let change = |name: &str| {
        let ask = world.patch(&path).as_("mutual_admin").json(json!({"name": name}));
        ask.header("If-Match", &tag).header("Idempotency-Key", &key).send()
    };
    let first = change("Kayanza").await.expect(200);
    let again = change("Kayanza").await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, first.body);
    assert_eq!(change("Another").await.expect(422).code(), "idempotency_key_reused");
}

#[actix_web::test]
async fn bad_changes_are_refused() {
    let world = World::new().await;
    let path = format!("/organisations/{}", world.org("KAY"));
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "   "}), "/name"),
        (json!({"name": "x".repeat(121)}), "/name"),
        (json!({"name": 1}), "/name"),
        (json!({"timezone": "Mars/Olympus"}), "/timezone"),
        (json!({"code": "KAY2"}), "/code"),
        (json!({"currency": "XOF"}), "/currency"),
    ] {
        let answer = world.patch(&path).as_("mutual_admin").header("If-Match", "\"v1\"").json(body).send().await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![pointer]), "{}", answer.text);
    }
    let root = world.patch(&format!("/organisations/{}", world.org("ROOT"))).as_("system_admin");
    let answer = root.header("If-Match", "\"v1\"").json(json!({"name": "X"})).send().await.expect(422);
    assert_eq!(answer.code(), "tree_refused");
}

#[actix_web::test]
async fn two_changes_of_one_version_do_not_both_happen() {
    let world = World::new().await;
    let path = format!("/organisations/{}", world.org("KAY"));
    let tag = world.get(&path).as_("mutual_admin").send().await.expect(200).headers["etag"].clone();
    let tag = tag.as_str();
    let change = |name: &'static str| {
        world.patch(&path).as_("mutual_admin").header("If-Match", tag).json(json!({"name": name})).send()
    };
    let all = vec![change("A"), change("B"), change("C"), change("D")];
    let mut statuses: Vec<u16> = all_at_once(all).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}
