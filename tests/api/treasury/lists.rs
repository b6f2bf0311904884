//! Arrears, statements, receipts, contributions as of a day, refusals overtaken.
use crate::support::World;
use crate::support::register::bands;
use serde_json::{Value, json};

#[actix_web::test]
async fn who_is_behind_is_listed_by_age_with_phones() {
    let world = World::new().await;
    let mut monthly = bands();
    monthly["contribution"] = json!({"kind": "per_person_month", "amount": 500});
    monthly["registration_fee"] = json!(0);
    let product = world.product("mutual_admin", "KAY", "MONTH", monthly).await;
    let mut homes = Vec::new();
    for section in ["KAY-S1", "KAY-S2"] {
        let home = world.home(Some(section), "STANDARD", 1).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
        homes.push(home);
    }
    world.payment(&homes[1], 500, "2026-03-10").await.expect(201);
    // On the day itself nothing is behind; a day later it is.
    assert_eq!(world.read("/arrears?on=2026-03-01").await["items"].as_array().unwrap().len(), 0);
    let rows = world.read("/arrears?on=2026-06-10").await["items"].as_array().unwrap().clone();
    let ages = |row: &Value| {
        ["days_1_30_minor", "days_31_90_minor", "over_90_days_minor", "total_minor"]
            .map(|name| row[name].as_i64().unwrap())
    };
    let of = |home: &String| rows.iter().find(|row| row["household_id"] == *home).unwrap();
    assert_eq!((rows.len(), ages(of(&homes[0]))), (2, [500, 1_000, 500, 2_000]));
    assert_eq!(ages(of(&homes[1])), [500, 1_000, 0, 1_500]);
    assert_eq!(of(&homes[0])["oldest_due_on"], "2026-03-01");
    assert!(of(&homes[0])["principal"].as_str().is_some_and(|name| !name.is_empty()));
    let old = world.read("/arrears?on=2026-06-10&age=over-90").await["items"].as_array().unwrap().clone();
    assert_eq!((old.len(), old[0]["household_id"].as_str()), (1, Some(homes[0].as_str())));
    // A collector sees his section, and calls from a table.
    let path = format!("{}/arrears?on=2026-06-10", world.mutual("KAY"));
    assert_eq!(world.items("field_agent", &path).await.len(), 1);
    let csv = world.get(&path).as_("treasurer").header("Accept", "text/csv").send().await.expect(200);
    assert_eq!(csv.text.lines().count(), 3);
    let first = world.read("/arrears?on=2026-06-10&limit=1").await;
    let next = first["next_cursor"].as_str().unwrap();
    let second = world.read(&format!("/arrears?on=2026-06-10&limit=1&cursor={next}")).await;
    assert_ne!(first["items"][0]["household_id"], second["items"][0]["household_id"]);
    world.each("GET", &path, None, &[("registrar", 403), ("treasurer@GIT", 404)]).await;
    // What is earned follows from the days: 10 of 365 of 6,000 a year, for each of two.
    let now = world.read("/contributions?on=2026-03-10").await;
    assert_eq!(now["written_minor"], 12_000);
    assert_eq!(now["earned_minor"], 2 * 164);
    assert_eq!(now["unearned_minor"], 12_000 - 2 * 164);
    assert_eq!(now["owed"][0]["due_minor"], 1_000);
    assert_eq!(now["owed"][0]["outstanding_minor"], 500);
    assert_eq!(world.read("/contributions?on=2027-02-28").await["unearned_minor"], 0);
    assert_eq!(world.read("/contributions?on=2026-02-28").await["written_minor"], 0);
}

#[actix_web::test]
async fn an_end_that_comes_later_leaves_what_was_earned_by_a_day() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let enrolment = world.enrolled(&home, &product, "2026-03-01").await;
    world.payment(&home, 31_000, "2026-03-10").await.expect(201);
    let march = world.read("/contributions?on=2026-03-10").await;
    assert!(march["earned_minor"].as_i64().unwrap() > 0);
    world.test.clock.set(chrono::TimeZone::with_ymd_and_hms(&chrono::Utc, 2026, 6, 10, 12, 0, 0).unwrap());
    let path = format!("/enrolments/{enrolment}/end");
    world.give_in("mutual_admin", &path, 2, json!({"reason": "Moved away"})).await.expect(200);
    assert_eq!(world.read("/contributions?on=2026-03-10").await["earned_minor"], march["earned_minor"]);
    assert_eq!(world.read("/contributions?on=2026-06-10").await["unearned_minor"], 0);
}

