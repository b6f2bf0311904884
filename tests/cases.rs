//! Runs the worked cases of `tests/cases/visible.json`, or of the file that `AYNI_CASES` names, through the rules.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use ayni::claims::rules::{self as claims, CeilingEvent, Totals};
use ayni::contributions::rules::{Book, Due, DueKind, Event};
use ayni::dates::add_days;
use ayni::enrolments::rules::{self as enrolments, ArrearsStatus, DueFacts, Renewable};
use ayni::federation::rules as federation;
use ayni::field::rules as field;
use ayni::households::rules as households;
use ayni::money::{AmountError, Currency, parse_amount};
use ayni::products::rules::{self as products, Arrears, Persons, Product};
use ayni::reports::disclosure;
use ayni::reports::rules::{self as reports, Fraction, TechnicalFigures};
use ayni::treasury::rules as treasury;
use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// How many cases the file beside this test has.
const VISIBLE_CASES: usize = 95;

type Answer = Result<Value, Box<dyn Error>>;
type Rule = fn(&Value, &BTreeMap<String, Product>) -> Answer;

/// The rule of each kind.
const RULES: [(&str, Rule); 30] = [
    ("contribution_call", contribution_call),
    ("prorata", prorata),
    ("allocate", allocate),
    ("money", money),
    ("payment_events", payment_events),
    ("agent", agent),
    ("group", group),
    ("threshold", threshold),
    ("waiting", waiting),
    ("newborn", newborn),
    ("renewal", renewal),
    ("arrears", arrears),
    ("end_of_rights", end_of_rights),
    ("adjudicate", adjudicate),
    ("ceiling_seq", ceiling_seq),
    ("invoice", invoice),
    ("appeal", appeal),
    ("consolidated", consolidated),
    ("indicator", indicator),
    ("check_digits", check_digits),
    ("sync_push", sync_push),
    ("sync_pull", sync_pull),
    ("fed_dues", fed_dues),
    ("fed_guarantee", fed_guarantee),
    ("fed_stoploss", fed_stoploss),
    ("fed_aggregate", fed_aggregate),
    ("clearing", clearing),
    ("suppress", suppress),
    ("suppress_derived", suppress_derived),
    ("round5", round5),
];

#[derive(Deserialize)]
struct CaseFile {
    products: BTreeMap<String, Product>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    #[serde(default)]
    currency: Option<String>,
    input: Value,
    expected: Value,
}

#[test]
fn worked_cases_give_the_expected_results() -> Result<(), Box<dyn Error>> {
    let visible = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/visible.json");
    let chosen = std::env::var_os("AYNI_CASES").map(PathBuf::from);
    let path = chosen.clone().unwrap_or(visible);
    let file: CaseFile = serde_json::from_str(&std::fs::read_to_string(&path)?)?;

    // Written directly, since what passing tests print is swallowed.
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    let (mut passed, mut failed) = (0, 0);
    let mut unsupported: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &file.cases {
        let Some((_, rule)) = RULES.iter().find(|(kind, _)| *kind == case.kind) else {
            *unsupported.entry(&case.kind).or_default() += 1;
            continue;
        };
        let mut input = case.input.clone();
        if let (Some(currency), "payment_events") = (&case.currency, case.kind.as_str()) {
            input["case_currency"] = json!(currency);
        }
        let got = rule(&input, &file.products).unwrap_or_else(|error| json!({"refused": error.to_string()}));
        if got == case.expected {
            passed += 1;
        } else {
            failed += 1;
            let (id, kind, expected) = (&case.id, &case.kind, &case.expected);
            writeln!(out, "{id} ({kind})\n  expected {expected}\n  got      {got}")?;
        }
    }
    for (kind, count) in &unsupported {
        writeln!(out, "{kind}: {count} cases, unknown kind")?;
    }
    let left_out: usize = unsupported.values().sum();
    writeln!(out, "cases: {passed} passed, {failed} failed, {left_out} unsupported")?;

    assert_eq!(failed, 0, "cases failed");
    assert!(passed > 0, "no case was run");
    if chosen.is_none() {
        assert_eq!(file.cases.len(), VISIBLE_CASES);
        assert!(unsupported.is_empty(), "no rule for {unsupported:?}");
        for (code, product) in &file.products {
            assert_eq!(product.contradictions(), [], "product {code}");
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

fn product_of<'a>(input: &Value, products: &'a BTreeMap<String, Product>) -> Result<&'a Product, Box<dyn Error>> {
    let code: String = read(&input["product"])?;
    products.get(&code).ok_or_else(|| format!("no product {code}").into())
}

/// An object keyed by date, as cases give answers for several days.
fn by_day(days: &[NaiveDate], answer: impl Fn(NaiveDate) -> Result<&'static str, Box<dyn Error>>) -> Answer {
    let mut answers = Map::new();
    for day in days {
        answers.insert(day.to_string(), json!(answer(*day)?));
    }
    Ok(Value::Object(answers))
}

// ---------------------------------------------------------------------------------------------------------------------
// Money and contributions

fn money(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        amount_text: String,
        currency: String,
        document_currency: String,
    }
    let input: Input = read(input)?;
    let parsed = match (Currency::parse(&input.currency), Currency::parse(&input.document_currency)) {
        (Some(own), Some(document)) => parse_amount(&input.amount_text, own, document),
        _ if input.currency != input.document_currency => Err(AmountError::CurrencyMismatch),
        _ => return Err(format!("unknown currency {}", input.currency).into()),
    };
    Ok(match parsed {
        Ok(minor_units) => json!({"valid": true, "minor_units": minor_units}),
        Err(error) => json!({"valid": false, "error": error.code()}),
    })
}

