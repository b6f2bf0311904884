//! What bodies above a mutual are told beside its figures: sisters, targets, where figures come from, and what they are not told.
use super::report::{ask, figure, world};
use crate::support::World;
use ayni::access::permissions::OrganisationKind;
use ayni::audit::frame::command;
use ayni::ids::OrganisationId;
use ayni::organisations::rules::NewOrganisation;
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

/// A mutual of few words under the first platform.
fn add_mutual(world: &mut World, code: &str) -> OrganisationId {
    let db = &world.test.db;
    let first: chrono::NaiveDate = "2026-03-01".parse().unwrap();
    let order = ayni::audit::frame::Order { today: first, ..ayni::access::service::terminal_order(db, "test") };
    let new = NewOrganisation {
        code: code.into(),
        name: format!("Mutual {code}"),
        kind: OrganisationKind::Mutual,
        country: Some("BI".into()),
        currency: Some("BIF".into()),
        timezone: Some("Africa/Bujumbura".into()),
        card_prefix: None,
    };
    command(db, &ayni::app::HOOKS, &order, |w| {
        ayni::organisations::service::add(w, &ayni::app::HOOKS, &order, &new, world.org("P1"))
    })
    .unwrap();
    world.parts.access.pictures.reload().unwrap();
    OrganisationId::new(order.id.uuid())
}

async fn hand_in(world: &World, mutual: OrganisationId, persons: i64) {
    let figures = json!({"households": 20, "beneficiaries_in_force": persons, "dues_minor": persons * 1_000});
    let body = json!({"currency": "BIF", "source": "paper", "figures": figures});
    let path = format!("/organisations/{mutual}/returns/2026-03");
    world.put(&path).as_("platform_admin").json(body).send().await.expect(200);
}

fn median(report: &Value, id: &str) -> Value {
    let list = report["totals"][0]["figures"].as_array().unwrap();
    list.iter().find(|figure| figure["id"] == id).unwrap()["median"].clone()
}

#[actix_web::test]
async fn a_mutual_is_beside_its_sisters_once_five_have_released() {
    let mut world = world().await;
    let [third, fourth, fifth, small] = ["NYA", "RUY", "MUR", "RUT"].map(|code| add_mutual(&mut world, code));
    for (sister, persons) in [(world.org("GIT"), 40), (third, 100), (fourth, 60), (small, 7)] {
        hand_in(&world, sister, persons).await;
    }
    let asked = [("mutual_admin", "the mutual"), ("platform_analyst", "its platform")];
    for (user, who) in asked {
        let four = ask(&world, user, "KAY", "dashboard?period=2026-03").await.expect(200);
        // One of too few persons is nobody's sister here.
        assert_eq!(median(&four.body, "beneficiaries_in_force"), Value::Null, "{who}");
    }
    hand_in(&world, fifth, 30).await;
    for (user, who) in asked {
        let five = ask(&world, user, "KAY", "dashboard?period=2026-03").await.expect(200);
        // Of 12, 30, 40, 60 and 100; of 30,000, 40,000, 60,000, 90,000 and 100,000; SEN below the other platform is no sister.
        assert_eq!(median(&five.body, "beneficiaries_in_force"), json!(40), "{who}");
        assert_eq!(median(&five.body, "dues_minor"), json!(60_000), "{who}");
        // Forms told no claims: those who did are too few.
        assert_eq!(median(&five.body, "claims_submitted"), Value::Null, "{who}");
    }
    // Of the month that runs nothing is released.
    let now = ask(&world, "mutual_admin", "KAY", "dashboard?period=2026-04").await.expect(200);
    assert_eq!(median(&now.body, "beneficiaries_in_force"), Value::Null);
}

#[actix_web::test]
async fn a_body_with_a_target_of_its_own_is_measured_by_it() {
    let world = world().await;
    let target = async |user: &str, place: &str, persons: i64| {
        let path = format!("/organisations/{}/target-populations", world.org(place));
        let body = json!({"valid_from": "2026-01-01", "persons": persons, "source": "census"});
        world.post(&path).as_(user).json(body).send().await.expect(201);
    };
    let coverage = async || {
        let answer = ask(&world, "platform_analyst@NET", "NET", "coverage?period=2026-03").await.expect(200);
        let list = answer.body["totals"][0]["figures"].as_array().unwrap().clone();
        let found = list.iter().find(|figure| figure["id"] == "coverage_ratio").unwrap().clone();
        assert_eq!(figure(&answer.body["totals"][0]["figures"], "household_penetration").2, Value::Null);
        (
            found["numerator"].clone(),
            found["denominator"].clone(),
            found["value"].clone(),
            found["units_left_out"].clone(),
        )
    };
    target("mutual_admin@SEN", "SEN", 1_000).await;
    // The sum of its mutuals': those that have one.
    assert_eq!(coverage().await, (json!(101), json!(1_000), json!(1_010), json!(2)));
    target("platform_admin@NET", "NET", 11_300).await;
    assert_eq!(coverage().await, (json!(113), json!(11_300), json!(100), json!(1)));
}

