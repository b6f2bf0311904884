//! `GET /mutuals/{m}/members`, `…/{id}`, `…/{id}/cover`, `POST …/search`
use crate::support::World;
use crate::support::register::bands;
use serde_json::json;

#[actix_web::test]
async fn persons_are_seen_within_the_section() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let first = world.home(Some("KAY-S1"), "STANDARD", 3).await;
    world.home(Some("KAY-S2"), "STANDARD", 1).await;
    let list = format!("{kay}/members");
    assert_eq!(world.items("field_agent", &list).await.len(), 3);
    assert_eq!(world.items("section_registrar", &list).await.len(), 1);
    assert_eq!(world.items("treasurer", &list).await.len(), 4);
    let of_home = format!("{list}?household_id={}", first.text("/id"));
    assert_eq!(world.items("registrar", &of_home).await.len(), 3);
    assert!(world.items("section_registrar", &of_home).await.is_empty());
    for what in ["", "/cover"] {
        let path = format!("{list}/{}{what}", first.text("/members/0/id"));
        let users = [
            ("field_agent", 200),
            ("section_registrar", 404),
            ("auditor", 200),
            ("registrar@GIT", 404),
            ("platform_admin", 404),
        ];
        world.each("GET", &path, None, &users).await;
        world.get(&path.replace(&kay, &world.mutual("GIT"))).as_("registrar@GIT").send().await.expect(404);
    }
}

#[actix_web::test]
async fn search_finds_by_name_number_and_phone() {
    let world = World::new().await;
    let search = format!("{}/members/search", world.mutual("KAY"));
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let ask = |user: &'static str, body| {
        let search = search.clone();
        let world = &world;
        async move {
            let found = world.post(&search).as_(user).json(body).send().await.expect(200);
            found.body["items"].as_array().unwrap().len()
        }
    };
    assert_eq!(ask("registrar", json!({"name": "NDAYI"})).await, 2);
    assert_eq!(ask("registrar", json!({"name": "ndayizeye eric"})).await, 1);
    assert_eq!(ask("registrar", json!({"name": "eric"})).await, 1);
    assert_eq!(ask("registrar", json!({"name": "Éri ndaYI"})).await, 1);
    assert_eq!(ask("registrar", json!({"name": "ricardo"})).await, 0);
    assert_eq!(ask("registrar", json!({"number": home.text("/members/0/card_number")})).await, 1);
    assert_eq!(ask("section_registrar", json!({"name": "NDAYI"})).await, 0);
    assert_eq!(ask("registrar", json!({"phone": "+25779000001"})).await, 0);
    let bad = |body| world.post(&search).as_("registrar").json(body).send();
    bad(json!({})).await.refused(422, "invalid", &[("/name", "missing")]);
    bad(json!({"name": "x"})).await.refused(422, "invalid", &[("/name", "out_of_bounds")]);
    bad(json!({"number": "1 2"})).await.refused(422, "invalid", &[("/number", "out_of_bounds")]);
}

#[actix_web::test]
async fn cover_is_told_past_and_future() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 2).await;
    let enrolment = world.enrolled(&home.text("/id"), &product, "2026-03-01").await;
    world.payment(&home.text("/id"), 31_000, "2026-03-10").await.expect(201);
    let path = format!("{}/members/{}/cover", world.mutual("KAY"), home.text("/members/1/id"));
    assert_eq!(
        world.items("registrar", &path).await,
        [
            json!({"from_on": "2026-03-10", "to_on": "2027-02-28", "state": "IN_FORCE", "reason": "UP_TO_DATE",
                "enrolment_id": enrolment, "waiting_from_on": "2026-03-10"}),
            json!({"from_on": "2027-03-01", "to_on": null, "state": "EXPIRED", "reason": "PERIOD_ENDED",
                "enrolment_id": enrolment, "waiting_from_on": "2026-03-10"}),
        ]
    );
}

#[actix_web::test]
async fn status_is_told_per_category_with_its_reason_and_the_next_change() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["benefits"]["MATERNITY"] = json!({"waiting_months": 9, "rate_bp": {"public": 8000, "private": 5000}});
    let product = world.product("mutual_admin", "KAY", "FAM", parameters).await;
    let home = world.home(None, "STANDARD", 2).await;
    let path = format!("{}/members/{}/status", world.mutual("KAY"), home.text("/members/0/id"));
    let status = |on: &str| {
        let ask = world.get(&format!("{path}?on={on}")).as_("registrar");
        async move { ask.send().await.expect(200).body }
    };
    let told = status("2026-03-10").await;
    assert_eq!((&told["reason"], &told["cover"]["status"]), (&json!("NOT_ENROLLED"), &json!("NO_COVERAGE")));
    let enrolment = world.application(&home.text("/id"), &product, "2026-03-01").await.expect(201).text("/id");
    assert_eq!(status("2026-03-10").await["reason"], "APPLIED");
    world.admission(&enrolment).await.expect(200);
    assert_eq!(status("2026-03-10").await["reason"], "UNPAID");
    world.payment(&home.text("/id"), 31_000, "2026-03-10").await.expect(201);
    let of = |told: &serde_json::Value, category: &str| {
        let rows = told["benefits"].as_array().unwrap();
        rows.iter().find(|row| row["category"] == category).unwrap()["status"].clone()
    };
    let told = status("2026-03-10").await;
    assert_eq!((of(&told, "MATERNITY"), told["reason"].clone()), (json!("WAITING_PERIOD"), json!("UP_TO_DATE")));
    // Another category waits three months only.
    assert_eq!(told["next_change_on"], "2026-06-10");
    assert_eq!(status("2026-06-10").await["next_change_on"], "2026-12-10");
    let told = status("2026-12-10").await;
    assert_eq!((of(&told, "MATERNITY"), told["next_change_on"].clone()), (json!("COVERED"), json!("2027-03-01")));
    let told = status("2027-03-01").await;
    assert_eq!((&told["cover"]["status"], &told["reason"]), (&json!("NO_COVERAGE"), &json!("PERIOD_ENDED")));
    assert_eq!(told["next_change_on"], serde_json::Value::Null);
}
