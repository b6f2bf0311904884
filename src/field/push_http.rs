//! `/mutuals/{m}/sync/push`: a signed body, compressed or not.
use super::devices;
use super::model::{DeviceState, HeldPush, HeldState};
use super::outcome::{Heard, Pushing};
use super::push;
use super::signatures::{is_signed, signed_text};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::audit::frame::write_audit;
use crate::audit::model::{Asker, AuditKind};
use crate::db::effects::Effects;
use crate::error::{Code, Problem, Result, request_id};
use crate::ids::*;
use crate::web::{blocking, shown};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use data_encoding::BASE64URL_NOPAD;
use std::io::Read as _;

/// The largest push, in bytes, before compression.
pub const LARGEST_PUSH: usize = 1024 * 1024;

/// Pushes of a lost device that are held at most.
const HELD_AT_MOST: i64 = 50;
/// When a device may try again of which so many are held: tomorrow.
const HELD_AGAIN_SECONDS: u64 = 86_400;

/// What a device signed: its own time, its signature.
pub struct Signed {
    pub device: DeviceId,
    pub at: String,
    pub signature: Vec<u8>,
}

impl Signed {
    fn of(req: &HttpRequest) -> Result<Signed> {
        let text = |name: &str| -> Result<String> {
            let value = req.headers().get(name).and_then(|value| value.to_str().ok());
            let good = value.filter(|value| !value.is_empty() && value.len() <= 100 && !value.contains('\n'));
            Ok(good.ok_or(Problem::of(Code::SignatureRefused).at(name))?.to_owned())
        };
        let refused = || Problem::of(Code::SignatureRefused).at("Ayni-Signature");
        Ok(Signed {
            device: text("Ayni-Device")?.parse().map_err(|_| Problem::of(Code::NotFound).at("Ayni-Device"))?,
            at: text("Ayni-Timestamp")?,
            signature: BASE64URL_NOPAD.decode(text("Ayni-Signature")?.as_bytes()).map_err(|_| refused())?,
        })
    }
}

fn too_large() -> Problem {
    Problem::with(Code::TooLarge, format!("at most {LARGEST_PUSH} bytes, before compression"))
}

/// The body as JSON bytes, whatever it travelled in.
fn unpack(bytes: &[u8], encoding: Option<&str>) -> Result<Vec<u8>> {
    match encoding {
        None | Some("identity") => Ok(bytes.to_vec()),
        Some("gzip") => {
            let mut plain = Vec::new();
            let most = u64::try_from(LARGEST_PUSH).unwrap_or(u64::MAX);
            let read = flate2::read::GzDecoder::new(bytes).take(most + 1).read_to_end(&mut plain);
            read.map_err(|error| Problem::with(Code::Unreadable, format!("the body is no whole gzip: {error}")))?;
            if plain.len() > LARGEST_PUSH { Err(too_large().into()) } else { Ok(plain) }
        }
        Some(_) => Err(Problem::of(Code::UnsupportedMediaType).at("Content-Encoding").into()),
    }
}

/// `POST /mutuals/{m}/sync/push`
pub async fn push(
    guard: Guard<need::FieldSync, MutualScope>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let typed = req.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let typed = typed.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    if typed.as_deref() != Some("application/json") {
        return Err(Code::UnsupportedMediaType.into());
    }
    let encoding = req.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let encoding = encoding.map(str::to_ascii_lowercase);
    let bytes = payload
        .to_bytes_limited(LARGEST_PUSH)
        .await
        .map_err(|_| too_large())?
        .map_err(|_| Problem::of(Code::Unreadable))?;
    let path = req.path().to_owned();
    let signed = Signed::of(&req)?;
    let (desk, picture, scope, user) = (guard.desk.clone(), guard.picture.clone(), guard.scope.clone(), guard.user);
    let asker = Asker { user: Some(user), purpose: guard.purpose, request: request_id() };
    let answer = blocking(move || {
        let body = unpack(&bytes, encoding.as_deref())?;
        let parcel = push::read(&body, Heard::Now, scope.today())?;
        let text = signed_text("POST", &path, &signed.at, &body);
        let wall = crate::db::Wall::mutual(scope.mutual());
        // Read once before the writer is asked for: who cannot sign makes nobody wait.
        let device = desk.db.read(wall, |r| {
            let device = store::find_device(r, scope.mutual(), signed.device)?;
            devices::must_be_own(device, user)
        })?;
        let key = device.public_key.as_deref().unwrap_or_default();
        if !is_signed(key, &text, &signed.signature) {
            return Err(Problem::of(Code::SignatureRefused).at("Ayni-Signature").into());
        }
        parcel.sound_out();
        desk.db.write(wall, |w| {
            // What was signed with a key counts while the device has this key.
            let now = devices::must_be_own(store::find_device(w, scope.mutual(), signed.device)?, user)?;
            if now.public_key != device.public_key {
                return Err(Problem::of(Code::SignatureRefused).at("Ayni-Signature").into());
            }
            let received_at = w.now().and_utc();
            if now.state == DeviceState::Lost {
                let text = String::from_utf8_lossy(&body).into_owned();
                // Sent again it is the same one, in whatever envelope.
                let content = parcel.content();
                if store::was_held(w, scope.mutual(), now.id, &content)? {
                    return Ok(push::PushAnswer { received_at, wipe: true, results: Vec::new() });
                }
                // Nobody fills the office's list with a phone that he found; and nothing is dropped that was called taken.
                if store::count_held(w, scope.mutual(), now.id)? >= HELD_AT_MOST {
                    let detail = "so much of this device waits for the office that no more is taken";
                    return Err(Problem::with(Code::TooManyRequests, detail).after(HELD_AGAIN_SECONDS).into());
                }
                let held = HeldPush {
                    mutual_id: scope.mutual(),
                    id: w.new_id(),
                    device_id: now.id,
                    body: text,
                    signed_at: signed.at.clone(),
                    received_at: w.now(),
                    state: HeldState::Held,
                    decided_by: None,
                    decided_at: None,
                    note: None,
                    version: 1,
                    content_hash: Some(content),
                };
                store::insert_held(w, &held)?;
                let mut effects = Effects::default();
                effects.entities.extend([("device", now.id.uuid()), ("held_push", held.id.uuid())]);
                let route = "POST /api/v1/mutuals/{m}/sync/push";
                write_audit(w, asker, AuditKind::Write, scope.mutual(), route, None, &effects)?;
                return Ok(push::PushAnswer { received_at, wipe: true, results: Vec::new() });
            }
            let by = Pushing {
                hooks: &desk.hooks,
                picture: &picture,
                scope: &scope,
                device: &now,
                asker,
                heard: Heard::Now,
            };
            let results = push::push(w, &by, &parcel)?;
            Ok(push::PushAnswer { received_at, wipe: false, results })
        })
    })
    .await?;
    Ok(shown(&answer))
}
