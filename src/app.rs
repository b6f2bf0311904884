//! The server put together: the parts, the middleware, the routes. Here alone subjects are handed to the command frame.
use crate::access::guard::Access;
use crate::access::keys::Keys;
use crate::access::passwords::Hashing;
use crate::access::picture::Pictures;
use crate::access::throttle::Throttle;
use crate::audit::Desk;
use crate::audit::frame::Hooks;
use crate::audit::recorder::Recorder;
use crate::db::Db;
use crate::error::{Code, Error, Problem, REQUEST_ID, Result, errors_page};
use crate::ids::kind;
use crate::jobs::worker::{Progress, Task, Worker};
use crate::reports::releases::shelf::Shelf;
use crate::routes;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header;
use actix_web::middleware::{Compress, DefaultHeaders, Next, from_fn};
use actix_web::{HttpResponse, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request, its body included, is answered within this or refused.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What the subjects give to the command frame.
pub const HOOKS: Hooks = Hooks {
    rewrite_spans: crate::enrolments::service::rewrite_spans,
    person_joined: crate::enrolments::service::person_joined,
    waiting_served: crate::enrolments::moves::waiting_served,
    period_end: crate::enrolments::moves::period_end,
    household_parted: crate::enrolments::moves::household_parted,
    parting_reversed: crate::enrolments::moves::parting_reversed,
    cancel_dues: crate::contributions::service::cancel_unpaid,
    execute,
    refused,
    found_mutual,
};

/// What a second person approved, by its kind.
fn execute(w: &mut crate::db::Write, execution: &crate::audit::frame::Execution) -> Result<()> {
    use crate::access::approvals::Kind;
    use crate::claims::{appeals, letters, review, settlement};
    use crate::contributions::model::CancellationKind;
    use crate::contributions::{relief, reversals};
    use crate::treasury::movements;
    match Kind::parse(&execution.kind) {
        Some(Kind::Settlement) => settlement::execute(w, execution),
        Some(Kind::Advance) => settlement::execute_advance(w, execution),
        Some(Kind::Override) => review::execute(w, execution),
        Some(Kind::Appeal) => appeals::execute(w, execution),
        Some(Kind::Letter) => letters::execute(w, execution),
        Some(Kind::Reversal) => reversals::reverse(w, execution),
        Some(Kind::Refund) => reversals::refund(w, execution),
        Some(Kind::Waiver) => relief::relieve(w, execution, CancellationKind::Waived),
        Some(Kind::WriteOff) => relief::relieve(w, execution, CancellationKind::WrittenOff),
        Some(Kind::Expense) => movements::execute(w, execution),
        Some(Kind::MovementReversal) => movements::reverse(w, execution),
        Some(Kind::Reopening) => crate::reports::periods::service::reopen(w, execution),
        None => Err(Error::Fault(format!("nobody knows how to do {}", execution.kind))),
    }
}

/// What a second person refused, by its kind.
fn refused(w: &mut crate::db::Write, execution: &crate::audit::frame::Execution) -> Result<()> {
    use crate::access::approvals::Kind;
    match Kind::parse(&execution.kind) {
        Some(Kind::Settlement) => crate::claims::settlement::refused(w, execution),
        // Nothing waits with the others.
        _ => Ok(()),
    }
}

/// A step of long work, by its kind.
pub fn work(w: &mut crate::db::Write, task: &Task) -> Result<Progress> {
    use crate::jobs::model::JobKind;
    match task.job.kind {
        JobKind::Invoice => crate::claims::invoices::work::step(w, task),
    }
}

/// What is done for a mutual where no job waits.
pub fn keep_up(db: &Db, scope: &crate::access::scopes::MutualScope) -> Result<bool> {
    let figures = crate::access::scopes::FigureScope::of(scope);
    crate::reports::releases::service::keep_up(db, &figures, scope.today())
}

fn found_mutual(w: &mut crate::db::Write, mutual: crate::ids::MutualId) -> Result<()> {
    crate::ledger::service::open_books(w, mutual)?;
    crate::contributions::desks::open_desk(w, mutual)?;
    crate::treasury::movements::begin(w, mutual)?;
    crate::claims::settings::begin(w, mutual)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

/// Counts and times of requests, by route.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Labels, Counter>::default();
        let seconds =
            Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 14)));
        registry.register("ayni_requests", "Requests answered", requests.clone());
        registry.register("ayni_request_seconds", "Time to answer", seconds.clone());
        Metrics { registry: Arc::new(registry), requests, seconds }
    }
}

impl Metrics {
    /// The text that a collector reads.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if prometheus_client::encoding::text::encode(&mut out, &self.registry).is_err() {
            out.clear();
        }
        out
    }
}

