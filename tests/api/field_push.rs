//! What devices push, at its edges: wrong clocks, what waits for something else, how long things are kept, and what is carried
//! or held.
use super::field::{Phone, cash, fresh, home, key_of, status, with};
use crate::support::World;
use crate::support::database::start;
use crate::support::register::person;
use crate::support::rows::texts;
use aws_lc_rs::signature::Ed25519KeyPair;
use ayni::access::permissions::Role;
use ayni::db::schema::consents;
use ayni::field::signatures::signed_text;
use ayni::households::model::{Consent, ConsentPurpose};
use chrono::{Duration, TimeZone, Utc};
use data_encoding::BASE64URL_NOPAD;
use diesel::prelude::*;
use serde_json::{Value, json};

/// The envelope of a device whose clock shows this.
fn told(phone: &Phone<'_>, ops: &[Value], device_time: &str) -> Value {
    with(phone.envelope(ops), |body| body["device_time"] = json!(device_time))
}

/// Sends operations from a device whose clock shows this; gives their results.
pub(super) async fn push_at(phone: &Phone<'_>, ops: &[Value], device_time: &str) -> Vec<Value> {
    let answer = phone.send(&told(phone, ops, device_time), None).await.expect(200);
    assert_eq!(answer.body["wipe"], false);
    let results = answer.body["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), ops.len(), "{}", answer.text);
    results
}

/// Moves the clock so many days beyond the start; gives the time there, as a device tells it.
pub(super) fn days_on(world: &World, days: i64) -> String {
    let at = start() + Duration::days(days);
    world.test.clock.set(at);
    at.to_rfc3339()
}

/// Says that a device that was just activated is lost.
async fn lose(phone: &Phone<'_>) {
    let path = format!("{}/devices/{}/lost", phone.world.mutual("KAY"), phone.id);
    let answer = phone.world.post(&path).as_("mutual_admin").header("If-Match", "\"v2\"").send().await.expect(200);
    assert_eq!(answer.text("/state"), "LOST");
}

/// Where a clock is wrong by years, ahead or behind, the office confirms each family; those that could be registered together
/// are not.
#[actix_web::test]
async fn families_of_a_wrong_clock_wait_for_the_office() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let mut first = None;
    for (clock, kept) in [("2031-03-10T12:00:00Z", 2), ("2020-03-10T12:00:00Z", 4)] {
        let ops = [home(&world, &fresh(&world), "Aline"), home(&world, &fresh(&world), "Beatrice")];
        let results = push_at(&phone, &ops, clock).await;
        for result in &results {
            assert_eq!((status(result), &result["fields"]), (("conflict", "CLOCK_SKEW"), &json!(["registered_on"])));
        }
        assert_eq!((world.count("households"), world.count("members")), (0, 0), "{clock}");
        assert_eq!(world.count("sync_proposals"), kept);
        first.get_or_insert_with(|| ops[0]["op_id"].as_str().unwrap().to_owned());
    }
    let path = format!("{}/proposals/{}/accept", world.mutual("KAY"), first.unwrap());
    let ask = world.post(&path).as_("mutual_admin").json(json!({"id": fresh(&world)})).header("If-Match", "\"v1\"");
    ask.send().await.expect(200);
    assert_eq!(world.count("households"), 1, "the one that was confirmed");
}

/// A family that names what must be done first is not registered with those that stand alone.
#[actix_web::test]
async fn a_family_that_depends_on_the_unknown_is_blocked_and_no_other_is() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let unknown = fresh(&world);
    let after = |name: &str, op_id: &Value| {
        with(home(&world, &fresh(&world), name), |op| op["depends_on"] = json!([op_id.clone()]))
    };
    let free = home(&world, &fresh(&world), "Aline");
    let waits = after("Beatrice", &json!(unknown));
    let follows = after("Celine", &free["op_id"]);
    let ops = [free, waits.clone(), follows, home(&world, &fresh(&world), "Denise")];
    let results = phone.push(&ops).await;
    let found: Vec<_> = results.iter().map(status).collect();
    let applied = ("applied", "");
    assert_eq!(found, [applied, ("blocked", "DEPENDENCY_FAILED"), applied, applied]);
    assert_eq!(world.count("households"), 3);
    // Of what is blocked nothing is kept: it is done when what it waits for is.
    assert_eq!((world.count("sync_results"), world.count("sync_proposals")), (3, 0));
    assert_eq!(status(&phone.one(&waits).await), ("blocked", "DEPENDENCY_FAILED"));
    let awaited = with(home(&world, &fresh(&world), "Esther"), |op| op["op_id"] = json!(unknown));
    assert_eq!(status(&phone.one(&awaited).await), applied);
    assert_eq!(status(&phone.one(&waits).await), applied);
    assert_eq!(world.count("households"), 5);
    // Two families alone, of which one waits: the other one is registered all the same.
    let pair = [home(&world, &fresh(&world), "Flora"), after("Gloria", &json!(fresh(&world)))];
    let results = phone.push(&pair).await;
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [applied, ("blocked", "DEPENDENCY_FAILED")]);
    assert_eq!(world.count("households"), 6);
}

