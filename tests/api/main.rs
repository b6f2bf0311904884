//! The API, subject by subject; the tree of files is the tree of routes.
#[path = "../support/mod.rs"]
mod support;

mod access;
mod frame;
mod walk;
mod matrix;
mod organisations;
mod samples;
mod writes;
