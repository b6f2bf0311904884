//! What the rows of each file are: read into what the services take, with every fault of form found at once.
use super::reader::{Columns, Fault, Record};
use crate::contributions::model::Method;
use crate::households::model::{BirthPrecision, Relationship, Sex};
use crate::households::service::NewMember;
use crate::money::Currency;
use crate::products::rules::Product;
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
    Enrolment { household: String, product: String, starts_on: NaiveDate, ends_on: NaiveDate },
    /// A payment with the receipt of the other system.
    Payment {
        household: String,
        label: String,
        amount_minor: i64,
        method: Method,
        received_on: NaiveDate,
        reference: Option<String>,
    },
}

/// A file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
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
}

impl File {
    /// Every file, in the order in which they go.
    pub const ALL: &'static [File] =
        &[File::Products, File::Households, File::Members, File::Enrolments, File::Payments];

    /// The file's name.
    pub const fn name(self) -> &'static str {
        match self {
            File::Products => "products.json",
            File::Households => "households.csv",
            File::Members => "members.csv",
            File::Enrolments => "enrolments.csv",
            File::Payments => "payments.csv",
        }
    }

    /// Its columns; none for JSON.
    pub const fn columns(self) -> Option<Columns> {
        match self {
            File::Products => None,
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
                optional: &[],
            }),
            File::Payments => Some(Columns {
                required: &["receipt_number", "household_number", "amount", "method", "received_on", "reference"],
                optional: &[],
            }),
        }
    }

    /// Reads one record. Its faults stay with it.
    pub fn row(self, record: &mut Record, currency: Currency) -> Option<Row> {
        let (line, content) = (record.line, record.content());
        let (key, item) = match self {
            File::Products => return None,
            File::Households => household(record)?,
            File::Members => member(record)?,
            File::Enrolments => enrolment(record)?,
            File::Payments => payment(record, currency)?,
        };
        (!record.is_bad()).then_some(Row { line, key, content, item })
    }
}

fn household(record: &mut Record) -> Option<(String, Item)> {
    let number = record.number("number");
    let section = record.optional("section_code", 20);
    let area = record.optional("area", 120);
    let class = record.optional("class", 20).unwrap_or_else(|| "STANDARD".into());
    if crate::households::http::is_class(&class, &()).is_err() {
        record.fault("class", "1 to 20 capitals, digits or underscores");
    }
    let phone = phone(record);
    let registered_on = record.date("registered_on")?;
    Some((number.clone(), Item::Household { number, section, area, class, phone, registered_on }))
}

fn phone(record: &mut Record) -> Option<String> {
    let phone = record.optional("phone", 30)?;
    if crate::access::http::is_phone(&phone, &()).is_err() {
        record.fault("phone", "a phone in international form: + and 7 to 15 digits");
    }
    Some(crate::access::service::fold_login(&phone))
}

fn member(record: &mut Record) -> Option<(String, Item)> {
    let number = record.number("number");
    let household = record.number("household_number");
    let relationship = record.word::<Relationship>("relationship", None);
    let family_name = record.text("family_name", 80);
    let given_name = record.optional("given_name", 80).unwrap_or_default();
    let sex = record.word::<Sex>("sex", None);
    let birth_date = record.optional_date("birth_date");
    let birth_precision = record.word("birth_precision", Some(BirthPrecision::Day));
    let national_id = record.optional("national_id", 40);
    let phone = phone(record);
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
    Some((number, Item::Enrolment { household, product, starts_on, ends_on }))
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
