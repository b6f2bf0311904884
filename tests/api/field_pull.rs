//! What a pull brings: what is owed, how cover stands and until when, whom to visit, receipts, the agent's money. Never care.
//! And the snapshots beside it.
use super::field::{Phone, cash, fresh, status};
use crate::support::World;
use crate::support::database::start;
use crate::support::register::bands;
use chrono::Duration;
use serde_json::{Value, json};

/// A household as a device has it after a pull: the last that came of it.
fn document(items: &[Value], id: &str) -> Value {
    let entity = format!("household/{id}");
    let item = items.iter().rfind(|item| item["entity"] == entity);
    item.unwrap_or_else(|| panic!("nothing came of {id}: {items:?}"))["household"].clone()
}

/// The names of what an object holds.
fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// What is open of a household's dues: kind, day, amount.
fn open(document: &Value) -> Vec<(String, String, i64)> {
    let text = |due: &Value, name: &str| due[name].as_str().unwrap().to_owned();
    let mut dues: Vec<_> = document["dues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|due| (text(due, "kind"), text(due, "due_on"), due["open_minor"].as_i64().unwrap()))
        .collect();
    dues.sort_unstable();
    dues
}

/// The standing of each person of a household.
fn standings(document: &Value) -> Vec<Value> {
    document["members"].as_array().unwrap().iter().map(|member| member["standing"].clone()).collect()
}

fn sums(document: &Value) -> (i64, i64) {
    let sum = |name: &str| document[name].as_i64().unwrap();
    (sum("balance_minor"), sum("credit_minor"))
}

/// A household that was admitted for 20 March, from before it pays until its cover has ended.
#[actix_web::test]
async fn a_pull_brings_what_is_owed_until_when_cover_holds_and_when_to_visit() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let id = home.text("/id");
    world.enrolled(&id, &product, "2026-03-20").await;

    let (cursor, items) = phone.all(None).await;
    let told = document(&items, &id);
    for name in ["id", "version", "number", "section_id", "area_id", "class", "phone", "registered_on"] {
        assert_eq!(told[name], home.body[name], "{name}");
    }
    let (here, there) = (told["members"].as_array().unwrap(), home.body["members"].as_array().unwrap());
    assert_eq!((here.len(), there.len()), (2, 2));
    for (member, office) in here.iter().zip(there) {
        for name in names(member).into_iter().filter(|name| *name != "standing") {
            assert_eq!(member[name], office[name], "{name}");
        }
    }
    let due = |kind: &str, amount: i64| (kind.to_owned(), "2026-03-20".to_owned(), amount);
    assert_eq!(open(&told), [due("CONTRIBUTION", 30_000), due("REGISTRATION", 1_000)]);
    assert_eq!(sums(&told), (0, 0), "nothing is due before its day");
    assert_eq!(told["visit"], json!({"from_on": "2026-03-20", "reason": "DUE"}));
    assert_eq!(standings(&told), vec![json!({"state": null, "until_on": null}); 2], "unpaid, no cover begins");

    // A part of the fee: what is open of it comes.
    assert_eq!(status(&phone.one(&cash(&world, &id, 1, 400)).await), ("applied", ""));
    let (cursor, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &id);
    assert_eq!(open(&told), [due("CONTRIBUTION", 30_000), due("REGISTRATION", 600)]);
    assert_eq!((sums(&told), &told["visit"]["reason"]), ((0, 0), &json!("DUE")));

    // All of it: cover begins on the day, and nobody needs a visit now.
    assert_eq!(status(&phone.one(&cash(&world, &id, 2, 30_600)).await), ("applied", ""));
    let (cursor, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &id);
    assert_eq!((open(&told).len(), sums(&told), &told["visit"]), (0, (0, 0), &Value::Null));
    assert_eq!(standings(&told), vec![json!({"state": null, "until_on": "2026-03-19"}); 2]);

    // What is paid beyond it is credit.
    assert_eq!(status(&phone.one(&cash(&world, &id, 3, 250)).await), ("applied", ""));
    let (cursor, items) = phone.all(Some(cursor)).await;
    assert_eq!(sums(&document(&items, &id)), (-250, 250));

    world.test.clock.set(start() + Duration::days(10));
    let (cursor, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &id);
    assert_eq!(standings(&told), vec![json!({"state": "IN_FORCE", "until_on": "2027-03-19"}); 2]);
    // Thirty days before the last one.
    assert_eq!(told["visit"], json!({"from_on": "2027-02-17", "reason": "RENEWAL"}));

    // A year on it has ended, by the calendar alone.
    world.test.clock.set(start() + Duration::days(375));
    let (_, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &id);
    assert_eq!(standings(&told), vec![json!({"state": "EXPIRED", "until_on": null}); 2]);
    assert_eq!(told["visit"], Value::Null);
}

