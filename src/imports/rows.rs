//! What the rows of each file are: read into what the services take, with every fault of form found at once.
use crate::claims::model::{Mode, VisitType};
use crate::claims::service::{MOST_UNITS, NewLine};
use crate::contributions::model::Method;
use crate::households::model::{BirthPrecision, Relationship, Sex};
use crate::households::phones::is_dialled;
use crate::households::service::NewMember;
use crate::ledger::rules::Opened;
use crate::money::Currency;
use crate::products::rules::Product;
use crate::providers::model::{Sector, ServiceKind};
use crate::records::{Columns, Fault, Record};
use chrono::NaiveDate;

/// A row read.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its line in the file.
    pub line: u64,
    /// What it is called by: its number, or its codes.
    pub key: String,
    /// Its content, for telling whether it changed.
    pub content: serde_json::Value,
    /// What it says.
    pub item: Item,
}

/// What a row says.
#[derive(Debug, Clone)]
pub enum Item {
    /// A health facility.
    Provider { code: String, name: String, level: String, sector: Sector, area: Option<String> },
    /// A convention of a facility with the mutual.
    Convention { provider: String, valid_from: NaiveDate, valid_to: Option<NaiveDate> },
    /// A service of the catalogue.
    Service { code: String, name: String, category: String, kind: ServiceKind },
    /// A price: of a facility, or the reference.
    Tariff {
        provider: Option<String>,
        service: String,
        unit_price_minor: i64,
        valid_from: NaiveDate,
        valid_to: Option<NaiveDate>,
    },
    /// A claim; its lines come from the file of lines.
    Claim { provider: String, member: String, claim: Box<ImportedClaim> },
    /// A line of a claim: it is not written by itself.
    Line { claim: String, line: NewLine },
    /// A product with its parameters.
    Product { code: String, parameters: Box<Product> },
    /// A household without its members.
    Household {
        number: String,
        section: Option<String>,
        area: Option<String>,
        class: String,
        phone: Option<String>,
        registered_on: NaiveDate,
    },
    /// A member of a household.
    Member { household: String, person: Box<NewMember> },
    /// A household's enrolment, admitted on its first day.
    Enrolment {
        household: String,
        product: String,
        starts_on: NaiveDate,
        ends_on: NaiveDate,
        waiting_from: Option<NaiveDate>,
    },
    /// A payment with the receipt of the other system.
    Payment {
        household: String,
        label: String,
        amount_minor: i64,
        method: Method,
        received_on: NaiveDate,
        reference: Option<String>,
    },
    /// What a member had used of a category of a cover year.
    Usage { member: String, category: String, year: i32, amount_minor: i64, quantity: i64 },
    /// What stood on an account on the day of going live.
    Balance { account: Opened, amount_minor: i64, on: NaiveDate },
    /// The number with which a series goes on.
    Numbers { of: First, first: i64 },
}

/// What a series numbers that may begin where paper ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Households,
    Enrolments,
    /// Of the office's desk, in a year.
    Receipts(i32),
}

/// A claim of another system.
#[derive(Debug, Clone)]
pub struct ImportedClaim {
    pub mode: Mode,
    pub visit_type: VisitType,
    pub service_on: NaiveDate,
    pub discharged_on: Option<NaiveDate>,
    pub diagnoses: String,
    pub invoice_number: String,
    pub submitted_on: NaiveDate,
    pub lines: Vec<NewLine>,
}

/// A file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `providers.csv`
    Providers,
    /// `conventions.csv`
    Conventions,
    /// `services.csv`
    Services,
    /// `tariffs.csv`
    Tariffs,
    /// `claim_lines.csv`: read before the claims, and written with them.
    ClaimLines,
    /// `claims.csv`
    Claims,
    /// `products.json`
    Products,
    /// `households.csv`
    Households,
    /// `members.csv`
    Members,
    /// `enrolments.csv`
    Enrolments,
    /// `payments.csv`
    Payments,
    /// `usage.csv`
    Usage,
    /// `balances.csv`
    Balances,
    /// `numbers.csv`
    Numbers,
}

