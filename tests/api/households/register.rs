//! `POST /mutuals/{m}/households`
use crate::support::World;
use crate::support::register::person;
use ayni::households::rules::is_valid_card_number;
use serde_json::{Value, json};

fn body(members: Vec<Value>) -> Value {
    json!({"registered_on": "2026-03-01", "members": members})
}

#[actix_web::test]
async fn a_household_gets_its_number_and_its_members_their_cards() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let id = "01959d00-0000-7000-8000-0000000000b1";
    let mut body = body(vec![person("principal", " Aline ", "1988-05-02"), person("child", "Éric", "2015-01-20")]);
    body["id"] = json!(id);
    body["class"] = json!("POOR");
    body["phone"] = json!("+25779000001");
    body["section_id"] = json!(world.org("KAY-S1"));
    let made = world.post(&path).as_("registrar").json(body.clone()).send().await.expect(201);
    assert_eq!(made.headers["location"], format!("/api/v1{path}/{id}"));
    assert_eq!(made.headers["etag"], "\"v1\"");
    assert_eq!(
        (made.text("/id"), made.text("/number"), made.text("/class")),
        (id.into(), "H000001".into(), "POOR".into())
    );
    assert_eq!(made.text("/section_id"), world.org("KAY-S1").to_string());
    let members = made.body["members"].as_array().unwrap();
    assert_eq!(members.len(), 2);
    let mut bodies = Vec::new();
    for member in members {
        let card = member["card_number"].as_str().unwrap();
        assert!(is_valid_card_number(card), "{card}");
        bodies.push(card[..14].to_owned());
        assert_eq!(member["member_since_on"], "2026-03-01");
        assert_eq!(member["household_id"], id);
        assert!(member["member_until_on"].is_null());
    }
    bodies.sort();
    assert_eq!(bodies, ["10000100000001", "10000100000002"]);
    assert_eq!(members.iter().find(|member| member["relationship"] == "principal").unwrap()["given_name"], "Aline");
    let again = world.post(&path).as_("registrar").json(body.clone()).send().await.expect(200);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, made.body);
    body["class"] = json!("STANDARD");
    world.post(&path).as_("registrar").json(body).send().await.refused(409, "id_reused", &[("/id", "id_reused")]);
    assert_eq!((world.count("households"), world.count("members")), (1, 2));
    // Another mutual has a prefix and numbers of its own.
    let git = world.home_of("GIT", None, "STANDARD", 1).await;
    assert_eq!(git.text("/number"), "H000001");
    assert_eq!(git.text("/members/0/card_number")[..14], *"10000200000001");
}

#[actix_web::test]
async fn the_key_may_stand_in_the_header() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let key = "01959d00-0000-7000-8000-0000000000b2";
    let body = body(vec![person("principal", "A", "1988-05-02")]);
    let send = |body: Value| world.post(&path).as_("registrar").header("Idempotency-Key", key).json(body).send();
    assert_eq!(send(body.clone()).await.expect(201).text("/id"), key);
    assert_eq!(send(body.clone()).await.expect(200).headers["idempotent-replayed"], "true");
    let mut other = body.clone();
    other["phone"] = json!("+25779000001");
    send(other).await.refused(422, "idempotency_key_reused", &[("Idempotency-Key", "idempotency_key_reused")]);
    let mut both = body;
    both["id"] = json!("01959d00-0000-7000-8000-0000000000b3");
    send(both).await.refused(400, "unreadable", &[("Idempotency-Key", "unreadable")]);
}

#[actix_web::test]
async fn what_cannot_be_is_refused_with_its_field_and_leaves_nothing() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let send = |body: Value| world.post(&path).as_("registrar").json(body).send();
    let head = || person("principal", "A", "1988-05-02");
    let commands = world.count("commands");
    send(body(vec![head(), person("principal", "B", "1990-01-01")])).await.refused(
        422,
        "second_principal",
        &[("/members", "second_principal")],
    );
    send(body(vec![person("child", "B", "2015-01-01")])).await.refused(
        422,
        "no_principal",
        &[("/members", "no_principal")],
    );
    send(body(vec![head(), person("child", "B", "2026-03-02"), person("child", "C", "1879-12-31")])).await.refused(
        422,
        "impossible_date",
        &[("/members/1/birth_date", "after_registration"), ("/members/2/birth_date", "too_early")],
    );
    let mut future = body(vec![head()]);
    future["registered_on"] = json!("2026-03-11");
    send(future).await.refused(422, "future_date", &[("/registered_on", "future_date")]);
    let crowd = |size: usize| {
        let mut members = vec![head()];
        members.extend((1..size).map(|_| person("child", "B", "2015-01-01")));
        body(members)
    };
    send(crowd(51)).await.refused(422, "invalid", &[("/members", "out_of_bounds")]);
    send(body(vec![])).await.refused(422, "invalid", &[("/members", "out_of_bounds")]);
    let mut wrong = body(vec![head()]);
    wrong["members"][0]["family_name"] = json!("");
    wrong["members"][0]["phone"] = json!("079");
    wrong["class"] = json!("poor");
    wrong["number"] = json!("A/1");
    send(wrong).await.refused(
        422,
        "invalid",
        &[
            ("/members/0/family_name", "out_of_bounds"),
            ("/members/0/phone", "out_of_bounds"),
            ("/class", "out_of_bounds"),
            ("/number", "out_of_bounds"),
        ],
    );
    let mut sex = body(vec![head()]);
    sex["members"][0]["sex"] = json!("f");
    send(sex).await.refused(422, "invalid", &[("/members/0/sex", "unknown_value")]);
    let mut extra = body(vec![head()]);
    extra["members"][0]["died_on"] = json!("2026-01-01");
    send(extra).await.refused(422, "invalid", &[("/members/0/died_on", "unknown_field")]);
    send(json!({"members": [head()]})).await.refused(422, "invalid", &[("/registered_on", "missing")]);
    let mut day = body(vec![head()]);
    day["registered_on"] = json!("2026-02-30");
    send(day).await.refused(422, "impossible_date", &[("/registered_on", "impossible_date")]);
    let mut area = body(vec![head()]);
    area["area_id"] = json!("01959d00-0000-7000-8000-0000000000b2");
    send(area).await.refused(404, "not_found", &[("/area_id", "not_found")]);
    let mut section = body(vec![head()]);
    section["section_id"] = json!(world.org("GIT-S1"));
    send(section).await.refused(404, "not_found", &[("/section_id", "not_found")]);
    assert_eq!((world.count("households"), world.count("members"), world.count("commands")), (0, 0, commands));
    assert_eq!(world.count("series"), 0);
    send(crowd(50)).await.expect(201);
}

