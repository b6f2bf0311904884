//! Devices of field agents: what they are given, what they push, what they pull, and what the office decides.
use crate::support::World;
use crate::support::database::start;
use crate::support::register::{bands, person};
use crate::support::world::Answer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ayni::access::permissions::Role;
use ayni::field::signatures::signed_text;
use ayni::ids::*;
use chrono::Duration;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::io::Write as _;

/// A device in an agent's hand.
pub(super) struct Phone<'w> {
    pub(super) world: &'w World,
    pub(super) pair: Ed25519KeyPair,
    pub(super) id: String,
    pub(super) user: &'static str,
}

pub(super) fn fresh(world: &World) -> String {
    world.test.db.ids().next::<kind::Command>().to_string()
}

pub(super) fn key_of(pair: &Ed25519KeyPair) -> String {
    BASE64URL_NOPAD.encode(pair.public_key().as_ref())
}

impl<'w> Phone<'w> {
    pub(super) async fn new(world: &'w World, user: &'static str, code: &str) -> Phone<'w> {
        let (id, once) = Phone::registered(world, user, code).await;
        let seed: Vec<u8> = code.bytes().chain([1; 32]).take(32).collect();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let body = json!({"code": once, "public_key": key_of(&pair)});
        let path = format!("{}/devices/activate", world.mutual("KAY"));
        let answer = world.post(&path).as_(user).json(body).send().await.expect(200);
        assert_eq!(answer.text("/state"), "ACTIVE");
        Phone { world, pair, id, user }
    }

    pub(super) async fn registered(world: &World, user: &str, code: &str) -> (String, String) {
        let body = json!({"id": fresh(world), "agent_id": world.users[user], "code": code, "name": "Phone"});
        let path = format!("{}/devices", world.mutual("KAY"));
        let answer = world.post(&path).as_("mutual_admin").json(body.clone()).send().await.expect(201);
        // A repetition shows the device and no code.
        let again = world.post(&path).as_("mutual_admin").json(body).send().await.expect(200);
        assert_eq!(again.body["code"], Value::Null);
        (answer.text("/device/id"), answer.text("/code"))
    }

    pub(super) fn envelope(&self, ops: &[Value]) -> Value {
        json!({"batch_id": fresh(self.world), "device_time": "2026-03-10T14:02:11+02:00", "schema": 1, "ops": ops})
    }

    pub(super) async fn send(&self, body: &Value, signature: Option<String>) -> Answer {
        let path = format!("{}/sync/push", self.world.mutual("KAY"));
        let at = "2031-01-01T00:00:00Z";
        let signed = signed_text("POST", &format!("/api/v1{path}"), at, body.to_string().as_bytes());
        let own = || BASE64URL_NOPAD.encode(self.pair.sign(signed.as_bytes()).as_ref());
        let ask = self.world.post(&path).as_(self.user).json(body.clone()).header("Ayni-Device", &self.id);
        ask.header("Ayni-Timestamp", at).header("Ayni-Signature", &signature.unwrap_or_else(own)).send().await
    }

    /// Sends operations; gives their results.
    pub(super) async fn push(&self, ops: &[Value]) -> Vec<Value> {
        let answer = self.send(&self.envelope(ops), None).await.expect(200);
        assert_eq!(answer.body["wipe"], false);
        let results = answer.body["results"].as_array().unwrap().clone();
        assert_eq!(results.len(), ops.len(), "{}", answer.text);
        results
    }

    pub(super) async fn one(&self, op: &Value) -> Value {
        self.push(std::slice::from_ref(op)).await.remove(0)
    }

    pub(super) async fn pull(&self, more: &str) -> Answer {
        let path = format!("{}/sync/pull?device_id={}{more}", self.world.mutual("KAY"), self.id);
        self.world.get(&path).as_(self.user).send().await
    }

    /// Pulls to the end; gives the last cursor and what came, by entity.
    pub(super) async fn all(&self, cursor: Option<String>) -> (String, Vec<Value>) {
        let (mut cursor, mut items) = (cursor, Vec::new());
        loop {
            let after = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let answer = self.pull(&format!("&limit=2{after}")).await.expect(200);
            items.extend(answer.body["items"].as_array().unwrap().iter().cloned());
            cursor = Some(answer.text("/next_cursor"));
            if answer.body["has_more"] == false {
                assert!(answer.body["account"].is_object(), "{}", answer.text);
                return (cursor.unwrap(), items);
            }
        }
    }
}

/// An operation that registers a household of one person.
pub(super) fn home(world: &World, id: &str, name: &str) -> Value {
    let mut principal = person("principal", name, "1988-05-02");
    principal["family_name"] = json!(format!("Family of {name}"));
    json!({"op_id": fresh(world), "type": "create", "entity": format!("household/{id}"),
        "captured_at": "2026-03-09T09:14:00+02:00", "data": {"registered_on": "2026-03-09", "members": [principal]}})
}

pub(super) fn cash(world: &World, household: &str, number: i64, amount: i64) -> Value {
    json!({"op_id": fresh(world), "type": "payment", "entity": format!("payment/{}", fresh(world)), "data": {
        "household_id": household, "amount_minor": amount, "currency": "BIF", "received_on": "2026-03-09",
        "receipt_number": number}})
}

pub(super) fn status(result: &Value) -> (&str, &str) {
    (result["status"].as_str().unwrap(), result["code"].as_str().unwrap_or(""))
}

pub(super) fn with(mut op: Value, change: impl Fn(&mut Value)) -> Value {
    change(&mut op);
    op
}

/// Families of one push are registered together; what is written of them, and told, is what is of one after the other.
#[actix_web::test]
async fn families_of_one_push_are_as_if_they_came_one_by_one() {
    let mut found = Vec::new();
    for together in [true, false] {
        let world = World::new().await;
        let phone = Phone::new(&world, "field_agent", "T1").await;
        let block = format!("{}/devices/{}/number-blocks", world.mutual("KAY"), phone.id);
        let block = world.post(&block).as_("field_agent").json(json!({"id": fresh(&world), "count": 3})).send().await;
        let card = block.expect(201).body["card_numbers"][1].clone();
        let mut ops: Vec<Value> =
            ["Aline", "Beatrice", "Aline", "Chloe"].iter().map(|name| home(&world, &fresh(&world), name)).collect();
        ops[1]["data"]["phone"] = json!("79 123 456");
        ops[1]["data"]["members"][0]["card_number"] = card;
        ops[3]["data"]["number"] = json!("OLD-7");
        let mut child = person("child", "Dona", "2020-02-03");
        child["phone"] = json!("+25779123457");
        ops[3]["data"]["members"].as_array_mut().unwrap().push(child);
        // Somebody pays who was registered in the same push.
        let household = ops[2]["entity"].as_str().unwrap().replace("household/", "");
        let payment = with(cash(&world, &household, 1, 500), |op| op["depends_on"] = json!([ops[2]["op_id"]]));
        ops.insert(3, payment);
        let results = if together {
            phone.push(&ops).await
        } else {
            let mut each = Vec::new();
            for op in &ops {
                each.push(phone.one(op).await);
            }
            each
        };
        let told: Vec<(String, bool)> = results
            .iter()
            .map(|result| (result["status"].to_string(), result["possible_duplicate_of"].is_string()))
            .collect();
        assert_eq!(told.iter().map(|(_, flagged)| *flagged).collect::<Vec<_>>(), [false, false, true, false, false]);
        let again = phone.push(&ops).await;
        assert!(again.iter().all(|result| result["status"] == "replayed"), "{again:?}");
        let counts: Vec<(String, usize)> =
            crate::support::rows::dump(&world.test).into_iter().map(|(table, rows)| (table, rows.len())).collect();
        let mut conn = world.test.owner();
        let mut list = |columns_and_rest: &str| crate::support::rows::texts(&mut conn, columns_and_rest);
        let rows = [
            list("number || class || registered_on || coalesce(phone, '') FROM households"),
            list("card_number || folded_name || coalesce(phone, '') FROM members"),
            list("key FROM match_keys"),
            list("word FROM name_words"),
            list("entity_kind FROM changes_pending"),
            list("fields FROM audit_rows WHERE route LIKE '%push'"),
            list("CAST(month AS text) FROM fact_marks"),
            list("CAST(score AS text) FROM possible_duplicates"),
        ]
        .map(|mut rows| {
            rows.sort();
            assert!(!rows.is_empty());
            rows
        });
        assert_eq!(rows[0].len(), 4);
        found.push((told, counts, rows));
    }
    let parts = found.pop().unwrap();
    assert_eq!(found.pop().unwrap(), parts);
}