/// What is due by today is the balance; a due before the end of cover comes first, and one after it does not hide the renewal.
#[actix_web::test]
async fn a_renewal_is_visited_before_its_dues_and_what_is_due_is_the_balance() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let (late, prompt) = (
        world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id"),
        world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id"),
    );
    world.enrolled(&late, &product, "2026-03-05").await;
    let first = world.enrolled(&prompt, &product, "2026-03-10").await;
    world.payment(&prompt, 31_000, "2026-03-10").await.expect(201);
    let (cursor, items) = phone.all(None).await;
    let told = document(&items, &late);
    assert_eq!((sums(&told), &told["visit"]), ((31_000, 0), &json!({"from_on": "2026-03-05", "reason": "DUE"})));
    assert_eq!(standings(&told), [json!({"state": null, "until_on": null})]);
    let renewal = json!({"from_on": "2027-02-07", "reason": "RENEWAL"});
    let told = document(&items, &prompt);
    assert_eq!(standings(&told), [json!({"state": "IN_FORCE", "until_on": "2027-03-09"})]);
    assert_eq!(told["visit"], renewal);

    // The office renews it in the last month: the contribution falls due behind the visit.
    world.test.clock.set(start() + Duration::days(340));
    let path = format!("{}/enrolments/{first}/renew", world.mutual("KAY"));
    world.post(&path).as_("registrar").header("If-Match", "\"v2\"").json(json!({})).send().await.expect(201);
    let (_, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &prompt);
    assert_eq!(open(&told), [("CONTRIBUTION".to_owned(), "2027-03-10".to_owned(), 30_000)]);
    assert_eq!((sums(&told), &told["visit"]), ((0, 0), &renewal));
}

#[actix_web::test]
async fn a_receipt_that_was_taken_back_is_shown_so() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let id = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let (first, second) = (cash(&world, &id, 1, 700), cash(&world, &id, 2, 300));
    let results = phone.push(&[first.clone(), second]).await;
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [("applied", ""), ("applied", "")]);
    // What the desk took is none of the agent's receipts.
    world.payment(&id, 50, "2026-03-10").await.expect(201);
    let receipts = |told: &Value| -> Vec<(String, i64, bool)> {
        let mut rows: Vec<_> = told["receipts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let label = row["receipt"].as_str().unwrap().to_owned();
                (label, row["amount_minor"].as_i64().unwrap(), row["is_reversed"].as_bool().unwrap())
            })
            .collect();
        rows.sort();
        rows
    };
    let row = |number: i64, amount: i64, is_reversed: bool| (format!("D.T1-2026-00000{number}"), amount, is_reversed);
    let (cursor, items) = phone.all(None).await;
    let told = document(&items, &id);
    assert_eq!(receipts(&told), [row(1, 700, false), row(2, 300, false)]);
    assert_eq!(sums(&told), (-1_050, 1_050));

    let payment = first["entity"].as_str().unwrap().replace("payment/", "");
    let path = format!("/payments/{payment}/reversal");
    let asked = world.give("treasurer", &path, json!({"reason": "never paid"})).await.expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    let (_, items) = phone.all(Some(cursor)).await;
    let told = document(&items, &id);
    assert_eq!(receipts(&told), [row(1, 700, true), row(2, 300, false)]);
    let reversed = told["receipts"].as_array().unwrap().iter().find(|row| row["is_reversed"] == true).unwrap();
    assert_eq!((&reversed["payment_id"], &reversed["received_on"]), (&json!(payment), &json!("2026-03-09")));
    assert_eq!(sums(&told), (-350, 350));
    let account = phone.pull("").await.expect(200).body["account"].clone();
    assert_eq!(account["float_minor"], 300);
}