fn payment_events(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Told {
        provider: String,
        provider_txn_id: String,
        amount: i64,
        currency: String,
        account_ref: String,
    }
    #[derive(Deserialize)]
    struct Input {
        events: Vec<Told>,
        case_currency: Option<String>,
    }
    let input: Input = read(input)?;
    // A mutual's currency is the case's; without one, that of the first event.
    let own = input.case_currency.or_else(|| input.events.first().map(|event| event.currency.clone()));
    let own = own.and_then(|code| Currency::parse(&code)).ok_or("no currency")?;
    let mut first: BTreeMap<(String, String), String> = BTreeMap::new();
    let (mut results, mut payments, mut amount_received) = (Vec::new(), 0, 0_i64);
    for event in &input.events {
        let amount = event.amount.to_string();
        let content = treasury::Content { amount: &amount, currency: &event.currency, account_ref: &event.account_ref };
        let identity = (event.provider.clone(), event.provider_txn_id.clone());
        let seen = treasury::seen(first.get(&identity).map(String::as_str), &content, own);
        first.entry(identity).or_insert_with(|| content.text());
        if seen == treasury::Seen::Created {
            payments += 1;
            amount_received += event.amount;
        }
        results.push(seen);
    }
    Ok(json!({"results": results, "payments": payments, "amount_received": amount_received}))
}

fn agent(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Receipt {
        kind: DueKind,
        amount: i64,
    }
    #[derive(Deserialize)]
    struct Input {
        receipts: Vec<Receipt>,
        remitted: i64,
        commission_bp: i64,
    }
    let input: Input = read(input)?;
    let receipts: Vec<(DueKind, i64)> = input.receipts.iter().map(|row| (row.kind, row.amount)).collect();
    let found = treasury::collected(&receipts, input.remitted, input.commission_bp)?;
    Ok(json!({
        "collected": found.collected, "outstanding": found.outstanding, "state": found.state,
        "commission": found.commission,
    }))
}

fn group(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Line {
        amount: i64,
    }
    #[derive(Deserialize)]
    struct Input {
        list: Vec<Line>,
        transferred: i64,
    }
    let input: Input = read(input)?;
    let amounts: Vec<i64> = input.list.iter().map(|line| line.amount).collect();
    let found = treasury::listed(&amounts, input.transferred)?;
    Ok(json!({
        "list_total": found.list_total, "difference": found.difference, "result": found.result,
        "allocated": found.allocated,
    }))
}

fn contribution_call(input: &Value, products: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        first_enrolment: bool,
        household_size: Option<i64>,
        person_classes: Option<Vec<String>>,
    }
    let product = product_of(input, products)?;
    let input: Input = read(input)?;
    let persons = match (&input.person_classes, input.household_size) {
        (Some(classes), _) => Persons::Classes(classes),
        (None, Some(size)) => Persons::Size(size),
        (None, None) => return Err("neither household_size nor person_classes".into()),
    };
    let call = products::contribution_call(product, persons, input.first_enrolment)?;
    Ok(json!({
        "contribution_gross": call.contribution_gross,
        "registration_fee": call.registration_fee,
        "payable_by": call.payable_by()?,
    }))
}

