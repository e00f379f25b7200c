#![allow(dead_code)]
mod ledger;
mod local;
mod owner;
mod shared;
mod store;
#[cfg(test)]
mod tests;
