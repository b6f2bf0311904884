//! `/diagnosis-lists` and `GET /diagnoses`
use super::column;
use crate::samples::fresh_id;
use crate::support::{Answer, World};
use ayni::db::Wall;
use ayni::error::Error;
use ayni::providers::diagnoses::unknown;
use serde_json::{Value, json};

async fn load(world: &World, user: &str, owner: &str, name: &str, csv: &str) -> Answer {
    let body = json!({"owner_id": world.org(owner), "name": name, "csv": csv});
    world.post("/diagnosis-lists").as_(user).json(body).send().await
}

/// Which of these are not known for a mutual of the first platform.
fn missing(world: &World, mutual: &str, codes: &[&str]) -> Vec<String> {
    let owners = [mutual, "P1", "NET", "ROOT"].map(|code| world.org(code));
    let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
    world.test.db.read(Wall::ROOT, |r| unknown(r, &owners, &codes).map_err(Error::from)).unwrap()
}

const LIST: &str =
    "code,name\nJ06.9,\"Infection, upper respiratory\"\nJ06.0,Laryngopharyngitis\nb54,Malaria\nA009,Cholera\n";

#[actix_web::test]
async fn the_list_of_the_nearest_owner_decides_what_is_a_diagnosis() {
    let world = World::new().await;
    // Without a list every code is known.
    assert_eq!(missing(&world, "KAY", &["J06.9", "Z99.9"]), [""; 0]);
    let made = load(&world, "platform_admin", "P1", "ICD-10 2019", LIST).await.expect(201);
    assert_eq!((made.text("/name"), &made.body["number_of_codes"]), ("ICD-10 2019".into(), &json!(4)));
    let codes = ["J06", "J06.9", "J069", "j06.9", "J06.1", "J0", "B54", "B54.0", "A00", "A00.9", "A01", "J06.90", "?"];
    assert_eq!(missing(&world, "KAY", &codes), ["J06.1", "J0", "B54.0", "A01", "J06.90", "?"]);
    assert_eq!(missing(&world, "SEN", &["J06.9"]), [""; 0]);
    // The mutual's own list counts for it alone, whatever the platform's has.
    load(&world, "mutual_admin", "KAY", "Own", "code;name\nZ00;Examination\n").await.expect(201);
    assert_eq!(missing(&world, "KAY", &["J06.9", "Z00", "Z00.1"]), ["J06.9", "Z00.1"]);
    assert_eq!(missing(&world, "GIT", &["J06.9", "Z00"]), ["Z00"]);
    // What is loaded later takes its place.
    world.test.db.clock().set("2026-03-11T12:00:00Z".parse().unwrap());
    load(&world, "mutual_admin", "KAY", "Own, again", "code,name\nJ06.9,Infection\n").await.expect(201);
    assert_eq!(missing(&world, "KAY", &["J06.9", "Z00"]), ["Z00"]);
}

#[actix_web::test]
async fn codes_are_looked_up_by_their_beginning() {
    let world = World::new().await;
    load(&world, "platform_admin", "P1", "ICD-10 2019", LIST).await.expect(201);
    let owner = world.org("KAY");
    let cases = [
        ("", &["A00.9", "B54", "J06.0", "J06.9"][..]),
        ("&q=J", &["J06.0", "J06.9"]),
        ("&q=j06", &["J06.0", "J06.9"]),
        ("&q=J06.", &["J06.0", "J06.9"]),
        ("&q=J069", &["J06.9"]),
        ("&q=J06.9", &["J06.9"]),
        ("&q=J07", &[]),
        ("&q=Z", &[]),
    ];
    for (query, expected) in &cases {
        let path = format!("/diagnoses?owner_id={owner}{query}");
        let found = world.get(&path).as_("claims_officer").send().await.expect(200);
        assert_eq!(column(&found, "code"), *expected, "{query}");
    }
    assert_eq!(cases.len(), 8);
    let path = format!("/diagnoses?owner_id={owner}&q=J06&limit=1");
    let first = world.get(&path).as_("claims_officer").send().await.expect(200);
    assert_eq!(first.text("/items/0/name"), "Laryngopharyngitis");
    let cursor = first.text("/next_cursor");
    let next = world.get(&format!("{path}&cursor={cursor}")).as_("claims_officer").send().await.expect(200);
    assert_eq!((column(&next, "code"), &next.body["next_cursor"]), (vec!["J06.9"], &Value::Null));
    for (query, field) in [("q=J06%25", "q"), ("q=J0600000001", "q"), ("q=%C3%A9", "q")] {
        let refused = world.get(&format!("/diagnoses?owner_id={owner}&{query}")).as_("registrar").send().await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![field]), "{query}");
    }
    let refused = world.get("/diagnoses?q=J06").as_("registrar").send().await.expect(422);
    assert_eq!(refused.pointers(), ["owner_id"]);
    let foreign = format!("/diagnoses?owner_id={}", world.org("SEN"));
    world.get(&foreign).as_("registrar").send().await.expect(404);
    // Who has no list sees nothing.
    let empty = world.get(&foreign).as_("mutual_admin@SEN").send().await.expect(200);
    assert_eq!(column(&empty, "code"), [""; 0]);
}

