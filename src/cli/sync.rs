//! `ayni sync`
use super::Failed;
use crate::access::picture::Picture;
use crate::access::scopes::SystemScope;
use crate::app::HOOKS;
use crate::audit::model::{Asker, Purpose};
use crate::config::Settings;
use crate::db::Wall;
use crate::error::Error;
use crate::field::model::DeviceState;
use crate::field::outcome::{Heard, Pushing};
use crate::field::push::{self, PushAnswer};
use crate::field::signatures::{is_signed, signed_text};
use crate::field::store;
use crate::ids::*;
use clap::{Args, Subcommand};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use std::path::PathBuf;

/// What devices send without a network.
#[derive(Debug, Subcommand)]
pub enum Sync {
    /// Carry out a signed push that came as a file; again, it changes nothing
    Apply(Apply),
}

/// A file to be carried out.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file (docs/sync.md)
    file: PathBuf,
}

/// A push as a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    device_id: DeviceId,
    /// `/api/v1/mutuals/{m}/sync/push`.
    path: String,
    signed_at: String,
    signature: String,
    /// The JSON of the push, exactly as it was signed.
    body: String,
}

/// Runs a command of the field.
///
/// # Errors
/// Status 2 where the file is no signed push of a device that may send, 1 where the database refuses.
pub fn run(settings: &Settings, command: &Sync) -> Result<(), Failed> {
    let Sync::Apply(asked) = command;
    let wrong = |message: String| Failed { message, status: 2 };
    let text =
        std::fs::read_to_string(&asked.file).map_err(|error| wrong(format!("{}: {error}", asked.file.display())))?;
    let carried: Carried =
        serde_json::from_str(&text).map_err(|error| wrong(format!("the file is no signed push: {error}")))?;
    let mutual: Option<OrganisationId> = carried
        .path
        .strip_prefix("/api/v1/mutuals/")
        .and_then(|rest| rest.strip_suffix("/sync/push"))
        .and_then(|id| id.parse().ok());
    let mutual = mutual.ok_or_else(|| wrong("the path names no mutual".into()))?;
    let db = settings.open_existing()?;
    let picture = Picture::load(&db)?;
    let wall = Wall::from(mutual);
    let device = db
        .read(wall, |r| Ok::<_, Error>(store::find_device(r, Key::new(mutual.uuid()), carried.device_id)?))?
        .ok_or_else(|| wrong("the mutual has no such device".into()))?;
    if device.state != DeviceState::Active {
        return Err(wrong(format!("the device is {}: nothing of it is carried out", device.state)));
    }
    let signed = signed_text("POST", &carried.path, &carried.signed_at, carried.body.as_bytes());
    let signature = BASE64URL_NOPAD.decode(carried.signature.as_bytes()).unwrap_or_default();
    if !is_signed(device.public_key.as_deref().unwrap_or_default(), &signed, &signature) {
        return Err(wrong("the signature is not the device's".into()));
    }
    let scope = SystemScope::of_the_terminal().agent(&picture, db.clock(), mutual, device.agent_id)?;
    let parcel = push::read(carried.body.as_bytes(), Heard::Carried, scope.today());
    let parcel = parcel.map_err(|error| wrong(error.to_string()))?;
    let asker = Asker {
        user: Some(device.agent_id),
        purpose: Purpose::Enrolment,
        request: db.ids().next::<kind::Command>().uuid(),
    };
    let answer = db.write(wall, |w| {
        let by =
            Pushing { hooks: &HOOKS, picture: &picture, scope: &scope, device: &device, asker, heard: Heard::Carried };
        let results = push::push(w, &by, &parcel)?;
        Ok::<_, Error>(PushAnswer { received_at: w.now().and_utc(), wipe: false, results })
    })?;
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}
