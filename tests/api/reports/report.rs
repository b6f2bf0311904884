//! `GET /organisations/{id}/reports/{name}`: what a mutual sees of itself, what bodies above see, and what they cannot find out.
use crate::support::care::with_ceilings;
use crate::support::{Answer, World};
use ayni::access::permissions::Role;
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

/// Early April: KAY (BIF) with three households and four claims, its March closed; SEN (XOF) with one household, its March handed
/// in on paper; GIT with nothing.
pub(super) async fn world() -> World {
    let mut world = World::new().await;
    for (name, role) in [("platform_analyst@NET", Role::PlatformAnalyst), ("platform_admin@NET", Role::PlatformAdmin)] {
        let network = world.org("NET");
        world.add_user(name, role, network);
    }
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 6, 2_000).await;
    world.covered(&product, 6, 2_000).await;
    // Half of what it owes: not in force.
    let other = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&other, &product, "2026-03-01").await;
    world.payment(&other, 15_000, "2026-03-09").await.expect(201);
    let on = "2026-03-10";
    world.claim(&home.members[0], "K-1", on, &[("CONS", 1, 5_000)]).await;
    let approval = world.settlement_asked().await;
    world.approve(&approval, "treasurer").await.expect(200);
    world.pay(&approval, 1, 4_000).await.expect(200);
    world.claim(&home.members[1], "K-2", on, &[("CONS", 2, 6_000)]).await;
    world.claim(&home.members[1], "K-2", on, &[("CONS", 1, 5_000)]).await;
    world.claim(&home.members[0], "K-3", on, &[("CONS", 1, 5_000)]).await;
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 4, 8, 0, 0).unwrap());
    world
        .give("treasurer", "/periods/2026-03/close", json!({"despite": ["claims_pending", "cash_not_counted"]}))
        .await
        .expect(200);
    hand_in(&world, json!({})).await.expect(200);
    world
}

async fn hand_in(world: &World, change: Value) -> Answer {
    let mut body = json!({"currency": "XOF", "source": "paper", "note": "from the ledger of the office", "figures": {
        "households": 20, "principals": 20, "beneficiaries_in_force": 101, "women_in_force": 60, "dues_minor": 50_000,
        "collected_minor": 40_000, "received_for_dues_minor": 40_000, "claims_submitted": 9, "claims_rejected": 1}});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    let path = format!("/organisations/{}/returns/2026-03", world.org("SEN"));
    world.put(&path).as_("mutual_admin@SEN").json(body).send().await
}

pub(super) async fn ask(world: &World, user: &str, place: &str, rest: &str) -> Answer {
    world.get(&format!("/organisations/{}/reports/{rest}", world.org(place))).as_(user).send().await
}

/// Numerator, denominator and value of a figure.
pub(super) fn figure(list: &Value, id: &str) -> (Value, Value, Value) {
    let figure =
        list.as_array().unwrap().iter().find(|figure| figure["id"] == id).unwrap_or_else(|| panic!("{id}: {list}"));
    (figure["numerator"].clone(), figure["denominator"].clone(), figure["value"].clone())
}

