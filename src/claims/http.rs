//! `/mutuals/{m}/claims`, `/providers/{id}/claims`: shapes and handlers of intake.
use super::decisions::inputs_of;
use super::model::{Claim, ClaimReason, ClaimState, Line, Links, Mode, Outcome, VisitType};
use super::rules::{Bearer, Decision, Exclusion, Input, Liable, LineReason, Share};
use super::service::{self, Cites, Deciding, MOST_LINES, NewClaim, NewLine};
use super::{gathering, review_store, store};
use crate::access::guard::{AtProvider, Guard, Signed};
use crate::access::permissions::{Permission, Role, need};
use crate::access::scopes::MutualScope;
use crate::cards::presented::{self as cards, Presented, Sent};
use crate::db::{Read, Wall};
use crate::error::{Code, Problem, Result, kept};
use crate::households::http::is_number;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A line with what was decided on it.
#[derive(Serialize, ToSchema)]
pub struct LineView {
    pub line: i32,
    pub service_id: ServiceId,
    pub category: String,
    pub quantity: i64,
    pub unit_price_minor: i64,
    /// Null while it is not decided, and where the whole claim was refused.
    pub approved_quantity: Option<i64>,
    pub allowed_unit_minor: Option<i64>,
    pub mutual_minor: Option<i64>,
    pub member_minor: Option<i64>,
    pub provider_writeoff_minor: Option<i64>,
    pub other_payer_minor: Option<i64>,
    /// `PRICE_OVER_TARIFF`, `CEILING_PERSON_YEAR`…, in the order in which they cut.
    pub reasons: Vec<String>,
    /// Why a service is not covered or has no price: it is for the other sex, another age, or outside the convention.
    pub excluded: Option<Exclusion>,
    /// Each reason with who bears what it cuts.
    pub reductions: Vec<ReductionView>,
}

/// A reason for which less is paid than was asked.
#[derive(Serialize, ToSchema)]
pub struct ReductionView {
    pub code: String,
    /// `member`, `provider` or `other_payer`.
    pub liable: Liable,
}

fn reductions(reasons: &[LineReason], mode: Mode, set: Option<Bearer>) -> Vec<ReductionView> {
    reasons
        .iter()
        .map(|reason| ReductionView { code: reason.code().to_owned(), liable: reason.liable(mode, set) })
        .collect()
}

/// A claim with its decision.
#[derive(Serialize, ToSchema)]
pub struct ClaimView {
    pub id: ClaimId,
    pub number: String,
    /// The provider's number of the care certificate.
    pub invoice_number: String,
    pub provider_id: ProviderId,
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    pub mode: Mode,
    pub visit_type: VisitType,
    pub service_on: NaiveDate,
    pub discharged_on: Option<NaiveDate>,
    pub submitted_on: NaiveDate,
    /// ICD-10 codes; null for who may not read diagnoses.
    pub diagnoses: Option<Vec<String>>,
    pub state: ClaimState,
    pub outcome: Outcome,
    /// Why the whole claim was refused or waits.
    pub claim_reason: Option<ClaimReason>,
    pub decided_on: Option<NaiveDate>,
    /// Who decided what waited for a person.
    pub decided_by: Option<UserId>,
    pub decision_reason: Option<String>,
    pub currency: String,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_payer_minor: i64,
    /// What settlements have paid of the mutual's share.
    pub settled_minor: i64,
    /// The refused or voided claim that it submits again.
    pub resubmits_id: Option<ClaimId>,
    /// The check at the counter that it cites.
    pub check_id: Option<AuditId>,
    /// The guarantee letter that it cites.
    pub letter_id: Option<LetterId>,
    pub lines: Vec<LineView>,
    pub version: i64,
}