#[actix_web::test]
async fn a_group_of_which_one_is_blocked_is_blocked_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (household, unknown) = (fresh(&world), fresh(&world));
    let grouped = |op: Value| with(op, |op| op["group"] = json!("g"));
    let family = grouped(home(&world, &household, "Regine"));
    let payment = grouped(with(cash(&world, &household, 1, 700), |op| {
        op["depends_on"] = json!([family["op_id"].clone(), unknown.clone()]);
    }));
    let group = [family, payment];
    let blocked = ("blocked", "DEPENDENCY_FAILED");
    for _ in 0..2 {
        let results = phone.push(&group).await;
        assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [blocked, blocked]);
        for table in ["households", "members", "payments", "receipts", "sync_results", "sync_proposals"] {
            assert_eq!(world.count(table), 0, "{table}");
        }
    }
    // What it waited for is done: then all of it is, and no number was lost on the way.
    let awaited = with(home(&world, &fresh(&world), "Aline"), |op| op["op_id"] = json!(unknown));
    assert_eq!(status(&phone.one(&awaited).await), ("applied", ""));
    let results = phone.push(&group).await;
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [("applied", ""), ("applied", "")]);
    assert_eq!(world.count("payments"), 1);
    let mut numbers = texts(&mut world.test.owner(), "number FROM households");
    numbers.sort();
    assert_eq!(numbers, ["H000001", "H000002"]);
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

/// Within 90 days the first answer is given again. Then it is forgotten, by the next push, and what is sent again after that is
/// looked at anew: what was done stands, and a date of that time lies too far back by now.
#[actix_web::test]
async fn results_are_kept_for_ninety_days_and_then_forgotten() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    let update = |base: i64, data: Value| {
        json!({"op_id": fresh(&world), "type": "update", "entity": format!("household/{household}"),
            "base_version": base, "data": data})
    };
    let ops = [home(&world, &household, "Regine"), update(1, json!({"class": "INDIGENT"}))];
    let results = phone.push(&ops).await;
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [("applied", ""); 2]);
    let path = format!("{}/households/{household}", world.mutual("KAY"));
    let office = world.patch(&path).as_("registrar").json(json!({"class": "STUDENT"})).header("If-Match", "\"v2\"");
    office.send().await.expect(200);

    let now = days_on(&world, 89);
    for _ in 0..2 {
        let again = push_at(&phone, &ops, &now).await;
        assert_eq!(again.iter().map(status).collect::<Vec<_>>(), [("replayed", ""); 2]);
    }
    assert_eq!(world.count("sync_results"), 2);

    let now = days_on(&world, 91);
    let other = update(3, json!({"phone": "+25779000002"}));
    assert_eq!(status(&push_at(&phone, std::slice::from_ref(&other), &now).await[0]), ("applied", ""));
    assert_eq!(world.count("sync_results"), 1, "the two of long ago are forgotten");
    let anew = push_at(&phone, &ops, &now).await;
    let found: Vec<_> = anew.iter().map(status).collect();
    assert_eq!(found, [("rejected", "DATE_OUT_OF_WINDOW"), ("applied", "")]);
    assert_eq!(world.count("households"), 1);
    // The correction had been made, so it is not made again over what the office said since.
    let stands = world.get(&path).as_("registrar").send().await.expect(200);
    assert_eq!((stands.text("/class"), stands.body["version"].as_i64()), ("STUDENT".into(), Some(4)));
}

