//! One file an instruction: arguments, accounts, handler. A handler checks, lets
//! the state decide, moves tokens, and emits an event.

pub mod accept_authority;
pub mod cancel_intent;
pub mod close_entitlement;
pub mod close_intent;
pub mod close_product;
pub mod consume;
pub mod create_intent;
pub mod create_merchant;
pub mod create_product;
pub mod pay;
pub mod propose_authority;
pub mod reclaim_deposit;
pub mod record_payment;
pub mod refund;
pub mod revoke;
pub mod settle_deposit;
pub mod update_merchant;
pub mod update_product;
pub mod withdraw;

pub use accept_authority::*;
pub use cancel_intent::*;
pub use close_entitlement::*;
pub use close_intent::*;
pub use close_product::*;
pub use consume::*;
pub use create_intent::*;
pub use create_merchant::*;
pub use create_product::*;
pub use pay::*;
pub use propose_authority::*;
pub use reclaim_deposit::*;
pub use record_payment::*;
pub use refund::*;
pub use revoke::*;
pub use settle_deposit::*;
pub use update_merchant::*;
pub use update_product::*;
pub use withdraw::*;
