//! `POST /mutuals/{m}/payments`
use crate::support::World;
use crate::support::register::bands;
use serde_json::{Value, json};

fn body(household: &str, amount: i64) -> Value {
    json!({"id": "01959d00-0000-7000-8000-0000000000a5", "household_id": household, "amount_minor": amount,
        "currency": "BIF", "method": "cash", "received_on": "2026-03-10"})
}

#[actix_web::test]
async fn what_cannot_be_is_refused_and_moves_nothing() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let path = format!("{}/payments", world.mutual("KAY"));
    let send = |change: Value| {
        let mut body = body(&home, 500);
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        world.post(&path).as_("treasurer").json(body).send()
    };
    let mut without = body(&home, 500);
    without.as_object_mut().unwrap().remove("id");
    world.post(&path).as_("treasurer").json(without).send().await.refused(
        400,
        "id_required",
        &[("/id", "id_required")],
    );
    send(json!({"currency": "XOF"})).await.refused(422, "CURRENCY_MISMATCH", &[("/currency", "CURRENCY_MISMATCH")]);
    // R1: the currency is looked at before the amount.
    send(json!({"currency": "XOF", "amount_minor": 0})).await.refused(
        422,
        "CURRENCY_MISMATCH",
        &[("/currency", "CURRENCY_MISMATCH")],
    );
    for (amount, code) in [(0, "amount_refused"), (-5, "amount_refused"), (1_i64 << 53, "amount_too_large")] {
        send(json!({"amount_minor": amount})).await.refused(422, code, &[("/amount_minor", code)]);
    }
    send(json!({"amount_minor": "5"})).await.refused(422, "invalid", &[("/amount_minor", "wrong_type")]);
    send(json!({"amount_minor": serde_json::from_str::<Value>("5.5").unwrap()})).await.refused(
        422,
        "invalid",
        &[("/amount_minor", "wrong_type")],
    );
    send(json!({"received_on": "2026-03-11"})).await.refused(422, "future_date", &[("/received_on", "future_date")]);
    send(json!({"method": "gold"})).await.refused(422, "invalid", &[("/method", "unknown_value")]);
    send(json!({"cash_desk_id": world.org("KAY")})).await.refused(404, "not_found", &[("/cash_desk_id", "not_found")]);
    send(json!({"household_id": world.org("KAY")})).await.refused(404, "not_found", &[("/household_id", "not_found")]);
    let others = [
        ("auditor", 403),
        ("registrar", 403),
        ("section_registrar", 403),
        ("claims_officer", 403),
        ("treasurer@GIT", 404),
        ("platform_admin", 404),
        ("body_auditor", 404),
    ];
    world.each("POST", &path, Some(body(&home, 500)), &others).await;
    let git = path.replace(&world.mutual("KAY"), &world.mutual("GIT"));
    world.post(&git).as_("treasurer@GIT").json(body(&home, 500)).send().await.refused(
        404,
        "not_found",
        &[("/household_id", "not_found")],
    );
    for table in ["payments", "receipts", "transfers", "allocations"] {
        assert_eq!(world.count(table), 0, "{table}");
    }
    // The largest is counted, once.
    let largest = send(json!({"amount_minor": (1_i64 << 53) - 1})).await.expect(201);
    assert_eq!(largest.body["credit_minor"], json!((1_i64 << 53) - 1));
    let again = send(json!({"amount_minor": (1_i64 << 53) - 1})).await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.body), ("true", &largest.body));
    send(json!({"amount_minor": 5})).await.refused(409, "id_reused", &[("/id", "id_reused")]);
    assert_eq!(world.count("payments"), 1);
}

