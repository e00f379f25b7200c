//! Who takes part, and every address that can come into being.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tollgate_client::{Addresses, PaymentId, Slug};
use tollgate_localnet::test_keypair;

/// Every merchant sells products under these names, in whatever mint; one more name
/// is no valid one.
pub const SLUGS: usize = 3;
/// Decimals of each mint.
pub const DECIMALS: [u8; 2] = [6, 9];

/// Payment ids in use: few, so that they are used again after a close; more for
/// quotes, whose author is always the merchant.
pub fn payment_ids(quoted: bool) -> u8 {
    if quoted { 16 } else { 4 }
}

/// What can be at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lamports of somebody who signs.
    Wallet,
    Merchant,
    Product,
    Intent,
    Entitlement,
    Tokens,
}

/// The cast and its addresses: the same for every seed.
pub struct Places {
    pub addresses: Addresses,
    pub fee_payer: Keypair,
    /// The freeze authority of both mints.
    pub warden: Pubkey,
    pub keys: BTreeMap<Pubkey, Keypair>,
    pub owners: Vec<Pubkey>,
    pub operators: Vec<Pubkey>,
    pub payers: Vec<Pubkey>,
    pub strangers: Vec<Pubkey>,
    pub everybody: Vec<Pubkey>,
    pub mints: Vec<Pubkey>,
    pub merchants: Vec<Pubkey>,
    /// By owner and mint.
    pub purses: BTreeMap<(Pubkey, Pubkey), Pubkey>,
    /// By merchant and mint.
    pub vaults: BTreeMap<(Pubkey, Pubkey), Pubkey>,
    /// By merchant and number of the slug.
    pub products: BTreeMap<(Pubkey, usize), Pubkey>,
    /// By merchant, author and payment id.
    pub intents: BTreeMap<(Pubkey, Pubkey, u8), Pubkey>,
    /// By intent and mint.
    pub deposits: BTreeMap<(Pubkey, Pubkey), Pubkey>,
    /// Token accounts at addresses that nothing leads to.
    pub strays: Vec<Pubkey>,
    /// By product and beneficiary.
    pub entitlements: BTreeMap<(Pubkey, Pubkey), Pubkey>,
    pub names: BTreeMap<Pubkey, String>,
    /// Every address above that an account of the model can be at.
    pub kinds: BTreeMap<Pubkey, Kind>,
}