#[actix_web::test]
async fn a_mutual_sees_its_month_whole_and_live() {
    let world = world().await;
    let answer = ask(&world, "mutual_admin", "KAY", "indicators?period=2026-03").await.expect(200);
    let list = &answer.body["totals"][0]["figures"];
    // By hand: 3 × (30,000 + 1,000) due, 2 × 33,000 and 15,000 received, of which 2 × 2,000 is credit and 3 × 1,000 fees; K-1
    // gives 4,000, K-2 two at the tariff of 5,000 and so 8,000, its double nothing, K-3 waits.
    for (id, value) in [
        ("households", 2),
        ("principals", 2),
        ("beneficiaries_in_force", 12),
        ("dues_minor", 90_000),
        ("fees_minor", 3_000),
        ("collected_minor", 81_000),
        ("claims_submitted", 4),
        ("claims_approved", 1),
        ("claims_partially_approved", 1),
        ("claims_rejected", 1),
        ("paid_minor", 4_000),
        ("benefits_decided_minor", 12_000),
        ("undecided_claims", 1),
        ("entries_new", 12),
        ("cases", 2),
    ] {
        assert_eq!(figure(list, id).2, json!(value), "{id}");
    }
    assert_eq!(figure(list, "collection_rate"), (json!(74_000), json!(90_000), json!(8_222)));
    assert_eq!(figure(list, "claims_rejection_ratio"), (json!(1), json!(4), json!(2_500)));
    assert_eq!((answer.text("/basis"), answer.text("/stock_on")), ("live".into(), "2026-03-31".into()));
    // What needs the month before, of which nothing is known, is not zero.
    let growth = list.as_array().unwrap().iter().find(|figure| figure["id"] == "beneficiary_growth_net").unwrap();
    assert_eq!((&growth["value"], &growth["undefined"]), (&Value::Null, &json!("not_reported")));
    let coverage = list.as_array().unwrap().iter().find(|figure| figure["id"] == "coverage_ratio").unwrap();
    assert_eq!(coverage["undefined"], "no_target");
    let paid = list.as_array().unwrap().iter().find(|figure| figure["id"] == "promptness_from_event").unwrap();
    assert_eq!((&paid["promptness"]["buckets"]["0-7"], &paid["promptness"]["median_tenths"]), (&json!(1), &json!(0)));
    // The month that runs is there too, of the mutual itself alone.
    ask(&world, "mutual_admin", "KAY", "dashboard?period=2026-04").await.expect(200);
    ask(&world, "platform_analyst", "KAY", "dashboard?period=2026-04").await.refused(
        422,
        "month_not_over",
        &[("period", "month_not_over")],
    );
}