/// What an earlier operation of the push names is not registered before it.
#[actix_web::test]
async fn families_do_not_overtake_what_names_them() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let settled = fresh(&world);
    let mut first = home(&world, &settled, "Zoe");
    let second = json!({"id": fresh(&world), "relationship": "other", "family_name": "Zed", "given_name": "Yann",
        "sex": "male", "birth_date": "1990-04-05"});
    first["data"]["members"].as_array_mut().unwrap().push(second.clone());
    assert_eq!(status(&phone.one(&first).await), ("applied", ""));
    let part = json!({"op_id": fresh(&world), "type": "event", "entity": format!("household/{settled}"), "data": {
        "kind": "SEPARATION", "on": "2026-03-10", "number": "OLD-9",
        "members": [{"member_id": second["id"], "relationship": "principal"}]}});
    let early = fresh(&world);
    let update = json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{early}"),
        "base_version": 1, "data": {"class": "INDIGENT"}});
    let numbered = with(home(&world, &fresh(&world), "Berthe"), |op| op["data"]["number"] = json!("OLD-9"));
    let ops = [
        part,
        update,
        home(&world, &fresh(&world), "Aline"),
        numbered,
        home(&world, &early, "Celine"),
        home(&world, &fresh(&world), "Denise"),
    ];
    let results = phone.push(&ops).await;
    let told: Vec<(&str, &str)> = results.iter().map(status).collect();
    let applied = ("applied", "");
    let expected = [applied, ("rejected", "ENTITY_UNKNOWN"), applied, ("rejected", "NUMBER_TAKEN"), applied, applied];
    assert_eq!(told, expected);
}

/// Where one of the families of a push cannot be registered, the others are, and no number is lost.
#[actix_web::test]
async fn a_family_that_cannot_be_registered_holds_up_no_other_of_its_push() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let mut taken = home(&world, &fresh(&world), "Zoe");
    taken["data"]["number"] = json!("OLD-7");
    assert_eq!(status(&phone.one(&taken).await), ("applied", ""));
    let fresh_home = |name: &str| home(&world, &fresh(&world), name);
    let numbered = |name: &str| with(fresh_home(name), |op| op["data"]["number"] = json!("OLD-7"));
    let other = Phone::new(&world, "field_agent", "T2").await;
    let block = format!("{}/devices/{}/number-blocks", world.mutual("KAY"), other.id);
    let block = world.post(&block).as_("field_agent").json(json!({"id": fresh(&world), "count": 3})).send().await;
    let card = block.expect(201).body["card_numbers"][0].clone();
    let no_head = with(fresh_home("Gaston"), |op| op["data"]["members"][0]["relationship"] = json!("child"));
    let foreign = with(fresh_home("Hugo"), |op| op["data"]["members"][0]["card_number"] = card.clone());
    let same = fresh_home("Irene");
    let of_same_id = with(fresh_home("Jeanne"), |op| op["entity"] = same["entity"].clone());
    let ops = [fresh_home("Aline"), numbered("Berthe"), fresh_home("Celine"), no_head, foreign, same, of_same_id];
    let results = phone.push(&ops).await;
    let told: Vec<(&str, &str)> = results.iter().map(status).collect();
    assert_eq!(
        told,
        [
            ("applied", ""),
            ("rejected", "NUMBER_TAKEN"),
            ("applied", ""),
            ("rejected", "NO_PRINCIPAL"),
            ("rejected", "NUMBER_NOT_GIVEN"),
            ("applied", ""),
            ("rejected", "ENTITY_EXISTS"),
        ]
    );
    let mut conn = world.test.owner();
    let mut numbers = crate::support::rows::texts(&mut conn, "number FROM households");
    numbers.sort();
    assert_eq!(numbers, ["H000001", "H000002", "H000003", "OLD-7"]);
}

