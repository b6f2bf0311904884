//! `GET` and `POST /mutuals/{m}/households/{id}/events`, `POST /mutuals/{m}/events/{id}/reverse`
use crate::samples::fresh_id;
use crate::support::World;
use crate::support::register::{bands, per_person, person};
use crate::support::world::Answer;
use serde_json::{Value, json};

/// A household of principal, spouse and child, registered and, where a product is named, paid for from 1 January.
struct Home {
    id: String,
    members: Vec<Value>,
}

impl Home {
    fn member(&self, relationship: &str) -> &str {
        let one = self.members.iter().find(|one| one["relationship"] == relationship);
        one.unwrap()["id"].as_str().unwrap()
    }
}

async fn home(world: &World) -> Home {
    let members =
        [("principal", "Aline", "1988-05-02"), ("spouse", "Jean", "1985-01-01"), ("child", "Éric", "2015-01-20")];
    let body =
        json!({"registered_on": "2026-01-01", "members": members.map(|(what, name, born)| person(what, name, born))});
    let made = world.post(&format!("{}/households", world.mutual("KAY"))).as_("registrar").json(body).send().await;
    let made = made.expect(201);
    Home { id: made.text("/id"), members: made.body["members"].as_array().unwrap().clone() }
}

/// A home whose year is paid.
async fn paid_home(world: &World, product: &str) -> Home {
    let home = home_without_credit(world, product).await;
    world.payment(&home.id, 200_000, "2026-01-01").await.expect(201);
    home
}

async fn tell(world: &World, home: &Home, body: Value) -> Answer {
    world
        .post(&format!("{}/households/{}/events", world.mutual("KAY"), home.id))
        .as_("registrar")
        .json(body)
        .send()
        .await
}

async fn take_back(world: &World, event: &str) -> Answer {
    let path = format!("{}/events/{event}/reverse", world.mutual("KAY"));
    world
        .post(&path)
        .as_("registrar")
        .json(json!({"id": fresh_id(world), "reason": "Typed on the wrong page"}))
        .send()
        .await
}

/// A person's spans as text: `state reason from..to`.
async fn cover(world: &World, member: &str) -> Vec<String> {
    let rows = world.items("registrar", &format!("{}/members/{member}/cover", world.mutual("KAY"))).await;
    rows.iter()
        .map(|row| {
            let day = |name: &str| row[name].as_str().unwrap_or("").to_owned();
            format!("{} {} {}..{}", day("state"), day("reason"), day("from_on"), day("to_on"))
        })
        .collect()
}

async fn state(world: &World, home: &Home) -> Value {
    world.get(&format!("{}/households/{}", world.mutual("KAY"), home.id)).as_("registrar").send().await.expect(200).body
}

fn stays(state: &Value) -> Vec<(String, String, String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or("").to_owned();
    state["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (text(one, "id"), text(one, "relationship"), text(one, "member_since_on"), text(one, "member_until_on"))
        })
        .collect()
}

#[actix_web::test]
async fn a_newborn_is_covered_from_birth_and_a_mistake_is_taken_back() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = paid_home(&world, &product).await;
    let before = stays(&state(&world, &home).await);
    let birth = json!({"kind": "BIRTH", "on": "2026-02-20", "registered_on": "2026-03-09",
        "person": {"relationship": "child", "family_name": "Ndayizeye", "given_name": "Belyse", "sex": "female"}});
    let made = tell(&world, &home, birth).await.expect(201);
    let child = made.text("/member_id");
    assert_eq!(cover(&world, &child).await[0], "IN_FORCE UP_TO_DATE 2026-02-20..2026-12-31");
    let shown =
        world.get(&format!("{}/members/{child}", world.mutual("KAY"))).as_("registrar").send().await.expect(200);
    assert_eq!((shown.text("/birth_date"), shown.text("/member_since_on")), ("2026-02-20".into(), "2026-03-09".into()));
    let counter = take_back(&world, &made.text("/id")).await.expect(201);
    assert_eq!(counter.text("/kind"), "COUNTER_EVENT");
    assert_eq!(stays(&state(&world, &home).await), before);
    world.get(&format!("{}/members/{child}", world.mutual("KAY"))).as_("registrar").send().await.expect(404);
    let path = format!("{}/households/{}/events", world.mutual("KAY"), home.id);
    let timeline = world.items("registrar", &path).await;
    assert_eq!(timeline.len(), 2);
    let told = timeline.iter().find(|row| row["kind"] == "BIRTH").unwrap();
    assert_eq!(told["reversed_by_id"], counter.body["id"]);
    assert_eq!(take_back(&world, &made.text("/id")).await.expect(409).code(), "wrong_state");
    assert_eq!(take_back(&world, &counter.text("/id")).await.expect(409).code(), "wrong_state");
}

