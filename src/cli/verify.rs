//! `ayni verify`
use super::Failed;
use crate::config::Settings;

/// Recomputes every invariant from the raw rows.
///
/// # Errors
/// Status 1 where something does not add up; everything found is printed.
pub fn run(settings: &Settings) -> Result<(), Failed> {
    let db = settings.open_existing()?;
    let verdict = crate::verify::verify(&db)?;
    for finding in &verdict.findings {
        println!("{finding}");
    }
    println!(
        "{} mutuals, {} households, {} payments, {} claims, {} commands looked at",
        verdict.mutuals, verdict.households, verdict.payments, verdict.claims, verdict.commands
    );
    match verdict.findings.len() {
        0 => {
            println!("everything adds up");
            Ok(())
        }
        found => Err(Failed { message: format!("{found} findings"), status: 1 }),
    }
}