fn prorata(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        annual_amount: i64,
        #[serde(default)]
        subsidy_bp: i64,
        entry_date: NaiveDate,
        period_to: NaiveDate,
    }
    let input: Input = read(input)?;
    let price = products::prorata(input.annual_amount, input.subsidy_bp, input.entry_date, input.period_to)?;
    Ok(json!({
        "remaining_months": price.remaining_months,
        "gross": price.gross,
        "subsidy": price.subsidy,
        "household": price.household,
    }))
}

#[derive(Deserialize)]
struct DueInput {
    id: String,
    kind: DueKind,
    due_date: NaiveDate,
    amount: i64,
    #[serde(default)]
    paid: i64,
}

impl From<DueInput> for Due<String> {
    fn from(due: DueInput) -> Self {
        Self { id: due.id, kind: due.kind, due_on: due.due_date, amount: due.amount, paid: due.paid }
    }
}

fn allocate(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        dues: Vec<DueInput>,
        events: Vec<EventInput>,
    }
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum EventInput {
        Payment { id: String, date: NaiveDate, amount: i64 },
        Reversal { id: String, payment: String },
        DueIssued { due: DueInput },
    }
    let input: Input = read(input)?;
    let mut book = Book::new();
    for due in input.dues {
        book.add_due(due.into())?;
    }
    let mut allocations = Vec::new();
    for event in input.events {
        let made = book.apply(match event {
            EventInput::Payment { id, date, amount } => Event::Payment { id, received_on: date, amount },
            EventInput::Reversal { id, payment } => Event::Reversal { id, payment },
            EventInput::DueIssued { due } => Event::DueIssued(due.into()),
        })?;
        allocations
            .extend(made.into_iter().map(|row| json!({"payment": row.payment, "due": row.due, "amount": row.amount})));
    }
    let outstanding: BTreeMap<&str, i64> = book.dues().map(|due| (due.id.as_str(), due.outstanding())).collect();
    Ok(json!({"allocations": allocations, "outstanding": outstanding, "credit": book.credit()?}))
}

// ---------------------------------------------------------------------------------------------------------------------
// Entitlement

#[derive(Clone, Copy, Deserialize)]
struct PaymentInput {
    date: NaiveDate,
    amount: i64,
}

fn threshold(input: &Value, products: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        due: i64,
        payments: Vec<PaymentInput>,
    }
    let threshold_bp = product_of(input, products)?.activation_threshold_bp;
    let input: Input = read(input)?;
    let payments: Vec<_> = input.payments.iter().map(|one| (one.date, one.amount)).collect();
    let steps = enrolments::threshold_steps(input.due, threshold_bp, &payments);
    let active_from = steps.iter().find(|step| step.active).map(|step| step.on);
    let steps: Vec<Value> =
        steps.iter().map(|step| json!({"date": step.on, "paid": step.paid, "active": step.active})).collect();
    Ok(json!({"steps": steps, "active_from": active_from}))
}

fn waiting(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        cover_start: NaiveDate,
        waiting_months: i64,
        service_dates: Vec<NaiveDate>,
    }
    let input: Input = read(input)?;
    let first = enrolments::first_covered_on(input.cover_start, input.waiting_months)?;
    let results = by_day(&input.service_dates, |day| {
        Ok(enrolments::entitlement_after_start(input.cover_start, first, day).code())
    })?;
    Ok(json!({"first_covered_date": first, "results": results}))
}

fn newborn(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        born_on: NaiveDate,
        registered_on: NaiveDate,
        waiting_months: i64,
    }
    let input: Input = read(input)?;
    let cover = enrolments::newborn_cover(input.born_on, input.registered_on);
    let first = cover.waiting.first_covered_on(input.waiting_months)?;
    Ok(json!({
        "days": cover.days,
        "cover_start": cover.cover_start,
        "first_covered_date": first.unwrap_or(cover.cover_start),
    }))
}