#[actix_web::test]
async fn what_a_joiner_owes_goes_with_him_when_he_is_taken_back() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "PP", per_person("per_person_year", 12_000)).await;
    let home = paid_home(&world, &product).await;
    let before = world.dues(&home.id).await;
    let arrival = json!({"kind": "ARRIVAL", "on": "2026-03-10", "person": person("parent", "Odette", "1950-01-01")});
    let made = tell(&world, &home, arrival).await.expect(201);
    // What the household had paid too much filled the due at once: it must be given back before.
    let refused = take_back(&world, &made.text("/id")).await.expect(409);
    assert_eq!(refused.code(), "wrong_state");
    let poor = home_without_credit(&world, &product).await;
    let owed = world.dues(&poor.id).await;
    let arrival = json!({"kind": "ARRIVAL", "on": "2026-03-10", "person": person("parent", "Odette", "1950-01-01")});
    let made = tell(&world, &poor, arrival).await.expect(201);
    assert_eq!(world.dues(&poor.id).await.len(), owed.len() + 1);
    take_back(&world, &made.text("/id")).await.expect(201);
    let left: i64 = world.dues(&poor.id).await.iter().map(|due| due.3).sum();
    assert_eq!(left, owed.iter().map(|due| due.3).sum::<i64>());
    assert!(!before.is_empty());
}

async fn home_without_credit(world: &World, product: &str) -> Home {
    let home = home(world).await;
    let path = format!("{}/enrolments", world.mutual("KAY"));
    let body = json!({"household_id": home.id, "product_id": product, "starts_on": "2026-01-01",
        "applied_on": "2026-01-01"});
    let id = world.post(&path).as_("registrar").json(body).send().await.expect(201).text("/id");
    let admit = world.post(&format!("{path}/{id}/admit")).as_("registrar").header("If-Match", "\"v1\"");
    admit.json(json!({"admitted_on": "2026-01-01"})).send().await.expect(200);
    home
}

#[actix_web::test]
async fn a_death_ends_cover_with_the_day_and_the_widow_takes_over() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = paid_home(&world, &product).await;
    let (dead, widow) = (home.member("principal"), home.member("spouse"));
    let death = tell(&world, &home, json!({"kind": "DEATH", "on": "2026-02-10", "member_id": dead})).await.expect(201);
    assert_eq!(
        cover(&world, dead).await,
        ["IN_FORCE UP_TO_DATE 2026-01-01..2026-02-10", "TERMINATED DECEASED 2026-02-11.."]
    );
    assert_eq!(cover(&world, widow).await[0], "IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31", "R20");
    tell(&world, &home, json!({"kind": "DEATH", "on": "2026-02-11", "member_id": dead})).await.refused(
        422,
        "after_death",
        &[("/member_id", "after_death")],
    );
    let change = json!({"kind": "CHANGE_OF_PRINCIPAL", "on": "2026-02-11", "member_id": widow});
    let change = tell(&world, &home, change).await.expect(201);
    // The waiting that the widow has served goes on: one span, no break.
    assert_eq!(cover(&world, widow).await[0], "IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31");
    let principals: Vec<_> = stays(&state(&world, &home).await)
        .into_iter()
        .filter(|(_, relationship, _, until)| relationship == "principal" && until.is_empty())
        .collect();
    assert_eq!(principals.len(), 1);
    assert_eq!(principals[0].0, widow);
    // The death has the change of principal standing on it, and the change of principal does not.
    assert_eq!(take_back(&world, &death.text("/id")).await.expect(422).code(), "other_event_since");
    take_back(&world, &change.text("/id")).await.expect(201);
    take_back(&world, &death.text("/id")).await.expect(201);
    assert_eq!(cover(&world, dead).await[0], "IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31");
}

#[actix_web::test]
async fn who_marries_into_another_household_waits_no_second_time() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["benefits"]["OPD"]["waiting_months"] = json!(2);
    let product = world.product("mutual_admin", "KAY", "FAM", parameters).await;
    let (old, new) = (paid_home(&world, &product).await, paid_home(&world, &product).await);
    let son = old.member("child");
    let marriage = json!({"kind": "MARRIAGE", "on": "2026-03-05", "member_id": son, "relationship": "spouse",
        "from_household_id": old.id});
    let other = json!({"kind": "MARRIAGE", "on": "2026-03-05", "member_id": son, "relationship": "spouse",
        "from_household_id": new.id});
    tell(&world, &new, other).await.refused(422, "other_household", &[("/from_household_id", "other_household")]);
    let made = tell(&world, &new, marriage).await.expect(201);
    assert_eq!(
        cover(&world, son).await,
        [
            "IN_FORCE UP_TO_DATE 2026-01-01..2026-03-04",
            "IN_FORCE UP_TO_DATE 2026-03-05..2026-12-31",
            "EXPIRED PERIOD_ENDED 2027-01-01.."
        ]
    );
    let card = old.members.iter().find(|one| one["id"] == son).unwrap()["card_number"].as_str().unwrap().to_owned();
    let asked = world.eligibility(&card, "2026-03-08").await.expect(200);
    let opd = asked.body["benefits"].as_array().unwrap().iter().find(|row| row["category"] == "OPD").unwrap().clone();
    assert_eq!(opd["status"], "COVERED", "{opd}");
    // It stands in both timelines.
    for home in [&old, &new] {
        let path = format!("{}/households/{}/events", world.mutual("KAY"), home.id);
        assert_eq!(world.items("registrar", &path).await.len(), 1);
    }
    take_back(&world, &made.text("/id")).await.expect(201);
    assert_eq!(cover(&world, son).await[0], "IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31");
}

