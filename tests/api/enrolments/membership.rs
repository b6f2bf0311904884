//! `POST /mutuals/{m}/enrolments/{id}/renew`, `/resign`, `/hearing`, `/exclude`, `/appeal`, `/cancel`, `/end`,
//! `/entered-in-error`
use crate::support::World;
use crate::support::register::{bands, per_person};
use crate::support::world::Answer;
use serde_json::{Value, json};

struct Enrolled<'w> {
    world: &'w World,
    household: String,
    id: String,
}

impl Enrolled<'_> {
    /// A household of two, admitted today for a year from 1 March 2026.
    async fn new<'w>(world: &'w World, product: &str) -> Enrolled<'w> {
        let household = world.home(None, "STANDARD", 2).await.text("/id");
        let id = world.enrolled(&household, product, "2026-03-01").await;
        Enrolled { world, household, id }
    }

    async fn step(&self, user: &str, step: &str, version: i64, body: Value) -> Answer {
        let path = format!("{}/enrolments/{}/{step}", self.world.mutual("KAY"), self.id);
        self.world.post(&path).as_(user).header("If-Match", &format!("\"v{version}\"")).json(body).send().await
    }

    async fn cover(&self) -> Vec<String> {
        let members = format!("{}/members?household_id={}", self.world.mutual("KAY"), self.household);
        let first = self.world.items("registrar", &members).await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("{}/members/{first}/cover", self.world.mutual("KAY"));
        let day = |row: &Value, name: &str| row[name].as_str().unwrap_or("").to_owned();
        let rows = self.world.items("registrar", &path).await;
        rows.iter()
            .map(|row| {
                format!("{} {} {}..{}", day(row, "state"), day(row, "reason"), day(row, "from_on"), day(row, "to_on"))
            })
            .collect()
    }

    async fn steps(&self) -> Vec<String> {
        let path = format!("{}/enrolments/{}/steps", self.world.mutual("KAY"), self.id);
        let rows = self.world.items("registrar", &path).await;
        rows.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn why() -> Value {
    json!({"reason": "As decided"})
}

#[actix_web::test]
async fn a_renewal_paid_in_time_continues_without_waiting() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["benefits"]["OPD"]["waiting_months"] = json!(2);
    let product = world.product("mutual_admin", "KAY", "FAM", parameters).await;
    let home = Enrolled::new(&world, &product).await;
    world.payment(&home.household, 31_000, "2026-03-10").await.expect(201);
    let renewed = home.step("registrar", "renew", 2, json!({})).await.expect(201);
    assert_eq!((renewed.text("/starts_on"), renewed.text("/ends_on")), ("2027-03-01".into(), "2028-02-29".into()));
    assert_eq!((renewed.text("/state"), renewed.body["first_enrolment"].clone()), ("ADMITTED".into(), json!(false)));
    // Not paid: the cover expires with its period; paid ahead, it goes on with the waiting served.
    assert_eq!(home.cover().await.last().unwrap(), "EXPIRED PERIOD_ENDED 2027-03-01..");
    world.payment(&home.household, 30_000, "2026-03-10").await.expect(201);
    assert_eq!(
        home.cover().await,
        [
            "IN_FORCE UP_TO_DATE 2026-03-10..2027-02-28",
            "IN_FORCE UP_TO_DATE 2027-03-01..2028-02-29",
            "EXPIRED PERIOD_ENDED 2028-03-01.."
        ]
    );
    let again = home.step("registrar", "renew", 2, json!({})).await.expect(422);
    assert_eq!(again.code(), "period_overlaps");
    assert_eq!(home.steps().await, ["APPLIED", "ADMITTED", "RENEWED"]);
}

#[actix_web::test]
async fn who_resigns_is_covered_to_the_end_of_the_period_or_to_the_day_agreed() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "PPM", per_person("per_person_month", 500)).await;
    let home = Enrolled::new(&world, &product).await;
    world.payment(&home.household, 3_000, "2026-03-10").await.expect(201);
    let owed: i64 = world.dues(&home.household).await.iter().map(|due| due.3).sum();
    let body = json!({"reason": "Moves to the capital", "effective_on": "2026-05-31"});
    let resigned = home.step("registrar", "resign", 2, body).await.expect(200);
    assert_eq!((resigned.text("/state"), resigned.text("/ended_on")), ("RESIGNED".into(), "2026-05-31".into()));
    assert_eq!(home.cover().await.last().unwrap(), "TERMINATED RESIGNED 2026-06-01..");
    let left: i64 = world.dues(&home.household).await.iter().map(|due| due.3).sum();
    assert!(left < owed && left > 0, "{left} of {owed}");
    assert_eq!(home.step("registrar", "resign", 3, why()).await.expect(409).code(), "wrong_state");
    assert_eq!(home.step("registrar", "renew", 3, json!({})).await.expect(409).code(), "wrong_state");
    let other = Enrolled::new(&world, &product).await;
    let whole = other.step("registrar", "resign", 2, why()).await.expect(200);
    assert_eq!(whole.text("/ended_on"), "2027-02-28");
}