#[actix_web::test]
async fn a_device_is_registered_activated_lost_and_revoked() {
    let world = World::new().await;
    let devices = format!("{}/devices", world.mutual("KAY"));
    // Only an agent of the mutual carries one, and a code names one device.
    let body = json!({"agent_id": world.users["registrar"], "code": "T0", "name": "Phone"});
    let refused = world.post(&devices).as_("mutual_admin").json(body).send().await.expect(404);
    assert_eq!(refused.pointers(), ["/agent_id"]);
    let (id, code) = Phone::registered(&world, "field_agent", "T1").await;
    let body = json!({"agent_id": world.users["field_agent"], "code": "T1", "name": "Other"});
    world.post(&devices).as_("mutual_admin").json(body).send().await.expect(409);

    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let activate = |code: &str, key: &str| {
        let body = json!({"code": code, "public_key": key});
        world.post(&format!("{devices}/activate")).as_("field_agent").json(body).send()
    };
    assert_eq!(activate("AAAA-BBBB-CCCC-DDDD", &key_of(&pair)).await.expect(401).code(), "code_refused");
    assert_eq!(activate(&code, "no key").await.expect(422).pointers(), ["/public_key"]);
    assert_eq!(activate(&code, "AAAA").await.expect(422).pointers(), ["/public_key"]);
    world.test.clock.set(start() + Duration::minutes(15));
    assert_eq!(activate(&code, &key_of(&pair)).await.expect(401).code(), "code_refused");
    let step = |what: &str, version: i64| {
        let ask = world.post(&format!("{devices}/{id}/{what}")).as_("mutual_admin");
        ask.header("If-Match", &format!("\"v{version}\"")).send()
    };
    let code = step("code", 1).await.expect(200).text("/code");
    assert_eq!(step("lost", 2).await.expect(409).code(), "wrong_state");
    activate(&code.to_lowercase(), &key_of(&pair)).await.expect(200);
    assert_eq!(activate(&code, &key_of(&pair)).await.expect(401).code(), "code_refused", "a code is used once");

    assert_eq!(step("lost", 2).await.expect(412).code(), "version_mismatch");
    assert_eq!(step("lost", 3).await.expect(200).text("/state"), "LOST");
    let phone = Phone { world: &world, pair, id: id.clone(), user: "field_agent" };
    let answer = phone.send(&phone.envelope(&[home(&world, &fresh(&world), "Held")]), None).await.expect(200);
    assert_eq!((&answer.body["wipe"], &answer.body["results"]), (&json!(true), &json!([])));
    let pulled = phone.pull("").await.expect(200);
    assert_eq!((&pulled.body["wipe"], &pulled.body["items"]), (&json!(true), &json!([])));
    assert_eq!(world.test.count("households"), 0);

    // The office looks at what the lost device sent, and lets it count.
    let list = format!("{}/held-pushes?state=HELD", world.mutual("KAY"));
    let held = world.items("mutual_admin", &list).await;
    assert_eq!(held.len(), 1);
    let path = format!("{}/held-pushes/{}/apply", world.mutual("KAY"), held[0]["id"].as_str().unwrap());
    let body = json!({"note": "The agent found it"});
    let ask = || world.post(&path).as_("mutual_admin").json(body.clone()).header("If-Match", "\"v1\"");
    let applied = ask().send().await.expect(200);
    assert_eq!(status(&applied.body["results"][0]), ("applied", ""));
    assert_eq!(world.test.count("households"), 1);
    ask().send().await.expect(412);
    assert!(world.items("mutual_admin", &list).await.is_empty());

    assert_eq!(step("revoke", 4).await.expect(200).text("/state"), "REVOKED");
    assert_eq!(phone.pull("").await.expect(403).code(), "device_refused");
    let more = phone.envelope(&[home(&world, &fresh(&world), "More")]);
    assert_eq!(phone.send(&more, None).await.expect(403).code(), "device_refused");
    assert_eq!(step("code", 5).await.expect(409).code(), "wrong_state");
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn numbers_are_given_ahead_and_come_back() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let ask = |phone: &Phone, count: i64| {
        let path = format!("{}/devices/{}/number-blocks", world.mutual("KAY"), phone.id);
        world.post(&path).as_("field_agent").json(json!({"id": fresh(&world), "count": count})).send()
    };
    let numbers =
        |answer: Answer| -> Vec<String> { serde_json::from_value(answer.body["card_numbers"].clone()).unwrap() };
    let first = numbers(ask(&phone, 5).await.expect(201));
    assert_eq!(first.len(), 5);
    assert!(first.iter().all(|number| ayni::households::rules::is_valid_card_number(number)), "{first:?}");
    for wrong in [0, 501] {
        assert_eq!(ask(&phone, wrong).await.expect(422).pointers(), ["/count"]);
    }
    let with_card = |name: &str, number: &str| {
        with(home(&world, &fresh(&world), name), |op| op["data"]["members"][0]["card_number"] = json!(number))
    };
    let result = phone.one(&with_card("Carded", &first[0])).await;
    assert_eq!(status(&result), ("applied", ""));
    let taken = phone.one(&with_card("Other", &first[0])).await;
    assert_eq!(status(&taken), ("rejected", "NUMBER_TAKEN"));
    let other = Phone::new(&world, "field_agent", "T2").await;
    let foreign = other.one(&with_card("Foreign", &first[1])).await;
    assert_eq!(status(&foreign), ("rejected", "NUMBER_NOT_GIVEN"));
    assert_eq!(foreign["fields"], json!(["members/0/card_number"]));
    // Who gets no number ahead gets the next of the series, beyond every block.
    let plain = fresh(&world);
    assert_eq!(status(&other.one(&home(&world, &plain, "Plain")).await), ("applied", ""));
    let cards: Vec<String> = world
        .items("mutual_admin", &format!("{}/members?household_id={plain}", world.mutual("KAY")))
        .await
        .iter()
        .map(|member| member["card_number"].as_str().unwrap().to_owned())
        .collect();
    assert!(cards.len() == 1 && !first.contains(&cards[0]) && cards[0] > first[4]);

    // After 60 days what was not used goes to another device: four are left, so five are new ones.
    world.test.clock.set(start() + Duration::days(61));
    let new = numbers(ask(&other, 5).await.expect(201));
    assert!(new.iter().all(|number| !first.contains(number)));
    let again = numbers(ask(&other, 3).await.expect(201));
    assert_eq!(again, first[2..]);
    let late = with(with_card("Late", &first[3]), |op| op["data"]["registered_on"] = json!("2026-05-01"));
    let late = with(late, |op| op["op_id"] = json!(fresh(&world)));
    assert_eq!(status(&phone.one(&late).await).0, "conflict", "its clock stands still");
}