#[actix_web::test]
async fn who_parts_keeps_what_is_paid_and_the_rest_stay() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = paid_home(&world, &product).await;
    let moving = json!([{"member_id": home.member("spouse"), "relationship": "principal"},
        {"member_id": home.member("child"), "relationship": "child"}]);
    let parting = json!({"kind": "SEPARATION", "on": "2026-03-01", "members": moving});
    let made = tell(&world, &home, parting).await.expect(201);
    let own = made.text("/other_household_id");
    let there =
        world.get(&format!("{}/households/{own}", world.mutual("KAY"))).as_("registrar").send().await.expect(200);
    assert_eq!(there.body["members"].as_array().unwrap().len(), 2);
    // Its id was no command's, and is taken all the same.
    let body =
        json!({"id": own, "registered_on": "2026-03-01", "members": [person("principal", "Other", "1988-05-02")]});
    let path = format!("{}/households", world.mutual("KAY"));
    assert_eq!(world.post(&path).as_("registrar").json(body).send().await.expect(409).code(), "id_reused");
    assert_eq!(
        cover(&world, home.member("child")).await,
        [
            "IN_FORCE UP_TO_DATE 2026-01-01..2026-02-28",
            "IN_FORCE UP_TO_DATE 2026-03-01..2026-12-31",
            "EXPIRED PERIOD_ENDED 2027-01-01.."
        ]
    );
    take_back(&world, &made.text("/id")).await.expect(201);
    assert_eq!(cover(&world, home.member("child")).await[0], "IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31");
    // Who has paid nothing has nothing to keep.
    let poor = home_without_credit(&world, &product).await;
    let moving = json!([{"member_id": poor.member("spouse"), "relationship": "principal"}]);
    tell(&world, &poor, json!({"kind": "SEPARATION", "on": "2026-03-01", "members": moving})).await.expect(201);
    assert_eq!(cover(&world, poor.member("spouse")).await, Vec::<String>::new());
}

#[actix_web::test]
async fn a_child_over_age_stays_covered_to_the_end_of_the_period() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = paid_home(&world, &product).await;
    let child = home.member("child");
    tell(&world, &home, json!({"kind": "CHILD_OVER_AGE", "on": "2026-03-02", "member_id": child})).await.expect(201);
    let stay = stays(&state(&world, &home).await).into_iter().find(|(id, ..)| id == child).unwrap();
    assert_eq!(stay.3, "2026-12-31");
    assert_eq!(
        cover(&world, child).await,
        ["IN_FORCE UP_TO_DATE 2026-01-01..2026-12-31", "TERMINATED LEFT_HOUSEHOLD 2027-01-01.."]
    );
    // Still found, by any word of the name, and still in the household.
    let found = world.post(&format!("{}/members/search", world.mutual("KAY"))).as_("registrar");
    let found = found.json(json!({"name": "eric ndayi"})).send().await.expect(200);
    assert_eq!(found.body["items"][0]["id"], child);
}

#[actix_web::test]
async fn a_move_dates_the_residence() {
    let world = World::new().await;
    let home = home(&world).await;
    let (here, there) = (world.area("Gatara"), world.area("Kabuye"));
    tell(&world, &home, json!({"kind": "MOVE", "on": "2026-02-01", "area_id": here})).await.expect(201);
    tell(&world, &home, json!({"kind": "MOVE", "on": "2026-02-01", "area_id": there})).await.refused(
        422,
        "other_event_since",
        &[("/on", "other_event_since")],
    );
    let made = tell(&world, &home, json!({"kind": "MOVE", "on": "2026-03-01", "area_id": there})).await.expect(201);
    assert_eq!(state(&world, &home).await["area_id"], there.to_string());
    take_back(&world, &made.text("/id")).await.expect(201);
    assert_eq!(state(&world, &home).await["area_id"], here.to_string());
    world
        .patch(&format!("/areas/{there}"))
        .as_("platform_admin")
        .header("If-Match", "\"v1\"")
        .json(json!({"valid_to": "2026-02-28"}))
        .send()
        .await
        .expect(200);
    tell(&world, &home, json!({"kind": "MOVE", "on": "2026-03-01", "area_id": there})).await.refused(
        422,
        "area_ended",
        &[("/area_id", "area_ended")],
    );
    let body =
        json!({"registered_on": "2026-03-01", "area_id": there, "members": [person("principal", "A", "1988-05-02")]});
    world.post(&format!("{}/households", world.mutual("KAY"))).as_("registrar").json(body).send().await.refused(
        422,
        "area_ended",
        &[("/area_id", "area_ended")],
    );
}

