//! What a facility is told of its invoice: the lines of which something was cut or refused, each reason with who bears it
//! (R26), and the bad rows as they were sent, to be corrected and sent again.
use super::file::{ERROR, OPTIONAL, REQUIRED};
use super::model::*;
use super::service::rows_of;
use super::store::{self, CutLine};
use super::views::faults_of;
use crate::access::scopes::MutualScope;
use crate::claims::rules::{Bearer, Liable, LineReason, Mode};
use crate::db::Read;
use crate::error::{Error, Result, kept};
use crate::ids::*;
use crate::money::{Currency, format_minor};
use crate::page::{Ask, Page};
use crate::web::cell;
use serde::Serialize;
use utoipa::ToSchema;

/// A reason with who bears what it cuts.
#[derive(Serialize, ToSchema)]
pub struct DisallowanceReason {
    /// `PRICE_OVER_TARIFF`, `LATE_FILING`…
    pub code: String,
    pub liable: Liable,
}

/// A line of which something was cut or refused.
#[derive(Serialize, ToSchema)]
pub struct DisallowanceView {
    /// The certificate's place in the invoice.
    pub ordinal: i32,
    pub certificate: String,
    pub claim_id: ClaimId,
    pub line: i32,
    /// The service's code.
    pub service: String,
    pub quantity: i64,
    pub approved_quantity: i64,
    pub asked_minor: i64,
    /// Approved quantity times allowed price, before the shares.
    pub allowed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    /// What the facility bears.
    pub provider_minor: i64,
    pub other_payer_minor: i64,
    pub reasons: Vec<DisallowanceReason>,
}

fn view(row: CutLine) -> Result<DisallowanceView> {
    let (line, service, quantity, unit_price) = row.line;
    let asked_minor = quantity.saturating_mul(unit_price);
    let base = |mutual_minor, member_minor, provider_minor, other_payer_minor| DisallowanceView {
        ordinal: row.ordinal,
        certificate: row.certificate.clone(),
        claim_id: row.claim,
        line,
        service: service.clone(),
        quantity,
        approved_quantity: row.approved.0.unwrap_or(0),
        asked_minor,
        allowed_minor: row.approved.0.unwrap_or(0).saturating_mul(row.approved.1.unwrap_or(0)),
        mutual_minor,
        member_minor,
        provider_minor,
        other_payer_minor,
        reasons: Vec::new(),
    };
    Ok(match row.claim_reason {
        // The whole claim was refused: its billed amount is borne by one.
        Some(reason) => {
            let by_provider = row.claim_writeoff > 0;
            let bearer = if by_provider { Liable::Provider } else { Liable::Member };
            let (member, provider) = if by_provider { (0, asked_minor) } else { (asked_minor, 0) };
            let reasons = vec![DisallowanceReason { code: reason.code().to_owned(), liable: bearer }];
            DisallowanceView { reasons, ..base(0, member, provider, 0) }
        }
        None => {
            let found: Vec<LineReason> = kept(&row.reasons, "reasons")?;
            let [mutual, member, provider, other] =
                [row.parts.0, row.parts.1, row.parts.2, row.parts.3].map(|part| part.unwrap_or(0));
            // What the facility bears beyond the price was put on it by a person.
            let over_price = row.approved.0.unwrap_or(0) * (unit_price - row.approved.1.unwrap_or(0));
            let set = if provider > over_price { Bearer::Provider } else { Bearer::Member };
            let told = |reason: &LineReason| DisallowanceReason {
                code: reason.code().to_owned(),
                liable: reason.liable(Mode::ThirdParty, Some(set)),
            };
            let reasons = found.iter().map(told).collect();
            DisallowanceView { reasons, ..base(mutual, member, provider, other) }
        }
    })
}

/// A page of what was cut and refused.
///
/// # Errors
/// The database's.
pub fn page(r: &mut Read, scope: &MutualScope, invoice: InvoiceId, ask: &Ask) -> Result<Page<DisallowanceView>> {
    let rows = store::list_cut(r, scope.mutual(), invoice, ask.after_two()?, ask.fetch())?;
    ask.try_page(rows, |row| vec![row.ordinal.to_string(), row.line.0.to_string()], view)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Fault(format!("a table cannot be written: {error}"))
}

fn text(table: csv::Writer<Vec<u8>>) -> Result<String> {
    String::from_utf8(table.into_inner().map_err(failed)?).map_err(failed)
}

/// All that was cut and refused, as a table; amounts in major units.
///
/// # Errors
/// The database's.
pub fn table(r: &mut Read, scope: &MutualScope, invoice: InvoiceId) -> Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let header = "certificate,line,service_code,quantity,approved_quantity,asked,allowed,mutual,member,provider,other_payer,reasons";
    table.write_record(header.split(',')).map_err(failed)?;
    let currency: Currency = scope.currency();
    for row in store::list_cut(r, scope.mutual(), invoice, None, i64::MAX)? {
        let row = view(row)?;
        let reasons: Vec<String> =
            row.reasons.iter().map(|reason| format!("{} ({})", reason.code, reason.liable)).collect();
        let amount = |minor: i64| format_minor(minor, currency);
        let fields = [
            row.certificate,
            row.line.to_string(),
            cell(&row.service).into_owned(),
            row.quantity.to_string(),
            row.approved_quantity.to_string(),
            amount(row.asked_minor),
            amount(row.allowed_minor),
            amount(row.mutual_minor),
            amount(row.member_minor),
            amount(row.provider_minor),
            amount(row.other_payer_minor),
            reasons.join("; "),
        ];
        table.write_record(fields).map_err(failed)?;
    }
    text(table)
}

/// The rows of the bad certificates as they were sent, in the columns of the last sending, and what is wrong in the last
/// column, which is ignored where the file is sent back.
///
/// # Errors
/// The database's.
pub fn bad_rows(r: &mut Read, scope: &MutualScope, invoice: InvoiceId) -> Result<String> {
    let mutual = scope.mutual();
    let items = store::list_items(r, mutual, invoice, Some(ItemResult::Bad), None, i64::MAX)?;
    let last = store::list_sendings(r, mutual, invoice)?.pop();
    let mut columns: Vec<String> = match &last {
        Some(sending) => sending.header.split(',').map(str::to_owned).collect(),
        None => REQUIRED.iter().map(|name| (*name).to_owned()).collect(),
    };
    let mut rows = Vec::new();
    for item in &items {
        let faults = faults_of(item)?;
        for (at, sent) in rows_of(item)?.into_iter().enumerate() {
            let here = |row: Option<u64>| row == Some(sent.row) || (at == 0 && row.is_none());
            let told: Vec<String> = faults
                .iter()
                .filter(|fault| here(fault.row))
                .map(|fault| format!("{} {}: {}", fault.field, fault.code, fault.message).trim_start().to_owned())
                .collect();
            rows.push((sent, told.join("; ")));
        }
    }
    // What an earlier sending had and the last one has not.
    for column in OPTIONAL.iter().filter(|column| **column != ERROR) {
        if rows.iter().any(|(sent, _)| !sent.of(column).is_empty()) && !columns.iter().any(|known| known == column) {
            columns.push((*column).to_owned());
        }
    }
    let delimiter = if last.is_some_and(|sending| sending.delimiter == ";") { b';' } else { b',' };
    let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    table.write_record(columns.iter().map(String::as_str).chain([ERROR])).map_err(failed)?;
    for (sent, error) in &rows {
        let fields = columns.iter().map(|column| cell(sent.of(column)).into_owned());
        table.write_record(fields.chain([cell(error).into_owned()])).map_err(failed)?;
    }
    text(table)
}