/// Changes are kept for 180 days. A cursor from before those that were forgotten would skip them in silence: it is refused.
#[actix_web::test]
async fn a_cursor_from_before_what_is_kept_begins_anew() {
    let world = World::new().await;
    let mut homes = Vec::new();
    for _ in 0..2 {
        homes.push(world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id"));
    }
    let (phone, other) = (Phone::new(&world, "field_agent", "T1").await, Phone::new(&world, "field_agent", "T2").await);
    let (old, items) = phone.all(None).await;
    assert_eq!(items.len(), 2);
    let change = |id: &str| {
        let path = format!("{}/households/{id}", world.mutual("KAY"));
        world.patch(&path).as_("registrar").json(json!({"class": "INDIGENT"})).header("If-Match", "\"v1\"").send()
    };
    let entities = |items: &[Value]| -> Vec<String> {
        items.iter().map(|item| item["entity"].as_str().unwrap().replace("household/", "")).collect()
    };
    change(&homes[0]).await.expect(200);
    days_on(&world, 179);
    let (newer, items) = phone.all(Some(old.clone())).await;
    assert_eq!(entities(&items), [homes[0].clone()]);

    days_on(&world, 181);
    change(&homes[1]).await.expect(200);
    assert_eq!(other.all(None).await.1.len(), 2);
    assert_eq!(world.count("changes"), 1, "what is older than 180 days was forgotten");
    let refused = phone.pull(&format!("&cursor={old}")).await.expect(410);
    assert_eq!(refused.code(), "full_resync_required");
    // Who had read all that was forgotten goes on.
    assert_eq!(entities(&phone.all(Some(newer)).await.1), [homes[1].clone()]);
    assert_eq!(phone.all(None).await.1.len(), 2);
}

#[actix_web::test]
async fn a_push_of_exactly_a_hundred_operations_is_taken() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let family = |at: i32| {
        let op = home(&world, &fresh(&world), &format!("Given{at}"));
        with(op, |op| op["data"]["members"][0]["birth_date"] = json!(format!("{}-05-02", 1920 + at % 80)))
    };
    let ops: Vec<Value> = (0..100).map(family).collect();
    let results = phone.push(&ops).await;
    assert!(results.iter().all(|result| status(result) == ("applied", "")), "{results:?}");
    assert_eq!((world.count("households"), world.count("sync_results")), (100, 100));
}

/// Money is never changed: a payment that was told is corrected by nothing that a device can send.
#[actix_web::test]
async fn a_payment_that_was_told_is_neither_updated_nor_told_otherwise() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    phone.one(&home(&world, &household, "Regine")).await;
    let paid = cash(&world, &household, 1, 700);
    assert_eq!(status(&phone.one(&paid).await), ("applied", ""));
    let about = |kind: &str, data: Value| {
        json!({"op_id": fresh(&world), "type": kind, "entity": paid["entity"].clone(), "base_version": 1,
            "data": data})
    };
    let ops = [
        about("update", json!({"amount_minor": 70})),
        about("event", json!({"kind": "DEATH", "on": "2026-03-09"})),
        about("create", json!({"amount_minor": 70})),
    ];
    for result in &phone.push(&ops).await {
        assert_eq!((status(result), &result["fields"]), (("rejected", "UNKNOWN_ENTITY"), &json!(["entity"])));
    }
    let otherwise = with(paid.clone(), |op| {
        op["op_id"] = json!(fresh(&world));
        op["data"]["amount_minor"] = json!(70);
    });
    assert_eq!(status(&phone.one(&otherwise).await), ("rejected", "ENTITY_EXISTS"));
    let amounts = texts(&mut world.test.owner(), "CAST(amount_minor AS text) FROM payments");
    assert_eq!(amounts, ["700"]);
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

#[actix_web::test]
async fn the_code_of_one_agent_activates_nothing_for_another() {
    let mut world = World::new().await;
    let section = world.org("KAY-S1");
    world.add_user("agent2", Role::FieldAgent, section);
    let (id, code) = Phone::registered(&world, "field_agent", "T1").await;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let activate = |user: &str| {
        let body = json!({"code": code, "public_key": key_of(&pair)});
        world.post(&format!("{}/devices/activate", world.mutual("KAY"))).as_(user).json(body).send()
    };
    assert_eq!(activate("agent2").await.expect(401).code(), "code_refused");
    let device = world.get(&format!("{}/devices/{id}", world.mutual("KAY"))).as_("mutual_admin").send().await;
    assert_eq!(device.expect(200).text("/device/state"), "PENDING");
    // The attempt did not use the code up.
    assert_eq!(activate("field_agent").await.expect(200).text("/id"), id);
}

