//! `ayni serve`
use super::Failed;
use crate::access::keys::Keys;
use crate::access::picture::Pictures;
use crate::access::scopes::SystemScope;
use crate::app::Parts;
use crate::config::Settings;
use crate::db::Db;
use actix_web::{HttpResponse, HttpServer, web};
use std::time::Duration;

/// Opens the database and serves it until told to stop.
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings) -> Result<(), Failed> {
    let db = settings.open()?;
    let keys = Keys::open(&settings.key_folder(db.url()))?;
    let parts = Parts::new(db, keys)?;
    serve(settings, parts, |_| ())
}

/// Serves parts already put together; `ready` hears the address.
///
/// # Errors
/// A sentence for the terminal.
pub fn serve(settings: &Settings, parts: Parts, ready: impl FnOnce(std::net::SocketAddr)) -> Result<(), Failed> {
    let bind = settings.bind.clone();
    let metrics = settings.metrics.clone();
    actix_web::rt::System::new().block_on(async move {
        let of_worker = parts.clone();
        let server = HttpServer::new(move || of_worker.app())
            .client_request_timeout(Duration::from_secs(5))
            .keep_alive(Duration::from_secs(30))
            .shutdown_timeout(10)
            .workers(std::thread::available_parallelism().map_or(2, usize::from))
            .bind(&bind)
            .map_err(|error| format!("cannot listen on {bind}: {error}"))?;
        let address = server.addrs().first().copied().ok_or("no address to listen on")?;
        tracing::info!(%address, database = parts.desk.db.url().shown(), "serving");
        if metrics != "off" {
            let of_metrics = parts.metrics.clone();
            let endpoint = HttpServer::new(move || {
                let metrics = of_metrics.clone();
                actix_web::App::new().route(
                    "/metrics",
                    web::get().to(move || {
                        let text = metrics.text();
                        async move {
                            HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0").body(text)
                        }
                    }),
                )
            })
            .workers(1)
            .disable_signals()
            .bind(&metrics)
            .map_err(|error| format!("cannot listen on {metrics} for /metrics: {error}"))?
            .run();
            actix_web::rt::spawn(endpoint);
        }
        parts.jobs.start()?;
        let (db, pictures) = (parts.desk.db.clone(), parts.access.pictures.clone());
        std::thread::spawn(move || {
            if let Err(error) = give_keys(&db, &pictures) {
                tracing::warn!(%error, "who was registered before is not yet looked for among duplicates");
            }
        });
        ready(address);
        let ended = server.run().await;
        parts.jobs.stop();
        parts.access.pictures.stop();
        ended?;
        Ok(())
    })
}

/// Lets persons be found who were registered before duplicates were looked for.
fn give_keys(db: &Db, pictures: &Pictures) -> crate::error::Result<()> {
    let picture = pictures.current()?;
    SystemScope::of_the_terminal()
        .each_mutual(&picture, db.clock(), |scope| crate::households::duplicates::key_all(db, scope.mutual()))
}
