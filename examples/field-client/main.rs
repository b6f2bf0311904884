//! `field-client`: a field agent's device on the command line. README.md beside it goes through a day.

mod client;

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate};
use clap::{Parser, Subcommand};
use uuid::Uuid;

use client::{Broken, Client, Error, Household, NewHousehold, Person, Registered, Request, Response, State, Transport};

/// A reference field client of Ayni: registers and collects without a network, and syncs when there is one.
#[derive(Parser)]
#[command(name = "field-client", after_help = EXIT_CODES)]
struct Arguments {
    /// The device's database; made where there is none.
    #[arg(long, default_value = "field.db")]
    db: PathBuf,
    /// The server, without a path.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    #[command(subcommand)]
    command: Command,
}

/// Prints a line; whoever has stopped reading (`| head`) has seen enough.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused or wrong, 2 bad usage, 3 no connection or a busy server (try \
                          again later; nothing is lost), 4 log in first, 5 this device was wiped.";

#[derive(Subcommand)]
enum Command {
    /// Log in; the password is AYNI_PASSWORD, or else the first line of the standard input.
    Login {
        /// The agent's login.
        login: String,
        /// The mutual's id or code, for an agent of several.
        #[arg(long)]
        mutual: Option<String>,
    },
    /// Make this device's key and activate it with the office's one-time code.
    Activate {
        /// The code; it lives 15 minutes.
        code: String,
    },
    /// Ask for card numbers.
    Numbers {
        /// How many, 1 to 500.
        #[arg(default_value_t = 200)]
        count: u32,
    },
    /// Register a household: one person by flags, or several by a JSON file.
    Register(Box<Register>),
    /// Take money and give a receipt.
    Collect {
        /// The household's id, or the beginning or end of it.
        household: String,
        /// The amount in minor units of the mutual's currency.
        amount_minor: i64,
    },
    /// List the households; what is the device's own reckoning is marked with ~.
    List {
        /// Show the persons too.
        #[arg(long)]
        members: bool,
    },
    /// Send what is queued and fetch what is new.
    Sync,
    /// Write what is queued as a signed file, for `ayni sync apply`.
    Export {
        /// The file; more than 100 operations make several, numbered.
        file: PathBuf,
    },
    /// Show the operations: queued, done, and with the office.
    Outbox {
        /// The queued ones only.
        #[arg(long)]
        queued: bool,
    },
}

#[derive(clap::Args)]
struct Register {
    /// A household as JSON: `members` and the other data of a `create` in docs/sync.md.
    #[arg(long, conflicts_with_all = ["family_name", "given_name"])]
    file: Option<PathBuf>,
    /// The principal's family name.
    #[arg(long, required_unless_present = "file")]
    family_name: Option<String>,
    /// The principal's given name.
    #[arg(long, required_unless_present = "file")]
    given_name: Option<String>,
    /// male, female, other or unknown.
    #[arg(long, default_value = "unknown")]
    sex: String,
    /// YYYY-MM-DD, or YYYY-MM, or YYYY where no more is known.
    #[arg(long)]
    born: Option<String>,
    /// The telephone.
    #[arg(long)]
    phone: Option<String>,
    /// The number of the identity card.
    #[arg(long)]
    national_id: Option<String>,
    /// The section, for an agent of several.
    #[arg(long)]
    section: Option<Uuid>,
    /// The area.
    #[arg(long)]
    area: Option<Uuid>,
}

impl Register {
    fn household(&self) -> Result<NewHousehold, Error> {
        if let Some(file) = &self.file {
            let json = std::fs::read_to_string(file)?;
            return serde_json::from_str(&json).map_err(|error| Error::Wrong(format!("{}: {error}", file.display())));
        }
        let (birth_date, birth_precision) = self.born.as_deref().map(born).transpose()?.unzip();
        let person = Person {
            relationship: "principal".to_owned(),
            family_name: self.family_name.clone().unwrap_or_default(),
            given_name: self.given_name.clone().unwrap_or_default(),
            sex: self.sex.clone(),
            birth_date,
            birth_precision,
            national_id: self.national_id.clone(),
            phone: self.phone.clone(),
            ..Person::default()
        };
        let (section_id, area_id) = (self.section, self.area);
        Ok(NewHousehold { section_id, area_id, members: vec![person], ..NewHousehold::default() })
    }
}

