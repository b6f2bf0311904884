//! A mutual's first hour: a product, a household, its enrolment, a payment, and the answer at the counter.
use crate::support::World;
use serde_json::{Value, json};

pub fn product() -> Value {
    json!({
        "currency": "BIF",
        "contribution": {"kind": "household_bands", "bands": [{"from": 1, "to": 6, "amount": 30000}],
            "extra_per_person_above": {"above": 6, "amount": 2500}},
        "registration_fee": 1000,
        "renewal_grace_days": 30,
        "arrears": {"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 180},
        "benefits": {
            "OPD": {"waiting_months": 0, "rate_bp": {"public": 8000, "private": 5000}},
            "HOSP": {"waiting_months": 3, "rate_bp": {"public": 8000, "private": 5000}}
        }
    })
}

#[actix_web::test]
async fn from_a_paper_register_to_yes_she_is_covered() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let made = world
        .post("/products")
        .as_("mutual_admin")
        .json(json!({"owner_id": world.org("KAY"), "code": "FAM", "name": "Family", "parameters": product()}))
        .send()
        .await
        .expect(201);
    let product = made.text("/id");
    world
        .post(&format!("/products/{product}/versions/1/publish"))
        .as_("mutual_admin")
        .header("If-Match", "\"v1\"")
        .send()
        .await
        .expect(200);
    let household = world
        .post(&format!("{kay}/households"))
        .as_("registrar")
        .json(json!({"registered_on": "2026-03-01", "members": [
            {"relationship": "principal", "family_name": "Ndayizeye", "given_name": "Aline", "sex": "female", "birth_date": "1988-05-02"},
            {"relationship": "child", "family_name": "Ndayizeye", "given_name": "Éric", "sex": "male", "birth_date": "2015-01-20"}]}))
        .send()
        .await
        .expect(201);
    let card = household.text("/members/0/card_number");
    let id = household.text("/id");
    assert_eq!(household.text("/number"), "H000001");
    let enrolment = world
        .post(&format!("{kay}/enrolments"))
        .as_("registrar")
        .json(json!({"household_id": id, "product_id": product, "starts_on": "2026-03-01"}))
        .send()
        .await
        .expect(201);
    let enrolment_id = enrolment.text("/id");
    assert_eq!(enrolment.text("/ends_on"), "2027-02-28");
    let admitted = world
        .post(&format!("{kay}/enrolments/{enrolment_id}/admit"))
        .as_("registrar")
        .header("If-Match", "\"v1\"")
        .json(json!({}))
        .send()
        .await
        .expect(200);
    assert_eq!(admitted.text("/state"), "ADMITTED");
    let ask = json!({"card": card, "on": "2026-03-10"});
    let before = world.post("/eligibility").as_("claims_officer").json(ask.clone()).send().await.expect(200);
    assert_eq!(before.text("/cover/status"), "NO_COVERAGE");
    let dues = world.get(&format!("{kay}/dues?household_id={id}")).as_("treasurer").send().await.expect(200);
    let amounts: Vec<i64> =
        dues.body["items"].as_array().unwrap().iter().map(|due| due["amount_minor"].as_i64().unwrap()).collect();
    assert_eq!(amounts.iter().sum::<i64>(), 31_000);
    let payment = world
        .post(&format!("{kay}/payments"))
        .as_("treasurer")
        .json(json!({"id": "01959d00-0000-7000-8000-000000000001", "household_id": id, "amount_minor": 33000,
            "currency": "BIF", "method": "cash", "received_on": "2026-03-09"}))
        .send()
        .await
        .expect(201);
    assert_eq!(payment.text("/receipt_number"), "C1-2026-000001");
    assert_eq!(payment.body["credit_minor"], 2000);
    let after = world.post("/eligibility").as_("claims_officer").json(ask).send().await.expect(200);
    assert_eq!(after.text("/cover/status"), "COVERED", "{}", after.text);
    // Admitted today, paid yesterday: rights open not before the admission (R12).
    assert_eq!(after.text("/cover/since"), "2026-03-10");
    assert_eq!(after.text("/cover/until"), "2027-02-28");
    assert_eq!(after.text("/benefits/0/category"), "HOSP");
    assert_eq!(after.text("/benefits/0/status"), "WAITING_PERIOD");
    assert_eq!(after.text("/benefits/0/until"), "2026-06-09");
    let accounts = world.get(&format!("{kay}/accounts")).as_("treasurer").send().await.expect(200);
    let stand = |code: &str| {
        let row = accounts.body["items"].as_array().unwrap().iter().find(|row| row["code"] == code).unwrap();
        (row["debit_minor"].as_i64().unwrap(), row["credit_minor"].as_i64().unwrap())
    };
    assert_eq!(stand("cash"), (33000, 0));
    assert_eq!(stand("contributions"), (0, 30000));
    assert_eq!(stand("fees"), (0, 1000));
    assert_eq!(stand("household_credits"), (0, 2000));
}