pub(super) fn view(claim: Claim, lines: Vec<Line>, links: Option<Links>, with_diagnoses: bool) -> Result<ClaimView> {
    let diagnoses = claim.diagnoses.split_whitespace().map(str::to_owned).collect();
    // The inputs are read only where they say more than the reasons.
    let telling = ["NOT_COVERED", "NO_TARIFF", "REVIEWED"];
    let excluding = lines.iter().any(|line| telling.iter().any(|reason| line.reasons.contains(reason)));
    let input: Option<Input> = if excluding { Some(inputs_of(&claim)?) } else { None };
    let excluded = |number: i32| {
        let lines = input.as_ref().map_or(&[][..], |input| &input.claim.lines);
        lines.iter().find(|line| line.line == i64::from(number)).and_then(|line| line.excluded)
    };
    let set = |number: i32| {
        let word = input.as_ref().and_then(|input| input.word.as_ref())?;
        word.shares.iter().find(|share| share.line == i64::from(number)).map(|share| share.bearer)
    };
    let mode = claim.mode;
    let line_view = |line: Line| {
        let reasons: Vec<LineReason> = kept(&line.reasons, "reasons")?;
        Ok(LineView {
            line: line.line,
            service_id: line.service_id,
            category: line.category,
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            approved_quantity: line.approved_quantity,
            allowed_unit_minor: line.allowed_unit_minor,
            mutual_minor: line.mutual_minor,
            member_minor: line.member_minor,
            provider_writeoff_minor: line.provider_writeoff_minor,
            other_payer_minor: line.other_paid_minor,
            excluded: excluded(line.line),
            reductions: reductions(&reasons, mode, set(line.line)),
            reasons: reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        })
    };
    Ok(ClaimView {
        id: claim.id,
        number: claim.number,
        invoice_number: claim.invoice_number,
        provider_id: claim.provider_id,
        member_id: claim.member_id,
        household_id: claim.household_id,
        mode: claim.mode,
        visit_type: claim.visit_type,
        service_on: claim.service_on,
        discharged_on: claim.discharged_on,
        submitted_on: claim.submitted_on,
        diagnoses: with_diagnoses.then_some(diagnoses),
        state: claim.state,
        outcome: claim.outcome,
        claim_reason: claim.claim_reason,
        decided_on: claim.decided_on,
        decided_by: claim.decided_by,
        decision_reason: claim.decision_reason,
        currency: claim.currency,
        billed_minor: claim.billed_minor,
        mutual_minor: claim.mutual_minor,
        member_minor: claim.member_minor,
        provider_writeoff_minor: claim.provider_writeoff_minor,
        other_payer_minor: claim.other_paid_minor,
        settled_minor: claim.settled_minor,
        resubmits_id: links.as_ref().and_then(|links| links.resubmits_id),
        check_id: links.as_ref().and_then(|links| links.check_id),
        letter_id: links.as_ref().and_then(|links| links.letter_id),
        lines: lines.into_iter().map(line_view).collect::<Result<_>>()?,
        version: claim.version,
    })
}

pub(super) fn show(r: &mut Read, scope: &MutualScope, id: ClaimId, with_diagnoses: bool) -> Result<ClaimView> {
    let claim = store::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let lines = store::list_lines(r, scope.mutual(), id)?;
    let links = review_store::find_links(r, scope.mutual(), id)?;
    view(claim, lines, links, with_diagnoses)
}

/// Claims with their lines and what they cite.
pub(super) fn views(
    r: &mut Read,
    mutual: MutualId,
    claims: Vec<Claim>,
    with_diagnoses: bool,
) -> Result<Vec<ClaimView>> {
    let ids: Vec<ClaimId> = claims.iter().map(|claim| claim.id).collect();
    let mut lines: BTreeMap<ClaimId, Vec<Line>> = BTreeMap::new();
    for line in store::list_lines_of(r, mutual, &ids)? {
        lines.entry(line.claim_id).or_default().push(line);
    }
    let mut links: BTreeMap<ClaimId, Links> =
        review_store::list_links(r, mutual, &ids)?.into_iter().map(|row| (row.id, row)).collect();
    let view = |claim: Claim| {
        let (own, cited) = (lines.remove(&claim.id).unwrap_or_default(), links.remove(&claim.id));
        view(claim, own, cited, with_diagnoses)
    };
    claims.into_iter().map(view).collect()
}

