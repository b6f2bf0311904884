//! `/mutuals/{m}/periods`: closing a month, correcting it, opening it again, and what bodies above see meanwhile.
use crate::support::World;
use crate::support::care::with_ceilings;
use ayni::access::scopes::FigureScope;
use ayni::reports::facts::service as facts;
use ayni::reports::releases::service as releases;
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

/// KAY on 2 April, with a household in force since 10 March.
async fn april() -> (World, String) {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    for _ in 0..2 {
        world.covered(&product, 6, 2_000).await;
    }
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    on(&world, 4, 2);
    (world, home)
}

fn on(world: &World, month: u32, day: u32) {
    world.test.clock.set(Utc.with_ymd_and_hms(2026, month, day, 8, 0, 0).unwrap());
}

async fn close(world: &World, despite: Value) -> crate::support::Answer {
    world.give("treasurer", "/periods/2026-03/close", json!({"despite": despite})).await
}

async fn period(world: &World) -> Value {
    let ask = world.get(&format!("{}/periods/2026-03", world.mutual("KAY"))).as_("treasurer");
    ask.send().await.expect(200).body
}

/// What the platform sees of KAY's March.
async fn seen(world: &World, id: &str) -> (Value, Value) {
    let path = format!("/organisations/{}/reports/indicators?period=2026-03&indicator={id}", world.org("KAY"));
    let answer = world.get(&path).as_("platform_analyst").send().await.expect(200);
    (answer.body["totals"][0]["figures"][0]["value"].clone(), answer.body["units"][0]["months"]["2026-03"].clone())
}

