//! Months, releases, reports.
mod bodies;
mod periods;
mod report;
mod tables;
