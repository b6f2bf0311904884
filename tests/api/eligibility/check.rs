//! `POST /eligibility`
use crate::support::register::{bands, per_person, person};
use crate::support::{Answer, World};
use ayni::households::rules::card_number;
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};

type Told = (String, Option<String>, Option<String>);

fn told(answer: &Value) -> Told {
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    (text("status").unwrap(), text("since"), text("until"))
}

fn says(status: &str, since: &str, until: &str) -> Told {
    let day = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (status.into(), day(since), day(until))
}

fn benefit(answer: &Answer, category: &str) -> Told {
    let rows = answer.body["benefits"].as_array().unwrap();
    told(rows.iter().find(|row| row["category"] == category).unwrap())
}

/// A household of KAY in a family product, paid on 10 March 2026; its first card.
async fn family(world: &World) -> (String, String) {
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S2"), "STANDARD", 1).await;
    world.enrolled(&home.text("/id"), &product, "2026-03-01").await;
    world.payment(&home.text("/id"), 31_000, "2026-03-10").await.expect(201);
    (home.text("/id"), home.text("/members/0/card_number"))
}

#[actix_web::test]
async fn each_category_waits_its_own_time() {
    let world = World::new().await;
    let (_, card) = family(&world).await;
    for (on, cover, opd, hosp) in [
        (
            "2026-03-09",
            says("NO_COVERAGE", "", "2026-03-09"),
            says("NO_COVERAGE", "", "2026-03-09"),
            says("NO_COVERAGE", "", "2026-03-09"),
        ),
        (
            "2026-03-10",
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("WAITING_PERIOD", "2026-03-10", "2026-06-09"),
        ),
        (
            "2026-06-09",
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("WAITING_PERIOD", "2026-03-10", "2026-06-09"),
        ),
        (
            "2026-06-10",
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-06-10", "2027-02-28"),
        ),
        (
            "2027-02-28",
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-03-10", "2027-02-28"),
            says("COVERED", "2026-06-10", "2027-02-28"),
        ),
        (
            "2027-03-01",
            says("NO_COVERAGE", "2027-03-01", ""),
            says("NO_COVERAGE", "2027-03-01", ""),
            says("NO_COVERAGE", "2027-03-01", ""),
        ),
    ] {
        let answer = world.eligibility(&card, on).await;
        assert_eq!(told(&answer.body["cover"]), cover, "{on}");
        assert_eq!(benefit(&answer, "OPD"), opd, "{on}");
        assert_eq!(benefit(&answer, "HOSP"), hosp, "{on}");
        assert_eq!(answer.text("/on"), on);
    }
    let answer = world.eligibility(&card, "2027-03-01").await;
    assert_eq!(answer.text("/reason"), "PERIOD_ENDED");
    assert_eq!(answer.text("/mutual_id"), world.org("KAY").to_string());
    assert_eq!(answer.body["person"]["given_name"], "Aline");
    assert_eq!(answer.body["person"]["birth_year"], 1988);
    // Who was not yet in the household is no beneficiary; without a day it is today.
    let before = world.eligibility(&card, "2026-02-28").await;
    assert_eq!(before.text("/cover/status"), "NOT_A_BENEFICIARY");
    let today = world.post("/eligibility").as_("registrar").json(json!({"card": card})).send().await.expect(200);
    assert_eq!((today.text("/on"), today.text("/cover/status")), ("2026-03-10".into(), "COVERED".into()));
}

