//! `GET /mutuals/{m}/households` and `…/{id}`
use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn a_section_sees_its_own_and_no_other() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let first = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let second = world.home(Some("KAY-S2"), "STANDARD", 1).await;
    let none = world.home(None, "STANDARD", 1).await;
    let path = |home: &crate::support::Answer| format!("{kay}/households/{}", home.text("/id"));
    let seen = world.get(&path(&first)).as_("field_agent").send().await.expect(200);
    assert_eq!(seen.body, first.body);
    assert_eq!(seen.headers["etag"], "\"v1\"");
    world
        .each("GET", &path(&second), None, &[("field_agent", 404), ("section_registrar", 200), ("auditor", 200)])
        .await;
    world
        .each("GET", &path(&none), None, &[("field_agent", 404), ("section_registrar", 404), ("registrar", 200)])
        .await;
    let others = [("registrar@GIT", 404), ("platform_admin", 404), ("platform_analyst", 404), ("body_auditor", 404)];
    world.each("GET", &path(&first), None, &others).await;
    // Under another mutual's path it is not there.
    let git = format!("{}/households/{}", world.mutual("GIT"), first.text("/id"));
    world.get(&git).as_("registrar@GIT").send().await.expect(404);
    let list = format!("{kay}/households");
    let ids = |items: Vec<serde_json::Value>| -> Vec<String> {
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(world.items("field_agent", &list).await), [first.text("/id")]);
    assert_eq!(ids(world.items("section_registrar", &list).await), [second.text("/id")]);
    assert_eq!(world.items("registrar", &list).await.len(), 3);
    let by_section = format!("{list}?section_id={}", world.org("KAY-S2"));
    assert_eq!(ids(world.items("registrar", &by_section).await), [second.text("/id")]);
    assert!(world.items("field_agent", &by_section).await.is_empty());
}

#[actix_web::test]
async fn a_list_goes_on_where_it_ended() {
    let world = World::new().await;
    let list = format!("{}/households", world.mutual("KAY"));
    for _ in 0..5 {
        world.home(None, "STANDARD", 1).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{list}?limit=2{cursor}")).as_("registrar").send().await.expect(200);
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|row| row["id"].to_string()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (5, &sorted));
    let other = world.get(&format!("{list}?section_id={}{cursor}", world.org("KAY-S1"))).as_("registrar").send().await;
    other.refused(400, "cursor_invalid", &[]);
    world.get(&format!("{list}?limit=201")).as_("registrar").send().await.refused(
        422,
        "invalid",
        &[("limit", "out_of_bounds")],
    );
    world.get(&format!("{list}?name=x")).as_("registrar").send().await.refused(
        422,
        "invalid",
        &[("name", "unknown_field")],
    );
    world.get(&format!("{list}/x")).as_("registrar").send().await.expect(404);
    assert_eq!(json!(5), world.count("households"));
}
