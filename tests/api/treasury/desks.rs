//! Cash desks and movements.
use crate::support::World;
use crate::support::rows::{assert_alike, dump};
use serde_json::{Value, json};

fn counted(amount: i64, note: Option<&str>) -> Value {
    json!({"counted_minor": amount, "currency": "BIF", "note": note})
}

fn movement(kind: &str, holding: &str, amount: i64) -> Value {
    json!({"kind": kind, "amount_minor": amount, "currency": "BIF", "holding": holding, "description": "so it is",
        "moved_on": "2026-03-10"})
}

#[actix_web::test]
async fn a_day_at_the_desk_closes_to_what_is_counted() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let desk = world.read("/cash-desks").await["items"][0]["id"].as_str().unwrap().to_owned();
    let desk = format!("/cash-desks/{desk}");
    let opened = world.give("treasurer", &format!("{desk}/open"), counted(0, None)).await.expect(200);
    assert_eq!((opened.body["number"].as_i64(), opened.body["opening_minor"].as_i64()), (Some(1), Some(0)));
    world.give("treasurer", &format!("{desk}/open"), counted(0, None)).await.refused(409, "wrong_state", &[]);
    world.payment(&home, 10_000, "2026-03-10").await.expect(201);
    world.payment(&home, 2_500, "2026-03-09").await.expect(201);
    let deposit = world.give("treasurer", "/movements", movement("deposit", "cash", 8_000)).await.expect(201);
    let id = deposit.text("/movement/id");
    world.give("treasurer", "/movements", movement("withdrawal", "cash", 300)).await.expect(201);
    world.give("treasurer", &format!("{desk}/close"), counted(4_700, None)).await.refused(
        422,
        "invalid",
        &[("/note", "missing")],
    );
    world.give("field_agent", &format!("{desk}/close"), counted(4_800, None)).await.expect(403);
    let closed = world.give("treasurer", &format!("{desk}/close"), counted(4_700, Some("lost"))).await.expect(200);
    let figures = ["opening_minor", "in_minor", "out_minor", "expected_minor", "counted_minor", "difference_minor"]
        .map(|name| closed.body[name].as_i64().unwrap());
    assert_eq!(figures, [0, 12_800, 8_000, 4_800, 4_700, -100]);
    assert_eq!(closed.body["lines"].as_array().unwrap().len(), 3);
    assert_eq!(world.stands("cash_differences").await, (100, 0));
    // The next movement opens the next session with what was left.
    world.payment(&home, 5, "2026-03-10").await.expect(201);
    let sessions = world.read(&format!("{desk}/sessions")).await;
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    assert_eq!(sessions["items"][0]["opening_minor"], 4_700);
    assert_eq!(sessions["items"][0]["expected_minor"], 4_705);
    // A movement of a closed session is reversed in the one that is open.
    let path = format!("/movements/{id}/reversal");
    let asked = world.give("treasurer", &path, json!({"reason": "never left"})).await.expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    let session = format!("/cash-sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
    assert_eq!(world.read(&session).await["expected_minor"], 12_705);
    world.give("treasurer", &path, json!({"reason": "again"})).await.refused(409, "already_reversed", &[]);
    assert_eq!(world.read(&format!("/movements/{id}")).await["reversal_reason"], "never left");
    world.adds_up();
}

#[actix_web::test]
async fn another_desk_has_its_own_cash_and_receipts() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let made = world.give("treasurer", "/cash-desks", json!({"code": "M2", "name": "Market"})).await.expect(201);
    world.give("treasurer", "/cash-desks", json!({"code": "M2", "name": "Again"})).await.refused(
        409,
        "number_taken",
        &[("/code", "number_taken")],
    );
    let pay = |desk: Option<String>| {
        json!({"household_id": home, "amount_minor": 70, "currency": "BIF",
        "method": "cash", "received_on": "2026-03-10", "cash_desk_id": desk})
    };
    // With two desks a payment says at which.
    world.give("treasurer", "/payments", pay(None)).await.refused(422, "invalid", &[("/cash_desk_id", "missing")]);
    let paid = world.give("treasurer", "/payments", pay(Some(made.text("/id")))).await.expect(201);
    assert_eq!(paid.text("/receipt_number"), "M2-2026-000001");
    assert_eq!(world.stands(&made.text("/account")).await, (70, 0));
    assert_eq!(world.stands("cash").await, (0, 0));
    let mut out = movement("deposit", "cash", 71);
    out["cash_desk_id"] = json!(made.text("/id"));
    world.give("treasurer", "/movements", out.clone()).await.refused(
        422,
        "not_enough_cash",
        &[("/amount_minor", "not_enough_cash")],
    );
    out["amount_minor"] = json!(70);
    world.give("treasurer", "/movements", out).await.expect(201);
    assert_eq!(world.stands("bank").await, (70, 0));
    world.adds_up();
}

