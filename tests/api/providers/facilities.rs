//! `GET`, `POST` and `PATCH /providers`
use super::{change, column};
use crate::samples::fresh_id;
use crate::support::{Answer, World};
use serde_json::{Value, json};

fn clinic(world: &World) -> Value {
    json!({
        "owner_id": world.org("KAY"), "code": "CLINIC", "name": " Clinic ", "level": "health_centre", "sector": "private",
    })
}

async fn add(world: &World, more: Value) -> Answer {
    let mut body = clinic(world);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post("/providers").as_("mutual_admin").json(body).send().await
}

#[actix_web::test]
async fn a_facility_has_kinds_of_care_and_contacts() {
    let world = World::new().await;
    let told = json!({
        "id": fresh_id(&world), "care_types": ["outpatient", "maternity", "outpatient"], "contact_name": " Sister Aline ",
        "phone": "+257 22 22 00 01", "email": "clinic@example.org", "address": "Kayanza, Rue 3",
    });
    let made = add(&world, told.clone()).await.expect(201);
    assert_eq!(made.body["care_types"], json!(["outpatient", "maternity"]));
    assert_eq!((made.text("/name"), made.text("/contact_name")), ("Clinic".into(), "Sister Aline".into()));
    assert_eq!(made.text("/phone"), "+257 22 22 00 01");
    assert_eq!((made.text("/email"), made.text("/address")), ("clinic@example.org".into(), "Kayanza, Rue 3".into()));
    assert_eq!(made.body["active_to"], Value::Null);
    assert_eq!(add(&world, told).await.expect(200).headers["idempotent-replayed"], "true");
    add(&world, json!({})).await.refused(409, "number_taken", &[("/code", "number_taken")]);
    let read = world.get(&made.headers["location"][7..]).as_("registrar").send().await.expect(200);
    assert_eq!((read.body.clone(), read.headers["etag"].as_str()), (made.body, "\"v1\""));
}

#[actix_web::test]
async fn a_change_is_of_the_version_that_was_read() {
    let world = World::new().await;
    let made = add(&world, json!({"care_types": ["outpatient"], "email": "a@b"})).await.expect(201);
    let path = format!("/providers/{}", made.text("/id"));
    let body = json!({
        "name": "Clinic of Kayanza", "level": "hospital", "sector": "public", "care_types": ["surgery"], "email": null,
        "phone": "22220001", "active_to": "2027-12-31",
    });
    world.patch(&path).as_("mutual_admin").json(body.clone()).send().await.refused(428, "precondition_required", &[]);
    change(&world, &path, 2, body.clone()).await.refused(412, "version_mismatch", &[]);
    let users = [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin@P2", 404), ("provider_clerk", 403)];
    world.each("PATCH", &path, Some(body.clone()), &users).await;
    let changed = change(&world, &path, 1, body).await.expect(200);
    assert_eq!(changed.headers["etag"], "\"v2\"");
    assert_eq!((changed.text("/level"), changed.text("/sector")), ("hospital".into(), "public".into()));
    assert_eq!(changed.body["care_types"], json!(["surgery"]));
    assert_eq!((changed.body["email"].clone(), changed.text("/phone")), (Value::Null, "22220001".into()));
    assert_eq!(changed.text("/active_to"), "2027-12-31");
    let same = change(&world, &path, 2, json!({})).await.expect(200);
    assert_eq!(same.text("/name"), "Clinic of Kayanza");
    // The platform above may, and what it sees of others' it may not.
    world
        .patch(&path)
        .as_("platform_admin")
        .header("If-Match", "\"v3\"")
        .json(json!({"active_to": null}))
        .send()
        .await
        .expect(200);
    let of_platform = format!("/providers/{}", world.provider("HC-KAY"));
    change(&world, &of_platform, 1, json!({"name": "Mine"})).await.refused(403, "forbidden", &[]);
}

#[actix_web::test]
async fn each_bad_field_of_a_facility_is_named() {
    let world = World::new().await;
    let made = add(&world, json!({})).await.expect(201);
    let path = format!("/providers/{}", made.text("/id"));
    let long = "x".repeat(301);
    let cases = [
        (json!({"care_types": ["Maternity"]}), "/care_types/0"),
        (json!({"care_types": ["a b"]}), "/care_types/0"),
        (json!({"care_types": [""]}), "/care_types/0"),
        (json!({"care_types": vec!["a"; 31]}), "/care_types"),
        (json!({"contact_name": "  "}), "/contact_name"),
        (json!({"phone": "12"}), "/phone"),
        (json!({"email": "nobody"}), "/email"),
        (json!({"email": "a b@c"}), "/email"),
        (json!({"address": long}), "/address"),
        (json!({"name": "  "}), "/name"),
        (json!({"level": "a level"}), "/level"),
        (json!({"sector": "both"}), "/sector"),
        (json!({"active_to": "2026-02-30"}), "/active_to"),
        (json!({"active_to": 3}), "/active_to"),
    ];
    for (body, pointer) in &cases {
        let answer = change(&world, &path, 1, body.clone()).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![*pointer]), "{body}: {}", answer.text);
        let mut more = body.clone();
        more["code"] = json!("OTHER");
        let answer = add(&world, more).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![*pointer]), "{body}: {}", answer.text);
    }
    assert_eq!(cases.len(), 14);
    change(&world, &path, 1, json!({"code": "X"})).await.refused(422, "invalid", &[("/code", "unknown_field")]);
    let lost = json!({"area_id": fresh_id(&world)});
    change(&world, &path, 1, lost).await.refused(404, "not_found", &[("/area_id", "not_found")]);
}

