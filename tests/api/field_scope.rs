//! How far devices reach: households of other sections, devices of other agents, keys that count no more, and persons whom the
//! agent may not see.
use super::field::{Phone, cash, fresh, home, key_of, status, with};
use crate::support::World;
use crate::support::register::person;
use crate::support::world::Answer;
use aws_lc_rs::signature::Ed25519KeyPair;
use ayni::access::permissions::Role;
use serde_json::{Value, json};

/// What a device could have written rows to.
const WRITTEN: [&str; 10] = [
    "households",
    "members",
    "memberships",
    "household_events",
    "residences",
    "phones",
    "consents",
    "payments",
    "receipts",
    "commands",
];

fn rows(world: &World) -> Vec<(&'static str, i64)> {
    WRITTEN.iter().map(|table| (*table, world.count(table))).collect()
}

async fn of_office(world: &World, household: &str) -> Answer {
    let path = format!("{}/households/{household}", world.mutual("KAY"));
    world.get(&path).as_("mutual_admin").send().await.expect(200)
}

/// Every kind of operation that names a household or a person of a section that the agent has not: absent and out of reach are
/// not told apart, nothing is written, and what is good in the same push is done.
#[actix_web::test]
async fn what_lies_in_another_section_cannot_be_reached_by_any_operation() {
    let world = World::new().await;
    let foreign = world.home(Some("KAY-S2"), "STANDARD", 2).await;
    let (there, theirs) = (foreign.text("/id"), foreign.text("/members/0/id"));
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (own, mine, child) = (fresh(&world), fresh(&world), fresh(&world));
    let family = with(home(&world, &own, "Regine"), |op| {
        let mut second = person("child", "Ange", "2015-01-20");
        second["id"] = json!(child.clone());
        op["data"]["members"][0]["id"] = json!(mine.clone());
        op["data"]["members"].as_array_mut().unwrap().push(second);
    });
    assert_eq!(status(&phone.one(&family).await), ("applied", ""));
    let op = |kind: &str, entity: String, data: Value| {
        json!({"op_id": fresh(&world), "type": kind, "entity": entity,
            "data": data})
    };
    let update = |entity: String, data: Value| with(op("update", entity, data), |op| op["base_version"] = json!(1));
    let consent = |data: Value| {
        let whole = with(data, |data| {
            for (name, value) in [("purpose", "photo"), ("wording", "2026-1"), ("decided_on", "2026-03-09")] {
                data[name] = json!(value);
            }
            data["given"] = json!(true);
        });
        op("consent", format!("consent/{}", fresh(&world)), whole)
    };
    let joins = json!({"household_id": there, "registered_on": "2026-03-09", "relationship": "other",
        "family_name": "Ndayizeye", "given_name": "Claude", "sex": "male", "birth_date": "1990-04-05"});
    let married = json!({"kind": "MARRIAGE", "on": "2026-03-10", "member_id": theirs, "from_household_id": there,
        "relationship": "spouse"});
    let died = json!({"kind": "DEATH", "on": "2026-03-10", "member_id": theirs});
    let unknown = ("rejected", "ENTITY_UNKNOWN");
    let cases = [
        (op("create", format!("member/{}", fresh(&world)), joins), unknown),
        (update(format!("household/{there}"), json!({"class": "INDIGENT"})), unknown),
        (update(format!("member/{theirs}"), json!({"occupation": "farmer"})), unknown),
        (op("event", format!("household/{there}"), died), unknown),
        (op("event", format!("household/{own}"), married), unknown),
        (consent(json!({"member_id": theirs})), unknown),
        // Nor does somebody there consent for a child here.
        (consent(json!({"member_id": child, "guardian_id": theirs})), ("rejected", "NOT_A_GUARDIAN")),
        (cash(&world, &there, 1, 100), unknown),
        // Nor is a household given away to where the agent has no say.
        (update(format!("household/{own}"), json!({"section_id": world.org("KAY-S2")})), unknown),
        (update(format!("member/{mine}"), json!({"occupation": "weaver"})), ("applied", "")),
    ];
    let before = rows(&world);
    let ops: Vec<Value> = cases.iter().map(|(op, _)| op.clone()).collect();
    let results = phone.push(&ops).await;
    for ((op, expected), result) in cases.iter().zip(&results) {
        assert_eq!(status(result), *expected, "{op} gave {result}");
        assert!(result.get("server_values").is_none(), "nothing of what is there is told: {result}");
    }
    let mut after = before;
    // The command of the one that was good.
    after.iter_mut().filter(|(table, _)| *table == "commands").for_each(|(_, count)| *count += 1);
    assert_eq!(rows(&world), after);
    let now = of_office(&world, &there).await;
    assert_eq!((&now.body["version"], &now.body["members"]), (&foreign.body["version"], &foreign.body["members"]));
    let now = of_office(&world, &own).await;
    assert_eq!(now.text("/section_id"), world.org("KAY-S1").to_string());
    let weaver = now.body["members"].as_array().unwrap().iter().find(|one| one["id"] == mine).unwrap();
    assert_eq!(weaver["occupation"], "weaver");
    assert_eq!(world.count("sync_proposals"), 9, "what was refused is with the office");
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

/// Two agents of one section, each with a device: neither is anything to the other.
#[actix_web::test]
async fn the_device_of_another_agent_is_not_there() {
    let mut world = World::new().await;
    let section = world.org("KAY-S1");
    world.add_user("agent2", Role::FieldAgent, section);
    let own = Phone::new(&world, "field_agent", "T1").await;
    let other = Phone::new(&world, "agent2", "T2").await;
    let body = own.envelope(&[home(&world, &fresh(&world), "Regine")]);
    // With the own key, and with the other's, should it have got into somebody's hands.
    let with_own_key = Phone { id: other.id.clone(), ..Phone::new(&world, "field_agent", "T3").await };
    assert_eq!(with_own_key.send(&body, None).await.expect(404).code(), "not_found");
    assert_eq!(with_own_key.pull("").await.expect(404).code(), "not_found");
    let block = format!("{}/devices/{}/number-blocks", world.mutual("KAY"), other.id);
    let ask = world.post(&block).as_("field_agent").json(json!({"id": fresh(&world), "count": 5}));
    assert_eq!(ask.send().await.expect(404).code(), "not_found");
    let with_its_key = Phone { user: "field_agent", ..other };
    assert_eq!(with_its_key.send(&body, None).await.expect(404).code(), "not_found");
    assert_eq!(with_its_key.pull("").await.expect(404).code(), "not_found");
    assert_eq!((world.count("households"), world.count("number_blocks")), (0, 0));
    // In the hands of its own agent it is.
    let right = Phone { user: "agent2", ..with_its_key };
    assert_eq!(right.send(&body, None).await.expect(200).body["results"][0]["status"], "applied");
}

#[actix_web::test]
async fn a_device_that_was_never_activated_gives_and_gets_nothing() {
    let world = World::new().await;
    let (id, _) = Phone::registered(&world, "field_agent", "T1").await;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let phone = Phone { world: &world, pair, id, user: "field_agent" };
    let body = phone.envelope(&[home(&world, &fresh(&world), "Regine")]);
    assert_eq!(phone.send(&body, None).await.expect(403).code(), "device_refused");
    assert_eq!(phone.pull("").await.expect(403).code(), "device_refused");
    let block = format!("{}/devices/{}/number-blocks", world.mutual("KAY"), phone.id);
    let ask = world.post(&block).as_("field_agent").json(json!({"id": fresh(&world), "count": 5}));
    assert_eq!(ask.send().await.expect(403).code(), "device_refused");
    assert_eq!((world.count("households"), world.count("held_pushes"), world.count("number_blocks")), (0, 0, 0));
}

#[actix_web::test]
async fn a_key_from_before_a_new_code_counts_no_more() {
    let world = World::new().await;
    let old = Phone::new(&world, "field_agent", "T1").await;
    let devices = format!("{}/devices", world.mutual("KAY"));
    let path = format!("{devices}/{}/code", old.id);
    let renewed = world.post(&path).as_("mutual_admin").header("If-Match", "\"v2\"").send().await.expect(200);
    assert_eq!(renewed.text("/device/state"), "PENDING");
    let body = old.envelope(&[home(&world, &fresh(&world), "Regine")]);
    // The code was given and not used yet: nothing of it is taken.
    assert_eq!(old.send(&body, None).await.expect(403).code(), "device_refused");
    assert_eq!(old.pull("").await.expect(403).code(), "device_refused");
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let asked = json!({"code": renewed.text("/code"), "public_key": key_of(&pair)});
    world.post(&format!("{devices}/activate")).as_("field_agent").json(asked).send().await.expect(200);
    assert_eq!(old.send(&body, None).await.expect(401).code(), "signature_refused");
    assert_eq!(world.count("households"), 0);
    let new = Phone { pair, ..old };
    assert_eq!(new.send(&body, None).await.expect(200).body["results"][0]["status"], "applied");
    assert_eq!(world.count("households"), 1);
}

/// Somebody is registered in another section already. The office hears of it, who sees both; the agent is not told of whom he
/// may not see, whether families are registered together or one by one.
#[actix_web::test]
async fn a_probable_duplicate_in_another_section_is_for_the_office_alone() {
    for together in [true, false] {
        let world = World::new().await;
        let named = |given: &str, family: &str| {
            let mut principal = person("principal", given, "1988-05-02");
            principal["family_name"] = json!(family);
            principal
        };
        let body = json!({"registered_on": "2026-03-01", "section_id": world.org("KAY-S2"),
            "members": [named("Régine", "Ndayishimiye")]});
        let path = format!("{}/households", world.mutual("KAY"));
        let there = world.post(&path).as_("mutual_admin").json(body).send().await.expect(201);
        let phone = Phone::new(&world, "field_agent", "T1").await;
        let twin = fresh(&world);
        let ops = [("Régine", "Ndayishimiye"), ("Jean Bosco", "Hakizimana")].map(|(given, family)| {
            with(home(&world, &fresh(&world), given), |op| op["data"]["members"][0] = named(given, family))
        });
        let ops = ops.map(|op| {
            let is_twin = op["data"]["members"][0]["family_name"] == "Ndayishimiye";
            if is_twin { with(op, |op| op["data"]["members"][0]["id"] = json!(twin.clone())) } else { op }
        });
        let results =
            if together { phone.push(&ops).await } else { vec![phone.one(&ops[0]).await, phone.one(&ops[1]).await] };
        for result in &results {
            assert_eq!((status(result), result.get("possible_duplicate_of")), (("applied", ""), None), "{together}");
        }
        let list = format!("{}/duplicates?state=OPEN", world.mutual("KAY"));
        let pairs = world.items("registrar", &list).await;
        assert_eq!(pairs.len(), 1, "{together}");
        let pair = (&pairs[0]["member"]["id"], &pairs[0]["other"]["id"]);
        assert_eq!(pair, (&json!(twin), &there.body["members"][0]["id"]), "{together}");
        // Who sees one of the two only sees no pair.
        assert!(world.items("section_registrar", &list).await.is_empty(), "{together}");
    }
}
