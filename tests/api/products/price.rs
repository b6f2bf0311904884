//! `POST /products/{id}/price`, `POST /mutuals/{m}/enrolments/price`, and the terms on which a household enters.
use crate::support::World;
use crate::support::register::{bands, person};
use crate::support::world::Answer;
use chrono::{TimeZone, Utc};
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

/// The dues of a household, kind, payer, day and amount, which are those that a dry run told.
async fn issued_as_told(world: &World, household: &str, told: &Answer) -> Vec<(String, String, String, i64)> {
    let rows = |rows: &[Value]| {
        let one = |due: &Value| {
            let text = |name: &str| due[name].as_str().unwrap().to_owned();
            (text("kind"), text("payer"), text("due_on"), due["amount_minor"].as_i64().unwrap())
        };
        let mut rows: Vec<_> = rows.iter().map(one).collect();
        rows.sort();
        rows
    };
    let path = format!("{}/dues?household_id={household}", world.mutual("KAY"));
    let issued = rows(&world.items("treasurer", &path).await);
    assert_eq!(issued, rows(told.body["dues"].as_array().unwrap()));
    issued
}

async fn price(world: &World, body: Value) -> Answer {
    world.post(&format!("{}/enrolments/price", world.mutual("KAY"))).as_("registrar").json(body).send().await
}

/// Registers a further child of a household on a day.
async fn child_of(world: &World, household: &str, on: &str) -> Answer {
    let body =
        json!({"household_id": household, "registered_on": on, "person": person("child", "Odile", "2016-01-01")});
    world.post(&format!("{}/members", world.mutual("KAY"))).as_("registrar").json(body).send().await
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
        let issued = issued_as_told(&world, &household, &told).await;
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
    // The harvest is paid in August, all of it: cover goes on from that day (R14).
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 8, 20, 9, 0, 0).unwrap());
    world.payment(&home.text("/id"), 6_300, "2026-08-19").await.expect(201);
    world.payment(&home.text("/id"), 1, "2026-08-20").await.expect(201);
    let spans = world.items("registrar", &path).await;
    let told: Vec<String> = spans
        .iter()
        .map(|row| format!("{} {}", row["state"].as_str().unwrap(), row["from_on"].as_str().unwrap()))
        .collect();
    assert_eq!(told, ["IN_FORCE 2026-03-10", "SUSPENDED 2026-07-26", "IN_FORCE 2026-08-20", "EXPIRED 2027-03-01"]);
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

#[actix_web::test]
async fn the_dry_run_knows_who_joined_since_and_a_period_that_was_agreed_to_be_shorter() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "HARVEST", harvest()).await;
    for starts_on in ["2026-02-01", "2026-03-01"] {
        let home = world.home(None, "POOR", 2).await.text("/id");
        let body =
            json!({"household_id": home, "product_id": product, "starts_on": starts_on, "ends_on": "2026-06-30"});
        let path = format!("{}/enrolments", world.mutual("KAY"));
        let applied = world.post(&path).as_("registrar").json(body.clone()).send().await.expect(201).text("/id");
        child_of(&world, &home, "2026-03-05").await.expect(201);
        let told = price(&world, body).await.expect(200);
        world.admission(&applied).await.expect(200);
        let issued = issued_as_told(&world, &home, &told).await;
        assert!(issued.iter().all(|due| due.2.as_str() <= "2026-06-30"), "{issued:?}");
        let joined = told.body["lines"].as_array().unwrap().iter().filter(|line| line["code"] == "JOINED").count();
        assert_eq!(joined, if starts_on == "2026-02-01" { 3 } else { 1 });
    }
}

