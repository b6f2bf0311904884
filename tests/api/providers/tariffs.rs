//! `POST /tariffs/import`
use crate::samples::fresh_id;
use crate::support::{Answer, World, all_at_once};
use serde_json::{Value, json};

async fn import(world: &World, more: Value) -> Answer {
    let mut body = json!({"owner_id": world.org("P1"), "currency": "BIF", "valid_from": "2026-04-01"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post("/tariffs/import").as_("platform_admin").json(body).send().await
}

async fn add_service(world: &World, owner: &str, code: &str) {
    let user = if owner == "P1" { "platform_admin" } else { "mutual_admin" };
    let body = json!({"owner_id": world.org(owner), "code": code, "name": code, "category": "OPD", "kind": "service"});
    world.post("/services").as_(user).json(body).send().await.expect(201);
}

/// Service, facility, effect, old and new price.
type Told = (String, Option<String>, String, Option<i64>, Option<i64>);

fn lines(answer: &Answer) -> Vec<Told> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = answer.body["lines"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            (
                text(&row["service_code"]).unwrap(),
                text(&row["provider_code"]),
                text(&row["effect"]).unwrap(),
                row["old_price_minor"].as_i64(),
                row["new_price_minor"].as_i64(),
            )
        })
        .collect()
}

fn counts(answer: &Answer) -> [i64; 4] {
    ["added", "changed", "same", "errors"].map(|name| answer.body[name].as_i64().unwrap())
}

/// Every price: facility or not, amount, first and last day.
async fn prices(world: &World) -> Vec<(bool, i64, String, Option<String>)> {
    let path = format!("/tariffs?owner_id={}&limit=200", world.org("P1"));
    let all = world.get(&path).as_("platform_admin").send().await.expect(200);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = all.body["items"].as_array().unwrap();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            let own = !row["provider_id"].is_null();
            let from = text(&row["valid_from"]).unwrap();
            (own, row["unit_price_minor"].as_i64().unwrap(), from, text(&row["valid_to"]))
        })
        .collect();
    found.sort();
    found
}

#[actix_web::test]
async fn a_list_shows_what_it_would_do_and_then_does_exactly_that() {
    let world = World::new().await;
    for code in ["DELIVERY", "SCAN"] {
        add_service(&world, "P1", code).await;
    }
    let csv = "\u{feff}service_code;unit_price;provider_code\r\nCONS;6000;\r\nCONS;5500;HC-KAY\r\nDELIVERY;20000;\r\n";
    let tables = ["tariffs", "commands", "audit_rows"];
    let before = tables.map(|table| world.test.count(table));
    let told = import(&world, json!({"csv": csv, "dry_run": true})).await.expect(200);
    assert_eq!(tables.map(|table| world.test.count(table)), before);
    assert_eq!((told.body["dry_run"].clone(), counts(&told)), (json!(true), [2, 1, 0, 0]));
    let kay = Some("HC-KAY".to_owned());
    let new = |code: &str, of: &Option<String>, price| (code.into(), of.clone(), "new".into(), None, Some(price));
    assert_eq!(
        lines(&told),
        [
            ("CONS".into(), None, "changed".into(), Some(5_000), Some(6_000)),
            new("CONS", &kay, 5_500),
            new("DELIVERY", &None, 20_000),
        ]
    );
    assert_eq!((told.text("/closed_on"), &told.body["missing"]), ("2026-03-31".into(), &json!([])));
    let id = fresh_id(&world);
    let done = import(&world, json!({"id": id, "csv": csv})).await.expect(200);
    assert_eq!(done.body["dry_run"], json!(false));
    assert_eq!((lines(&done), counts(&done)), (lines(&told), counts(&told)));
    let expected = [
        (false, 5_000, "2025-01-01".to_owned(), Some("2026-03-31".to_owned())),
        (false, 6_000, "2026-04-01".to_owned(), None),
        (false, 20_000, "2026-04-01".to_owned(), None),
        (true, 5_500, "2026-04-01".to_owned(), None),
    ];
    assert_eq!(prices(&world).await, expected);
    // The same request changes nothing, and the same list under another id finds everything as it is.
    let again = import(&world, json!({"id": id, "csv": csv})).await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), counts(&again)), ("true", [0, 0, 3, 0]));
    let once_more = import(&world, json!({"id": fresh_id(&world), "csv": csv})).await.expect(200);
    assert_eq!((counts(&once_more), &once_more.body["closed_on"]), ([0, 0, 3, 0], &Value::Null));
    assert!(lines(&once_more).iter().all(|(_, _, effect, old, new)| effect == "same" && old == new));
    assert_eq!(prices(&world).await, expected);
    import(&world, json!({"id": id, "csv": "service_code,unit_price\nCONS,1"})).await.refused(
        409,
        "id_reused",
        &[("/id", "id_reused")],
    );
}