impl File {
    /// Every file, in the order in which they go: what was used before going live before the claims that it bounds.
    pub const ALL: &'static [File] = &[
        File::Providers,
        File::Conventions,
        File::Services,
        File::Tariffs,
        File::Products,
        File::Households,
        File::Members,
        File::Enrolments,
        File::Payments,
        File::Usage,
        File::ClaimLines,
        File::Claims,
        File::Balances,
        File::Numbers,
    ];

    /// The file's name.
    pub const fn name(self) -> &'static str {
        match self {
            File::Providers => "providers.csv",
            File::Conventions => "conventions.csv",
            File::Services => "services.csv",
            File::Tariffs => "tariffs.csv",
            File::ClaimLines => "claim_lines.csv",
            File::Claims => "claims.csv",
            File::Products => "products.json",
            File::Households => "households.csv",
            File::Members => "members.csv",
            File::Enrolments => "enrolments.csv",
            File::Payments => "payments.csv",
            File::Usage => "usage.csv",
            File::Balances => "balances.csv",
            File::Numbers => "numbers.csv",
        }
    }

    /// Its columns; none for JSON.
    pub const fn columns(self) -> Option<Columns> {
        match self {
            File::Products => None,
            File::Providers => Some(Columns { required: &["code", "name", "level", "sector", "area"], optional: &[] }),
            File::Conventions => {
                Some(Columns { required: &["provider_code", "valid_from", "valid_to"], optional: &[] })
            }
            File::Services => Some(Columns { required: &["code", "name", "category", "kind"], optional: &[] }),
            File::Tariffs => Some(Columns {
                required: &["provider_code", "service_code", "unit_price", "valid_from", "valid_to"],
                optional: &[],
            }),
            File::ClaimLines => Some(Columns {
                required: &["claim_number", "line", "service_code", "quantity", "unit_price"],
                optional: &[],
            }),
            File::Claims => Some(Columns {
                required: &[
                    "number",
                    "provider_code",
                    "member_number",
                    "visit_type",
                    "service_on",
                    "discharged_on",
                    "diagnoses",
                    "invoice_number",
                    "submitted_on",
                ],
                optional: &["mode"],
            }),
            File::Households => Some(Columns {
                required: &["number", "area", "class", "phone", "registered_on"],
                optional: &["section_code"],
            }),
            File::Members => Some(Columns {
                required: &[
                    "number",
                    "household_number",
                    "relationship",
                    "family_name",
                    "given_name",
                    "sex",
                    "birth_date",
                    "birth_precision",
                    "national_id",
                    "phone",
                    "occupation",
                ],
                optional: &[],
            }),
            File::Enrolments => Some(Columns {
                required: &["number", "household_number", "product_code", "starts_on", "ends_on"],
                optional: &["waiting_from"],
            }),
            File::Payments => Some(Columns {
                required: &["receipt_number", "household_number", "amount", "method", "received_on", "reference"],
                optional: &[],
            }),
            File::Usage => {
                Some(Columns { required: &["member_number", "category", "year", "amount", "quantity"], optional: &[] })
            }
            File::Balances => Some(Columns { required: &["account", "amount", "on"], optional: &[] }),
            File::Numbers => Some(Columns { required: &["series", "first", "year"], optional: &[] }),
        }
    }

    /// Reads one record. Its faults stay with it.
    pub fn row(self, record: &mut Record, currency: Currency, country: &str) -> Option<Row> {
        let (line, content) = (record.line, record.content());
        let (key, item) = match self {
            File::Products => return None,
            File::Providers => provider(record)?,
            File::Conventions => convention(record)?,
            File::Services => service(record)?,
            File::Tariffs => tariff(record, currency)?,
            File::ClaimLines => line_of_claim(record, currency)?,
            File::Claims => claim(record)?,
            File::Households => household(record, country)?,
            File::Members => member(record, country)?,
            File::Enrolments => enrolment(record)?,
            File::Payments => payment(record, currency)?,
            File::Usage => usage(record, currency)?,
            File::Balances => balance(record, currency)?,
            File::Numbers => numbers(record)?,
        };
        (!record.is_bad()).then_some(Row { line, key, content, item })
    }
}

/// A code of a facility, a service or a category.
fn code(record: &mut Record, column: &str) -> String {
    let text = record.text(column, 30);
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
        record.fault(column, "only letters, digits, hyphens, dots and underscores");
    }
    text
}

fn provider(record: &mut Record) -> Option<(String, Item)> {
    let key = code(record, "code");
    let name = record.text("name", 120);
    let level = code(record, "level");
    let sector = record.word::<Sector>("sector", None);
    let area = record.optional("area", 120);
    Some((key.clone(), Item::Provider { code: key, name, level, sector: sector?, area }))
}

/// The two days of a row, in order.
fn validity(record: &mut Record) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let (from, to) = (record.date("valid_from"), record.optional_date("valid_to"));
    let from = from?;
    if to.is_some_and(|to| to < from) {
        record.fault("valid_to", "lies before valid_from");
    }
    Some((from, to))
}

