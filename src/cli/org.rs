//! `ayni org add` and `ayni org list`
use super::Failed;
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::service::terminal_order;
use crate::app::HOOKS;
use crate::audit::frame::command;
use crate::config::Settings;
use crate::ids::OrganisationId;
use crate::organisations::rules::NewOrganisation;
use crate::organisations::service;
use clap::Subcommand;

/// The tree of organisations.
#[derive(Debug, Subcommand)]
pub enum Org {
    /// Add an organisation below another
    Add {
        /// Code, unique in the installation
        #[arg(long)]
        code: String,
        /// Name
        #[arg(long)]
        name: String,
        /// network, platform, federation, mutual or section
        #[arg(long)]
        kind: OrganisationKind,
        /// Code of the one above; the root where it is left out
        #[arg(long)]
        parent: Option<String>,
        /// ISO 3166-1 alpha-2, for a mutual
        #[arg(long)]
        country: Option<String>,
        /// ISO 4217, for a mutual
        #[arg(long)]
        currency: Option<String>,
        /// IANA zone, for a mutual
        #[arg(long)]
        timezone: Option<String>,
        /// Six digits in front of a mutual's card numbers
        #[arg(long)]
        card_prefix: Option<String>,
    },
    /// Print the tree
    List,
}

/// Carries it out.
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings, org: &Org) -> Result<(), Failed> {
    let db = settings.open()?;
    match org {
        Org::List => {
            let picture = Picture::load(&db)?;
            let on = db.clock().today(chrono_tz::Tz::UTC);
            print_below(&picture, OrganisationId::NIL, on, 0);
            Ok(())
        }
        Org::Add { code, name, kind, parent, country, currency, timezone, card_prefix } => {
            let picture = Picture::load(&db)?;
            let parent = match parent {
                None => OrganisationId::NIL,
                Some(code) => {
                    let unknown = || Failed { message: format!("there is no organisation {code}"), status: 2 };
                    picture.by_code(code).ok_or_else(unknown)?.id
                }
            };
            let new = NewOrganisation {
                code: code.clone(),
                name: name.clone(),
                kind: *kind,
                country: country.clone(),
                currency: currency.clone(),
                timezone: timezone.clone(),
                card_prefix: card_prefix.clone(),
            };
            let order = terminal_order(&db, "ayni org add");
            command(&db, &HOOKS, &order, |w| service::add(w, &HOOKS, &order, &new, parent))?;
            println!("{code} {}", order.id);
            Ok(())
        }
    }
}

fn print_below(picture: &Picture, id: OrganisationId, on: chrono::NaiveDate, depth: usize) {
    for organisation in picture.organisations() {
        let parent = picture.ancestors(organisation.id, on).first().copied();
        if organisation.id != OrganisationId::NIL && parent == Some(id) {
            println!(
                "{:indent$}{} {} ({}{}) {}",
                "",
                organisation.code,
                organisation.name,
                organisation.kind,
                organisation.currency.map_or_else(String::new, |currency| format!(", {currency}")),
                organisation.id,
                indent = 2 * depth
            );
            print_below(picture, organisation.id, on, depth + 1);
        }
    }
}
