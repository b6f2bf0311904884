//! `GET /organisations/{id}/reports/month`
use crate::support::World;
use crate::support::care::with_ceilings;
use serde_json::{Value, json};

/// KAY (BIF) with two households and four claims, SEN (XOF) with one household, GIT with nothing; all in March 2026.
async fn world() -> World {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 3, 2_000).await;
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
    // Senegal.
    let mut parameters = with_ceilings(60_000, 90_000);
    parameters["currency"] = json!("XOF");
    let product = world.product("mutual_admin@SEN", "SEN", "CARE", parameters).await;
    let household = world.home_of("SEN", None, "STANDARD", 2).await.text("/id");
    let sen = world.mutual("SEN");
    let ask = async |path: &str, body: Value| {
        let ask = world.post(&format!("{sen}{path}")).as_("mutual_admin@SEN").header("If-Match", "\"v1\"").json(body);
        let answer = ask.send().await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer
    };
    let application = json!({"household_id": household, "product_id": product, "starts_on": "2026-03-01"});
    let enrolment = ask("/enrolments", application).await.text("/id");
    ask(&format!("/enrolments/{enrolment}/admit"), json!({})).await;
    let id: ayni::ids::PaymentId = world.test.db.ids().next();
    let payment = json!({"id": id, "household_id": household, "amount_minor": 31_000, "currency": "XOF",
        "method": "cash", "received_on": "2026-03-10"});
    ask("/payments", payment).await;
    world
}

fn ratio(numerator: i64, denominator: i64, value: Option<i64>) -> Value {
    json!({"numerator_minor": numerator, "denominator_minor": denominator, "value_bp": value})
}

/// By hand: 2 × (30,000 + 1,000) due, 33,000 and 15,000 received, of which 2,000 is credit and 2 × 1,000 fees; K-1 gives
/// 4,000, K-2 two at the tariff of 5,000 and so 8,000, its double nothing, K-3 waits.
fn kay() -> Value {
    json!({
        "households": 1, "principals": 1, "beneficiaries_in_force": 3, "dues_minor": 60_000, "fees_minor": 2_000,
        "collected_minor": 48_000, "claims_submitted": 4, "claims_approved": 1, "claims_partially_approved": 1,
        "claims_rejected": 1, "paid_minor": 4_000, "claims_ratio": ratio(12_000, 60_000, Some(2_000)),
        "collection_rate": ratio(44_000, 60_000, Some(7_333)),
    })
}

fn sen() -> Value {
    json!({
        "households": 1, "principals": 1, "beneficiaries_in_force": 2, "dues_minor": 30_000, "fees_minor": 1_000,
        "collected_minor": 31_000, "claims_submitted": 0, "claims_approved": 0, "claims_partially_approved": 0,
        "claims_rejected": 0, "paid_minor": 0, "claims_ratio": ratio(0, 30_000, Some(0)),
        "collection_rate": ratio(30_000, 30_000, Some(10_000)),
    })
}

fn nothing() -> Value {
    json!({
        "households": 0, "principals": 0, "beneficiaries_in_force": 0, "dues_minor": 0, "fees_minor": 0,
        "collected_minor": 0, "claims_submitted": 0, "claims_approved": 0, "claims_partially_approved": 0,
        "claims_rejected": 0, "paid_minor": 0, "claims_ratio": ratio(0, 0, None), "collection_rate": ratio(0, 0, None),
    })
}

fn path(world: &World, place: &str, period: &str) -> String {
    format!("/organisations/{}/reports/month?period={period}", world.org(place))
}

/// The mutuals' codes and currencies with their figures, and the totals by currency.
type Month<'v> = (Vec<(&'v str, &'v str, &'v Value)>, Vec<(&'v str, &'v Value)>);

fn read(body: &Value) -> Month<'_> {
    let rows = |name: &str| body[name].as_array().unwrap().iter();
    (
        rows("mutuals")
            .map(|row| (row["code"].as_str().unwrap(), row["currency"].as_str().unwrap(), &row["figures"]))
            .collect(),
        rows("totals").map(|row| (row["currency"].as_str().unwrap(), &row["figures"])).collect(),
    )
}