#[actix_web::test]
async fn a_month_is_closed_from_the_second_day_after_it_and_once() {
    let (world, _) = april().await;
    on(&world, 3, 31);
    close(&world, json!([])).await.refused(422, "month_not_over", &[]);
    assert_eq!(period(&world).await["state"], "RUNNING");
    on(&world, 4, 1);
    close(&world, json!([])).await.refused(422, "month_not_over", &[]);
    let before = period(&world).await;
    assert_eq!(
        (&before["state"], &before["closes_from"], &before["release"]),
        (&json!("OPEN"), &json!("2026-04-02"), &Value::Null)
    );
    on(&world, 4, 2);
    assert_eq!(seen(&world, "households").await, (Value::Null, json!("missing")));
    let closed = close(&world, json!(["cash_not_counted"])).await.expect(200);
    assert_eq!((closed.text("/state").as_str(), closed.text("/release/basis").as_str()), ("CLOSED", "closed"));
    assert_eq!((&closed.body["differs"], &closed.body["steps"][0]["kind"]), (&json!(false), &json!("CLOSED")));
    assert_eq!(seen(&world, "households").await, (json!(2), json!("closed")));
    close(&world, json!([])).await.refused(409, "month_closed", &[]);
    let path = "/periods/2026-03/close";
    world.give("registrar", path, json!({})).await.refused(403, "forbidden", &[]);
    world.give("treasurer", "/periods/2026-13/close", json!({})).await.expect(404);
    world.give("treasurer", "/periods/2026-02/close", json!({})).await.expect(404);
    world.give("treasurer", "/periods/2026-05/close", json!({})).await.expect(404);
    let list =
        world.get(&format!("{}/periods?year=2026", world.mutual("KAY"))).as_("treasurer").send().await.expect(200);
    let states: Vec<(&str, &str)> = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["period"].as_str().unwrap(), item["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("2026-03", "CLOSED"), ("2026-04", "RUNNING")]);
}

#[actix_web::test]
async fn what_is_open_is_named_before_a_month_is_closed() {
    let (world, _) = april().await;
    on(&world, 3, 20);
    let telling = "transaction_id,date,amount,currency,account_ref\nT1,2026-03-20,700,BIF,nobody\n";
    let file = json!({"provider": "LUMICASH", "csv": telling});
    world.give("treasurer", "/mobile-money/statements", file).await.expect(200);
    on(&world, 4, 2);
    let open = period(&world).await["open"].clone();
    assert_eq!(
        open,
        json!([
            {"item": "money_unallocated", "number": 1, "amount_minor": 700},
            {"item": "cash_not_counted", "number": 1, "amount_minor": 0},
        ])
    );
    let both = [("/despite", "money_unallocated"), ("/despite", "cash_not_counted")];
    close(&world, json!([])).await.refused(409, "month_not_ready", &both);
    close(&world, json!(["claims_pending", "cash_not_counted"])).await.refused(409, "month_not_ready", &both[..1]);
    close(&world, json!(["nothing"])).await.expect(422);
    let closed = close(&world, json!(["money_unallocated", "claims_pending", "cash_not_counted"])).await.expect(200);
    assert_eq!(closed.body["steps"][0]["despite"], json!(["money_unallocated", "cash_not_counted"]));
}

#[actix_web::test]
async fn what_comes_late_is_a_correction_and_opening_again_takes_two() {
    let (world, home) = april().await;
    let correct = || world.give("treasurer", "/periods/2026-03/corrections", json!({"reason": "a receipt was found"}));
    correct().await.refused(409, "month_not_closed", &[]);
    world.give("treasurer", "/periods/2026-03/reopen", json!({"reason": "x"})).await.refused(
        409,
        "month_not_closed",
        &[],
    );
    close(&world, json!(["cash_not_counted"])).await.expect(200);
    let (before, _) = seen(&world, "collected_minor").await;
    correct().await.refused(409, "nothing_to_correct", &[]);
    world.payment(&home, 1_234, "2026-03-30").await.expect(201);
    assert_eq!(period(&world).await["differs"], true);
    assert_eq!(
        seen(&world, "collected_minor").await,
        (before.clone(), json!("closed")),
        "the same question, the same answer"
    );
    let corrected = correct().await.expect(200);
    assert_eq!((&corrected.body["differs"], &corrected.body["release"]["number"]), (&json!(false), &json!(2)));
    let after = before.as_i64().unwrap() + 1_234;
    assert_eq!(seen(&world, "collected_minor").await, (json!(after), json!("correction")));
    // A second person opens it again; bodies go on seeing what was released.
    let asked = world.give("treasurer", "/periods/2026-03/reopen", json!({"reason": "the cash book was lost"})).await;
    let id = asked.expect(201).text("/approval_id");
    world.approve(&id, "treasurer").await.refused(403, "same_person", &[]);
    world.approve(&id, "mutual_admin").await.expect(200);
    let opened = period(&world).await;
    assert_eq!((&opened["state"], &opened["steps"][2]["kind"]), (&json!("OPEN"), &json!("REOPENED")));
    assert_eq!(seen(&world, "collected_minor").await.0, json!(after));
    world.payment(&home, 6, "2026-03-30").await.expect(201);
    close(&world, json!(["cash_not_counted"])).await.expect(200);
    assert_eq!(seen(&world, "collected_minor").await, (json!(after + 6), json!("closed")));
    let releases =
        world.get(&format!("{}/periods/2026-03/releases", world.mutual("KAY"))).as_("treasurer").send().await;
    let releases = releases.expect(200);
    let bases: Vec<&Value> = releases.body["items"].as_array().unwrap().iter().map(|item| &item["basis"]).collect();
    assert_eq!(bases, ["closed", "correction", "closed"]);
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}

#[actix_web::test]
async fn a_month_that_is_over_is_released_provisionally_once_a_day() {
    let (world, home) = april().await;
    let keep_up = |world: &World| {
        let figures = FigureScope::of(&world.scope("KAY"));
        while releases::keep_up(&world.test.db, &figures, world.scope("KAY").today()).unwrap() {}
    };
    on(&world, 3, 31);
    keep_up(&world);
    on(&world, 4, 1);
    keep_up(&world);
    let first = seen(&world, "collected_minor").await;
    assert_eq!(first.1, "provisional");
    world.payment(&home, 500, "2026-03-30").await.expect(201);
    keep_up(&world);
    assert_eq!(seen(&world, "collected_minor").await, first, "at most once a day");
    on(&world, 4, 2);
    keep_up(&world);
    let second = seen(&world, "collected_minor").await;
    assert_eq!(second, (json!(first.0.as_i64().unwrap() + 500), json!("provisional")));
    on(&world, 4, 3);
    keep_up(&world);
    let releases =
        world.get(&format!("{}/periods/2026-03/releases", world.mutual("KAY"))).as_("treasurer").send().await;
    assert_eq!(releases.expect(200).body["items"].as_array().unwrap().len(), 2, "the same figures are released once");
    // Marks are kept short.
    assert_eq!(
        world.test.count(
            "fact_marks WHERE month < '2026-04-01' AND mutual_id IN (SELECT id FROM organisations WHERE code = 'KAY')"
        ),
        0
    );
    close(&world, json!(["cash_not_counted"])).await.expect(200);
    keep_up(&world);
    assert_eq!(seen(&world, "collected_minor").await.1, "closed");
    let figures = FigureScope::of(&world.scope("KAY"));
    let as_of = releases::as_of(&world.test.db, world.scope("KAY").today()).unwrap();
    let span = ("2026-03-01".parse().unwrap(), "2026-04-01".parse().unwrap());
    assert_eq!(facts::months(&world.test.db, &figures, span, &as_of).unwrap().len(), 2);
}

#[actix_web::test]
async fn a_month_with_a_remittance_on_its_way_and_a_claim_that_waits_is_not_ready() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let member = world.covered(&product, 6, 2_000).await.members[0].clone();
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let visit = [("CONS", 1, 5_000)];
    world.claim(&member, "K-1", "2026-03-10", &visit).await;
    // Of one person and one day as well: it may be the first one once more, and a person has to look at it.
    let waits = world.claim(&member, "K-2", "2026-03-10", &visit).await;
    assert_eq!(waits.text("/state"), "PENDED");
    world.collected(&home, 900).await.expect(201);
    let hand = |amount: i64| json!({"declared_minor": amount, "currency": "BIF"});
    let sent = world.give("field_agent", "/remittances", hand(600)).await.expect(201);
    on(&world, 4, 2);
    // What is submitted in April is not of March.
    world.give("field_agent", "/remittances", hand(300)).await.expect(201);
    assert_eq!(world.claim(&member, "K-3", "2026-03-10", &visit).await.text("/state"), "PENDED");
    assert_eq!(
        period(&world).await["open"],
        json!([
            {"item": "remittances_not_counted", "number": 1, "amount_minor": 600},
            {"item": "claims_pending", "number": 1, "amount_minor": 5_000},
            {"item": "cash_not_counted", "number": 1, "amount_minor": 0},
        ])
    );
    let (remittances, claims) = (("/despite", "remittances_not_counted"), ("/despite", "claims_pending"));
    let all = [remittances, claims, ("/despite", "cash_not_counted")];
    close(&world, json!([])).await.refused(409, "month_not_ready", &all);
    close(&world, json!(["cash_not_counted"])).await.refused(409, "month_not_ready", &[remittances, claims]);
    for (granted, left) in [(remittances, claims), (claims, remittances)] {
        let despite = json!(["cash_not_counted", granted.1]);
        close(&world, despite).await.refused(409, "month_not_ready", &[left]);
    }
    let still = period(&world).await;
    assert_eq!((&still["state"], &still["steps"], &still["release"]), (&json!("OPEN"), &json!([]), &Value::Null));
    // Counted, the remittance of March is on its way no more; that of April never stood in the way of March.
    let count = format!("/remittances/{}/count", sent.text("/id"));
    world.give_in("treasurer", &count, 1, json!({"counted_minor": 600})).await.expect(200);
    let closed = close(&world, json!(["cash_not_counted", "claims_pending"])).await.expect(200);
    assert_eq!(closed.body["steps"].as_array().unwrap().len(), 1);
    assert_eq!(closed.body["steps"][0]["despite"], json!(["claims_pending", "cash_not_counted"]));
}

