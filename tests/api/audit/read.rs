//! `GET /mutuals/{m}/audit`
use crate::support::World;
use chrono::{TimeZone, Utc};
use serde_json::json;

#[actix_web::test]
async fn rows_name_fields_and_never_values() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let home = world.home(Some("KAY-S1"), "POOR", 1).await;
    let member = format!("{kay}/members/{}", home.text("/members/0/id"));
    world.get(&member).as_("field_agent").send().await.expect(200);
    world
        .patch(&member)
        .as_("registrar")
        .header("If-Match", "\"v1\"")
        .json(json!({"given_name": "Secretissima", "phone": "+25779777777"}))
        .send()
        .await
        .expect(200);
    let search = format!("{kay}/members/search");
    world.post(&search).as_("registrar").json(json!({"name": "Secretissima"})).send().await.expect(200);
    let answer = world.get(&format!("{kay}/audit?limit=200")).as_("auditor").send().await.expect(200);
    for value in ["ecretissima", "25779777777", "POOR", "Ndayizeye", &home.text("/members/0/card_number")] {
        assert!(!answer.text.contains(value), "{value} in {}", answer.text);
    }
    let rows = answer.body["items"].as_array().unwrap();
    let of = |route: &str| rows.iter().find(|row| row["route"] == route).unwrap_or_else(|| panic!("{route}"));
    let corrected = of("PATCH /api/v1/mutuals/{m}/members/{id}");
    assert_eq!((corrected["kind"].as_str(), corrected["purpose"].as_str()), (Some("write"), Some("ENROLMENT")));
    assert_eq!(corrected["fields"], json!(["given_name", "phone"]));
    assert_eq!(corrected["actor_id"], world.users["registrar"].to_string());
    assert!(corrected["command_id"].is_string());
    let registered = of("POST /api/v1/mutuals/{m}/households");
    assert_eq!(registered["command_id"].as_str(), Some(home.text("/id").as_str()));
    assert_eq!(registered["entities"].as_array().unwrap().len(), 2);
    let read = of("GET /api/v1/mutuals/{m}/members/{id}");
    assert_eq!((read["kind"].as_str(), &read["command_id"]), (Some("read"), &json!(null)));
    assert_eq!(read["actor_id"], world.users["field_agent"].to_string());
    assert_eq!(read["entities"], json!([{"kind": "member", "id": home.text("/members/0/id")}]));
    assert_eq!(of("POST /api/v1/mutuals/{m}/members/search")["fields"], json!(["filter"]));
    // A refusal leaves no row; looking at the audit does.
    let count = world.count("audit_rows");
    world.get(&member).as_("section_registrar").send().await.expect(404);
    assert_eq!(world.count("audit_rows"), count);
    world.items("auditor", &format!("{kay}/audit")).await;
    assert_eq!(world.count("audit_rows"), count + 1);
    // The sister sees nothing of it.
    assert!(world.items("mutual_admin@GIT", &format!("{}/audit", world.mutual("GIT"))).await.is_empty());
}

#[actix_web::test]
async fn filters_and_cursor() {
    let world = World::new().await;
    let path = format!("{}/audit", world.mutual("KAY"));
    for _ in 0..3 {
        world.home(None, "STANDARD", 1).await;
    }
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 3, 11, 9, 0, 0).unwrap());
    let list = format!("{}/households", world.mutual("KAY"));
    world.items("registrar", &list).await;
    let by = format!("{path}?actor_id={}", world.users["registrar"]);
    let rows = world.items("auditor", &by).await;
    assert_eq!((rows.len(), rows[0]["route"].as_str()), (1, Some("GET /api/v1/mutuals/{m}/households")));
    assert_eq!(rows[0]["recorded_at"], "2026-03-11T09:00:00Z");
    // That list and the look at the audit before this one.
    assert_eq!(world.items("auditor", &format!("{path}?from=2026-03-11")).await.len(), 2);
    assert_eq!(world.items("auditor", &format!("{path}?from=2026-03-12")).await.len(), 0);
    // Later rows stand behind: those of the reads that follow are a moment younger.
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 3, 11, 9, 0, 1).unwrap());
    let until_now = world.items("auditor", &format!("{path}?limit=200")).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    while seen.len() < until_now.len() {
        let page = world.get(&format!("{path}?limit=2{cursor}")).as_("auditor").send().await.expect(200);
        let items = page.body["items"].as_array().unwrap();
        assert!(!items.is_empty());
        seen.extend(items.clone());
        cursor = format!("&cursor={}", page.text("/next_cursor"));
    }
    assert_eq!(seen[..until_now.len()], until_now[..]);
    let foreign = world.get(&format!("{by}{cursor}")).as_("auditor").send().await;
    foreign.refused(400, "cursor_invalid", &[]);
    let users = [
        ("mutual_admin", 200),
        ("auditor", 200),
        ("registrar", 403),
        ("treasurer", 403),
        ("field_agent", 403),
        ("mutual_admin@GIT", 404),
        ("platform_admin", 404),
        ("body_auditor", 404),
        ("system_admin", 404),
    ];
    world.each("GET", &path, None, &users).await;
}
