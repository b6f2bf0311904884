//! `POST /products/{id}/versions/{number}/publish`
use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn contradictions_are_told_all_at_once() {
    let world = World::new().await;
    let parameters = json!({
        "currency": "BIF",
        "contribution": {"kind": "household_bands", "bands": [{"from": 1, "to": 3, "amount": -1}, {"from": 5, "to": 4, "amount": 2}],
            "extra_per_person_above": {"above": 9, "amount": 1}},
        "subsidies": {"POOR": {"rate_bp": 10001, "payer": "HOUSEHOLD"}},
        "registration_fee": -5,
        "arrears": {"lapse_days": -1},
        "benefits": {"A/B": {"rate_bp": {"public": 8000, "private": -1}, "copay": 3}, "DENT": {}},
        "frequency": {"OPD": {"limit": 2, "window": "week", "per": "household"}},
        "ceilings": {"episode": {"amount": 5, "categories": []}}
    });
    let made = world
        .post("/products")
        .as_("mutual_admin")
        .json(json!({"owner_id": world.org("KAY"), "code": "BAD", "name": "B", "parameters": parameters}))
        .send()
        .await
        .expect(201);
    let path = format!("/products/{}/versions/1/publish", made.text("/id"));
    let refused = world.post(&path).as_("mutual_admin").header("If-Match", "\"v1\"").send().await.expect(422);
    assert_eq!(refused.code(), "parameters_contradict");
    let faults = refused.faults();
    for wanted in [
        ("/parameters/contribution/extra_per_person_above/above", "EXTRA_NOT_AT_LAST_BAND"),
        ("/parameters/subsidies", "SUBSIDY_WITHOUT_PERSON_PRICE"),
        ("/parameters/subsidies/POOR/payer", "INVALID_PAYER"),
        ("/parameters/benefits/A~1B", "RATE_AND_COPAY"),
        ("/parameters/benefits/DENT", "NEITHER_RATE_NOR_COPAY"),
        ("/parameters/frequency/OPD/window", "UNKNOWN_WINDOW"),
        ("/parameters/frequency/OPD/per", "UNKNOWN_HOLDER"),
    ] {
        assert!(faults.contains(&wanted), "{wanted:?} in {faults:?}");
    }
    let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| *pointer).collect();
    for pointer in [
        "/parameters/contribution/bands/0/amount",
        "/parameters/subsidies/POOR/rate_bp",
        "/parameters/registration_fee",
        "/parameters/arrears/lapse_days",
        "/parameters/benefits/A~1B/rate_bp/private",
        "/parameters/ceilings/episode/categories",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    // It stays a draft, and nobody is enrolled in it.
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    world.application(&home, &made.text("/id"), "2026-03-01").await.refused(
        422,
        "product_not_valid",
        &[("/starts_on", "product_not_valid")],
    );
    world.each("POST", &path, None, &[("treasurer", 403), ("platform_admin", 422), ("mutual_admin@SEN", 404)]).await;
}
