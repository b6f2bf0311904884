//! `PATCH /mutuals/{m}/members/{id}`
use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn typing_errors_are_corrected() {
    let world = World::new().await;
    let home = world.home(Some("KAY-S1"), "STANDARD", 1).await;
    let path = format!("{}/members/{}", world.mutual("KAY"), home.text("/members/0/id"));
    let change =
        json!({"given_name": "Alice", "birth_date": "1988-05-20", "birth_precision": "month", "phone": "+25779000003"});
    let patch = || world.patch(&path).as_("field_agent").json(change.clone());
    patch().send().await.refused(428, "precondition_required", &[]);
    patch().header("If-Match", "\"v2\"").send().await.refused(412, "version_mismatch", &[]);
    let changed = patch().header("If-Match", "\"v1\"").send().await.expect(200);
    assert_eq!(changed.headers["etag"], "\"v2\"");
    assert_eq!(changed.text("/given_name"), "Alice");
    assert_eq!((changed.text("/birth_date"), changed.text("/birth_precision")), ("1988-05-20".into(), "month".into()));
    assert_eq!(changed.text("/card_number"), home.text("/members/0/card_number"));
    let others = [("claims_officer", 403), ("section_registrar", 404), ("registrar@GIT", 404)];
    world.each("PATCH", &path, Some(change.clone()), &others).await;
    let send = |body| world.patch(&path).as_("registrar").header("If-Match", "\"v2\"").json(body).send();
    for impossible in ["2026-03-02", "1879-12-31", "0001-01-01"] {
        send(json!({"birth_date": impossible})).await.refused(
            422,
            "impossible_date",
            &[("/birth_date", "impossible_date")],
        );
    }
    send(json!({"family_name": ""})).await.refused(422, "invalid", &[("/family_name", "out_of_bounds")]);
    send(json!({"card_number": "1"})).await.refused(422, "invalid", &[("/card_number", "unknown_field")]);
    // Null empties, what is left out stays.
    let emptied = send(json!({"birth_date": null, "phone": null})).await.expect(200);
    assert_eq!((&emptied.body["birth_date"], &emptied.body["phone"]), (&json!(null), &json!(null)));
    assert_eq!(emptied.text("/given_name"), "Alice");
    assert_eq!(world.count("phones WHERE e164 = '+25779000003' AND ended_on IS NULL"), 0);
    // Found by the new name.
    let search = format!("{}/members/search", world.mutual("KAY"));
    let found = world.post(&search).as_("registrar").json(json!({"name": "ndayizeye ALICE"})).send().await.expect(200);
    assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
}
