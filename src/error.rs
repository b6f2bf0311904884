//! What goes wrong, as the API says it: RFC 9457 problems with stable codes. One table lists every code; `docs/errors.md`
//! is made from it. Rules have small enums of their own and are turned into these at the service's edge; a database's
//! error is never shown, it is a 500 that says nothing and a line in the log, or a 503 that asks to come back.
use crate::db::{DbError, Outcome, is_passing};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use uuid::Uuid;

tokio::task_local! {
    /// The id of the request being answered, so that a problem can name it.
    pub static REQUEST_ID: Uuid;
}

/// The id of the request being answered; nil outside one.
pub fn request_id() -> Uuid {
    REQUEST_ID.try_with(|id| *id).unwrap_or_default()
}

macro_rules! codes {
    ($($variant:ident = $status:literal $text:literal $title:literal: $meaning:literal;)+) => {
        /// Every code of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each says itself by its meaning in the table")]
        pub enum Code { $($variant,)+ }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];
            /// The code as it travels.
            pub const fn as_str(self) -> &'static str { match self { $(Code::$variant => $text,)+ } }
            /// The HTTP status.
            pub const fn status(self) -> u16 { match self { $(Code::$variant => $status,)+ } }
            /// A short title, the same for every occurrence.
            pub const fn title(self) -> &'static str { match self { $(Code::$variant => $title,)+ } }
            /// What it means and what to do.
            pub const fn meaning(self) -> &'static str { match self { $(Code::$variant => $meaning,)+ } }
        }
    };
}