#[actix_web::test]
async fn who_closed_corrected_and_opened_a_month_again_and_why_is_kept() {
    let (world, home) = april().await;
    close(&world, json!(["cash_not_counted"])).await.expect(200);
    world.payment(&home, 1_234, "2026-03-30").await.expect(201);
    on(&world, 4, 7);
    let why = json!({"reason": "a receipt was found"});
    world.give("mutual_admin", "/periods/2026-03/corrections", why).await.expect(200);
    on(&world, 4, 9);
    let why = json!({"reason": "the cash book was lost"});
    let asked = world.give("treasurer", "/periods/2026-03/reopen", why).await.expect(201).text("/approval_id");
    on(&world, 4, 10);
    let approved = world.approve(&asked, "mutual_admin").await.expect(200);
    assert_eq!(approved.body["request"]["reason"], "the cash book was lost");
    let (treasurer, admin) = (json!(world.users["treasurer"]), json!(world.users["mutual_admin"]));
    assert_eq!((&approved.body["requested_by"], &approved.body["decided_by"]), (&treasurer, &admin));
    // Read by somebody who had no part in it.
    let path = format!("{}/periods/2026-03", world.mutual("KAY"));
    let shown = world.get(&path).as_("auditor").send().await.expect(200);
    let steps: Vec<Value> = shown.body["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            assert!(step["recorded_at"].is_string(), "{step}");
            let names = ["kind", "despite", "reason", "recorded_on", "requested_by", "recorded_by"];
            json!(names.map(|name| step[name].clone()))
        })
        .collect();
    assert_eq!(
        steps,
        [
            json!(["CLOSED", ["cash_not_counted"], null, "2026-04-02", null, treasurer]),
            json!(["CORRECTED", [], "a receipt was found", "2026-04-07", null, admin]),
            json!(["REOPENED", [], "the cash book was lost", "2026-04-10", treasurer, admin]),
        ]
    );
    // The reason of a correction goes up with what was released.
    let releases = world.get(&format!("{path}/releases")).as_("auditor").send().await.expect(200);
    let mut notes: Vec<(&str, &Value)> = releases.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["basis"].as_str().unwrap(), &item["note"]))
        .collect();
    notes.sort_by_key(|(basis, _)| *basis);
    assert_eq!(notes, [("closed", &Value::Null), ("correction", &json!("a receipt was found"))]);
}