#[actix_web::test]
async fn what_is_pushed_is_done_once_and_answered_again() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    let create = home(&world, &household, "Regine");
    let member = fresh(&world);
    let ops = vec![
        create.clone(),
        with(cash(&world, &household, 1, 5_000), |op| op["depends_on"] = json!([create["op_id"]])),
        json!({"op_id": fresh(&world), "type": "create", "entity": format!("member/{member}"), "data": {
            "household_id": household, "registered_on": "2026-03-09", "relationship": "child",
            "family_name": "Ndayizeye", "given_name": "Ange", "sex": "male", "birth_date": "2015-01-20"}}),
        json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{household}"), "base_version": 1,
            "data": {"phone": "+25779000002"}}),
        json!({"op_id": fresh(&world), "type": "update", "entity": format!("member/{member}"), "base_version": 1,
            "data": {"occupation": "pupil"}}),
    ];
    let first = phone.push(&ops).await;
    let versions: Vec<_> = first.iter().map(|result| (status(result), result["version"].clone())).collect();
    assert_eq!(versions.len(), 5);
    for (at, expected) in [1, 1, 1, 2, 2].into_iter().enumerate() {
        assert_eq!(versions[at], (("applied", ""), json!(expected)), "{at}");
    }
    let rows =
        || ["households", "members", "payments", "receipts", "audit_rows", "commands"].map(|t| world.test.count(t));
    let before = rows();
    let again = phone.push(&ops).await;
    for (one, two) in first.iter().zip(&again) {
        assert_eq!(
            (two["status"].as_str(), &two["version"], &two["op_id"]),
            (Some("replayed"), &one["version"], &one["op_id"])
        );
    }
    assert_eq!(rows(), before);
    let reused = with(create.clone(), |op| op["data"]["class"] = json!("INDIGENT"));
    assert_eq!(status(&phone.one(&reused).await), ("rejected", "OP_ID_REUSED"));
    let twice = with(create.clone(), |op| op["op_id"] = json!(fresh(&world)));
    assert_eq!(status(&phone.one(&twice).await), ("rejected", "ENTITY_EXISTS"));
    // After ninety days the results are forgotten, and what was done stands all the same.
    world.test.execute("UPDATE sync_results SET recorded_at = '2025-01-01 00:00:00'");
    phone.push(&[cash(&world, &household, 2, 100)]).await;
    let late = phone.push(&ops[..3]).await;
    assert_eq!(late.iter().map(status).collect::<Vec<_>>(), [("applied", ""); 3]);
    assert_eq!(world.test.count("payments"), 2);

    // Events and consents.
    let principal =
        world.items("mutual_admin", &format!("{}/members?household_id={household}", world.mutual("KAY"))).await;
    let principal = principal.iter().find(|one| one["relationship"] == "principal").unwrap()["id"].clone();
    let results = phone
        .push(&[
            json!({"op_id": fresh(&world), "type": "consent", "entity": format!("consent/{}", fresh(&world)), "data": {
                "member_id": principal, "purpose": "photo", "wording": "2026-1", "given": false, "decided_on": "2026-03-09"}}),
            json!({"op_id": fresh(&world), "type": "event", "entity": format!("household/{household}"), "data": {
                "kind": "DEATH", "on": "2026-03-10", "member_id": member}}),
        ])
        .await;
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [("applied", ""); 2], "{results:?}");
    // The due of an admission takes what was collected before; the receipts are in the agent's float.
    world.enrolled(&household, &product, "2026-03-10").await;
    let account = phone.pull("&limit=500").await.expect(200);
    assert_eq!(account.body["account"]["float_minor"], 5_100);
    assert_eq!(account.body["receipts"][0]["label"], "D.T1-2026");
    let item = &account.body["items"][0]["household"];
    let mut given: Vec<&str> =
        item["receipts"].as_array().unwrap().iter().map(|row| row["receipt"].as_str().unwrap()).collect();
    given.sort_unstable();
    assert_eq!(given, ["D.T1-2026-000001", "D.T1-2026-000002"]);
    assert_eq!(item["members"].as_array().unwrap().len(), 1 + 1, "who died today is there today: {item}");
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn wrong_operations_have_their_codes_and_the_others_go_on() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let foreign = world.home(Some("KAY-S2"), "STANDARD", 1).await.text("/id");
    let own = fresh(&world);
    let update = |id: &str, base: i64, data: Value| json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{id}"), "base_version": base, "data": data});
    let cases = [
        (home(&world, &own, "Own"), "applied", ""),
        (with(home(&world, &fresh(&world), "A"), |op| op["type"] = json!("upsert")), "rejected", "UNKNOWN_TYPE"),
        (with(home(&world, &fresh(&world), "B"), |op| op["entity"] = json!("hill/1")), "rejected", "UNKNOWN_ENTITY"),
        (with(home(&world, &fresh(&world), "C"), |op| op["data"]["mood"] = json!(1)), "rejected", "UNKNOWN_FIELD"),
        (with(home(&world, &fresh(&world), "D"), |op| op["op_id"] = json!("one")), "rejected", "OP_ID_MISSING"),
        (with(home(&world, &fresh(&world), "E"), |op| op["data"]["members"] = json!([])), "rejected", "OUT_OF_BOUNDS"),
        (
            with(home(&world, &fresh(&world), "F"), |op| op["data"]["members"][0]["relationship"] = json!("child")),
            "rejected",
            "NO_PRINCIPAL",
        ),
        (
            with(home(&world, &fresh(&world), "G"), |op| op["data"]["section_id"] = json!(world.org("KAY-S2"))),
            "rejected",
            "ENTITY_UNKNOWN",
        ),
        (
            with(home(&world, &fresh(&world), "H"), |op| op["data"]["registered_on"] = json!("2026-03-11")),
            "rejected",
            "FUTURE_DATE",
        ),
        (
            with(home(&world, &fresh(&world), "I"), |op| op["data"]["registered_on"] = json!("2025-12-31")),
            "rejected",
            "DATE_OUT_OF_WINDOW",
        ),
        (update(&foreign, 1, json!({"class": "INDIGENT"})), "rejected", "ENTITY_UNKNOWN"),
        (update(&fresh(&world), 1, json!({"class": "INDIGENT"})), "rejected", "ENTITY_UNKNOWN"),
        (cash(&world, &foreign, 1, 100), "rejected", "ENTITY_UNKNOWN"),
        (with(cash(&world, &own, 1, 100), |op| op["data"]["currency"] = json!("XOF")), "rejected", "CURRENCY_MISMATCH"),
        (cash(&world, &own, 1, 0), "rejected", "AMOUNT_REFUSED"),
        (cash(&world, &own, 0, 100), "rejected", "OUT_OF_BOUNDS"),
        (cash(&world, &own, 3, 100), "applied", ""),
        (cash(&world, &own, 3, 100), "rejected", "NUMBER_TAKEN"),
        (
            with(cash(&world, &own, 4, 100), |op| op["depends_on"] = json!([fresh(&world)])),
            "blocked",
            "DEPENDENCY_FAILED",
        ),
        (json!(7), "rejected", "OP_ID_MISSING"),
        (update(&own, 1, json!({"class": "INDIGENT"})), "applied", ""),
    ];
    let ops: Vec<Value> = cases.iter().map(|(op, ..)| op.clone()).collect();
    let results = phone.push(&ops).await;
    for ((op, expected, code), result) in cases.iter().zip(&results) {
        assert_eq!(status(result), (*expected, *code), "{op} gave {result}");
    }
    assert_eq!(world.test.count("payments"), 1);
    // What came to nothing is with the office, but for what is blocked.
    let kept = cases.iter().filter(|(_, status, _)| *status == "rejected").count();
    assert_eq!(world.test.count("sync_proposals"), i64::try_from(kept).unwrap());
    // The receipts that have not arrived are seen.
    let detail = world.get(&format!("{}/devices/{}", world.mutual("KAY"), phone.id)).as_("mutual_admin").send().await;
    assert_eq!(detail.expect(200).body["receipts"][0]["gaps"], json!([1, 2]));
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);

    // The envelope, the signature, and who sends.
    let good = phone.envelope(&[home(&world, &fresh(&world), "Z")]);
    let households = world.test.count("households");
    for (change, status, code) in [
        (json!({"schema": 9}), 422, "invalid"),
        (json!({"ops": []}), 422, "invalid"),
        (json!({"ops": vec![json!({}); 101]}), 422, "invalid"),
        (json!({"batch_id": "x"}), 422, "invalid"),
        (json!({"more": 1}), 422, "invalid"),
    ] {
        let body = with(good.clone(), |body| body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone()));
        assert_eq!(phone.send(&body, None).await.expect(status).code(), code, "{change}");
    }
    let other = BASE64URL_NOPAD.encode(&[0; 64]);
    assert_eq!(phone.send(&good, Some(other)).await.expect(401).code(), "signature_refused");
    assert_eq!(phone.send(&good, Some("?".into())).await.expect(401).code(), "signature_refused");
    let stranger = Phone { user: "field_agent", id: fresh(&world), ..Phone::new(&world, "field_agent", "T9").await };
    assert_eq!(stranger.send(&good, None).await.expect(404).code(), "not_found");
    assert_eq!(world.test.count("households"), households);
}

/// A body as bytes, compressed or cut.
async fn raw(phone: &Phone<'_>, plain: &[u8], sent: Vec<u8>, encoding: Option<&str>) -> (u16, Value) {
    let path = format!("/api/v1{}/sync/push", phone.world.mutual("KAY"));
    let signed = signed_text("POST", &path, "now", plain);
    let signature = BASE64URL_NOPAD.encode(phone.pair.sign(signed.as_bytes()).as_ref());
    let mut request = actix_web::test::TestRequest::post()
        .uri(&path)
        .peer_addr("127.0.0.1:50000".parse().unwrap())
        .insert_header(("Authorization", format!("Bearer {}", phone.world.token(phone.user))))
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Ayni-Device", phone.id.clone()))
        .insert_header(("Ayni-Timestamp", "now"))
        .insert_header(("Ayni-Signature", signature))
        .set_payload(sent);
    if let Some(encoding) = encoding {
        request = request.insert_header(("Content-Encoding", encoding));
    }
    let answer = phone.world.raw(request.to_request()).await;
    (answer.status, answer.body)
}