codes! {
    Unreadable = 400 "unreadable" "Unreadable request": "The body is no JSON, or a header or the query cannot be read.";
    IdRequired = 400 "id_required" "An id is required": "Where money moves or a decision is taken, send an `id` in the body or an `Idempotency-Key` header holding a UUID, so that a repetition changes nothing.";
    CursorInvalid = 400 "cursor_invalid" "Unusable cursor": "The cursor was not made by this list with these filters; begin the list anew.";
    Unauthenticated = 401 "unauthenticated" "Not logged in": "No access token, or one that is expired, altered or of an ended session. Log in or refresh.";
    LoginRefused = 401 "login_refused" "Login refused": "Unknown user, wrong password, or a user who is disabled or has not set a password yet; which one is not said.";
    RefreshRefused = 401 "refresh_refused" "Refresh refused": "The refresh token is unknown, expired or was used before; in the last case its session has been ended.";
    CodeRefused = 401 "code_refused" "Code refused": "The one-time code is unknown, used or older than 24 hours.";
    SignatureRefused = 401 "signature_refused" "Signature refused": "The webhook is unknown or ended, or the body is not signed with its secret.";
    SignatureExpired = 401 "signature_expired" "Signature too old": "The webhook's timestamp is more than five minutes from the server's clock; send it again, signed anew.";
    DeviceRefused = 403 "device_refused" "Device refused": "The device is revoked, or it is not activated: ask the office for a code.";
    Forbidden = 403 "forbidden" "Not allowed": "The organisation is within your grants, but your role there may not do this.";
    PurposeRefused = 403 "purpose_refused" "Purpose refused": "The `Ayni-Purpose` header names a purpose that your role may not read for.";
    OwnGrant = 403 "own_grant" "Not for oneself": "Nobody grants a role to himself or ends his own grant.";
    SamePerson = 403 "same_person" "A second person is needed": "Who asked for this may not approve it.";
    NotFound = 404 "not_found" "Not found": "Absent, or outside what you may see; the two are not told apart.";
    MethodNotAllowed = 405 "method_not_allowed" "Method not allowed": "The path exists, the method does not.";
    NotAcceptable = 406 "not_acceptable" "Not acceptable": "None of the formats in `Accept` is available.";
    Timeout = 408 "timeout" "Too slow": "The request was not complete, or not answered, within its deadline.";
    IdReused = 409 "id_reused" "The id was used for something else": "The same id came before with another route or other content.";
    NumberTaken = 409 "number_taken" "Number or code already in use": "Another row of the same owner has this number or code.";
    WrongState = 409 "wrong_state" "Not possible in this state": "The row is in a state from which this step does not lead; the detail says which.";
    AlreadyReversed = 409 "already_reversed" "Already reversed": "A payment is reversed once.";
    NothingOpen = 409 "nothing_open" "Nothing is open": "The due is paid, or owed no more.";
    ReversalOfReversal = 409 "reversal_of_reversal" "A reversal is not reversed": "A reversal stands; record the payment anew.";
    PaymentRefunded = 409 "payment_refunded" "Part of it was given back": "A part of the payment was refunded, so it cannot be reversed; record what the household pays back.";
    EmailTaken = 409 "email_taken" "E-mail or phone already in use": "Another user has this e-mail or phone.";
    AdminExists = 409 "admin_exists" "The mutual has an administrator": "A body above may invite a mutual's first administrator only.";
    FullResync = 410 "full_resync_required" "Begin anew": "The cursor is of another device, of other sections, too old or of another copy of the database: pull without a cursor, and send the operations of the last 30 days again.";
    VersionMismatch = 412 "version_mismatch" "Changed meanwhile": "`If-Match` names a version that is not the current one; read again.";
    TooLarge = 413 "too_large" "Too large": "The body is larger than this route accepts.";
    UnsupportedMediaType = 415 "unsupported_media_type" "Unsupported media type": "Send `application/json` (or `application/merge-patch+json` where a row is changed).";
    Invalid = 422 "invalid" "Invalid fields": "One or more fields are missing, unknown, of the wrong type or out of bounds; `errors` names each.";
    FileRefused = 422 "file_refused" "The file is not whole": "The file has no header, unknown columns, a row of another length, an open quote, too many rows or none; nothing of it was kept. `errors` names the places.";
    IdempotencyKeyReused = 422 "idempotency_key_reused" "The key was used for something else": "The same `Idempotency-Key` came before with another route or other content.";
    GrantRefused = 422 "grant_refused" "This role cannot be granted there": "Each role is granted on certain kinds of organisation only; the detail says which.";
    TreeRefused = 422 "tree_refused" "The tree does not allow it": "The link would make a circle, a second parent, or join kinds that do not go together.";
    ParametersContradict = 422 "parameters_contradict" "Contradictory parameters": "The product's parameters contradict each other; `errors` lists all reasons at once.";
    VersionImmutable = 422 "version_immutable" "Published versions do not change": "Make a new version instead.";
    ProductNotValid = 422 "product_not_valid" "The product is not valid then": "There is no published version valid on the day on which the period begins.";
    CurrencyMismatch = 422 "CURRENCY_MISMATCH" "Another currency": "The amount is in another currency than the mutual's (R1).";
    OutsideEnrolmentWindow = 422 "outside_enrolment_window" "Entry is not open": "The product takes new households in other months only; a renewal is not bound.";
    NotACycleStart = 422 "not_a_cycle_start" "Not a beginning of the cycle": "The product's periods begin on fixed days of the year.";
    HouseholdTooLarge = 422 "household_too_large" "Too many persons": "The product takes smaller households only.";
    AgeLimit = 422 "age_limit" "Too old to enter": "A person is older than the product takes on the period's first day.";
    NoBand = 422 "no_band" "No price for this household": "The product has no contribution for a household of this size (R5).";
    NoPrincipal = 422 "no_principal" "No principal": "The household has no living principal on that day.";
    SecondPrincipal = 422 "second_principal" "A second principal": "A household has one principal at a time.";
    OtherHousehold = 422 "other_household" "In another household": "A person belongs to one household on one day.";
    NotHeard = 422 "not_heard" "Not heard": "Nobody is excluded before he has been heard; record the hearing.";
    NotInHousehold = 422 "not_in_household" "Not in the household": "The person does not belong to the household on that day.";
    BeforeBirth = 422 "before_birth" "Before the birth": "An event lies before the birth of the person whom it concerns.";
    AfterDeath = 422 "after_death" "After the death": "The person had died by then, or the death is recorded already.";
    NotAChild = 422 "not_a_child" "Not a child": "Only a child of the household leaves it for age.";
    NobodyStays = 422 "nobody_stays" "Nobody stays": "In a separation somebody moves and somebody stays.";
    OtherEventSince = 422 "other_event_since" "Something later is recorded": "A later event stands on what this one would change; take that one back first.";
    GuardianNeeded = 422 "guardian_needed" "A guardian is needed": "For a minor a person of age of the household consents or refuses.";
    NotAGuardian = 422 "not_a_guardian" "Not a guardian": "The guardian is no person of age of the minor's household, or the person is of age.";
    AreaEnded = 422 "area_ended" "The area does not exist on that day": "The area begins later, or a reform has ended it; name the area that stands on that day.";
    ImpossibleDate = 422 "impossible_date" "Impossible date": "The dates contradict each other or lie where they cannot; `errors` names them.";
    PeriodOverlaps = 422 "period_overlaps" "Overlapping period": "An enrolment of the household, a convention of the same parties or a version of the same price stands on some of these days.";
    NotCovered = 422 "not_covered" "Not covered": "No cover is in force today; a card or a certificate is issued to who is covered.";
    FutureDate = 422 "future_date" "In the future": "The date lies after today.";
    AmountRefused = 422 "amount_refused" "Amount refused": "Zero, negative or more than is there to be taken.";
    MonthNotOver = 422 "month_not_over" "The month is not over": "A month is closed from the second day after its end on; of a period that is not over nothing is published.";
    NoMutuals = 422 "no_mutuals" "No mutual is linked here": "No mutual stood below this organisation at the end of the period.";
    NoExchangeRate = 422 "no_exchange_rate" "No exchange rate": "Nobody above has said by that day what one of the currencies is worth in the one that was asked for.";
    MonthNotReady = 409 "month_not_ready" "Something of the month is open": "Remittances to be counted, claims to be decided, money to be allocated, cash to be counted; name in `despite` what may stay open.";
    MonthClosed = 409 "month_closed" "The month is closed": "It is closed already; what came late is released as a correction, or the month is opened again by two persons.";
    MonthNotClosed = 409 "month_not_closed" "The month is not closed": "Only a closed month is corrected or opened again.";
    NothingToCorrect = 409 "nothing_to_correct" "Nothing to correct": "The figures are those that were released.";
    AmountTooLarge = 422 "amount_too_large" "Amount too large": "The amount, or a sum that it would make, is beyond what can be counted exactly: 9,007,199,254,740,991 minor units.";
    RefundAboveCredit = 422 "refund_above_credit" "More than the credit": "A household is given back its credit at most.";
    NotEnoughCash = 422 "not_enough_cash" "Not enough cash": "The desk does not have so much.";
    PaymentAboveSettlement = 422 "payment_above_settlement" "More than the settlement": "A settlement is paid what is left of it at most.";
    AppealLate = 422 "appeal_late" "Too late to appeal": "The days within which the mutual takes an appeal have passed since the decision.";
    RemittanceAboveFloat = 422 "remittance_above_float" "More than the float": "A collector hands over what he holds and has not submitted yet, at most.";
    NoCardCheck = 422 "card_check_failed" "The card number is mistyped": "Its check digits do not agree (R52).";
    PreconditionRequired = 428 "precondition_required" "If-Match is required": "Send `If-Match` with the `ETag` that you read, so that nobody else's change is lost.";
    TooManyRequests = 429 "too_many_requests" "Too many requests": "Wait as long as `Retry-After` says.";
    Internal = 500 "internal" "Internal error": "A fault on our side; it is logged under the request id.";
    Busy = 503 "busy" "Busy": "The server could not get to it in time; nothing was written. Try again after `Retry-After` with the same id.";
    StalePicture = 503 "access_unknown" "Access cannot be checked": "The server has not been able to reload grants; nobody is let in meanwhile.";
}