#[actix_web::test]
async fn who_joins_before_the_admission_counts_and_who_is_registered_late_too() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["max_household_size"] = json!(3);
    let product = world.product("mutual_admin", "KAY", "SMALL", parameters).await;
    let waiting = world.home(None, "STANDARD", 3).await.text("/id");
    let applied = world.application(&waiting, &product, "2026-03-01").await.expect(201).text("/id");
    child_of(&world, &waiting, "2026-03-05").await.expect(201);
    let (commands, audit) = (world.count("commands"), world.count("audit_rows"));
    let refused = world.admission(&applied).await.expect(422);
    assert_eq!((refused.code(), refused.pointers()), ("household_too_large", vec!["/household_id"]));
    assert_eq!((world.count("commands"), world.count("audit_rows"), world.count("dues")), (commands, audit, 0));
    // The household was not there on the first day, which makes it no smaller.
    let late = world.home(None, "STANDARD", 4).await.text("/id");
    let early = world.application(&late, &product, "2025-12-01").await.expect(422);
    assert_eq!(early.code(), "household_too_large");
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    child_of(&world, &home, "2026-03-08").await.expect(201);
    // On the 5th they would be three, but four from the 8th on.
    let members = world.count("members");
    let refused = child_of(&world, &home, "2026-03-05").await.expect(422);
    assert_eq!(refused.code(), "household_too_large");
    assert_eq!(world.count("members"), members);
    // A birth is a fact that no limit refuses; the next period does.
    let birth = json!({"kind": "BIRTH", "on": "2026-03-09", "registered_on": "2026-03-09",
        "person": {"relationship": "child", "sex": "female", "family_name": "Ndayizeye", "given_name": "Ange"}});
    let url = format!("{}/households/{home}/events", world.mutual("KAY"));
    world.post(&url).as_("registrar").json(birth).send().await.expect(201);
    let ask = json!({"household_id": home, "product_id": product, "starts_on": "2026-03-01"});
    let url = format!("{}/enrolments/price", world.mutual("KAY"));
    let told = world.post(&url).as_("registrar").json(ask).send().await.expect(200);
    let codes: Vec<&str> =
        told.body["refusals"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["household_too_large", "period_overlaps"]);
}

#[actix_web::test]
async fn what_several_owe_on_one_day_is_one_due() {
    let world = World::new().await;
    let parameters = json!({"currency": "BIF", "contribution": {"kind": "per_person_month", "amount": 250},
        "benefits": {"OPD": {"rate_bp": {"public": 8000, "private": 5000}}}});
    let product = world.product("mutual_admin", "KAY", "MONTHLY", parameters).await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    let applied = world.application(&home, &product, "2026-03-01").await.expect(201).text("/id");
    child_of(&world, &home, "2026-03-05").await.expect(201);
    child_of(&world, &home, "2026-03-05").await.expect(201);
    world.admission(&applied).await.expect(200);
    let dues = world.dues(&home).await;
    // Twelve months for the two of the first day, and March of the two who joined on the 5th; the other months are one due.
    assert_eq!(dues.len(), 13, "{dues:?}");
    let joined: Vec<i64> = dues.iter().filter(|due| due.2 == "2026-03-05").map(|due| due.3).collect();
    assert_eq!(joined, [500]);
    let april: Vec<i64> = dues.iter().filter(|due| due.2 == "2026-04-01").map(|due| due.3).collect();
    assert_eq!(april, [1000]);
}

#[actix_web::test]
async fn only_who_never_left_enters_outside_the_windows() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["enrolment_windows"] = json!([{"from": "03-01", "to": "03-15"}]);
    parameters["renewal_grace_days"] = json!(30);
    parameters["instalments"] =
        json!([{"share_bp": 5000, "due": {"months": 0}}, {"share_bp": 5000, "due": {"months": 3}}]);
    parameters["arrears"] = json!({"grace_days": 0, "lapse_days": 10});
    let product = world.product("mutual_admin", "KAY", "WINDOW", parameters).await;
    let mut homes = Vec::new();
    for paid in [31_000, 31_000, 16_000] {
        let home = world.home(None, "STANDARD", 2).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
        world.payment(&home, paid, "2026-03-10").await.expect(201);
        homes.push(home);
    }
    let apply = async |home: &str, starts_on: &str| {
        let body = json!({"household_id": home, "product_id": product, "starts_on": starts_on});
        let told = price(&world, body).await.expect(200);
        let answer = world.application(home, &product, starts_on).await;
        let open = told.body["refusals"] == json!([]);
        assert_eq!(open, answer.status == 201, "{}", answer.text);
        if open { "open".to_owned() } else { answer.code().to_owned() }
    };
    world.test.clock.set(Utc.with_ymd_and_hms(2027, 3, 20, 9, 0, 0).unwrap());
    assert_eq!(apply(&homes[0], "2027-03-20").await, "open", "within the days of grace");
    assert_eq!(apply(&homes[2], "2027-03-20").await, "outside_enrolment_window", "it lapsed in June");
    let new = world.home(None, "STANDARD", 2).await.text("/id");
    assert_eq!(apply(&new, "2027-03-20").await, "outside_enrolment_window");
    world.test.clock.set(Utc.with_ymd_and_hms(2027, 4, 15, 9, 0, 0).unwrap());
    assert_eq!(apply(&homes[1], "2027-04-15").await, "outside_enrolment_window", "its grace has gone");
}