#[actix_web::test]
async fn a_month_is_what_the_rows_give_by_hand() {
    let world = world().await;
    let answer = world.get(&path(&world, "NET", "2026-03")).as_("network_analyst").send().await.expect(200);
    let (mutuals, totals) = read(&answer.body);
    assert_eq!(mutuals, [("GIT", "BIF", &nothing()), ("KAY", "BIF", &kay()), ("SEN", "XOF", &sen())]);
    assert_eq!(totals, [("BIF", &kay()), ("XOF", &sen())], "currencies are never added");
    assert_eq!(answer.body["completeness"], json!({"expected": 3, "reported": 3, "late": 0, "missing": 0}));
    assert_eq!((answer.text("/basis"), answer.text("/period")), ("live".into(), "2026-03".into()));
    assert_eq!((answer.text("/stock_on"), answer.text("/as_of")), ("2026-03-10".into(), "2026-03-10T12:00:00Z".into()));
    // Before it all began, and after it: stocks of the last day, flows of the month.
    let before = world.get(&path(&world, "KAY", "2026-02")).as_("mutual_admin").send().await.expect(200);
    assert_eq!(read(&before.body), (vec![("KAY", "BIF", &nothing())], vec![("BIF", &nothing())]));
    assert_eq!(before.text("/stock_on"), "2026-02-28");
    // The mutuals were linked in March: none stood below the network then.
    let before = world.get(&path(&world, "NET", "2026-02")).as_("network_analyst").send().await.expect(200);
    assert_eq!(read(&before.body), (Vec::new(), Vec::new()));
    world.test.clock.set(chrono::TimeZone::with_ymd_and_hms(&chrono::Utc, 2026, 4, 20, 12, 0, 0).unwrap());
    let after = world.get(&path(&world, "P1", "2026-04")).as_("platform_analyst").send().await.expect(200);
    let (mutuals, _) = read(&after.body);
    let figures = mutuals[1].2;
    assert_eq!((&figures["households"], &figures["beneficiaries_in_force"]), (&json!(1), &json!(3)));
    assert_eq!((&figures["dues_minor"], &figures["claims_submitted"]), (&json!(0), &json!(0)));
    assert_eq!(figures["claims_ratio"], ratio(0, 0, None), "no ratio over nothing");
}

#[actix_web::test]
async fn each_sees_the_mutuals_below_him_and_a_mutual_itself() {
    let world = world().await;
    let codes = async |place: &str, user: &str| {
        let answer = world.get(&path(&world, place, "2026-03")).as_(user).send().await.expect(200);
        let (mutuals, totals) = read(&answer.body);
        let codes: Vec<String> = mutuals.iter().map(|(code, ..)| (*code).to_owned()).collect();
        (codes, totals.iter().map(|(currency, _)| (*currency).to_owned()).collect::<Vec<_>>())
    };
    let text = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    for user in ["platform_admin", "platform_analyst", "body_auditor"] {
        assert_eq!(codes("P1", user).await, (text(&["GIT", "KAY"]), text(&["BIF"])), "{user}");
    }
    assert_eq!(codes("P2", "platform_admin@P2").await, (text(&["SEN"]), text(&["XOF"])));
    assert_eq!(codes("P1", "network_analyst").await, (text(&["GIT", "KAY"]), text(&["BIF"])));
    for user in ["mutual_admin", "treasurer", "auditor", "platform_analyst"] {
        assert_eq!(codes("KAY", user).await, (text(&["KAY"]), text(&["BIF"])), "{user}");
    }
    let own = world.get(&path(&world, "KAY", "2026-03")).as_("mutual_admin").send().await.expect(200);
    assert_eq!(read(&own.body).0, [("KAY", "BIF", &kay())]);
    for (place, user, status) in [
        ("P2", "platform_analyst", 404),
        ("SEN", "platform_admin", 404),
        ("NET", "platform_admin", 404),
        ("P1", "mutual_admin", 404),
        ("GIT", "mutual_admin", 404),
        ("KAY", "registrar", 403),
        ("KAY", "claims_officer", 403),
        ("NET", "system_admin", 403),
        ("KAY", "provider_clerk", 404),
    ] {
        let answer = world.get(&path(&world, place, "2026-03")).as_(user).send().await;
        assert_eq!(answer.status, status, "{place} as {user}: {}", answer.text);
    }
}

