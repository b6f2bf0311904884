//! `POST /mutuals/{m}/households/{id}/certificate`, `GET /mutuals/{m}/certificates/{id}`, `POST …/revoke`
use crate::support::World;
use crate::support::register::{bands, person};
use crate::support::rows::{assert_alike, dump};
use serde_json::json;

#[actix_web::test]
async fn it_names_who_is_covered_and_counts_no_longer_than_their_cover() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let home = super::in_order(world.covered(&product, 3, 0).await);
    let kay = world.mutual("KAY");
    let path = format!("{kay}/households/{}/certificate", home.household);
    let made = world.post(&path).as_("registrar").json(json!({})).send().await.expect(201);
    let certificate = format!("{kay}/certificates/{}", made.text("/id"));
    assert_eq!(made.headers["location"], format!("/api/v1{certificate}"));
    assert_eq!((made.text("/kind").as_str(), made.text("/expires_on").as_str()), ("certificate", "2027-02-28"));
    assert_eq!(made.text("/member_id"), home.members[0], "the principal");
    let mut named: Vec<String> =
        made.body["persons"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(named[0], home.members[0], "the principal first");
    named.sort();
    let mut all = home.members.clone();
    all.sort();
    assert_eq!(named, all);
    assert_eq!(world.get(&certificate).as_("auditor").send().await.expect(200).body, made.body);
    // Who joins later is not on it; a second one names him and leaves the first in force.
    let child = json!({"household_id": home.household, "registered_on": "2026-03-10",
        "person": person("child", "Reine", "2026-03-05")});
    world.post(&format!("{kay}/members")).as_("registrar").json(child).send().await.expect(201);
    assert_eq!(world.get(&certificate).as_("auditor").send().await.expect(200).body["persons"], made.body["persons"]);
    let second = world.post(&path).as_("registrar").json(json!({"expires_on": "2026-06-30"})).send().await.expect(201);
    assert_eq!((second.body["persons"].as_array().unwrap().len(), &second.body["ordinal"]), (4, &json!(2)));
    assert_eq!(world.count("proof_revocations"), 0);
    // A card's id is no certificate's.
    let card = format!("{kay}/members/{}/card", home.members[1]);
    let card = world.post(&card).as_("registrar").json(json!({})).send().await.expect(201).text("/id");
    world.get(&format!("{kay}/certificates/{card}")).as_("registrar").send().await.refused(404, "not_found", &[]);
    // Printed, in French.
    let print = world.get(&format!("{certificate}?lang=fr")).as_("registrar").header("Accept", "application/pdf");
    let printed = print.send().await.expect(200);
    assert!(printed.text.starts_with("%PDF-"));
    assert_eq!(printed.headers["content-disposition"], "inline; filename=\"certificate.pdf\"");
    // Revoked once.
    let revoke = || {
        let path = format!("{certificate}/revoke");
        world.post(&path).as_("registrar").json(json!({"reason": "ERROR"})).send()
    };
    assert_eq!(revoke().await.expect(200).text("/status"), "REVOKED");
    revoke().await.refused(409, "wrong_state", &[]);
}

#[actix_web::test]
async fn who_is_not_covered_gets_none_and_a_refusal_writes_nothing() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", bands()).await;
    let kay = world.mutual("KAY");
    let home = world.home(Some("KAY-S1"), "STANDARD", 2).await.text("/id");
    let path = |household: &str| format!("{kay}/households/{household}/certificate");
    let covered = super::in_order(world.covered(&product, 1, 0).await);
    let before = dump(&world.test);
    world.post(&path(&home)).as_("registrar").json(json!({})).send().await.refused(422, "not_covered", &[]);
    let late = json!({"expires_on": "2027-03-01"});
    let fault = [("/expires_on", "impossible_date")];
    world.post(&path(&covered.household)).as_("registrar").json(late).send().await.refused(
        422,
        "impossible_date",
        &fault,
    );
    let users = [("section_registrar", 404), ("treasurer", 403), ("registrar@GIT", 404), ("platform_admin", 404)];
    world.each("POST", &path(&covered.household), Some(json!({})), &users).await;
    let elsewhere = path(&covered.household).replace(&kay, &world.mutual("GIT"));
    world.post(&elsewhere).as_("registrar@GIT").json(json!({})).send().await.refused(404, "not_found", &[]);
    assert_alike(&before, &dump(&world.test));
    let id =
        world.post(&path(&covered.household)).as_("registrar").json(json!({})).send().await.expect(201).text("/id");
    for path in [format!("{kay}/certificates/{id}"), format!("{}/certificates/{id}", world.mutual("GIT"))] {
        world.get(&path).as_("registrar@GIT").send().await.refused(404, "not_found", &[]);
    }
    world.get(&format!("{kay}/certificates/{id}")).as_("section_registrar").send().await.refused(404, "not_found", &[]);
}
