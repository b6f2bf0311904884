//! Rows of invoices.
pub use crate::claims::model::InvoiceState;
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// What came of a certificate.
    pub enum ItemResult {
        /// Not tried yet.
        Waiting = "waiting",
        /// It is a claim, decided or waiting for a person; a refused one too.
        Claimed = "claimed",
        /// It is a claim, and was sent again with the same content.
        Known = "known",
        /// It is a claim, and was sent again with other content, which was left alone.
        Differs = "differs",
        /// It cannot be a claim as it is; correct it and send it again.
        Bad = "bad",
    }
}

/// A facility's invoice of a month.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoices, treat_none_as_default_value = false)]
pub struct Invoice {
    pub mutual_id: MutualId,
    pub id: InvoiceId,
    pub provider_id: ProviderId,
    pub number: String,
    /// The first day of its month.
    pub month_on: NaiveDate,
    /// The day of its first sending.
    pub received_on: NaiveDate,
    pub state: InvoiceState,
    /// How often something of it was sent.
    pub sendings: i32,
    /// How many certificates it has.
    pub certificates: i64,
    pub currency: String,
    /// The last job.
    pub job_id: JobId,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A file or list that was sent.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_sendings, treat_none_as_default_value = false)]
pub struct Sending {
    pub mutual_id: MutualId,
    pub id: InvoiceSendingId,
    pub invoice_id: InvoiceId,
    pub ordinal: i32,
    pub sent_on: NaiveDate,
    pub sent_by: Option<UserId>,
    pub by_provider: bool,
    pub number_of_rows: i64,
    /// The columns in their order, parted by commas.
    pub header: String,
    pub delimiter: String,
    /// SHA-256 of its rows.
    pub hash: Vec<u8>,
    pub recorded_at: NaiveDateTime,
}

/// A certificate: a claim to be.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_claims, treat_none_as_default_value = false)]
pub struct Item {
    pub mutual_id: MutualId,
    pub id: InvoiceClaimId,
    pub invoice_id: InvoiceId,
    pub ordinal: i32,
    /// Its number; `#` and the row where it has none that can be used.
    pub certificate: String,
    /// The sending whose content it has.
    pub sending: i32,
    /// The job that is to submit it, or did.
    pub job_id: JobId,
    /// Its rows as they were sent, as a JSON text.
    pub content: String,
    pub result: ItemResult,
    pub claim_id: Option<ClaimId>,
    /// What is wrong, or what differs, as a JSON text.
    pub faults: Option<String>,
}

/// A step of an invoice.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_steps, treat_none_as_default_value = false)]
pub struct Step {
    pub mutual_id: MutualId,
    pub id: InvoiceStepId,
    pub invoice_id: InvoiceId,
    pub ordinal: i32,
    pub state: InvoiceState,
    pub taken_on: NaiveDate,
    pub taken_by: Option<UserId>,
    pub reason: Option<String>,
    pub recorded_at: NaiveDateTime,
}
