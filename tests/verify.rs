//! `ayni verify`: clean on what the services wrote; each check finds the row that was corrupted below the walls.
mod support;

use ayni::db::Conn;
use ayni::verify::verify;
use serde_json::json;
use std::collections::BTreeSet;
use std::process::Command;
use support::care::with_ceilings;
use support::database::on_postgres;
use support::rows::{assert_alike, dump};
use support::{TestDb, World};

/// A mutual with credit, an open due, claims of each outcome, one of them settled.
async fn world() -> World {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 3, 2_000).await;
    let other = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&other, &product, "2026-03-01").await;
    world.payment(&other, 15_000, "2026-03-09").await.expect(201);
    let on = "2026-03-10";
    let approved = world.claim(&home.members[0], "K-1", on, &[("CONS", 1, 5_000)]).await;
    assert_eq!(approved.text("/outcome"), "approved");
    let approval = world.settlement_asked().await;
    world.approve(&approval, "treasurer").await.expect(200);
    world.pay(&approval, 1, 4_000).await.expect(200);
    let cut = world.claim(&home.members[1], "K-2", on, &[("CONS", 2, 6_000)]).await;
    assert_eq!(cut.text("/outcome"), "partially_approved");
    let twice = world.claim(&home.members[1], "K-2", on, &[("CONS", 1, 5_000)]).await;
    assert_eq!(twice.text("/claim_reason"), "DUPLICATE");
    for (invoice, accept) in [("K-3", Some(true)), ("K-4", Some(false)), ("K-5", None)] {
        let waits = world.claim(&home.members[0], invoice, on, &[("CONS", 1, 5_000)]).await;
        assert_eq!(waits.text("/outcome"), "pended");
        let Some(accept) = accept else { continue };
        let id: ayni::ids::CommandId = world.test.db.ids().next();
        world
            .post(&format!("{}/claims/{}/decision", world.mutual("KAY"), waits.text("/id")))
            .as_("claims_officer")
            .header("If-Match", "\"v1\"")
            .json(json!({"id": id, "accept": accept, "reason": "Seen with the facility"}))
            .send()
            .await
            .expect(200);
    }
    world
}

/// A connection of the owner to whom neither CHECK nor foreign key is in the way.
fn below_everything(test: &TestDb) -> Conn {
    let mut conn = test.owner();
    let statements: &[&str] = if on_postgres() {
        &[
            "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint \
             WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP \
             EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$",
            "SET session_replication_role = replica",
        ]
    } else {
        &["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"]
    };
    for statement in statements {
        ayni::db::execute(&mut conn, statement).unwrap();
    }
    conn
}

/// What is corrupted, the tables that it touches, the statement, and the checks that must find it.
struct Case {
    what: &'static str,
    table: &'static str,
    statement: String,
    found: &'static [&'static str],
}

fn first(table: &str, rest: &str) -> String {
    format!("id = (SELECT id FROM {table} WHERE {rest} ORDER BY id LIMIT 1)")
}

