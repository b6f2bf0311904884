//! `POST /mutuals/{m}/members`
use crate::support::World;
use crate::support::register::{bands, per_person, person};
use serde_json::{Value, json};

fn body(household: &str, on: &str, person: Value) -> Value {
    json!({"household_id": household, "registered_on": on, "person": person})
}

#[actix_web::test]
async fn a_person_joins_with_the_next_card() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    let path = format!("{}/members", world.mutual("KAY"));
    let mut asked = body(&home, "2026-03-09", person("spouse", "Jean", "1985-07-01"));
    asked["id"] = json!("01959d00-0000-7000-8000-0000000000d1");
    let made = world.post(&path).as_("field_agent").json(asked.clone()).send().await.expect(201);
    assert_eq!(made.text("/id"), "01959d00-0000-7000-8000-0000000000d1");
    assert_eq!(made.text("/card_number")[..14], *"10000100000003");
    assert_eq!((made.text("/member_since_on"), made.text("/household_id")), ("2026-03-09".into(), home.clone()));
    let again = world.post(&path).as_("field_agent").json(asked).send().await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.body), ("true", &made.body));
    let next = body(&home, "2026-03-09", person("child", "B", "2015-07-01"));
    let others = [("auditor", 403), ("treasurer", 403), ("section_registrar", 404), ("mutual_admin@GIT", 404)];
    world.each("POST", &path, Some(next.clone()), &others).await;
    let git = format!("{}/members", world.mutual("GIT"));
    world.post(&git).as_("registrar@GIT").json(next).send().await.refused(
        404,
        "not_found",
        &[("/household_id", "not_found")],
    );
    assert_eq!(world.count("members"), 3);
}

#[actix_web::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 50).await.text("/id");
    let small = world.home(None, "STANDARD", 1).await.text("/id");
    let path = format!("{}/members", world.mutual("KAY"));
    let send = |body: Value| world.post(&path).as_("registrar").json(body).send();
    let child = || person("child", "B", "2015-07-01");
    send(body(&home, "2026-03-09", child())).await.refused(422, "invalid", &[("/household_id", "out_of_bounds")]);
    send(body(&small, "2026-03-11", child())).await.refused(422, "future_date", &[("/registered_on", "future_date")]);
    send(body(&small, "2026-02-28", child())).await.refused(
        422,
        "impossible_date",
        &[("/registered_on", "impossible_date")],
    );
    send(body(&small, "2026-03-02", person("child", "B", "2026-03-03"))).await.refused(
        422,
        "impossible_date",
        &[("/person/birth_date", "after_registration")],
    );
    send(body(&small, "2026-03-02", person("principal", "B", "1980-03-03"))).await.refused(
        422,
        "second_principal",
        &[("/person/relationship", "second_principal")],
    );
    let mut named = child();
    named["family_name"] = json!("x".repeat(81));
    send(body(&small, "2026-03-02", named)).await.refused(422, "invalid", &[("/person/family_name", "out_of_bounds")]);
    let mut old = child();
    old["legacy_number"] = json!("OLD-1");
    send(body(&small, "2026-03-02", old.clone())).await.expect(201);
    send(body(&small, "2026-03-02", old)).await.refused(409, "number_taken", &[("/person", "number_taken")]);
}

#[actix_web::test]
async fn under_a_price_per_person_he_pays_from_his_month_on() {
    let world = World::new().await;
    let year = world.product("mutual_admin", "KAY", "YEAR", per_person("per_person_year", 7000)).await;
    let month = world.product("mutual_admin", "KAY", "MONTH", per_person("per_person_month", 501)).await;
    let banded = world.product("mutual_admin", "KAY", "BANDS", bands()).await;
    let path = format!("{}/members", world.mutual("KAY"));
    let mut homes = Vec::new();
    for (class, product, starts_on) in
        [("POOR", &year, "2026-02-05"), ("POOR", &month, "2026-01-31"), ("STANDARD", &banded, "2026-03-01")]
    {
        let home = world.home(None, class, 1).await.text("/id");
        world.enrolled(&home, product, starts_on).await;
        homes.push((home.clone(), world.dues(&home).await));
    }
    for (home, _) in &homes {
        let joins = body(home, "2026-03-10", person("child", "B", "2015-07-01"));
        world.post(&path).as_("registrar").json(joins).send().await.expect(201);
    }
    let mut added = Vec::new();
    for (home, before) in &homes {
        let mut now = world.dues(home).await;
        for due in before {
            let at = now.iter().position(|known| known == due).unwrap();
            now.remove(at);
        }
        added.push(now);
    }
    let due = |payer: &str, on: &str, amount: i64| {
        ("CONTRIBUTION".to_owned(), payer.to_owned(), on.to_owned(), amount, amount)
    };
    // R8: March to February are twelve months; the state takes half, rounded up. Due tomorrow, so that today's cover stands.
    assert_eq!(added[0], [due("HOUSEHOLD", "2026-03-11", 3500), due("STATE", "2026-03-11", 3500)]);
    // Monthly: the current month from the day of entry, then each due date that is left; 501 is 250 and 251.
    let days = [
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
        "2026-07-31",
        "2026-08-31",
        "2026-09-30",
        "2026-10-31",
        "2026-11-30",
        "2026-12-31",
    ];
    let expected: Vec<_> = days.iter().flat_map(|day| [due("HOUSEHOLD", day, 250), due("STATE", day, 251)]).collect();
    assert_eq!(added[1], expected);
    // R5: a band changes from the next period only.
    assert!(added[2].is_empty(), "{:?}", added[2]);
}
