//! Reversals, refunds, waivers and write-offs: asked for by one, done by another.
use crate::support::World;
use crate::support::register::bands;
use crate::support::rows::{assert_alike, dump};
use serde_json::json;

#[actix_web::test]
async fn a_reversal_is_the_mirror_and_other_credit_fills_what_it_opens() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let first = world.payment(&home, 31_000, "2026-03-09").await.expect(201).text("/id");
    let second = world.payment(&home, 700, "2026-03-10").await.expect(201).text("/id");
    let path = format!("/payments/{first}/reversal");
    let reason = json!({"reason": "counted twice"});
    world.give("registrar", &path, reason.clone()).await.expect(403);
    let asked = world.give("treasurer", &path, reason.clone()).await.expect(201).text("/approval_id");
    // Nothing moves before the second person; the first is not the second.
    assert_eq!(world.count("reversals"), 0);
    let before = dump(&world.test);
    world.approve(&asked, "treasurer").await.refused(403, "same_person", &[]);
    assert_alike(&before, &dump(&world.test));
    world.approve(&asked, "mutual_admin").await.expect(200);
    let seen = world.read(&format!("/payments/{first}")).await;
    assert_eq!(seen["credit_minor"], 0);
    assert_eq!(seen["reversal"]["reason"], "counted twice");
    assert_eq!(seen["reversal"]["receipt_number"], "C1-2026-000003");
    let parts: Vec<i64> =
        seen["allocations"].as_array().unwrap().iter().map(|part| part["amount_minor"].as_i64().unwrap()).collect();
    assert_eq!(parts, [1_000, 30_000, -1_000, -30_000]);
    // The credit of the other payment goes to the fee, which is due first.
    let other = world.read(&format!("/payments/{second}")).await;
    assert_eq!(
        (other["allocations"][0]["amount_minor"].as_i64(), other["credit_minor"].as_i64()),
        (Some(700), Some(0))
    );
    assert_eq!(world.stands("cash").await, (31_700, 31_000));
    assert_eq!(world.stands("household_credits").await, (700, 700));
    world.give("treasurer", &path, reason.clone()).await.refused(409, "already_reversed", &[]);
    let id = seen["reversal"]["id"].as_str().unwrap();
    world.give("treasurer", &format!("/payments/{id}/reversal"), reason.clone()).await.refused(
        409,
        "reversal_of_reversal",
        &[],
    );
    world.give("treasurer", &format!("/payments/{home}/reversal"), reason).await.refused(404, "not_found", &[]);
    let path = format!("{}/payments/{first}/reversal", world.mutual("KAY"));
    world.post(&path).as_("treasurer").json(json!({"reason": "x"})).send().await.refused(
        400,
        "id_required",
        &[("/id", "id_required")],
    );
    world.adds_up();
}

#[actix_web::test]
async fn what_was_asked_twice_is_done_once() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let paid = world.payment(&home, 500, "2026-03-10").await.expect(201).text("/id");
    let path = format!("/payments/{paid}/reversal");
    let one = world.give("treasurer", &path, json!({"reason": "a"})).await.expect(201).text("/approval_id");
    let two = world.give("treasurer", &path, json!({"reason": "b"})).await.expect(201).text("/approval_id");
    let refund = json!({"household_id": home, "amount_minor": 500, "currency": "BIF", "method": "cash",
        "reason": "moves away"});
    let back = world.give("treasurer", "/refunds", refund).await.expect(201).text("/approval_id");
    world.approve(&one, "mutual_admin").await.expect(200);
    let before = dump(&world.test);
    world.approve(&two, "mutual_admin").await.refused(409, "already_reversed", &[]);
    world.approve(&back, "mutual_admin").await.refused(
        422,
        "refund_above_credit",
        &[("/amount_minor", "refund_above_credit")],
    );
    assert_alike(&before, &dump(&world.test));
    world.adds_up();
}

