//! Who may come in and how far: passwords, tokens, sessions, users, grants, roles, permissions, scopes and the guard.
//! Reads users, grants and links through its own store and knows nothing of the subjects below it.
pub mod approvals;
pub mod audit_http;
pub mod guard;
pub mod http;
pub mod keys;
pub mod machines;
pub mod machines_http;
pub mod model;
pub mod passwords;
pub mod permissions;
pub mod picture;
pub mod rules;
pub mod scopes;
pub mod service;
pub mod store;
pub mod throttle;
