//! `POST /products/{id}/price`, `POST /mutuals/{m}/enrolments/price`, and the terms on which a household enters.
use crate::support::World;
use crate::support::register::{bands, person};
use serde_json::{Value, json};

/// A product whose contribution follows the harvest.
fn harvest() -> Value {
    json!({
        "currency": "BIF", "registration_fee": 1000,
        "contribution": {"kind": "per_adult_child_year", "adult": 7001, "child": 3500, "adult_from_age": 18},
        "subsidies": {"POOR": {"rate_bp": 5000, "payer": "STATE"}},
        "instalments": [{"share_bp": 4000, "due": {"months": 0}}, {"share_bp": 6000, "due": {"on": "07-15"}}],
        "other_fees": [{"code": "CARD", "amount": 200, "per": "person", "when": "first"}],
        "arrears": {"grace_days": 10, "reinstatement_delay_days": 0, "lapse_days": 90},
        "benefits": {"OPD": {"rate_bp": {"public": 8000, "private": 5000}}},
    })
}

#[actix_web::test]
async fn the_dry_run_says_what_admission_issues() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "HARVEST", harvest()).await;
    for (class, size) in [("STANDARD", 1), ("POOR", 3), ("POOR", 6)] {
        let household = world.home(None, class, size).await.text("/id");
        let ask = json!({"household_id": household, "product_id": product, "starts_on": "2026-03-01"});
        let commands = world.count("commands");
        let path = format!("{}/enrolments/price", world.mutual("KAY"));
        let told = world.post(&path).as_("registrar").json(ask).send().await.expect(200);
        assert_eq!(world.count("commands"), commands);
        assert_eq!(told.body["refusals"], json!([]));
        world.enrolled(&household, &product, "2026-03-01").await;
        let mut expected: Vec<(String, String, String, i64)> = told.body["dues"]
            .as_array()
            .unwrap()
            .iter()
            .map(|due| {
                let text = |name: &str| due[name].as_str().unwrap().to_owned();
                (text("kind"), text("payer"), text("due_on"), due["amount_minor"].as_i64().unwrap())
            })
            .collect();
        let path = format!("{}/dues?household_id={household}", world.mutual("KAY"));
        let mut issued: Vec<(String, String, String, i64)> = world
            .items("treasurer", &path)
            .await
            .iter()
            .map(|due| {
                let text = |name: &str| due[name].as_str().unwrap().to_owned();
                (text("kind"), text("payer"), text("due_on"), due["amount_minor"].as_i64().unwrap())
            })
            .collect();
        expected.sort();
        issued.sort();
        assert_eq!(issued, expected);
        assert!(issued.len() >= 4, "{issued:?}");
        let lines: i64 =
            told.body["lines"].as_array().unwrap().iter().map(|line| line["amount_minor"].as_i64().unwrap()).sum();
        let own: i64 = issued.iter().filter(|due| due.1 == "HOUSEHOLD").map(|due| due.3).sum();
        assert_eq!(lines, own, "the reckoning is the household's");
    }
}

#[actix_web::test]
async fn the_first_instalment_opens_and_the_harvest_suspends() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "HARVEST", harvest()).await;
    let home = world.home(None, "STANDARD", 2).await;
    world.enrolled(&home.text("/id"), &product, "2026-03-01").await;
    // 1000 of fee, 400 of cards, and 40 % of 10,501: 4,200.
    world.payment(&home.text("/id"), 5_599, "2026-03-10").await.expect(201);
    let path = format!("{}/members/{}/cover", world.mutual("KAY"), home.text("/members/0/id"));
    assert_eq!(world.items("registrar", &path).await, Vec::<Value>::new());
    world.payment(&home.text("/id"), 1, "2026-03-10").await.expect(201);
    let spans = world.items("registrar", &path).await;
    let told: Vec<String> = spans
        .iter()
        .map(|row| format!("{} {}", row["state"].as_str().unwrap(), row["from_on"].as_str().unwrap()))
        .collect();
    // Due on 15 July, ten days of grace, lapsed ninety days after (R13, R15).
    assert_eq!(told, ["IN_FORCE 2026-03-10", "SUSPENDED 2026-07-26", "LAPSED 2026-10-24"]);
}

