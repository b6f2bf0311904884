//! `ayni import`: the same files twice change nothing, a fault writes nothing of its file, and what is stored is what the
//! files say.
mod support;

use ayni::access::permissions::Role;
use ayni::access::picture::Picture;
use ayni::app::HOOKS;
use ayni::imports::service::{FileReport, NewMutual, Report, Request, import};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::rows::{assert_alike, dump};
use support::{TestDb, World};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A folder with the files of the example, to be changed.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(example("mutual")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// Replaces a text of a file that stands there.
#[track_caller]
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} in {file}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn asked() -> Request {
    let new = NewMutual {
        name: "Mutuelle Inzira".into(),
        country: "BI".into(),
        currency: "BIF".into(),
        timezone: "Africa/Bujumbura".into(),
        parent: None,
    };
    Request { mutual: "INZIRA".into(), new: Some(new), dry_run: false }
}

fn load(test: &TestDb, folder: &Path) -> Report {
    import(&test.db, &HOOKS, folder, &asked(), |_, _, _| ()).unwrap()
}

#[track_caller]
fn without_faults(report: &Report) {
    let told: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn of<'r>(report: &'r Report, file: &str) -> &'r FileReport {
    report.files.iter().find(|found| found.file == file).unwrap()
}

fn told(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

/// What each file of the example has.
const EXAMPLE: &[(&str, &str, usize)] = &[
    ("providers.csv", "providers", 3),
    ("conventions.csv", "conventions", 3),
    ("services.csv", "services", 12),
    ("tariffs.csv", "tariffs", 14),
    ("products.json", "products", 1),
    ("households.csv", "households", 8),
    ("members.csv", "members", 30),
    ("enrolments.csv", "enrolments", 8),
    ("payments.csv", "payments", 8),
    ("claims.csv", "claims", 6),
];

fn totals(test: &TestDb) -> Vec<(String, i64, i64, i64, i64)> {
    use ayni::db::schema::claims::dsl::*;
    use diesel::prelude::*;
    claims
        .order(number)
        .select((number, billed_minor, mutual_minor, member_minor, provider_writeoff_minor))
        .load(&mut test.owner())
        .unwrap()
}

#[test]
fn the_example_is_stored_once_and_decided() {
    let test = TestDb::new();
    let first = load(&test, &example("mutual"));
    without_faults(&first);
    for (file, table, rows) in EXAMPLE {
        let report = of(&first, file);
        assert_eq!((report.rows, report.written, report.skipped), (*rows, *rows, 0), "{file}");
        assert_eq!(test.count(table), i64::try_from(*rows).unwrap(), "{table}");
    }
    assert!(of(&first, "claim_lines.csv").with_claims && of(&first, "claim_lines.csv").rows == 10);
    assert_eq!(test.count("claim_lines"), 10);
    assert_eq!(
        totals(&test),
        [
            ("C001".to_owned(), 4_000, 3_200, 800, 0),
            ("C002".to_owned(), 4_000, 2_800, 700, 500),
            ("C003".to_owned(), 2_000, 0, 2_000, 0),
            ("C004".to_owned(), 2_000, 0, 0, 2_000),
            ("C005".to_owned(), 24_000, 19_200, 4_800, 0),
            ("C006".to_owned(), 2_500, 1_000, 1_500, 0),
        ]
    );
    for (number, outcome, reason) in [
        ("C001", "approved", None),
        ("C002", "partially_approved", None),
        ("C003", "rejected", Some("NO_COVERAGE")),
        ("C004", "rejected", Some("DUPLICATE")),
        ("C005", "approved", None),
        ("C006", "partially_approved", None),
    ] {
        let reason = reason.map_or("IS NULL".to_owned(), |reason| format!("= '{reason}'"));
        let found = format!("claims WHERE number = '{number}' AND outcome = '{outcome}' AND claim_reason {reason}");
        assert_eq!(test.count(&found), 1, "{number}");
    }
    assert_eq!(test.count("claim_lines WHERE reasons LIKE '%PRICE_OVER_TARIFF%'"), 1);
    assert_eq!(test.count("claim_lines WHERE reasons LIKE '%WAITING_PERIOD%'"), 1);
    assert_eq!(test.count("claims WHERE decided_on <> submitted_on"), 0, "decided on the day of submission");
    assert_eq!(test.count("members WHERE legacy_number = '00101'"), 1, "a number keeps its zeros");
    let before = dump(&test);
    let second = load(&test, &example("mutual"));
    without_faults(&second);
    for (file, _, rows) in EXAMPLE {
        let report = of(&second, file);
        assert_eq!((report.written, report.skipped, report.differs.len()), (0, *rows, 0), "{file}");
    }
    assert_alike(&before, &dump(&test));
    let verdict = ayni::verify::verify(&test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    assert_eq!((verdict.mutuals, verdict.households, verdict.payments), (1, 8, 8));
}

#[test]
fn a_dry_run_tells_what_would_be_written_and_writes_nothing() {
    let test = TestDb::new();
    // The catalogue and the register are there, so that a trial of the rest has what it refers to.
    without_faults(&load(&test, &example("mutual")));
    let before = dump(&test);
    let folder = copy();
    change(folder.path(), "households.csv", "H001,Kabezi", "H101,Kabezi");
    std::fs::remove_file(folder.path().join("members.csv")).unwrap();
    let request = Request { dry_run: true, ..asked() };
    let report = import(&test.db, &HOOKS, folder.path(), &request, |_, _, _| ()).unwrap();
    without_faults(&report);
    assert_eq!((of(&report, "households.csv").written, of(&report, "households.csv").skipped), (1, 7));
    assert_alike(&before, &dump(&test));
}

#[test]
fn semicolons_a_bom_and_crlf_make_the_same_rows() {
    let test = TestDb::new();
    let folder = copy();
    for (file, ..) in EXAMPLE.iter().filter(|(file, ..)| file.ends_with(".csv")) {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        // Names with a comma are quoted; the rest has none.
        let text = text.lines().map(|line| if line.contains('"') { line.to_owned() } else { line.replace(',', ";") });
        let mut lines: Vec<String> = text.collect();
        for line in lines.iter_mut().filter(|line| line.contains('"')) {
            let parts: Vec<String> = line
                .split('"')
                .enumerate()
                .map(|(at, part)| if at % 2 == 0 { part.replace(',', ";") } else { format!("\"{part}\"") })
                .collect();
            *line = parts.concat();
        }
        std::fs::write(path, format!("\u{feff}{}\r\n", lines.join("\r\n"))).unwrap();
    }
    without_faults(&load(&test, folder.path()));
    let before = dump(&test);
    let again = load(&test, &example("mutual"));
    without_faults(&again);
    assert!(again.files.iter().all(|file| file.written == 0 && file.differs.is_empty()), "{:?}", again.files);
    assert_alike(&before, &dump(&test));
}

#[test]
fn a_changed_row_is_told_and_left_alone() {
    let test = TestDb::new();
    without_faults(&load(&test, &example("mutual")));
    let before = dump(&test);
    let folder = copy();
    change(folder.path(), "members.csv", "Bizira,Alida", "Bizira,Aline");
    change(folder.path(), "payments.csv", "R002,H002,31000", "R002,H002,32000");
    change(folder.path(), "claim_lines.csv", "C005,1,LIT,2", "C005,1,LIT,3");
    change(folder.path(), "providers.csv", "health_centre,private", "health_centre,public");
    let report = load(&test, folder.path());
    without_faults(&report);
    for (file, number) in
        [("members.csv", "00101"), ("payments.csv", "R002"), ("claims.csv", "C005"), ("providers.csv", "CDS-RUGARI")]
    {
        assert_eq!(of(&report, file).differs, [number], "{file}");
        assert_eq!(of(&report, file).written, 0, "{file}");
    }
    assert_alike(&before, &dump(&test));
}

/// Each fault, alone in the example: nothing of its file is written, what comes before is, what comes after is checked only.
#[test]
fn a_fault_writes_nothing_of_its_file_and_of_those_after_it() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "households.csv",
            "number,area",
            "nummer,area",
            &["households.csv:1: number: the column is missing", "households.csv:1: nummer: the column is not known"],
        ),
        (
            "households.csv",
            "STANDARD,,2025-01-10",
            "STANDARD,,10/01/2025",
            &["households.csv:3: registered_on: '10/01/2025' is no date YYYY-MM-DD"],
        ),
        (
            "payments.csv",
            "31000,mobile",
            "31000.50,mobile",
            &["payments.csv:3: amount: '31000.50': INVALID_MINOR_UNITS"],
        ),
        ("payments.csv", "31000,mobile", "31 000,mobile", &["payments.csv:3: amount: '31 000': INVALID_AMOUNT"]),
        (
            "enrolments.csv",
            "E004,H004",
            "E004,H444",
            &["enrolments.csv:5: household_number: there is no household H444"],
        ),
        (
            "enrolments.csv",
            "E004,H004,FAM",
            "E004,H004,FAMX",
            &["enrolments.csv:5: product_code: there is no product FAMX"],
        ),
        (
            "tariffs.csv",
            "HOP-MUKIKE",
            "HOP-NOWHERE",
            &["tariffs.csv:15: provider_code: there is no provider HOP-NOWHERE"],
        ),
        ("households.csv", "H002,", "H001,", &["households.csv:3: number: H001 is there twice"]),
        ("members.csv", "H001,spouse", "H001,principal", &["members.csv:3: relationship: "]),
        ("members.csv", "child,Bizira", "cousin,Bizira", &["members.csv:4: relationship: "]),
        (
            "claims.csv",
            "C003,CDS-KABEZI,00701",
            "C003,CDS-KABEZI,99999",
            &["claims.csv:4: member_number: there is no member 99999"],
        ),
        ("claims.csv", "2025-06-05", "2025-06-01", &["claims.csv:6: discharged_on: lies before service_on"]),
        ("claim_lines.csv", "C003,1,CONS,1", "C003,1,CONS,0", &["claim_lines.csv:6: quantity: '0' is no whole number"]),
        ("tariffs.csv", "2500,2025-07-01", "2500,2025-06-30", &["tariffs.csv:3: - CONS 2025-06-30: "]),
        ("claims.csv", "2025-07-31", "2027-07-31", &["claims.csv:3: C002: "]),
    ];
    for (file, from, to, expected) in cases {
        let test = TestDb::new();
        let folder = copy();
        change(folder.path(), file, from, to);
        let report = load(&test, folder.path());
        let told = told(&report);
        for expected in *expected {
            assert!(told.iter().any(|told| told.starts_with(expected)), "{expected} in {told:#?}");
        }
        let of_this: Vec<&String> = told.iter().filter(|told| told.starts_with(&format!("{file}:"))).collect();
        assert_eq!(of_this.len(), expected.len(), "{told:#?}");
        let mut bad = false;
        for report in &report.files {
            bad |= report.file == *file;
            let Some((_, table, rows)) = EXAMPLE.iter().find(|(name, ..)| *name == report.file) else { continue };
            let expected = if bad { 0 } else { i64::try_from(*rows).unwrap() };
            assert_eq!((test.count(table), report.checked_only), (expected, bad), "{file} {from} → {to}: {table}");
        }
        assert!(bad);
    }
}

