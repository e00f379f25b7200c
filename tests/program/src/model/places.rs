//! Who takes part, and every address that can come into being.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tollgate_client::{Addresses, PaymentId, Slug};
use tollgate_localnet::test_keypair;

/// Both merchants sell products under these names, in whatever mint.
pub const SLUGS: usize = 3;

/// Payment ids in use: few, so that they are used again after a close; more for
/// quotes, whose author is always the merchant.
pub fn payment_ids(quoted: bool) -> u8 {
    if quoted { 16 } else { 4 }
}

/// The cast and its addresses: the same for every seed.
pub struct Places {
    pub addresses: Addresses,
    pub fee_payer: Keypair,
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
    /// By product and beneficiary.
    pub entitlements: BTreeMap<(Pubkey, Pubkey), Pubkey>,
    pub names: BTreeMap<Pubkey, String>,
}

impl Places {
    /// Derived once in a process: derivations are what costs most here.
    pub fn get() -> &'static Self {
        static PLACES: OnceLock<Places> = OnceLock::new();
        PLACES.get_or_init(Self::derive)
    }

    pub fn slug(number: usize) -> Slug {
        Slug::new(&format!("product-{number}")).unwrap()
    }

    fn derive() -> Self {
        let addresses = Addresses::default();
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
        let (owners, operators) = (cast("owner", 2), cast("operator", 2));
        let (payers, strangers) = (cast("payer", 3), cast("stranger", 2));
        let everybody = [&owners[..], &operators, &payers, &strangers].concat();
        let mints = vec![
            tollgate_localnet::USDC_MINT,
            test_keypair("model second mint").pubkey(),
        ];
        names.insert(Pubkey::default(), "nobody".to_owned());
        for (number, mint) in mints.iter().enumerate() {
            names.insert(*mint, format!("mint{number}"));
        }
        let merchants: Vec<_> = owners.iter().map(|key| addresses.merchant(key)).collect();
        let mut places = Self {
            addresses,
            fee_payer: test_keypair("model fee payer"),
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
            entitlements: BTreeMap::new(),
            names,
        };
        places.derive_rest();
        places
    }

    fn derive_rest(&mut self) {
        for (number, merchant) in self.merchants.clone().into_iter().enumerate() {
            self.names
                .insert(merchant, format!("merchant{}", number + 1));
            for slug in 0..SLUGS {
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
            let authors = [&[merchant, self.strangers[0]], &self.payers[..]].concat();
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
        for key in self.everybody.clone() {
            for mint in self.mints.clone() {
                let purse = Addresses::token_account(&key, &mint);
                self.name(purse, format!("purse:{}", self.names[&mint]), key);
                self.purses.insert((key, mint), purse);
            }
        }
    }

    fn name(&mut self, address: Pubkey, what: String, of: Pubkey) {
        let name = format!("{what}@{}", self.names[&of]);
        self.names.insert(address, name);
    }
}