/// What the agent handed over, before it was counted and after, when less was there than he said.
#[actix_web::test]
async fn what_an_agent_hands_over_is_in_his_account() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let id = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    assert_eq!(status(&phone.one(&cash(&world, &id, 1, 700)).await), ("applied", ""));
    let account = || async { phone.pull("").await.expect(200).body["account"].clone() };
    let expected = |sums: [i64; 3], remittances: Value| {
        json!({"currency": "BIF", "float_minor": sums[0], "submitted_minor": sums[1], "debt_minor": sums[2],
            "remittances": remittances})
    };
    assert_eq!(account().await, expected([700, 0, 0], json!([])));

    let hand =
        |amount: i64| world.give("field_agent", "/remittances", json!({"declared_minor": amount, "currency": "BIF"}));
    let first = hand(500).await.expect(201).text("/id");
    let mut row = json!({"id": first, "declared_minor": 500, "counted_minor": null, "submitted_on": "2026-03-10"});
    assert_eq!(account().await, expected([700, 500, 0], json!([row.clone()])));

    let count = json!({"counted_minor": 450, "note": "A note is missing"});
    world.give_in("treasurer", &format!("/remittances/{first}/count"), 1, count).await.expect(200);
    row["counted_minor"] = json!(450);
    assert_eq!(account().await, expected([200, 0, 50], json!([row.clone()])));

    // The next one stands before it.
    world.test.clock.set(start() + Duration::days(1));
    let second = hand(150).await.expect(201).text("/id");
    let newer = json!({"id": second, "declared_minor": 150, "counted_minor": null, "submitted_on": "2026-03-11"});
    assert_eq!(account().await, expected([200, 150, 50], json!([newer, row])));
}

/// All pages from a cursor on, as they travelled but for the next cursor, and what came in them.
async fn pages(phone: &Phone<'_>, cursor: Option<String>) -> (Vec<String>, Vec<Value>) {
    let (mut cursor, mut texts, mut items) = (cursor, Vec::new(), Vec::new());
    loop {
        let after = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let answer = phone.pull(&format!("&limit=1{after}")).await.expect(200);
        items.extend(answer.body["items"].as_array().unwrap().iter().cloned());
        let next = answer.text("/next_cursor");
        // A cursor looks like chance: it may spell anything.
        texts.push(answer.text.replace(&next, ""));
        cursor = Some(next);
        if answer.body["has_more"] == false {
            return (texts, items);
        }
    }
}

/// A household of which a claim was decided: neither a first pull nor the next one says anything of it.
#[actix_web::test]
async fn nothing_of_care_is_ever_pulled() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await;
    let other = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let id = home.text("/id");
    world.enrolled(&id, &product, "2026-03-01").await;
    world.payment(&id, 31_000, "2026-03-10").await.expect(201);
    let (before, _) = phone.all(None).await;
    let claim = world.claim(&home.text("/members/0/id"), "INV-77", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    assert!(claim.body["mutual_minor"].as_i64().unwrap() > 0, "the mutual bears a part of it: {}", claim.text);
    // Something of the household and of the other one changes since, so that both come again.
    for household in [&id, &other] {
        world.payment(household, 70, "2026-03-10").await.expect(201);
    }
    let (all, items) = pages(&phone, None).await;
    let (since, changed) = pages(&phone, Some(before)).await;
    assert_eq!(items.len(), 2);
    assert!(all.len() >= 2 && since.len() >= 2, "{} and {} pages", all.len(), since.len());
    assert_eq!(document(&changed, &id), document(&items, &id));
    let secrets = [
        claim.text("/id"),
        claim.text("/number"),
        world.provider("HC-KAY").to_string(),
        "INV-77".to_owned(),
        "J06.9".to_owned(),
        "HC-KAY".to_owned(),
        "Health centre".to_owned(),
        "Consultation".to_owned(),
        "claim".to_owned(),
        "diagnos".to_owned(),
    ];
    for text in all.iter().chain(&since) {
        for secret in &secrets {
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{secret} in {text}");
        }
    }
    // Whatever a device is given of a household is named here.
    let told = document(&items, &id);
    assert_eq!(
        names(&told),
        [
            "area_id",
            "balance_minor",
            "class",
            "credit_minor",
            "currency",
            "dues",
            "id",
            "members",
            "number",
            "phone",
            "receipts",
            "registered_on",
            "section_id",
            "version",
            "visit",
        ]
    );
    let member = &told["members"][0];
    assert_eq!(
        names(member),
        [
            "birth_date",
            "birth_precision",
            "card_number",
            "family_name",
            "given_name",
            "id",
            "national_id",
            "occupation",
            "phone",
            "relationship",
            "sex",
            "standing",
            "version",
        ]
    );
    assert_eq!(names(&member["standing"]), ["state", "until_on"]);
    assert_eq!(member["standing"]["state"], "IN_FORCE");
}