#[actix_web::test]
async fn a_body_may_be_compressed_and_must_be_whole() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let plain = phone.envelope(&[home(&world, &fresh(&world), "Zipped")]).to_string().into_bytes();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&plain).unwrap();
    let packed = packed.finish().unwrap();
    let half = packed[..packed.len() / 2].to_vec();
    assert_eq!(raw(&phone, &plain, half, Some("gzip")).await.0, 400);
    assert_eq!(raw(&phone, &plain[..40], plain[..40].to_vec(), None).await.0, 400);
    assert_eq!(raw(&phone, &plain, packed.clone(), Some("br")).await.0, 415);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 3 * 1024 * 1024]).unwrap();
    assert_eq!(raw(&phone, &plain, bomb.finish().unwrap(), Some("gzip")).await.0, 413);
    assert_eq!(world.test.count("households"), 0);
    let (status, body) = raw(&phone, &plain, packed, Some("gzip")).await;
    assert_eq!((status, &body["results"][0]["status"]), (200, &json!("applied")));
}

#[actix_web::test]
async fn a_group_is_done_whole_or_not_at_all() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let grouped = |op: Value, name: &str| with(op, |op| op["group"] = json!(name));
    let (one, two, three) = (fresh(&world), fresh(&world), fresh(&world));
    let bad = with(cash(&world, &one, 1, 100), |op| op["data"]["currency"] = json!("XOF"));
    let results = phone
        .push(&[
            grouped(home(&world, &one, "One"), "a"),
            grouped(bad, "a"),
            grouped(home(&world, &two, "Two"), "b"),
            grouped(cash(&world, &two, 1, 100), "b"),
            home(&world, &three, "Three"),
            grouped(home(&world, &fresh(&world), "Four"), "b"),
        ])
        .await;
    let found: Vec<_> = results.iter().map(status).collect();
    assert_eq!(
        found,
        [
            ("rejected", "GROUP_FAILED"),
            ("rejected", "CURRENCY_MISMATCH"),
            ("applied", ""),
            ("applied", ""),
            ("applied", ""),
            ("rejected", "GROUP_SPLIT"),
        ]
    );
    assert_eq!((world.test.count("households"), world.test.count("payments")), (2, 1));
}

