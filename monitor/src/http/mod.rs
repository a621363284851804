//! Stage 3: stream events to HTTP transactions. Must not know about packets or abuse.
//!
//! ```text
//! StreamEvent -> connection (is it HTTP?) -> exchange -> Side<Request>  -> pairing -> Transaction
//!                                                    `-> Side<Response> ---^
//! ```

pub mod anomaly;
pub mod connection;
pub mod name;
pub mod order;
pub mod shared;
pub mod stats;
pub mod transaction;

mod detect;
mod exchange;
mod h1;
mod hold;
mod pairing;
mod proxy;