#[actix_web::test]
async fn a_credit_is_given_back_and_no_more() {
    let world = World::new().await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    let paid = world.payment(&home, 900, "2026-03-10").await.expect(201).text("/id");
    let body = |amount: i64| {
        json!({"household_id": home, "amount_minor": amount, "currency": "BIF", "method": "cash",
        "reason": "moves away"})
    };
    let amount = [("/amount_minor", "refund_above_credit")];
    world.give("treasurer", "/refunds", body(901)).await.refused(422, "refund_above_credit", &amount);
    world.give("treasurer", "/refunds", body(0)).await.refused(
        422,
        "amount_refused",
        &[("/amount_minor", "amount_refused")],
    );
    let mut other = body(5);
    other["currency"] = json!("XOF");
    world.give("treasurer", "/refunds", other).await.refused(
        422,
        "CURRENCY_MISMATCH",
        &[("/currency", "CURRENCY_MISMATCH")],
    );
    world.give("field_agent", "/refunds", body(5)).await.expect(403);
    let asked = world.give("treasurer", "/refunds", body(400)).await.expect(201).text("/approval_id");
    world.approve(&asked, "mutual_admin").await.expect(200);
    assert_eq!(world.stands("cash").await, (900, 400));
    let seen = world.read(&format!("/payments/{paid}")).await;
    assert_eq!((seen["credit_minor"].as_i64(), seen["refunded_minor"].as_i64()), (Some(500), Some(400)));
    // What was given back cannot be taken back once more.
    let path = format!("/payments/{paid}/reversal");
    world.give("treasurer", &path, json!({"reason": "x"})).await.refused(409, "payment_refunded", &[]);
    // A desk gives no more than it has: what is left was brought to the bank.
    let deposit = json!({"kind": "deposit", "amount_minor": 500, "currency": "BIF", "holding": "cash",
        "description": "To the bank", "moved_on": "2026-03-10"});
    world.give("treasurer", "/movements", deposit).await.expect(201);
    let asked = world.give("treasurer", "/refunds", body(500)).await.expect(201).text("/approval_id");
    world.approve(&asked, "mutual_admin").await.refused(
        422,
        "not_enough_cash",
        &[("/amount_minor", "not_enough_cash")],
    );
    world.adds_up();
}

#[actix_web::test]
async fn a_waiver_lets_cover_resume_and_a_write_off_does_not() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    for (kind, is_covered) in [("waiver", true), ("write-off", false)] {
        let made = world.home(None, "STANDARD", 1).await;
        let (home, card) = (made.text("/id"), made.text("/members/0/card_number"));
        world.enrolled(&home, &product, "2026-03-01").await;
        world.payment(&home, 1_000, "2026-03-02").await.expect(201);
        let dues = world.items("treasurer", &format!("{}/dues?household_id={home}", world.mutual("KAY"))).await;
        let due = dues.iter().find(|due| due["kind"] == "CONTRIBUTION").unwrap();
        let (id, fee) = (due["id"].as_str().unwrap(), dues.iter().find(|due| due["kind"] == "REGISTRATION").unwrap());
        let path = format!("/dues/{}/{kind}", fee["id"].as_str().unwrap());
        world.give("treasurer", &path, json!({"reason": "x"})).await.refused(409, "nothing_open", &[]);
        let path = format!("/dues/{id}/{kind}");
        let more = json!({"reason": "x", "amount_minor": 30_001});
        world.give("treasurer", &path, more).await.refused(
            422,
            "amount_refused",
            &[("/amount_minor", "amount_refused")],
        );
        let mut body = json!({"reason": "a poor harvest"});
        if kind == "waiver" {
            // The household cannot take its own due over: its credit would stand beside it.
            let itself = json!({"reason": "x", "payer": "HOUSEHOLD"});
            world.give("treasurer", &path, itself).await.refused(422, "invalid", &[("/payer", "unknown_value")]);
            body["payer"] = json!("DONOR");
        }
        let asked = world.give("treasurer", &path, body).await.expect(201).text("/approval_id");
        world.approve(&asked, "mutual_admin").await.expect(200);
        let dues = world.items("treasurer", &format!("{}/dues?household_id={home}", world.mutual("KAY"))).await;
        let due = dues.iter().find(|due| due["id"] == id).unwrap();
        assert_eq!(due["outstanding_minor"], 0);
        assert_eq!(due["state"], if is_covered { "WAIVED" } else { "WRITTEN_OFF" });
        let donor: i64 = dues
            .iter()
            .filter(|due| due["payer"] == "DONOR")
            .map(|due| due["outstanding_minor"].as_i64().unwrap())
            .sum();
        assert_eq!(donor, if is_covered { 30_000 } else { 0 });
        let status = world.eligibility(&card, "2026-03-10").await;
        let shown = status.text.contains("\"COVERED\"") || status.text.contains("WAITING");
        assert_eq!(shown, is_covered, "{}", status.text);
        // What comes now fills no due that is owed no more.
        let paid = world.payment(&home, 50, "2026-03-10").await.expect(201);
        assert_eq!(paid.body["credit_minor"], 50);
    }
    world.adds_up();
}
