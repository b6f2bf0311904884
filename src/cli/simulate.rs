//! `ayni simulate` and `ayni demo`
use super::Failed;
use crate::access::keys::Keys;
use crate::access::picture::Picture;
use crate::app::Parts;
use crate::config::Settings;
use crate::db::url::DatabaseUrl;
use crate::db::{Db, Wall};
use crate::error::Error;
use crate::ids::Ids;
use crate::simulation::{Options, PASSWORD, simulate};
use chrono::NaiveDate;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Make a realistic history in an empty database.
#[derive(Debug, Args)]
pub struct Simulate {
    #[command(flatten)]
    options: Options,
    /// The last day of the history; today where it is left out
    #[arg(long)]
    until: Option<NaiveDate>,
}

/// Make a demonstration database in ./data and serve it.
#[derive(Debug, Args)]
pub struct Demo {
    /// Make it anew
    #[arg(long)]
    fresh: bool,
    /// Print and make only, do not serve
    #[arg(long)]
    no_serve: bool,
}

fn make(url: DatabaseUrl, options: Options, until: NaiveDate) -> Result<Db, Failed> {
    let bar = std::io::stderr().is_terminal().then(|| indicatif::ProgressBar::new(0));
    let db = simulate(url, options, until, |done, all| {
        if let Some(bar) = &bar {
            bar.set_length(all);
            bar.set_position(done);
        }
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(db)
}

/// `ayni simulate`
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings, asked: &Simulate) -> Result<(), Failed> {
    let until = asked.until.unwrap_or_else(|| settings.clock().today(chrono_tz::Tz::UTC));
    make(settings.url()?, asked.options, until)?;
    println!("a history of {} months until {until} was made", asked.options.months);
    Ok(())
}

/// `ayni demo`
///
/// # Errors
/// A sentence for the terminal.
pub fn demo(settings: &Settings, asked: &Demo) -> Result<(), Failed> {
    let path = PathBuf::from("data/demo.db");
    if asked.fresh {
        for end in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("data/demo.db{end}"));
            if file.exists() {
                std::fs::remove_file(file)?;
            }
        }
    }
    let settings = Settings { database: "sqlite://data/demo.db".into(), ..settings.clone() };
    if !path.exists() {
        eprintln!("making the demonstration, about half a minute…");
        let until = settings.clock().today(chrono_tz::Tz::UTC);
        drop(make(settings.url()?, Options::default(), until)?);
    }
    let clock = settings.clock();
    let url = settings.url()?;
    let db = Db::open(url.clone(), clock.clone(), Ids::random(clock), true)?;
    let keys = Keys::open(&settings.key_folder(&url))?;
    let parts = Parts::new(db, keys)?;
    if asked.no_serve {
        print!("{}", introduction(&parts, &settings.bind)?);
        return Ok(());
    }
    let text = parts.clone();
    super::serve::serve(&settings, parts, move |address| match introduction(&text, &address.to_string()) {
        Ok(shown) => println!("{shown}"),
        Err(failed) => eprintln!("ayni: {}", failed.message),
    })
}

/// The address, the logins and a few requests to paste.
fn introduction(parts: &Parts, address: &str) -> Result<String, Failed> {
    let db = &parts.desk.db;
    let picture = Picture::load(db)?;
    let rows = db.read(Wall::ROOT, |r| crate::access::store::list_logins(r).map_err(Error::from))?;
    let mut out = format!("\nAyni is served at http://{address} — try it at http://{address}/docs/\n\n");
    out.push_str(&format!("Every login has the password {PASSWORD}\n\n"));
    let mut rows: Vec<(String, String, &'static str)> = rows
        .into_iter()
        .map(|(email, role, organisation)| {
            let on = organisation.and_then(|id| picture.organisation(id));
            let on = on.map_or_else(|| "(a facility)".to_owned(), |found| found.code.clone());
            (on, email.unwrap_or_default(), role.code())
        })
        .collect();
    rows.sort();
    for (on, email, role) in rows {
        out.push_str(&format!("  {:<32} {:<17} {on}\n", email, role));
    }
    let mutual = picture.by_code("KAYANZA").map_or_else(String::new, |found| found.id.to_string());
    out.push_str(&format!(
        "\nThe commands of ayni work beside it: export AYNI_DATABASE={}\n\nPaste this:\n\n\
         API=http://{address}/api/v1\n\
         TOKEN=$(curl -s $API/auth/login -H 'Content-Type: application/json' \\\n  \
           -d '{{\"login\":\"admin@kayanza.example\",\"password\":\"{PASSWORD}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
         curl -s $API/me -H \"Authorization: Bearer $TOKEN\"\n\
         curl -s \"$API/mutuals/{mutual}/members?limit=2\" -H \"Authorization: Bearer $TOKEN\"\n\
         CARD=$(curl -s \"$API/mutuals/{mutual}/members?limit=1\" -H \"Authorization: Bearer $TOKEN\" \\\n  \
           | sed 's/.*\"card_number\":\"\\([0-9]*\\)\".*/\\1/')\n\
         curl -s $API/eligibility -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n  \
           -d \"{{\\\"card\\\":\\\"$CARD\\\"}}\"\n\
         # A clerk's facility is grants[0].provider_id of his GET /me; he shows a card with its birth_year, or its QR code.\n",
        db.url().shown(),
    ));
    Ok(out)
}