#[actix_web::test]
async fn a_consent_is_kept_as_it_was_given() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (mother, child) = (fresh(&world), fresh(&world));
    let family = with(home(&world, &fresh(&world), "Regine"), |op| {
        let mut second = person("child", "Ange", "2015-01-20");
        second["id"] = json!(child.clone());
        op["data"]["members"][0]["id"] = json!(mother.clone());
        op["data"]["members"].as_array_mut().unwrap().push(second);
    });
    assert_eq!(status(&phone.one(&family).await), ("applied", ""));
    let consent = |data: Value| {
        json!({"op_id": fresh(&world), "type": "consent", "entity": format!("consent/{}", fresh(&world)),
            "data": data})
    };
    let ops = [
        consent(json!({"member_id": mother, "purpose": "photo", "wording": "2026-1", "given": false,
            "decided_on": "2026-03-09"})),
        consent(json!({"member_id": child, "purpose": "membership", "wording": "2026-2", "given": true,
            "decided_on": "2026-03-10", "guardian_id": mother})),
    ];
    let rows =
        || -> Vec<Consent> { consents::table.select(Consent::as_select()).load(&mut world.test.owner()).unwrap() };
    for again in ["applied", "replayed"] {
        let results = phone.push(&ops).await;
        assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [(again, ""), (again, "")]);
        assert_eq!(rows().len(), 2, "{again}");
    }
    let rows = rows();
    let of = |op: &Value| {
        let entity = op["entity"].as_str().unwrap();
        let row = rows.iter().find(|row| format!("consent/{}", row.id) == entity).unwrap();
        let guardian = row.guardian_id.map(|id| id.to_string());
        (row.member_id.to_string(), row.purpose, row.wording.clone(), row.given, guardian, row.decided_on.to_string())
    };
    let text = |text: &str| text.to_owned();
    let refused = (mother.clone(), ConsentPurpose::Photo, text("2026-1"), false, None, text("2026-03-09"));
    assert_eq!(of(&ops[0]), refused);
    let given = (child, ConsentPurpose::Membership, text("2026-2"), true, Some(mother), text("2026-03-10"));
    assert_eq!(of(&ops[1]), given);
}

/// A device counts its receipts anew in each year in which money was received, whenever they arrive.
#[actix_web::test]
async fn receipts_carry_the_year_in_which_the_money_was_received() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    world.test.clock.set(Utc.with_ymd_and_hms(2027, 1, 5, 12, 0, 0).unwrap());
    let paid =
        |number: i64, on: &str| with(cash(&world, &household, number, 500), |op| op["data"]["received_on"] = json!(on));
    let ops = [
        paid(1, "2026-12-30"),
        paid(1, "2027-01-04"),
        paid(3, "2026-12-31"),
        paid(2, "2027-01-05"),
        paid(1, "2027-01-05"),
    ];
    let results = push_at(&phone, &ops, "2027-01-05T12:00:00Z").await;
    let applied = ("applied", "");
    let found: Vec<_> = results.iter().map(status).collect();
    assert_eq!(found, [applied, applied, applied, applied, ("rejected", "NUMBER_TAKEN")]);
    let pulled = phone.pull("&limit=500").await.expect(200);
    assert_eq!(
        pulled.body["receipts"],
        json!([
            {"label": "D.T1-2026", "year": 2026, "last_number": 3, "gaps": [2]},
            {"label": "D.T1-2027", "year": 2027, "last_number": 2, "gaps": []},
        ])
    );
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = pulled.body["items"][0]["household"]["receipts"].as_array().unwrap();
    let mut given: Vec<(String, String)> =
        rows.iter().map(|row| (text(row, "receipt"), text(row, "received_on"))).collect();
    given.sort();
    let expected = [
        ("D.T1-2026-000001", "2026-12-30"),
        ("D.T1-2026-000003", "2026-12-31"),
        ("D.T1-2027-000001", "2027-01-04"),
        ("D.T1-2027-000002", "2027-01-05"),
    ];
    assert_eq!(given, expected.map(|(receipt, on)| (receipt.to_owned(), on.to_owned())));
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}