/// One field's fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body (`/members/0/sex`), or the name of a query parameter or header.
    #[schema(examples("/members/0/sex"))]
    pub pointer: String,
    /// A stable code of the fault.
    #[schema(examples("too_long"))]
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl FieldError {
    /// A field's fault.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        FieldError { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// A sentence about this occurrence. Never a name, a number of a card or a diagnosis.
    pub detail: String,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// Seconds after which to come back, for 429 and 503.
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A refusal with its code's own meaning as detail.
    pub fn of(code: Code) -> Self {
        Problem { code, detail: code.meaning().to_owned(), errors: Vec::new(), retry_after: None }
    }

    /// A refusal with a sentence of its own.
    pub fn with(code: Code, detail: impl Into<String>) -> Self {
        Problem { detail: detail.into(), ..Problem::of(code) }
    }

    /// A refusal of fields.
    pub fn fields(code: Code, errors: Vec<FieldError>) -> Self {
        Problem { errors, ..Problem::of(code) }
    }

    /// A refusal of one field as invalid.
    pub fn field(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Problem::fields(Code::Invalid, vec![FieldError::new(pointer, code, message)])
    }

    /// The same, naming a field.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError::new(pointer, self.code.as_str(), self.detail.clone()));
        self
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)?;
        for error in &self.errors {
            write!(f, "; {}: {}", error.pointer, error.message)?;
        }
        Ok(())
    }
}