#[actix_web::test]
async fn a_number_is_taken_once_and_the_series_goes_around_it() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let mut paper = body(vec![person("principal", "A", "1988-05-02")]);
    paper["number"] = json!("H000002");
    world.post(&path).as_("registrar").json(paper.clone()).send().await.expect(201);
    world.post(&path).as_("registrar").json(paper).send().await.refused(
        409,
        "number_taken",
        &[("/number", "number_taken")],
    );
    assert_eq!(world.home(None, "STANDARD", 1).await.text("/number"), "H000001");
    assert_eq!(world.home(None, "STANDARD", 1).await.text("/number"), "H000003");
    let mut legacy = body(vec![person("principal", "A", "1988-05-02"), person("child", "B", "2015-01-01")]);
    legacy["members"][1]["legacy_number"] = json!("OLD-7");
    world.post(&path).as_("registrar").json(legacy.clone()).send().await.expect(201);
    world.post(&path).as_("registrar").json(legacy).send().await.refused(
        409,
        "number_taken",
        &[("/members/1", "number_taken")],
    );
}

#[actix_web::test]
async fn who_may_register_and_where() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let body = body(vec![person("principal", "A", "1988-05-02")]);
    let others = [
        ("auditor", 403),
        ("treasurer", 403),
        ("claims_officer", 403),
        ("medical_adviser", 403),
        ("platform_admin", 404),
        ("registrar@GIT", 404),
        ("mutual_admin@SEN", 404),
        ("system_admin", 404),
    ];
    world.each("POST", &path, Some(body.clone()), &others).await;
    // Who has one section registers there, and nowhere else.
    let made = world.post(&path).as_("field_agent").json(body.clone()).send().await.expect(201);
    assert_eq!(made.text("/section_id"), world.org("KAY-S1").to_string());
    let made = world.post(&path).as_("section_registrar").json(body.clone()).send().await.expect(201);
    assert_eq!(made.text("/section_id"), world.org("KAY-S2").to_string());
    let mut elsewhere = body.clone();
    elsewhere["section_id"] = json!(world.org("KAY-S2"));
    world.post(&path).as_("field_agent").json(elsewhere).send().await.refused(
        404,
        "not_found",
        &[("/section_id", "not_found")],
    );
    let whole = world.post(&path).as_("mutual_admin").json(body).send().await.expect(201);
    assert!(whole.body["section_id"].is_null());
}

#[actix_web::test]
async fn a_phone_is_taken_as_it_is_told_and_kept_as_it_is_dialled() {
    let world = World::new().await;
    let path = format!("{}/households", world.mutual("KAY"));
    let home = |phone: &str, own: &str| {
        json!({"registered_on": "2026-03-10", "phone": phone, "members": [{"relationship": "principal",
            "family_name": "Ndayizeye", "given_name": "Aline", "sex": "female", "phone": own}]})
    };
    let made = world.post(&path).as_("registrar").json(home("79 000 005", "+257 79-000-006")).send().await.expect(201);
    assert_eq!((made.text("/phone"), made.text("/members/0/phone")), ("+25779000005".into(), "+25779000006".into()));
    assert_eq!(world.count("phones WHERE e164 = '+25779000005' AND raw = '79 000 005'"), 1);
    assert_eq!(world.count("phones WHERE e164 = '+25779000006' AND raw = '+257 79-000-006'"), 1);
    let before = (world.count("households"), world.count("commands"));
    let refused = world.post(&path).as_("registrar").json(home("123456", "+25779000006")).send().await;
    refused.refused(422, "invalid", &[("/phone", "pattern")]);
    let refused = world.post(&path).as_("registrar").json(home("79000005", "123456")).send().await;
    refused.refused(422, "invalid", &[("/members/0/phone", "pattern")]);
    assert_eq!((world.count("households"), world.count("commands")), before);
    let url = format!("{}/members/{}", world.mutual("KAY"), made.text("/members/0/id"));
    let correct = |phone| world.patch(&url).as_("registrar").header("If-Match", "\"v1\"").json(json!({"phone": phone}));
    correct("123456").send().await.refused(422, "invalid", &[("/phone", "pattern")]);
    assert_eq!(correct("79000007").send().await.expect(200).text("/phone"), "+25779000007");
}
