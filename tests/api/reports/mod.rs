//! `/organisations/{id}/reports/{name}`
mod month;