#[actix_web::test]
async fn what_cannot_have_happened_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    let home = home(&world).await;
    let stranger = self::home(&world).await;
    let (head, child) = (home.member("principal"), home.member("child"));
    let commands = world.count("commands");
    let audited = world.count("audit_rows WHERE command_id IS NOT NULL");
    let cases = [
        (json!({"kind": "DEATH", "on": "2026-03-11", "member_id": head}), "future_date", "/on"),
        (json!({"kind": "DEATH", "on": "2025-12-31", "member_id": head}), "impossible_date", "/on"),
        (
            json!({"kind": "DEATH", "on": "2026-03-01", "member_id": stranger.member("child")}),
            "not_in_household",
            "/member_id",
        ),
        (json!({"kind": "DEPARTURE", "on": "2026-03-01", "member_id": head}), "no_principal", "/member_id"),
        (
            json!({"kind": "CHILD_OVER_AGE", "on": "2026-03-01", "member_id": home.member("spouse")}),
            "not_a_child",
            "/member_id",
        ),
        (
            json!({"kind": "ADOPTION", "on": "2026-03-01", "person": person("child", "X", "2026-03-02")}),
            "before_birth",
            "/on",
        ),
        (
            json!({"kind": "ARRIVAL", "on": "2026-03-01", "person": person("principal", "X", "1990-01-01")}),
            "second_principal",
            "/person/relationship",
        ),
        (
            json!({"kind": "CHANGE_OF_PRINCIPAL", "on": "2026-03-01", "member_id": head}),
            "second_principal",
            "/member_id",
        ),
        (
            json!({"kind": "SEPARATION", "on": "2026-03-01", "members": [{"member_id": child, "relationship": "child"}]}),
            "no_principal",
            "/members",
        ),
        (
            json!({"kind": "SEPARATION", "on": "2026-03-01", "members": [{"member_id": head, "relationship": "principal"}]}),
            "no_principal",
            "/members",
        ),
        (
            json!({"kind": "MARRIAGE", "on": "2026-03-01", "member_id": stranger.member("principal"),
            "relationship": "spouse", "from_household_id": stranger.id}),
            "no_principal",
            "/member_id",
        ),
        (
            json!({"kind": "MARRIAGE", "on": "2026-01-01", "member_id": stranger.member("child"),
            "relationship": "spouse", "from_household_id": stranger.id}),
            "other_event_since",
            "/member_id",
        ),
        (
            json!({"kind": "BIRTH", "on": "2026-03-01", "registered_on": "2026-02-28",
            "person": {"relationship": "child", "family_name": "N", "given_name": "X", "sex": "male"}}),
            "before_birth",
            "/registered_on",
        ),
        (json!({"kind": "DEATH", "on": "2026-03-01"}), "invalid", "/member_id"),
        (
            json!({"kind": "MOVE", "on": "2026-03-01", "member_id": head, "area_id": world.area("Rango")}),
            "invalid",
            "/member_id",
        ),
        (json!({"kind": "COUNTER_EVENT", "on": "2026-03-01"}), "invalid", "/kind"),
    ];
    let commands = world.count("commands").max(commands);
    for (body, code, pointer) in cases {
        let answer = tell(&world, &home, body.clone()).await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), (code, vec![pointer]), "{body}");
    }
    assert_eq!(world.count("commands"), commands);
    assert_eq!(world.count("household_events"), 0);
    assert!(world.count("audit_rows WHERE command_id IS NOT NULL") >= audited);
    tell(&world, &home, json!({"kind": "DEATH", "on": "2026-03-01", "member_id": fresh_id(&world)})).await.refused(
        422,
        "not_in_household",
        &[("/member_id", "not_in_household")],
    );
}

#[actix_web::test]
async fn a_section_tells_of_its_own_households_alone() {
    let world = World::new().await;
    let theirs = world.home(Some("KAY-S2"), "STANDARD", 2).await;
    let path = format!("{}/households/{}/events", world.mutual("KAY"), theirs.text("/id"));
    let body = json!({"kind": "DEPARTURE", "on": "2026-03-05", "member_id": theirs.text("/members/1/id")});
    world.post(&path).as_("field_agent").json(body).send().await.expect(404);
    world.get(&path).as_("field_agent").send().await.expect(404);
}