fn convention(record: &mut Record) -> Option<(String, Item)> {
    let provider = code(record, "provider_code");
    let (valid_from, valid_to) = validity(record)?;
    Some((format!("{provider} {valid_from}"), Item::Convention { provider, valid_from, valid_to }))
}

fn service(record: &mut Record) -> Option<(String, Item)> {
    let key = code(record, "code");
    let name = record.text("name", 120);
    let category = code(record, "category");
    let kind = record.word::<ServiceKind>("kind", None);
    Some((key.clone(), Item::Service { code: key, name, category, kind: kind? }))
}

fn tariff(record: &mut Record, currency: Currency) -> Option<(String, Item)> {
    let provider = record.optional("provider_code", 30);
    let service = code(record, "service_code");
    let price = record.amount("unit_price", currency);
    let (valid_from, valid_to) = validity(record)?;
    let key = format!("{} {service} {valid_from}", provider.as_deref().unwrap_or("-"));
    Some((key, Item::Tariff { provider, service, unit_price_minor: price?, valid_from, valid_to }))
}

fn line_of_claim(record: &mut Record, currency: Currency) -> Option<(String, Item)> {
    let claim = record.number("claim_number");
    let line = record.whole("line", 1, 1000);
    let service = code(record, "service_code");
    let quantity = record.whole("quantity", 1, MOST_UNITS);
    let price = record.amount("unit_price", currency);
    let line = NewLine { line: i32::try_from(line?).ok()?, service, quantity: quantity?, unit_price_minor: price? };
    Some((format!("{claim} {}", line.line), Item::Line { claim, line }))
}

fn claim(record: &mut Record) -> Option<(String, Item)> {
    let number = record.number("number");
    let provider = code(record, "provider_code");
    let member = record.number("member_number");
    let visit_type = record.word("visit_type", Some(VisitType::Other));
    let service_on = record.date("service_on");
    let discharged_on = record.optional_date("discharged_on");
    let diagnoses = record.optional("diagnoses", 100).unwrap_or_default();
    let invoice_number = record.number("invoice_number");
    let submitted_on = record.date("submitted_on");
    let mode = record.word("mode", Some(Mode::ThirdParty));
    let claim = ImportedClaim {
        mode: mode?,
        visit_type: visit_type?,
        service_on: service_on?,
        discharged_on,
        diagnoses,
        invoice_number,
        submitted_on: submitted_on?,
        lines: Vec::new(),
    };
    if claim.discharged_on.is_some_and(|day| day < claim.service_on) {
        record.fault("discharged_on", "lies before service_on");
    }
    Some((number, Item::Claim { provider, member, claim: Box::new(claim) }))
}

fn household(record: &mut Record, country: &str) -> Option<(String, Item)> {
    let number = record.number("number");
    let section = record.optional("section_code", 20);
    let area = record.optional("area", 120);
    let class = record.optional("class", 20).unwrap_or_else(|| "STANDARD".into());
    if crate::households::http::is_class(&class, &()).is_err() {
        record.fault("class", "1 to 20 capitals, digits or underscores");
    }
    let phone = phone(record, country);
    let registered_on = record.date("registered_on")?;
    Some((number.clone(), Item::Household { number, section, area, class, phone, registered_on }))
}

fn phone(record: &mut Record, country: &str) -> Option<String> {
    let phone = record.optional("phone", 30)?;
    if !is_dialled(&phone, Some(country)) {
        record.fault("phone", "a phone number, in international form or as in the mutual's country");
    }
    Some(phone)
}

fn member(record: &mut Record, country: &str) -> Option<(String, Item)> {
    let number = record.number("number");
    let household = record.number("household_number");
    let relationship = record.word::<Relationship>("relationship", None);
    let family_name = record.text("family_name", 80);
    let given_name = record.optional("given_name", 80).unwrap_or_default();
    let sex = record.word::<Sex>("sex", None);
    let birth_date = record.optional_date("birth_date");
    let birth_precision = record.word("birth_precision", Some(BirthPrecision::Day));
    let national_id = record.optional("national_id", 40);
    let phone = phone(record, country);
    let occupation = record.optional("occupation", 80);
    let person = NewMember {
        id: None,
        relationship: relationship?,
        family_name,
        given_name,
        sex: sex?,
        birth_date,
        birth_precision: birth_precision?,
        national_id,
        phone,
        occupation,
        legacy_number: Some(number.clone()),
        card_number: None,
    };
    Some((number, Item::Member { household, person: Box::new(person) }))
}

