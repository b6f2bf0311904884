//! `POST /organisations`.
use crate::samples::fresh_id;
use crate::support::World;
use serde_json::{Value, json};

fn mutual(world: &World, code: &str) -> Value {
    json!({
        "id": fresh_id(world), "code": code, "name": " Mutuelle de Ruyigi ", "kind": "mutual",
        "parent_id": world.org("P1"), "country": "BI", "currency": "BIF", "timezone": "Africa/Bujumbura",
    })
}

#[actix_web::test]
async fn a_mutual_is_made_with_its_books() {
    let world = World::new().await;
    let body = mutual(&world, "RUY");
    let answer = world.post("/organisations").as_("platform_admin").json(body.clone()).send().await.expect(201);
    let id = answer.text("/id");
    assert_eq!(id, body["id"].as_str().unwrap());
    assert_eq!(answer.headers["location"], format!("/api/v1/organisations/{id}"));
    assert_eq!(answer.headers["etag"], "\"v1\"");
    assert_eq!(answer.text("/name"), "Mutuelle de Ruyigi");
    assert_eq!(answer.text("/card_prefix"), "100004", "the next after those of the world");
    let accounts = "accounts a JOIN organisations o ON o.id = a.mutual_id WHERE o.code = ";
    let of_others = world.test.count(&format!("{accounts}'KAY'"));
    assert!(of_others > 5);
    assert_eq!(world.test.count(&format!("{accounts}'RUY'")), of_others);
    world.get(&format!("/organisations/{id}")).as_("platform_admin").send().await.expect(200);
    world.get(&format!("/organisations/{id}")).as_("platform_admin@P2").send().await.expect(404);
}

#[actix_web::test]
async fn a_repetition_makes_nothing_twice() {
    let world = World::new().await;
    let body = mutual(&world, "RUY");
    let add = |body: Value| world.post("/organisations").as_("platform_admin").json(body).send();
    let first = add(body.clone()).await.expect(201);
    let before = world.test.count("accounts");
    let again = add(body.clone()).await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, first.body);
    let mut turned = serde_json::Map::new();
    for (key, value) in body.as_object().unwrap().iter().rev() {
        turned.insert(key.clone(), value.clone());
    }
    add(Value::Object(turned)).await.expect(200);
    assert_eq!(world.test.count("accounts"), before);
    let mut other = body.clone();
    other["name"] = json!("Another");
    assert_eq!(add(other).await.expect(409).code(), "id_reused");
    let mut taken = mutual(&world, "RUY");
    taken["name"] = json!("Another");
    let refused = add(taken.clone()).await.expect(409);
    assert_eq!((refused.code(), refused.pointers()), ("number_taken", vec!["/code"]));
    // A refused command leaves no row: its id may be used again.
    taken["code"] = json!("RUY2");
    add(taken).await.expect(201);
}

#[actix_web::test]
async fn all_faults_are_named_at_once() {
    let world = World::new().await;
    let body = json!({
        "code": "ruy", "name": " ", "kind": "mutual", "parent_id": world.org("P1"), "country": "XX",
        "currency": "XXY", "card_prefix": "012345",
    });
    let answer = world.post("/organisations").as_("platform_admin").json(body).send().await.expect(422);
    let mut pointers = answer.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/card_prefix", "/code", "/country", "/currency", "/name", "/timezone"]);
    for (field, value) in [
        ("name", json!("x".repeat(121))),
        ("kind", json!("clan")),
        ("kind", json!("root")),
        ("parent_id", json!("P1")),
        ("timezone", json!("Africa/Atlantis")),
        ("timezone", json!("x".repeat(61))),
        ("version", json!(1)),
    ] {
        let mut body = mutual(&world, "RUY");
        body[field] = value.clone();
        let answer = world.post("/organisations").as_("system_admin").json(body).send().await.expect(422);
        assert!(answer.pointers().contains(&format!("/{field}").as_str()), "{field} {value}: {}", answer.text);
    }
}

#[actix_web::test]
async fn a_card_prefix_belongs_to_one_mutual() {
    let world = World::new().await;
    let mut body = mutual(&world, "RUY");
    body["card_prefix"] = json!("777777");
    world.post("/organisations").as_("platform_admin").json(body).send().await.expect(201);
    let mut body = mutual(&world, "RUY2");
    body["card_prefix"] = json!("777777");
    assert_eq!(
        world.post("/organisations").as_("platform_admin").json(body).send().await.expect(409).code(),
        "number_taken"
    );
}

#[actix_web::test]
async fn kinds_stand_only_where_they_belong() {
    let world = World::new().await;
    for (user, kind, parent, status) in [
        ("system_admin", "network", "P1", 422),
        ("system_admin", "mutual", "KAY", 422),
        ("system_admin", "section", "P1", 422),
        ("system_admin", "section", "KAY-S1", 422),
        ("system_admin", "platform", "NET", 201),
        ("platform_admin", "federation", "P1", 201),
        ("platform_admin", "section", "KAY", 201),
        ("platform_admin", "federation", "P2", 404),
        ("platform_admin", "federation", "NET", 404),
        ("mutual_admin", "section", "KAY", 201),
        ("mutual_admin", "section", "GIT", 404),
        ("mutual_admin", "federation", "KAY", 403),
        ("mutual_admin", "federation", "P1", 404),
        ("registrar", "section", "KAY", 403),
    ] {
        let code = format!("X{}", crate::samples::fresh());
        let body = json!({"code": code, "name": "X", "kind": kind, "parent_id": world.org(parent)});
        let answer = world.post("/organisations").as_(user).json(body).send().await;
        assert_eq!(answer.status, status, "{user}: a {kind} below {parent}: {}", answer.text);
    }
    let body = json!({"code": "TOP", "name": "X", "kind": "network"});
    world.post("/organisations").as_("platform_admin").json(body.clone()).send().await.expect(404);
    world.post("/organisations").as_("system_admin").json(body).send().await.expect(201);
    let body = json!({"code": "LOST", "name": "X", "kind": "federation", "parent_id": fresh_id(&world)});
    world.post("/organisations").as_("system_admin").json(body).send().await.expect(404);
}

#[actix_web::test]
async fn a_section_takes_country_and_zone_from_its_mutual() {
    let world = World::new().await;
    let body = json!({"code": "KAY-S3", "name": "Hill three", "kind": "section", "parent_id": world.org("KAY")});
    let answer = world.post("/organisations").as_("mutual_admin").json(body).send().await.expect(201);
    assert_eq!(answer.text("/timezone"), "Africa/Bujumbura");
    assert_eq!(answer.text("/country"), "BI");
    assert!(answer.body["currency"].is_null() && answer.body["card_prefix"].is_null());
}
