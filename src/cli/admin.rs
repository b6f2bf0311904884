//! `ayni admin create` and `ayni admin reset`
use super::Failed;
use crate::access::service;
use crate::app::HOOKS;
use crate::config::Settings;
use clap::Subcommand;

/// The installation's administrators.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make a system administrator; prints a one-time code, good for 24 hours
    Create {
        /// E-mail
        #[arg(long)]
        email: String,
        /// Name
        #[arg(long, default_value = "Administrator")]
        name: String,
    },
    /// Print a new one-time code for a lost password; sessions end
    Reset {
        /// E-mail or phone
        #[arg(long)]
        email: String,
    },
}

/// Carries it out.
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings, command: &Admin) -> Result<(), Failed> {
    let db = settings.open()?;
    let code = match command {
        Admin::Create { email, name } => {
            if !email.contains('@') || email.len() > 200 {
                return Err(Failed { message: "--email must be an e-mail address".into(), status: 2 });
            }
            service::create_admin(&db, &HOOKS, email, name)?
        }
        Admin::Reset { email } => service::reset_admin(&db, &HOOKS, email)?,
    };
    println!("one-time code (24 hours): {}", code.code);
    println!("set a password: POST /api/v1/auth/accept {{\"code\":\"{}\",\"password\":\"…\"}}", code.code);
    Ok(())
}