/// Whether the caller reads diagnoses in a mutual.
pub(super) fn reads_diagnoses(signed: &Signed, scope: &MutualScope) -> bool {
    signed.mutual_scope(scope.mutual().into(), Permission::DiagnosisRead).is_ok()
}

/// The mutual first, then the bodies above it: whose catalogue and conventions it has.
pub fn owners(signed: &Signed, scope: &MutualScope) -> Vec<OrganisationId> {
    gathering::owners(&signed.picture, scope)
}

/// Which claims.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ClaimFilter {
    /// Only of this provider.
    pub provider_id: Option<ProviderId>,
    /// Only in this state: `PENDED` are those that wait for a person.
    pub state: Option<ClaimState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

fn page(
    r: &mut Read,
    scope: &MutualScope,
    ask: &Ask,
    filter: (Option<ProviderId>, Option<ClaimState>),
    with_diagnoses: bool,
) -> Result<Page<ClaimView>> {
    let rows = store::list(r, scope, filter.0, filter.1, ask.after_one()?, ask.fetch())?;
    let page = ask.page(rows, |row| vec![row.id.to_string()], |row| row);
    Ok(Page { items: views(r, scope.mutual(), page.items, with_diagnoses)?, next_cursor: page.next_cursor })
}

/// `GET /mutuals/{m}/claims`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<ClaimFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let by = (filter.provider_id, filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("claims {by:?}"))?;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let page = guard.read(move |r, scope| page(r, scope, &ask, by, with_diagnoses)).await?;
    guard.note("claim", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/claims/{id}`
pub async fn get(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let view = guard.read(move |r, scope| show(r, scope, id, with_diagnoses)).await?;
    guard.note("claim", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// A line as claimed.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitLine {
    /// From 1.
    #[garde(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000)]
    pub line: i32,
    /// The service's code.
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(min_length = 1, max_length = 30)]
    pub service: String,
    #[garde(range(min = 1, max = 10_000))]
    #[schema(minimum = 1, maximum = 10000)]
    pub quantity: i64,
    /// Minor units.
    #[garde(range(min = 0, max = 1_000_000_000_000))]
    #[schema(minimum = 0, maximum = 1000000000000_i64)]
    pub unit_price_minor: i64,
}

pub(super) fn is_diagnosis(text: &str, _: &()) -> garde::Result {
    let bytes = text.as_bytes();
    let good = (3..=8).contains(&bytes.len())
        && bytes[0].is_ascii_uppercase()
        && bytes[1..3].iter().all(u8::is_ascii_digit)
        && (bytes.len() == 3 || (bytes[3] == b'.' && bytes.len() > 4))
        && bytes.iter().skip(4).all(u8::is_ascii_alphanumeric);
    if good { Ok(()) } else { Err(garde::Error::new("an ICD-10 code such as J06.9")) }
}

/// The body of a claim: what is claimed is the same, whoever submits it; flat, so that a fault names its field.
macro_rules! claim_body {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, Validate, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($own)*
            /// The provider's number of the single care certificate, never of a monthly batch.
            #[garde(custom(is_number))]
            #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
            pub invoice_number: String,
            /// `third_party` where it is left out.
            #[garde(skip)]
            pub mode: Option<Mode>,
            /// `other` where it is left out.
            #[garde(skip)]
            pub visit_type: Option<VisitType>,
            /// Of a stay, the day of admission.
            #[garde(skip)]
            pub service_on: NaiveDate,
            #[garde(skip)]
            pub discharged_on: Option<NaiveDate>,
            /// Today where it is left out; not after today.
            #[garde(skip)]
            pub submitted_on: Option<NaiveDate>,
            /// ICD-10 codes.
            #[garde(inner(length(max = 10), inner(custom(is_diagnosis))))]
            #[schema(max_items = 10)]
            pub diagnoses: Option<Vec<String>>,
            /// What another payer pays first, in minor units.
            #[garde(inner(range(min = 0, max = 1_000_000_000_000)))]
            #[schema(minimum = 0, maximum = 1000000000000_i64)]
            pub other_payer_minor: Option<i64>,
            /// The refused or voided claim of the same person and facility that is submitted again.
            #[garde(skip)]
            pub resubmits_id: Option<ClaimId>,
            /// The check at the counter that is cited.
            #[garde(skip)]
            pub check_id: Option<AuditId>,
            /// The guarantee letter that is cited.
            #[garde(skip)]
            pub letter_id: Option<LetterId>,
            #[garde(length(min = 1, max = MOST_LINES), dive)]
            #[schema(min_items = 1, max_items = 100)]
            pub lines: Vec<SubmitLine>,
        }

        impl $name {
            /// The claim that it asks for.
            fn claim(&self, number: Option<String>, provider: ProviderId, member: MemberId, today: NaiveDate) -> NewClaim {
                NewClaim {
                    number,
                    invoice_number: self.invoice_number.clone(),
                    provider,
                    member,
                    mode: self.mode.unwrap_or(Mode::ThirdParty),
                    visit_type: self.visit_type.unwrap_or(VisitType::Other),
                    service_on: self.service_on,
                    discharged_on: self.discharged_on,
                    submitted_on: self.submitted_on.unwrap_or(today),
                    diagnoses: self.diagnoses.clone().unwrap_or_default().join(" "),
                    other_payer_minor: self.other_payer_minor,
                    lines: self.lines.iter().map(NewLine::from).collect(),
                    cites: Cites { resubmits: self.resubmits_id, check: self.check_id, letter: self.letter_id },
                }
            }
        }
    };
}

impl From<&SubmitLine> for NewLine {
    fn from(line: &SubmitLine) -> Self {
        NewLine {
            line: line.line,
            service: line.service.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
        }
    }
}

claim_body! {
    /// A claim as submitted at the mutual.
    SubmitClaim {
        /// Made by the client; it or an `Idempotency-Key` is needed.
        #[garde(skip)]
        pub id: Option<ClaimId>,
        /// The mutual's number of it; made of the id where it is left out.
        #[garde(inner(custom(is_number)))]
        #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
        pub number: Option<String>,
        #[garde(skip)]
        pub provider_id: ProviderId,
        #[garde(skip)]
        pub member_id: MemberId,
    }
}

/// `POST /mutuals/{m}/claims`
pub async fn submit(guard: Guard<need::ClaimSubmit, MutualScope>, body: Body<SubmitClaim>) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let owners = owners(&guard, &guard.scope);
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let new = asked.claim(asked.number.clone(), asked.provider_id, asked.member_id, guard.scope.today());
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let deciding = Deciding { on: scope.today() };
                service::submit(w, scope, order, &owners, &new, deciding).map(|_| ())
            },
            move |r, scope, order| show(r, scope, Key::new(order.id.uuid()), with_diagnoses),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/claims/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// A line as it would be decided.
#[derive(Serialize, ToSchema)]
pub struct QuoteLine {
    pub line: i64,
    pub approved_quantity: i64,
    pub allowed_unit_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_payer_minor: i64,
    pub reasons: Vec<String>,
    /// Each reason with who bears what it cuts.
    pub reductions: Vec<ReductionView>,
}

/// A basket as it would be decided now; nothing was written.
#[derive(Serialize, ToSchema)]
pub struct QuoteView {
    pub outcome: Outcome,
    pub claim_reason: Option<ClaimReason>,
    pub currency: String,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_payer_minor: i64,
    pub lines: Vec<QuoteLine>,
}

pub(super) fn quote_view(decision: Decision, mode: Mode, currency: &str) -> QuoteView {
    QuoteView {
        outcome: decision.decision,
        claim_reason: decision.claim_reason,
        currency: currency.to_owned(),
        billed_minor: decision.totals.billed,
        mutual_minor: decision.totals.mutual,
        member_minor: decision.totals.member,
        provider_writeoff_minor: decision.totals.provider_writeoff,
        other_payer_minor: decision.totals.other_payer,
        lines: decision
            .lines
            .into_iter()
            .map(|line| QuoteLine {
                line: line.line,
                approved_quantity: line.approved_qty,
                allowed_unit_minor: line.allowed_unit,
                mutual_minor: line.mutual,
                member_minor: line.member,
                provider_writeoff_minor: line.provider_writeoff,
                other_payer_minor: line.other_payer,
                reductions: reductions(&line.reasons, mode, None),
                reasons: line.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
            })
            .collect(),
    }
}

/// `POST /mutuals/{m}/claims/quote`
pub async fn quote(guard: Guard<need::ClaimSubmit, MutualScope>, body: Body<SubmitClaim>) -> Result<HttpResponse> {
    let asked = body.value;
    let owners = owners(&guard, &guard.scope);
    let member = asked.member_id;
    let new = asked.claim(asked.number.clone(), asked.provider_id, asked.member_id, guard.scope.today());
    let mode = new.mode;
    let decision = guard.read(move |r, scope| service::quote(r, scope, &owners, &new)).await?;
    guard.note("member", [member.uuid()], None).await?;
    Ok(shown(&quote_view(decision, mode, guard.scope.currency().code())))
}

/// What the mutual bears of a line, where that is not what the rules give.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetShare {
    /// The line's number.
    #[garde(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000)]
    pub line: i64,
    /// Minor units.
    #[garde(range(min = 0, max = 9_007_199_254_740_991))]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub mutual_minor: i64,
    /// Who bears the difference, or gives it up.
    #[garde(skip)]
    pub bearer: Bearer,
}

impl From<&SetShare> for Share {
    fn from(share: &SetShare) -> Self {
        Share { line: share.line, mutual: share.mutual_minor, bearer: share.bearer }
    }
}

/// The approval that a command asked for, where it did.
pub(super) fn asked_for(r: &mut Read, scope: &MutualScope, command: CommandId) -> Result<Option<ApprovalId>> {
    let id: ApprovalId = Key::new(command.uuid());
    Ok(crate::access::approvals::exists(r, scope, id)?.then_some(id))
}

claim_body! {
    /// A claim as a facility submits it: the person by the card presented.
    SubmitOwnClaim {
        /// Made by the client; it or an `Idempotency-Key` is needed.
        #[garde(skip)]
        pub id: Option<ClaimId>,
        /// The card's number, which leads to the mutual.
        #[garde(inner(custom(is_number)))]
        #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
        pub card: Option<String>,
        /// What the card's QR code says, instead of the number.
        #[garde(inner(length(min = 1, max = 800)))]
        #[schema(min_length = 1, max_length = 800)]
        pub qr: Option<String>,
        /// The year of birth, with a number that was typed.
        #[garde(inner(range(min = 1900, max = 9999)))]
        #[schema(minimum = 1900, maximum = 9999)]
        pub birth_year: Option<i32>,
        /// The mutual's code, for a number of another system.
        #[garde(inner(length(chars, min = 2, max = 20)))]
        #[schema(min_length = 2, max_length = 20)]
        pub mutual: Option<String>,
    }
}

/// `POST /providers/{id}/claims`
pub async fn submit_own(guard: Guard<need::OwnClaims, AtProvider>, body: Body<SubmitOwnClaim>) -> Result<HttpResponse> {
    let provider = guard.scope.provider();
    let asked = body.value;
    let card = presented(&guard, &asked.sent())?;
    let scope = guard.provider_scope(provider, card.mutual, Permission::OwnClaims)?;
    let order = guard.order_in(&scope, (asked.id.map(Key::uuid), body.hash))?;
    let owners = owners(&guard, scope.mutual());
    let today = scope.mutual().today();
    asked.must_be_ordinary(today)?;
    let shown_in = scope.clone();
    let made_now = guard
        .carry_out(
            order,
            move |w, order| {
                let scope = scope.mutual();
                let new = asked.claim(None, provider, own_member(w, scope, &card)?, today);
                service::submit(w, scope, order, &owners, &new, Deciding { on: today }).map(|_| ())
            },
            move |r, order| show(r, shown_in.mutual(), Key::new(order.id.uuid()), true),
        )
        .await;
    let (view, replayed) = cards::tried(&guard, made_now)?;
    Ok(made(replayed, "", Some(view.version), &view))
}

/// `POST /providers/{id}/claims/quote`
pub async fn quote_own(guard: Guard<need::OwnClaims, AtProvider>, body: Body<SubmitOwnClaim>) -> Result<HttpResponse> {
    let provider = guard.scope.provider();
    let asked = body.value;
    let card = presented(&guard, &asked.sent())?;
    let scope = guard.provider_scope(provider, card.mutual, Permission::OwnClaims)?;
    let owners = owners(&guard, scope.mutual());
    let today = scope.mutual().today();
    asked.must_be_ordinary(today)?;
    let currency = scope.mutual().currency().code();
    let (db, mutual) = (guard.desk.db.clone(), scope.mutual().mutual());
    let found = blocking(move || {
        db.read(Wall::mutual(mutual), |r| {
            let scope = scope.mutual();
            let member = own_member(r, scope, &card)?;
            let new = asked.claim(None, provider, member, today);
            Ok((member, service::quote(r, scope, &owners, &new)?))
        })
    })
    .await;
    let (member, decision) = cards::tried(&guard, found)?;
    guard.note_in(mutual, "member", [member.uuid()], None).await?;
    Ok(shown(&quote_view(decision, Mode::ThirdParty, currency)))
}

impl SubmitOwnClaim {
    fn sent(&self) -> Sent {
        Sent { card: self.card.clone(), qr: self.qr.clone(), mutual: self.mutual.clone(), birth_year: self.birth_year }
    }

    /// A facility's claim is submitted on the day on which it comes, and is paid to the facility.
    fn must_be_ordinary(&self, today: NaiveDate) -> Result<()> {
        if self.submitted_on.is_some_and(|on| on != today) {
            return Err(Problem::field("/submitted_on", "not_here", "a facility's claim is of today").into());
        }
        if self.mode == Some(Mode::Reimbursement) {
            return Err(Problem::field("/mode", "not_here", "a facility is paid itself").into());
        }
        Ok(())
    }
}

/// The card that a facility's clerk was presented.
pub(super) fn presented(signed: &Signed, sent: &Sent) -> Result<Presented> {
    cards::must_not_wait(signed)?;
    let card = cards::tried(signed, cards::read(signed, sent))?;
    card.must_be_presented(&[Role::ProviderClerk])?;
    Ok(card)
}

/// Whose card it is.
pub(super) fn own_member(r: &mut Read, scope: &MutualScope, card: &Presented) -> Result<MemberId> {
    Ok(card.find(r, scope)?.0.id)
}

/// Which of the facility's claims.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnClaimFilter {
    /// The mutual that decides them.
    pub mutual_id: OrganisationId,
    /// Only in this state.
    pub state: Option<ClaimState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/claims`
pub async fn list_own(guard: Guard<need::OwnClaims, AtProvider>, query: Query<OwnClaimFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let provider = guard.scope.provider();
    let scope = guard.provider_scope(provider, filter.mutual_id, Permission::OwnClaims)?;
    let by = (Some(provider), filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("own claims {} {by:?}", filter.mutual_id))?;
    let db = guard.desk.db.clone();
    let mutual = scope.mutual().mutual();
    let page = blocking(move || db.read(Wall::mutual(mutual), |r| page(r, scope.mutual(), &ask, by, true))).await?;
    guard.note_in(mutual, "claim", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}
