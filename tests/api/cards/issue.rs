//! `POST`, `GET /mutuals/{m}/members/{id}/card`, `POST …/card/revoke`
use crate::support::World;
use crate::support::care::Covered;
use crate::support::register::bands;
use crate::support::rows::{assert_alike, dump};
use ayni::cards::rules::{Unbelieved, believe};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};

async fn covered(world: &World, size: usize) -> Covered {
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    super::in_order(world.covered(&product, size, 0).await)
}

fn path(world: &World, member: &str) -> String {
    format!("{}/members/{member}/card", world.mutual("KAY"))
}

#[actix_web::test]
async fn a_card_counts_to_the_end_of_the_period() {
    let world = World::new().await;
    let home = covered(&world, 2).await;
    let path = path(&world, &home.members[0]);
    world.get(&path).as_("registrar").send().await.refused(404, "not_found", &[]);
    let made = world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    assert_eq!(made.headers["location"], format!("/api/v1{path}"));
    assert_eq!((made.text("/kind").as_str(), made.text("/status").as_str()), ("card", "VALID"));
    assert_eq!((made.text("/issued_on").as_str(), made.text("/expires_on").as_str()), ("2026-03-10", "2027-02-28"));
    assert_eq!((&made.body["ordinal"], &made.body["revocation"]), (&json!(1), &Value::Null));
    assert_eq!(made.text("/member_id"), home.members[0]);
    let seen = world.get(&path).as_("registrar").send().await.expect(200);
    assert_eq!(seen.body, made.body);
    assert_eq!(seen.headers["cache-control"], "no-store");
    // Only hashes are kept: neither the token nor the code stands in any row.
    let rows = format!("{:?}", dump(&world.test));
    assert!(!rows.contains(&made.text("/token")) && !rows.contains(&made.text("/code")));
    world.test.clock.set("2027-03-01T12:00:00Z".parse().unwrap());
    assert_eq!(world.get(&path).as_("registrar").send().await.expect(200).text("/status"), "EXPIRED");
}

#[actix_web::test]
async fn what_is_paid_later_shortens_no_card_and_what_is_paid_ahead_lengthens_it() {
    let world = World::new().await;
    let mut parameters = bands();
    parameters["arrears"] = json!({"grace_days": 10, "reinstatement_delay_days": 0, "lapse_days": 60});
    parameters["renewal_grace_days"] = json!(30);
    parameters["instalments"] =
        json!([{"share_bp": 5000, "due": {"months": 0}}, {"share_bp": 5000, "due": {"months": 3}}]);
    let product = world.product("mutual_admin", "KAY", "HARVEST", parameters).await;
    let home = world.home(None, "STANDARD", 1).await;
    let (household, member) = (home.text("/id"), home.text("/members/0/id"));
    let enrolment = world.enrolled(&household, &product, "2026-03-01").await;
    let dues = world.dues(&household).await;
    let today: i64 = dues.iter().filter(|due| due.2 == "2026-03-01").map(|due| due.4).sum();
    world.payment(&household, today, "2026-03-10").await.expect(201);
    let path = path(&world, &member);
    let expires_on =
        async || world.post(&path).as_("registrar").json(json!({})).send().await.expect(201).text("/expires_on");
    // Cover is suspended from June on if nothing more is paid; the card need not be printed again for that.
    assert_eq!(expires_on().await, "2027-02-28");
    let rest: i64 = dues.iter().filter(|due| due.2 != "2026-03-01").map(|due| due.4).sum();
    assert!(rest > 0);
    world.payment(&household, rest, "2026-03-10").await.expect(201);
    world.test.clock.set("2027-02-10T12:00:00Z".parse().unwrap());
    let renew = format!("{}/enrolments/{enrolment}/renew", world.mutual("KAY"));
    let renewed = world.post(&renew).as_("registrar").header("If-Match", "\"v2\"").json(json!({})).send().await;
    assert_eq!(renewed.expect(201).text("/starts_on"), "2027-03-01");
    assert_eq!(expires_on().await, "2027-02-28", "renewed and not paid");
    let next: i64 = world.dues(&household).await.iter().map(|due| due.4).sum();
    world.payment(&household, next, "2027-02-10").await.expect(201);
    assert_eq!(expires_on().await, "2028-02-29", "paid already");
    // Who leaves is a member to his last day.
    let resign = format!("{}/enrolments/{}/resign", world.mutual("KAY"), enrolment);
    let body = json!({"effective_on": "2027-02-20", "reason": "moves away"});
    world.post(&resign).as_("mutual_admin").header("If-Match", "\"v2\"").json(body).send().await.expect(200);
    assert_eq!(expires_on().await, "2027-02-20");
}

