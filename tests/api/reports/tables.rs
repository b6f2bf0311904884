//! Reports as others read them: the table of fixed columns, the workbook with its definitions, what stands beside a figure.
use crate::support::World;
use crate::support::care::with_ceilings;
use crate::support::world::Answer;
use actix_web::test::TestRequest;
use ayni::reports::catalogue::find;
use ayni::reports::measures::DEFINITION_VERSION;
use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The columns of every table, in their order: programs of others read them by it. New ones come after them.
const HEAD: &str = "report,period,basis,as_of,definition_version,row,unit_code,unit_name,currency,id,key,name,unit,\
                    numerator,denominator,value,undefined,previous_value,median,reported,units_left_out,rates,\
                    sources,other_definitions";

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// KAY on 4 April, with two households of six in force since 10 March, all of them female, and a claim.
async fn world() -> World {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 6, 0).await;
    world.covered(&product, 6, 0).await;
    world.claim(&home.members[0], "K-1", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 4, 8, 0, 0).unwrap());
    world
}

/// A report on KAY in some form.
async fn ask(world: &World, user: &str, rest: &str, form: &str) -> Answer {
    let path = format!("/organisations/{}/reports/{rest}", world.org("KAY"));
    world.get(&path).as_(user).header("Accept", form).send().await.expect(200)
}