fn renewal(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        expiry: NaiveDate,
        paid_on: NaiveDate,
        renewal_grace_days: i64,
        waiting_months: i64,
        service_dates: Vec<NaiveDate>,
    }
    let input: Input = read(input)?;
    let renewal = enrolments::renewal(input.expiry, input.paid_on, input.renewal_grace_days)?;
    let results = by_day(&input.service_dates, |day| Ok(renewal.entitlement_on(day, input.waiting_months)?.code()))?;
    Ok(json!({
        "days_after_expiry": renewal.days_after_expiry,
        "continuous": renewal.continuous,
        "new_period_start": renewal.new_period_start,
        "new_waiting": !renewal.continuous,
        "results": results,
    }))
}

fn arrears(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        params: Arrears,
        dues: Vec<DueInput>,
        payments: Vec<PaymentInput>,
        as_of: Vec<NaiveDate>,
    }
    let mut input: Input = read(input)?;
    let mut facts: BTreeMap<String, DueFacts<String>> = BTreeMap::new();
    let mut book = Book::new();
    for due in input.dues {
        let due: Due<String> = due.into();
        let before_all = NaiveDate::MIN;
        facts.insert(
            due.id.clone(),
            DueFacts {
                id: due.id.clone(),
                kind: due.kind,
                due_on: due.due_on,
                amount: due.amount,
                payable_by_household: true,
                allocations: vec![(before_all, due.paid)],
            },
        );
        book.add_due(due)?;
    }
    input.payments.sort_by_key(|payment| payment.date);
    for (index, payment) in input.payments.iter().enumerate() {
        let made = book.apply(Event::Payment {
            id: format!("{index:06}"),
            received_on: payment.date,
            amount: payment.amount,
        })?;
        for row in made {
            if let Some(due) = facts.get_mut(&row.due) {
                due.allocations.push((payment.date, row.amount));
            }
        }
    }
    let dues: Vec<DueFacts<String>> = facts.into_values().collect();
    let suspensions = enrolments::suspensions(&dues, &input.params, NaiveDate::MIN);

    let status = by_day(&input.as_of, |day| Ok(enrolments::arrears_status_on(&suspensions, day).code()))?;
    let mut answer = json!({"status": status});
    if let Some(first) = suspensions.first() {
        answer["suspended_from"] = json!(first.from);
        if let Some(resumed_on) = first.resumed_on {
            answer["reinstated_from"] = json!(resumed_on);
        }
    }
    let last_asked = input.as_of.iter().max();
    let lapsed_on = suspensions.last().and_then(|last| last.lapsed_on);
    if let (Some(lapsed_on), Some(last_asked)) = (lapsed_on, last_asked)
        && lapsed_on <= *last_asked
    {
        answer["lapsed_from"] = json!(lapsed_on);
        // The day before the lapse must not be lapsed, or the answer contradicts itself.
        let before = enrolments::arrears_status_on(&suspensions, add_days(lapsed_on, -1)?);
        assert_ne!(before, ArrearsStatus::Lapsed);
    }
    Ok(answer)
}

fn end_of_rights(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        period_to: NaiveDate,
        child_max_age: Option<i64>,
        persons: BTreeMap<String, Person>,
        service_dates: Vec<Service>,
    }
    #[derive(Deserialize)]
    struct Person {
        relationship: String,
        born_on: Option<NaiveDate>,
        died_on: Option<NaiveDate>,
    }
    #[derive(Deserialize)]
    struct Service {
        person: String,
        date: NaiveDate,
    }
    let input: Input = read(input)?;
    let mut results = Map::new();
    for Service { person, date } in &input.service_dates {
        let died_on = input.persons.get(person).ok_or("unknown person")?.died_on;
        let answer = enrolments::entitlement_at_end(died_on, input.period_to, *date);
        results.insert(format!("{person}@{date}"), json!(answer.code()));
    }
    let members: Vec<Renewable<String>> = input
        .persons
        .into_iter()
        .map(|(id, person)| Renewable {
            id,
            is_child: person.relationship == "CHILD",
            born_on: person.born_on,
            died_on: person.died_on,
        })
        .collect();
    let list = enrolments::renewal_list(&members, input.child_max_age, input.period_to)?;
    Ok(json!({"results": results, "renewal_list": list}))
}

// ---------------------------------------------------------------------------------------------------------------------
// Claims

fn adjudicate(input: &Value, products: &BTreeMap<String, Product>) -> Answer {
    let product = product_of(input, products)?;
    let mut input = input.clone();
    input["product"] = serde_json::to_value(product)?;
    let input: claims::Input = read(&input)?;
    Ok(serde_json::to_value(claims::adjudicate(&input)?)?)
}

