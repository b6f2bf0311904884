//! What a facility sees: who presents a card, and nobody else.
use crate::support::World;
use crate::support::care::with_ceilings;
use serde_json::{Value, json};

async fn covered(world: &World) -> (String, String, i64) {
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 1, 0).await;
    let path = format!("{}/members/{}", world.mutual("KAY"), home.members[0]);
    let born = world.get(&path).as_("registrar").send().await.expect(200).text("/birth_date");
    (home.cards[0].clone(), home.members[0].clone(), born[..4].parse().unwrap())
}

fn ask<'w>(
    world: &'w World,
    user: &'static str,
    body: Value,
) -> impl Future<Output = crate::support::Answer> + use<'w> {
    world.post("/eligibility").as_(user).json(body).send()
}

#[actix_web::test]
async fn a_clerk_types_the_birth_year_or_scans_the_code() {
    let world = World::new().await;
    let (card, member, born) = covered(&world).await;
    ask(&world, "provider_clerk", json!({"card": card})).await.refused(422, "invalid", &[("/birth_year", "missing")]);
    // The office does not need it.
    ask(&world, "claims_officer", json!({"card": card})).await.expect(200);
    ask(&world, "provider_clerk", json!({"card": card, "birth_year": born + 1})).await.refused(404, "not_found", &[]);
    let seen = ask(&world, "provider_clerk", json!({"card": card, "birth_year": born})).await.expect(200);
    assert_eq!(seen.text("/cover/status"), "COVERED");
    let path = format!("{}/members/{member}/card", world.mutual("KAY"));
    let issued = world.post(&path).as_("registrar").json(json!({})).send().await;
    assert!(issued.status < 300, "{}", issued.text);
    let code = issued.text("/code");
    let scanned = ask(&world, "provider_clerk", json!({"qr": code})).await.expect(200);
    assert_eq!(scanned.text("/person/member_id"), member);
    let both = ask(&world, "provider_clerk", json!({"qr": code, "card": card})).await;
    both.refused(422, "invalid", &[("/qr", "not_here")]);
    let mut damaged = code.clone();
    damaged.replace_range(30..31, if &code[30..31] == "A" { "B" } else { "A" });
    assert_eq!(ask(&world, "provider_clerk", json!({"qr": damaged})).await.expect(422).pointers(), ["/qr"]);
    ask(&world, "provider_clerk", json!({"qr": "https://example.org"})).await.refused(
        422,
        "invalid",
        &[("/qr", "unreadable")],
    );
    world.post(&format!("{path}/revoke")).as_("registrar").json(json!({"reason": "LOST"})).send().await.expect(200);
    let revoked = ask(&world, "provider_clerk", json!({"qr": code})).await.expect(409);
    assert_eq!((revoked.code(), revoked.pointers()), ("wrong_state", vec!["/qr"]));
}

#[actix_web::test]
async fn who_tries_many_numbers_waits() {
    let world = World::new().await;
    let (card, _, born) = covered(&world).await;
    for _ in 0..5 {
        ask(&world, "provider_clerk", json!({"card": card, "birth_year": born - 1})).await.expect(404);
    }
    let waits = ask(&world, "provider_clerk", json!({"card": card, "birth_year": born})).await.expect(429);
    assert_eq!(waits.code(), "too_many_requests");
    assert!(waits.headers.contains_key("retry-after"));
    let own = format!("/providers/{}/claims/quote", world.provider("HC-KAY"));
    let body = json!({"card": card, "invoice_number": "Q", "service_on": "2026-03-10",
        "lines": [{"line": 1, "service": "CONS", "quantity": 1, "unit_price_minor": 5000}]});
    assert_eq!(world.post(&own).as_("provider_clerk").json(body).send().await.expect(429).code(), "too_many_requests");
    // Others are not held up.
    ask(&world, "claims_officer", json!({"card": card})).await.expect(200);
}

#[actix_web::test]
async fn what_is_left_what_it_costs_and_what_it_needs() {
    let world = World::new().await;
    let mut parameters = with_ceilings(60_000, 90_000);
    parameters["frequency"] = json!({"OPD": {"limit": 2, "window": "calendar_month", "per": "person"}});
    parameters["referral_levels"] = json!(["health_centre"]);
    parameters["prior_auth"] = json!({"categories": ["HOSP"], "threshold": 50_000});
    let product = world.product("mutual_admin", "KAY", "CARE", parameters).await;
    let home = world.covered(&product, 1, 0).await;
    let of = |on: &str| {
        let provider = world.provider("HC-KAY");
        let body = json!({"card": home.cards[0], "on": on, "service": "CONS", "provider_id": provider});
        ask(&world, "claims_officer", body)
    };
    let now = of("2026-03-10").await.expect(200);
    assert_eq!(now.body["referral_levels"], json!(["health_centre"]));
    let service = &now.body["service"];
    assert_eq!((&service["referral_needed"], &service["claim_reason"]), (&json!(true), &json!("REFERRAL_REQUIRED")));
    let benefit = |answer: &crate::support::Answer, category: &str| {
        let all = answer.body["benefits"].as_array().unwrap();
        all.iter().find(|benefit| benefit["category"] == category).unwrap().clone()
    };
    let opd = benefit(&now, "OPD");
    assert_eq!((&opd["rate_public_bp"], &opd["quantity_left"]), (&json!(8_000), &json!(2)));
    assert_eq!(opd["next_allowed_on"], "2026-03-10");
    assert_eq!(benefit(&now, "HOSP")["letter_from_minor"], json!(50_000));
    for number in ["A-1", "A-2"] {
        let mut body = world.claim_body(&home.members[0], number, "2026-03-10", &[("CONS", 1, 5_000)]);
        body["visit_type"] = json!("emergency");
        if number == "A-2" {
            body["lines"][0]["unit_price_minor"] = json!(4_000);
            body["service_on"] = json!("2026-03-10");
        }
        let path = format!("{}/claims", world.mutual("KAY"));
        let made = world.post(&path).as_("claims_officer").json(body).send().await.expect(201);
        if made.text("/state") == "PENDED" {
            let id: ayni::ids::CommandId = world.test.db.ids().next();
            world
                .post(&format!("{path}/{}/decision", made.text("/id")))
                .as_("claims_officer")
                .header("If-Match", "\"v1\"")
                .json(json!({"id": id, "accept": true, "reason": "Two visits"}))
                .send()
                .await
                .expect(200);
        }
    }
    let spent = of("2026-03-10").await.expect(200);
    let opd = benefit(&spent, "OPD");
    assert_eq!((&opd["quantity_left"], &opd["next_allowed_on"]), (&json!(0), &json!("2026-04-01")));
    assert_eq!(spent.body["left"]["person_year_minor"], json!(60_000 - 4_000 - 3_200));
    let unknown = json!({"card": home.cards[0], "service": "NOPE", "provider_id": world.provider("HC-KAY")});
    ask(&world, "claims_officer", unknown).await.refused(422, "invalid", &[("/service", "unknown_value")]);
    let nowhere = json!({"card": home.cards[0], "service": "CONS"});
    ask(&world, "claims_officer", nowhere).await.refused(422, "invalid", &[("/provider_id", "missing")]);
}