#[actix_web::test]
async fn facilities_are_found_by_level_sector_kind_of_care_and_area() {
    let world = World::new().await;
    let area = world.post("/areas").as_("platform_admin");
    let area =
        area.json(json!({"country": "BI", "name": "Kayanza", "valid_from": "2000-01-01"})).send().await.expect(201);
    for (code, level, sector, care) in [
        ("A", "hospital", "public", json!(["maternity", "surgery"])),
        ("B", "hospital", "private", json!(["maternity_ward"])),
        ("C", "health_post", "public", json!(["maternity"])),
        ("D", "health_post", "public", json!([])),
    ] {
        let area = if code == "A" { area.body["id"].clone() } else { Value::Null };
        let more = json!({"code": code, "level": level, "sector": sector, "care_types": care, "area_id": area});
        add(&world, more).await.expect(201);
    }
    let owner = world.org("KAY");
    let in_area = format!("area_id={}", area.text("/id"));
    let cases = [
        ("level=hospital", &["A", "B"][..]),
        ("sector=public", &["A", "C", "D"]),
        ("care_type=maternity", &["A", "C"]),
        ("care_type=maternity_ward", &["B"]),
        ("care_type=maternity__ard", &[]),
        ("care_type=surgery", &["A"]),
        ("care_type=surg", &[]),
        ("level=hospital&sector=private", &["B"]),
        (in_area.as_str(), &["A"]),
        ("level=nowhere", &[]),
    ];
    for (query, expected) in &cases {
        let found =
            world.get(&format!("/providers?owner_id={owner}&{query}")).as_("registrar").send().await.expect(200);
        assert_eq!(column(&found, "code"), *expected, "{query}");
    }
    assert_eq!(cases.len(), 10);
    for (query, field) in
        [("sector=both", "sector"), ("care_type=%25", "care_type"), ("care_type=Surgery", "care_type")]
    {
        let refused = world.get(&format!("/providers?{query}")).as_("registrar").send().await.expect(422);
        assert_eq!(refused.pointers(), [field], "{query}");
    }
    // A page goes on where it ended, with the same filters alone.
    let first = format!("/providers?owner_id={owner}&sector=public&limit=2");
    let page = world.get(&first).as_("registrar").send().await.expect(200);
    let cursor = page.text("/next_cursor");
    let next = world.get(&format!("{first}&cursor={cursor}")).as_("registrar").send().await.expect(200);
    assert_eq!(column(&next, "code"), ["D"]);
    let other = format!("/providers?owner_id={owner}&sector=private&limit=2&cursor={cursor}");
    assert_eq!(world.get(&other).as_("registrar").send().await.expect(400).code(), "cursor_invalid");
}

#[actix_web::test]
async fn a_facility_that_has_ended_reaches_no_mutual_and_makes_no_convention() {
    let world = World::new().await;
    let id = world.provider("HC-KAY");
    let claims = format!("/providers/{id}/claims?mutual_id={}", world.org("KAY"));
    world.get(&claims).as_("provider_clerk").send().await.expect(200);
    let end = |version: &'static str, on: Value| {
        let ask = world.patch(&format!("/providers/{id}")).as_("platform_admin").header("If-Match", version);
        ask.json(json!({"active_to": on})).send()
    };
    end("\"v1\"", json!("2026-03-10")).await.expect(200);
    world.get(&claims).as_("provider_clerk").send().await.expect(200);
    end("\"v2\"", json!("2026-03-09")).await.expect(200);
    world.get(&claims).as_("provider_clerk").send().await.expect(404);
    let convention = json!({"party_id": world.org("GIT"), "valid_from": "2026-03-10"});
    world.post(&format!("/providers/{id}/conventions")).as_("platform_admin").json(convention).send().await.refused(
        422,
        "impossible_date",
        &[("/valid_from", "impossible_date")],
    );
    end("\"v3\"", Value::Null).await.expect(200);
    world.get(&claims).as_("provider_clerk").send().await.expect(200);
}
