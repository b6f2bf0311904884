//! `/auth`, `/me`, `/users`, `/roles`.
mod auth;
mod glass;
mod grants;
mod invite;
mod me;
mod races;
mod users;

use crate::samples::{PASSWORD, set_password};
use crate::support::{Answer, World};
use serde_json::json;

/// The e-mail of a user of the world.
pub fn email(user: &str) -> String {
    format!("{}@example.org", user.replace('@', "."))
}

/// Gives a user of the world a password and logs him in.
pub async fn log_in(world: &World, user: &str) -> Answer {
    set_password(world, world.users[user]);
    try_log_in(world, &email(user), PASSWORD).await.expect(200)
}

pub async fn try_log_in(world: &World, login: &str, password: &str) -> Answer {
    world.post("/auth/login").json(json!({"login": login, "password": password})).send().await
}

/// The status of `GET /me` with a token: whether it lets in.
pub async fn me(world: &World, token: &str) -> u16 {
    world.get("/me").token(token).send().await.status
}
