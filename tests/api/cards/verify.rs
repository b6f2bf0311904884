//! `GET /verify/{token}`, `/verify/keys`, `/verify/revoked`: for anybody.
use crate::support::register::bands;
use crate::support::{Answer, World};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

async fn ask(world: &World, token: &str) -> Answer {
    world.get(&format!("/verify/{token}")).send().await
}

/// A covered household of two with a card of the principal; the answer to its issue, and the card's number.
async fn carded(world: &World, expires_on: Option<&str>) -> (Answer, String, String) {
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = super::in_order(world.covered(&product, 2, 0).await);
    let path = format!("{}/members/{}/card", world.mutual("KAY"), home.members[0]);
    let made = world.post(&path).as_("registrar").json(json!({"expires_on": expires_on})).send().await.expect(201);
    (made, home.cards[0].clone(), path)
}

#[actix_web::test]
async fn anybody_is_told_validity_and_initials_and_nothing_else() {
    let world = World::new().await;
    let (made, number, _) = carded(&world, None).await;
    let audits = world.count("audit_rows");
    let answer = ask(&world, &made.text("/token")).await.expect(200);
    assert_eq!(
        answer.body,
        json!({"status": "VALID", "kind": "card", "mutual": "Organisation KAY", "initials": "A. N.",
            "expires_on": "2027-02-28", "in_force": true,
            "message": "Issued by the mutual, neither expired nor revoked. Cover is in force today."})
    );
    assert_eq!(
        (answer.headers["content-language"].as_str(), answer.headers["cache-control"].as_str()),
        ("en", "no-store")
    );
    let member = made.text("/member_id");
    for secret in ["Aline", "Ndayizeye", "1988", number.as_str(), member.as_str(), &made.text("/household_id")] {
        assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
    }
    assert_eq!(world.count("audit_rows"), audits, "nobody can fill the audit from outside");
    // As it is typed from paper.
    let typed = made.text("/token").to_lowercase();
    let typed = format!("{}-{}", &typed[..4], &typed[4..]);
    assert_eq!(ask(&world, &typed).await.expect(200).body, answer.body);
    let french = world.get(&format!("/verify/{}", made.text("/token"))).header("Accept-Language", "fr").send().await;
    assert!(french.text("/message").contains("couverture"), "{}", french.text);
}

#[actix_web::test]
async fn what_expired_or_was_revoked_says_so_and_no_more_of_cover() {
    let world = World::new().await;
    let (made, _, path) = carded(&world, Some("2026-12-31")).await;
    let token = made.text("/token");
    let says = |answer: &Answer| (answer.text("/status"), answer.body["in_force"].clone());
    world.test.clock.set("2026-12-31T21:59:00Z".parse().unwrap());
    assert_eq!(ask(&world, &token).await.expect(200).text("/status"), "VALID", "still that day in Bujumbura");
    world.test.clock.set("2026-12-31T22:00:00Z".parse().unwrap());
    assert_eq!(says(&ask(&world, &token).await), ("EXPIRED".into(), Value::Null));
    world.test.clock.set("2026-03-11T12:00:00Z".parse().unwrap());
    let body = json!({"reason": "LOST"});
    world.post(&format!("{path}/revoke")).as_("registrar").json(body).send().await.expect(200);
    let answer = ask(&world, &token).await;
    assert_eq!(says(&answer), ("REVOKED".into(), Value::Null));
    assert!(!answer.text.contains("LOST"), "why is the mutual's business");
}

#[actix_web::test]
async fn a_card_that_outlives_cover_is_valid_and_says_that_cover_is_not_in_force() {
    let world = World::new().await;
    let (made, ..) = carded(&world, Some("2028-12-31")).await;
    let at = async |day: &str| {
        world.test.clock.set(format!("{day}T12:00:00Z").parse().unwrap());
        let answer = ask(&world, &made.text("/token")).await.expect(200);
        (answer.text("/status"), answer.body["in_force"].as_bool())
    };
    assert_eq!(at("2027-02-28").await, ("VALID".into(), Some(true)));
    assert_eq!(at("2027-03-01").await, ("VALID".into(), Some(false)));
    assert_eq!(at("2029-01-01").await, ("EXPIRED".into(), None));
}

#[actix_web::test]
async fn a_certificate_is_in_force_while_everybody_on_it_is() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = super::in_order(world.covered(&product, 3, 0).await);
    let kay = world.mutual("KAY");
    let path = format!("{kay}/households/{}/certificate", home.household);
    let made = world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let in_force = async || ask(&world, &made.text("/token")).await.expect(200).body["in_force"].as_bool();
    assert_eq!(in_force().await, Some(true));
    let left = json!({"kind": "DEPARTURE", "member_id": home.members[2], "on": "2026-03-10"});
    let events = format!("{kay}/households/{}/events", home.household);
    world.post(&events).as_("registrar").json(left).send().await.expect(201);
    world.test.clock.set("2026-03-12T12:00:00Z".parse().unwrap());
    assert_eq!(in_force().await, Some(false));
}

#[actix_web::test]
async fn an_unknown_token_is_absent_and_many_of_them_cost_time() {
    let world = World::new().await;
    let (made, ..) = carded(&world, None).await;
    let wrong = ["A".repeat(26), made.text("/id"), "x".into(), "Z".repeat(500)];
    for token in &wrong {
        ask(&world, token).await.refused(404, "not_found", &[]);
    }
    // After a few failures whoever asks from there waits.
    ask(&world, &"B".repeat(25)).await.expect(404);
    let told = ask(&world, &made.text("/token")).await.refused(429, "too_many_requests", &[]);
    assert!(told.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    // The lists go on, for those behind the same address.
    world.get("/verify/keys").send().await.expect(200);
    world.get("/verify/revoked").send().await.expect(200);
}

#[actix_web::test]
async fn what_was_revoked_is_listed_by_hash_until_it_would_have_expired() {
    let world = World::new().await;
    let (made, _, path) = carded(&world, Some("2026-12-31")).await;
    let list = async |query: &str| world.get(&format!("/verify/revoked{query}")).send().await.expect(200);
    let before = list("").await;
    assert_eq!(before.body, json!({"revoked": []}));
    assert_eq!(before.headers["cache-control"], "public, max-age=300");
    let tag = before.headers["etag"].clone();
    let kept = async |tag: &str| world.get("/verify/revoked").header("If-None-Match", tag).send().await.status;
    assert_eq!(kept(&tag).await, 304);
    let body = json!({"reason": "LOST"});
    world.post(&format!("{path}/revoke")).as_("registrar").json(body).send().await.expect(200);
    assert_eq!(kept(&tag).await, 200);
    let token = data_encoding::BASE32_NOPAD.decode(made.text("/token").as_bytes()).unwrap();
    let listed = json!({"revoked": [{"token_hash": BASE64URL_NOPAD.encode(&Sha256::digest(token)), "revoked_on": "2026-03-10"}]});
    assert_eq!(list("").await.body, listed);
    assert_eq!(list("?mutual=KAY").await.body, listed);
    assert_eq!(list("?mutual=GIT").await.body, json!({"revoked": []}));
    world.get("/verify/revoked?mutual=NOWHERE").send().await.refused(404, "not_found", &[("mutual", "not_found")]);
    world.test.clock.set("2027-01-01T12:00:00Z".parse().unwrap());
    assert_eq!(list("").await.body, listed, "west of Greenwich that day has not ended");
    world.test.clock.set("2027-01-02T12:00:00Z".parse().unwrap());
    assert_eq!(list("").await.body, json!({"revoked": []}));
}
