//! `GET`, `POST` and `PATCH /services`
use super::change;
use crate::support::{Answer, World};
use serde_json::{Value, json};

async fn add(world: &World, more: Value) -> Answer {
    let mut body = json!({
        "owner_id": world.org("KAY"), "code": "DELIVERY", "name": "Delivery", "category": "MATERNITY", "kind": "service",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post("/services").as_("mutual_admin").json(body).send().await
}

#[actix_web::test]
async fn a_service_says_for_whom_it_is() {
    let world = World::new().await;
    let made = add(&world, json!({"sex": "female", "min_age_years": 12, "max_age_years": 55})).await.expect(201);
    assert_eq!(
        (&made.body["sex"], &made.body["min_age_years"], &made.body["max_age_years"]),
        (&json!("female"), &json!(12), &json!(55))
    );
    let path = format!("/services/{}", made.text("/id"));
    let read = world.get(&path).as_("registrar").send().await.expect(200);
    assert_eq!((&read.body, read.headers["etag"].as_str()), (&made.body, "\"v1\""));
    let body =
        json!({"sex": null, "min_age_years": null, "max_age_years": 5, "category": "CHILD", "name": "Care of infants"});
    world.patch(&path).as_("mutual_admin").json(body.clone()).send().await.refused(428, "precondition_required", &[]);
    change(&world, &path, 2, body.clone()).await.refused(412, "version_mismatch", &[]);
    let users = [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin@P2", 404)];
    world.each("PATCH", &path, Some(body.clone()), &users).await;
    let changed = change(&world, &path, 1, body).await.expect(200);
    assert_eq!(changed.headers["etag"], "\"v2\"");
    assert_eq!((&changed.body["sex"], &changed.body["min_age_years"]), (&Value::Null, &Value::Null));
    assert_eq!((changed.text("/category"), changed.text("/name")), ("CHILD".into(), "Care of infants".into()));
    assert_eq!(changed.body["max_age_years"], json!(5));
}

#[actix_web::test]
async fn each_bad_field_of_a_service_is_named() {
    let world = World::new().await;
    let path = format!("/services/{}", add(&world, json!({"min_age_years": 10})).await.expect(201).text("/id"));
    let cases = [
        (json!({"sex": "other"}), "/sex", "unknown_value"),
        (json!({"min_age_years": -1}), "/min_age_years", "out_of_bounds"),
        (json!({"max_age_years": 151}), "/max_age_years", "out_of_bounds"),
        (json!({"min_age_years": 10, "max_age_years": 9}), "/max_age_years", "out_of_bounds"),
        (json!({"category": "A-B"}), "/category", "out_of_bounds"),
        (json!({"name": " "}), "/name", "out_of_bounds"),
        (json!({"kind": "stay"}), "/kind", "unknown_value"),
    ];
    for (body, pointer, code) in &cases {
        change(&world, &path, 1, body.clone()).await.refused(422, "invalid", &[(pointer, code)]);
        let mut more = body.clone();
        more["code"] = json!("OTHER");
        add(&world, more).await.refused(422, "invalid", &[(pointer, code)]);
    }
    assert_eq!(cases.len(), 7);
    // The bounds are compared with those that stand.
    change(&world, &path, 1, json!({"max_age_years": 9})).await.refused(
        422,
        "invalid",
        &[("/max_age_years", "out_of_bounds")],
    );
    change(&world, &path, 1, json!({"max_age_years": 10})).await.expect(200);
    change(&world, &path, 2, json!({"code": "X"})).await.refused(422, "invalid", &[("/code", "unknown_field")]);
}
