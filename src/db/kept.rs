//! Statements that stay prepared although their type does not tell their whole text. diesel prepares an update, and a list of
//! values, anew at each call, since it cannot know that their texts are few; whoever wraps one here knows it. On SQLite most
//! of a small statement's time is its parsing, on PostgreSQL it is a round trip.
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Insertable, QueryResult};
use std::marker::PhantomData;

/// A statement that is kept by its text.
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q> {
    query: Q,
    most: Option<&'static str>,
}

/// Keeps a statement of few texts prepared: an update that always sets the same columns and returns some (diesel asks a
/// statement that returns nothing in another way), or a list made by [`padded`].
pub fn kept<Q>(query: Q) -> Kept<Q> {
    Kept { query, most: None }
}

impl<Q> Kept<Q> {
    /// At most so many rows. The number stands in the text: SQLite plans by it, and would plan anew for one that is bound.
    pub fn at_most(self, most: &'static str) -> Self {
        Kept { most: Some(most), ..self }
    }
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Kept<Q> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(pass.reborrow())?;
        if let Some(most) = self.most {
            pass.push_sql(" LIMIT ");
            pass.push_sql(most);
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    /// It is found again by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Kept<Q> {}

/// A list for `eq_any` whose length is one of few: its last value once more, until there is a power of two of them.
pub fn padded<T: Clone>(values: &[T]) -> Vec<T> {
    let mut list = values.to_vec();
    if let Some(last) = values.last() {
        list.resize(values.len().next_power_of_two(), last.clone());
    }
    list
}

/// A statement that has one text, although its type does not tell it, as an insertion that passes over what is there already: it is
/// found again by a type that nothing else has, so that its text need not be made to look for it.
#[derive(Debug, Clone, Copy)]
pub struct OneText<Q, T>(Q, PhantomData<T>);

/// What is inserted, told apart by the columns that are named.
type Named<T, R> = <<R as Insertable<T>>::Values as QueryId>::QueryId;

/// Keeps an insertion of a row into a table under the place in the program where it stands, which `Place` names, and the row's columns.
pub fn one_text<Place: 'static, T, R: Insertable<T, Values: QueryId>, Q>(
    _: T,
    _: R,
    query: Q,
) -> OneText<Q, (Place, Named<T, R>)> {
    OneText(query, PhantomData)
}

/// Whether the text of an insertion is the same for every such row: not where columns without a value are left out of it.
pub fn has_one_text<T, R: Insertable<T, Values: QueryId>>(_: T, _: R) -> bool {
    <R::Values as QueryId>::HAS_STATIC_QUERY_ID
}

impl<DB: Backend, Q: QueryFragment<DB>, T> QueryFragment<DB> for OneText<Q, T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }
}

impl<Q, T: 'static> QueryId for OneText<Q, T> {
    type QueryId = T;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Q, T, C> RunQueryDsl<C> for OneText<Q, T> {}