/// What a service may end with.
#[derive(Debug)]
pub enum Error {
    /// A refusal, to be told.
    Problem(Box<Problem>),
    /// The database's trouble.
    Db(DbError),
    /// What the command had read to find its lock changed before it had it: it starts anew.
    Again,
    /// A fault of ours, to be logged and not told.
    Fault(String),
}

/// Shorthand for what services give.
pub type Result<T> = std::result::Result<T, Error>;

/// What a row keeps as JSON. This program alone writes it, so what cannot be read is a fault and never an empty answer.
///
/// # Errors
/// A fault naming what cannot be read.
pub fn kept<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Fault(format!("kept {what} cannot be read: {error}")))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Problem(problem) => problem.fmt(f),
            Error::Db(error) => error.fmt(f),
            Error::Again => f.write_str("the command must start anew"),
            Error::Fault(what) => f.write_str(what),
        }
    }
}
impl std::error::Error for Error {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Error::Problem(Box::new(problem))
    }
}
impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Problem::of(code).into()
    }
}
impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Error::Db(error)
    }
}
impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Error::Db(DbError::Failed(error))
    }
}
impl Outcome for Error {
    fn database(&self) -> Option<&diesel::result::Error> {
        match self {
            Error::Db(error) => error.database(),
            _ => None,
        }
    }
    fn wants_again(&self) -> bool {
        matches!(self, Error::Again)
    }
}

impl Error {
    /// The refusal that is told; anything unknown is logged here, once, and becomes a 500 that says nothing.
    pub fn to_problem(&self) -> Problem {
        match self {
            Error::Problem(problem) => (**problem).clone(),
            Error::Db(DbError::Busy) | Error::Again => Problem::of(Code::Busy).after(1),
            Error::Db(DbError::Failed(failure)) if is_passing(failure) => {
                tracing::warn!(%failure, "the database did not get to it");
                Problem::of(Code::Busy).after(1)
            }
            Error::Db(DbError::Failed(failure)) => {
                tracing::error!(request_id = %request_id(), ?failure, "a database error");
                Problem::of(Code::Internal)
            }
            Error::Fault(what) => {
                tracing::error!(request_id = %request_id(), %what, "a fault");
                Problem::of(Code::Internal)
            }
        }
    }
}

/// How a problem travels (RFC 9457, `application/problem+json`).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemView {
    /// A stable address of the kind of problem: `/docs/errors#` and the code.
    #[serde(rename = "type")]
    #[schema(examples("/docs/errors#invalid"))]
    pub kind: String,
    /// A short title, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable code.
    #[schema(examples("invalid"))]
    pub code: String,
    /// A sentence about this occurrence.
    pub detail: String,
    /// The request's id, also in `X-Request-Id`.
    pub request_id: Uuid,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let view = ProblemView {
            kind: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            request_id: request_id(),
            errors: self.errors.clone(),
        };
        response.body(serde_json::to_string(&view).unwrap_or_default())
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.to_problem().code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    fn error_response(&self) -> HttpResponse {
        self.to_problem().response()
    }
}

/// `docs/errors.md`: made from the table, compared by a test.
pub fn errors_page() -> String {
    let mut page = String::from(
        "# Problems\n\nEvery refusal is `application/problem+json` (RFC 9457) with `type, title, status, code, detail, \
         request_id` and, where fields are at fault, `errors[]` of `{pointer, code, message}`. This page is made from \
         the table in `src/error.rs`.\n\n| status | code | meaning |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        page.push_str(&format!(
            "| {} | <a id=\"{}\"></a>`{}` | {} |\n",
            code.status(),
            code.as_str(),
            code.as_str(),
            code.meaning()
        ));
    }
    page
}