#[actix_web::test]
async fn a_statement_closes_and_a_receipt_is_printed() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let paid = world.payment(&home, 20_000, "2026-03-05").await.expect(201);
    let path = format!("/households/{home}/statement");
    let seen = world.read(&format!("{path}?from=2026-03-02&to=2026-03-10")).await;
    let lines: Vec<(&str, i64, i64)> = seen["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let number = |name: &str| line[name].as_i64().unwrap();
            (line["kind"].as_str().unwrap(), number("amount_minor"), number("balance_minor"))
        })
        .collect();
    assert_eq!((seen["opening_minor"].as_i64(), lines), (Some(31_000), vec![("PAYMENT", -20_000, 11_000)]));
    assert_eq!((seen["closing_minor"].as_i64(), seen["open_minor"].as_i64()), (Some(11_000), Some(11_000)));
    assert_eq!(seen["lines"][0]["receipt_number"], "C1-2026-000001");
    let full = format!("{}{path}", world.mutual("KAY"));
    let backwards = format!("{full}?from=2026-03-02&to=2026-03-01");
    world.get(&backwards).as_("treasurer").send().await.refused(422, "impossible_date", &[("from", "impossible_date")]);
    world.each("GET", &full, None, &[("field_agent", 200), ("registrar", 403), ("treasurer@GIT", 404)]).await;
    let receipt = format!("{}/receipts/{}", world.mutual("KAY"), paid.text("/receipt_id"));
    let shown = world.get(&receipt).as_("field_agent").send().await.expect(200);
    assert_eq!((shown.body["kind"].as_str(), shown.body["amount_minor"].as_i64()), (Some("PAYMENT"), Some(20_000)));
    assert_eq!(shown.body["lines"].as_array().unwrap().len(), 2);
    for path in [format!("{receipt}?paper=80mm&lang=fr"), format!("{receipt}?paper=a4"), full] {
        let pdf = world.get(&path).as_("treasurer").header("Accept", "application/pdf").send().await.expect(200);
        assert!(pdf.text.starts_with("%PDF-1."), "{path}");
    }
    // Its counter-receipt.
    let asked = world
        .give("treasurer", &format!("/payments/{}/reversal", paid.text("/id")), json!({"reason": "a bad note"}))
        .await
        .expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    let payment = world.read(&format!("/payments/{}", paid.text("/id"))).await;
    let counter = world.read(&format!("/receipts/{}", payment["reversal"]["receipt_id"].as_str().unwrap())).await;
    assert_eq!((counter["kind"].as_str(), counter["amount_minor"].as_i64()), (Some("REVERSAL"), Some(-20_000)));
    assert_eq!(counter["reverses"], "C1-2026-000001");
    let series = world.read("/receipt-series").await;
    assert_eq!(
        (series["items"][0]["label"].as_str(), series["items"][0]["receipts"].as_i64()),
        (Some("C1-2026"), Some(2))
    );
    assert!(series["items"][0]["gaps"].as_array().unwrap().is_empty());
    world.adds_up();
}

#[actix_web::test]
async fn a_refusal_that_a_late_payment_overtakes_is_listed_and_left_alone() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let made = world.home(None, "STANDARD", 1).await;
    let (home, member) = (made.text("/id"), made.text("/members/0/id"));
    world.enrolled(&home, &product, "2026-03-01").await;
    let claim = world.claim(&member, "F1", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    assert_eq!(claim.body["claim_reason"], "NO_COVERAGE");
    let path = format!("{}/claims/overtaken", world.mutual("KAY"));
    assert!(world.items("claims_officer", &path).await.is_empty());
    // Paid later on the same day: on that day the family was covered.
    world.payment(&home, 31_000, "2026-03-10").await.expect(201);
    let rows = world.items("claims_officer", &path).await;
    assert_eq!((rows.len(), rows[0]["claim_id"].as_str()), (1, claim.body["id"].as_str()));
    assert_eq!(rows[0]["covered_from"], "2026-03-10");
    let seen = world.get(&format!("{}/claims/{}", world.mutual("KAY"), claim.text("/id")));
    assert_eq!(seen.as_("claims_officer").send().await.expect(200).body["outcome"], "rejected");
}