#[actix_web::test]
async fn a_network_sees_currencies_apart_and_how_complete_it_is() {
    let world = world().await;
    let answer =
        ask(&world, "platform_analyst@NET", "NET", "dashboard?period=2026-03&compare=previous").await.expect(200);
    let complete = &answer.body["completeness"];
    assert_eq!(
        (&complete["units_expected"], &complete["units_reported"], &complete["units_missing"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(complete["missing"], json!(["GIT"]));
    let totals = answer.body["totals"].as_array().unwrap();
    let currencies: Vec<&Value> = totals.iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, [&Value::Null, &json!("BIF"), &json!("XOF")]);
    assert_eq!(figure(&totals[0]["figures"], "beneficiaries_in_force").2, 113);
    assert!(
        totals[0]["figures"]
            .as_array()
            .unwrap()
            .iter()
            .all(|figure| !figure["id"].as_str().unwrap().ends_with("_minor"))
    );
    assert_eq!(figure(&totals[1]["figures"], "dues_minor").2, 90_000);
    assert_eq!(figure(&totals[2]["figures"], "dues_minor").2, 50_000);
    // What the paper does not tell is left out and counted as left out.
    let paid = totals[2]["figures"].as_array().unwrap().iter().find(|figure| figure["id"] == "paid_minor").unwrap();
    assert_eq!(
        (&paid["value"], &paid["undefined"], &paid["units_left_out"]),
        (&Value::Null, &json!("not_reported"), &json!(1))
    );
    let units: Vec<(&str, &str)> = answer.body["units"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| (unit["code"].as_str().unwrap(), unit["months"]["2026-03"].as_str().unwrap()))
        .collect();
    assert_eq!(units, [("GIT", "missing"), ("KAY", "closed"), ("SEN", "return")]);
    // Asked again, the same answer, and not sent again.
    let again =
        ask(&world, "platform_analyst@NET", "NET", "dashboard?period=2026-03&compare=previous").await.expect(200);
    assert_eq!(answer.text, again.text);
    let path = format!("/organisations/{}/reports/dashboard?period=2026-03&compare=previous", world.org("NET"));
    let tag = answer.headers["etag"].clone();
    let known = world.get(&path).as_("platform_analyst@NET").header("If-None-Match", &tag).send().await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
}

#[actix_web::test]
async fn what_cannot_be_asked_is_told() {
    let world = world().await;
    let user = "platform_analyst";
    for (rest, field, code) in [
        ("dashboard?period=2026-3", "period", "malformed"),
        ("dashboard?period=2026Q5", "period", "malformed"),
        ("coverage?period=2026-03&cut=provider", "cut", "unknown_value"),
        ("coverage?period=2026-03&cut=name", "cut", "unknown_value"),
        ("dashboard?period=2026-03&compare=next", "compare", "unknown_value"),
        ("indicators?period=2026-03&indicator=happiness", "indicator", "unknown_value"),
        ("dashboard?period=2026-03&indicator=households", "indicator", "unknown_value"),
    ] {
        ask(&world, user, "P1", rest).await.refused(422, "invalid", &[(field, code)]);
    }
    ask(&world, user, "P1", "dashboard").await.expect(422);
    ask(&world, user, "P1", "gossip?period=2026-03").await.expect(404);
    ask(&world, user, "P1", "dashboard?period=2026-05").await.refused(422, "future_date", &[("period", "future_date")]);
    ask(&world, user, "P1", "dashboard?period=2026Q2").await.refused(
        422,
        "month_not_over",
        &[("period", "month_not_over")],
    );
    ask(&world, user, "P2", "dashboard?period=2026-03").await.expect(404);
    // A body without mutuals.
    let body = json!({"code": "EMPTY", "name": "Empty", "kind": "federation", "parent_id": world.org("P1")});
    let made = world.post("/organisations").as_("platform_admin").json(body).send().await.expect(201);
    let path = format!("/organisations/{}/reports/dashboard?period=2026-03", made.text("/id"));
    world.get(&path).as_("platform_admin").send().await.refused(422, "no_mutuals", &[]);
}

#[actix_web::test]
async fn a_return_is_read_with_care() {
    let world = world().await;
    let figures = |change: Value| {
        let mut figures = json!({"households": 20, "beneficiaries_in_force": 12});
        for (key, value) in change.as_object().unwrap() {
            figures[key] = value.clone();
        }
        json!({"figures": figures})
    };
    hand_in(&world, json!({"currency": "BIF"})).await.refused(422, "invalid", &[("/currency", "CURRENCY_MISMATCH")]);
    hand_in(&world, json!({"source": "register"})).await.refused(422, "invalid", &[("/source", "unknown_value")]);
    hand_in(&world, figures(json!({"smiles": 3}))).await.refused(
        422,
        "invalid",
        &[("/figures/smiles", "unknown_field")],
    );
    hand_in(&world, figures(json!({"cases": -3}))).await.refused(
        422,
        "invalid",
        &[("/figures/cases", "out_of_bounds")],
    );
    hand_in(&world, json!({"figures": {"households": 3, "cases": 2}})).await.refused(
        422,
        "invalid",
        &[("/figures/beneficiaries_in_force", "required")],
    );
    let mut cut = figures(json!({}));
    cut["cuts"] = json!({"sex_age": {"female 0-4": [5, 0], "male 65+": [6, 0]}});
    hand_in(&world, cut.clone()).await.refused(422, "invalid", &[("/cuts/sex_age", "invalid")]);
    cut["cuts"]["sex_age"]["male 65+"] = json!([7, 0]);
    hand_in(&world, cut).await.expect(200);
    // Whose register is here hands nothing in, whether the month was closed or not.
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 5, 4, 8, 0, 0).unwrap());
    let body =
        json!({"currency": "BIF", "source": "paper", "figures": {"households": 9, "beneficiaries_in_force": 30}});
    let path = format!("/organisations/{}/returns/2026-04", world.org("KAY"));
    world.put(&path).as_("platform_admin").json(body).send().await.refused(409, "wrong_state", &[]);
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 4, 8, 0, 0).unwrap());
    let path = format!("/organisations/{}/returns/2026-03", world.org("KAY"));
    let body = json!({"currency": "BIF", "source": "paper", "figures": {"households": 1, "beneficiaries_in_force": 3}});
    world.put(&path).as_("mutual_admin").json(body.clone()).send().await.refused(409, "wrong_state", &[]);
    let path = format!("/organisations/{}/returns/2026-04", world.org("GIT"));
    world.put(&path).as_("platform_admin").json(body.clone()).send().await.refused(422, "month_not_over", &[]);
    let path = format!("/organisations/{}/returns/2026-03", world.org("P1"));
    world.put(&path).as_("platform_admin").json(body).send().await.refused(409, "wrong_state", &[]);
}

