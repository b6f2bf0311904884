mod certificate;
mod docs;
mod issue;
mod verify;

use crate::support::care::Covered;

/// A household's members with their cards in the order of registration, the principal first: the answer lists them by id,
/// and ids of one instant have no order.
fn in_order(home: Covered) -> Covered {
    let mut all: Vec<(String, String)> = home.cards.into_iter().zip(home.members).collect();
    all.sort();
    let (cards, members) = all.into_iter().unzip();
    Covered { cards, members, ..home }
}
