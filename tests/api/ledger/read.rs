//! `GET /mutuals/{m}/accounts` and `/transfers`
use crate::support::World;
use crate::support::register::bands;
use serde_json::json;

#[actix_web::test]
async fn the_books_are_read_whole_and_by_account() {
    let world = World::new().await;
    let kay = world.mutual("KAY");
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 1).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    let paid = world.payment(&home, 32_000, "2026-03-05").await.expect(201).text("/id");
    let accounts = world.items("auditor", &format!("{kay}/accounts")).await;
    let codes: Vec<&str> = accounts.iter().map(|row| row["code"].as_str().unwrap()).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    assert_eq!(codes, sorted);
    for code in ["cash", "bank", "mobile", "household_credits", "contributions", "fees", "benefits"] {
        assert!(codes.contains(&code), "{code}");
    }
    let sum = |name: &str| -> i64 { accounts.iter().map(|row| row[name].as_i64().unwrap()).sum() };
    assert_eq!((sum("debit_minor"), sum("credit_minor")), (32_000, 32_000));
    let id_of = |code: &str| accounts.iter().find(|row| row["code"] == code).unwrap()["id"].clone();
    let transfers = world.items("treasurer", &format!("{kay}/transfers")).await;
    let mut found: Vec<_> = transfers
        .iter()
        .map(|row| {
            (row["amount_minor"].as_i64().unwrap(), row["event"].as_str().unwrap(), row["credit_account_id"].clone())
        })
        .collect();
    found.sort_by_key(|row| (row.0, row.1));
    assert_eq!(
        found,
        [
            (1000, "payment_allocated", id_of("fees")),
            (1000, "payment_surplus", id_of("household_credits")),
            (30_000, "payment_allocated", id_of("contributions")),
        ]
    );
    for row in &transfers {
        assert_eq!(
            (&row["debit_account_id"], &row["payment_id"], &row["book"]),
            (&id_of("cash"), &json!(paid), &json!("MAIN"))
        );
        assert_eq!((row["posted_on"].as_str(), row["value_on"].as_str()), (Some("2026-03-10"), Some("2026-03-05")));
        assert!(row["reverses_id"].is_null());
    }
    let of_fees = format!("{kay}/transfers?account_id={}", id_of("fees").as_str().unwrap());
    assert_eq!(world.items("treasurer", &of_fees).await.len(), 1);
    let page = world.get(&format!("{kay}/transfers?limit=2")).as_("treasurer").send().await.expect(200);
    let next = format!("{kay}/transfers?limit=2&cursor={}", page.text("/next_cursor"));
    assert_eq!(world.items("treasurer", &next).await.len(), 1);
    for list in ["accounts", "transfers"] {
        let users = [
            ("mutual_admin", 200),
            ("registrar", 403),
            ("field_agent", 403),
            ("claims_officer", 403),
            ("treasurer@GIT", 404),
            ("platform_admin", 404),
            ("body_auditor", 404),
        ];
        world.each("GET", &format!("{kay}/{list}"), None, &users).await;
        let git = world.items("treasurer@GIT", &format!("{}/{list}", world.mutual("GIT"))).await;
        assert!(git.iter().all(|row| row["debit_minor"] == 0), "{git:?}");
    }
    // Another mutual's account gives nothing.
    let foreign = format!("{}/transfers?account_id={}", world.mutual("GIT"), id_of("cash").as_str().unwrap());
    assert!(world.items("treasurer@GIT", &foreign).await.is_empty());
}
