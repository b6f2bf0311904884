//! What tests stand on: a database of their own on the engine under test, a world of organisations and users, and a client.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

pub mod care;
pub mod database;
pub mod facts;
pub mod office;
pub mod page;
pub mod register;
pub mod rows;
pub mod world;

pub use database::TestDb;
pub use office::{Office, Snapshot};
pub use world::{Answer, World};

/// Has all done side by side: each is on its way before the first is answered.
pub async fn all_at_once<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in all.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