fn ceiling_seq(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        ceiling: i64,
        #[serde(default)]
        used: BTreeMap<String, i64>,
        events: Vec<EventInput>,
    }
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum EventInput {
        Claim { id: String, year: String, base: i64, rate_bp: i64 },
        Void { id: String, year: String, amount: i64 },
    }
    let input: Input = read(input)?;
    let (ids, events): (Vec<String>, Vec<CeilingEvent>) = input
        .events
        .into_iter()
        .map(|event| match event {
            EventInput::Claim { id, year, base, rate_bp } => (id, CeilingEvent::Claim { year, base, rate_bp }),
            EventInput::Void { id, year, amount } => (id, CeilingEvent::Void { year, amount }),
        })
        .unzip();
    let (paid, used) = claims::ceiling_sequence(input.ceiling, &input.used, &events)?;
    let events: Vec<Value> = ids.iter().zip(paid).map(|(id, paid)| json!({"id": id, "paid": paid})).collect();
    Ok(json!({"events": events, "used": used}))
}

fn invoice(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        claims: Vec<Totals>,
        #[serde(default)]
        advance_to_offset: i64,
    }
    let input: Input = read(input)?;
    let totals = claims::invoice(&input.claims, input.advance_to_offset)?;
    Ok(serde_json::to_value(totals)?)
}

fn appeal(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    let (original, new): (Totals, Totals) = (read(&input["original"])?, read(&input["new"])?);
    let delta = claims::appeal_difference(&original, &new)?;
    Ok(json!({"delta_to_pay": delta, "original_kept": true}))
}

// ---------------------------------------------------------------------------------------------------------------------
// Indicators and numbers

fn consolidated(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Unit {
        num: i64,
        den: i64,
    }
    let units: Vec<Unit> = read(&input["units"])?;
    let units: Vec<Fraction> =
        units.iter().map(|unit| Fraction { numerator: unit.num, denominator: unit.den }).collect();
    let ratios = units.iter().map(|unit| unit.ratio_bp()).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"units_bp": ratios, "consolidated_bp": reports::consolidated_bp(&units)?}))
}

fn indicator(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    let number = |key: &str| read::<i64>(&input[key]).map_err(|error| format!("{key}: {error}"));
    let code: String = read(&input["code"])?;
    Ok(match code.as_str() {
        "SIMPLE" => {
            let fraction = Fraction { numerator: number("numerator")?, denominator: number("denominator")? };
            let value = fraction.ratio_bp()?;
            json!({"value_bp": value, "undefined": value.is_none()})
        }
        "GROWTH" => {
            json!({"value_bp": reports::growth_bp(number("now")?, number("before")?)?})
        }
        "PER_YEAR" => {
            let value = reports::per_year_milli(number("numerator")?, number("denominator")?)?;
            json!({"value_milli": value})
        }
        "AVG_COST" => {
            json!({"value_minor": reports::average_minor(number("amount")?, number("count")?)?})
        }
        "TECH" => {
            let result = reports::technical_result(&TechnicalFigures {
                unearned_open: number("unearned_open")?,
                written: number("written")?,
                unearned_close: number("unearned_close")?,
                claims_paid: number("claims_paid")?,
                reserve_open: number("reserve_open")?,
                reserve_close: number("reserve_close")?,
                expenses: number("expenses")?,
                other_income: number("other_income")?,
            })?;
            json!({
                "earned": result.earned,
                "incurred_claims": result.incurred_claims,
                "incurred_claims_ratio_bp": result.incurred_claims_ratio_bp,
                "incurred_expense_ratio_bp": result.incurred_expense_ratio_bp,
                "net_income": result.net_income,
                "net_income_ratio_bp": result.net_income_ratio_bp,
            })
        }
        "PROMPT" => {
            let days: Vec<i64> = read(&input["days"])?;
            let found = reports::promptness(&days)?;
            let buckets: BTreeMap<&str, i64> = reports::PROMPTNESS_BUCKETS.into_iter().zip(found.buckets).collect();
            json!({
                "buckets": buckets,
                "mean_hundredths": found.mean_hundredths,
                "median_tenths": found.median_tenths,
            })
        }
        other => return Err(format!("unknown indicator {other}").into()),
    })
}

