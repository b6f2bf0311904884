//! `ayni simulate`: the same seed, options and date give the same rows, and the history is one of real life.
mod support;

use ayni::access::permissions::Role;
use ayni::simulation::{Options, simulate};
use ayni::verify::verify;
use chrono::NaiveDate;
use serde_json::Value;
use support::rows::{Dump, assert_alike, dump};
use support::{TestDb, World};

fn until() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 31).unwrap()
}

/// A history in a database of its own; `verify` finds nothing.
fn history(options: Options, until: NaiveDate) -> TestDb {
    let test = TestDb::new();
    let db = simulate(test.url.clone(), options, until, |_, _| ()).unwrap();
    let verdict = verify(&db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    assert_eq!(verdict.mutuals, u64::from(options.mutuals));
    test
}

/// All rows but the passwords, which are salted anew each time.
fn rows(test: &TestDb) -> Dump {
    assert!(test.execute("UPDATE users SET password_hash = NULL") > 0);
    dump(test)
}

#[test]
fn the_same_seed_options_and_date_give_the_same_rows() {
    let options = Options { mutuals: 2, households: 12, months: 14, seed: 7, ..Options::default() };
    let first = rows(&history(options, until()));
    assert_alike(&first, &rows(&history(options, until())));
    for table in ["households", "members", "enrolments", "payments", "claims", "audit_rows", "commands"] {
        assert!(!first[table].is_empty(), "{table} is empty");
    }
    for (what, other) in [
        ("another seed", rows(&history(Options { seed: 8, ..options }, until()))),
        ("another date", rows(&history(options, until().succ_opt().unwrap()))),
        ("more months", rows(&history(Options { months: 15, ..options }, until()))),
    ] {
        assert_ne!(first["households"], other["households"], "{what}");
        assert_ne!(first["payments"], other["payments"], "{what}");
    }
}

/// Two write, on PostgreSQL at once: each its own mutuals, and the one's rows do not depend on how far the other is.
#[test]
fn a_history_of_two_writers_is_the_same_again_and_whole() {
    let options = Options { mutuals: 5, households: 6, months: 4, seed: 3, writers: 2 };
    let lived_by = |writers| {
        let (test, options) = (TestDb::new(), Options { writers, ..options });
        let db = simulate(test.url.clone(), options, until(), |_, _| ()).unwrap();
        assert!(verify(&db).unwrap().findings.is_empty());
        test
    };
    let test = lived_by(2);
    let whole = rows(&test);
    assert_alike(&whole, &rows(&lived_by(2)));
    assert_ne!(whole["payments"], rows(&lived_by(1))["payments"]);
    let lived = "(SELECT DISTINCT mutual_id FROM payments) AS p";
    assert_eq!(test.count(lived), 5);
    let closed = "(SELECT DISTINCT unit_id FROM releases WHERE basis = 'closed') AS r";
    assert!(test.count(closed) >= 4, "all but the one that is late have closed a month");
    assert!(test.count("releases WHERE basis = 'return'") > 0, "nobody hands in the paper mutual's months");
}

/// What befalls a household in a year befalls it in part in a shorter history.
#[test]
fn a_short_history_has_its_share_of_a_year() {
    let of = |months| history(Options { mutuals: 1, households: 60, months, ..Options::default() }, until());
    let (year, quarter) = (of(12).count("claims"), of(3).count("claims"));
    assert!(quarter > 0 && quarter * 2 < year, "{quarter} claims in three months, {year} in twelve");
}

#[test]
fn a_history_has_all_that_happens_to_members() {
    let test = history(Options { mutuals: 2, households: 60, months: 15, seed: 1, ..Options::default() }, until());
    for state in ["IN_FORCE", "SUSPENDED", "LAPSED", "EXPIRED"] {
        assert!(test.count(&format!("cover_spans WHERE state = '{state}'")) > 0, "no span is {state}");
    }
    // On the last day somebody is in force and waits: his waiting began less than a month ago.
    let waits = "cover_spans WHERE state = 'IN_FORCE' AND from_on <= '2026-03-31' AND (to_on IS NULL OR to_on >= \
                 '2026-03-31') AND waiting_from > '2026-03-01'";
    assert!(test.count(waits) > 0, "nobody waits");
    for state in ["APPLIED", "ADMITTED"] {
        assert!(test.count(&format!("enrolments WHERE state = '{state}'")) > 0, "no enrolment is {state}");
    }
    for kind in ["BIRTH", "ARRIVAL", "DEATH", "DEPARTURE", "CHANGE_OF_PRINCIPAL", "SEPARATION", "COUNTER_EVENT"] {
        assert!(test.count(&format!("household_events WHERE kind = '{kind}'")) > 0, "no {kind}");
    }
    for outcome in ["approved", "partially_approved", "rejected"] {
        assert!(test.count(&format!("claims WHERE outcome = '{outcome}'")) > 0, "no claim is {outcome}");
    }
    for what in ["settlements", "claims WHERE state = 'PAID'", "approvals WHERE state = 'approved'"] {
        assert!(test.count(what) > 0, "no {what}");
    }
    assert_eq!(test.count("(SELECT DISTINCT currency FROM payments) AS c"), 2, "two currencies");
}

#[test]
fn a_database_that_is_not_empty_is_refused() {
    let options = Options { mutuals: 1, households: 2, months: 2, seed: 1, ..Options::default() };
    let test = history(options, until());
    let before = dump(&test);
    assert!(simulate(test.url.clone(), options, until(), |_, _| ()).is_err());
    assert_alike(&before, &dump(&test));
}

/// What a demonstration shows a network: months closed in time, one mutual late with its last ones, one that hands in paper.
#[test]
fn months_are_closed_one_mutual_is_late_and_one_keeps_paper() {
    let options = Options { mutuals: 4, households: 5, months: 6, seed: 1, ..Options::default() };
    let test = TestDb::new();
    let db = simulate(test.url.clone(), options, until(), |_, _| ()).unwrap();
    assert!(verify(&db).unwrap().findings.is_empty());
    let released = |code: &str, month: &str, basis: &str| {
        test.count(&format!(
            "releases r JOIN organisations o ON o.id = r.unit_id \
             WHERE o.code = '{code}' AND r.month = '{month}' AND r.basis = '{basis}'"
        ))
    };
    for code in ["KAYANZA", "THIES", "NGOZI"] {
        assert_eq!(released(code, "2026-02-01", "closed"), 1, "{code}");
    }
    assert_eq!((released("KAOLACK", "2025-12-01", "closed"), released("KAOLACK", "2026-02-01", "closed")), (1, 0));
    assert_eq!(released("RUYIGI", "2026-02-01", "return"), 1);
    assert_eq!(test.count("target_populations"), 5);
    assert_eq!(test.count("figure_settings WHERE due_days = 10"), 2);
}

/// What a demonstration shows of hidden cells: the mutual that keeps paper has three men above 65, and nobody above is told so.
#[actix_web::test]
async fn the_platform_of_a_demonstration_is_shown_a_table_with_a_hidden_cell() {
    let options = Options { mutuals: 4, households: 8, months: 6, seed: 1, ..Options::default() };
    let test = TestDb::new();
    simulate(test.url.clone(), options, until(), |_, _| ()).unwrap();
    let kept = "release_cuts c JOIN releases r ON r.id = c.release_id JOIN organisations o ON o.id = r.unit_id \
                WHERE o.code = 'RUYIGI' AND r.month = '2026-02-01' AND c.cells LIKE '%\"male 65+\":[3,0]%'";
    assert_eq!(test.count(kept), 1, "RUYIGI has handed in three men above 65");
    // A world beside what was simulated, for its client; its own organisations have nothing to do with the platform.
    let mut world = World::on(test).await;
    let picture = world.parts.access.pictures.current().unwrap();
    let [platform, paper] = ["PLATFORM-BI", "RUYIGI"].map(|code| picture.by_code(code).unwrap().id);
    world.add_user("analyst", Role::PlatformAnalyst, platform);
    for place in [platform, paper] {
        let path = format!("/organisations/{place}/reports/coverage?period=2026-02&cut=sex_age");
        let answer = world.get(&path).as_("analyst").send().await.expect(200);
        let rows = answer.body["cuts"][0]["rows"].as_array().unwrap();
        // Cells are of a sex and an age; beside them stand the totals of each.
        let cells: Vec<(&str, &Value)> = rows
            .iter()
            .map(|row| (row["key"].as_str().unwrap(), &row["numbers"]["beneficiaries_in_force"]))
            .filter(|(key, _)| key.contains(' '))
            .collect();
        assert!(cells.len() >= 6, "{rows:?}");
        let hidden: Vec<&str> = cells.iter().filter(|(_, number)| number.is_null()).map(|(key, _)| *key).collect();
        assert!(!hidden.is_empty() && hidden.len() < cells.len(), "{cells:?}");
        assert!(place == platform || hidden.contains(&"male 65+"), "{cells:?}");
        let small = cells.iter().any(|(_, number)| number.as_i64().is_some_and(|number| (1..5).contains(&number)));
        assert!(!small, "{cells:?}");
    }
}
