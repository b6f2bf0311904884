//! `POST /mutuals/{m}/enrolments/{id}/admit`: the dues of a period (R4 to R7)
use crate::support::World;
use crate::support::register::{bands, per_person};
use serde_json::json;

fn due(kind: &str, payer: &str, on: &str, amount: i64) -> (String, String, String, i64, i64) {
    (kind.into(), payer.into(), on.into(), amount, amount)
}

#[actix_web::test]
async fn an_application_is_admitted_once() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S2"), "STANDARD", 8).await.text("/id");
    let id = world.application(&home, &product, "2026-03-01").await.expect(201).text("/id");
    let path = format!("{}/enrolments/{id}/admit", world.mutual("KAY"));
    let post = || world.post(&path).as_("section_registrar");
    post().json(json!({})).send().await.refused(428, "precondition_required", &[]);
    post().header("If-Match", "\"v3\"").json(json!({})).send().await.refused(412, "version_mismatch", &[]);
    let on = |day: &str| post().header("If-Match", "\"v1\"").json(json!({"admitted_on": day})).send();
    on("2026-03-11").await.refused(422, "future_date", &[("/admitted_on", "future_date")]);
    on("2026-03-09").await.refused(422, "impossible_date", &[("/admitted_on", "impossible_date")]);
    let others =
        [("field_agent", 403), ("treasurer", 403), ("auditor", 403), ("registrar@GIT", 404), ("platform_admin", 404)];
    world.each("POST", &path, Some(json!({})), &others).await;
    world
        .post(&path.replace(&world.mutual("KAY"), &world.mutual("GIT")))
        .as_("registrar@GIT")
        .json(json!({}))
        .send()
        .await
        .expect(404);
    let key = "01959d00-0000-7000-8000-0000000000f1";
    let send = || post().header("If-Match", "\"v1\"").header("Idempotency-Key", key).json(json!({})).send();
    let admitted = send().await.expect(200);
    assert_eq!((admitted.text("/state"), admitted.text("/admitted_on")), ("ADMITTED".into(), "2026-03-10".into()));
    assert_eq!((admitted.headers["etag"].as_str(), &admitted.body["first_enrolment"]), ("\"v2\"", &json!(true)));
    assert_eq!(send().await.expect(200).headers["idempotent-replayed"], "true");
    post().header("If-Match", "\"v2\"").json(json!({})).send().await.refused(409, "wrong_state", &[]);
    // Eight persons: the last band and two more.
    assert_eq!(
        world.dues(&home).await,
        [due("REGISTRATION", "HOUSEHOLD", "2026-03-01", 1000), due("CONTRIBUTION", "HOUSEHOLD", "2026-03-01", 35_000)]
    );
}

#[actix_web::test]
async fn other_payers_owe_their_part_and_nobody_owes_nothing() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "YEAR", per_person("per_person_year", 7001)).await;
    let poor = world.home(None, "POOR", 2).await.text("/id");
    world.enrolled(&poor, &product, "2026-03-01").await;
    assert_eq!(
        world.dues(&poor).await,
        [
            due("REGISTRATION", "HOUSEHOLD", "2026-03-01", 1000),
            // Half of 7001, rounded up for each person; the household has the rest.
            due("CONTRIBUTION", "HOUSEHOLD", "2026-03-01", 7000),
            due("CONTRIBUTION", "STATE", "2026-03-01", 7002),
        ]
    );
    let indigent = world.home(None, "INDIGENT", 2).await.text("/id");
    world.enrolled(&indigent, &product, "2026-03-01").await;
    assert_eq!(world.dues(&indigent).await, [due("CONTRIBUTION", "FUND", "2026-03-01", 14_002)]);
    let guest = world.home(None, "GUEST", 1).await;
    let id = guest.text("/id");
    world.enrolled(&id, &product, "2026-03-01").await;
    assert_eq!(
        world.dues(&id).await,
        [due("REGISTRATION", "HOUSEHOLD", "2026-03-01", 1000), due("CONTRIBUTION", "HOUSEHOLD", "2026-03-01", 7001)]
    );
    // Who owes nothing himself is covered from the admission on.
    let cards = world.items("registrar", &format!("{}/members?household_id={indigent}", world.mutual("KAY"))).await;
    let answer = world.eligibility(cards[0]["card_number"].as_str().unwrap(), "2026-03-10").await;
    assert_eq!(answer.text("/cover/status"), "COVERED");
}

#[actix_web::test]
async fn monthly_dues_keep_the_day_clamped_and_the_second_year_has_no_fee() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "MONTH", per_person("per_person_month", 500)).await;
    let home = world
        .post(&format!("{}/households", world.mutual("KAY")))
        .as_("registrar")
        .json(json!({"registered_on": "2026-01-05", "members": [crate::support::register::person("principal", "A", "1980-01-01")]}))
        .send()
        .await
        .expect(201)
        .text("/id");
    world.enrolled(&home, &product, "2026-01-31").await;
    let mut expected = vec![due("REGISTRATION", "HOUSEHOLD", "2026-01-31", 1000)];
    for day in [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
        "2026-07-31",
        "2026-08-31",
        "2026-09-30",
        "2026-10-31",
        "2026-11-30",
        "2026-12-31",
    ] {
        expected.push(due("CONTRIBUTION", "HOUSEHOLD", day, 500));
    }
    assert_eq!(world.dues(&home).await, expected);
    world.enrolled(&home, &product, "2027-01-31").await;
    let dues = world.dues(&home).await;
    assert_eq!(dues.len(), 13 + 12);
    assert_eq!(dues[13], due("CONTRIBUTION", "HOUSEHOLD", "2027-01-31", 500));
}

#[actix_web::test]
async fn a_household_in_no_band_is_not_admitted() {
    let world = World::new().await;
    let mut narrow = bands();
    narrow["contribution"] = json!({"kind": "household_bands", "bands": [{"from": 2, "to": 6, "amount": 30000}]});
    let product = world.product("mutual_admin", "KAY", "NARROW", narrow).await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let id = world.application(&home, &product, "2026-03-01").await.expect(201).text("/id");
    world.admission(&id).await.refused(422, "no_band", &[]);
    assert_eq!(world.count("dues"), 0);
}