#[actix_web::test]
async fn who_is_too_old_is_named_by_id_and_a_draft_is_told_all_its_contradictions() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["age_limits"] = json!({"entry_max_age": 30});
    let product = world.product("mutual_admin", "KAY", "YOUNG", parameters).await;
    let home = world.home(None, "STANDARD", 2).await;
    let refused = world.application(&home.text("/id"), &product, "2026-03-01").await.expect(422);
    assert_eq!((refused.code(), refused.pointers()), ("age_limit", vec!["/household_id"]));
    for member in home.body["members"].as_array().unwrap() {
        let named = refused.text("/detail").contains(member["id"].as_str().unwrap());
        assert_eq!(named, member["relationship"] == "principal", "{}", refused.text);
    }
    assert_eq!(world.count("enrolments"), 0);
    let path = format!("/products/{product}/price");
    let ask = |body: Value| world.post(&path).as_("mutual_admin").json(body).send();
    let told = ask(json!({"starts_on": "2026-03-01", "persons": [{}, {"birth_date": "1988-05-02"}]})).await.expect(200);
    assert_eq!(told.text("/refusals/0/message"), "older than 30 on the period's first day: /persons/1");
    let unborn = json!({"starts_on": "2026-03-01", "persons": [{}, {"birth_date": "2026-03-02"}]});
    let fault = ("/persons/1/birth_date", "impossible_date");
    ask(unborn).await.refused(422, "impossible_date", &[fault]);
    let versions = format!("/products/{product}/versions");
    let draft = json!({"parameters": {"currency": "BIF", "max_household_size": 0, "period_months": 61}});
    world.post(&versions).as_("mutual_admin").json(draft).send().await.expect(201);
    ask(json!({"version": 2, "starts_on": "2026-03-01", "persons": [{}]})).await.refused(
        422,
        "parameters_contradict",
        &[("/parameters/period_months", "PERIOD_OUT_OF_BOUNDS"), ("/parameters/max_household_size", "SIZE_BELOW_ONE")],
    );
    let mut francs = bands();
    francs["currency"] = json!("XOF");
    let foreign = world.product("mutual_admin", "KAY", "FRANCS", francs).await;
    let body = json!({"household_id": home.text("/id"), "product_id": foreign, "starts_on": "2026-03-01"});
    price(&world, body).await.refused(422, "CURRENCY_MISMATCH", &[("/product_id", "CURRENCY_MISMATCH")]);
}

#[actix_web::test]
async fn nobody_enters_a_period_that_ended_before_he_was_registered() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let before = (world.count("enrolments"), world.count("commands"));
    let refused = world.application(&home, &product, "2025-02-28").await;
    refused.refused(422, "impossible_date", &[("/starts_on", "impossible_date")]);
    assert_eq!((world.count("enrolments"), world.count("commands")), before);
    // A year from 1 March 2025 ends on the day before the registration, one from the 2nd on its day.
    world.application(&home, &product, "2025-03-01").await.expect(422);
    world.application(&home, &product, "2025-03-02").await.expect(201);
}
