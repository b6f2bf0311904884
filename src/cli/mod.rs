//! The command line: one file per command.
pub mod admin;
pub mod backup;
pub mod export;
pub mod import;
pub mod org;
pub mod serve;
pub mod simulate;
pub mod sync;
pub mod verify;

use crate::config::{LogFormat, Settings};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Ayni: the membership backend of health mutuals and of the platforms above them.
#[derive(Debug, Parser)]
#[command(name = "ayni", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the database; applies pending migrations first
    Serve,
    /// Apply pending migrations
    Migrate,
    /// The installation's administrators
    #[command(subcommand)]
    Admin(admin::Admin),
    /// The tree of organisations
    #[command(subcommand)]
    Org(org::Org),
    /// Load a mutual's registers from CSV files
    Import(import::Import),
    /// Write what another installation reads
    #[command(subcommand)]
    Export(export::Export),
    /// What field devices send without a network
    #[command(subcommand)]
    Sync(sync::Sync),
    /// Make a realistic history in an empty database
    Simulate(simulate::Simulate),
    /// Make a demonstration database in ./data and serve it
    Demo(simulate::Demo),
    /// Recompute every invariant from the raw rows
    Verify,
    /// Copy a database, running or not, into one file
    Backup(backup::Backup),
    /// Print the permission table
    Roles,
    /// Print the settings in force and try the database
    CheckConfig,
    /// Print the API description (OpenAPI 3.1)
    Openapi,
}

/// An error to be told at the terminal, with the status to end with.
#[derive(Debug)]
pub struct Failed {
    /// One sentence.
    pub message: String,
    /// 1 where something was found wrong, 2 where what was given is wrong.
    pub status: u8,
}

impl<E: std::fmt::Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Failed { message: error.to_string(), status: 1 }
    }
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.settings);
    match carry_out(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("ayni: {}", failed.message);
            ExitCode::from(failed.status)
        }
    }
}

fn carry_out(cli: &Cli) -> Result<(), Failed> {
    let settings = &cli.settings;
    match &cli.command {
        Command::Serve => serve::run(settings),
        Command::Migrate => {
            let url = settings.url()?;
            crate::db::connect::prepare(&url)?;
            let applied = crate::db::migrate::run(&url)?;
            println!("{}: {} migrations applied", url.shown(), applied.len());
            Ok(())
        }
        Command::Admin(command) => admin::run(settings, command),
        Command::Org(command) => org::run(settings, command),
        Command::Import(asked) => import::run(settings, asked),
        Command::Export(command) => export::run(settings, command),
        Command::Sync(command) => sync::run(settings, command),
        Command::Simulate(asked) => simulate::run(settings, asked),
        Command::Demo(asked) => simulate::demo(settings, asked),
        Command::Verify => verify::run(settings),
        Command::Backup(asked) => backup::run(settings, asked),
        Command::Roles => {
            print!("{}", crate::access::permissions::table());
            Ok(())
        }
        Command::CheckConfig => {
            print!("{}", settings.shown()?);
            let url = settings.url()?;
            crate::db::connect::prepare(&url)?;
            crate::db::migrate::check(&url)?;
            println!("the database answers and its schema is current");
            Ok(())
        }
        Command::Openapi => {
            println!("{}", serde_json::to_string_pretty(&crate::routes::openapi())?);
            Ok(())
        }
    }
}

fn start_log(settings: &Settings) {
    use tracing_subscriber::{EnvFilter, fmt};
    // What cannot be read as HTTP is the sender's fault and no error of ours; it must not be able to fill the log.
    let filter = EnvFilter::try_new(format!("actix_http=off,{}", settings.log))
        .unwrap_or_else(|_| EnvFilter::new("actix_http=off,info"));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        LogFormat::Text => log.compact().try_init(),
    };
    if let Err(error) = started {
        eprintln!("ayni: the log could not be started: {error}");
    }
}
