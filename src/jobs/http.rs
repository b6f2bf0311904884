//! `/mutuals/{m}/jobs`: shapes and handlers.
use super::model::{Job, JobKind, JobState};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::web::{Ids, changed, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// Who is at a job.
#[derive(Serialize, ToSchema)]
pub struct LeaseView {
    /// A worker of a server.
    pub worker_id: WorkerId,
    /// From then on another goes on, where this one has not extended it.
    pub until_at: DateTime<Utc>,
}

/// Long work.
#[derive(Serialize, ToSchema)]
pub struct JobView {
    pub id: JobId,
    pub kind: JobKind,
    /// What it works on: the invoice.
    pub subject_id: SubjectId,
    pub state: JobState,
    /// Null where nobody is at it.
    pub lease: Option<LeaseView>,
    pub done: i64,
    pub total: i64,
    /// What came of it; null until it has ended. Of a job that failed, the code of the problem.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
    pub queued_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Job> for JobView {
    type Error = Error;

    fn try_from(job: Job) -> Result<Self> {
        Ok(JobView {
            id: job.id,
            kind: job.kind,
            subject_id: job.subject_id,
            state: job.state,
            lease: job
                .lease_by
                .zip(job.lease_until)
                .map(|(worker_id, until)| LeaseView { worker_id, until_at: until.and_utc() }),
            done: job.done,
            total: job.total,
            result: job.result.map(|text| kept(&text, "results")).transpose()?,
            queued_at: job.queued_at.and_utc(),
            ended_at: job.ended_at.map(|at| at.and_utc()),
        })
    }
}

/// `GET /mutuals/{m}/jobs/{id}`
pub async fn get(guard: Guard<need::JobRead, MutualScope>, path: Ids<(OrganisationId, JobId)>) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard
        .read(move |r, scope| {
            let job = store::find(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
            JobView::try_from(job)
        })
        .await?;
    Ok(shown(&view))
}

/// `POST /mutuals/{m}/jobs/{id}/cancel`
pub async fn cancel(
    guard: Guard<need::JobCancel, MutualScope>,
    path: Ids<(OrganisationId, JobId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.plain_order()?;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let job = store::find(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                if !job.state.is_alive() || !store::end(w, &job, JobState::Cancelled, None, None)? {
                    return Err(Problem::with(Code::WrongState, "the job has ended").into());
                }
                w.names("job", id.uuid());
                w.field("state", Some(serde_json::json!(job.state)), Some(serde_json::json!(JobState::Cancelled)));
                Ok(())
            },
            move |r, scope, _| {
                let job = store::find(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                JobView::try_from(job)
            },
        )
        .await?;
    Ok(changed(replayed, None, &view))
}