fn check_digits(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        body: String,
        check: Vec<String>,
    }
    let input: Input = read(input)?;
    let valid: BTreeMap<&str, bool> =
        input.check.iter().map(|number| (number.as_str(), households::is_valid_card_number(number))).collect();
    Ok(json!({"full": households::card_number(&input.body)?, "valid": valid}))
}

// ---------------------------------------------------------------------------------------------------------------------
// Field sync

fn sync_push(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Server {
        version: i64,
        #[serde(default)]
        changed: BTreeMap<String, i64>,
        #[serde(default)]
        deleted: bool,
    }
    #[derive(Deserialize)]
    struct Op {
        op_id: String,
        #[serde(rename = "type")]
        kind: String,
        entity: String,
        data: Map<String, Value>,
        base_version: Option<i64>,
        #[serde(default)]
        depends_on: Vec<String>,
        invalid: Option<String>,
        dup: Option<String>,
    }
    let server: BTreeMap<String, Server> = read(input.get("server").unwrap_or(&json!({})))?;
    let known = |row: Server| field::Known { version: row.version, is_deleted: row.deleted, changed: row.changed };
    let mut entities: BTreeMap<String, field::Known> = server.into_iter().map(|(id, row)| (id, known(row))).collect();
    let mut stored: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    let mut results = Vec::new();
    for sent in input["ops"].as_array().ok_or("no operations")? {
        let op: Op = read(sent)?;
        let mut content = sent.clone();
        content.as_object_mut().ok_or("no object")?.remove("op_id");
        let told =
            |status: field::Status, reason: field::Reason| json!({"op_id": op.op_id, "status": status, "code": reason});
        let result = match field::seen(stored.get(&op.op_id).map(|(content, _)| content), &content) {
            field::Seen::Reused => told(field::Status::Rejected, field::Reason::OpIdReused),
            field::Seen::Same => {
                let mut again = stored[&op.op_id].1.clone();
                again["status"] = json!(field::Status::Replayed);
                again
            }
            field::Seen::New => {
                let came_to =
                    |id: &String| stored.get(id).and_then(|(_, result)| result["status"].as_str()?.parse().ok());
                let mut result = if !field::may_go_on(&op.depends_on, came_to) {
                    told(field::Status::Blocked, field::Reason::DependencyFailed)
                } else if let Some(code) = &op.invalid {
                    json!({"op_id": op.op_id, "status": field::Status::Rejected, "code": code})
                } else if op.kind == "create" {
                    if entities.contains_key(&op.entity) {
                        told(field::Status::Rejected, field::Reason::EntityExists)
                    } else {
                        entities.insert(op.entity.clone(), field::Known { version: 1, ..Default::default() });
                        json!({"op_id": op.op_id, "status": field::Status::Applied, "version": 1})
                    }
                } else {
                    let fields = op.data.keys().cloned().collect();
                    match field::update(entities.get(&op.entity), op.base_version, &fields) {
                        Ok(status) => {
                            let row = entities.get_mut(&op.entity).ok_or("updated what is not there")?;
                            row.version += 1;
                            row.changed.extend(fields.into_iter().map(|name| (name, row.version)));
                            json!({"op_id": op.op_id, "status": status, "version": row.version})
                        }
                        Err(clash) => {
                            let mut result = told(clash.status(), clash.reason());
                            if let field::Clash::Fields(fields, version) = clash {
                                result["fields"] = json!(fields);
                                result["version"] = json!(version);
                            }
                            result
                        }
                    }
                };
                let is_applied = result["status"] == json!(field::Status::Applied);
                if let Some(other) = op.dup.as_ref().filter(|_| is_applied) {
                    result["possible_duplicate_of"] = json!(other);
                }
                if result["status"] != json!(field::Status::Blocked) {
                    stored.insert(op.op_id.clone(), (content, result.clone()));
                }
                result
            }
        };
        results.push(result);
    }
    let live = entities.values().filter(|row| !row.is_deleted).count();
    Ok(json!({"results": results, "entities": live}))
}

fn sync_pull(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Logged {
        seq: i64,
        entity: String,
        #[serde(default)]
        deleted: bool,
    }
    #[derive(Deserialize)]
    struct Input {
        after: i64,
        limit: usize,
        log: Vec<Logged>,
    }
    let input: Input = read(input)?;
    let row = |row: Logged| field::Row { number: row.seq, entity: row.entity, is_deleted: row.deleted };
    let mut rows: Vec<field::Row<String>> =
        input.log.into_iter().filter(|row| row.seq > input.after).map(row).collect();
    rows.sort_by_key(|row| row.number);
    rows.truncate(input.limit + 1);
    let page = field::page(input.after, input.limit, rows);
    let items: Vec<Value> =
        page.items.iter().map(|row| json!({"entity": row.entity, "deleted": row.is_deleted})).collect();
    Ok(json!({"items": items, "next_cursor": page.next, "has_more": page.has_more}))
}