fn rate(valid_from: &str, (currency, amount): (&str, i64), (other, equals): (&str, i64)) -> Value {
    json!({"valid_from": valid_from, "source": "central bank", "currency": currency, "amount_minor": amount,
        "equals_currency": other, "equals_minor": equals})
}

#[actix_web::test]
async fn a_network_converts_at_the_rates_of_the_last_day_and_names_them() {
    let world = world().await;
    let path = format!("/organisations/{}/exchange-rates", world.org("NET"));
    let say = async |body: Value| world.post(&path).as_("platform_admin@NET").json(body).send().await;
    let asked = "contributions?period=2026-03&currency=EUR&compare=previous";
    let missing = ask(&world, "platform_analyst@NET", "NET", asked).await;
    missing.refused(422, "no_exchange_rate", &[("currency", "no_exchange_rate")]);
    // February's has its own rate; of two for the same day the later recorded holds; April's does not hold in March.
    let bodies = [
        rate("2026-02-01", ("BIF", 3_000), ("EUR", 100)),
        rate("2026-03-15", ("BIF", 9_999), ("EUR", 100)),
        rate("2026-03-15", ("BIF", 3_600), ("EUR", 120)),
        rate("2026-04-01", ("BIF", 1), ("EUR", 1)),
        // Written down the other way round.
        rate("2026-01-01", ("EUR", 100_000), ("XOF", 655_957)),
    ];
    for (second, body) in (1..).zip(bodies) {
        world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 4, 8, 0, second).unwrap());
        say(body).await.expect(201);
    }
    let answer = ask(&world, "platform_analyst@NET", "NET", asked).await.expect(200);
    let totals = answer.body["totals"].as_array().unwrap();
    let currencies: Vec<&Value> = totals.iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, [&Value::Null, &json!("BIF"), &json!("XOF"), &json!("EUR")]);
    assert!(totals[..3].iter().all(|total| total["rates"].is_null()), "{totals:?}");
    let eur = &totals[3];
    // 90,000 BIF are 3,000 cents; 50,000 XOF are 7,622.45.
    assert_eq!(figure(&eur["figures"], "dues_minor").2, 3_000 + 7_622);
    let bif = figure(&totals[1]["figures"], "received_for_dues_minor").2.as_i64().unwrap();
    let received = figure(&eur["figures"], "received_for_dues_minor").2.as_i64().unwrap();
    assert!(bif > 0);
    assert_eq!(received, (bif * 2 * 120 + 3_600) / 7_200 + 6_098);
    let (numerator, denominator, value) = figure(&eur["figures"], "collection_rate");
    assert_eq!((numerator, denominator), (json!(received), json!(10_622)));
    assert_eq!(value, (received * 20_000 + 10_622) / 21_244);
    let told: Vec<(&Value, &Value)> =
        eur["rates"].as_array().unwrap().iter().map(|rate| (&rate["valid_from"], &rate["amount_minor"])).collect();
    assert_eq!(
        told,
        [
            (&json!("2026-01-01"), &json!(100_000)),
            (&json!("2026-02-01"), &json!(3_000)),
            (&json!("2026-03-15"), &json!(3_600))
        ]
    );
    // Nothing of February is known, in any currency.
    let dues = eur["figures"].as_array().unwrap().iter().find(|figure| figure["id"] == "dues_minor").unwrap();
    assert_eq!(dues["previous"]["undefined"], "not_reported", "{dues}");
    assert_eq!((&dues["units_left_out"], &dues["median"]), (&json!(1), &json!((3_000 + 7_622 + 1) / 2)));
    // In a table the word of its rows is another, so that adding up the totals counts nothing twice.
    let path = format!("/organisations/{}/reports/{asked}", world.org("NET"));
    let table = world.get(&path).as_("platform_analyst@NET").header("Accept", "text/csv").send().await.expect(200);
    let rows: Vec<&str> = table.text.lines().filter(|line| line.contains(",converted,")).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("2026-03-15 3600 BIF = 120 EUR")), "{rows:?}");
    // A mutual's own in another currency; the rates are the network's.
    let own = ask(&world, "mutual_admin", "KAY", "contributions?period=2026-03&currency=EUR").await.expect(200);
    let totals = own.body["totals"].as_array().unwrap();
    assert_eq!(figure(&totals[1]["figures"], "dues_minor").2, 3_000);
    assert_eq!(totals[1]["rates"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_rate_that_cannot_be_is_refused() {
    let world = World::new().await;
    let path = |code: &str| format!("/organisations/{}/exchange-rates", world.org(code));
    let good = || rate("2026-02-01", ("BIF", 3_000), ("EUR", 100));
    for (field, value, code) in [
        ("currency", json!("ZZZ"), "unknown_value"),
        ("equals_currency", json!("ZZZ"), "unknown_value"),
        ("equals_currency", json!("BIF"), "invalid"),
        ("amount_minor", json!(0), "out_of_bounds"),
        ("equals_minor", json!(-5), "out_of_bounds"),
        ("amount_minor", json!(1_i64 << 53), "out_of_bounds"),
        ("source", json!(""), "out_of_bounds"),
        ("valid_from", json!("2099-01-01"), "future_date"),
    ] {
        let mut body = good();
        body[field] = value;
        let pointer = format!("/{field}");
        let answer = world.post(&path("P1")).as_("platform_admin").json(body).send().await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{field} {}", answer.text);
        assert_eq!(answer.body["errors"][0]["code"], code, "{field} {}", answer.text);
    }
    assert_eq!(world.test.count("exchange_rates"), 0);
    world.post(&path("P1")).as_("platform_analyst").json(good()).send().await.expect(403);
    world.post(&path("P1")).as_("platform_admin").json(good()).send().await.expect(201);
    let list = world.get(&format!("{}?year=2026", path("P1"))).as_("platform_analyst").send().await.expect(200);
    assert_eq!(list.body["items"][0]["equals_minor"], 100);
    let list = world.get(&format!("{}?year=2025", path("P1"))).as_("platform_analyst").send().await.expect(200);
    assert_eq!(list.body["items"], json!([]));
    world.get(&format!("{}?year=99", path("P1"))).as_("platform_analyst").send().await.expect(422);
    let odd = ask(&world, "mutual_admin", "KAY", "dashboard?period=2026-02&currency=GOLD").await;
    odd.refused(422, "invalid", &[("currency", "unknown_value")]);
}

#[actix_web::test]
async fn coverage_is_of_the_target_population_of_the_day_and_months_are_due() {
    let world = world().await;
    let path = format!("/organisations/{}/target-populations", world.org("SEN"));
    for (from, persons) in [("2026-01-01", 1_000), ("2026-04-01", 2_000)] {
        let body = json!({"valid_from": from, "persons": persons, "source": "census"});
        world.post(&path).as_("mutual_admin@SEN").json(body).send().await.expect(201);
    }
    let again = json!({"valid_from": "2026-04-01", "persons": 5, "source": "census"});
    world.post(&path).as_("mutual_admin@SEN").json(again).send().await.refused(
        422,
        "period_overlaps",
        &[("/valid_from", "period_overlaps")],
    );
    let answer = ask(&world, "platform_analyst@NET", "NET", "coverage?period=2026-03").await.expect(200);
    assert_eq!(
        figure(&answer.body["totals"][2]["figures"], "coverage_ratio"),
        (json!(101), json!(1_000), json!(1_010))
    );
    // Due on 1 April: what came on the 4th is late, what is not there is overdue.
    let settings = format!("/organisations/{}/figure-settings", world.org("NET"));
    let put = world.put(&settings).as_("platform_admin@NET").header("If-Match", "\"v0\"").json(json!({"due_days": 1}));
    put.send().await.expect(200);
    let answer = ask(&world, "platform_analyst@NET", "NET", "completeness?period=2026-03").await.expect(200);
    let complete = &answer.body["completeness"];
    assert_eq!(
        (&complete["late"], &complete["missing"], &complete["due_days"]),
        (&json!(["KAY", "SEN"]), &json!(["GIT"]), &json!(1))
    );
    let overdue: Vec<&Value> = answer.body["units"].as_array().unwrap().iter().map(|unit| &unit["overdue"]).collect();
    assert_eq!(overdue, [true, false, false]);
}

#[actix_web::test]
async fn a_table_is_the_same_for_every_report_and_a_workbook_has_its_definitions() {
    let world = world().await;
    let mut heads = std::collections::BTreeSet::new();
    for name in
        ["dashboard", "coverage", "contributions", "claims", "indicators", "financing-mix", "completeness", "providers"]
    {
        let path = format!("/organisations/{}/reports/{name}?period=2026-03", world.org("NET"));
        let table = world.get(&path).as_("platform_analyst@NET").header("Accept", "text/csv").send().await.expect(200);
        assert!(table.text.lines().count() > 1, "{name}");
        heads.insert(table.text.lines().next().unwrap().to_owned());
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let sheet = world.get(&path).as_("platform_analyst@NET").header("Accept", xlsx).send().await.expect(200);
        assert_eq!(sheet.headers["content-type"], xlsx);
    }
    assert_eq!(heads.len(), 1, "{heads:?}");
    let path = format!("/organisations/{}/reports/dashboard?period=2026-03", world.org("NET"));
    world.get(&path).as_("platform_analyst@NET").header("Accept", "text/html").send().await.expect(406);
    let list = world.get("/indicators").as_("treasurer").send().await.expect(200);
    assert!(list.body["items"].as_array().unwrap().len() > 80);
}

/// Whoever is above the mutuals sees no small count, and subtracting what he sees gives none.
#[actix_web::test]
async fn cuts_upward_give_no_small_count() {
    let world = world().await;
    let whole = ask(&world, "mutual_admin", "KAY", "coverage?period=2026-03&cut=sex_age").await.expect(200);
    assert_eq!(whole.body["cuts"][0]["disclosure"], "whole");
    let rows = whole.body["cuts"][0]["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["numbers"]["beneficiaries_in_force"].is_i64()), "{rows:?}");
    for (user, place, cut, disclosure, some) in [
        ("platform_analyst", "KAY", "sex_age", "round5", true),
        ("platform_analyst", "KAY", "sex", "round5", true),
        ("platform_analyst", "P1", "sex_age", "suppress", true),
        ("platform_analyst", "P1", "sex", "suppress", true),
        // Both households live nowhere that was said.
        ("platform_analyst", "P1", "area", "round5", false),
        ("platform_analyst@NET", "NET", "sex_age", "round5", true),
    ] {
        let answer = ask(&world, user, place, &format!("coverage?period=2026-03&cut={cut}")).await.expect(200);
        let table = &answer.body["cuts"][0];
        assert_eq!(table["disclosure"], disclosure, "{place} {cut}");
        let rows = table["rows"].as_array().unwrap();
        assert_eq!(!rows.is_empty(), some, "{place} {cut}");
        for row in rows {
            let count = &row["numbers"]["beneficiaries_in_force"];
            let small = count.as_i64().is_some_and(|count| (1..8).contains(&count));
            let rounded = count.as_i64().is_none_or(|count| count % 5 == 0);
            assert!(!small && (rounded || disclosure == "suppress"), "{place} {cut}: {row}");
        }
    }
    // Three claims of one category, which are figures of the report: the name of the category is not told.
    let answer = ask(&world, "platform_analyst", "P1", "claims?period=2026-03&cut=category").await.expect(200);
    assert_eq!(figure(&answer.body["totals"][0]["figures"], "benefits_decided_minor").2, 12_000);
    assert_eq!(answer.body["cuts"][0]["rows"], json!([]));
    assert_eq!(answer.body["cuts"][0]["total"]["numbers"]["mutual_minor"], Value::Null);
    let answer = ask(&world, "mutual_admin", "KAY", "providers?period=2026-03").await.expect(200);
    let row = &answer.body["cuts"][0]["rows"][0];
    assert_eq!((&row["numbers"]["claims"], &row["numbers"]["mutual_minor"]), (&json!(3), &json!(12_000)));
    // All of one facility: by its level they are the same, and by the only category too.
    let numbers = row["numbers"].clone();
    let whole = |key: &str| numbers[key].as_i64().unwrap();
    assert_eq!(
        whole("billed_minor"),
        whole("mutual_minor") + whole("member_share_minor") + whole("provider_writeoff_minor"),
        "{numbers}"
    );
    assert!(whole("provider_writeoff_minor") > 0 && whole("member_share_minor") > 0, "{numbers}");
    for report in ["claims", "providers"] {
        let answer =
            ask(&world, "mutual_admin", "KAY", &format!("{report}?period=2026-03&cut=level")).await.expect(200);
        let rows = answer.body["cuts"][0]["rows"].as_array().unwrap();
        assert_eq!((rows.len(), &rows[0]["key"], &rows[0]["numbers"]), (1, &json!("health_centre"), &numbers));
    }
    let answer = ask(&world, "mutual_admin", "KAY", "claims?period=2026-03&cut=category").await.expect(200);
    let row = &answer.body["cuts"][0]["rows"][0];
    for key in ["mutual_minor", "member_share_minor", "provider_writeoff_minor"] {
        assert_eq!(row["numbers"][key], numbers[key], "{key}");
    }
    // Above nothing of three claims is told by level either.
    let answer = ask(&world, "platform_analyst", "P1", "claims?period=2026-03&cut=level").await.expect(200);
    assert_eq!(answer.body["cuts"][0]["rows"], json!([]));
}

#[actix_web::test]
async fn of_a_unit_of_few_persons_nothing_is_shown_above() {
    let world = world().await;
    let path = format!("/organisations/{}/returns/2026-03", world.org("GIT"));
    let body = json!({"currency": "BIF", "source": "paper", "figures": {"households": 1, "beneficiaries_in_force": 7,
        "dues_minor": 30_000}});
    world.put(&path).as_("platform_admin").json(body).send().await.expect(200);
    let answer = ask(&world, "platform_analyst@NET", "NET", "dashboard?period=2026-03").await.expect(200);
    assert_eq!(answer.body["completeness"]["units_too_small"], 1);
    // Nothing of it is in a total either, from which the others could be subtracted.
    assert_eq!(figure(&answer.body["totals"][0]["figures"], "beneficiaries_in_force").2, 113);
    assert_eq!(figure(&answer.body["totals"][1]["figures"], "dues_minor").2, 90_000);
    let unit = &answer.body["units"][0];
    assert_eq!((&unit["code"], &unit["too_small"], &unit["figures"]), (&json!("GIT"), &json!(true), &json!([])));
    let own = ask(&world, "platform_analyst", "GIT", "dashboard?period=2026-03").await.expect(200);
    assert_eq!(own.body["totals"], json!([]));
}

#[actix_web::test]
async fn a_program_pulls_with_a_key_what_its_scopes_say() {
    let world = world().await;
    let path = format!("/organisations/{}/api-keys", world.org("P1"));
    let body = json!({"id": world.test.db.ids().next::<ayni::ids::kind::ApiKey>(), "name": "Ministry", "scopes": ["reports"], "days": 30});
    let made = world.post(&path).as_("platform_admin").json(body.clone()).send().await.expect(201);
    let key = made.text("/key");
    assert!(key.starts_with("ayni_") && key.len() > 90);
    // Sent again it is the same key, which is not shown again; nor is it in the list.
    let again = world.post(&path).as_("platform_admin").json(body).send().await.expect(200);
    assert!(again.body["key"].is_null());
    let list = async || world.get(&path).as_("platform_admin").send().await.expect(200);
    assert!(!list().await.text.contains(&key[45..]) && list().await.body["items"][0]["last_used_at"].is_null());
    let pull = async |place: &str, rest: &str, key: &str| {
        world.get(&format!("/organisations/{}{rest}", world.org(place))).token(key).send().await
    };
    let report = "/reports/dashboard?period=2026-03";
    pull("P1", report, &key).await.expect(200);
    pull("KAY", report, &key).await.expect(200);
    assert!(list().await.body["items"][0]["last_used_at"].is_string());
    // The tree is not in its scopes, another platform not in its reach, persons in nobody's; and it has no self.
    pull("P1", "", &key).await.refused(403, "forbidden", &[]);
    pull("P2", report, &key).await.expect(404);
    world.get(&format!("/mutuals/{}/households", world.org("KAY"))).token(&key).send().await.expect(404);
    world.get("/me").token(&key).send().await.expect(401);
    world.post(&path).token(&key).json(json!({})).send().await.expect(403);
    world.get("/indicators").token(&key).send().await.expect(200);
    for wrong in [format!("{}0", &key[..key.len() - 1]), key[..60].to_owned(), "ayni_x_y".to_owned()] {
        assert!(wrong == key || pull("P1", report, &wrong).await.status == 401);
    }
    for (change, pointer) in [
        (json!({"days": 0}), "/days"),
        (json!({"days": 367}), "/days"),
        (json!({"scopes": []}), "/scopes"),
        (json!({"name": ""}), "/name"),
    ] {
        let mut body = json!({"name": "x", "scopes": ["reports"], "days": 1});
        body[&pointer[1..]] = change[&pointer[1..]].clone();
        let refused = world.post(&path).as_("platform_admin").json(body).send().await;
        assert_eq!((refused.status, refused.pointers()[0]), (422, pointer), "{}", refused.text);
    }
    let revoke = format!("{path}/{}/revoke", made.text("/id"));
    world.post(&revoke).as_("platform_admin").header("If-Match", "\"v1\"").send().await.expect(200);
    pull("P1", report, &key).await.refused(401, "unauthenticated", &[]);
    // One that has run out is told the same.
    let body = json!({"name": "Day", "scopes": ["tree", "reports"], "days": 1});
    let key = world.post(&path).as_("platform_admin").json(body).send().await.expect(201).text("/key");
    pull("P1", "", &key).await.expect(200);
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 5, 8, 0, 1).unwrap());
    pull("P1", "", &key).await.expect(401);
}

#[actix_web::test]
async fn a_report_is_compared_with_the_period_before_and_with_the_middle_of_the_sisters() {
    let world = world().await;
    // April of the mutual itself, beside its March.
    let answer = ask(&world, "mutual_admin", "KAY", "contributions?period=2026-04&compare=previous").await.expect(200);
    let dues =
        answer.body["totals"][0]["figures"].as_array().unwrap().iter().find(|figure| figure["id"] == "dues_minor");
    assert_eq!((&dues.unwrap()["value"], &dues.unwrap()["previous"]["value"]), (&json!(0), &json!(90_000)));
    let answer = ask(&world, "platform_analyst@NET", "NET", "dashboard?period=2026-03").await.expect(200);
    let persons = answer.body["totals"][0]["figures"].as_array().unwrap().iter();
    let persons = persons.into_iter().find(|figure| figure["id"] == "beneficiaries_in_force").unwrap();
    // Of 12 and 101, half up; GIT has reported nothing and is in no middle.
    assert_eq!((&persons["median"], &persons["units_left_out"]), (&json!(57), &json!(1)));
    let payers = ask(&world, "mutual_admin", "KAY", "financing-mix?period=2026-03").await.expect(200);
    let row = &payers.body["cuts"][0]["rows"][0];
    assert_eq!(
        (&row["key"], &row["numbers"]["dues_minor"], &row["numbers"]["received_minor"]),
        (&json!("HOUSEHOLD"), &json!(90_000), &json!(74_000))
    );
}

#[actix_web::test]
async fn age_bands_are_those_of_the_installation() {
    let world = world().await;
    let keys = async || {
        let answer = ask(&world, "mutual_admin", "KAY", "coverage?period=2026-03&cut=age_band").await.expect(200);
        let rows = answer.body["cuts"][0]["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(keys().await.iter().all(|key| !key.starts_with("0-17")));
    let path = |code: &str| format!("/organisations/{}/figure-settings", world.org(code));
    let put = |user: &str, code: &str, tag: &str, bands: &str| {
        world.put(&path(code)).as_(user).header("If-Match", tag).json(json!({"age_bands": bands})).send()
    };
    put("platform_admin", "P1", "\"v0\"", "0,18").await.refused(422, "invalid", &[("/age_bands", "not_here")]);
    put("system_admin", "ROOT", "\"v0\"", "18,0").await.refused(422, "invalid", &[("/age_bands", "malformed")]);
    put("system_admin", "ROOT", "\"v1\"", "0,18").await.expect(412);
    put("system_admin", "ROOT", "\"v0\"", "0,18").await.expect(200);
    // What is kept was computed by other bands, and is computed anew.
    let found = keys().await;
    assert!(!found.is_empty() && found.iter().all(|key| key == "0-17" || key == "18+"), "{found:?}");
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}