#[actix_web::test]
async fn a_household_that_is_thought_of_is_priced_and_told_what_stands_in_the_way() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["cycle_starts"] = json!(["01-01"]);
    parameters["enrolment_windows"] = json!([{"from": "11-01", "to": "01-31"}]);
    parameters["max_household_size"] = json!(2);
    parameters["age_limits"] = json!({"entry_max_age": 60, "child_max_age": 21});
    let product = world.product("mutual_admin", "KAY", "STRICT", parameters).await;
    let old = json!({"birth_date": "1950-01-01"});
    let ask = json!({"starts_on": "2026-03-01", "persons": [old, {}, {}]});
    let told = world.post(&format!("/products/{product}/price")).as_("registrar").json(ask).send().await.expect(200);
    let codes: Vec<&str> =
        told.body["refusals"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["outside_enrolment_window", "not_a_cycle_start", "household_too_large", "age_limit"]);
    // An application meets the same, all at once, and nothing is written.
    let home = world.home(None, "STANDARD", 3).await.text("/id");
    let commands = world.count("commands");
    let refused = world.application(&home, &product, "2026-03-01").await.expect(422);
    assert_eq!(refused.code(), "outside_enrolment_window");
    assert_eq!(refused.pointers(), ["/applied_on", "/starts_on", "/household_id"]);
    assert_eq!(world.count("commands"), commands);
    let path = format!("{}/enrolments", world.mutual("KAY"));
    let small = world.home(None, "STANDARD", 2).await.text("/id");
    let body =
        json!({"household_id": small, "product_id": product, "starts_on": "2026-01-01", "applied_on": "2026-01-31"});
    // Registered in March, so that nobody is there in January: the price has no band.
    let made = world.post(&path).as_("registrar").json(body).send().await.expect(201);
    assert_eq!((made.text("/starts_on"), made.text("/ends_on")), ("2026-01-01".into(), "2026-12-31".into()));
}

#[actix_web::test]
async fn nobody_joins_a_household_that_is_as_large_as_its_product_takes() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["max_household_size"] = json!(2);
    let product = world.product("mutual_admin", "KAY", "SMALL", parameters).await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let path = format!("{}/households/{home}/events", world.mutual("KAY"));
    let body = json!({"kind": "ARRIVAL", "on": "2026-03-05", "person": person("parent", "Odette", "1950-01-01")});
    let refused = world.post(&path).as_("registrar").json(body).send().await.expect(422);
    assert_eq!((refused.code(), refused.pointers()), ("household_too_large", vec!["/household_id"]));
    assert_eq!(world.count("household_events"), 0);
}

#[actix_web::test]
async fn contradictions_are_refused_all_at_once() {
    let world = World::new().await;
    let wrong = json!({"currency": "BIF", "contribution": {"kind": "per_person_month", "amount": 5}, "period_months": 0,
        "instalments": [{"share_bp": 9000, "due": {"months": 12}}], "max_household_size": 0});
    let body = json!({"owner_id": world.org("KAY"), "code": "WRONG", "name": "Wrong", "parameters": wrong});
    let made = world.post("/products").as_("mutual_admin").json(body).send().await.expect(201);
    let publish = format!("/products/{}/versions/1/publish", made.text("/id"));
    let refused = world.post(&publish).as_("mutual_admin").header("If-Match", "\"v1\"").send().await.expect(422);
    assert_eq!(refused.code(), "parameters_contradict");
    let codes: Vec<&str> = refused.faults().iter().map(|fault| fault.1).collect();
    for code in
        ["PERIOD_OUT_OF_BOUNDS", "MONTHLY_AND_INSTALMENTS", "DUE_OUTSIDE_PERIOD", "SHARES_NOT_WHOLE", "SIZE_BELOW_ONE"]
    {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    let unreadable = json!({"owner_id": world.org("KAY"), "code": "X1", "name": "X",
        "parameters": {"currency": "BIF", "cycle_starts": ["02-30"]}});
    world.post("/products").as_("mutual_admin").json(unreadable).send().await.expect(422);
}