#[actix_web::test]
async fn its_code_is_believed_with_the_published_keys_alone() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let made = world.post(&path(&world, &home.members[0])).as_("registrar").json(json!({})).send().await.expect(201);
    let keys = world.get("/verify/keys").send().await.expect(200);
    let key = &keys.body["keys"][0];
    assert_eq!(
        (key["kty"].as_str(), key["crv"].as_str(), key["use"].as_str()),
        (Some("OKP"), Some("Ed25519"), Some("sig"))
    );
    assert_eq!(
        (keys.body["keys"].as_array().unwrap().len(), made.text("/kid")),
        (1, key["kid"].as_str().unwrap().into())
    );
    let public = BASE64URL_NOPAD.decode(key["x"].as_str().unwrap().as_bytes()).unwrap();
    let code = made.text("/code");
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    let read = |at: i64| believe(&code, |kid| (HEXLOWER.encode(kid) == made.text("/kid")).then_some(&public), at);
    let claims = read(at("2026-03-11T08:00:00Z")).unwrap();
    assert_eq!((claims.issuer.as_str(), &claims.number), ("KAY", &home.cards[0]));
    assert_eq!(claims.initials, "A. N.");
    // The last day ends at midnight in Bujumbura.
    assert!(read(at("2027-02-28T21:59:59Z")).is_ok());
    assert_eq!(read(at("2027-02-28T22:00:00Z")), Err(Unbelieved::Expired));
    // Access tokens and cards are signed with different keys.
    let token = world.token("registrar");
    let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    assert!(!String::from_utf8(header).unwrap().contains(&made.text("/kid")));
}

#[actix_web::test]
async fn another_card_replaces_the_one_before() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let path = path(&world, &home.members[0]);
    let first = world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let second = world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    assert_eq!(second.body["ordinal"], 2);
    assert_ne!(first.text("/token"), second.text("/token"));
    let status = async |token: String| world.get(&format!("/verify/{token}")).send().await.expect(200).text("/status");
    assert_eq!(status(first.text("/token")).await, "REVOKED");
    assert_eq!(status(second.text("/token")).await, "VALID");
    assert_eq!(world.count("proof_revocations WHERE reason = 'REPLACED'"), 1);
    // An expired card is not revoked when the next is issued: there is nothing to take back.
    let last = json!({"expires_on": "2026-03-10"});
    world.post(&path).as_("registrar").json(last).send().await.expect(201);
    world.test.clock.set("2026-03-11T12:00:00Z".parse().unwrap());
    world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    assert_eq!(world.count("proof_revocations"), 2);
    assert_eq!((world.count("proofs"), world.count("proof_tokens"), world.count("revoked_tokens")), (4, 4, 2));
}

#[actix_web::test]
async fn the_same_request_again_makes_no_second_card() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let path = path(&world, &home.members[0]);
    let body = json!({"id": "01959d00-0000-7000-8000-00000000000c"});
    let made = world.post(&path).as_("registrar").json(body.clone()).send().await.expect(201);
    let before = dump(&world.test);
    let again = world.post(&path).as_("registrar").json(body).send().await.expect(200);
    assert_eq!((again.body, again.headers["idempotent-replayed"].as_str()), (made.body, "true"));
    assert_alike(&before, &dump(&world.test));
    let other = json!({"id": "01959d00-0000-7000-8000-00000000000c", "expires_on": "2026-12-31"});
    world.post(&path).as_("registrar").json(other).send().await.refused(409, "id_reused", &[("/id", "id_reused")]);
}

#[actix_web::test]
async fn who_is_not_covered_gets_no_card_and_a_refusal_writes_nothing() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 1).await.text("/members/0/id");
    let path = path(&world, &home);
    let before = dump(&world.test);
    world.post(&path).as_("registrar").json(json!({})).send().await.refused(422, "not_covered", &[]);
    let revoke = format!("{path}/revoke");
    world.post(&revoke).as_("registrar").json(json!({"reason": "LOST"})).send().await.refused(404, "not_found", &[]);
    assert_alike(&before, &dump(&world.test));
    let home = covered(&world, 1).await;
    let path = self::path(&world, &home.members[0]);
    let before = dump(&world.test);
    let ask = |body: Value| world.post(&path).as_("registrar").json(body).send();
    for day in ["2026-03-09", "2029-03-11"] {
        let fault = [("/expires_on", "impossible_date")];
        ask(json!({"expires_on": day})).await.refused(422, "impossible_date", &fault);
    }
    ask(json!({"until": "2027-01-01"})).await.refused(422, "invalid", &[("/until", "unknown_field")]);
    ask(json!({"expires_on": "soon"})).await.refused(422, "invalid", &[("/expires_on", "wrong_type")]);
    assert_alike(&before, &dump(&world.test));
    // Longer than the cover that is known, since a card says who belongs and not what is paid.
    assert_eq!(ask(json!({"expires_on": "2029-03-10"})).await.expect(201).text("/expires_on"), "2029-03-10");
}

