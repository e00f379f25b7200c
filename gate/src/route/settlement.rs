//! Where the money of a plain transfer goes.

/// Where a client's plain transfer goes to (docs/payments.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settlement {
    /// Into a token account of the payment intent: held until it is settled, and it
    /// goes back if it cannot be.
    #[default]
    Deposit,
    /// Straight into the vault, and recorded on the operator's word: for products that
    /// are sold by the call.
    Vault,
}

impl Settlement {
    /// Every way with its name in a configuration.
    pub const ALL: [(&str, Self); 2] = [("deposit", Self::Deposit), ("vault", Self::Vault)];
}
