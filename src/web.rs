//! What travels: bodies and queries read with precise errors, answers with their headers. A body is JSON of a bounded size
//! without unknown fields; each fault names its field by a JSON pointer.
use crate::error::{Code, Error, FieldError, Problem, Result, request_id};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use chrono::Datelike;
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::future::Future;
use std::pin::Pin;
use uuid::Uuid;

/// The largest body, in bytes.
pub const LARGEST_BODY: usize = 256 * 1024;
/// The largest body of a route that takes a file, in bytes.
pub const LARGEST_FILE: usize = 4 * 1024 * 1024;

/// The largest body of a path that takes more than [`LARGEST_BODY`]: the route table says which, and its resource carries it.
#[derive(Debug, Clone, Copy)]
pub struct Largest(pub usize);

/// Runs blocking work on a thread that may wait.
///
/// # Errors
/// What the work gives.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    web::block(work).await.map_err(|_| Error::Fault("a blocking thread was cancelled".into()))?
}

/// A body, read and validated.
#[derive(Debug)]
pub struct Body<T> {
    /// What was sent.
    pub value: T,
    /// Its `id`, where it has one.
    pub id: Option<Uuid>,
    /// SHA-256 of the path and the parsed body with sorted keys.
    pub hash: [u8; 32],
}

impl<T: DeserializeOwned + Validate<Context = ()> + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(req, payload);
        let req = req.clone();
        let most = req.app_data::<Largest>().map_or(LARGEST_BODY, |largest| largest.0);
        Box::pin(async move {
            let typed = req
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
            if !matches!(typed.as_deref(), Some("application/json" | "application/merge-patch+json")) {
                return Err(Code::UnsupportedMediaType.into());
            }
            let payload = payload.await.map_err(|_| Problem::of(Code::Unreadable))?;
            let bytes = payload
                .to_bytes_limited(most)
                .await
                .map_err(|_| Problem::with(Code::TooLarge, format!("at most {most} bytes")))?
                .map_err(|_| Problem::of(Code::Unreadable))?;
            parse(req.path(), &bytes)
        })
    }
}

/// Reads and validates a body.
///
/// # Errors
/// `unreadable` or `invalid` with the fields at fault.
pub fn parse<T: DeserializeOwned + Validate<Context = ()>>(path: &str, bytes: &[u8]) -> Result<Body<T>> {
    let json: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::with(Code::Unreadable, format!("the body is no JSON: {error}")))?;
    let value = read_value(&json)?;
    let hash = request_hash(path, &json);
    let id = json.get("id").and_then(|id| id.as_str()).and_then(|id| Uuid::parse_str(id).ok());
    Ok(Body { value, id, hash })
}

/// Reads and validates JSON.
///
/// # Errors
/// `invalid` with the fields at fault.
pub fn read_value<T: DeserializeOwned + Validate<Context = ()>>(json: &serde_json::Value) -> Result<T> {
    let mut faults = Vec::new();
    unstorable(json, &mut String::new(), &mut faults);
    if !faults.is_empty() {
        return Err(Problem::fields(Code::Invalid, faults).into());
    }
    let value: T = read_plain(json)?;
    value.validate().map_err(|report| bounds_faults(&report))?;
    Ok(value)
}

/// Reads JSON whose bounds the caller looks at.
///
/// # Errors
/// `invalid` with the field at fault.
pub fn read_plain<T: DeserializeOwned>(json: &serde_json::Value) -> Result<T> {
    serde_path_to_error::deserialize(json).map_err(|error| type_fault(&error))
}

/// Texts that are well-formed and that no database here keeps: with a NUL (PostgreSQL), or a date whose year has not four
/// digits (SQLite keeps dates as text, in whose order years must be equally long).
fn unstorable(value: &serde_json::Value, at: &mut String, faults: &mut Vec<FieldError>) {
    let mut inside = |step: &str, value: &serde_json::Value| {
        let length = at.len();
        at.push('/');
        at.push_str(step);
        unstorable(value, at, faults);
        at.truncate(length);
    };
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| match key.contains('\0') {
            true => inside("", &serde_json::Value::String("\0".into())),
            false => inside(key, value),
        }),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| inside(&index.to_string(), value));
        }
        serde_json::Value::String(text) => {
            if let Some(why) = unstorable_text(text) {
                faults.push(FieldError::new(at.clone(), "out_of_bounds", why));
            }
        }
        _ => {}
    }
}

