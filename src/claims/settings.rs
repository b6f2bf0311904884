//! `/mutuals/{m}/care-settings`: how a mutual decides on care.
use super::model::CareSettings;
use super::review_store as store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Write;
use crate::error::{Code, Result};
use crate::ids::*;
use crate::web::{Body, changed, emptied, found, must_match};
use actix_web::HttpResponse;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Gives a new mutual its settings.
///
/// # Errors
/// The database's.
pub fn begin(w: &mut Write, mutual: MutualId) -> Result<()> {
    let row = CareSettings {
        mutual_id: mutual,
        id: Key::new(mutual.uuid()),
        appeal_days: 60,
        letter_days: 30,
        review_above_minor: None,
        second_person_above_minor: None,
        version: 1,
    };
    Ok(store::insert_settings(w, &row)?)
}

/// How a mutual decides on care.
#[derive(Serialize, ToSchema)]
pub struct CareSettingsView {
    /// Days after a decision within which an appeal may be filed.
    pub appeal_days: i64,
    /// Days that a guarantee letter is valid where nothing else is said.
    pub letter_days: i64,
    /// Minor units: a claim of which the mutual would bear more waits for a person; null where none does for that.
    pub review_above_minor: Option<i64>,
    /// Minor units: a person's decision, or a letter, above it needs a second person; null where none does.
    pub second_person_above_minor: Option<i64>,
    pub currency: String,
    pub version: i64,
}

fn view(row: CareSettings, scope: &MutualScope) -> CareSettingsView {
    CareSettingsView {
        appeal_days: row.appeal_days,
        letter_days: row.letter_days,
        review_above_minor: row.review_above_minor,
        second_person_above_minor: row.second_person_above_minor,
        currency: scope.currency().code().to_owned(),
        version: row.version,
    }
}

/// `GET /mutuals/{m}/care-settings`
pub async fn get(guard: Guard<need::ClaimRead, MutualScope>) -> Result<HttpResponse> {
    let view = guard.read(|r, scope| Ok(view(store::settings(r, scope.mutual())?, scope))).await?;
    Ok(found(view.version, &view))
}

/// What of the settings changes; a limit that is null is none.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCareSettings {
    #[garde(range(min = 0, max = 3650))]
    #[schema(minimum = 0, maximum = 3650)]
    pub appeal_days: Option<i64>,
    #[garde(range(min = 1, max = 3650))]
    #[schema(minimum = 1, maximum = 3650)]
    pub letter_days: Option<i64>,
    /// Minor units.
    #[serde(default, deserialize_with = "emptied")]
    #[garde(inner(inner(range(min = 0, max = 9_007_199_254_740_991))))]
    #[schema(minimum = 0, maximum = 9007199254740991_i64, value_type = Option<i64>)]
    pub review_above_minor: Option<Option<i64>>,
    /// Minor units.
    #[serde(default, deserialize_with = "emptied")]
    #[garde(inner(inner(range(min = 0, max = 9_007_199_254_740_991))))]
    #[schema(minimum = 0, maximum = 9007199254740991_i64, value_type = Option<i64>)]
    pub second_person_above_minor: Option<Option<i64>>,
}

/// `PATCH /mutuals/{m}/care-settings`
pub async fn change(
    guard: Guard<need::MoneySettings, MutualScope>,
    body: Body<ChangeCareSettings>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let known = store::settings(w, scope.mutual())?;
                must_match(if_match.as_deref(), known.version)?;
                let row = CareSettings {
                    appeal_days: asked.appeal_days.unwrap_or(known.appeal_days),
                    letter_days: asked.letter_days.unwrap_or(known.letter_days),
                    review_above_minor: asked.review_above_minor.unwrap_or(known.review_above_minor),
                    second_person_above_minor: asked
                        .second_person_above_minor
                        .unwrap_or(known.second_person_above_minor),
                    ..known.clone()
                };
                if !store::set_settings(w, &row)? {
                    return Err(Code::VersionMismatch.into());
                }
                w.changed("care_settings", row.id.uuid(), None, None);
                let told = |row: &CareSettings| {
                    json!([row.appeal_days, row.letter_days, row.review_above_minor, row.second_person_above_minor])
                };
                w.field("settings", Some(told(&known)), Some(told(&row)));
                w.mark(scope.today());
                Ok(())
            },
            |r, scope, _| Ok(view(store::settings(r, scope.mutual())?, scope)),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
