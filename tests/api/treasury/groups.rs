//! Collections of groups and invoices to other payers.
use crate::support::World;
use crate::support::register::per_person;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_list_is_paid_whole_or_not_at_all() {
    let world = World::new().await;
    let mut homes = Vec::new();
    for _ in 0..3 {
        let made = world.home(None, "STANDARD", 1).await;
        homes.push((made.text("/id"), made.text("/number")));
    }
    let list = |amounts: &[i64]| -> Value {
        homes
            .iter()
            .zip(amounts)
            .map(|((_, number), amount)| json!({"household_number": number, "amount_minor": amount}))
            .collect()
    };
    let body = |amount: i64, list: Value| {
        json!({"payer": "Coffee growers", "method": "payroll", "amount_minor": amount,
        "currency": "BIF", "received_on": "2026-03-09", "list": list})
    };
    let twice = json!([{"household_number": homes[0].1, "amount_minor": 5},
        {"household_number": homes[0].1, "amount_minor": 5}, {"household_number": "H999999", "amount_minor": 0},
        {"household_number": homes[1].1, "amount_minor": 1_i64 << 53}]);
    world.give("treasurer", "/group-collections", body(10, twice)).await.refused(
        422,
        "invalid",
        &[
            ("/list/1/household_number", "duplicate"),
            ("/list/2/household_number", "not_found"),
            ("/list/2/amount_minor", "amount_refused"),
            ("/list/3/amount_minor", "amount_too_large"),
        ],
    );
    let mut nowhere = body(600, list(&[100, 200, 300]));
    nowhere["method"] = json!("cash");
    nowhere["cash_desk_id"] = json!(world.test.db.ids().next::<ayni::ids::kind::CashDesk>());
    world.give("treasurer", "/group-collections", nowhere).await.refused(
        404,
        "not_found",
        &[("/cash_desk_id", "not_found")],
    );
    assert_eq!(world.count("group_collections"), 0);
    let whole = world.give("treasurer", "/group-collections", body(600, list(&[100, 200, 300]))).await.expect(201);
    assert_eq!(whole.body["result"], "ALLOCATED");
    assert_eq!(world.stands("bank").await, (600, 0));
    let paid: Vec<&str> =
        whole.body["list"].as_array().unwrap().iter().map(|line| line["payment_id"].as_str().unwrap()).collect();
    assert_eq!(paid.len(), 3);
    assert_eq!(world.read(&format!("/payments/{}", paid[1])).await["credit_minor"], 200);
    // What does not agree is at the bank and belongs to nobody yet.
    let part = world.give("treasurer", "/group-collections", body(18_000, list(&[5_000, 5_000, 10_000]))).await;
    let part = part.expect(201);
    assert_eq!(
        (part.body["result"].as_str(), part.body["difference_minor"].as_i64()),
        (Some("PENDING_LIST_CORRECTION"), Some(-2_000))
    );
    assert_eq!(world.count("payments"), 3);
    assert_eq!((world.stands("bank").await, world.stands("unallocated").await), ((18_600, 0), (0, 18_000)));
    let waits = world.read("/unallocated?kind=COLLECTION").await;
    assert_eq!(waits["items"][0]["amount_minor"], 18_000);
    let path = format!("{}/group-collections/{}/list", world.mutual("KAY"), part.text("/id"));
    let put = |version: &str, list: Value| {
        world.put(&path).as_("treasurer").header("If-Match", version).json(json!({"list": list})).send()
    };
    put("\"v9\"", list(&[1, 2, 3])).await.expect(412);
    let still = put("\"v1\"", list(&[5_000, 5_000, 9_000])).await.expect(200);
    assert_eq!(still.body["difference_minor"], -1_000);
    let right = put("\"v2\"", list(&[5_000, 5_000, 8_000])).await.expect(200);
    assert_eq!((right.body["result"].as_str(), right.body["list_version"].as_i64()), (Some("ALLOCATED"), Some(3)));
    // What lay unallocated is posted from the bank, where it lies: a reversal then takes it from there.
    assert_eq!((world.stands("bank").await, world.stands("unallocated").await), ((36_600, 18_000), (18_000, 18_000)));
    put("\"v3\"", list(&[5_000, 5_000, 8_000])).await.refused(409, "wrong_state", &[]);
    assert!(world.read("/group-collections?pending=true").await["items"].as_array().unwrap().is_empty());
    world.adds_up();
}