fn unstorable_text(text: &str) -> Option<&'static str> {
    let foreign_year =
        |text: &str| text.parse::<chrono::NaiveDate>().is_ok_and(|date| !(1..=9999).contains(&date.year()));
    if text.contains('\0') {
        Some("a text without NUL")
    } else if text.starts_with(['+', '-', '0']) && foreign_year(text) {
        Some("a date from 0001-01-01 to 9999-12-31")
    } else {
        None
    }
}

/// SHA-256 of path and body, keys sorted.
pub fn request_hash(path: &str, json: &serde_json::Value) -> [u8; 32] {
    fn canonical(value: &serde_json::Value, out: &mut String) {
        match value {
            serde_json::Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                out.push('{');
                for key in keys {
                    out.push_str(&serde_json::Value::String(key.clone()).to_string());
                    out.push(':');
                    canonical(&map[key], out);
                    out.push(',');
                }
                out.push('}');
            }
            serde_json::Value::Array(items) => {
                out.push('[');
                for item in items {
                    canonical(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut text = format!("{path}\n");
    canonical(json, &mut text);
    Sha256::digest(text.as_bytes()).into()
}

/// `members[0].sex` as a JSON pointer.
fn pointer(path: &str) -> String {
    let mut out = String::from("/");
    for c in path.chars() {
        match c {
            '.' | '[' => out.push('/'),
            ']' => {}
            c => out.push(c),
        }
    }
    if out == "/" { String::new() } else { out.replace("//", "/") }
}

/// What a date is told that has the form of one and is no day of the calendar.
const NO_DAY: &str = "no day of the calendar";

/// Whether a date was refused for that, in chrono's words.
fn is_no_day(message: &str) -> bool {
    message.starts_with("input is out of range")
}

fn type_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let message = error.inner().to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    let at = error.path().to_string();
    let mut place = if at == "." { String::new() } else { pointer(&at) };
    if is_no_day(&message) {
        return Problem::with(Code::ImpossibleDate, NO_DAY).at(place).into();
    }
    let named = || message.split('`').nth(1).unwrap_or("").to_owned();
    let code = if message.starts_with("unknown field") {
        let name = named();
        if !place.ends_with(&format!("/{name}")) {
            place = format!("{place}/{name}");
        }
        "unknown_field"
    } else if message.starts_with("missing field") {
        place = format!("{place}/{}", named());
        "missing"
    } else if message.starts_with("unknown variant") {
        "unknown_value"
    } else {
        "wrong_type"
    };
    Problem::field(place, code, message).into()
}

fn bounds_faults(report: &garde::Report) -> Error {
    let errors = report
        .iter()
        .map(|(path, error)| FieldError::new(pointer(&path.to_string()), "out_of_bounds", error.message().to_string()))
        .collect();
    Problem::fields(Code::Invalid, errors).into()
}

/// A text of which something is left when the spaces around it go.
///
/// # Errors
/// A sentence for the field.
pub fn not_blank(text: &str, _: &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("more than spaces")) } else { Ok(()) }
}

/// The query string, read without tolerance for unknown names.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let sent = url::form_urlencoded::parse(req.query_string().as_bytes());
        if let Some((name, why)) = sent.filter_map(|(name, value)| Some((name, unstorable_text(&value)?))).next() {
            return std::future::ready(Err(Problem::field(name, "out_of_bounds", why).into()));
        }
        let deserializer =
            serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(req.query_string().as_bytes()));
        std::future::ready(serde_path_to_error::deserialize(deserializer).map(Query).map_err(
            |error: serde_path_to_error::Error<serde_urlencoded::de::Error>| {
                let message = error.inner().to_string();
                let at = error.path().to_string();
                if is_no_day(&message) {
                    return Problem::with(Code::ImpossibleDate, NO_DAY).at(at).into();
                }
                let named = message.split('`').nth(1).unwrap_or("").to_owned();
                let (place, code) = if message.starts_with("unknown field") {
                    (named, "unknown_field")
                } else if message.starts_with("missing field") {
                    (named, "missing")
                } else {
                    (if at == "." { String::new() } else { at }, "wrong_type")
                };
                Problem::field(place, code, message).into()
            },
        ))
    }
}