impl Places {
    /// Derived once in a process: derivations are what costs most here.
    pub fn get() -> &'static Self {
        static PLACES: OnceLock<Places> = OnceLock::new();
        PLACES.get_or_init(Self::derive)
    }

    /// The slug of this number; from [`SLUGS`] on none that a product may have.
    pub fn slug(number: usize) -> Slug {
        if number < SLUGS {
            Slug::new(&format!("product-{number}")).unwrap()
        } else {
            Slug([b'A'; 32])
        }
    }

    /// Where the tokens of `owner` in `mint` are, whoever that is.
    pub fn associated(&self, owner: Pubkey, mint: Pubkey) -> Pubkey {
        let key = (owner, mint);
        *(self.purses.get(&key))
            .or_else(|| self.vaults.get(&key))
            .or_else(|| self.deposits.get(&key))
            .expect("everybody has a place for every mint")
    }

    /// The merchant that `owner` can create.
    pub fn merchant_of(&self, owner: &Pubkey) -> Pubkey {
        let position = self.owners.iter().position(|known| known == owner);
        self.merchants[position.expect("an owner")]
    }

    /// The decimals of `mint`.
    pub fn decimals(&self, mint: &Pubkey) -> u8 {
        let position = self.mints.iter().position(|known| known == mint);
        DECIMALS[position.expect("a mint")]
    }

    fn derive() -> Self {
        let mut keys = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut cast = |role: &str, count: usize| -> Vec<Pubkey> {
            (1..=count)
                .map(|number| {
                    let keypair = test_keypair(&format!("model {role} {number}"));
                    let key = keypair.pubkey();
                    names.insert(key, format!("{role}{number}"));
                    keys.insert(key, keypair);
                    key
                })
                .collect()
        };
        let (owners, operators) = (cast("owner", 3), cast("operator", 2));
        let (payers, strangers) = (cast("payer", 3), cast("stranger", 2));
        let (strays, warden) = (cast("stray", 8), cast("warden", 1)[0]);
        let everybody = [&owners[..], &operators, &payers, &strangers].concat();
        let mints = vec![
            tollgate_localnet::USDC_MINT,
            test_keypair("model second mint").pubkey(),
        ];
        names.insert(Pubkey::default(), "nobody".to_owned());
        for (number, mint) in mints.iter().enumerate() {
            names.insert(*mint, format!("mint{number}"));
        }
        let addresses = Addresses::default();
        let merchants: Vec<_> = owners.iter().map(|key| addresses.merchant(key)).collect();
        let mut places = Self {
            addresses,
            fee_payer: test_keypair("model fee payer"),
            warden,
            keys,
            owners,
            operators,
            payers,
            strangers,
            everybody,
            mints,
            merchants,
            purses: BTreeMap::new(),
            vaults: BTreeMap::new(),
            products: BTreeMap::new(),
            intents: BTreeMap::new(),
            deposits: BTreeMap::new(),
            strays,
            entitlements: BTreeMap::new(),
            names,
            kinds: BTreeMap::new(),
        };
        for (number, merchant) in places.merchants.clone().into_iter().enumerate() {
            let name = format!("merchant{}", number + 1);
            places.names.insert(merchant, name);
            places.derive_shop(merchant);
        }
        for key in places.everybody.clone() {
            for mint in places.mints.clone() {
                let purse = Addresses::token_account(&key, &mint);
                places.name(purse, format!("purse:{}", places.names[&mint]), key);
                places.purses.insert((key, mint), purse);
            }
        }
        places.kinds = places.sort();
        places
    }

    fn derive_shop(&mut self, merchant: Pubkey) {
        for slug in 0..=SLUGS {
            let product = self.addresses.product(&merchant, &Self::slug(slug));
            self.name(product, format!("product{slug}"), merchant);
            self.products.insert((merchant, slug), product);
            for key in self.everybody.clone() {
                let entitlement = self.addresses.entitlement(&product, &key);
                let of = format!("entitlement:{}", self.names[&key]);
                self.name(entitlement, of, product);
                self.entitlements.insert((product, key), entitlement);
            }
        }
        let authors = [&[merchant][..], &self.strangers, &self.payers].concat();
        for author in authors {
            for id in 0..payment_ids(author == merchant) {
                let payment_id = PaymentId([id; 32]);
                let intent = self.addresses.intent(&merchant, &author, &payment_id);
                let of = format!("intent{id}:{}", self.names[&author]);
                self.name(intent, of, merchant);
                self.intents.insert((merchant, author, id), intent);
                for mint in self.mints.clone() {
                    let deposit = Addresses::token_account(&intent, &mint);
                    self.name(deposit, format!("deposit:{}", self.names[&mint]), intent);
                    self.deposits.insert((intent, mint), deposit);
                }
            }
        }
        for mint in self.mints.clone() {
            let vault = self.addresses.vault(&merchant, &mint);
            self.name(vault, format!("vault:{}", self.names[&mint]), merchant);
            self.vaults.insert((merchant, mint), vault);
        }
    }

    fn sort(&self) -> BTreeMap<Pubkey, Kind> {
        let of = |kind: Kind| move |address: &Pubkey| (*address, kind);
        (self.everybody.iter().map(of(Kind::Wallet)))
            .chain(self.merchants.iter().map(of(Kind::Merchant)))
            .chain(self.products.values().map(of(Kind::Product)))
            .chain(self.intents.values().map(of(Kind::Intent)))
            .chain(self.entitlements.values().map(of(Kind::Entitlement)))
            .chain(self.purses.values().map(of(Kind::Tokens)))
            .chain(self.vaults.values().map(of(Kind::Tokens)))
            .chain(self.deposits.values().map(of(Kind::Tokens)))
            .chain(self.strays.iter().map(of(Kind::Tokens)))
            .collect()
    }

    fn name(&mut self, address: Pubkey, what: String, of: Pubkey) {
        let name = format!("{what}@{}", self.names[&of]);
        self.names.insert(address, name);
    }
}