#[actix_web::test]
async fn a_conflict_is_decided_in_the_office_and_then_counts() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    phone.one(&home(&world, &household, "Regine")).await;
    let path = format!("{}/households/{household}", world.mutual("KAY"));
    let office = |data: Value, version: i64| {
        world.patch(&path).as_("registrar").json(data).header("If-Match", &format!("\"v{version}\"")).send()
    };
    office(json!({"class": "INDIGENT"}), 1).await.expect(200);
    let update = |data: Value| {
        json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{household}"), "base_version": 1,
            "data": data})
    };
    let merged = phone.one(&update(json!({"phone": "+25779000003"}))).await;
    assert_eq!((status(&merged), &merged["version"]), (("merged", ""), &json!(3)));
    let clash = update(json!({"class": "STUDENT", "phone": "+25779000004"}));
    let result = phone.one(&clash).await;
    assert_eq!((status(&result), &result["version"]), (("conflict", "FIELD_CONFLICT"), &json!(3)));
    assert_eq!(result["fields"], json!(["class", "phone"]));
    assert_eq!(result["server_values"], json!({"class": "INDIGENT", "phone": "+25779000003"}));
    let waits = with(cash(&world, &household, 1, 700), |op| op["depends_on"] = json!([clash["op_id"]]));
    assert_eq!(status(&phone.one(&waits).await), ("blocked", "DEPENDENCY_FAILED"));

    let list = format!("{}/proposals?state=OPEN", world.mutual("KAY"));
    let open = world.items("mutual_admin", &list).await;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["code"], &open[0]["operation"]["data"]["class"]),
        (&json!("FIELD_CONFLICT"), &json!("STUDENT"))
    );
    let id = open[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{}/proposals/{id}", world.mutual("KAY"));
    let accept = |user: &str, data: Value| {
        let body = json!({"id": fresh(&world), "data": data, "note": "Asked the agent"});
        world.post(&format!("{path}/accept")).as_(user).json(body).header("If-Match", "\"v1\"").send()
    };
    let wrong = accept("mutual_admin", json!({"class": "no class"})).await.expect(422);
    assert_eq!(wrong.pointers(), ["/data/class"]);
    let done = accept("mutual_admin", json!({"class": "STUDENT"})).await.expect(200);
    assert_eq!(done.text("/state"), "ACCEPTED");
    accept("mutual_admin", json!({"class": "STUDENT"})).await.expect(412);
    let now = world.get(&format!("{}/households/{household}", world.mutual("KAY"))).as_("registrar").send().await;
    assert_eq!((now.text("/class"), now.text("/phone")), ("STUDENT".into(), "+25779000003".into()));
    let again = phone.one(&clash).await;
    assert_eq!((status(&again), &again["version"]), (("replayed", ""), &json!(4)));
    assert_eq!(status(&phone.one(&waits).await), ("applied", ""));

    // Money is accepted by who records payments; a clock that is wrong makes what opens rights wait for that.
    let late = cash(&world, &household, 2, 900);
    let body =
        with(phone.envelope(std::slice::from_ref(&late)), |body| body["device_time"] = json!("2031-03-10T12:00:00Z"));
    let skewed = phone.send(&body, None).await.expect(200);
    assert_eq!(status(&skewed.body["results"][0]), ("conflict", "CLOCK_SKEW"));
    assert_eq!(skewed.body["results"][0]["fields"], json!(["received_on"]));
    let path = format!("{}/proposals/{}", world.mutual("KAY"), late["op_id"].as_str().unwrap());
    let accept = |user: &str| {
        let ask = world.post(&format!("{path}/accept")).as_(user).json(json!({"id": fresh(&world)}));
        ask.header("If-Match", "\"v1\"").send()
    };
    assert_eq!(accept("registrar").await.expect(403).code(), "forbidden");
    accept("mutual_admin").await.expect(200);
    assert_eq!(status(&phone.one(&late).await), ("replayed", ""));
    assert_eq!(world.test.count("payments"), 2);
    let float = phone.pull("").await.expect(200).body["account"]["float_minor"].clone();
    assert_eq!(float, json!(1_600));
    // A discarded one is over.
    let bad = update(json!({"class": "no class"}));
    assert_eq!(status(&phone.one(&bad).await).0, "rejected");
    let path = format!("{}/proposals/{}/discard", world.mutual("KAY"), bad["op_id"].as_str().unwrap());
    let ask = || world.post(&path).as_("registrar").json(json!({"note": "A slip"}));
    ask().send().await.expect(428);
    ask().header("If-Match", "\"v1\"").send().await.expect(200);
    assert_eq!(ask().header("If-Match", "\"v2\"").send().await.expect(409).code(), "wrong_state");
    assert!(world.items("mutual_admin", &list).await.is_empty());
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn a_pull_brings_what_is_in_the_sections_and_takes_away_what_left() {
    let world = World::new().await;
    let mut homes = Vec::new();
    for _ in 0..5 {
        homes.push(world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id"));
    }
    let foreign = world.home(Some("KAY-S2"), "STANDARD", 1).await.text("/id");
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (cursor, items) = phone.all(None).await;
    let mut seen: Vec<String> =
        items.iter().map(|item| item["entity"].as_str().unwrap().replace("household/", "")).collect();
    seen.sort();
    seen.dedup();
    homes.sort();
    assert_eq!(seen, homes);
    assert!(items.iter().all(|item| item["household"]["members"].as_array().unwrap().len() == 2));
    let (same, nothing) = phone.all(Some(cursor.clone())).await;
    assert!(nothing.is_empty() && same == cursor);

    // One changes, one leaves the section, one comes into it, one is registered.
    let change = |id: &str, data: Value| {
        let ask = world.patch(&format!("{}/households/{id}", world.mutual("KAY"))).as_("registrar").json(data);
        ask.header("If-Match", "\"v1\"").send()
    };
    change(&homes[0], json!({"class": "INDIGENT"})).await.expect(200);
    change(&homes[1], json!({"section_id": world.org("KAY-S2")})).await.expect(200);
    change(&foreign, json!({"section_id": world.org("KAY-S1")})).await.expect(200);
    world.payment(&homes[2], 500, "2026-03-10").await.expect(201);
    let (after, items) = phone.all(Some(cursor.clone())).await;
    let told: Vec<(String, bool)> = items
        .iter()
        .map(|item| (item["entity"].as_str().unwrap().replace("household/", ""), item["deleted"] == true))
        .collect();
    let mut expected =
        vec![(homes[0].clone(), false), (homes[1].clone(), true), (foreign.clone(), false), (homes[2].clone(), false)];
    expected.sort();
    let mut found = told.clone();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(items.iter().find(|item| item["deleted"] == true).unwrap()["reason"], "OUT_OF_SCOPE");
    let paid = items.iter().find(|item| item["entity"] == format!("household/{}", homes[2])).unwrap();
    assert_eq!((&paid["household"]["credit_minor"], &paid["household"]["balance_minor"]), (&json!(500), &json!(-500)));
    let (_, none) = phone.all(Some(after.clone())).await;
    assert!(none.is_empty());
    let text = items[0].to_string();
    assert!(!text.contains("claim") && !text.contains("diagnos"), "never care: {text}");

    // Cursors of others, of other sections, and none at all.
    for (wrong, status, code) in [("nonsense", 400, "cursor_invalid"), ("e30", 400, "cursor_invalid")] {
        assert_eq!(phone.pull(&format!("&cursor={wrong}")).await.expect(status).code(), code);
    }
    for limit in ["0", "501"] {
        assert_eq!(phone.pull(&format!("&limit={limit}")).await.expect(422).pointers(), ["limit"]);
    }
    let other = Phone::new(&world, "field_agent", "T2").await;
    let refused = other.pull(&format!("&cursor={after}")).await.expect(410);
    assert_eq!(refused.code(), "full_resync_required");
    world.grant("field_agent", Role::FieldAgent, "KAY-S2");
    assert_eq!(phone.pull(&format!("&cursor={after}")).await.expect(410).code(), "full_resync_required");
    let (_, everything) = phone.all(None).await;
    assert_eq!(everything.len(), 6);

    // Another copy of the database counts anew.
    let (cursor, _) = phone.all(None).await;
    world.test.execute("DELETE FROM feed_heads");
    world.test.execute("DELETE FROM changes");
    assert_eq!(phone.pull(&format!("&cursor={cursor}")).await.expect(410).code(), "full_resync_required");
    assert_eq!(phone.all(None).await.1.len(), 6);
}

#[actix_web::test]
async fn a_probable_duplicate_is_registered_and_flagged() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let named = |given: &str, family: &str| {
        with(home(&world, &fresh(&world), given), |op| op["data"]["members"][0]["family_name"] = json!(family))
    };
    let first = named("Régine", "Ndayishimiye");
    assert!(phone.one(&first).await.get("possible_duplicate_of").is_none());
    let stranger = phone.one(&named("Jean Bosco", "Hakizimana")).await;
    assert_eq!((status(&stranger), stranger.get("possible_duplicate_of")), (("applied", ""), None));
    let twice = phone.one(&named("Regine", "Ndayisimiye")).await;
    assert_eq!(status(&twice), ("applied", ""));
    let other = twice["possible_duplicate_of"].as_str().unwrap().replace("member/", "");
    let list = format!("{}/duplicates?state=OPEN", world.mutual("KAY"));
    let pairs = world.items("registrar", &list).await;
    assert_eq!(pairs.len(), 1);
    assert_eq!((&pairs[0]["other"]["id"], &pairs[0]["other"]["family_name"]), (&json!(other), &json!("Ndayishimiye")));
    let path = format!("{}/duplicates/{}/decision", world.mutual("KAY"), pairs[0]["id"].as_str().unwrap());
    let decide = |version: i64| {
        let ask = world.post(&path).as_("registrar").json(json!({"judgement": "SAME", "note": "Her card was lost"}));
        ask.header("If-Match", &format!("\"v{version}\"")).send()
    };
    assert_eq!(decide(1).await.expect(200).text("/state"), "SAME");
    assert_eq!(decide(2).await.expect(409).code(), "wrong_state");
    assert!(world.items("registrar", &list).await.is_empty());
}

#[actix_web::test]
async fn a_person_taken_back_is_nobodys_double() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let named = |id: &str, given: &str, family: &str| {
        with(home(&world, id, given), |op| op["data"]["members"][0]["family_name"] = json!(family))
    };
    let household = fresh(&world);
    let first = named(&household, "Jean Bosco", "Hakizimana");
    phone.one(&first).await;
    let mut newcomer = first["data"]["members"][0].clone();
    for (field, value) in [("given_name", "Régine"), ("family_name", "Ndayishimiye"), ("relationship", "parent")] {
        newcomer[field] = json!(value);
    }
    let events = format!("{}/households/{household}/events", world.mutual("KAY"));
    let arrival = json!({"kind": "ARRIVAL", "on": "2026-03-10", "person": newcomer});
    let arrival = world.post(&events).as_("registrar").json(arrival).send().await.expect(201);
    assert!(phone.one(&named(&fresh(&world), "Regine", "Ndayisimiye")).await["possible_duplicate_of"].is_string());
    let list = format!("{}/duplicates?state=OPEN", world.mutual("KAY"));
    let pairs = world.items("registrar", &list).await;
    assert_eq!((pairs.len(), &pairs[0]["other"]["id"]), (1, &arrival.body["member_id"]));
    let reverse = format!("{}/events/{}/reverse", world.mutual("KAY"), arrival.text("/id"));
    let reason = json!({"reason": "Typed on the wrong page"});
    world.post(&reverse).as_("registrar").json(reason).send().await.expect(201);
    assert!(world.items("registrar", &list).await.is_empty());
    let path = format!("{}/duplicates/{}/decision", world.mutual("KAY"), pairs[0]["id"].as_str().unwrap());
    let decision = world.post(&path).as_("registrar").json(json!({"judgement": "DIFFERENT"}));
    decision.header("If-Match", "\"v1\"").send().await.expect(404);
}