#[actix_web::test]
async fn prices_that_a_list_does_not_name_are_told_and_left() {
    let world = World::new().await;
    for code in ["DELIVERY", "SCAN"] {
        add_service(&world, "P1", code).await;
    }
    let all =
        "service_code,unit_price,provider_code\nDELIVERY,20000,\nSCAN,9000,\nSCAN,8000,HC-KAY\nSCAN,7000,HC-GIT\n";
    import(&world, json!({"csv": all})).await.expect(200);
    let before = prices(&world).await;
    let reference = "service_code,unit_price\nDELIVERY,21000\n";
    let told = import(&world, json!({"csv": reference, "valid_from": "2026-05-01", "dry_run": true})).await.expect(200);
    let missing = |code: &str, of: Value, price: i64| json!({"service_code": code, "provider_code": of, "unit_price_minor": price});
    assert_eq!(told.body["missing"], json!([missing("CONS", Value::Null, 5_000), missing("SCAN", Value::Null, 9_000)]));
    let own = "service_code,unit_price,provider_code\nCONS,5500,HC-KAY\n";
    let told = import(&world, json!({"csv": own, "valid_from": "2026-05-01"})).await.expect(200);
    assert_eq!(told.body["missing"], json!([missing("SCAN", json!("HC-KAY"), 8_000)]));
    let mut expected = before;
    expected.push((true, 5_500, "2026-05-01".into(), None));
    expected.sort();
    assert_eq!(prices(&world).await, expected);
}

#[actix_web::test]
async fn nothing_is_written_where_one_line_is_bad() {
    let world = World::new().await;
    add_service(&world, "P1", "SCAN").await;
    add_service(&world, "KAY", "OWN").await;
    let csv = "service_code,unit_price,provider_code\nCONS,6000,\nNOTHING,1,\nSCAN,1,NOWHERE\nSCAN,-1,\nSCAN,1.5,\n\
               ,1,\nSCAN,\nSCAN,9007199254740992,\nCONS,7000,\nSCAN,99999999999999999999,\nOWN,5,\nSCAN,,\n";
    let wrong = [
        ("/csv/3/service_code", "unknown_value"),
        ("/csv/4/provider_code", "unknown_value"),
        ("/csv/5/unit_price", "INVALID_AMOUNT"),
        ("/csv/6/unit_price", "INVALID_MINOR_UNITS"),
        ("/csv/7/service_code", "bad_row"),
        ("/csv/8/", "bad_row"),
        ("/csv/9/unit_price", "amount_too_large"),
        ("/csv/10/service_code", "twice"),
        ("/csv/11/unit_price", "INVALID_AMOUNT"),
        ("/csv/12/service_code", "unknown_value"),
        ("/csv/13/unit_price", "bad_row"),
    ];
    let before = prices(&world).await;
    import(&world, json!({"csv": csv})).await.refused(422, "invalid", &wrong);
    assert_eq!(prices(&world).await, before);
    let told = import(&world, json!({"csv": csv, "dry_run": true})).await.expect(200);
    assert_eq!(counts(&told), [0, 1, 0, 11]);
    let rows = told.body["lines"].as_array().unwrap();
    let faults: Vec<(&str, &str)> = rows
        .iter()
        .flat_map(|row| row["errors"].as_array().unwrap())
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(faults, wrong);
}

#[actix_web::test]
async fn a_version_that_stands_is_never_edited() {
    let world = World::new().await;
    let csv = |price: i64| format!("service_code,unit_price\nCONS,{price}\n");
    import(&world, json!({"csv": csv(6_000)})).await.expect(200);
    let before = prices(&world).await;
    // On the same day, before it, and between.
    for (day, price) in [("2026-04-01", 6_500), ("2024-01-01", 4_000), ("2026-03-01", 5_500)] {
        import(&world, json!({"csv": csv(price), "valid_from": day})).await.refused(
            422,
            "invalid",
            &[("/csv/2/service_code", "period_overlaps")],
        );
        assert_eq!(prices(&world).await, before, "{day}");
    }
    // A price that is in force on the day stays, whatever comes later.
    let same = import(&world, json!({"csv": csv(5_000), "valid_from": "2026-03-01"})).await.expect(200);
    assert_eq!(counts(&same), [0, 0, 1, 0]);
    // After it, the next version.
    let next = import(&world, json!({"csv": csv(6_500), "valid_from": "2026-06-01"})).await.expect(200);
    assert_eq!(counts(&next), [0, 1, 0, 0]);
    assert_eq!(
        prices(&world).await,
        [
            (false, 5_000, "2025-01-01".to_owned(), Some("2026-03-31".to_owned())),
            (false, 6_000, "2026-04-01".to_owned(), Some("2026-05-31".to_owned())),
            (false, 6_500, "2026-06-01".to_owned(), None),
        ]
    );
    let other = import(&world, json!({"csv": csv(7), "valid_from": "2026-07-01", "currency": "XOF"})).await;
    other.refused(422, "invalid", &[("/csv/2/unit_price", "CURRENCY_MISMATCH")]);
}