#[actix_web::test]
async fn arrears_suspend_and_lapse_as_they_will_if_nothing_is_paid() {
    let world = World::new().await;
    let mut monthly = per_person("per_person_month", 500);
    monthly["arrears"] = json!({"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 60});
    let product = world.product("mutual_admin", "KAY", "MONTH", monthly).await;
    let home = world.home(None, "STANDARD", 1).await;
    let (id, card) = (home.text("/id"), home.text("/members/0/card_number"));
    world.enrolled(&id, &product, "2026-03-01").await;
    world.payment(&id, 1500, "2026-03-10").await.expect(201);
    for (on, expected, reason) in [
        ("2026-05-01", says("COVERED", "2026-03-10", "2026-05-01"), "UP_TO_DATE"),
        ("2026-05-02", says("COVERAGE_SUSPENDED", "2026-05-02", "2026-06-30"), "ARREARS"),
        ("2026-06-30", says("COVERAGE_SUSPENDED", "2026-05-02", "2026-06-30"), "ARREARS"),
        ("2026-07-01", says("NO_COVERAGE", "2026-07-01", ""), "LAPSED"),
    ] {
        let answer = world.eligibility(&card, on).await;
        assert_eq!(told(&answer.body["cover"]), expected, "{on}");
        assert_eq!(benefit(&answer, "OPD"), expected, "{on}");
        assert_eq!(answer.text("/reason"), reason, "{on}");
    }
    // Paid in full during the suspension: cover comes back after the delay, and not before (R14).
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 5, 10, 12, 0, 0).unwrap());
    world.payment(&id, 1000, "2026-05-10").await.expect(201);
    for (on, expected) in [
        ("2026-05-09", says("COVERAGE_SUSPENDED", "2026-05-02", "2026-05-24")),
        ("2026-05-24", says("COVERAGE_SUSPENDED", "2026-05-02", "2026-05-24")),
        ("2026-05-25", says("COVERED", "2026-05-25", "2026-07-01")),
    ] {
        assert_eq!(told(&world.eligibility(&card, on).await.body["cover"]), expected, "{on}");
    }
    // A day too late, on the day of the lapse (R15).
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 8, 31, 12, 0, 0).unwrap());
    world.payment(&id, 100_000, "2026-08-31").await.expect(201);
    assert_eq!(
        told(&world.eligibility(&card, "2026-09-20").await.body["cover"]),
        says("NO_COVERAGE", "2026-08-31", "")
    );
    // Only a new enrolment gives cover, and it owes the fee again (R6).
    let again = world.enrolled(&id, &product, "2026-08-31").await;
    let seen =
        world.get(&format!("{}/enrolments/{again}", world.mutual("KAY"))).as_("registrar").send().await.expect(200);
    assert_eq!(seen.body["first_enrolment"], true);
    assert_eq!(told(&world.eligibility(&card, "2026-09-20").await.body["cover"]).0, "COVERED");
}

#[actix_web::test]
async fn a_newborn_is_covered_from_birth_without_waiting() {
    let world = World::new().await;
    let (home, _) = family(&world).await;
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 11, 12, 0, 0).unwrap());
    let path = format!("{}/members", world.mutual("KAY"));
    let join = |born: &str| {
        let body =
            json!({"household_id": home, "registered_on": "2026-04-11", "person": person("child", "Ange", born)});
        world.post(&path).as_("registrar").json(body).send()
    };
    let in_time = join("2026-03-12").await.expect(201).text("/card_number");
    for (on, status) in [("2026-03-11", "NOT_A_BENEFICIARY"), ("2026-03-12", "COVERED"), ("2026-04-11", "COVERED")] {
        let answer = world.eligibility(&in_time, on).await;
        assert_eq!(answer.text("/cover/status"), status, "{on}");
        assert_eq!(benefit(&answer, "HOSP").0, status, "{on}");
    }
    // A day later than thirty: from the registration, with waiting.
    let late = join("2026-03-11").await.expect(201).text("/card_number");
    assert_eq!(world.eligibility(&late, "2026-04-10").await.text("/cover/status"), "NOT_A_BENEFICIARY");
    let answer = world.eligibility(&late, "2026-04-11").await;
    assert_eq!(benefit(&answer, "OPD"), says("COVERED", "2026-04-11", "2027-02-28"));
    assert_eq!(benefit(&answer, "HOSP"), says("WAITING_PERIOD", "2026-04-11", "2026-07-10"));
}