/// What P1 is told of March, by a server that has told of it before and by one that has just begun.
async fn told(world: &mut World) -> Value {
    let path = format!("/organisations/{}/reports/dashboard?period=2026-03&compare=previous", world.org("P1"));
    let before = world.get(&path).as_("platform_analyst").send().await.expect(200).body;
    world.restart().await;
    let anew = world.get(&path).as_("platform_analyst").send().await.expect(200).body;
    assert_eq!(before, anew);
    let kay = before["units"].as_array().unwrap().iter().find(|unit| unit["code"] == "KAY").unwrap();
    kay.clone()
}

/// A server keeps what it has read of releases: which of them stand, and when a month was first reported, is not of yesterday.
#[actix_web::test]
async fn what_was_read_before_is_told_as_it_stands() {
    let (mut world, home) = april().await;
    let state = |kay: &Value| (kay["reported"].clone(), kay["months"]["2026-03"].clone());
    assert_eq!(state(&told(&mut world).await), (json!("missing"), json!("missing")));
    let figures = FigureScope::of(&world.scope("KAY"));
    while releases::keep_up(&world.test.db, &figures, world.scope("KAY").today()).unwrap() {}
    assert_eq!(state(&told(&mut world).await), (json!("provisional"), json!("provisional")));
    close(&world, json!(["cash_not_counted"])).await.expect(200);
    let closed = told(&mut world).await;
    assert_eq!(state(&closed), (json!("in_time"), json!("closed")));
    world.payment(&home, 1_234, "2026-03-30").await.expect(201);
    assert_eq!(told(&mut world).await, closed);
    // Long after the month was due: it had been reported in time.
    on(&world, 6, 20);
    let reason = json!({"reason": "a receipt was found"});
    world.give("treasurer", "/periods/2026-03/corrections", reason).await.expect(200);
    let corrected = told(&mut world).await;
    assert_eq!(state(&corrected), (json!("in_time"), json!("correction")));
    assert_ne!(corrected["figures"], closed["figures"]);
}