#[actix_web::test]
async fn the_areas_are_those_of_the_country_that_stand_today() {
    let world = World::new().await;
    let (kayanza, ended, abroad) = (world.area("Kayanza"), world.area("Busiga"), world.area("Dakar"));
    let butaganzwa = world.area("Butaganzwa");
    world.test.execute("UPDATE areas SET valid_to = '2026-03-09' WHERE name = 'Busiga'");
    world.test.execute("UPDATE areas SET country = 'SN' WHERE name = 'Dakar'");
    let path = format!("{}/sync/areas", world.mutual("KAY"));
    let answer = world.get(&path).as_("field_agent").send().await.expect(200);
    let area = |id: ayni::ids::AreaId, name: &str| json!({"id": id, "parent_id": null, "name": name});
    assert_eq!(answer.body, json!({"areas": [area(butaganzwa, "Butaganzwa"), area(kayanza, "Kayanza")]}));
    assert!(!answer.text.contains(&ended.to_string()) && !answer.text.contains(&abroad.to_string()));
    // On its last day it stands.
    world.test.execute("UPDATE areas SET valid_to = '2026-03-10' WHERE name = 'Busiga'");
    let answer = world.get(&path).as_("field_agent").send().await.expect(200);
    assert_eq!(answer.body["areas"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn the_products_are_the_published_ones_that_the_mutual_may_use() {
    let world = World::new().await;
    let own = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    world.product("platform_admin", "P1", "ABOVE", bands()).await;
    world.product("mutual_admin@GIT", "GIT", "SISTER", bands()).await;
    let mut francs = bands();
    francs["currency"] = json!("XOF");
    world.product("mutual_admin", "KAY", "XOF", francs).await;
    let draft = json!({"owner_id": world.org("KAY"), "code": "DRAFT", "name": "DRAFT", "parameters": bands()});
    world.post("/products").as_("mutual_admin").json(draft).send().await.expect(201);
    // The next version of one that is published is a draft still.
    let mut dearer = bands();
    dearer["registration_fee"] = json!(2_000);
    let versions = format!("/products/{own}/versions");
    let next = json!({"id": fresh(&world), "parameters": dearer});
    world.post(&versions).as_("mutual_admin").json(next).send().await.expect(201);

    let path = format!("{}/sync/products", world.mutual("KAY"));
    let snapshot = || async { world.get(&path).as_("field_agent").send().await.expect(200).body };
    let body = snapshot().await;
    assert_eq!(body["currency"], "BIF");
    let listed = |body: &Value| -> Vec<(String, i64, i64)> {
        let rows = body["products"].as_array().unwrap().iter();
        rows.map(|row| {
            let fee = row["parameters"]["registration_fee"].as_i64().unwrap();
            (row["code"].as_str().unwrap().to_owned(), row["number"].as_i64().unwrap(), fee)
        })
        .collect()
    };
    assert_eq!(listed(&body), [("ABOVE".to_owned(), 1, 1_000), ("FAM".to_owned(), 1, 1_000)]);
    let family = &body["products"][1];
    assert_eq!((&family["name"], &family["parameters"]["currency"]), (&json!("FAM"), &json!("BIF")));
    assert_eq!(family["parameters"]["contribution"]["bands"][0]["amount"], 30_000);

    let publish = format!("{versions}/2/publish");
    world.post(&publish).as_("mutual_admin").header("If-Match", "\"v1\"").send().await.expect(200);
    let expected = [("ABOVE", 1, 1_000), ("FAM", 1, 1_000), ("FAM", 2, 2_000)];
    assert_eq!(listed(&snapshot().await), expected.map(|(code, number, fee)| (code.to_owned(), number, fee)));
}

#[actix_web::test]
async fn the_texts_are_what_receipts_say_in_each_language() {
    let world = World::new().await;
    for (language, receipt, contribution, january) in
        [("fr", "Reçu", "Cotisation", "janvier"), ("en", "Receipt", "Contribution", "January")]
    {
        let path = format!("{}/sync/texts?lang={language}", world.mutual("KAY"));
        let answer = world.get(&path).as_("field_agent").send().await.expect(200);
        let texts = &answer.body["texts"];
        let found = (&texts["receipt"], &texts["contribution"], &texts["months"][0]);
        assert_eq!(found, (&json!(receipt), &json!(contribution), &json!(january)), "{language}");
        assert_eq!(texts["months"].as_array().unwrap().len(), 12, "{language}");
    }
}
