//! The samples of receipts and of a statement in `docs/samples/`: drawn from invented facts, so that the same bytes come out
//! each time. The pictures beside them are made from the PDF by hand.
use ayni::contributions::drawing::{receipt, statement};
use ayni::contributions::model::{DueKind, Method};
use ayni::contributions::papers::{Paper, ReceiptKind, ReceiptLine, ReceiptView, StatementLine, StatementView};
use ayni::contributions::statement::LineKind;
use ayni::ids::*;
use ayni::language::Language;
use chrono::NaiveDate;
use std::path::Path;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sample_receipt() -> ReceiptView {
    let line = |kind, on: Option<&str>, amount_minor| ReceiptLine { due_kind: kind, due_on: on.map(day), amount_minor };
    ReceiptView {
        id: ReceiptId::NIL,
        receipt_number: "C1-2026-000117".into(),
        kind: ReceiptKind::Payment,
        mutual: "Mutuelle de santé de Kayanza".into(),
        issued_on: day("2026-03-10"),
        amount_minor: 33_500,
        currency: "BIF".into(),
        method: Some(Method::Cash),
        reference: None,
        household_id: Some(HouseholdId::NIL),
        household_number: Some("H000123".into()),
        payer: "Ndayizeye Aline".into(),
        payment_id: Some(PaymentId::NIL),
        reverses: None,
        reason: None,
        lines: vec![
            line(Some(DueKind::Registration), Some("2026-03-01"), 1_000),
            line(Some(DueKind::Contribution), Some("2026-03-01"), 30_000),
            line(None, None, 2_500),
        ],
    }
}

fn counter_receipt() -> ReceiptView {
    ReceiptView {
        receipt_number: "C1-2026-000118".into(),
        kind: ReceiptKind::Reversal,
        amount_minor: -33_500,
        reverses: Some("C1-2026-000117".into()),
        reason: Some("counted twice; the second receipt of the same notes".into()),
        lines: Vec::new(),
        ..sample_receipt()
    }
}

fn sample_statement(lines: usize) -> StatementView {
    let line = |on: &str, kind, due_kind, receipt: Option<&str>, amount_minor, balance_minor| StatementLine {
        on: day(on),
        kind,
        due_kind,
        receipt_number: receipt.map(str::to_owned),
        amount_minor,
        balance_minor,
    };
    let contribution = Some(DueKind::Contribution);
    let mut all = vec![
        line("2026-01-01", LineKind::Due, contribution, None, 7_500, 10_000),
        line("2026-01-14", LineKind::Payment, None, Some("A01959d000001-2026-000007"), -10_000, 0),
        line("2026-04-01", LineKind::Due, contribution, None, 7_500, 7_500),
        line("2026-04-20", LineKind::Payment, None, Some("C1-2026-000117"), -7_500, 0),
        line("2026-04-22", LineKind::Reversal, None, Some("C1-2026-000121"), 7_500, 7_500),
        line("2026-05-02", LineKind::Waiver, contribution, None, -2_500, 5_000),
        line("2026-05-09", LineKind::Payment, None, Some("C1-2026-000140"), -6_000, -1_000),
    ];
    while all.len() < lines {
        all.push(all[all.len() % 7].clone());
    }
    StatementView {
        mutual: "Mutuelle de santé de Kayanza".into(),
        household_id: HouseholdId::NIL,
        household_number: "H000123".into(),
        principal: "Ndayizeye Aline".into(),
        from: day("2026-01-01"),
        to: day("2026-06-30"),
        opening_minor: 2_500,
        lines: all,
        closing_minor: -1_000,
        open_minor: 0,
        advance_minor: 0,
        credit_minor: 1_000,
        currency: "BIF".into(),
    }
}

/// Compares a sample with what the code draws, or writes it.
fn sample_is(name: &str, drawn: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples").join(name);
    if std::env::var_os("AYNI_WRITE_DOCS").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let found = std::fs::read(&path).unwrap_or_default();
    assert!(
        found == drawn,
        "docs/samples/{name} is not what the code draws; run: AYNI_WRITE_DOCS=1 cargo nextest run docs, and make its picture anew"
    );
}

#[test]
fn docs_samples_receipts_are_what_is_drawn() {
    let drawn = [
        ("receipt-80mm.pdf", receipt(&sample_receipt(), Paper::Roll, Language::French)),
        ("receipt-a4.pdf", receipt(&sample_receipt(), Paper::A4, Language::English)),
        ("counter-receipt-80mm.pdf", receipt(&counter_receipt(), Paper::Roll, Language::English)),
    ];
    for (name, drawn) in drawn {
        let drawn = drawn.unwrap();
        assert!(drawn.starts_with(b"%PDF-") && drawn.len() < 40_000, "{name}: {} bytes", drawn.len());
        sample_is(name, &drawn);
    }
}

#[test]
fn docs_samples_statement_is_what_is_drawn() {
    let drawn = statement(&sample_statement(7), Language::French).unwrap();
    assert_eq!(drawn, statement(&sample_statement(7), Language::French).unwrap(), "the same facts give the same bytes");
    sample_is("statement.pdf", &drawn);
    let sheets = |lines: usize| {
        let drawn = statement(&sample_statement(lines), Language::English).unwrap();
        let text = String::from_utf8_lossy(&drawn).into_owned();
        text.matches("/Type/Page/").count().max(text.matches("/Type /Page\n").count())
    };
    assert_eq!((sheets(7), sheets(120)), (1, 4));
}