#[actix_web::test]
async fn nobody_is_excluded_unheard_and_another_person_decides_the_appeal() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "PPM", per_person("per_person_month", 500)).await;
    let home = Enrolled::new(&world, &product).await;
    world.payment(&home.household, 3_000, "2026-03-10").await.expect(201);
    let before = (world.dues(&home.household).await.iter().map(|due| due.3).sum::<i64>(), home.cover().await);
    let commands = world.count("commands");
    home.step("registrar", "exclude", 2, why()).await.refused(422, "not_heard", &[("/on", "not_heard")]);
    assert_eq!(world.count("commands"), commands);
    home.step("registrar", "hearing", 2, why()).await.expect(200);
    let excluded = home.step("registrar", "exclude", 3, why()).await.expect(200);
    assert_eq!((excluded.text("/state"), excluded.text("/ended_on")), ("EXCLUDED".into(), "2026-03-10".into()));
    assert_eq!(home.cover().await, ["IN_FORCE UP_TO_DATE 2026-03-10..2026-03-10", "TERMINATED EXCLUDED 2026-03-11.."]);
    let decide = json!({"upheld": true, "reason": "It was not he"});
    assert_eq!(home.step("mutual_admin", "appeal/decision", 4, decide.clone()).await.expect(409).code(), "wrong_state");
    home.step("registrar", "appeal", 4, why()).await.expect(200);
    assert_eq!(home.step("registrar", "appeal", 5, why()).await.expect(409).code(), "wrong_state");
    assert_eq!(home.step("registrar", "appeal/decision", 5, decide.clone()).await.expect(403).code(), "same_person");
    let upheld = home.step("mutual_admin", "appeal/decision", 5, decide.clone()).await.expect(200);
    assert_eq!(upheld.text("/state"), "ADMITTED");
    let after = (world.dues(&home.household).await.iter().map(|due| due.3).sum::<i64>(), home.cover().await);
    assert_eq!(after, before, "as if nobody had been excluded");
    assert_eq!(home.steps().await, ["APPLIED", "ADMITTED", "HEARD", "EXCLUDED", "APPEALED", "APPEAL_UPHELD"]);
}

#[actix_web::test]
async fn what_was_never_paid_is_cancelled_and_a_mistake_taken_back_on_its_day() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = Enrolled::new(&world, &product).await;
    let cancelled = home.step("registrar", "cancel", 2, why()).await.expect(200);
    assert_eq!(cancelled.text("/state"), "CANCELLED");
    assert_eq!(world.dues(&home.household).await.iter().map(|due| due.3).sum::<i64>(), 0);
    // The way is free for another one.
    world.application(&home.household, &product, "2026-03-01").await.expect(201);
    let paid = Enrolled::new(&world, &product).await;
    world.payment(&paid.household, 500, "2026-03-10").await.expect(201);
    assert_eq!(paid.step("registrar", "cancel", 2, why()).await.expect(409).code(), "wrong_state");
    assert_eq!(paid.step("registrar", "entered-in-error", 2, why()).await.expect(409).code(), "wrong_state");
    let mistake = Enrolled::new(&world, &product).await;
    let back = mistake.step("registrar", "entered-in-error", 2, why()).await.expect(200);
    assert_eq!(back.text("/state"), "CANCELLED");
    assert_eq!(mistake.steps().await.last().unwrap(), "ENTERED_IN_ERROR");
    assert_eq!(mistake.cover().await, Vec::<String>::new());
}

#[actix_web::test]
async fn each_step_names_what_is_wrong() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = Enrolled::new(&world, &product).await;
    let commands = world.count("commands");
    for (step, body, code, pointer) in [
        ("resign", json!({"reason": "x", "on": "2026-03-11"}), "future_date", "/on"),
        ("resign", json!({"reason": "x", "on": "2026-02-01"}), "impossible_date", "/on"),
        ("end", json!({"reason": "x", "effective_on": "2027-03-01"}), "impossible_date", "/effective_on"),
        ("end", json!({"reason": "x", "effective_on": "2026-03-09"}), "impossible_date", "/effective_on"),
        ("hearing", json!({"reason": "x", "effective_on": "2026-03-10"}), "invalid", "/effective_on"),
        ("resign", json!({"reason": " "}), "invalid", "/reason"),
        ("renew", json!({"starts_on": "2026-06-01"}), "period_overlaps", "/starts_on"),
    ] {
        let answer = home.step("registrar", step, 2, body.clone()).await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), (code, vec![pointer]), "{step} {body}");
    }
    assert_eq!(home.step("registrar", "end", 1, why()).await.expect(412).code(), "version_mismatch");
    assert_eq!(home.step("treasurer", "end", 2, why()).await.expect(403).code(), "forbidden");
    assert_eq!(home.step("registrar@GIT", "end", 2, why()).await.expect(404).code(), "not_found");
    assert_eq!(world.count("commands"), commands);
    let ended = home.step("registrar", "end", 2, why()).await.expect(200);
    assert_eq!((ended.text("/state"), ended.text("/ended_on")), ("CLOSED".into(), "2026-03-10".into()));
}

#[actix_web::test]
async fn a_child_who_has_reached_the_age_is_not_renewed() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["age_limits"] = json!({"child_max_age": 12});
    let product = world.product("mutual_admin", "KAY", "FAM", parameters).await;
    let home = Enrolled::new(&world, &product).await;
    world.payment(&home.household, 61_000, "2026-03-10").await.expect(201);
    // Born on 20 January 2015: twelve on 20 January 2027, before the period ends on 28 February.
    home.step("registrar", "renew", 2, json!({})).await.expect(201);
    let path = format!("{}/households/{}", world.mutual("KAY"), home.household);
    let there = world.get(&path).as_("registrar").send().await.expect(200);
    let child = there.body["members"].as_array().unwrap().iter().find(|one| one["relationship"] == "child").unwrap();
    assert_eq!(child["member_until_on"], "2027-02-28");
    let cover = format!("{}/members/{}/cover", world.mutual("KAY"), child["id"].as_str().unwrap());
    let spans = world.items("registrar", &cover).await;
    assert_eq!((&spans[0]["to_on"], &spans[1]["reason"]), (&json!("2027-02-28"), &json!("LEFT_HOUSEHOLD")));
    let events = world.items("registrar", &format!("{path}/events")).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["kind"], "CHILD_OVER_AGE");
}
