//! `/products`
mod add;
mod change;
mod publish;
mod read;