#[actix_web::test]
async fn a_card_leads_to_its_mutual_and_to_nobody_elses() {
    let world = World::new().await;
    let (_, card) = family(&world).await;
    let ask = |user: &'static str, body: Value| world.post("/eligibility").as_(user).json(body).send();
    for (user, status) in [
        ("mutual_admin", 200),
        ("registrar", 200),
        ("section_registrar", 200),
        ("medical_adviser", 200),
        ("claims_officer", 200),
        ("treasurer", 403),
        ("auditor", 403),
        ("field_agent", 403),
        ("system_admin", 404),
        ("platform_admin", 404),
        ("platform_analyst", 404),
        ("body_auditor", 404),
        ("registrar@GIT", 404),
        ("mutual_admin@SEN", 404),
    ] {
        let answer = ask(user, json!({"card": card, "on": "2026-03-10"})).await;
        assert_eq!(answer.status, status, "{user}: {}", answer.text);
    }
    // A household of the other section.
    let first = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/members/0/card_number");
    ask("section_registrar", json!({"card": first})).await.refused(404, "not_found", &[]);
    let answer = ask("registrar", json!({"card": first})).await.expect(200);
    assert_eq!(told(&answer.body["cover"]), says("NO_COVERAGE", "", ""));
    assert!(answer.body["reason"].is_null() && answer.body["enrolment_id"].is_null());
    assert_eq!(answer.body["benefits"], json!([]));
    let of_git = world.home_of("GIT", None, "STANDARD", 1).await.text("/members/0/card_number");
    ask("registrar", json!({"card": of_git})).await.refused(404, "not_found", &[]);
    ask("registrar@GIT", json!({"card": of_git})).await.expect(200);
    // Mistyped, unknown, unreadable.
    let last = card.as_bytes()[15] - b'0';
    let mistyped = format!("{}{}", &card[..15], (last + 1) % 10);
    ask("registrar", json!({"card": mistyped})).await.refused(
        422,
        "card_check_failed",
        &[("/card", "card_check_failed")],
    );
    ask("registrar", json!({"card": card_number("10000199999999").unwrap()})).await.refused(404, "not_found", &[]);
    ask("registrar", json!({"card": card_number("99999900000001").unwrap()})).await.refused(404, "not_found", &[]);
    ask("registrar", json!({"card": "1 2"})).await.refused(422, "invalid", &[("/card", "out_of_bounds")]);
    ask("registrar", json!({})).await.refused(422, "invalid", &[("/card", "missing")]);
    ask("registrar", json!({"card": card, "on": "2026-13-01"})).await.refused(
        422,
        "impossible_date",
        &[("/on", "impossible_date")],
    );
}

#[actix_web::test]
async fn a_number_of_another_system_needs_its_mutual() {
    let world = World::new().await;
    let mut member = person("principal", "Aline", "1988-05-02");
    member["legacy_number"] = json!("OLD-7");
    world
        .post(&format!("{}/households", world.mutual("KAY")))
        .as_("registrar")
        .json(json!({"registered_on": "2026-03-01", "members": [member]}))
        .send()
        .await
        .expect(201);
    let ask = |user: &'static str, body: Value| world.post("/eligibility").as_(user).json(body).send();
    ask("registrar", json!({"card": "OLD-7", "mutual": "KAY"})).await.expect(200);
    ask("registrar", json!({"card": "OLD-7"})).await.refused(404, "not_found", &[]);
    ask("registrar", json!({"card": "OLD-7", "mutual": "GIT"})).await.refused(404, "not_found", &[]);
    ask("registrar@GIT", json!({"card": "OLD-7", "mutual": "KAY"})).await.refused(404, "not_found", &[]);
    ask("registrar@GIT", json!({"card": "OLD-7", "mutual": "GIT"})).await.refused(404, "not_found", &[]);
    ask("registrar", json!({"card": "OLD-7", "mutual": "NOWHERE"})).await.refused(404, "not_found", &[]);
}

#[actix_web::test]
async fn the_check_stands_in_the_mutuals_audit() {
    let world = World::new().await;
    let (_, card) = family(&world).await;
    let before = world.count("audit_rows");
    let answer = world.eligibility(&card, "2026-03-10").await;
    assert_eq!(world.count("audit_rows"), before + 1);
    let check = answer.text("/check_id");
    let rows = world.items("auditor", &format!("{}/audit?limit=200", world.mutual("KAY"))).await;
    let row = rows.iter().find(|row| row["id"] == check.as_str()).unwrap();
    assert_eq!((row["kind"].as_str(), row["route"].as_str()), (Some("read"), Some("POST /api/v1/eligibility")));
    assert_eq!((row["purpose"].as_str(), &row["command_id"]), (Some("CLAIM"), &Value::Null));
    assert_eq!(row["actor_id"], world.users["claims_officer"].to_string());
    assert_eq!(row["entities"], json!([{"kind": "member", "id": answer.text("/person/member_id")}]));
    let purposes = |purpose: &'static str| {
        world
            .post("/eligibility")
            .as_("claims_officer")
            .header("Ayni-Purpose", purpose)
            .json(json!({"card": card}))
            .send()
    };
    purposes("CLAIM").await.expect(200);
    purposes("AUDIT").await.refused(403, "purpose_refused", &[("Ayni-Purpose", "purpose_refused")]);
    purposes("CURIOSITY").await.refused(403, "purpose_refused", &[("Ayni-Purpose", "purpose_refused")]);
}