#[actix_web::test]
async fn another_payer_is_invoiced_with_the_list_of_beneficiaries() {
    let world = World::new().await;
    let mut parameters = per_person("per_person_year", 7_000);
    parameters["subsidies"] = json!({"INDIGENT": {"rate_bp": 5000, "payer": "STATE"}});
    let product = world.product("mutual_admin", "KAY", "CMU", parameters).await;
    for size in [2, 3] {
        let home = world.home(None, "INDIGENT", size).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
    }
    world.give("treasurer", "/subsidies", json!({"payer": "HOUSEHOLD"})).await.refused(
        422,
        "invalid",
        &[("/payer", "unknown_value")],
    );
    world.give("treasurer", "/subsidies", json!({"payer": "FUND"})).await.refused(409, "wrong_state", &[]);
    let made = world.give("treasurer", "/subsidies", json!({"payer": "STATE"})).await.expect(201);
    assert_eq!((made.text("/label"), made.body["amount_minor"].as_i64()), ("STATE-0001".into(), Some(17_500)));
    assert_eq!(made.body["number_of_dues"], 2);
    // A due stands in one invoice, and is not waived once it was sent.
    world.give("treasurer", "/subsidies", json!({"payer": "STATE"})).await.refused(409, "wrong_state", &[]);
    let path = format!("/subsidies/{}", made.text("/id"));
    let rows = world.read(&format!("{path}/beneficiaries")).await;
    let number = |row: &Value, name: &str| row[name].as_i64().unwrap();
    let mut persons: Vec<i64> = rows["items"].as_array().unwrap().iter().map(|row| number(row, "persons")).collect();
    persons.sort_unstable();
    assert_eq!(persons, [2, 3]);
    let due = rows["items"][0]["due_id"].as_str().unwrap().to_owned();
    world.give("treasurer", &format!("/dues/{due}/waiver"), json!({"reason": "x"})).await.refused(
        409,
        "wrong_state",
        &[],
    );
    let pay = |amount: i64| json!({"amount_minor": amount, "currency": "BIF", "received_on": "2026-03-10"});
    world.give("treasurer", &format!("{path}/payments"), pay(17_501)).await.refused(
        422,
        "amount_refused",
        &[("/amount_minor", "amount_refused")],
    );
    let part = world.give("treasurer", &format!("{path}/payments"), pay(8_000)).await.expect(201);
    assert_eq!(part.body["outstanding_minor"], 9_500);
    assert_eq!(part.text("/payments/0/receipt_number"), "C1-2026-000001");
    assert_eq!((world.stands("bank").await, world.stands("subsidies").await), ((8_000, 0), (0, 8_000)));
    // The invoice's dues are paid in their order.
    let dues = world.items("treasurer", &format!("{}/dues?limit=200", world.mutual("KAY"))).await;
    let rows = world.read(&format!("{path}/beneficiaries")).await["items"].as_array().unwrap().clone();
    let first = number(&rows[0], "amount_minor").min(8_000);
    for (row, paid) in rows.iter().zip([first, 8_000 - first]) {
        let due = dues.iter().find(|due| due["id"] == row["due_id"]).unwrap();
        assert_eq!((number(row, "paid_minor"), number(due, "paid_minor")), (paid, paid));
    }
    let csv = world
        .get(&format!("{}{path}/beneficiaries", world.mutual("KAY")))
        .as_("treasurer")
        .header("Accept", "text/csv")
        .send()
        .await
        .expect(200);
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
    world.get(&format!("{}{path}", world.mutual("KAY"))).as_("field_agent").send().await.expect(403);
    world.adds_up();
}

#[actix_web::test]
async fn what_a_payer_was_invoiced_stays_when_cover_ends() {
    let world = World::new().await;
    let mut parameters = per_person("per_person_month", 1_000);
    parameters["subsidies"] = json!({"INDIGENT": {"rate_bp": 10_000, "payer": "STATE"}});
    let product = world.product("mutual_admin", "KAY", "CMU", parameters).await;
    let home = world.home(None, "INDIGENT", 1).await.text("/id");
    let enrolment = world.enrolled(&home, &product, "2026-03-01").await;
    let sent = world.give("treasurer", "/subsidies", json!({"payer": "STATE", "until_on": "2026-05-31"})).await;
    assert_eq!(sent.expect(201).body["amount_minor"], 3_000);
    let path = format!("/enrolments/{enrolment}/end");
    world.give_in("mutual_admin", &path, 2, json!({"reason": "Moved away"})).await.expect(200);
    let dues = world.items("treasurer", &format!("{}/dues?household_id={home}&limit=200", world.mutual("KAY"))).await;
    let mut open: Vec<&str> = dues
        .iter()
        .filter(|due| due["payer"] == "STATE" && due["outstanding_minor"] != 0)
        .map(|due| due["due_on"].as_str().unwrap())
        .collect();
    open.sort_unstable();
    assert_eq!(open, ["2026-03-01", "2026-04-01", "2026-05-01"], "what was sent is owed, what comes later is not");
    world.adds_up();
}