/// What is not known of a date of birth is 1, and the precision says so.
fn born(text: &str) -> Result<(NaiveDate, String), Error> {
    let (whole, precision) = match text.len() {
        4 => (format!("{text}-01-01"), "year"),
        7 => (format!("{text}-01"), "month"),
        _ => (text.to_owned(), "day"),
    };
    let date = whole.parse().map_err(|_| Error::Wrong(format!("{text} is no date: YYYY-MM-DD, YYYY-MM or YYYY")))?;
    Ok((date, precision.to_owned()))
}

/// The server by HTTP.
struct Http {
    server: String,
    agent: ureq::Agent,
}

impl Http {
    fn new(server: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_global(Some(Duration::from_secs(120)));
        Self { server: server.trim_end_matches('/').to_owned(), agent: config.build().into() }
    }
}

impl Transport for Http {
    fn send(&mut self, request: &Request) -> Result<Response, Broken> {
        let mut builder =
            ureq::http::Request::builder().method(request.method).uri(format!("{}{}", self.server, request.path));
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let sent = if request.method == "GET" {
            builder.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
        } else {
            let body = request.body.as_slice();
            builder.body(body).map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
        };
        let mut response = sent.map_err(|error| Broken(error.to_string()))?;
        let headers = response.headers().iter();
        let headers = headers
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec();
        let body = body.map_err(|error| Broken(error.to_string()))?;
        Ok(Response { status: response.status().as_u16(), headers, body })
    }
}

#[expect(clippy::disallowed_methods, reason = "the device's own clock: an example has no other, and gives it in here")]
fn now() -> DateTime<FixedOffset> {
    chrono::Local::now().fixed_offset()
}

fn password() -> Result<String, Error> {
    if let Ok(password) = std::env::var("AYNI_PASSWORD") {
        return Ok(password);
    }
    eprintln!("Password (it is shown as it is typed; AYNI_PASSWORD avoids that):");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The one household whose id begins or ends with this, or whose number it is.
fn find(households: &[Household], wanted: &str) -> Result<Uuid, Error> {
    let fits = |household: &&Household| {
        household.id.starts_with(wanted)
            || household.id.ends_with(wanted)
            || household.number.as_deref() == Some(wanted)
    };
    let found: Vec<_> = households.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => one.id.parse().map_err(|_| Error::Wrong(format!("{} is no id", one.id))),
        [] => Err(Error::Wrong(format!("no household {wanted} on this device; `list` shows them"))),
        several => Err(Error::Wrong(format!("{} households fit {wanted}: say more of the id", several.len()))),
    }
}

fn print_registered(made: &Registered) {
    say!("household {}", made.household_id);
    for member in &made.members {
        let card = member.card_number.as_deref().unwrap_or("the server will give the number");
        say!("  {}: card {card} (person {})", member.name, member.id);
    }
}