#[actix_web::test]
async fn what_nobody_has_reported_is_the_same_answer_each_time() {
    let world = world().await;
    let path = format!("/organisations/{}/reports/dashboard?period=2026-03", world.org("GIT"));
    let first = world.get(&path).as_("platform_analyst").send().await.expect(200);
    assert_eq!(first.body["as_of"], Value::Null);
    assert_eq!(first.body["completeness"]["units_missing"], json!(1));
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 4, 8, 1, 15).unwrap());
    let tag = first.headers["etag"].clone();
    world.get(&path).as_("platform_analyst").header("If-None-Match", &tag).send().await.expect(304);
    let table = world.get(&path).as_("platform_analyst").header("Accept", "text/csv").send().await.expect(200);
    assert!(table.text.lines().nth(1).unwrap().starts_with("dashboard,2026-03,releases,,"), "{}", table.text);
}

#[actix_web::test]
async fn a_unit_says_where_its_figures_come_from_and_by_which_definitions() {
    let mut world = world().await;
    let units = async |world: &World| {
        let answer = ask(world, "platform_analyst@NET", "NET", "dashboard?period=2026-03").await.expect(200);
        let told = |unit: &Value| {
            (unit["code"].as_str().unwrap().to_owned(), unit["sources"].clone(), unit["other_definitions"].clone())
        };
        answer.body["units"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let expected = |kay: Value| {
        vec![
            ("GIT".to_owned(), json!([]), json!([])),
            ("KAY".to_owned(), json!(["register"]), kay),
            ("SEN".to_owned(), json!(["paper"]), json!([])),
        ]
    };
    assert_eq!(units(&world).await, expected(json!([])));
    // As if it had been released before definitions changed.
    assert_eq!(world.test.execute("UPDATE releases SET definition = '1:0,5,15' WHERE source = 'register'"), 1);
    world.restart().await;
    assert_eq!(units(&world).await, expected(json!(["1:0,5,15"])));
    let period =
        world.get(&format!("{}/periods/2026-03", world.mutual("KAY"))).as_("treasurer").send().await.expect(200);
    assert_eq!(period.body["release"]["recorded_by"], json!(world.users["treasurer"]));
    assert_eq!(period.body["figures"]["dues_minor"], json!(90_000));
    assert_eq!(period.body["figures"].as_object().unwrap().len(), ayni::reports::measures::MEASURES);
}

#[actix_web::test]
async fn the_days_of_few_claims_are_told_to_nobody_above() {
    let world = world().await;
    let promptness = async |user: &str| {
        let answer = ask(&world, user, "KAY", "claims?period=2026-03").await.expect(200);
        let list = answer.body["totals"][0]["figures"].as_array().unwrap().clone();
        list.iter().find(|figure| figure["id"] == "promptness_from_event").unwrap().clone()
    };
    let own = promptness("mutual_admin").await;
    assert_eq!((&own["denominator"], &own["promptness"]["buckets"]["0-7"]), (&json!(1), &json!(1)));
    assert!(own["value"].is_i64() && own["promptness"]["mean_hundredths"] == own["value"], "{own}");
    let above = promptness("platform_analyst").await;
    assert_eq!(above["undefined"], "too_few");
    for hidden in ["numerator", "denominator", "value"] {
        assert_eq!(above[hidden], Value::Null, "{hidden}");
    }
    let days = above["promptness"].as_object().unwrap();
    let buckets = days["buckets"].as_object().unwrap();
    assert_eq!(buckets.len(), 4);
    assert!(buckets.values().chain([&days["mean_hundredths"], &days["median_tenths"]]).all(Value::is_null), "{above}");
}

/// The published numbers of some figures in an answer: of totals and units, of now and of the period before.
fn numbers(answer: &Value, into: &mut std::collections::BTreeSet<i64>) {
    const READ: [&str; 5] =
        ["beneficiaries_in_force", "dues_minor", "entries_new", "beneficiary_growth_net", "beneficiary_growth_gross"];
    let owners = ["totals", "units"].into_iter().flat_map(|list| answer[list].as_array().unwrap());
    for figure in owners.flat_map(|owner| owner["figures"].as_array().unwrap()) {
        if READ.contains(&figure["id"].as_str().unwrap()) {
            for told in [figure, &figure["previous"]] {
                into.extend(["numerator", "denominator"].iter().filter_map(|part| told[part].as_i64()));
                into.extend(told["value"].as_i64().filter(|_| told["denominator"].is_null()));
            }
        }
    }
}

/// Five in April, many before and after: no answer about another month, with or without what was before, gives April
/// back, nor do three of them.
#[actix_web::test]
async fn a_month_of_few_persons_is_in_no_later_answer() {
    let world = world().await;
    world.test.clock.set(Utc.with_ymd_and_hms(2027, 1, 15, 8, 0, 0).unwrap());
    let mut persons = vec![2_000_i64, 5];
    persons.extend((5..=12).map(|month| 30_000 + 7_001 * month * month));
    let mut start = 1_700;
    for (month, persons) in (3..).zip(persons) {
        let dues = if persons == 5 { 4_321 } else { persons * 1_000 + month };
        let own = json!({"beneficiaries_in_force": persons, "dues_minor": dues,
            "entries_new": (persons - start).max(0), "exits_left": (start - persons).max(0), "households": 20});
        start = persons;
        let sister = json!({"beneficiaries_in_force": 9_000_000 + 1_013 * month, "dues_minor": 70_000_000_000 + 100_003 * month,
            "entries_new": 1_013, "exits_left": 0, "households": 20});
        for (place, user, currency, figures) in
            [("GIT", "platform_admin", "BIF", own), ("SEN", "mutual_admin@SEN", "XOF", sister)]
        {
            let path = format!("/organisations/{}/returns/2026-{month:02}", world.org(place));
            let mut body = json!({"currency": currency, "source": "paper", "figures": figures});
            if (place, month) == ("SEN", 3) {
                body["note"] = json!("in place of the first");
            }
            world.put(&path).as_(user).json(body).send().await.expect(200);
        }
    }
    let mut periods: Vec<String> = (3..=12).map(|month| format!("2026-{month:02}")).collect();
    periods.extend(["2026Q1", "2026Q2", "2026Q3", "2026Q4", "2026"].map(str::to_owned));
    let mut published = std::collections::BTreeSet::new();
    let mut hidden = Vec::new();
    for period in &periods {
        for (user, place) in [("platform_analyst@NET", "NET"), ("platform_analyst", "GIT")] {
            for compare in ["", "&compare=previous"] {
                let rest = format!("indicators?period={period}{compare}");
                let answer = ask(&world, user, place, &rest).await.expect(200).body;
                numbers(&answer, &mut published);
                let unit = answer["units"].as_array().unwrap().iter().find(|unit| unit["code"] == "GIT").unwrap();
                if unit["too_small"] == json!(true) {
                    hidden.push(format!("{place} {period}{compare}"));
                }
            }
        }
    }
    let all = |period: &'static str| {
        ["NET", "GIT"]
            .into_iter()
            .flat_map(move |place| ["", "&compare=previous"].map(|rest| format!("{place} {period}{rest}")))
    };
    let expected: Vec<String> = ["2026-04", "2026-05", "2026Q2", "2026"].into_iter().flat_map(all).collect();
    assert_eq!(hidden, expected);
    let published: Vec<i64> = published.into_iter().collect();
    assert!(published.len() > 60, "{}", published.len());
    for one in &published {
        assert!(![5, 4_321].contains(one));
        for two in &published {
            assert!(![5, 4_321].contains(&(one - two)), "{one} less {two}");
            for three in &published {
                let left = one - two - three;
                assert!(![5, 4_321].contains(&left), "{one} less {two} less {three}");
            }
        }
    }
    // What was before is told where it is of many, and where it is not the reason is.
    for (period, start, previous) in [
        ("2026-06", json!(205_025), json!({"value": null, "undefined": "too_few"})),
        ("2026-07", json!(282_036), json!({"value": 282_036, "undefined": null})),
        ("2026Q3", json!(282_036), json!({"value": null, "undefined": "too_few"})),
    ] {
        let answer =
            ask(&world, "platform_analyst", "GIT", &format!("indicators?period={period}&compare=previous")).await;
        let answer = answer.expect(200).body;
        let list = &answer["totals"][0]["figures"];
        assert_eq!(figure(list, "beneficiary_growth_net").1, start, "{period}");
        let found = list.as_array().unwrap().iter().find(|figure| figure["id"] == "beneficiaries_in_force").unwrap();
        for (part, value) in previous.as_object().unwrap() {
            assert_eq!(&found["previous"][part], value, "{period} {part}");
        }
    }
    // One sister is what all were, where the other is hidden; the third has told nothing of either month.
    let answer =
        ask(&world, "platform_analyst@NET", "NET", "indicators?period=2026-06&compare=previous").await.expect(200);
    let list = answer.body["totals"][0]["figures"].as_array().unwrap();
    let all = list.iter().find(|figure| figure["id"] == "beneficiaries_in_force").unwrap();
    assert_eq!((&all["units_left_out"], &all["previous_units_left_out"]), (&json!(1), &json!(2)));
    assert_eq!((&all["value"], &all["previous"]["value"]), (&json!(9_288_114), &json!(9_005_065)));
}
