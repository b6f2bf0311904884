//! `POST /areas/import`.
use super::areas::{self, Imported};
use crate::access::guard::{Guard, Somewhere};
use crate::access::permissions::need;
use crate::error::Result;
use crate::web::{Body, changed};
use actix_web::HttpResponse;
use garde::Validate;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A country's areas.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportAreas {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// ISO 3166-1 alpha-2.
    #[garde(custom(crate::organisations::http::is_country))]
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// The file: a header `code,name,valid_from` and, where wanted, `parent_code,valid_to,predecessor_codes`; an area
    /// above and a predecessor stand before what names them. At most 5,000 rows.
    #[garde(length(min = 1))]
    pub csv: String,
}

/// What an import of areas did.
#[derive(Serialize, ToSchema)]
pub struct ImportedAreas {
    /// Areas added.
    pub added: usize,
    /// Areas that were given their last day.
    pub ended: usize,
    /// Rows that were there already, with the same content; all of them where the request is a repetition.
    pub skipped: usize,
    /// Codes of areas that are there with other content, and were left alone.
    pub differs: Vec<String>,
}

/// `POST /areas/import`
pub async fn import(guard: Guard<need::OrganisationWrite, Somewhere>, body: Body<ImportAreas>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let report = Arc::new(Mutex::new(Imported::default()));
    let kept = Arc::clone(&report);
    let (done, replayed) = guard
        .carry_out(
            order,
            move |w, _| {
                *kept.lock() = areas::import(w, &asked.country, &asked.csv)?;
                Ok(())
            },
            move |_, _| Ok(report.lock().clone()),
        )
        .await?;
    let view = ImportedAreas { added: done.added, ended: done.ended, skipped: done.skipped, differs: done.differs };
    Ok(changed(replayed, None, &view))
}