fn cases() -> Vec<Case> {
    let new_id = if on_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
    let case = |what, table, statement, found| Case { what, table, statement, found };
    vec![
        case(
            "a span in another state",
            "cover_spans",
            format!("UPDATE cover_spans SET state = 'LAPSED' WHERE {}", first("cover_spans", "state = 'IN_FORCE'")),
            &["spans"],
        ),
        case(
            "a span that is gone",
            "cover_spans",
            format!("DELETE FROM cover_spans WHERE {}", first("cover_spans", "state = 'IN_FORCE'")),
            &["spans"],
        ),
        case(
            "a due smaller than what was paid of it",
            "dues",
            format!("UPDATE dues SET amount_minor = 400 WHERE {}", first("dues", "kind = 'REGISTRATION'")),
            &["allocations"],
        ),
        case(
            "an open due beside credit",
            "dues",
            format!(
                "INSERT INTO dues SELECT mutual_id, {new_id}, household_id, enrolment_id, kind, payer, '2099-01-01', 500, \
                 currency, issued_on, recorded_at FROM dues WHERE {}",
                first(
                    "dues",
                    "kind = 'REGISTRATION' AND household_id IN (SELECT household_id FROM payments WHERE amount_minor > 31000)"
                )
            ),
            &["credit"],
        ),
        case(
            "a payment's transfer of another amount",
            "transfers",
            format!(
                "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE {}",
                first("transfers", "payment_id IS NOT NULL")
            ),
            &["transfers"],
        ),
        case(
            "a transfer of no command",
            "transfers",
            format!(
                "UPDATE transfers SET command_id = {new_id} WHERE {}",
                first("transfers", "settlement_id IS NOT NULL")
            ),
            &["transfers"],
        ),
        case(
            "a series beyond its last receipt",
            "series",
            "UPDATE series SET last_number = last_number + 1 WHERE kind = 'receipt' AND last_number > 0".into(),
            &["receipts"],
        ),
        case(
            "a receipt that is gone",
            "receipts",
            format!("DELETE FROM receipts WHERE {}", first("receipts", "number = 1")),
            &["receipts"],
        ),
        case(
            "a receipt of nothing",
            "receipts",
            format!(
                "INSERT INTO receipts SELECT mutual_id, {new_id}, NULL, NULL, 'STRAY', issued_on FROM receipts WHERE number = 1"
            ),
            &["receipts"],
        ),
        case(
            "a card with another digit",
            "members",
            "UPDATE members SET card_number = replace(card_number, '00000001', '00000002') \
             WHERE card_number LIKE '______00000001__'"
                .into(),
            &["cards"],
        ),
        case(
            "a card of another mutual's prefix",
            "members",
            format!(
                "UPDATE members SET card_number = '999999' || substr(card_number, 7) WHERE {}",
                first("members", "1 = 1")
            ),
            &["cards"],
        ),
        case(
            "a command without its audit row",
            "audit_rows",
            format!("DELETE FROM audit_rows WHERE {}", first("audit_rows", "route LIKE '%/payments'")),
            &["audit"],
        ),
        case(
            "a line that bills more than the claim",
            "claim_lines",
            format!(
                "UPDATE claim_lines SET unit_price_minor = 6000 WHERE {}",
                first("claim_lines", "mutual_minor IS NULL")
            ),
            &["claims"],
        ),
        case(
            "a claim of which the parties bear more than is billed",
            "claims",
            "UPDATE claims SET member_minor = member_minor + 1 WHERE invoice_number = 'K-1'".into(),
            &["claims", "decisions"],
        ),
        case(
            "a decision that its inputs do not give",
            "claims",
            "UPDATE claims SET member_minor = member_minor - 1, provider_writeoff_minor = provider_writeoff_minor + 1 \
             WHERE invoice_number = 'K-1'"
                .into(),
            &["decisions"],
        ),
        case(
            "a reason that its inputs do not give",
            "claim_lines",
            format!(
                "UPDATE claim_lines SET reasons = '[\"CEILING_EPISODE\"]' WHERE {}",
                first("claim_lines", "reasons = '[]' AND mutual_minor > 0")
            ),
            &["decisions"],
        ),
        case(
            "inputs that are no inputs",
            "claims",
            "UPDATE claims SET inputs = '{}' WHERE invoice_number = 'K-1'".into(),
            &["decisions"],
        ),
        case(
            "more than a person's ceiling",
            "product_versions",
            "UPDATE product_versions SET parameters = replace(parameters, '60000', '4500')".into(),
            &["ceilings"],
        ),
        case(
            "more than the household's ceiling",
            "product_versions",
            "UPDATE product_versions SET parameters = replace(parameters, '90000', '9000')".into(),
            &["ceilings"],
        ),
        case(
            "a claim's transfer of another amount",
            "transfers",
            format!(
                "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE {}",
                first("transfers", "claim_id IS NOT NULL")
            ),
            &["transfers"],
        ),
        case(
            "a claim that is in the books no more",
            "transfers",
            format!("DELETE FROM transfers WHERE {}", first("transfers", "claim_id IS NOT NULL")),
            &["transfers"],
        ),
        case(
            "a settlement of more claims than it paid",
            "settlements",
            "UPDATE settlements SET number_of_claims = number_of_claims + 1".into(),
            &["settlements"],
        ),
        case(
            "a settlement's transfer of another amount",
            "transfers",
            format!(
                "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE {}",
                first("transfers", "settlement_id IS NOT NULL")
            ),
            &["transfers"],
        ),
    ]
}

fn program(test: &TestDb) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AYNI_") {
            command.env_remove(name);
        }
    }
    let output = command
        .env("AYNI_LOG", "error")
        .env("AYNI_DATABASE", &test.text)
        .env("AYNI_ALLOW_PLAINTEXT_DATABASE", "true")
        .env("AYNI_TODAY", "2026-03-10")
        .arg("verify")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[actix_web::test]
async fn every_check_finds_what_is_corrupted_and_nothing_else_does() {
    let world = world().await;
    let test = &world.test;
    let clean = verify(&test.db).unwrap();
    assert!(clean.findings.is_empty(), "{:?}", clean.findings);
    assert_eq!((clean.mutuals, clean.households, clean.payments), (3, 2, 2));
    let (status, said) = program(test);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("everything adds up"), "{said}");
    let before = dump(test);
    let mut conn = below_everything(test);
    let mut checks = BTreeSet::new();
    for Case { what, table, statement, found } in cases() {
        ayni::db::execute(&mut conn, &format!("CREATE TABLE kept AS SELECT * FROM {table}")).unwrap();
        let rows = ayni::db::execute(&mut conn, &statement).unwrap();
        assert!(rows > 0, "{what}: {statement} touched nothing");
        let verdict = verify(&test.db).unwrap();
        let named: BTreeSet<&str> = verdict.findings.iter().map(|finding| finding.check).collect();
        assert_eq!(named, found.iter().copied().collect(), "{what}: {:?}", verdict.findings);
        assert!(verdict.findings.iter().all(|finding| finding.mutual == "KAY"), "{what}: {:?}", verdict.findings);
        let (status, said) = program(test);
        assert_eq!(status, Some(1), "{what}: {said}");
        for finding in &verdict.findings {
            assert!(said.lines().any(|line| line == finding.to_string()), "{what}: {finding} in {said}");
        }
        checks.extend(named);
        for undo in [
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} SELECT * FROM kept"),
            "DROP TABLE kept".into(),
        ] {
            ayni::db::execute(&mut conn, &undo).unwrap();
        }
    }
    let all = [
        "allocations",
        "audit",
        "cards",
        "ceilings",
        "claims",
        "credit",
        "decisions",
        "receipts",
        "settlements",
        "spans",
        "transfers",
    ];
    assert_eq!(checks, all.into_iter().collect(), "a check that no case corrupts, or an unknown one");
    assert_alike(&before, &dump(test));
}