#[actix_web::test]
async fn lists_are_seen_by_who_may_use_them() {
    let world = World::new().await;
    let body = json!({"id": fresh_id(&world), "owner_id": world.org("P1"), "name": "ICD-10 2019", "csv": LIST});
    let made = world.post("/diagnosis-lists").as_("platform_admin").json(body.clone()).send().await.expect(201);
    let again = world.post("/diagnosis-lists").as_("platform_admin").json(body).send().await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.body), ("true", &made.body));
    assert_eq!(world.test.count("diagnosis_codes"), 4);
    load(&world, "platform_admin", "P1", " ICD-10 2019 ", LIST).await.refused(
        409,
        "number_taken",
        &[("/name", "number_taken")],
    );
    for (user, expected) in [("registrar", &["ICD-10 2019"][..]), ("mutual_admin@SEN", &[])] {
        let all = world.get("/diagnosis-lists").as_(user).send().await.expect(200);
        assert_eq!(column(&all, "name"), expected, "{user}");
    }
    for (user, owner, status) in [
        ("registrar", "KAY", 403),
        ("mutual_admin", "GIT", 404),
        ("mutual_admin", "P1", 404),
        ("provider_clerk", "KAY", 403),
    ] {
        assert_eq!(load(&world, user, owner, "Mine", LIST).await.status, status, "{user} {owner}");
    }
}

#[actix_web::test]
async fn each_bad_line_of_a_list_is_named_and_nothing_is_kept() {
    let world = World::new().await;
    let csv = "code,name\nJ06.9,Infection\nJ069,The same\nX,Short\n606,Digit\nJ06.12345,Long\n,Empty\nJ07,\nJ08\n";
    load(&world, "mutual_admin", "KAY", "Own", csv).await.refused(
        422,
        "invalid",
        &[
            ("/csv/3/code", "twice"),
            ("/csv/4/code", "out_of_bounds"),
            ("/csv/5/code", "out_of_bounds"),
            ("/csv/6/code", "out_of_bounds"),
            ("/csv/7/code", "bad_row"),
            ("/csv/8/name", "bad_row"),
            ("/csv/9/", "bad_row"),
        ],
    );
    let cases = [
        (" ", "code,name\nJ06,A\n", "/name"),
        ("Own", "", "/csv"),
        ("Own", "code,name\n", "/csv"),
        ("Own", "code\nJ06\n", "/csv/1/name"),
    ];
    for (name, csv, pointer) in cases {
        let answer = load(&world, "mutual_admin", "KAY", name, csv).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec![pointer]), "{}", answer.text);
    }
    assert_eq!(cases.len(), 4);
    assert_eq!((world.test.count("diagnosis_lists"), world.test.count("diagnosis_codes")), (0, 0));
}

#[actix_web::test]
async fn the_whole_of_a_classification_is_one_list() {
    let world = World::new().await;
    let mut csv = String::from("code,name\n");
    for at in 0..20_000 {
        let letter = char::from(b'A' + u8::try_from(at / 1_000).unwrap());
        csv += &format!(
            "{letter}{:02}.{},A diagnosis with a name of the usual length of them\n",
            at % 1_000 / 10,
            at % 10
        );
    }
    let made = load(&world, "platform_admin", "P1", "All", &csv).await.expect(201);
    assert_eq!(made.body["number_of_codes"], json!(20_000));
    assert_eq!(missing(&world, "KAY", &["A00.0", "T99.9", "J50", "U00"]), ["U00"]);
    csv += "Z99,One more\n";
    load(&world, "platform_admin", "P1", "More", &csv).await.refused(422, "invalid", &[("/csv", "out_of_bounds")]);
}