#[actix_web::test]
async fn reference_data_comes_once() {
    let world = World::new().await;
    world.product("mutual_admin", "KAY", "FAM", bands()).await;
    for (name, count) in [("areas", None), ("products", Some(1)), ("texts?lang=fr", None)] {
        let path = format!("{}/sync/{name}", world.mutual("KAY"));
        let first = world.get(&path).as_("field_agent").send().await.expect(200);
        let tag = first.headers["etag"].clone();
        let again = world.get(&path).as_("field_agent").header("If-None-Match", &tag).send().await.expect(304);
        assert_eq!((again.headers["etag"].as_str(), again.text.as_str()), (tag.as_str(), ""));
        if let Some(count) = count {
            assert_eq!(first.body["products"].as_array().unwrap().len(), count);
        }
    }
    let path = format!("{}/sync/products", world.mutual("KAY"));
    let before = world.get(&path).as_("field_agent").send().await.expect(200).headers["etag"].clone();
    world.product("mutual_admin", "KAY", "FAM2", bands()).await;
    world.get(&path).as_("field_agent").header("If-None-Match", &before).send().await.expect(200);
}

#[actix_web::test]
async fn a_days_pull_is_small() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (cursor, _) = phone.all(None).await;
    // A busy day: sixty families of five are registered, covered and pay.
    let mut homes = Vec::new();
    for _ in 0..60 {
        let home = world.home(Some("KAY-S1"), "STANDARD", 5).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
        world.payment(&home, 10_000, "2026-03-10").await.expect(201);
        homes.push(home);
    }
    let path = format!("/api/v1{}/sync/pull?device_id={}&limit=500&cursor={cursor}", world.mutual("KAY"), phone.id);
    let request = actix_web::test::TestRequest::get()
        .uri(&path)
        .peer_addr("127.0.0.1:50000".parse().unwrap())
        .insert_header(("Authorization", format!("Bearer {}", world.token("field_agent"))))
        .insert_header(("Accept-Encoding", "gzip"));
    let answer = world.bytes(request.to_request()).await;
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(answer.as_slice()), &mut plain).unwrap();
    let pulled: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(pulled["items"].as_array().unwrap().len(), homes.len());
    assert_eq!(pulled["has_more"], false);
    assert!(answer.len() < 50 * 1024, "{} bytes, {} before compression", answer.len(), plain.len());
}

#[actix_web::test]
async fn nothing_that_was_sent_is_lost_though_its_id_is_wrong() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    let create = home(&world, &household, "Regine");
    phone.one(&create).await;
    // A phone restored from an old image uses an id again, for money.
    let paid = with(cash(&world, &household, 1, 700), |op| op["op_id"] = create["op_id"].clone());
    assert_eq!(status(&phone.one(&paid).await), ("rejected", "OP_ID_REUSED"));
    assert_eq!(status(&phone.one(&paid).await), ("rejected", "OP_ID_REUSED"));
    let open = world.items("mutual_admin", &format!("{}/proposals?state=OPEN", world.mutual("KAY"))).await;
    assert_eq!(open.len(), 1, "kept once");
    let path = format!("{}/proposals/{}/accept", world.mutual("KAY"), open[0]["id"].as_str().unwrap());
    let ask = world.post(&path).as_("mutual_admin").json(json!({"id": fresh(&world)})).header("If-Match", "\"v1\"");
    ask.send().await.expect(200);
    assert_eq!(world.test.count("payments"), 1);
    // Twice in one group, and a group of which one came to nothing before: the device goes on.
    let grouped = |op: Value| with(op, |op| op["group"] = json!("g"));
    let (one, two) = (grouped(home(&world, &fresh(&world), "One")), grouped(home(&world, &fresh(&world), "Two")));
    let found = phone.push(&[one.clone(), one.clone(), two.clone()]).await;
    let codes: Vec<_> = found.iter().map(status).collect();
    assert_eq!(codes, [("rejected", "GROUP_FAILED"), ("rejected", "OP_ID_REUSED"), ("rejected", "GROUP_FAILED")]);
    let bad = grouped(with(home(&world, &fresh(&world), "Bad"), |op| op["op_id"] = create["op_id"].clone()));
    let found = phone.push(&[grouped(home(&world, &fresh(&world), "Good")), bad]).await;
    assert_eq!(status(&found[0]), ("rejected", "GROUP_FAILED"));
    assert_eq!(world.test.count("households"), 1);
    // A slip of the pen does not end the series.
    let far = phone.one(&cash(&world, &household, 5_000, 100)).await;
    assert_eq!((status(&far), &far["fields"]), (("rejected", "OUT_OF_BOUNDS"), &json!(["receipt_number"])));
    // What no database keeps is refused, and the others go on.
    let nul = json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{household}"), "base_version": 1,
        "data": {"a\u{0}": 1}});
    let found = phone.push(&[nul, cash(&world, &household, 2, 100)]).await;
    assert_eq!(found.iter().map(|result| status(result).0).collect::<Vec<_>>(), ["rejected", "applied"]);
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn what_is_wrong_around_the_data_is_carried_out_where_it_can_be_and_else_discarded() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    let create = home(&world, &household, "Regine");
    phone.one(&create).await;
    let update = json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{household}"),
        "base_version": 1, "data": {"class": "INDIGENT"}});
    phone.one(&update).await;
    let arrival = json!({"op_id": update["op_id"], "type": "event", "entity": format!("household/{household}"), "data":
        {"kind": "ARRIVAL", "on": "2026-03-09", "person": crate::support::register::person("parent", "Odette", "1950-01-01")}});
    // An id that was a command's, again and for two of them; no id, no version; and what nobody can carry out.
    let again = with(update.clone(), |op| op["data"] = json!({"phone": "+25779000111"}));
    let nameless = with(again.clone(), |op| {
        op.as_object_mut().unwrap().remove("op_id");
        op["data"] = json!({"phone": "+25779000222"});
    });
    let versionless = with(update.clone(), |op| {
        op["op_id"] = json!(fresh(&world));
        op.as_object_mut().unwrap().remove("base_version");
        op["data"] = json!({"phone": "+25779000333"});
    });
    let changed = |field: &str, value: Value| {
        with(update.clone(), |op| {
            op["op_id"] = json!(fresh(&world));
            op[field] = value.clone();
        })
    };
    let all = [
        (arrival, "OP_ID_REUSED", 200),
        (again, "OP_ID_REUSED", 200),
        (nameless, "OP_ID_MISSING", 200),
        (versionless, "MISSING", 200),
        (changed("type", json!("erase")), "UNKNOWN_TYPE", 422),
        (changed("entity", json!("village/1")), "UNKNOWN_ENTITY", 422),
        (changed("colour", json!("red")), "UNKNOWN_FIELD", 422),
    ];
    for (op, code, told) in all {
        assert_eq!(status(&phone.one(&op).await), ("rejected", code));
        let open = world.items("mutual_admin", &format!("{}/proposals?state=OPEN", world.mutual("KAY"))).await;
        assert_eq!(open.len(), 1, "{code}");
        let path = format!("{}/proposals/{}", world.mutual("KAY"), open[0]["id"].as_str().unwrap());
        let decide = |what: &str, body: Value| {
            let ask = world.post(&format!("{path}/{what}")).as_("mutual_admin").json(body);
            ask.header("If-Match", "\"v1\"").send()
        };
        decide("accept", json!({"id": fresh(&world)})).await.expect(told);
        if told == 422 {
            decide("discard", json!({"note": "Entered anew"})).await.expect(200);
        }
    }
    // An id whose result is forgotten is still a command's.
    world.test.execute("UPDATE sync_results SET recorded_at = '2025-01-01 00:00:00'");
    phone.push(&[cash(&world, &household, 1, 100)]).await;
    let late = with(update.clone(), |op| op["data"] = json!({"phone": "+25779000444"}));
    assert_eq!(status(&phone.one(&late).await).0, "rejected");
    let open = world.items("mutual_admin", &format!("{}/proposals?state=OPEN", world.mutual("KAY"))).await;
    let path = format!("{}/proposals/{}/accept", world.mutual("KAY"), open[0]["id"].as_str().unwrap());
    let ask = world.post(&path).as_("mutual_admin").json(json!({"id": fresh(&world)})).header("If-Match", "\"v1\"");
    ask.send().await.expect(200);
    let again = phone.one(&late).await;
    assert_eq!((status(&again), &again["op_id"]), (("replayed", ""), &late["op_id"]));
    let shown = world.get(&format!("{}/households/{household}", world.mutual("KAY"))).as_("registrar").send().await;
    let shown = shown.expect(200);
    assert_eq!((shown.text("/class"), shown.text("/phone")), ("INDIGENT".into(), "+25779000444".into()));
    assert_eq!(
        shown.body["members"].as_array().unwrap().len(),
        create["data"]["members"].as_array().unwrap().len() + 1
    );
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn what_the_calendar_changes_is_pulled_too() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let quiet = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let id = home.text("/id");
    let members = home.body["members"].as_array().unwrap();
    let child = members.iter().find(|member| member["relationship"] == "child").unwrap()["id"].clone();
    world.enrolled(&id, &product, "2026-03-20").await;
    let leaves = json!({"op_id": fresh(&world), "type": "event", "entity": format!("household/{id}"), "data": {
        "kind": "DEPARTURE", "on": "2026-03-10", "member_id": child}});
    assert_eq!(status(&phone.one(&leaves).await), ("applied", ""));
    let (cursor, items) = phone.all(None).await;
    assert_eq!(items.len(), 2);
    let of = |items: &[Value]| items.iter().find(|item| item["entity"] == format!("household/{id}")).cloned();
    assert_eq!(of(&items).unwrap()["household"]["members"].as_array().unwrap().len(), 2, "her last day is today");
    let (same, none) = phone.all(Some(cursor)).await;
    assert!(none.is_empty());
    // The next day she is gone, though nobody recorded anything; ten days on the due is due and cover begins.
    world.test.clock.set(start() + Duration::days(1));
    let (next, items) = phone.all(Some(same)).await;
    assert_eq!(items.len(), 1, "the other household is as it was: {quiet}");
    assert_eq!(of(&items).unwrap()["household"]["members"].as_array().unwrap().len(), 1);
    assert!(phone.all(Some(next.clone())).await.1.is_empty());
    world.test.clock.set(start() + Duration::days(10));
    let (_, items) = phone.all(Some(next)).await;
    assert!(of(&items).unwrap()["household"]["balance_minor"].as_i64().unwrap() > 0);
}