/// The years of birth are known and not the days, so that the two meet by their names alone.
#[actix_web::test]
async fn a_corrected_name_is_the_one_by_which_duplicates_are_found() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let named = |member: &str, given: &str, family: &str| {
        with(home(&world, &fresh(&world), given), |op| {
            let one = &mut op["data"]["members"][0];
            one["id"] = json!(member);
            one["family_name"] = json!(family);
            one["birth_date"] = json!("1988-01-01");
            one["birth_precision"] = json!("year");
        })
    };
    let (first, second, third) = (fresh(&world), fresh(&world), fresh(&world));
    assert_eq!(status(&phone.one(&named(&first, "Jeanne", "Hakizimana")).await), ("applied", ""));
    let path = format!("{}/members/{first}", world.mutual("KAY"));
    let name = json!({"given_name": "Régine", "family_name": "Ndayishimiye"});
    world.patch(&path).as_("registrar").json(name).header("If-Match", "\"v1\"").send().await.expect(200);

    let twin = phone.one(&named(&second, "Régine", "Ndayishimiye")).await;
    assert_eq!((status(&twin), &twin["possible_duplicate_of"]), (("applied", ""), &json!(format!("member/{first}"))));
    // The name that was a slip of the pen is nobody's any more.
    let stranger = phone.one(&named(&third, "Jeanne", "Hakizimana")).await;
    assert_eq!((status(&stranger), stranger.get("possible_duplicate_of")), (("applied", ""), None));
    let pairs = world.items("registrar", &format!("{}/duplicates?state=OPEN", world.mutual("KAY"))).await;
    assert_eq!(pairs.len(), 1);
    assert_eq!((&pairs[0]["member"]["id"], &pairs[0]["other"]["id"]), (&json!(second), &json!(first)));
}

/// Carries a push to the server's machine as a file, two days after the start; gives how the program ended, the results that it
/// told, and all that it said.
fn carried(phone: &Phone<'_>, body: &Value) -> (Option<i32>, Vec<Value>, String) {
    let (path, at) = (format!("/api/v1{}/sync/push", phone.world.mutual("KAY")), "2026-03-10T14:02:11+02:00");
    let body = body.to_string();
    let signed = signed_text("POST", &path, at, body.as_bytes());
    let signature = BASE64URL_NOPAD.encode(phone.pair.sign(signed.as_bytes()).as_ref());
    let push = json!({"device_id": phone.id, "path": path, "signed_at": at, "signature": signature, "body": body});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push.json");
    std::fs::write(&file, push.to_string()).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AYNI_")) {
        command.env_remove(name);
    }
    command.env("AYNI_DATABASE", &phone.world.test.text).env("AYNI_LOG", "error").env("AYNI_TODAY", "2026-03-12");
    let output = command.args(["sync", "apply"]).arg(&file).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), results, said)
}

/// A file may be days old, so that a clock that is behind says nothing; but no device has sent anything a day before it was
/// activated.
#[actix_web::test]
async fn a_file_from_before_its_device_was_activated_waits_for_the_office() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let registered =
        |on: &str, name: &str| with(home(&world, &fresh(&world), name), |op| op["data"]["registered_on"] = json!(on));
    // Years before, and 24 hours and a minute.
    for (clock, on) in [("2020-01-10T12:00:00Z", "2019-12-20"), ("2026-03-09T11:59:00Z", "2026-03-09")] {
        let ops = [registered(on, "Aline"), registered(on, "Beatrice")];
        let (code, results, said) = carried(&phone, &told(&phone, &ops, clock));
        assert_eq!((code, results.len()), (Some(0), 2), "{said}");
        for result in &results {
            assert_eq!((status(result), &result["fields"]), (("conflict", "CLOCK_SKEW"), &json!(["registered_on"])));
        }
        assert_eq!(world.count("households"), 0, "{clock}");
    }
    let open = world.items("mutual_admin", &format!("{}/proposals?state=OPEN", world.mutual("KAY"))).await;
    assert_eq!(open.len(), 4, "nothing that was typed is lost");
    let ops = [registered("2026-03-09", "Celine"), registered("2026-03-09", "Denise")];
    let (code, results, said) = carried(&phone, &told(&phone, &ops, "2026-03-09T12:01:00Z"));
    assert_eq!((code, results.len()), (Some(0), 2), "{said}");
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [("applied", ""), ("applied", "")]);
    assert_eq!(world.count("households"), 2);
}