/// The parts of a server. Cheap to clone: one copy per worker.
#[derive(Clone)]
pub struct Parts {
    /// Database, hooks, recorder.
    pub desk: Desk,
    /// Pictures, keys, hashing, throttle.
    pub access: Access,
    /// Long work; its thread is started by whoever serves.
    pub jobs: Worker,
    /// Releases that were read before.
    pub shelf: Shelf,
    /// Counts and times.
    pub metrics: Metrics,
    /// See [`DEADLINE`]; tests take a shorter one.
    pub deadline: Duration,
    description: Arc<String>,
}

impl Parts {
    /// Puts the parts together on an open database.
    ///
    /// # Errors
    /// The database's, or the operating system's.
    pub fn new(db: Db, keys: Keys) -> Result<Parts> {
        let pictures = Pictures::load(&db)?;
        let thread = |error: std::io::Error| Error::Fault(format!("no thread: {error}"));
        pictures.watch().map_err(thread)?;
        let recorder = Recorder::start(db.clone()).map_err(thread)?;
        let description = serde_json::to_string(&routes::openapi())
            .map_err(|error| Error::Fault(format!("the API description cannot be written: {error}")))?;
        let jobs = Worker::new(db.clone(), pictures.clone(), HOOKS, work, keep_up);
        Ok(Parts {
            jobs,
            desk: Desk { db, hooks: HOOKS, recorder },
            access: Access {
                pictures,
                keys: Arc::new(keys),
                hashing: Hashing::default(),
                throttle: Arc::new(Throttle::default()),
            },
            shelf: Shelf::default(),
            metrics: Metrics::default(),
            deadline: DEADLINE,
            description: Arc::new(description),
        })
    }

    /// The application for one worker.
    pub fn app(
        &self,
    ) -> actix_web::App<
        impl actix_web::dev::ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + use<>>,
            Error = actix_web::Error,
            InitError = (),
        > + use<>,
    > {
        let parts = self.clone();
        actix_web::App::new()
            .app_data(web::Data::new(self.desk.clone()))
            .app_data(web::Data::new(self.access.clone()))
            .app_data(web::Data::new(self.jobs.clone()))
            .app_data(web::Data::new(self.shelf.clone()))
            .app_data(web::Data::new(self.clone()))
            .configure(routes::configure)
            .route("/livez", web::get().to(livez))
            .route("/readyz", web::get().to(readyz))
            .route("/api/openapi.json", web::get().to(description))
            .route("/docs/errors", web::get().to(errors))
            .route("/docs", web::get().to(to_docs))
            .service(
                utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}")
                    .config(utoipa_swagger_ui::Config::from("/api/openapi.json")),
            )
            .default_service(web::to(not_found))
            .wrap(Compress::default())
            .wrap(
                DefaultHeaders::new()
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                    .add((header::REFERRER_POLICY, "no-referrer"))
                    .add((header::X_FRAME_OPTIONS, "DENY"))
                    .add((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000")),
            )
            .wrap(from_fn(move |request, next| observe(parts.clone(), request, next)))
    }
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok")
}

async fn readyz(parts: web::Data<Parts>) -> Result<HttpResponse> {
    let pictures = parts.access.pictures.clone();
    crate::web::blocking(move || pictures.look()).await.map_err(|_| Problem::of(Code::Busy).after(1))?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready"))
}

async fn description(parts: web::Data<Parts>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(parts.description.as_str().to_owned())
}

async fn errors() -> HttpResponse {
    HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(errors_page())
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

async fn not_found() -> Result<HttpResponse> {
    Err(Code::NotFound.into())
}

/// Gives each request its id, its deadline, its line in the log and its place in the metrics. The log has the route's
/// pattern and never the path, the query or the body.
async fn observe<B: MessageBody + 'static>(
    parts: Parts,
    request: ServiceRequest,
    next: Next<B>,
) -> std::result::Result<ServiceResponse<B>, actix_web::Error> {
    let id = parts.desk.db.ids().next::<kind::Command>().uuid();
    let method = request.method().as_str().to_owned();
    let route = request.match_pattern().unwrap_or_else(|| "(none)".into());
    let started = Instant::now();
    let value = header::HeaderValue::from_str(&id.to_string()).ok();
    let name = || header::HeaderName::from_static("x-request-id");
    let outcome = REQUEST_ID
        .scope(id, async {
            match actix_web::rt::time::timeout(parts.deadline, next.call(request)).await {
                Ok(outcome) => outcome,
                // The request went into the call and is gone with it, so the answer travels as an error.
                Err(_) => {
                    let mut response = Problem::of(Code::Timeout).response();
                    response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
                    if let Some(value) = &value {
                        response.headers_mut().insert(name(), value.clone());
                    }
                    Err(InternalError::from_response("deadline", response).into())
                }
            }
        })
        .await
        .map(|mut response: ServiceResponse<B>| {
            if let Some(value) = &value {
                response.headers_mut().insert(name(), value.clone());
            }
            response
        });
    let status = match &outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    let took = started.elapsed();
    tracing::info!(
        request_id = %id,
        method,
        route,
        status,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let labels = Labels { method, route, status };
    parts.metrics.requests.get_or_create(&labels).inc();
    parts.metrics.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    outcome
}
