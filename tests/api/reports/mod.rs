//! Months, releases, reports.
mod periods;
mod report;
mod tables;