#[actix_web::test]
async fn of_a_lost_or_revoked_device_no_file_is_carried_out() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let household = fresh(&world);
    let body = phone.envelope(&[home(&world, &household, "Regine"), cash(&world, &household, 1, 700)]);
    for (what, version, state) in [("lost", 2, "LOST"), ("revoke", 3, "REVOKED")] {
        let path = format!("{}/devices/{}/{what}", world.mutual("KAY"), phone.id);
        let ask = world.post(&path).as_("mutual_admin").header("If-Match", &format!("\"v{version}\""));
        assert_eq!(ask.send().await.expect(200).text("/state"), state);
        let (code, results, said) = carried(&phone, &body);
        assert_eq!((code, results.len()), (Some(2), 0), "{said}");
        assert!(said.contains(&format!("the device is {state}")), "{said}");
        for table in ["households", "payments", "sync_results", "sync_proposals", "held_pushes"] {
            assert_eq!(world.count(table), 0, "{table} of a device that is {state}");
        }
    }
}

/// Nobody fills the office's list with a phone that he found, and yet nothing is taken and then thrown away: a device wipes
/// itself only of what was taken.
#[actix_web::test]
async fn a_lost_device_is_told_when_no_more_of_it_can_be_held() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    lose(&phone).await;
    let pushes: Vec<Value> =
        (0..51).map(|at| phone.envelope(&[home(&world, &fresh(&world), &format!("Held{at}"))])).collect();
    for body in &pushes[..50] {
        assert_eq!(phone.send(body, None).await.expect(200).body["wipe"], true);
    }
    assert_eq!(world.count("held_pushes"), 50);
    let refused = phone.send(&pushes[50], None).await.expect(429);
    assert_eq!(refused.code(), "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"), "a client comes back later");
    assert_eq!(world.count("held_pushes"), 50);
    // What is held already is answered as before.
    assert_eq!(phone.send(&pushes[7], None).await.expect(200).body["wipe"], true);
    assert_eq!(world.count("held_pushes"), 50);
    // The office decides on one: there is room again.
    let held = world.items("mutual_admin", &format!("{}/held-pushes?state=HELD", world.mutual("KAY"))).await;
    let path = format!("{}/held-pushes/{}/discard", world.mutual("KAY"), held[0]["id"].as_str().unwrap());
    let ask = world.post(&path).as_("mutual_admin").json(json!({"note": "Not his"})).header("If-Match", "\"v1\"");
    ask.send().await.expect(200);
    assert_eq!(phone.send(&pushes[50], None).await.expect(200).body["wipe"], true);
    assert_eq!(world.count("held_pushes WHERE state = 'HELD'"), 50);
    assert_eq!(world.count("held_pushes"), 51);
}

/// A client whose answer was lost sends its operations in a new envelope, with another id and the time of now.
#[actix_web::test]
async fn what_a_lost_device_sends_again_in_another_envelope_is_held_once() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    lose(&phone).await;
    let household = fresh(&world);
    let mut ops = vec![home(&world, &household, "Held"), cash(&world, &household, 1, 500)];
    for clock in ["2026-03-10T12:00:00Z", "2026-03-10T15:30:00Z", "2026-03-10T12:00:00Z"] {
        let answer = phone.send(&told(&phone, &ops, clock), None).await.expect(200);
        assert_eq!((&answer.body["wipe"], &answer.body["results"]), (&json!(true), &json!([])));
    }
    assert_eq!(world.count("held_pushes"), 1);
    // With one operation more it is another push.
    ops.push(cash(&world, &household, 2, 300));
    phone.send(&told(&phone, &ops, "2026-03-10T16:00:00Z"), None).await.expect(200);
    assert_eq!(world.count("held_pushes"), 2);
    let held = world.items("mutual_admin", &format!("{}/held-pushes?state=HELD", world.mutual("KAY"))).await;
    assert_eq!(held.len(), 2);
    for row in &held {
        let path = format!("{}/held-pushes/{}/apply", world.mutual("KAY"), row["id"].as_str().unwrap());
        let ask = world.post(&path).as_("mutual_admin").json(json!({"note": "His own"})).header("If-Match", "\"v1\"");
        ask.send().await.expect(200);
    }
    assert_eq!((world.count("households"), world.count("payments")), (1, 2));
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}