#[actix_web::test]
async fn an_expense_above_the_limit_waits_for_a_second_person() {
    let world = World::new().await;
    let settings = world.read("/money-settings").await;
    assert_eq!((settings["expense_limit_minor"].as_i64(), settings["commission_bp"].as_i64()), (Some(0), Some(0)));
    let path = format!("{}/money-settings", world.mutual("KAY"));
    let change = |version: &str| world.patch(&path).header("If-Match", version);
    let limit = json!({"expense_limit_minor": 1_000});
    change("\"v1\"").as_("treasurer").json(limit.clone()).send().await.expect(403);
    change("\"v2\"").as_("mutual_admin").json(limit.clone()).send().await.expect(412);
    change("\"v1\"").as_("mutual_admin").json(limit).send().await.expect(200);
    let small = world.give("treasurer", "/movements", movement("expense", "bank", 1_000)).await.expect(201);
    assert!(small.body["approval_id"].is_null());
    assert_eq!(world.stands("expense").await, (1_000, 0));
    let large = world.give("treasurer", "/movements", movement("expense", "bank", 1_001)).await.expect(201);
    assert!(large.body["movement"].is_null());
    assert_eq!(world.stands("expense").await, (1_000, 0));
    let approval = large.text("/approval_id");
    world.approve(&approval, "treasurer").await.refused(403, "same_person", &[]);
    world.approve(&approval, "mutual_admin").await.expect(200);
    assert_eq!(world.stands("expense").await, (2_001, 0));
    // Income needs nobody.
    world.give("treasurer", "/movements", movement("grant", "bank", 50_000)).await.expect(201);
    assert_eq!(world.stands("other_income").await, (0, 50_000));
    let before = dump(&world.test);
    let fault = |body: Value, pointer: &'static str, code: &'static str| (body, pointer, code);
    let mut later = movement("grant", "bank", 5);
    later["moved_on"] = json!("2026-03-11");
    let mut with_desk = movement("grant", "bank", 5);
    with_desk["cash_desk_id"] = json!(world.org("KAY"));
    let mut with_collector = movement("grant", "bank", 5);
    with_collector["collector_id"] = json!(world.users["field_agent"]);
    let mut stranger = movement("commission", "bank", 5);
    stranger["collector_id"] = json!(world.users["registrar"]);
    for (body, pointer, code) in [
        fault(movement("deposit", "bank", 5), "/holding", "unknown_value"),
        fault(movement("payout", "cash", 5), "/holding", "unknown_value"),
        fault(movement("commission", "bank", 5), "/collector_id", "missing"),
        fault(movement("grant", "bank", 0), "/amount_minor", "amount_refused"),
        fault(movement("grant", "bank", 1 << 53), "/amount_minor", "amount_too_large"),
        fault(later, "/moved_on", "future_date"),
        fault(with_desk, "/cash_desk_id", "not_here"),
        fault(with_collector, "/collector_id", "not_here"),
        fault(stranger, "/collector_id", "not_found"),
    ] {
        let answer = world.give("treasurer", "/movements", body).await;
        assert_eq!(answer.faults(), [(pointer, code)], "{}", answer.text);
    }
    assert_alike(&before, &dump(&world.test));
    let grants = world.read("/movements?kind=grant").await;
    assert_eq!(grants["items"].as_array().unwrap().len(), 1);
    world.adds_up();
}
