//! Card numbers that devices are given ahead: how many, for how long, and whose they are after that.
use super::field::{Phone, fresh, home, status, with};
use super::field_push::{days_on, push_at};
use crate::support::World;
use crate::support::rows::{assert_alike, dump};
use crate::support::world::Answer;
use serde_json::json;
use std::collections::BTreeSet;

async fn ask(phone: &Phone<'_>, count: i64) -> Answer {
    let path = format!("{}/devices/{}/number-blocks", phone.world.mutual("KAY"), phone.id);
    let body = json!({"id": fresh(phone.world), "count": count});
    phone.world.post(&path).as_(phone.user).json(body).send().await
}

fn numbers(answer: &Answer) -> Vec<String> {
    serde_json::from_value(answer.body["card_numbers"].clone()).unwrap()
}

/// The numbers of each block that a device hears of when it pulls, of expired ones too.
async fn told(phone: &Phone<'_>) -> Vec<Vec<String>> {
    let pulled = phone.pull("&limit=500").await.expect(200);
    let blocks = pulled.body["blocks"].as_array().unwrap().iter();
    blocks.map(|block| serde_json::from_value(block["card_numbers"].clone()).unwrap()).collect()
}

/// Asks for more than fits: it is refused whole, and nothing anywhere is another than before.
async fn is_refused(phone: &Phone<'_>, count: i64) {
    let before = dump(&phone.world.test);
    ask(phone, count).await.refused(422, "invalid", &[("/count", "out_of_bounds")]);
    assert_alike(&before, &dump(&phone.world.test));
}

/// A phone that is lost takes no more with it than that. What expired counts no more, so that one that is in use gets others.
#[actix_web::test]
async fn a_device_has_at_most_two_thousand_numbers_of_blocks_in_force() {
    let world = World::new().await;
    let (phone, other) = (Phone::new(&world, "field_agent", "T1").await, Phone::new(&world, "field_agent", "T2").await);
    for count in [500, 500, 500, 499] {
        ask(&phone, count).await.expect(201);
    }
    is_refused(&phone, 2).await;
    ask(&phone, 1).await.expect(201);
    is_refused(&phone, 1).await;
    let all: BTreeSet<String> = told(&phone).await.concat().into_iter().collect();
    assert_eq!(all.len(), 2_000);
    // Each device has its own, the same agent's too.
    let first = numbers(&ask(&other, 1).await.expect(201));
    assert!(!all.contains(&first[0]));

    // On their last day they count, on the next one no more, though nobody else has taken them yet.
    days_on(&world, 60);
    is_refused(&phone, 1).await;
    days_on(&world, 61);
    for _ in 0..4 {
        ask(&phone, 500).await.expect(201);
    }
    // Three blocks came back to it whole. In those of 499 and of one there was not enough: they are still there.
    let all: BTreeSet<String> = told(&phone).await.concat().into_iter().collect();
    assert_eq!(all.len(), 2_500);
    is_refused(&phone, 1).await;
}

/// Who registers many within two months is not left without numbers.
#[actix_web::test]
async fn numbers_that_cards_have_count_no_more() {
    let world = World::new().await;
    let phone = Phone::new(&world, "field_agent", "T1").await;
    let first = numbers(&ask(&phone, 500).await.expect(201));
    for _ in 0..3 {
        ask(&phone, 500).await.expect(201);
    }
    is_refused(&phone, 1).await;
    let now = days_on(&world, 0);
    let op =
        with(home(&world, &fresh(&world), "Aline"), |op| op["data"]["members"][0]["card_number"] = json!(first[9]));
    assert_eq!(status(&push_at(&phone, &[op], &now).await[0]), ("applied", ""));
    // Up to the tenth they have been used, or passed over.
    is_refused(&phone, 11).await;
    ask(&phone, 10).await.expect(201);
    is_refused(&phone, 1).await;
}

#[actix_web::test]
async fn numbers_of_a_block_that_expired_are_its_devices_until_another_gets_them() {
    let world = World::new().await;
    let (phone, other) = (Phone::new(&world, "field_agent", "T1").await, Phone::new(&world, "field_agent", "T2").await);
    let given = ask(&phone, 5).await.expect(201);
    assert_eq!(given.text("/expires_on"), "2026-05-09");
    let own = numbers(&given);
    days_on(&world, 60);
    let beyond = numbers(&ask(&other, 5).await.expect(201));
    assert!(beyond.iter().all(|number| !own.contains(number)), "on their last day nobody else gets them");

    let now = days_on(&world, 61);
    let with_card = |name: &str, number: &str| {
        with(home(&world, &fresh(&world), name), |op| {
            op["data"]["registered_on"] = json!("2026-05-09");
            op["data"]["members"][0]["card_number"] = json!(number);
        })
    };
    let results = push_at(&phone, &[with_card("Aline", &own[0])], &now).await;
    assert_eq!(status(&results[0]), ("applied", ""), "nobody else has it");
    // What it has used stays; the others go to who asks, and from then on they are his alone.
    assert_eq!(numbers(&ask(&other, 4).await.expect(201)), own[1..]);
    let results = push_at(&phone, &[with_card("Beatrice", &own[1])], &now).await;
    let refused = (("rejected", "NUMBER_NOT_GIVEN"), &json!(["members/0/card_number"]));
    assert_eq!((status(&results[0]), &results[0]["fields"]), refused);
    let results = push_at(&other, &[with_card("Celine", &own[1])], &now).await;
    assert_eq!(status(&results[0]), ("applied", ""));
    assert_eq!(world.count("members"), 2);
    // Both hear of it in their pulls.
    assert_eq!(told(&phone).await, [own[..1].to_vec()]);
    assert_eq!(told(&other).await, [own[1..].to_vec(), beyond]);
    assert_eq!(ayni::verify::verify(&world.test.db).unwrap().findings, []);
}