#[actix_web::test]
async fn an_old_picture_does_not_undo_what_the_office_recorded_since() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (id, area) = (fresh(&world), world.area("Kayanza"));
    phone.one(&home(&world, &id, "Regine")).await;
    let moved = json!({"kind": "MOVE", "on": "2026-03-10", "area_id": area});
    let path = format!("{}/households/{id}/events", world.mutual("KAY"));
    world.post(&path).as_("registrar").json(moved).send().await.expect(201);
    let update = json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{id}"), "base_version": 1,
        "data": {"area_id": null}});
    let result = phone.one(&update).await;
    assert_eq!((status(&result), &result["fields"]), (("conflict", "FIELD_CONFLICT"), &json!(["area_id"])));
}

#[actix_web::test]
async fn what_was_held_is_judged_by_the_day_on_which_it_came() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let devices = format!("{}/devices/{}", world.mutual("KAY"), phone.id);
    let ask = world.post(&format!("{devices}/lost")).as_("mutual_admin").header("If-Match", "\"v2\"");
    ask.send().await.expect(200);
    let id = fresh(&world);
    let body = phone.envelope(&[home(&world, &id, "Held"), cash(&world, &id, 1, 500)]);
    for _ in 0..3 {
        assert_eq!(phone.send(&body, None).await.expect(200).body["wipe"], true);
    }
    world.test.clock.set(start() + Duration::days(4));
    let held = world.items("mutual_admin", &format!("{}/held-pushes", world.mutual("KAY"))).await;
    assert_eq!(held.len(), 1, "the same push is held once");
    let path = format!("{}/held-pushes/{}/apply", world.mutual("KAY"), held[0]["id"].as_str().unwrap());
    let ask = world.post(&path).as_("mutual_admin").json(json!({"note": "His own"})).header("If-Match", "\"v1\"");
    let done = ask.send().await.expect(200);
    let results: Vec<_> = done.body["results"].as_array().unwrap().iter().map(status).collect();
    assert_eq!(results, [("applied", ""), ("applied", "")], "{}", done.text);
    let again = world.post(&format!("{devices}/code")).as_("mutual_admin").header("If-Match", "\"v3\"").send().await;
    assert_eq!(again.expect(409).code(), "wrong_state");
}

#[actix_web::test]
async fn what_makes_no_sense_can_be_looked_at_and_discarded_and_breaks_nothing() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let no_data = json!({"op_id": fresh(&world), "type": "create", "entity": format!("household/{}", fresh(&world)), "data": "x"});
    let found = phone.push(&[json!(7), no_data, json!(["a"])]).await;
    assert!(found.iter().all(|result| status(result).0 == "rejected"), "{found:?}");
    let open = world.items("mutual_admin", &format!("{}/proposals?state=OPEN", world.mutual("KAY"))).await;
    assert_eq!(open.len(), 3);
    for row in &open {
        let path = format!("{}/proposals/{}", world.mutual("KAY"), row["id"].as_str().unwrap());
        let decide = |what: &str, body: Value| {
            let ask = world.post(&format!("{path}/{what}")).as_("mutual_admin").json(body);
            ask.header("If-Match", "\"v1\"").send()
        };
        for data in [Value::Null, json!({}), json!({"class": "STANDARD"})] {
            let body = json!({"id": fresh(&world), "data": data});
            assert_eq!(decide("accept", body).await.expect(422).code(), "invalid", "{row}");
        }
        decide("discard", json!({"note": "It makes no sense"})).await.expect(200);
    }
    assert_eq!(world.test.count("households"), 0);
}