fn enrolment(record: &mut Record) -> Option<(String, Item)> {
    let number = record.number("number");
    let household = record.number("household_number");
    let product = record.text("product_code", 20);
    let (starts_on, ends_on) = (record.date("starts_on"), record.date("ends_on"));
    let (starts_on, ends_on) = (starts_on?, ends_on?);
    if ends_on < starts_on {
        record.fault("ends_on", "lies before starts_on");
    }
    let waiting_from = record.optional_date("waiting_from");
    if waiting_from.is_some_and(|from| from > starts_on) {
        record.fault("waiting_from", "lies after starts_on");
    }
    Some((number, Item::Enrolment { household, product, starts_on, ends_on, waiting_from }))
}

fn payment(record: &mut Record, currency: Currency) -> Option<(String, Item)> {
    let label = record.number("receipt_number");
    let household = record.number("household_number");
    let amount = record.amount("amount", currency);
    let method = record.word::<Method>("method", None);
    let received_on = record.date("received_on");
    let reference = record.optional("reference", 120);
    if amount == Some(0) {
        record.fault("amount", "is zero");
    }
    let item = Item::Payment {
        household,
        label: label.clone(),
        amount_minor: amount?,
        method: method?,
        received_on: received_on?,
        reference,
    };
    Some((label, item))
}

fn usage(record: &mut Record, currency: Currency) -> Option<(String, Item)> {
    let member = record.number("member_number");
    let category = code(record, "category");
    let year = record.whole("year", 1900, 9999);
    let amount = record.amount("amount", currency);
    let quantity = record.whole("quantity", 0, 1_000_000);
    let (year, amount_minor, quantity) = (i32::try_from(year?).ok()?, amount?, quantity?);
    if amount_minor == 0 && quantity == 0 {
        record.fault("amount", "neither an amount nor a quantity");
    }
    Some((format!("{member} {category} {year}"), Item::Usage { member, category, year, amount_minor, quantity }))
}

fn balance(record: &mut Record, currency: Currency) -> Option<(String, Item)> {
    let account = record.word::<Opened>("account", None);
    let amount = record.amount("amount", currency);
    let on = record.date("on");
    if amount == Some(0) {
        record.fault("amount", "is zero");
    }
    let account = account?;
    Some((account.code().to_owned(), Item::Balance { account, amount_minor: amount?, on: on? }))
}

fn numbers(record: &mut Record) -> Option<(String, Item)> {
    let name = record.text("series", 20);
    let first = record.whole("first", 1, 999_999_999);
    let year = record.optional("year", 4);
    let of = match (name.as_str(), year.as_deref().map(str::parse::<i32>)) {
        ("household", None) => First::Households,
        ("enrolment", None) => First::Enrolments,
        ("household" | "enrolment", Some(_)) => {
            record.fault("year", "stands with receipts only");
            return None;
        }
        ("receipt", Some(Ok(year))) if (1900..=9999).contains(&year) => First::Receipts(year),
        ("receipt", _) => {
            record.fault("year", "the year of the receipts");
            return None;
        }
        _ => {
            record.fault("series", "household, enrolment or receipt");
            return None;
        }
    };
    let key = year.map_or(name.clone(), |year| format!("{name} {year}"));
    Some((key, Item::Numbers { of, first: first? }))
}

/// Reads `products.json`: an object of products by code.
///
/// # Errors
/// Faults, each with the product's code as its column.
pub fn products(text: &str, file: &str) -> Result<Vec<Row>, Vec<Fault>> {
    let fault = |column: &str, reason: String| Fault {
        file: file.to_owned(),
        line: 0,
        column: column.to_owned(),
        reason: if column.is_empty() { reason } else { format!("{column}: {reason}") },
    };
    let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text.trim_start_matches('\u{FEFF}'))
        .map_err(|error| vec![fault("", format!("is no JSON object: {error}"))])?;
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    for (code, value) in json {
        if !crate::organisations::rules::is_code(&code) {
            faults.push(fault(&code, "a code has 2 to 20 capitals, digits or hyphens".into()));
        }
        match serde_path_to_error::deserialize::<_, Product>(&value) {
            Err(error) => faults.push(fault(&code, error.to_string())),
            Ok(parameters) => {
                for reason in parameters.contradictions() {
                    faults.push(fault(&code, format!("{} {}", reason.pointer, reason.message)));
                }
                let item = Item::Product { code: code.clone(), parameters: Box::new(parameters) };
                rows.push(Row { line: 0, key: code, content: value, item });
            }
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}