#[actix_web::test]
async fn the_columns_of_a_table_are_fixed() {
    let world = world().await;
    for name in
        ["dashboard", "coverage", "contributions", "claims", "indicators", "financing-mix", "completeness", "providers"]
    {
        let table = ask(&world, "mutual_admin", &format!("{name}?period=2026-03"), "text/csv").await;
        assert_eq!(table.text.lines().next(), Some(HEAD), "{name}");
    }
    let table = ask(&world, "mutual_admin", "coverage?period=2026-03&cut=sex", "text/csv").await;
    let mut reader = csv::Reader::from_reader(table.text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let row = |kind: &str, id: &str| {
        let found: Vec<&csv::StringRecord> = rows.iter().filter(|row| &row[5] == kind && &row[9] == id).collect();
        assert_eq!(found.len(), 1, "{kind} {id} in {}", table.text);
        let cells: Vec<&str> = found[0].iter().collect();
        assert_eq!(cells.len(), 24, "{cells:?}");
        assert_eq!(cells[..3], ["coverage", "2026-03", "live"]);
        assert!(DateTime::parse_from_rfc3339(cells[3]).is_ok(), "{cells:?}");
        assert_eq!(cells[4], DEFINITION_VERSION.to_string());
        cells[5..].to_vec()
    };
    // Each number in its own column: a count has no denominator, a ratio has.
    assert_eq!(
        row("total", "beneficiaries_in_force"),
        [
            "total",
            "",
            "",
            "BIF",
            "beneficiaries_in_force",
            "",
            "",
            "count",
            "12",
            "",
            "12",
            "",
            "",
            "",
            "",
            "0",
            "",
            "",
            ""
        ]
    );
    assert_eq!(row("total", "household_size")[8..12], ["12", "2", "60000", ""]);
    assert_eq!(row("total", "coverage_ratio")[8..12], ["12", "", "", "no_target"]);
    assert_eq!(
        row("cut", "beneficiaries_in_force"),
        [
            "cut",
            "",
            "",
            "",
            "beneficiaries_in_force",
            "female",
            "",
            "count",
            "12",
            "",
            "12",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            ""
        ]
    );
}

/// The files of a zip, by name. Its directory at the end has their sizes also where they were written as a stream.
fn unzip(zip: &[u8]) -> BTreeMap<String, String> {
    let two = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let four =
        |at: usize| usize::try_from(u32::from_le_bytes([zip[at], zip[at + 1], zip[at + 2], zip[at + 3]])).unwrap();
    let end = zip.windows(4).rposition(|part| part == b"PK\x05\x06").expect("the end of a directory");
    let (number, mut at) = (two(end + 10), four(end + 16));
    let mut files = BTreeMap::new();
    for _ in 0..number {
        assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
        let (method, size, from) = (two(at + 10), four(at + 20), four(at + 42));
        let (name, extra, comment) = (two(at + 28), two(at + 30), two(at + 32));
        let path = String::from_utf8(zip[at + 46..at + 46 + name].to_vec()).unwrap();
        let begin = from + 30 + two(from + 26) + two(from + 28);
        let packed = &zip[begin..begin + size];
        let mut text = String::new();
        match method {
            0 => text.push_str(std::str::from_utf8(packed).unwrap()),
            8 => {
                flate2::read::DeflateDecoder::new(packed).read_to_string(&mut text).unwrap();
            }
            other => panic!("{path} is packed by {other}"),
        }
        files.insert(path, text);
        at += 46 + name + extra + comment;
    }
    files
}

/// The texts and numbers of a sheet, by their places: `A1`.
type Cells = BTreeMap<String, String>;

/// The sheets of a workbook in their order, with their names.
fn sheets(files: &BTreeMap<String, String>) -> Vec<(String, Cells)> {
    let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let texts: Vec<String> = files["xl/sharedStrings.xml"]
        .split("<si>")
        .skip(1)
        .map(|piece| {
            // Behind `<t>`, which may say that spaces are kept.
            let (_, text) = piece.split_once('>').unwrap();
            plain(text.split_once("</t>").unwrap().0)
        })
        .collect();
    let cells = |sheet: &str| {
        let mut found = Cells::new();
        for piece in sheet.split("<c r=\"").skip(1) {
            let (place, rest) = piece.split_once('"').unwrap();
            let (head, body) = rest.split_once('>').unwrap();
            // One that is empty and has a format is closed at once.
            if head.ends_with('/') {
                continue;
            }
            let value = body.split_once("<v>").unwrap().1.split_once("</v>").unwrap().0;
            let is_text = head.contains("t=\"s\"");
            let text = if is_text { texts[value.parse::<usize>().unwrap()].clone() } else { value.to_owned() };
            found.insert(place.to_owned(), text);
        }
        found
    };
    let names = files["xl/workbook.xml"].split("<sheet name=\"").skip(1);
    let names: Vec<String> = names.map(|piece| plain(piece.split_once('"').unwrap().0)).collect();
    (1..).zip(names).map(|(at, name)| (name, cells(&files[&format!("xl/worksheets/sheet{at}.xml")]))).collect()
}

/// A report of KAY, for itself, as a workbook.
async fn workbook(world: &World, rest: &str) -> Vec<(String, Cells)> {
    let request = TestRequest::get()
        .uri(&format!("/api/v1/organisations/{}/reports/{rest}", world.org("KAY")))
        .peer_addr("127.0.0.1:50000".parse().unwrap())
        .insert_header(("Authorization", format!("Bearer {}", world.token("mutual_admin"))))
        .insert_header(("Accept", XLSX));
    sheets(&unzip(&world.bytes(request.to_request()).await))
}

fn names(sheets: &[(String, Cells)]) -> Vec<&str> {
    sheets.iter().map(|(name, _)| name.as_str()).collect()
}

/// The row in whose first column a text stands.
fn row_of(sheet: &Cells, text: &str) -> String {
    let found = sheet.iter().find(|(place, there)| place.starts_with('A') && *there == text);
    found.unwrap_or_else(|| panic!("{text} in {sheet:?}")).0[1..].to_owned()
}

#[actix_web::test]
async fn a_workbook_has_its_figures_its_units_and_its_definitions() {
    let world = world().await;
    assert_eq!(names(&workbook(&world, "dashboard?period=2026-03").await), ["Figures", "Units", "Definitions"]);
    let book = workbook(&world, "coverage?period=2026-03&cut=sex").await;
    assert_eq!(names(&book), ["Figures", "Cut", "Units", "Definitions"]);
    let [figures, cut, units, definitions] = [0, 1, 2, 3].map(|at| &book[at].1);
    assert_eq!(figures["A1"], "coverage 2026-03");
    for (id, value) in [("households", "2"), ("beneficiaries_in_force", "12"), ("women_in_force", "12")] {
        let row = row_of(figures, find(id).unwrap().name_en);
        let [found, unit] = ["B", "C"].map(|column| figures[&format!("{column}{row}")].as_str());
        assert_eq!((found, unit), (value, "count"), "{id}");
    }
    assert_eq!(cut[&format!("B{}", row_of(cut, "female"))], "12");
    assert_eq!([&units["A1"], &units["A2"], &units["C2"]], ["Code", "KAY", "BIF"]);
    // What each figure of the report means, as the catalogue has it, and what it may not be taken for.
    let heads = ["A", "B", "C", "D", "E", "F", "G", "H"].map(|column| definitions[&format!("{column}1")].as_str());
    assert_eq!(heads, ["Id", "English", "Français", "Formula", "Unit", "Better", "Source", "Limits"]);
    let answer = ask(&world, "mutual_admin", "coverage?period=2026-03", "application/json").await;
    let shown = answer.body["totals"][0]["figures"].as_array().unwrap();
    let shown: BTreeSet<&str> = shown.iter().map(|figure| figure["id"].as_str().unwrap()).collect();
    let told = definitions.iter().filter(|(place, _)| place.starts_with('A') && *place != "A1");
    let told: BTreeSet<&str> = told.map(|(_, id)| id.as_str()).collect();
    assert!(shown.len() >= 30, "{shown:?}");
    assert_eq!(told, shown);
    for id in shown {
        let (known, row) = (find(id).unwrap(), row_of(definitions, id));
        let cell = |column: &str| definitions.get(&format!("{column}{row}")).map(String::as_str);
        assert_eq!((cell("B"), cell("C"), cell("D")), (Some(known.name_en), Some(known.name_fr), Some(known.formula)));
        assert_eq!((cell("G"), cell("H")), (Some(known.source), known.limits), "{id}");
    }
}

/// Next to the Sustainable Development Goals stand counts that are not their indicators: every answer says so, to the mutual
/// and to whoever is above it.
#[actix_web::test]
async fn what_a_figure_may_not_be_taken_for_stands_in_the_answer() {
    let world = world().await;
    let despite = json!({"despite": ["claims_pending", "cash_not_counted"]});
    world.give("treasurer", "/periods/2026-03/close", despite).await.expect(200);
    for user in ["mutual_admin", "platform_analyst"] {
        for (report, id, words) in [
            ("coverage", "sdg_1_3_1_persons_affiliated", "Not SDG 1.3.1"),
            ("coverage", "sdg_1_3_1_women_affiliated", "Not SDG 1.3.1"),
            ("claims", "sdg_3_8_2_proxy_member_share", "Not SDG 3.8.2"),
            ("indicators", "sdg_1_3_1_persons_affiliated", "Not SDG 1.3.1"),
        ] {
            let answer = ask(&world, user, &format!("{report}?period=2026-03"), "application/json").await;
            let figures = answer.body["totals"][0]["figures"].as_array().unwrap();
            let of = |id: &str| figures.iter().find(|figure| figure["id"] == id).unwrap_or_else(|| panic!("{id}"));
            let limits = of(id)["limits"].as_str().unwrap_or_else(|| panic!("{user} {id}: {}", of(id)));
            assert!(limits.starts_with(words), "{user} {id}: {limits}");
            assert_eq!(Some(limits), find(id).unwrap().limits);
            // A figure that can be taken for nothing else has none.
            let plain = if report == "claims" { "claims_submitted" } else { "households" };
            assert_eq!(of(plain)["limits"], Value::Null, "{plain}");
        }
    }
}
