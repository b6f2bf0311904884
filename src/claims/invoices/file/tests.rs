use super::*;
use proptest::prelude::*;

const HEADER: &str = "certificate,card,visit_type,service_on,discharged_on,diagnoses,service_code,quantity,unit_price";

fn bif() -> Currency {
    Currency::parse("BIF").unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn today() -> NaiveDate {
    day("2026-03-31")
}

fn read_rows(rows: &str) -> Result<Sent> {
    read(&format!("{HEADER}\n{rows}"))
}

/// The codes of a refusal of the whole.
fn refusal(text: &str) -> Vec<String> {
    match read(text) {
        Err(Error::Problem(problem)) => {
            assert_eq!(problem.code, Code::FileRefused, "{text}");
            problem.errors.iter().map(|error| error.code.clone()).collect()
        }
        other => panic!("{text}: {other:?}"),
    }
}

/// The faults of the first certificate, as `row field code`.
fn faults(rows: &str) -> Vec<String> {
    let sent = read_rows(rows).unwrap();
    let all = certificates(sent.rows);
    let told = form(&all[0].rows, bif(), today()).err().unwrap_or_default();
    told.iter().map(|fault| format!("{} {} {}", fault.row.unwrap_or(0), fault.field, fault.code)).collect()
}

#[test]
fn rows_of_one_certificate_are_one_claim_wherever_they_stand() {
    let sent = read_rows(
        "A-1,100001,,2026-03-02,,J06.9,CONS,1,5000\nA-2,100002,emergency,2026-03-03,2026-03-05,,BED,2,9000.00\nA-1,100001,,2026-03-02,,J06.9,AMOX,20,200\n",
    )
    .unwrap();
    assert_eq!((sent.delimiter, sent.rows.len(), sent.columns.len()), (b',', 3, 9));
    let all = certificates(sent.rows);
    assert_eq!(all.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["A-1", "A-2"]);
    let first = form(&all[0].rows, bif(), today()).unwrap();
    assert_eq!(
        (first.card.as_str(), first.visit_type, first.diagnoses.as_str()),
        ("100001", VisitType::Other, "J06.9")
    );
    let lines: Vec<(u64, i32, i64, i64)> = first
        .lines
        .iter()
        .map(|line| (line.row, line.line.line, line.line.quantity, line.line.unit_price_minor))
        .collect();
    assert_eq!(lines, [(2, 1, 1, 5_000), (4, 2, 20, 200)]);
    let second = form(&all[1].rows, bif(), today()).unwrap();
    assert_eq!((second.visit_type, second.discharged_on), (VisitType::Emergency, Some(day("2026-03-05"))));
}

#[test]
fn semicolons_crlf_a_bom_and_other_orders_of_columns_are_read() {
    let text = "\u{FEFF}unit_price;quantity;service_code;diagnoses;discharged_on;service_on;visit_type;card;certificate;line;error\r\n\
                5000;1;CONS;;;2026-03-02;;100001;A-1;7;card not_found: no member\r\n";
    let sent = read(text).unwrap();
    assert_eq!((sent.delimiter, sent.columns.len()), (b';', 10), "the column of the errors is left out");
    let all = certificates(sent.rows);
    let form = form(&all[0].rows, bif(), today()).unwrap();
    assert_eq!((form.lines[0].line.line, form.lines[0].row), (7, 2));
    assert!(!all[0].rows[0].fields.contains_key("error"));
}

#[test]
fn a_file_that_is_not_whole_is_refused_as_one() {
    let row = "A-1,1,,2026-03-02,,,CONS,1,5000";
    assert_eq!(refusal(""), ["no_header"]);
    assert_eq!(refusal(&format!("{row}\n")), ["no_header"]);
    assert_eq!(refusal(&format!("{HEADER}\n")), ["empty"]);
    assert_eq!(refusal(&format!("{HEADER}\n{row}\nA-2,1,,2026-03")), ["truncated"]);
    assert_eq!(refusal(&format!("{HEADER}\n{row}\nA-2,1,,2026-03-02,,,CONS,1,\"50")), ["truncated"]);
    assert_eq!(refusal(&format!("{HEADER}\n{row}\n\"A-2,1,,2026-03-02,,,CONS,1,50\n{row}\n")), ["truncated"]);
    assert_eq!(refusal(&format!("{HEADER}\nA-2,1,,2026-03-02\n{row}\n")), ["row_length"]);
    assert_eq!(refusal(&format!("{HEADER}\nA-2,1,,2026-03-02,,,CONS,1,\"5\n0\"\n{row}\n")), ["line_break"]);
    assert_eq!(refusal(&format!("{HEADER},colour\n{row},red\n")), ["header"]);
    assert_eq!(refusal("certificate,card\nA,1\n").len(), 7, "every missing column is named");
    let long = format!("{HEADER}\n{}", format!("{row}\n").repeat(MOST_ROWS + 1));
    assert_eq!(refusal(&long), ["too_long"]);
    let most = format!("{HEADER}\n{}", format!("{row}\n").repeat(MOST_ROWS));
    assert_eq!(read(&most).unwrap().rows.len(), MOST_ROWS);
}

#[test]
fn every_fault_of_a_certificate_is_told_with_its_row_and_column() {
    assert_eq!(faults("A-1,1,,2026-03-02,,J06.9,CONS,1,5000"), Vec::<String>::new());
    assert_eq!(faults(",1,,2026-03-02,,,CONS,1,5000"), ["2 certificate missing"]);
    assert_eq!(faults("A 1,1,,2026-03-02,,,CONS,1,5000"), ["2 certificate not_a_number"]);
    assert_eq!(faults("A-1,,,2026-03-02,,,CONS,1,5000"), ["2 card missing"]);
    assert_eq!(faults("A-1,1,visit,2026-03-02,,,CONS,1,5000"), ["2 visit_type unknown_value"]);
    assert_eq!(faults("A-1,1,,2026-02-30,,,CONS,1,5000"), ["2 service_on not_a_date"]);
    assert_eq!(faults("A-1,1,,,,,CONS,1,5000"), ["2 service_on missing"]);
    assert_eq!(faults("A-1,1,,2026-04-01,,,CONS,1,5000"), ["2 service_on future_date"]);
    assert_eq!(faults("A-1,1,,2026-03-02,2026-03-01,,CONS,1,5000"), ["2 discharged_on before_admission"]);
    assert_eq!(faults("A-1,1,,2026-03-02,,flu,CONS,1,5000"), ["2 diagnoses unknown_value"]);
    assert_eq!(
        faults("A-1,1,,2026-03-02,,,,0,-5"),
        ["2 service_code missing", "2 quantity out_of_bounds", "2 unit_price not_an_amount"]
    );
    assert_eq!(
        faults("A-1,1,,2026-03-02,,,CONS,1000000,5000.50"),
        ["2 quantity out_of_bounds", "2 unit_price not_an_amount"]
    );
    assert_eq!(faults("A-1,1,,2026-03-02,,,CONS,one,"), ["2 quantity not_a_number", "2 unit_price missing"]);
    assert_eq!(
        faults("A-1,1,,2026-03-02,,,CONS,1,5000\nA-1,2,,2026-03-02,,,AMOX,1,50"),
        ["3 card contradicts"],
        "rows of one certificate agree on who and when"
    );
    let many = "A-1,1,,2026-03-02,,,CONS,1,5000\n".repeat(MOST_LINES + 1);
    assert_eq!(faults(&many), ["102 certificate out_of_bounds"]);
}

#[test]
fn what_was_masked_against_spreadsheets_comes_back_as_it_was() {
    let sent = read_rows("A-1,1,,2026-03-02,,,'=CONS,1,5000\n").unwrap();
    assert_eq!(sent.rows[0].of("service_code"), "=CONS");
    let sent = read_rows("A-1,1,,2026-03-02,,,'CONS,1,5000\n").unwrap();
    assert_eq!(sent.rows[0].of("service_code"), "'CONS");
}

#[test]
fn another_way_to_write_the_same_is_no_difference() {
    let one = |rows: &str| form(&certificates(read_rows(rows).unwrap().rows)[0].rows, bif(), today()).unwrap();
    let first = one("A-1,1,,2026-03-02,,J06.9,CONS,1,5000\n");
    assert_eq!(differences(&first, &one("A-1,1,other,2026-03-02,,J06.9,CONS,01,5000.00\n")), Vec::<&str>::new());
    assert_eq!(
        differences(&first, &one("A-1,2,emergency,2026-03-02,,J06.9,CONS,2,5000\n")),
        ["card", "visit_type", "lines"]
    );
}

proptest! {
    /// Any text is read or refused; what is read has each row in one certificate.
    #[test]
    fn no_text_panics(text in "[A-C,;\"\n\r0-9. -]{0,200}") {
        if let Ok(sent) = read_rows(&text) {
            let rows = sent.rows.len();
            let all = certificates(sent.rows);
            prop_assert_eq!(all.iter().map(|one| one.rows.len()).sum::<usize>(), rows);
            for one in all {
                let _ = form(&one.rows, bif(), today());
            }
        }
    }

    /// A file cut anywhere within its last row is refused, or that row is a whole one.
    #[test]
    fn a_file_cut_short_keeps_no_half_row(cut in 1_usize..35) {
        let rows = "A-1,1,,2026-03-02,,,CONS,1,5000\nA-2,1,,2026-03-02,,\"J06.9\",CONS,1,5000";
        let text = format!("{HEADER}\n{rows}");
        let text = &text[..text.len() - cut];
        match read(text) {
            Err(_) => {}
            // The last field alone may be shorter: nothing in the file tells.
            Ok(sent) => prop_assert!(cut < 5 || sent.rows.len() == 1, "{}", text),
        }
    }
}