// ---------------------------------------------------------------------------------------------------------------------
// Federation and disclosure

fn fed_dues(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        active_households: i64,
        per_household: i64,
        contributions_collected: i64,
        rate_bp: i64,
    }
    let input: Input = read(input)?;
    let terms = federation::DuesTerms { per_household: input.per_household, rate_bp: input.rate_bp };
    let dues = federation::dues(&terms, input.active_households, input.contributions_collected)?;
    Ok(json!({"fixed": dues.fixed, "variable": dues.variable, "total": dues.total}))
}

fn fed_guarantee(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        shortfall: i64,
        share_bp: i64,
        multiple: i64,
        paid_in: i64,
        fund_balance: i64,
    }
    let input: Input = read(input)?;
    let terms = federation::GuaranteeTerms { share_bp: input.share_bp, multiple: input.multiple };
    let call = federation::GuaranteeCall {
        shortfall: input.shortfall,
        paid_in: input.paid_in,
        fund_balance: input.fund_balance,
    };
    Ok(json!({"payout": federation::guarantee_payout(&terms, &call)?}))
}

fn fed_stoploss(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        retention: i64,
        share_bp: i64,
        limit: i64,
        paid_by_person: BTreeMap<String, i64>,
    }
    let Input { retention, share_bp, limit, paid_by_person } = read(input)?;
    let found = federation::stop_loss(&federation::StopLossTerms { retention, share_bp, limit }, &paid_by_person)?;
    Ok(json!({"recovery": found.by_person, "total": found.total}))
}

fn fed_aggregate(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        earned: i64,
        claims: i64,
        attach_bp: i64,
        share_bp: i64,
        cap_bp: i64,
    }
    let Input { earned, claims, attach_bp, share_bp, cap_bp } = read(input)?;
    let terms = federation::AggregateTerms { attachment_bp: attach_bp, share_bp, cap_bp };
    let found = federation::aggregate_stop_loss(&terms, earned, claims)?;
    Ok(json!({"attachment": found.attachment, "recovery": found.recovery}))
}

fn clearing(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Owed {
        debtor: String,
        creditor: String,
        amount: i64,
    }
    let owed: Vec<Owed> = read(&input["obligations"])?;
    let obligations: Vec<_> = owed
        .into_iter()
        .map(|Owed { debtor, creditor, amount }| federation::Obligation { debtor, creditor, amount })
        .collect();
    let found = federation::clear(&obligations)?;
    let transfers: Vec<Value> =
        found.transfers.iter().map(|one| json!({"from": one.from, "to": one.to, "amount": one.amount})).collect();
    Ok(json!({"net": found.net, "transfers": transfers, "gross": found.gross, "settled": found.settled}))
}

/// A protected table; column totals are absent where there are none.
fn published(table: &disclosure::Published) -> Value {
    let mut answer = json!({"published": table.cells, "row_totals": table.row_totals});
    if let Some(totals) = &table.column_totals {
        answer["col_totals"] = json!(totals);
    }
    answer
}

fn suppress(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    let (k, table): (i64, Vec<Vec<i64>>) = (read(&input["k"])?, read(&input["table"])?);
    let found = disclosure::suppress(&table, k)?;
    let mut answer = published(&found.published);
    answer["primary"] = json!(found.primary);
    Ok(answer)
}

fn suppress_derived(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    #[derive(Deserialize)]
    struct Input {
        k: i64,
        count: i64,
        amount: i64,
    }
    let Input { k, count, amount } = read(input)?;
    let found = disclosure::suppress_derived(k, count, amount)?;
    Ok(json!({
        "count": found.count, "amount": found.amount, "average": found.average, "suppressed": found.suppressed,
    }))
}

fn round5(input: &Value, _: &BTreeMap<String, Product>) -> Answer {
    let table: Vec<Vec<i64>> = read(&input["table"])?;
    Ok(published(&disclosure::round5(&table)?))
}
