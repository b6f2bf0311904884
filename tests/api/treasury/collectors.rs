//! Collectors: float, remittance, count, debt, commission.
use crate::support::World;
use crate::support::register::bands;
use serde_json::json;

#[actix_web::test]
async fn what_a_collector_hands_over_is_counted_by_somebody_else() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let path = format!("{}/money-settings", world.mutual("KAY"));
    let rate = json!({"commission_bp": 500});
    world.patch(&path).as_("mutual_admin").header("If-Match", "\"v1\"").json(rate).send().await.expect(200);
    world.collected(&home, 6_000).await.expect(201);
    world.collected(&home, 18_000).await.expect(201);
    let agent = world.users["field_agent"].to_string();
    let hand = |amount: i64| json!({"declared_minor": amount, "currency": "BIF"});
    world.give("field_agent", "/remittances", hand(24_001)).await.refused(
        422,
        "remittance_above_float",
        &[("/declared_minor", "remittance_above_float")],
    );
    world.give("field_agent", "/remittances", hand(0)).await.refused(
        422,
        "amount_refused",
        &[("/declared_minor", "amount_refused")],
    );
    let sent = world.give("field_agent", "/remittances", hand(20_000)).await.expect(201);
    assert_eq!((sent.body["state"].as_str(), sent.body["version"].as_i64()), (Some("SUBMITTED"), Some(1)));
    // What is submitted is not submitted twice.
    world.give("field_agent", "/remittances", hand(4_001)).await.expect(422);
    let path = format!("/remittances/{}", sent.text("/id"));
    let count = |amount: i64, note: Option<&str>| json!({"counted_minor": amount, "note": note});
    world.give_in("field_agent", &format!("{path}/count"), 1, count(20_000, None)).await.expect(403);
    world.give_in("treasurer", &format!("{path}/count"), 1, count(19_500, None)).await.refused(
        422,
        "invalid",
        &[("/note", "missing")],
    );
    world.give_in("treasurer", &format!("{path}/count"), 7, count(20_000, None)).await.expect(412);
    world.give_in("treasurer", &format!("{path}/close"), 1, json!({})).await;
    let counted =
        world.give_in("treasurer", &format!("{path}/count"), 1, count(19_500, Some("a note is missing"))).await;
    let counted = counted.expect(200);
    assert_eq!(counted.body["result"], "SHORT");
    assert_eq!(counted.body["outstanding_minor"], 500);
    assert_eq!(world.stands("cash").await, (19_500, 0));
    assert_eq!(world.stands(&format!("float:{agent}")).await, (24_000, 20_000));
    assert_eq!(world.stands(&format!("debt:{agent}")).await, (500, 0));
    world.give_in("treasurer", &format!("{path}/count"), 2, count(1, Some("x"))).await.refused(409, "wrong_state", &[]);
    let close = format!("{}{path}/close", world.mutual("KAY"));
    let closed = world.post(&close).as_("treasurer").header("If-Match", "\"v2\"").send().await.expect(200);
    assert_eq!(closed.body["state"], "CLOSED");
    let account = &world.read("/collectors").await["items"][0];
    let figures = [
        "collected_minor",
        "remitted_minor",
        "outstanding_minor",
        "float_minor",
        "submitted_minor",
        "debt_minor",
        "commission_minor",
    ]
    .map(|name| account[name].as_i64().unwrap());
    // The fee of 1,000 earns none: 5 % of 5,000 and of 18,000, each rounded.
    assert_eq!(figures, [24_000, 19_500, 4_500, 4_000, 0, 500, 1_150]);
    assert_eq!((account["state"].as_str(), account["balance"].as_str()), (Some("SHORT"), Some("SHORT")));
    assert_eq!(account["oldest_receipt_on"], "2026-03-10");
    // He repays what he was short, and is paid his commission.
    let mut repaid = json!({"kind": "debt_repaid", "amount_minor": 500, "currency": "BIF", "holding": "cash",
        "description": "What was missing", "moved_on": "2026-03-10", "collector_id": agent});
    world.give("treasurer", "/movements", repaid.clone()).await.expect(201);
    assert_eq!(world.stands(&format!("debt:{agent}")).await, (500, 500));
    repaid["kind"] = json!("commission");
    let asked = world.give("treasurer", "/movements", repaid).await.expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    // Too much is the collector's.
    let sent = world.give("field_agent", "/remittances", hand(4_000)).await.expect(201);
    let path = format!("/remittances/{}/count", sent.text("/id"));
    let over = world.give_in("treasurer", &path, 1, count(4_050, Some("too much"))).await.expect(200);
    assert_eq!(over.body["result"], "OVER");
    assert_eq!(world.stands(&format!("debt:{agent}")).await, (500, 550));
    // A collector sees his own, the sister mutual nothing.
    assert_eq!(world.items("field_agent", &format!("{}/remittances", world.mutual("KAY"))).await.len(), 2);
    assert_eq!(world.items("field_agent", &format!("{}/collectors", world.mutual("KAY"))).await.len(), 1);
    world.get(&close.replace("/close", "")).as_("treasurer@GIT").send().await.expect(404);
    world.adds_up();
}

#[actix_web::test]
async fn the_office_enters_what_a_collector_wrote_on_paper() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let agent = world.users["field_agent"].to_string();
    let body = |collector: &str| {
        json!({"household_id": home, "amount_minor": 300, "currency": "BIF",
        "method": "cash", "received_on": "2026-03-08", "collector_id": collector})
    };
    let registrar = world.users["registrar"].to_string();
    world.give("treasurer", "/payments", body(&registrar)).await.refused(
        404,
        "not_found",
        &[("/collector_id", "not_found")],
    );
    world.give("field_agent", "/payments", body(&registrar)).await.refused(
        422,
        "invalid",
        &[("/collector_id", "not_here")],
    );
    let paid = world.give("treasurer", "/payments", body(&agent)).await.expect(201);
    assert_eq!(paid.text("/collector_id"), agent);
    assert!(paid.text("/receipt_number").starts_with('A'));
    assert_eq!(world.stands(&format!("float:{agent}")).await, (300, 0));
    let hand = json!({"declared_minor": 300, "currency": "BIF", "collector_id": agent});
    world.give("treasurer", "/remittances", json!({"declared_minor": 300, "currency": "BIF"})).await.refused(
        422,
        "invalid",
        &[("/collector_id", "missing")],
    );
    world.give("treasurer", "/remittances", hand).await.expect(201);
    // A reversal takes it out of the float, which is then below what was submitted.
    let path = format!("/payments/{}/reversal", paid.text("/id"));
    let asked = world.give("treasurer", &path, json!({"reason": "never paid"})).await.expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    assert_eq!(world.stands(&format!("float:{agent}")).await, (300, 300));
    world.adds_up();
}
