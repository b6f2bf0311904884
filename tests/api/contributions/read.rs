//! `GET /mutuals/{m}/dues`, `/payments`, `/payments/{id}`, `/cash-desks`
use crate::support::World;
use crate::support::register::bands;

#[actix_web::test]
async fn money_is_seen_within_the_section() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let mut paid = Vec::new();
    for section in ["KAY-S1", "KAY-S2"] {
        let home = world.home(Some(section), "STANDARD", 1).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
        paid.push((home.clone(), world.payment(&home, 100, "2026-03-10").await.expect(201)));
    }
    let one = format!("{kay}/payments/{}", paid[1].1.text("/id"));
    let users = [
        ("treasurer", 200),
        ("auditor", 200),
        ("field_agent", 404),
        ("registrar", 403),
        ("claims_officer", 403),
        ("treasurer@GIT", 404),
        ("platform_admin", 404),
        ("body_auditor", 404),
    ];
    world.each("GET", &one, None, &users).await;
    let mine = format!("{kay}/payments/{}", paid[0].1.text("/id"));
    let seen = world.get(&mine).as_("field_agent").send().await.expect(200);
    assert_eq!(seen.body, paid[0].1.body);
    world.get(&one.replace(&kay, &world.mutual("GIT"))).as_("treasurer@GIT").send().await.expect(404);
    for (list, of_all, of_one) in [("dues", 4, 2), ("payments", 2, 1)] {
        let path = format!("{kay}/{list}");
        assert_eq!(world.items("treasurer", &path).await.len(), of_all);
        assert_eq!(world.items("field_agent", &path).await.len(), of_one);
        assert_eq!(world.items("treasurer", &format!("{path}?household_id={}", paid[1].0)).await.len(), of_one);
        assert!(world.items("field_agent", &format!("{path}?household_id={}", paid[1].0)).await.is_empty());
        world.each("GET", &path, None, &[("registrar", 403), ("section_registrar", 403), ("treasurer@GIT", 404)]).await;
    }
    let desks = format!("{kay}/cash-desks");
    let rows = world.items("field_agent", &desks).await;
    assert_eq!((rows.len(), rows[0]["code"].as_str(), rows[0]["name"].as_str()), (1, Some("C1"), Some("Cash desk")));
    world.each("GET", &desks, None, &[("registrar", 403), ("treasurer@GIT", 404), ("platform_admin", 404)]).await;
}