/// Ids in the path, unreadable ones being absent.
#[derive(Debug)]
pub struct Ids<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Ids<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let found = web::Path::<T>::from_request(req, payload).into_inner();
        std::future::ready(found.map(|path| Ids(path.into_inner())).map_err(|_| Code::NotFound.into()))
    }
}

/// A field of a merge patch (RFC 7396): null empties it, and a field that is left out stays as it is.
///
/// # Errors
/// The field's own.
pub fn emptied<'de, D: serde::Deserializer<'de>, T: serde::Deserialize<'de>>(
    field: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    serde::Deserialize::deserialize(field).map(Some)
}

/// A text as a cell of a table: a spreadsheet must not take somebody's name for a formula.
pub fn cell(text: &str) -> std::borrow::Cow<'_, str> {
    let mut first = text.chars();
    let is_formula = match first.next() {
        Some('=' | '@' | '\t' | '\r') => true,
        // A phone or an amount begins so too.
        Some('+' | '-') => !first.next().is_some_and(|next| next.is_ascii_digit()),
        _ => false,
    };
    if is_formula { format!("'{text}").into() } else { text.into() }
}

/// The tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// Compares `If-Match` with the version in force.
///
/// # Errors
/// `precondition_required` or `version_mismatch`.
pub fn must_match(if_match: Option<&str>, version: i64) -> Result<()> {
    match if_match {
        None => Err(Code::PreconditionRequired.into()),
        Some(sent) if sent.split(',').any(|tag| tag.trim() == etag(version)) => Ok(()),
        Some(_) => {
            Err(Problem::with(Code::VersionMismatch, format!("the current version is {}; read again", etag(version)))
                .into())
        }
    }
}

/// 201 for what was made, 200 with `Idempotent-Replayed` for what had been.
pub fn made<V: Serialize>(replayed: bool, location: &str, version: Option<i64>, view: &V) -> HttpResponse {
    let mut response = if replayed { HttpResponse::Ok() } else { HttpResponse::Created() };
    if replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    if !location.is_empty() {
        response.insert_header((header::LOCATION, location));
    }
    finish(response, version, view)
}

/// 200 for what was changed or decided, marked where it had been.
pub fn changed<V: Serialize>(replayed: bool, version: Option<i64>, view: &V) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    finish(response, version, view)
}