#[actix_web::test]
async fn a_revoked_card_is_shown_as_such_and_not_printed() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let path = path(&world, &home.members[0]);
    world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let revoke = |reason: &'static str| {
        world.post(&format!("{path}/revoke")).as_("registrar").json(json!({"reason": reason})).send()
    };
    revoke("REPLACED").await.refused(422, "invalid", &[("/reason", "unknown_value")]);
    revoke("EATEN").await.refused(422, "invalid", &[("/reason", "unknown_value")]);
    let gone = revoke("STOLEN").await.expect(200);
    assert_eq!(gone.text("/status"), "REVOKED");
    assert_eq!(gone.body["revocation"], json!({"reason": "STOLEN", "revoked_on": "2026-03-10"}));
    revoke("LOST").await.refused(409, "wrong_state", &[]);
    assert_eq!(world.get(&path).as_("registrar").send().await.expect(200).text("/status"), "REVOKED");
    let print = world.get(&path).as_("registrar").header("Accept", "application/pdf").send().await;
    print.refused(409, "wrong_state", &[]);
    // Another takes its place, and the revocation of the first is left as it is.
    assert_eq!(world.post(&path).as_("registrar").json(json!({})).send().await.expect(201).body["ordinal"], 2);
    assert_eq!(world.count("proof_revocations"), 1);
}

#[actix_web::test]
async fn it_is_printed_in_the_language_asked_for_the_same_each_time() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let path = path(&world, &home.members[0]);
    world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let print = async |query: &str, accepted: &str| {
        let ask = world.get(&format!("{path}{query}")).as_("registrar").header("Accept", "application/pdf");
        ask.header("Accept-Language", accepted).send().await.expect(200)
    };
    let english = print("", "").await;
    assert!(english.text.starts_with("%PDF-") && english.text.contains("Member card"));
    assert_eq!(
        (english.headers["content-type"].as_str(), english.headers["content-language"].as_str()),
        ("application/pdf", "en")
    );
    assert_eq!(english.headers["content-disposition"], "inline; filename=\"card.pdf\"");
    assert_eq!(english.headers["cache-control"], "no-store");
    assert_eq!(print("", "").await.text, english.text);
    let french = print("", "fr-BI, en;q=0.5").await;
    assert_eq!(french.headers["content-language"], "fr");
    assert!(french.text.contains("Carte de membre"));
    assert_eq!(print("?lang=fr", "en").await.text, french.text);
    let reads = world.count("audit_rows WHERE kind = 'read'");
    print("", "").await;
    assert_eq!(world.count("audit_rows WHERE kind = 'read'"), reads + 1, "printing is a look at a person");
    world.get(&path).as_("registrar").header("Accept", "image/png").send().await.refused(406, "not_acceptable", &[]);
    world.get(&format!("{path}?lang=de")).as_("registrar").send().await.expect(422);
}

#[actix_web::test]
async fn cards_are_of_the_mutual_and_of_the_section() {
    let world = World::new().await;
    let home = covered(&world, 1).await;
    let path = path(&world, &home.members[0]);
    world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let readers = [
        ("mutual_admin", 200),
        ("treasurer", 200),
        ("auditor", 200),
        // A household without section is not the agent's.
        ("field_agent", 404),
        ("section_registrar", 404),
        ("registrar@GIT", 404),
        ("platform_admin", 404),
        ("provider_clerk", 403),
    ];
    world.each("GET", &path, None, &readers).await;
    let elsewhere = path.replace(&world.mutual("KAY"), &world.mutual("GIT"));
    world.get(&elsewhere).as_("registrar@GIT").send().await.refused(404, "not_found", &[]);
    let before = dump(&world.test);
    let issue = json!({});
    let writers = [
        ("treasurer", 403),
        ("auditor", 403),
        ("section_registrar", 404),
        ("registrar@GIT", 404),
        ("system_admin", 404),
    ];
    world.each("POST", &path, Some(issue), &writers).await;
    world.each("POST", &format!("{path}/revoke"), Some(json!({"reason": "LOST"})), &writers).await;
    world.post(&elsewhere).as_("registrar@GIT").json(json!({})).send().await.refused(404, "not_found", &[]);
    assert_alike(&before, &dump(&world.test));
}