#[actix_web::test]
async fn a_mutual_prices_the_services_of_the_bodies_above_and_its_own_first() {
    let world = World::new().await;
    add_service(&world, "KAY", "CONS").await;
    add_service(&world, "P1", "SCAN").await;
    let body = json!({
        "owner_id": world.org("KAY"), "currency": "BIF", "valid_from": "2026-04-01",
        "csv": "service_code,unit_price\nCONS,4000\nSCAN,8000\n",
    });
    let done = world.post("/tariffs/import").as_("mutual_admin").json(body.clone()).send().await.expect(200);
    assert_eq!(counts(&done), [2, 0, 0, 0]);
    let own = "tariffs t JOIN services s ON s.id = t.service_id WHERE t.owner_id = s.owner_id AND s.code = 'CONS' \
               AND t.unit_price_minor = 4000";
    assert_eq!(world.test.count(own), 1);
    for (user, status) in
        [("registrar", 403), ("mutual_admin@GIT", 404), ("platform_admin@P2", 404), ("provider_clerk", 403)]
    {
        for dry_run in [true, false] {
            let mut body = body.clone();
            body["dry_run"] = json!(dry_run);
            let answer = world.post("/tariffs/import").as_(user).json(body).send().await;
            assert_eq!(answer.status, status, "{user} {dry_run}: {}", answer.text);
        }
    }
}

#[actix_web::test]
async fn a_file_that_cannot_be_read_is_refused_whole_also_when_tried() {
    let world = World::new().await;
    let long = format!("service_code,unit_price\n{}", "CONS,1\n".repeat(5_001));
    let cases = [
        (json!({"csv": ""}), vec!["/csv"]),
        (json!({"csv": "service_code,unit_price\n"}), vec!["/csv"]),
        (json!({"csv": long}), vec!["/csv"]),
        (json!({"csv": "service_code,price\nCONS,1\n"}), vec!["/csv/1/unit_price", "/csv/1/price"]),
        (json!({"csv": "service_code,unit_price\nCONS,1", "currency": "XXY"}), vec!["/currency"]),
        (json!({"csv": "service_code,unit_price\nCONS,1", "valid_from": "2026-02-30"}), vec!["/valid_from"]),
    ];
    for (body, pointers) in &cases {
        for dry_run in [true, false] {
            let mut body = body.clone();
            body["dry_run"] = json!(dry_run);
            let answer = import(&world, body).await;
            assert_eq!((answer.status, answer.pointers()), (422, pointers.clone()), "{}", answer.text);
        }
    }
    assert_eq!(cases.len(), 6);
}

#[actix_web::test]
async fn of_lists_at_once_one_is_first_and_the_others_see_it() {
    let world = World::new().await;
    add_service(&world, "P1", "SCAN").await;
    let calls: Vec<_> = (0..6)
        .map(|at| {
            let csv = format!("service_code,unit_price\nCONS,{}\nSCAN,{}\n", 6_000 + at, 9_000 + at);
            import(&world, json!({"csv": csv}))
        })
        .collect();
    let answers = all_at_once(calls).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");
    let found = prices(&world).await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], (false, 5_000, "2025-01-01".to_owned(), Some("2026-03-31".to_owned())));
}

#[actix_web::test]
async fn the_largest_list_is_one_command() {
    let world = World::new().await;
    let services: Vec<String> = (0..5_000).map(|at| format!("SERVICE-OF-A-CATALOGUE-{at}")).collect();
    world
        .test
        .db
        .write(ayni::db::Wall::ROOT, |w| {
            for code in &services {
                let row = ayni::providers::model::Service {
                    id: w.new_id(),
                    owner_id: world.org("P1"),
                    code: code.clone(),
                    name: "Service".into(),
                    category: "OPD".into(),
                    kind: ayni::providers::model::ServiceKind::Service,
                    created_at: w.now(),
                    version: 1,
                    sex: None,
                    min_age_years: None,
                    max_age_years: None,
                };
                ayni::providers::store::insert_service(w, &row)?;
            }
            Ok::<_, ayni::error::Error>(())
        })
        .unwrap();
    let list = |price: usize| {
        let rows: Vec<String> = services.iter().map(|code| format!("{code},{price}")).collect();
        format!("service_code,unit_price\n{}\n", rows.join("\n"))
    };
    let commands = world.test.count("commands");
    let done = import(&world, json!({"csv": list(100)})).await.expect(200);
    assert_eq!(counts(&done), [5_000, 0, 0, 0]);
    let done = import(&world, json!({"csv": list(200), "valid_from": "2026-05-01"})).await.expect(200);
    assert_eq!(counts(&done), [0, 5_000, 0, 0]);
    assert_eq!(world.test.count("commands"), commands + 2);
    assert_eq!(world.test.count("tariffs WHERE valid_to = '2026-04-30'"), 5_000);
}
