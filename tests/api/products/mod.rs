//! `/products`
mod add;
mod change;
mod price;
mod publish;
mod read;
