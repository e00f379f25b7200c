//! The keys and the sale that a case is about.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_keypair::Keypair;
use solana_signer::Signer;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;
use std::rc::Rc;
use tollgate_client::Pubkey;
use tollgate_gate::exact::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

/// Amounts at which arithmetic tends to break.
const AMOUNTS: [u64; 5] = [1, 10_000, 1_000_000, u64::MAX - 1, u64::MAX >> 1];

/// Who takes part in a sale, and what is sold for how much. The keys are worth
/// nothing: they come from the corpus' seed.
pub struct World {
    /// The fee payer that the requirements name.
    pub relay: Keypair,
    /// Another key of the same service.
    pub other_relay: Keypair,
    /// Who pays.
    pub payer: Keypair,
    /// Somebody else.
    pub stranger: Keypair,
    /// What is paid with.
    pub mint: Pubkey,
    /// The mint's program.
    pub token_program: Pubkey,
    /// Who is paid: an address without a key.
    pub pay_to: Pubkey,
    /// How much.
    pub amount: u64,
    /// The memo that the requirements name, where they name one.
    pub memo: String,
    /// The blockhash.
    pub blockhash: [u8; 32],
}

impl World {
    /// A new sale among new keys.
    pub fn random(random: &mut StdRng) -> Rc<Self> {
        let mut keypair = || Keypair::new_from_array(random.random());
        let [relay, other_relay, payer, stranger] = [keypair(), keypair(), keypair(), keypair()];
        let program = Pubkey::new_from_array(random.random());
        let (pay_to, _) = Pubkey::find_program_address(&[b"intent"], &program);
        Rc::new(Self {
            relay,
            other_relay,
            payer,
            stranger,
            mint: Pubkey::new_from_array(random.random()),
            token_program: *[TOKEN_PROGRAM, TOKEN_PROGRAM, TOKEN_2022_PROGRAM]
                .choose(random)
                .expect("there are programs"),
            pay_to,
            amount: *AMOUNTS.choose(random).expect("there are amounts"),
            memo: format!("tollgate:{}", Pubkey::new_from_array(random.random())),
            blockhash: random.random(),
        })
    }

    /// Every key that can sign.
    pub fn keypairs(&self) -> [&Keypair; 4] {
        [&self.relay, &self.other_relay, &self.payer, &self.stranger]
    }

    /// The payer's token account.
    pub fn source(&self) -> Pubkey {
        self.token_account(&self.payer.pubkey())
    }

    /// The token account that is to be paid into.
    pub fn destination(&self) -> Pubkey {
        self.token_account(&self.pay_to)
    }

    /// The associated token account of `owner`.
    pub fn token_account(&self, owner: &Pubkey) -> Pubkey {
        get_associated_token_address_with_program_id(owner, &self.mint, &self.token_program)
    }
}