#[actix_web::test]
async fn the_oldest_due_is_paid_first_and_credit_fills_the_next_year() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let first = world.payment(&home, 400, "2026-03-09").await.expect(201);
    let dues = world.dues(&home).await;
    // R9: of one day, the fee before the contribution.
    assert_eq!(
        dues.iter().map(|due| (due.0.as_str(), due.4)).collect::<Vec<_>>(),
        [("REGISTRATION", 600), ("CONTRIBUTION", 30_000)]
    );
    assert_eq!(first.body["allocations"].as_array().unwrap().len(), 1);
    assert_eq!(first.body["allocations"][0]["amount_minor"], 400);
    assert_eq!(first.body["allocations"][0]["counts_on"], "2026-03-09");
    let second = world.payment(&home, 40_000, "2026-03-10").await.expect(201);
    let parts: Vec<i64> = second.body["allocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!((parts, &second.body["credit_minor"]), (vec![600, 30_000], &json!(9400)));
    assert_eq!(
        (first.text("/receipt_number"), second.text("/receipt_number")),
        ("C1-2026-000001".into(), "C1-2026-000002".into())
    );
    let late = world.payment(&home, 100, "2025-12-30").await.expect(201);
    assert_eq!(late.text("/receipt_number"), "C1-2025-000001");
    assert_eq!(world.stands("household_credits").await, (0, 9500));
    // The next year takes it at once, the oldest payment first, under its own id.
    world.enrolled(&home, &product, "2027-03-01").await;
    let next: Vec<_> = world.dues(&home).await.into_iter().filter(|due| due.2 == "2027-03-01").collect();
    assert_eq!(
        next.iter().map(|due| (due.0.as_str(), due.3, due.4)).collect::<Vec<_>>(),
        [("CONTRIBUTION", 30_000, 20_500)]
    );
    let path = format!("{}/payments/{}", world.mutual("KAY"), second.text("/id"));
    let seen = world.get(&path).as_("treasurer").send().await.expect(200);
    assert_eq!(seen.body["credit_minor"], 0);
    assert_eq!(seen.body["allocations"][2]["amount_minor"], 9400);
    assert_eq!(world.stands("household_credits").await, (9500, 9500));
    assert_eq!(world.stands("cash").await, (40_500, 0));
    assert_eq!(world.stands("fees").await, (0, 1000));
    assert_eq!(world.stands("contributions").await, (0, 39_500));
    let transfers = world.items("treasurer", &format!("{}/transfers", world.mutual("KAY"))).await;
    let used: Vec<i64> = transfers
        .iter()
        .filter(|row| row["event"] == "credit_used")
        .map(|row| row["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!(used.len(), 2);
    assert_eq!(used.iter().sum::<i64>(), 9500);
}

#[actix_web::test]
async fn a_collectors_cash_is_his_float() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await.text("/id");
    let other = world.home(Some("KAY-S2"), "STANDARD", 1).await.text("/id");
    let path = format!("{}/payments", world.mutual("KAY"));
    let send = |change: Value, household: &str| {
        let mut body = body(household, 700);
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        world.post(&path).as_("field_agent").json(body).send()
    };
    send(json!({"method": "bank"}), &home).await.refused(422, "invalid", &[("/method", "not_here")]);
    send(json!({"cash_desk_id": world.org("KAY")}), &home).await.refused(
        422,
        "invalid",
        &[("/cash_desk_id", "not_here")],
    );
    send(json!({}), &other).await.refused(404, "not_found", &[("/household_id", "not_found")]);
    let made = send(json!({}), &home).await.expect(201);
    assert!(made.body["cash_desk_id"].is_null());
    let user = world.users["field_agent"].to_string();
    assert_eq!(made.text("/receipt_number"), format!("A{}{}-2026-000001", &user[..8], &user[32..]));
    assert_eq!(world.stands(&format!("float:{user}")).await, (700, 0));
    assert_eq!(world.stands("cash").await, (0, 0));
    // The desk has its own series.
    assert_eq!(world.payment(&home, 5, "2026-03-10").await.expect(201).text("/receipt_number"), "C1-2026-000001");
    for (method, account) in [("bank", "bank"), ("payroll", "bank"), ("mobile", "mobile")] {
        let id: ayni::ids::PaymentId = world.test.db.ids().next();
        let mut body = body(&home, 10);
        body["id"] = json!(id);
        body["method"] = json!(method);
        let before = world.stands(account).await.0;
        world.post(&path).as_("treasurer").json(body).send().await.expect(201);
        assert_eq!(world.stands(account).await.0, before + 10);
    }
}
