//! `/mutuals/{m}/payments`, `/dues`, `/cash-desks`
mod pay;
mod read;
