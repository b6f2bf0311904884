//! `GET /mutuals/{m}/books`, `…/trial-balance`, `/accounts/{id}/history`, `/journal`
use crate::support::World;
use crate::support::register::bands;
use serde_json::Value;

#[actix_web::test]
async fn the_books_are_read_as_an_accountant_reads_them() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    for (amount, on) in [(400, "2026-02-20"), (700, "2026-03-05"), (50_000, "2026-03-10")] {
        world.payment(&home, amount, on).await.expect(201);
    }
    let books = world.read("/books").await;
    let chart = books["items"][0]["accounts"].as_array().unwrap().clone();
    assert!(chart.len() >= 12);
    assert!(chart.iter().all(|line| line["name"].as_str().is_some_and(|name| !name.is_empty())));
    let at = |on: &str| format!("/books/MAIN/trial-balance?on={on}");
    let march = world.read(&at("2026-03-10")).await;
    let number = |of: &Value, name: &str| of[name].as_i64().unwrap();
    assert_eq!(number(&march, "total_debit_minor"), number(&march, "total_credit_minor"));
    assert_eq!(number(&march, "total_debit_balance_minor"), number(&march, "total_credit_balance_minor"));
    let of = |balance: &Value, code: &str| {
        balance["accounts"].as_array().unwrap().iter().find(|line| line["code"] == code).unwrap().clone()
    };
    assert_eq!(number(&of(&march, "cash"), "debit_balance_minor"), 51_100);
    assert_eq!(number(&of(&march, "household_credits"), "credit_balance_minor"), 20_100);
    let february = world.read(&at("2026-02-28")).await;
    assert_eq!(number(&of(&february, "cash"), "debit_balance_minor"), 400);
    let wrong = format!("{}/books/OTHER/trial-balance", world.mutual("KAY"));
    world.get(&wrong).as_("treasurer").send().await.refused(404, "not_found", &[]);
    let cash = of(&march, "cash")["account_id"].as_str().unwrap().to_owned();
    let path = format!("/accounts/{cash}/history?from=2026-03-01&to=2026-03-31");
    let whole = world.read(&path).await;
    let balances = |view: &Value| -> Vec<i64> {
        view["items"].as_array().unwrap().iter().map(|line| number(line, "balance_minor")).collect()
    };
    assert_eq!((number(&whole, "opening_minor"), number(&whole, "closing_minor")), (400, 51_100));
    let all = balances(&whole);
    assert_eq!(all.last(), Some(&51_100));
    // Page by page the balance goes on where it stood.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.read(&format!("{path}&limit=1{cursor}")).await;
        paged.extend(balances(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let journal = format!("{}/journal?from=2026-02-01&to=2026-03-31", world.mutual("KAY"));
    let csv = world.get(&journal).as_("treasurer").header("Accept", "text/csv").send().await.expect(200);
    let rows = world.items("treasurer", &format!("{}/transfers?limit=200", world.mutual("KAY"))).await;
    assert_eq!(csv.text.lines().count(), 1 + rows.len());
    assert!(csv.text.starts_with("value_on,posted_on,book,event,debit_account,credit_account,amount"));
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let sheet = world.get(&journal).as_("treasurer").header("Accept", kind).send().await.expect(200);
    assert!(sheet.text.starts_with("PK"));
    world.get(&journal).as_("treasurer").header("Accept", "image/png").send().await.refused(406, "not_acceptable", &[]);
    let long = format!("{}/journal?from=2024-01-01&to=2026-03-31", world.mutual("KAY"));
    world.get(&long).as_("treasurer").send().await.refused(422, "invalid", &[("to", "out_of_bounds")]);
    let users = [("auditor", 200), ("registrar", 403), ("treasurer@GIT", 404), ("body_auditor", 404)];
    for path in ["/books", "/books/MAIN/trial-balance"] {
        world.each("GET", &format!("{}{path}", world.mutual("KAY")), None, &users).await;
    }
}
