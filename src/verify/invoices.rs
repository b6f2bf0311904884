//! The checks of invoices and jobs: what is counted is there, and each certificate that is a claim has that claim.
use super::Finding;
use crate::claims::invoices::model::{InvoiceState, ItemResult};
use crate::claims::invoices::store;
use crate::db::Read;
use crate::error::Result;
use crate::ids::*;
use crate::jobs::model::JobState;
use crate::jobs::store as jobs;

/// Invoices looked at in one go.
const PAGE: i64 = 200;

/// The invoices of a mutual against their certificates, claims, steps and jobs.
///
/// # Errors
/// The database's.
pub fn invoices(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after: Option<InvoiceId> = None;
    loop {
        let page = store::list(r, mutual, None, None, after, PAGE)?;
        for invoice in &page {
            let mut wrong = |what: String| {
                let what = format!("invoice {}: {what}", invoice.number);
                findings.push(Finding { check: "invoices", mutual: code.to_owned(), what });
            };
            let counts = store::count_results(r, mutual, &[invoice.id])?;
            let all: i64 = counts.iter().map(|row| row.2).sum();
            if all != invoice.certificates {
                wrong(format!("counts {} certificates and has {all}", invoice.certificates));
            }
            let waiting: i64 = counts.iter().filter(|row| row.1 == ItemResult::Waiting).map(|row| row.2).sum();
            if waiting > 0 && invoice.state != InvoiceState::Received {
                wrong(format!("is {} and {waiting} certificates wait", invoice.state));
            }
            match jobs::find(r, mutual, invoice.job_id)? {
                Some(job) if job.state == JobState::Done && waiting > 0 => {
                    wrong(format!("its job is done and {waiting} certificates wait"));
                }
                Some(job) if job.subject_id.uuid() != invoice.id.uuid() => wrong("its job is another's".into()),
                Some(_) => {}
                None => wrong("its job is not there".into()),
            }
            let steps = store::list_steps(r, mutual, invoice.id)?;
            if steps.last().map(|step| step.state) != Some(invoice.state) {
                wrong(format!("is {} and its last step says otherwise", invoice.state));
            }
            let sendings = store::list_sendings(r, mutual, invoice.id)?;
            if i32::try_from(sendings.len()).ok() != Some(invoice.sendings) {
                wrong(format!("counts {} sendings and has {}", invoice.sendings, sendings.len()));
            }
            for (certificate, claim) in store::list_claimed(r, mutual, invoice.id)? {
                match claim {
                    None => wrong(format!("certificate {certificate} is a claim that is not there")),
                    Some((provider, number)) if provider != invoice.provider_id || number != certificate => {
                        wrong(format!("certificate {certificate} is the claim {number} of {provider}"));
                    }
                    Some(_) => {}
                }
            }
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()).unwrap_or(0) == PAGE => after = Some(last.id),
            _ => return Ok(findings),
        }
    }
}
