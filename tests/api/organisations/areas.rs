//! `GET` and `POST /areas`.
use super::walk;
use crate::samples::fresh_id;
use crate::support::{Answer, World};
use serde_json::{Value, json};

async fn add(world: &World, body: Value) -> Answer {
    world.post("/areas").as_("platform_admin").json(body).send().await
}

#[actix_web::test]
async fn areas_lie_in_areas_of_the_same_country() {
    let world = World::new().await;
    let id = fresh_id(&world);
    let province = json!({"id": id, "country": "BI", "name": " Kayanza ", "valid_from": "2000-01-01"});
    let made = add(&world, province.clone()).await.expect(201);
    assert_eq!((made.text("/id"), made.text("/name")), (id.clone(), "Kayanza".into()));
    assert_eq!(add(&world, province.clone()).await.expect(200).headers["idempotent-replayed"], "true");
    let mut other = province.clone();
    other["name"] = json!("Ngozi");
    assert_eq!(add(&world, other).await.expect(409).code(), "id_reused");
    let hill = json!({"country": "BI", "parent_id": id, "name": "Gatara", "valid_from": "2000-01-01"});
    assert_eq!(add(&world, hill).await.expect(201).text("/parent_id"), id);
    let abroad = json!({"country": "SN", "parent_id": id, "name": "Gatara", "valid_from": "2000-01-01"});
    let refused = add(&world, abroad).await.expect(422);
    assert_eq!((refused.code(), refused.pointers()), ("tree_refused", vec!["/parent_id"]));
    let lost = json!({"country": "BI", "parent_id": fresh_id(&world), "name": "X", "valid_from": "2000-01-01"});
    add(&world, lost).await.expect(404);
    let taken = json!({"country": "BI", "name": "Kayanza", "valid_from": "2000-01-01"});
    let refused = add(&world, taken).await.expect(409);
    assert_eq!((refused.code(), refused.pointers()), ("number_taken", vec!["/name"]));
}

#[actix_web::test]
async fn each_bad_field_is_named() {
    let world = World::new().await;
    for (body, pointer) in [
        (json!({"country": "XX", "name": "A", "valid_from": "2000-01-01"}), "/country"),
        (json!({"country": "bi", "name": "A", "valid_from": "2000-01-01"}), "/country"),
        (json!({"country": "BI", "name": "", "valid_from": "2000-01-01"}), "/name"),
        (json!({"country": "BI", "name": "  ", "valid_from": "2000-01-01"}), "/name"),
        (json!({"country": "BI", "name": "x".repeat(121), "valid_from": "2000-01-01"}), "/name"),
        (json!({"country": "BI", "name": "A", "valid_from": "2000-02-30"}), "/valid_from"),
        (json!({"country": "BI", "name": "A"}), "/valid_from"),
        (json!({"country": "BI", "name": "A", "valid_from": "2000-01-01", "valid_to": "2001-01-01"}), "/valid_to"),
    ] {
        let answer = add(&world, body.clone()).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![pointer]), "{body}: {}", answer.text);
    }
}

#[actix_web::test]
async fn the_areas_of_a_country_are_walked_in_the_order_of_their_names() {
    let world = World::new().await;
    let names = ["Zege", "ange", "Ange", "Éden", "Bururi", "Bururi Est", "B", "Buyengero", "nyanza", "10e"];
    for name in names {
        add(&world, json!({"country": "BI", "name": name, "valid_from": "2000-01-01"})).await.expect(201);
    }
    // Two rows of one name, from different days, are told apart.
    add(&world, json!({"country": "BI", "name": "B", "valid_from": "2010-01-01"})).await.expect(201);
    add(&world, json!({"country": "SN", "name": "Dakar", "valid_from": "2000-01-01"})).await.expect(201);
    let mut expected: Vec<&str> = names.to_vec();
    expected.push("B");
    expected.sort_unstable();
    for limit in [1, 2, 3, 200] {
        assert_eq!(walk(&world, "registrar", "/areas?country=BI", "name", limit).await, expected, "by {limit}");
    }
    assert_eq!(walk(&world, "registrar", "/areas?country=SN", "name", 10).await, ["Dakar"]);
    let page = world.get("/areas?country=BI&limit=2").as_("registrar").send().await.expect(200);
    let cursor = page.text("/next_cursor");
    let foreign = world.get(&format!("/areas?country=SN&cursor={cursor}")).as_("registrar").send().await.expect(400);
    assert_eq!(foreign.code(), "cursor_invalid");
    assert_eq!(world.get("/areas").as_("registrar").send().await.expect(422).pointers(), ["country"]);
}