/// 202 for what a job has yet to do, 200 where nothing is left to be done, marked where it had been asked before.
pub fn taken<V: Serialize>(replayed: bool, is_done: bool, location: &str, version: i64, view: &V) -> HttpResponse {
    let mut response = if is_done || replayed { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    if replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    response.insert_header((header::LOCATION, location));
    finish(response, Some(version), view)
}

/// 200 with a table for a spreadsheet.
pub fn csv_file(name: &str, text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(text)
}

/// 200 with a tag, for a read of one row.
pub fn found<V: Serialize>(version: i64, view: &V) -> HttpResponse {
    finish(HttpResponse::Ok(), Some(version), view)
}

/// 200.
pub fn shown<V: Serialize>(view: &V) -> HttpResponse {
    finish(HttpResponse::Ok(), None, view)
}

fn finish<V: Serialize>(mut response: actix_web::HttpResponseBuilder, version: Option<i64>, view: &V) -> HttpResponse {
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(version) = version {
        response.insert_header((header::ETAG, etag(version)));
    }
    match serde_json::to_string(view) {
        Ok(body) => response.content_type("application/json").body(body),
        Err(error) => {
            tracing::error!(request_id = %request_id(), %error, "an answer could not be written");
            Problem::of(Code::Internal).response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_formula() {
        for (text, expected) in [
            ("Aline", "Aline"),
            ("", ""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\tx", "'\tx"),
            ("-x", "'-x"),
            ("+", "'+"),
            ("+25779000001", "+25779000001"),
            ("-5", "-5"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Person {
        #[garde(length(chars, min = 1, max = 5))]
        name: String,
        #[garde(dive)]
        children: Vec<Child>,
    }
    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Child {
        #[garde(range(min = 0, max = 120))]
        age: i32,
    }

    fn faults(body: &str) -> Vec<(String, String)> {
        match parse::<Person>("/x", body.as_bytes()) {
            Err(Error::Problem(problem)) => {
                problem.errors.iter().map(|error| (error.pointer.clone(), error.code.clone())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_fault_names_its_field() {
        let one = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(faults(r#"{"name":"a","children":[{"age":"x"}]}"#), one("/children/0/age", "wrong_type"));
        assert_eq!(faults(r#"{"name":"a","children":[{"age":1,"b":2}]}"#), one("/children/0/b", "unknown_field"));
        assert_eq!(faults(r#"{"name":"a","children":[{}]}"#), one("/children/0/age", "missing"));
        assert_eq!(faults(r#"{"children":[]}"#), one("/name", "missing"));
        assert_eq!(faults(r#"{"name":"a","children":[{"age":121}]}"#), one("/children/0/age", "out_of_bounds"));
        let mut both = faults(r#"{"name":"abcdef","children":[{"age":1},{"age":-1}]}"#);
        both.sort();
        assert_eq!(
            both,
            [("/children/1/age".into(), "out_of_bounds".into()), ("/name".into(), "out_of_bounds".into())]
        );
        assert_eq!(faults(r#"{"name":"a\u0000","children":[]}"#), one("/name", "out_of_bounds"));
        assert_eq!(faults(r#"{"name":"a","children":["+12026-01-01"]}"#), one("/children/0", "out_of_bounds"));
        assert_eq!(faults(r#"{"name":"a","children":["0000-01-01"]}"#), one("/children/0", "out_of_bounds"));
        assert!(parse::<Person>("/x", r#"{"name":"-1.50","children":[]}"#.as_bytes()).is_ok());
        assert!(parse::<Person>("/x", b"{").is_err());
        assert!(parse::<Person>("/x", &b"[".repeat(100_000)).is_err());
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_hash() {
        let a: serde_json::Value = serde_json::from_str(r#"{"a":{"x":1,"y":[2,3]},"b":"t"}"#).unwrap();
        let b: serde_json::Value = serde_json::from_str(r#"{"b":"t","a":{"y":[2,3],"x":1}}"#).unwrap();
        let c: serde_json::Value = serde_json::from_str(r#"{"b":"t","a":{"y":[3,2],"x":1}}"#).unwrap();
        assert_eq!(request_hash("/p", &a), request_hash("/p", &b));
        assert_ne!(request_hash("/p", &a), request_hash("/p", &c));
        assert_ne!(request_hash("/p", &a), request_hash("/q", &a));
    }

    #[test]
    fn versions_must_match() {
        assert!(must_match(Some("\"v3\""), 3).is_ok());
        assert!(must_match(Some("\"v2\", \"v3\""), 3).is_ok());
        assert!(must_match(Some("*"), 3).is_err());
        assert!(must_match(None, 3).is_err());
    }
}

/// In what form a list or report is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The form of every answer.
    Json,
    /// A table for a spreadsheet.
    Csv,
}

/// The media types that a caller takes, without their parameters; anything where he does not say.
pub fn accepted(req: &HttpRequest) -> Vec<&str> {
    let accept = req.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim()).collect()
}

/// JSON unless `Accept` asks for CSV.
///
/// # Errors
/// `not_acceptable`.
pub fn wanted(req: &HttpRequest) -> Result<Format> {
    let kinds = accepted(req);
    if kinds.contains(&"text/csv") {
        Ok(Format::Csv)
    } else if kinds.iter().any(|kind| matches!(*kind, "*/*" | "application/*" | "application/json" | "")) {
        Ok(Format::Json)
    } else {
        Err(Code::NotAcceptable.into())
    }
}

/// In which language.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LanguageFilter {
    /// `en` or `fr`; where it is left out, as `Accept-Language` asks, else English.
    #[param(inline)]
    pub lang: Option<crate::language::Language>,
}

impl LanguageFilter {
    /// The language that a request wants.
    pub fn wanted(&self, req: &HttpRequest) -> crate::language::Language {
        let accepted = req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        crate::language::Language::wanted(self.lang, accepted)
    }
}

/// True where `Accept` asks for PDF; JSON is what is given otherwise.
///
/// # Errors
/// `not_acceptable`.
pub fn wants_pdf(req: &HttpRequest) -> Result<bool> {
    let kinds = accepted(req);
    if kinds.contains(&"application/pdf") {
        Ok(true)
    } else if kinds.iter().any(|kind| matches!(*kind, "*/*" | "application/*" | "application/json" | "")) {
        Ok(false)
    } else {
        Err(Code::NotAcceptable.into())
    }
}