fn print_household(household: &Household, with_members: bool) {
    let standing = match (&household.standing, household.is_local) {
        (Some(standing), _) => standing.clone(),
        (None, true) if household.with_office > 0 => "with the office".to_owned(),
        (None, true) => "not sent yet".to_owned(),
        (None, false) => "no cover".to_owned(),
    };
    let until = household.until_on.as_deref().map(|day| format!(" until {day}")).unwrap_or_default();
    let mark = if household.is_estimate { "~" } else { " " };
    let number = household.number.as_deref().unwrap_or("-");
    let (name, balance) = (&household.name, household.balance_minor);
    say!("{number:<10} {name:<30} {:<28} {mark}{balance:>12}  {}", format!("{standing}{until}"), household.id);
    if household.with_office > 0 {
        say!("           with the office: {}", household.with_office);
    }
    if with_members {
        for member in &household.members {
            let card = member.card_number.as_deref().unwrap_or("no card number");
            say!("           {}, {card}, {}", member.name, member.standing.as_deref().unwrap_or("no cover"));
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    if arguments.server.starts_with("https:") {
        let why = "this example is built without TLS: use http to a server on this machine, or a tunnel";
        return Err(Error::Wrong(why.to_owned()));
    }
    if !arguments.db.exists() {
        if !matches!(arguments.command, Command::Login { .. }) {
            return Err(Error::First("login"));
        }
        // It will hold persons and a key.
        client::private_file(&arguments.db)?;
    }
    let db = absolute(&arguments.db)?;
    let chance = Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).is_ok());
    let mut client = Client::open(&db, Http::new(&arguments.server), Box::new(now), chance)?;
    match arguments.command {
        Command::Login { login, mutual } => {
            let mutual = client.login(&login, &password()?, mutual.as_deref())?;
            say!("logged in to the mutual {mutual}");
        }
        Command::Activate { code } => {
            let id = client.activate(&code)?;
            say!("this is the device {id}; next: numbers, sync");
        }
        Command::Numbers { count } => say!("{} card numbers may be given", client.ask_numbers(count)?),
        Command::Register(flags) => {
            print_registered(&client.register(flags.household()?)?);
            say!("{} card numbers are left; {} operations are queued", client.cards_left()?, client.queued()?);
        }
        Command::Collect { household, amount_minor } => {
            let id = find(&client.households()?, &household)?;
            let receipt = client.collect(id, amount_minor)?;
            let (balance, _) = client.balance(id)?;
            say!("receipt {}: {amount_minor}; the balance is then about {balance}", receipt.label);
        }
        Command::List { members } => {
            let households = client.households()?;
            households.iter().for_each(|household| print_household(household, members));
            let as_of = client.as_of()?.unwrap_or_else(|| "never".to_owned());
            say!("{} households, last fetched {as_of}; ~ is an estimate of this device", households.len());
        }
        Command::Sync => return sync(&mut client),
        Command::Export { file } => {
            let exported = client.export(&file)?;
            exported.files.iter().for_each(|file| say!("{}", file.display()));
            say!("{} operations; they stay queued until a sync learns what became of them", exported.operations);
        }
        Command::Outbox { queued } => {
            for entry in client.outbox()?.iter().filter(|entry| !queued || entry.state == State::Queued) {
                let told = |name| entry.result.as_ref()?.get(name)?.as_str();
                let code = told("code").unwrap_or_default();
                let what = entry.receipt.as_deref().unwrap_or(&entry.entity);
                let detail = told("detail").unwrap_or_default();
                say!("{:<12} {:<8} {what:<46} {code} {detail}", entry.state.name(), entry.kind);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn sync(client: &mut Client<Http>) -> Result<ExitCode, Error> {
    let report = client.sync()?;
    say!(
        "sent {}: {} done, {} with the office, {} blocked",
        report.answered,
        report.done,
        report.with_office,
        report.blocked
    );
    if report.wiped {
        say!("the office had this device wiped");
        return Ok(ExitCode::from(5));
    }
    if report.wipe_waits {
        say!("the office wants this device wiped; that waits until the blocked operations have been taken");
        return Ok(ExitCode::from(1));
    }
    say!("fetched {} households, took away {}", report.stored, report.removed);
    if report.resynced {
        say!("everything was fetched anew, and the operations of the last {} days sent again", client::KEPT_DAYS);
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole path, so that SQLite takes no name for an address of its own.
fn absolute(path: &Path) -> Result<String, Error> {
    let path = std::path::absolute(path)?;
    path.into_os_string().into_string().map_err(|_| Error::Wrong("the file's name is not UTF-8".to_owned()))
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("field-client: {error}");
            ExitCode::from(match error {
                Error::Broken(_) | Error::Busy { .. } => 3,
                Error::LoginAgain | Error::First("login") => 4,
                Error::Wiped => 5,
                _ => 1,
            })
        }
    }
}