#[actix_web::test]
async fn the_table_is_the_answer() {
    let world = world().await;
    let ask = |accept: &'static str| {
        let path = path(&world, "NET", "2026-03");
        let ask = world.get(&path).as_("network_analyst").header("Accept", accept);
        async move { ask.send().await }
    };
    let body = ask("application/json").await.expect(200).body;
    let answer = ask("text/csv").await.expect(200);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut expected: Vec<(&str, Value, Value, Value, &Value)> = Vec::new();
    for row in body["mutuals"].as_array().unwrap() {
        let [code, name, currency] = ["code", "name", "currency"].map(|name| row[name].clone());
        expected.push(("mutual", code, name, currency, &row["figures"]));
    }
    for row in body["totals"].as_array().unwrap() {
        expected.push(("total", json!(""), json!(""), row["currency"].clone(), &row["figures"]));
    }
    assert_eq!(lines.len(), expected.len());
    for (line, (row, code, name, currency, figures)) in lines.iter().zip(expected) {
        for (column, value) in header.iter().zip(line) {
            let told = match column {
                "row" => json!(row),
                "mutual_code" => code.clone(),
                "mutual_name" => name.clone(),
                "currency" => currency.clone(),
                "period" | "basis" | "definition_version" => body[column].clone(),
                "as_of" => {
                    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
                    assert_eq!(instant(value), instant(body["as_of"].as_str().unwrap()));
                    continue;
                }
                "expected" | "reported" => body["completeness"][column].clone(),
                _ => {
                    let ratio = ["claims_ratio", "collection_rate"].into_iter().find(|ratio| column.starts_with(ratio));
                    match ratio {
                        None => figures[column].clone(),
                        Some(ratio) => {
                            let part = column.strip_prefix(ratio).unwrap().trim_start_matches('_');
                            figures[ratio][if part == "bp" { "value_bp" } else { part }].clone()
                        }
                    }
                }
            };
            let told = match told {
                Value::String(text) => text,
                Value::Null => {
                    assert!(column.ends_with("_bp"), "{column} is not in the answer");
                    String::new()
                }
                other => other.to_string(),
            };
            assert_eq!(value, told, "{column} of {row} {code}");
        }
    }
    for (accept, status) in [
        ("*/*", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/csv;q=0.9", 200),
        ("text/html", 406),
        ("application/pdf", 406),
    ] {
        assert_eq!(ask(accept).await.status, status, "{accept}");
    }
    assert_eq!(ask("text/html").await.code(), "not_acceptable");
}

#[actix_web::test]
async fn a_period_is_a_month_that_has_begun() {
    let world = World::new().await;
    let ask = async |period: &str| world.get(&path(&world, "KAY", period)).as_("mutual_admin").send().await;
    let future = ask("2026-04").await.expect(422);
    assert_eq!((future.code(), future.pointers()), ("future_date", vec!["period"]));
    for period in
        ["2026-3", "2026-13", "2026-00", "03-2026", "2026", "2026Q1", "2026-03-01", "", "20%2026-3", "999999-1"]
    {
        let answer = ask(period).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec!["period"]), "{period}: {}", answer.text);
    }
    for period in ["2026-03", "2024-02", "0001-01"] {
        ask(period).await.expect(200);
    }
    let path = format!("/organisations/{}/reports/month", world.org("KAY"));
    assert_eq!(world.get(&path).as_("mutual_admin").send().await.status, 422, "the period is needed");
}

/// Every key of an answer, at any depth.
fn keys<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key);
                keys(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn no_person_is_in_a_report() {
    let world = world().await;
    for (place, user) in [("NET", "network_analyst"), ("P1", "platform_admin"), ("KAY", "mutual_admin")] {
        for accept in ["application/json", "text/csv"] {
            let path = path(&world, place, "2026-03");
            let answer = world.get(&path).as_(user).header("Accept", accept).send().await.expect(200);
            let mut found = Vec::new();
            keys(&answer.body, &mut found);
            for word in ["members", "member_id", "household_id", "card_number", "family_name", "phone"] {
                assert!(!found.contains(&word) && !answer.text.contains(word), "{word} in {}", answer.text);
            }
            for person in ["Ndayizeye", "Aline", "H000001", "J06.9", "K-1"] {
                assert!(!answer.text.contains(person), "{person} in {}", answer.text);
            }
        }
    }
}
