//! The same thing asked several times at once: it happens once.
use super::log_in;
use crate::samples::{PASSWORD, fresh, fresh_id, new_code};
use crate::support::{Answer, World, all_at_once};
use serde_json::json;
use std::collections::BTreeSet;

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut all: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    all.sort_unstable();
    all
}

#[actix_web::test]
async fn one_invitation_sent_four_times_at_once_is_one_invitation() {
    let world = World::new().await;
    let body = json!({"id": fresh_id(&world), "name": "Amina", "email": "amina@example.org", "role": "registrar",
        "organisation_id": world.org("KAY")});
    let all = (0..4).map(|_| world.post("/users").as_("mutual_admin").json(body.clone()).send()).collect();
    let answers = all_at_once(all).await;
    assert_eq!(statuses(&answers), [200, 200, 200, 201]);
    assert_eq!(answers.iter().filter(|answer| answer.body["code"].is_string()).count(), 1, "one of them has the code");
    assert_eq!(world.test.count("users WHERE email = 'amina@example.org'"), 1);
}

#[actix_web::test]
async fn two_first_administrators_are_not_made_side_by_side() {
    let world = World::new().await;
    let new = json!({"code": "RUY", "name": "Ruyigi", "kind": "mutual", "parent_id": world.org("P1"), "country": "BI",
        "currency": "BIF", "timezone": "Africa/Bujumbura"});
    let made = world.post("/organisations").as_("platform_admin").json(new).send().await.expect(201);
    let invite = |user: &str| {
        let body = json!({"name": "First", "email": format!("{}@example.org", fresh()), "role": "mutual_admin",
            "organisation_id": made.body["id"]});
        world.post("/users").as_(user).json(body).send()
    };
    let answers = all_at_once(vec![invite("platform_admin"), invite("system_admin"), invite("platform_admin")]).await;
    assert_eq!(statuses(&answers), [201, 409, 409]);
}

#[actix_web::test]
async fn a_refresh_token_used_twice_at_once_works_once_and_ends_the_session() {
    let world = World::new().await;
    let tokens = log_in(&world, "registrar").await;
    let body = json!({"refresh_token": tokens.text("/refresh_token")});
    let all = (0..3).map(|_| world.post("/auth/refresh").json(body.clone()).send()).collect();
    assert_eq!(statuses(&all_at_once(all).await), [200, 401, 401]);
    assert_eq!(super::me(&world, &tokens.text("/access_token")).await, 401);
}

#[actix_web::test]
async fn a_code_used_twice_at_once_works_once() {
    let world = World::new().await;
    let body = json!({"code": new_code(&world, world.users["registrar"]), "password": PASSWORD});
    let all = (0..3).map(|_| world.post("/auth/accept").json(body.clone()).send()).collect();
    assert_eq!(statuses(&all_at_once(all).await), [204, 401, 401]);
}

#[actix_web::test]
async fn mutuals_made_at_once_get_prefixes_of_their_own() {
    let world = World::new().await;
    let all = (0..8)
        .map(|number| {
            let body = json!({"code": format!("M{number}X"), "name": "M", "kind": "mutual",
                "parent_id": world.org("P1"), "country": "BI", "currency": "BIF", "timezone": "Africa/Bujumbura"});
            world.post("/organisations").as_("platform_admin").json(body).send()
        })
        .collect();
    let answers = all_at_once(all).await;
    assert_eq!(statuses(&answers), [201; 8]);
    assert_eq!(answers.iter().map(|answer| answer.text("/card_prefix")).collect::<BTreeSet<_>>().len(), 8);
}