fn program(test: &TestDb, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AYNI_") {
            command.env_remove(name);
        }
    }
    command
        .env("AYNI_LOG", "error")
        .env("AYNI_DATABASE", &test.text)
        .env("AYNI_ALLOW_PLAINTEXT_DATABASE", "true")
        .env("AYNI_TODAY", "2026-03-10")
        .args(args);
    command
}

fn import_args(folder: &Path) -> Vec<&str> {
    let folder = folder.to_str().unwrap();
    let new = ["--new", "Mutuelle Inzira", "--country", "BI", "--currency", "BIF", "--timezone", "Africa/Bujumbura"];
    [&["import", folder, "--mutual", "INZIRA"][..], &new].concat()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_bad_row_is_told_and_the_program_ends_with_2() {
    let test = TestDb::new();
    let broken = example("broken");
    let output: Output = program(&test, &import_args(&broken)).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for expected in [
        "providers.csv:3: sector: ",
        "services.csv:4: code: CONS is there twice",
        "tariffs.csv:3: unit_price: '50.25': INVALID_MINOR_UNITS",
        "tariffs.csv:4: valid_to: lies before valid_from",
        "tariffs.csv:5: service_code: there is no service SCAN",
        "households.csv:3: phone: ",
        "households.csv:4: registered_on: '2025-02-30' is no date",
        "households.csv:5: number: only letters, digits and hyphens",
        "members.csv:3: relationship: ",
        "members.csv:4: household_number: there is no household H009",
        "members.csv:5: family_name: is empty",
        "members.csv:5: sex: ",
        "enrolments.csv:1: starts_on: the column is missing",
        "enrolments.csv:1: start_on: the column is not known",
        "claim_lines.csv:2: quantity: '0'",
        "claims.csv:2: discharged_on: lies before service_on",
        "claims.csv:3: provider_code: there is no provider CDS-NOWHERE",
        "claims.csv:3: member_number: there is no member 00999",
        "claims.csv:4: number: the claim has no line in claim_lines.csv",
        "payments.csv:2: amount: '31 000'",
        "payments.csv:3: amount: is zero",
        "payments.csv:4: method: ",
        "payments.csv:5: 5 fields where the header has 6",
    ] {
        assert!(said.lines().any(|line| line.starts_with(expected)), "{expected} in:\n{said}");
    }
    for table in ["providers", "services", "tariffs", "products", "households", "members", "claims"] {
        assert_eq!(test.count(table), 0, "{table}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(broken.join("payments.csv"), folder.path().join("payments.csv")).unwrap();
    let output = program(&test, &["import", folder.path().to_str().unwrap(), "--mutual", "NOWHERE"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(program(&test, &import_args(empty.path())).output().unwrap().status.code(), Some(2));
}

/// 2,500 households are three chunks. Killed after the first, the program goes on where it was.
#[test]
fn what_was_killed_between_chunks_is_completed_by_running_it_again() {
    let test = TestDb::new();
    let folder = tempfile::tempdir().unwrap();
    let mut file = String::from("number,area,class,phone,registered_on\n");
    for at in 0..2_500 {
        file.push_str(&format!("N{at:05},Hill {},STANDARD,,2025-01-10\n", at % 40));
    }
    std::fs::write(folder.path().join("households.csv"), file).unwrap();
    let mut process = program(&test, &import_args(folder.path())).spawn().unwrap();
    let begun = Instant::now();
    loop {
        let there = test.count("households");
        if there > 0 {
            process.kill().unwrap();
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no chunk was written in two minutes");
        assert!(process.try_wait().unwrap().is_none(), "it ended before it was seen");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!process.wait().unwrap().success());
    let there = test.count("households");
    assert!(there == 1_000 || there == 2_000, "{there}: chunks are whole");
    let output = program(&test, &import_args(folder.path())).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(test.count("households"), 2_500);
    let said = text(&output.stdout);
    let expected = format!("2500 rows: {} written, {there} there already, 0 differ", 2_500 - there);
    assert!(said.contains(&expected), "{expected} in {said}");
    let verdict = ayni::verify::verify(&test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn later(text: &str) -> String {
    let day = date(text);
    day.checked_add_months(chrono::Months::new(12)).unwrap().to_string()
}

/// Claims of a folder a year later, under other numbers.
fn a_year_later(from: &Path, to: &Path) {
    let read = |file: &str| -> (csv::StringRecord, Vec<csv::StringRecord>) {
        let mut reader = csv::Reader::from_path(from.join(file)).unwrap();
        (reader.headers().unwrap().clone(), reader.records().map(Result::unwrap).collect())
    };
    for file in ["claims.csv", "claim_lines.csv"] {
        let (header, rows) = read(file);
        let mut writer = csv::Writer::from_path(to.join(file)).unwrap();
        writer.write_record(&header).unwrap();
        for row in &rows {
            let moved: Vec<String> = header
                .iter()
                .zip(row)
                .map(|(name, value)| match name {
                    "number" | "claim_number" | "invoice_number" => format!("{value}-2020"),
                    "service_on" | "discharged_on" | "submitted_on" if !value.is_empty() => later(value),
                    _ => value.to_owned(),
                })
                .collect();
            writer.write_record(&moved).unwrap();
        }
        writer.flush().unwrap();
    }
}

/// Records of another system, where they are at hand. They are never part of this repository.
#[actix_web::test]
async fn the_records_of_another_system_come_in_whole() {
    let Some(folder) = std::env::var_os("AYNI_REAL_DATA").map(PathBuf::from) else {
        println!("AYNI_REAL_DATA names no folder: nothing was tried");
        return;
    };
    let mut world = World::new().await;
    let request = Request {
        mutual: "ULTHA".into(),
        new: Some(NewMutual {
            name: "Ultha".into(),
            country: "TZ".into(),
            currency: "TZS".into(),
            timezone: "Africa/Dar_es_Salaam".into(),
            parent: Some("P1".into()),
        }),
        dry_run: false,
    };
    let ultha_count = |world: &World, table: &str, mutual: &str| world.test.count(&format!("{table} WHERE {mutual}"));
    without_faults(&import(&world.test.db, &HOOKS, &folder, &request, |_, _, _| ()).unwrap());
    let before = dump(&world.test);
    let again = import(&world.test.db, &HOOKS, &folder, &request, |_, _, _| ()).unwrap();
    without_faults(&again);
    assert!(again.files.iter().all(|file| file.written == 0 && file.differs.is_empty()), "{:?}", again.files);
    assert_alike(&before, &dump(&world.test));
    let picture = Picture::load(&world.test.db).unwrap();
    let id = picture.by_code("ULTHA").unwrap().id;
    world.orgs.insert("ULTHA".into(), id);
    for (table, rows) in [("households", 21), ("members", 60), ("enrolments", 21), ("dues", 21), ("payments", 21)] {
        assert_eq!(ultha_count(&world, table, "true"), rows, "{table}");
    }
    assert_eq!(ultha_count(&world, "dues", "amount_minor = 1000000 AND currency = 'TZS'"), 21);
    assert_eq!(ultha_count(&world, "payments", "amount_minor = 1000000 AND currency = 'TZS'"), 21);
    // The world has three facilities, two services and two prices of its own.
    for (table, rows) in [("providers", 15 + 3), ("services", 338 + 2), ("tariffs", 338 + 2)] {
        assert_eq!(ultha_count(&world, table, "true"), rows, "{table}");
    }
    for (table, rows) in [("claims", 9), ("claim_lines", 30)] {
        assert_eq!(ultha_count(&world, table, "true"), rows, "{table}");
    }
    assert_eq!(ultha_count(&world, "claims", "outcome = 'rejected' AND claim_reason = 'NO_COVERAGE'"), 9);
    let in_force = "state = 'IN_FORCE' AND from_on <= '2019-12-31' AND (to_on IS NULL OR to_on >= '2019-12-31')";
    assert_eq!(ultha_count(&world, "cover_spans", in_force), 47);
    world.add_user("claims_officer@ULTHA", Role::ClaimsOfficer, id);
    world.add_user("mutual_admin@ULTHA", Role::MutualAdmin, id);
    let month = world
        .get(&format!("/organisations/{id}/reports/coverage?period=2019-12"))
        .as_("mutual_admin@ULTHA")
        .send()
        .await
        .expect(200);
    let figures = month.body["totals"][0]["figures"].as_array().unwrap();
    let value = |id: &str| figures.iter().find(|figure| figure["id"] == id).unwrap()["value"].clone();
    assert_eq!((value("households"), value("beneficiaries_in_force")), (json!(17), json!(47)), "{}", month.text);
    let ask = async |card: &str| {
        let body = json!({"card": card, "mutual": "ULTHA", "on": "2019-12-31"});
        world.post("/eligibility").as_("claims_officer@ULTHA").json(body).send().await.expect(200)
    };
    let covered = ask("070707070").await;
    assert_eq!(covered.text("/cover/status"), "COVERED");
    assert_eq!(covered.text("/cover/until"), "2020-08-19");
    let ended = ask("174000001").await;
    assert_eq!(ended.text("/cover/status"), "NO_COVERAGE");
    assert_eq!(ended.text("/cover/since"), "2019-09-26");
    let moved = tempfile::tempdir().unwrap();
    a_year_later(&folder, moved.path());
    without_faults(&import(&world.test.db, &HOOKS, moved.path(), &request, |_, _, _| ()).unwrap());
    let mut outcomes: BTreeMap<String, i64> = BTreeMap::new();
    let mut sums = [0i64; 4];
    let list =
        world.get(&format!("/mutuals/{id}/claims?limit=200")).as_("claims_officer@ULTHA").send().await.expect(200);
    for claim in list.body["items"].as_array().unwrap() {
        if !claim["number"].as_str().unwrap().ends_with("-2020") {
            continue;
        }
        *outcomes.entry(claim["outcome"].as_str().unwrap().to_owned()).or_default() += 1;
        let amount = |name: &str| claim.get(name).and_then(Value::as_i64).unwrap();
        for (sum, name) in sums.iter_mut().zip(["billed", "mutual", "provider_writeoff", "member"]) {
            *sum += amount(&format!("{name}_minor"));
        }
    }
    assert_eq!(outcomes, BTreeMap::from([("approved".into(), 7), ("partially_approved".into(), 2)]));
    assert_eq!(sums, [10_287_000, 7_652_000, 2_635_000, 0]);
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

/// The folder of a mutual that goes live, with facilities and prices, to be changed.
fn going_live() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["providers.csv", "conventions.csv", "services.csv", "tariffs.csv"] {
        std::fs::copy(example("mutual").join(name), folder.path().join(name)).unwrap();
    }
    for entry in std::fs::read_dir(example("going-live")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn put(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

const CLAIM_COLUMNS: &str =
    "number,provider_code,member_number,visit_type,service_on,discharged_on,diagnoses,invoice_number,submitted_on\n";
const LINE_COLUMNS: &str = "claim_number,line,service_code,quantity,unit_price\n";

#[actix_web::test]
async fn who_goes_live_in_mid_year_waits_for_nothing_again_and_has_no_ceiling_refilled() {
    let mut world = World::new().await;
    let new = NewMutual {
        name: "Mutuelle Mugeni".into(),
        country: "BI".into(),
        currency: "BIF".into(),
        timezone: "Africa/Bujumbura".into(),
        parent: Some("P1".into()),
    };
    let request = Request { mutual: "MUGENI".into(), new: Some(new), dry_run: false };
    let folder = going_live();
    let load = |world: &World, folder: &Path| import(&world.test.db, &HOOKS, folder, &request, |_, _, _| ()).unwrap();
    let report = load(&world, folder.path());
    without_faults(&report);
    for (file, rows) in [("usage.csv", 2), ("balances.csv", 4), ("numbers.csv", 3)] {
        assert_eq!((of(&report, file).rows, of(&report, file).written), (rows, rows), "{file}");
    }
    let picture = Picture::load(&world.test.db).unwrap();
    let mutual = picture.by_code("MUGENI").unwrap().id;
    world.orgs.insert("MUGENI".into(), mutual);
    for (user, role) in [
        ("claims_officer@MUGENI", Role::ClaimsOfficer),
        ("treasurer@MUGENI", Role::Treasurer),
        ("registrar@MUGENI", Role::Registrar),
    ] {
        world.add_user(user, role, mutual);
    }
    let ask = async |card: &str| {
        let body = json!({"card": card, "mutual": "MUGENI", "on": "2026-03-10"});
        world.post("/eligibility").as_("claims_officer@MUGENI").json(body).send().await.expect(200)
    };
    // Nobody waits again: a member since 2023 has the hospital today, who entered in January has it in July.
    let hospital = |answer: &support::world::Answer| -> Value {
        let benefits = answer.body["benefits"].as_array().unwrap();
        benefits.iter().find(|one| one["category"] == "HOSP").unwrap().clone()
    };
    let old = ask("0417-1").await;
    assert_eq!(hospital(&old)["status"], "COVERED", "{}", old.text);
    let fresh = ask("0418-1").await;
    assert_eq!(
        (&hospital(&fresh)["status"], &hospital(&fresh)["until"]),
        (&json!("WAITING_PERIOD"), &json!("2026-06-30"))
    );
    // Who was a member before pays no fee again; who entered does.
    assert_eq!(world.test.count("dues WHERE kind = 'REGISTRATION' AND amount_minor = 1000"), 1);
    // No ceiling is refilled, of the person or of the household.
    let left = |answer: &support::world::Answer| {
        let left = &answer.body["left"];
        (left["person_year_minor"].as_i64().unwrap(), left["household_year_minor"].as_i64().unwrap())
    };
    assert_eq!(left(&old), (8_000, 35_000));
    assert_eq!(left(&ask("0417-2").await), (57_000, 35_000));
    assert_eq!(left(&fresh), (60_000, 90_000));
    // The books stand at what was in them on the day, the imported payments included.
    let accounts = world.items("treasurer@MUGENI", &format!("{}/accounts", world.mutual("MUGENI"))).await;
    let balance = |code: &str| {
        let row = accounts.iter().find(|row| row["code"] == code).unwrap_or_else(|| panic!("no account {code}"));
        row["debit_minor"].as_i64().unwrap() - row["credit_minor"].as_i64().unwrap()
    };
    let stands = ["cash", "bank", "contributions", "fees", "benefits", "own_funds"].map(|code| (code, balance(code)));
    assert_eq!(
        stands,
        [
            ("cash", 125_000),
            ("bank", 1_500_000),
            ("contributions", -60_000),
            ("fees", -1_000),
            ("benefits", 55_000),
            ("own_funds", -1_619_000),
        ]
    );
    assert_eq!(accounts.iter().find(|row| row["code"] == "own_funds").unwrap()["kind"], "equity");
    // The first numbers go on where paper ended.
    let home = json!({"class": "STANDARD", "registered_on": "2026-03-10",
        "members": [{"relationship": "principal", "family_name": "Iradukunda", "given_name": "Aline", "sex": "female"}]});
    let households = format!("{}/households", world.mutual("MUGENI"));
    let made = world.post(&households).as_("registrar@MUGENI").json(home).send().await.expect(201);
    assert_eq!(made.text("/number"), "H000419");
    let desks = world.items("treasurer@MUGENI", &format!("{}/cash-desks", world.mutual("MUGENI"))).await;
    let paid = json!({"id": uuid::Uuid::from_u128(7), "household_id": made.text("/id"), "amount_minor": 500, "currency": "BIF", "method": "cash",
        "received_on": "2026-03-10", "cash_desk_id": desks[0]["id"]});
    let payments = format!("{}/payments", world.mutual("MUGENI"));
    let paid = world.post(&payments).as_("treasurer@MUGENI").json(paid).send().await.expect(201);
    assert!(paid.text("/receipt_number").ends_with("-2026-008803"), "{}", paid.text);
    // A claim takes what is left and no more.
    let claims = format!(
        "{CLAIM_COLUMNS}N1,HOP-MUKIKE,0417-1,referral,2026-03-04,2026-03-06,J18.9,I-1,2026-03-09\n\
         N2,HOP-MUKIKE,0417-1,emergency,2026-03-08,,,I-2,2026-03-09\n"
    );
    put(folder.path(), "claims.csv", &claims);
    put(folder.path(), "claim_lines.csv", &format!("{LINE_COLUMNS}N1,1,LIT,3,10000\nN2,1,CONS,1,4000\n"));
    let again = load(&world, folder.path());
    without_faults(&again);
    assert_eq!((of(&again, "usage.csv").skipped, of(&again, "balances.csv").skipped), (2, 4));
    assert_eq!(of(&again, "numbers.csv").skipped, 3);
    let decided: Vec<(String, i64)> =
        totals(&world.test).into_iter().map(|(number, _, mutual, _, _)| (number, mutual)).collect();
    assert_eq!(decided, [("N1".to_owned(), 8_000), ("N2".to_owned(), 0)]);
    assert_eq!(world.test.count("claim_lines WHERE reasons LIKE '%CEILING_PERSON_YEAR%'"), 2);
    // What comes after a claim was not known to it.
    let late = "member_number,category,year,amount,quantity\n0417-2,HOSP,2026,1000,1\n";
    put(folder.path(), "usage.csv", late);
    let refused = load(&world, folder.path());
    assert_eq!(told(&refused).len(), 1);
    assert!(told(&refused)[0].contains("claims of enrolment 2026-0417 came before"), "{:?}", told(&refused));
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

#[test]
fn a_bad_opening_position_is_told_row_by_row_and_writes_nothing() {
    for (file, text, expected) in [
        (
            "usage.csv",
            "member_number,category,year,amount,quantity\n0417-1,HOSP,2026,0,0\n9999,OPD,2026,1,1\n0417-1,OPD,26,1,1\n0417-2,OPD,2026,1.5,1\n",
            vec!["neither an amount nor a quantity", "there is no member 9999", "year", "amount"],
        ),
        (
            "usage.csv",
            "member_number,category,year,amount,quantity\n0417-1,DENTAL,2026,10,1\n0417-1,OPD,2025,10,1\n",
            vec!["the product does not cover DENTAL", "no admitted enrolment of household 0417 begins in 2025"],
        ),
        (
            "balances.csv",
            "account,amount,on\ncash,0,2026-02-28\nhousehold_credits,10,2026-02-28\nbank,5,2026-13-01\nfees,7,2026-02-28\nfees,8,2026-02-28\n",
            vec!["is zero", "account", "on", "fees is there twice"],
        ),
        ("balances.csv", "account,amount,on\nbank,5,2026-12-31\n", vec!["bank"]),
        (
            "numbers.csv",
            "series,first,year\nclaim,5,\nreceipt,5,\nhousehold,5,2026\nenrolment,0,\n",
            vec!["household, enrolment or receipt", "the year of the receipts", "stands with receipts only", "first"],
        ),
        (
            "enrolments.csv",
            "number,household_number,product_code,starts_on,ends_on,waiting_from\nE1,0417,FAM,2026-01-01,2026-12-31,2026-01-02\n",
            vec!["lies after starts_on"],
        ),
    ] {
        let test = TestDb::new();
        let folder = going_live();
        put(folder.path(), file, text);
        if file == "numbers.csv" || file == "balances.csv" {
            std::fs::remove_file(folder.path().join("usage.csv")).unwrap();
        }
        let report = load(&test, folder.path());
        let told = told(&report);
        let of_file: Vec<&String> = told.iter().filter(|line| line.contains(file)).collect();
        assert_eq!(of_file.len(), expected.len(), "{file}: {told:?}");
        for (line, part) in of_file.iter().zip(&expected) {
            assert!(line.contains(part), "{line} lacks {part}");
        }
        assert_eq!(of(&report, file).written, 0, "{file}");
        assert_eq!(test.count("opening_usages"), 0, "{file}");
        let posted = test.count("transfers WHERE event = 'opening_balance'");
        assert_eq!(posted, if file == "numbers.csv" { 3 } else { 0 }, "{file}: what follows a bad file is not written");
    }
}
