//! `GET /mutuals/{m}/work` and `…/{list}`
use crate::support::World;
use crate::support::register::{bands, person};
use crate::support::world::Answer;
use serde_json::{Value, json};

async fn counts(world: &World, user: &str) -> Vec<(String, i64)> {
    let rows = world.items(user, &format!("{}/work", world.mutual("KAY"))).await;
    rows.iter().map(|row| (row["list"].as_str().unwrap().to_owned(), row["count"].as_i64().unwrap())).collect()
}

async fn list(world: &World, user: &str, list: &str) -> Vec<Value> {
    world.items(user, &format!("{}/work/{list}", world.mutual("KAY"))).await
}

async fn register(world: &World, members: Value) -> Answer {
    let body = json!({"registered_on": "2026-01-01", "members": members});
    world.post(&format!("{}/households", world.mutual("KAY"))).as_("registrar").json(body).send().await.expect(201)
}

/// A household admitted on 1 January for the period given, with what it has paid.
async fn enrolled(world: &World, household: &str, product: &str, ends_on: &str, paid: i64) -> String {
    let path = format!("{}/enrolments", world.mutual("KAY"));
    let body = json!({"household_id": household, "product_id": product, "starts_on": "2026-01-01", "ends_on": ends_on,
        "applied_on": "2026-01-01"});
    let id = world.post(&path).as_("registrar").json(body).send().await.expect(201).text("/id");
    let admit = world.post(&format!("{path}/{id}/admit")).as_("registrar").header("If-Match", "\"v1\"");
    admit.json(json!({"admitted_on": "2026-01-01"})).send().await.expect(200);
    if paid > 0 {
        world.payment(household, paid, "2026-01-01").await.expect(201);
    }
    id
}

#[actix_web::test]
async fn each_list_holds_what_waits_and_nothing_else() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["age_limits"] = json!({"child_max_age": 10});
    parameters["arrears"] = json!({"grace_days": 5, "reinstatement_delay_days": 0});
    parameters["activation_threshold_bp"] = json!(5000);
    parameters["registration_fee"] = json!(0);
    let product = world.product("mutual_admin", "KAY", "FAM", parameters).await;
    let mut homes = Vec::new();
    for name in ["Aline", "Béatrice", "Chantal", "Denise", "Éliane"] {
        let members = json!([person("principal", name, "1988-05-02")]);
        homes.push(register(&world, members).await.text("/id"));
    }
    let applied = world.application(&homes[0], &product, "2026-03-01").await.expect(201).text("/id");
    let unpaid = enrolled(&world, &homes[1], &product, "2026-12-31", 0).await;
    let expiring = enrolled(&world, &homes[2], &product, "2026-05-09", 30_000).await;
    let suspended = enrolled(&world, &homes[3], &product, "2026-12-31", 15_000).await;
    enrolled(&world, &homes[4], &product, "2026-05-10", 30_000).await;
    let child = json!({"kind": "ARRIVAL", "on": "2026-01-05", "person": person("child", "Éric", "2016-03-10")});
    let path = format!("{}/households/{}/events", world.mutual("KAY"), homes[4]);
    let child = world.post(&path).as_("registrar").json(child).send().await.expect(201).text("/member_id");
    let twin = json!({"kind": "ARRIVAL", "on": "2026-01-05", "person": person("parent", "éliane", "1988-05-02")});
    let twin = world.post(&path).as_("registrar").json(twin).send().await.expect(201).text("/member_id");
    // Of the same name, and born in another year: somebody else.
    let mut other = person("sibling", "Éliane", "1987-01-01");
    other["birth_precision"] = json!("year");
    let other = json!({"kind": "ARRIVAL", "on": "2026-01-05", "person": other});
    world.post(&path).as_("registrar").json(other).send().await.expect(201);
    assert_eq!(
        counts(&world, "registrar").await,
        [
            ("to_admit".to_owned(), 1),
            ("unpaid".to_owned(), 1),
            ("expiring".to_owned(), 1),
            ("suspended".to_owned(), 1),
            ("over_age".to_owned(), 1),
            ("duplicates".to_owned(), 1),
        ]
    );
    for (name, id) in [("to_admit", &applied), ("unpaid", &unpaid), ("expiring", &expiring), ("suspended", &suspended)]
    {
        let rows = list(&world, "registrar", name).await;
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0]["enrolment_id"], **id, "{name}");
        assert!(rows[0]["name"].as_str().unwrap().starts_with("Ndayizeye "), "{name}");
    }
    assert_eq!(list(&world, "registrar", "over_age").await[0]["member_id"], child);
    let pair = list(&world, "registrar", "duplicates").await;
    assert!([&pair[0]["member_id"], &pair[0]["other_member_id"]].contains(&&json!(twin)));
    // Renewed, it expires no longer.
    let renew = format!("{}/enrolments/{expiring}/renew", world.mutual("KAY"));
    world.post(&renew).as_("registrar").header("If-Match", "\"v2\"").json(json!({})).send().await.expect(201);
    assert_eq!(list(&world, "registrar", "expiring").await, Vec::<Value>::new());
    // A section sees its own: nothing of these.
    assert!(counts(&world, "field_agent").await.iter().all(|(_, count)| *count == 0));
}

#[actix_web::test]
async fn a_list_is_a_table_too() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    for name in ["Aline", "Béatrice"] {
        let home = register(&world, json!([person("principal", name, "1988-05-02")])).await.text("/id");
        world.application(&home, &product, "2026-03-01").await.expect(201);
    }
    let path = format!("{}/work/to_admit", world.mutual("KAY"));
    let table = world.get(&path).as_("registrar").header("Accept", "text/csv").send().await.expect(200);
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines.len(), 3);
    let header = "enrolment_id,household_id,household_number,member_id,card_number,name,phone,other_member_id,\
                  other_card_number,on";
    assert_eq!(lines[0], header);
    assert!(table.text.contains("Ndayizeye Béatrice"));
    let first =
        world.get(&format!("{path}?limit=1")).as_("registrar").header("Accept", "text/csv").send().await.expect(200);
    let next = format!("{path}?limit=1&cursor={}", first.headers["next-cursor"]);
    let second = world.get(&next).as_("registrar").header("Accept", "text/csv").send().await.expect(200);
    assert_eq!(second.text.lines().count(), 2);
    assert!(!second.headers.contains_key("next-cursor"));
    let empty = world.get(&format!("{}/work/suspended", world.mutual("KAY"))).as_("registrar");
    assert_eq!(empty.header("Accept", "text/csv").send().await.expect(200).text.trim(), header);
    world.get(&format!("{}/work/nothing", world.mutual("KAY"))).as_("registrar").send().await.expect(404);
    world.get(&path).as_("registrar").header("Accept", "image/png").send().await.expect(406);
}
