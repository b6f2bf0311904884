//! The API, subject by subject; the tree of files is the tree of routes.
#[path = "../support/mod.rs"]
mod support;

mod access;
mod frame;
mod matrix;
mod organisations;
mod samples;
mod walk;
mod writes;
