//! `GET /organisations`.
use super::walk;
use crate::support::World;

#[actix_web::test]
async fn one_sees_what_lies_within_ones_grants() {
    let world = World::new().await;
    let all = ["GIT", "GIT-S1", "KAY", "KAY-S1", "KAY-S2", "NET", "P1", "P2", "SEN", "SEN-S1"];
    for (user, expected) in [
        ("system_admin", all.to_vec()),
        ("network_analyst", all.to_vec()),
        ("platform_admin", vec!["GIT", "GIT-S1", "KAY", "KAY-S1", "KAY-S2", "P1"]),
        ("platform_admin@P2", vec!["P2", "SEN", "SEN-S1"]),
        ("mutual_admin", vec!["KAY", "KAY-S1", "KAY-S2"]),
        ("field_agent", vec!["KAY", "KAY-S1"]),
        ("section_registrar", vec!["KAY", "KAY-S2"]),
    ] {
        for limit in [1, 3, 200] {
            assert_eq!(walk(&world, user, "/organisations", "code", limit).await, expected, "{user} by {limit}");
        }
    }
}

#[actix_web::test]
async fn kinds_are_filtered() {
    let world = World::new().await;
    assert_eq!(walk(&world, "platform_admin", "/organisations?kind=mutual", "code", 1).await, ["GIT", "KAY"]);
    assert_eq!(walk(&world, "platform_admin", "/organisations?kind=network", "code", 1).await, Vec::<String>::new());
    let answer = world.get("/organisations?kind=clan").as_("platform_admin").send().await.expect(422);
    assert_eq!(answer.pointers(), ["kind"]);
    let page = world.get("/organisations?kind=mutual&limit=1").as_("platform_admin").send().await.expect(200);
    let cursor = page.text("/next_cursor");
    for other in ["/organisations?", "/organisations?kind=section&", "/areas?country=BI&"] {
        let answer = world.get(&format!("{other}cursor={cursor}")).as_("platform_admin").send().await.expect(400);
        assert_eq!(answer.code(), "cursor_invalid", "{other}");
    }
}

#[actix_web::test]
async fn the_one_above_is_shown() {
    let world = World::new().await;
    let page = world.get("/organisations").as_("system_admin").send().await.expect(200);
    let parent = |code: &str| {
        let item = page.body["items"].as_array().unwrap().iter().find(|item| item["code"] == code).unwrap();
        item["parent_id"].as_str().map(str::to_owned)
    };
    assert_eq!(parent("NET"), None);
    assert_eq!(parent("KAY"), Some(world.org("P1").to_string()));
    assert_eq!(parent("KAY-S1"), Some(world.org("KAY").to_string()));
}
