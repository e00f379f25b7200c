//! A chain with two complete merchants and everything that can be confused between
//! them: keys, products, intents, entitlements, token accounts and mints.

use crate::World;
use crate::world::{DAY, FUNDS, PRICE, REFUND_WINDOW};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeMap;
use tollgate_client::accounts::ProgramAccount;
use tollgate_client::instructions::{NewIntent, NewProduct, Payment};
use tollgate_client::{
    Addresses, Amount, Credits, IntentTerms, Offer, PaymentId, PaymentIntent, Product, Quote, Slug,
    UnixSeconds,
};
use tollgate_localnet::test_keypair;

/// What sort of account stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A key that can sign.
    Key,
    /// A merchant account.
    Merchant,
    /// A product.
    Product,
    /// A payment intent.
    Intent,
    /// An entitlement.
    Entitlement,
    /// A mint.
    Mint,
    /// A token account.
    TokenAccount,
    /// An executable account.
    Program,
    /// No account at all.
    Nothing,
}

/// An account of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its address.
    pub address: Pubkey,
    /// What it is.
    pub kind: Kind,
}

/// The world with all of its accounts by name. The rival's begin with `rival `.
pub struct Stage {
    /// The chain.
    pub world: World,
    /// Every named account.
    pub figures: BTreeMap<String, Figure>,
    keys: BTreeMap<Pubkey, Keypair>,
    next_payment_id: u8,
}

/// The second universe's prefix.
pub const RIVAL: &str = "rival ";

impl Stage {
    /// Sets the stage.
    pub fn new(world: World) -> Self {
        let mut stage = Self {
            world,
            figures: BTreeMap::new(),
            keys: BTreeMap::new(),
            next_payment_id: 1,
        };
        let mint = stage.world.mint;
        stage.name("mint", Kind::Mint, mint);
        let other_mint = test_keypair("other mint").pubkey();
        stage.world.put_mint(other_mint, None);
        stage.name("other mint", Kind::Mint, other_mint);
        for (name, address) in [
            ("SPL Token", spl_token_interface::ID),
            ("system program", solana_system_interface::program::ID),
            ("this program", tollgate_client::PROGRAM_ID),
            (
                "Token-2022",
                solana_pubkey::pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
            ),
        ] {
            assert!(stage.world.runtime.account(&address).is_some(), "{name}");
            stage.name(name, Kind::Program, address);
        }
        for universe in ["", RIVAL] {
            stage.people(universe);
            stage.shop(universe);
            stage.intents(universe);
            stage.deposits(universe);
        }
        stage.key("newcomer");
        let newcomer = stage.at("newcomer");
        let merchant = stage.world.addresses.merchant(&newcomer);
        stage.name("new merchant", Kind::Nothing, merchant);
        let slug = Slug::new("new").unwrap();
        let product = stage.world.addresses.product(&stage.at("merchant"), &slug);
        stage.name("new product", Kind::Nothing, product);
        let intent =
            stage
                .world
                .addresses
                .intent(&stage.at("merchant"), &stage.at("payer"), &NEW_PAYMENT);
        stage.name("new intent", Kind::Nothing, intent);
        let nowhere = test_keypair("nowhere").pubkey();
        stage.name("nowhere", Kind::Nothing, nowhere);
        stage
    }

    /// The address of a named account.
    pub fn at(&self, name: &str) -> Pubkey {
        self.figures
            .get(name)
            .unwrap_or_else(|| panic!("nobody is called {name}"))
            .address
    }

    /// The name of an address.
    pub fn name_of(&self, address: &Pubkey) -> &str {
        self.figures
            .iter()
            .find(|(_, figure)| figure.address == *address)
            .map(|(name, _)| name.as_str())
            .unwrap_or_else(|| panic!("{address} has no name"))
    }

    /// The key that signs for an address, if there is one.
    pub fn keypair(&self, address: &Pubkey) -> Option<&Keypair> {
        self.keys.get(address)
    }

    /// The decoded account of a name.
    pub fn read<T: ProgramAccount>(&mut self, name: &str) -> T {
        let address = self.at(name);
        self.world.read(&address).expect("the account exists")
    }

    fn name(&mut self, name: impl Into<String>, kind: Kind, address: Pubkey) {
        let name = name.into();
        let before = self.figures.insert(name.clone(), Figure { address, kind });
        assert!(before.is_none(), "{name} is on the stage twice");
    }

    fn key(&mut self, name: impl Into<String>) {
        let name = name.into();
        let keypair = test_keypair(&format!("substitution {name}"));
        self.world.fund(&keypair.pubkey());
        self.name(name, Kind::Key, keypair.pubkey());
        self.keys.insert(keypair.pubkey(), keypair);
    }

    fn act(&mut self, instruction: solana_instruction::Instruction, signers: &[&str]) {
        let keys: Vec<Keypair> = signers
            .iter()
            .map(|name| self.keys[&self.at(name)].insecure_clone())
            .collect();
        let keys: Vec<&Keypair> = keys.iter().collect();
        self.world
            .send_numbered(&[instruction], &keys)
            .expect("the stage is set");
    }

    fn people(&mut self, universe: &str) {
        for role in [
            "owner",
            "operator",
            "payer",
            "other payer",
            "rent payer",
            "new authority",
        ] {
            self.key(format!("{universe}{role}"));
        }
        for (name, role, mint, associated) in [
            ("owner's purse", "owner", "mint", true),
            ("purse", "payer", "mint", true),
            ("second purse", "payer", "mint", false),
            ("purse of other mint", "payer", "other mint", true),
            ("other payer's purse", "other payer", "mint", true),
        ] {
            let owner = self.at(&format!("{universe}{role}"));
            let mint = self.at(mint);
            let address = if associated {
                Addresses::token_account(&owner, &mint)
            } else {
                test_keypair(&format!("substitution {universe}{name}")).pubkey()
            };
            self.world.put_tokens(address, mint, owner, FUNDS);
            self.name(format!("{universe}{name}"), Kind::TokenAccount, address);
        }
    }

    fn shop(&mut self, universe: &str) {
        let by = |name: &str| format!("{universe}{name}");
        let (owner, rent_payer) = (by("owner"), by("rent payer"));
        let (owner_key, rent_key) = (self.at(&owner), self.at(&rent_payer));
        let addresses = self.world.addresses;
        let merchant = addresses.merchant(&owner_key);
        let operator = self.at(&by("operator"));
        let create = addresses.create_merchant(owner_key, rent_key, operator);
        self.act(create, &[&owner, &rent_payer]);
        self.name(by("merchant"), Kind::Merchant, merchant);
        let authority = self.at(&by("new authority"));
        let propose = addresses.propose_authority(owner_key, merchant, authority);
        self.act(propose, &[&owner]);
        for (name, mint) in [("vault", "mint"), ("vault of other mint", "other mint")] {
            let mint = self.at(mint);
            let vault = addresses.vault(&merchant, &mint);
            self.world.put_tokens(vault, mint, merchant, PRICE);
            self.name(by(name), Kind::TokenAccount, vault);
        }
        for (name, mint, price, credits) in [
            ("product", "mint", PRICE, 0),
            ("other product", "mint", Amount(2 * PRICE.0), 0),
            ("metered product", "mint", Amount(3 * PRICE.0), 10),
            ("product in other mint", "other mint", PRICE, 0),
        ] {
            let new = NewProduct {
                slug: Slug::new(&name.replace(' ', "-")).unwrap(),
                mint: self.at(mint),
                price,
                access: DAY,
                credits: Credits(credits),
                refund_window: REFUND_WINDOW,
            };
            let create = addresses.create_product(owner_key, rent_key, merchant, &new);
            self.act(create, &[&owner, &rent_payer]);
            let product = addresses.product(&merchant, &new.slug);
            self.name(by(name), Kind::Product, product);
        }
    }

    fn intents(&mut self, universe: &str) {
        let by = |name: &str| format!("{universe}{name}");
        for (name, payer, product, entitlement) in [
            ("open intent", "payer", "product", ""),
            ("open intent of other payer", "other payer", "product", ""),
            (
                "open intent for other product",
                "payer",
                "other product",
                "",
            ),
            (
                "open intent in other mint",
                "payer",
                "product in other mint",
                "",
            ),
            ("cancelled intent", "payer", "product", ""),
            ("paid intent", "payer", "product", "entitlement"),
            (
                "paid intent of other payer",
                "other payer",
                "product",
                "entitlement of other payer",
            ),
            (
                "paid intent for other product",
                "payer",
                "other product",
                "entitlement to other product",
            ),
            (
                "paid intent for metered product",
                "payer",
                "metered product",
                "entitlement with credits",
            ),
            (
                "paid intent in other mint",
                "payer",
                "product in other mint",
                "entitlement paid in other mint",
            ),
        ] {
            let terms: Product = self.read(&by(product));
            let offer = Offer {
                amount: terms.price,
                access: terms.access,
                credits: terms.credits,
            };
            let creator = self.at(&by(payer));
            self.intent(
                universe,
                name,
                (payer, product, creator),
                IntentTerms::ListPrice(offer),
            );
            if entitlement.is_empty() {
                continue;
            }
            let intent: PaymentIntent = self.read(&by(name));
            let payment = Payment {
                rent_payer: self.at(&by("rent payer")),
                ..Payment::of_intent(self.at(&by(name)), &intent, creator, creator)
            };
            let addresses = self.world.addresses;
            self.act(addresses.pay(&payment), &[&by(payer), &by("rent payer")]);
            let address = addresses.entitlement(&intent.product, &creator);
            self.name(by(entitlement), Kind::Entitlement, address);
        }
        self.cancel(universe, "cancelled intent");
    }

    fn deposits(&mut self, universe: &str) {
        let by = |name: &str| format!("{universe}{name}");
        for (name, beneficiary, deposit) in [
            ("quote", "payer", "deposit"),
            (
                "quote for other payer",
                "other payer",
                "deposit of other payer",
            ),
            ("cancelled quote", "payer", "deposit to cancelled quote"),
        ] {
            let terms = IntentTerms::Quote(Quote {
                payer: Pubkey::default(),
                amount: PRICE,
                access: DAY,
                credits: Credits(0),
                refund_window: REFUND_WINDOW,
            });
            let beneficiary = self.at(&by(beneficiary));
            self.intent(universe, name, ("operator", "product", beneficiary), terms);
            let (intent, mint) = (self.at(&by(name)), self.at("mint"));
            let account = self.world.addresses.deposit(&intent, &mint);
            self.world.put_tokens(account, mint, intent, PRICE);
            self.name(by(deposit), Kind::TokenAccount, account);
        }
        self.cancel(universe, "cancelled quote");
        let (intent, other_mint) = (self.at(&by("cancelled quote")), self.at("other mint"));
        let stray = self.world.addresses.deposit(&intent, &other_mint);
        self.world.put_tokens(stray, other_mint, intent, PRICE);
        self.name(by("deposit in other mint"), Kind::TokenAccount, stray);
        let empty = self
            .world
            .addresses
            .deposit(&self.at(&by("cancelled intent")), &self.at("mint"));
        self.name(by("deposit nobody made"), Kind::Nothing, empty);
    }

    fn intent(
        &mut self,
        universe: &str,
        name: &str,
        (creator, product, beneficiary): (&str, &str, Pubkey),
        terms: IntentTerms,
    ) {
        let by = |name: &str| format!("{universe}{name}");
        let new = NewIntent {
            creator: self.at(&by(creator)),
            rent_payer: self.at(&by("rent payer")),
            merchant: self.at(&by("merchant")),
            product: self.at(&by(product)),
            payment_id: PaymentId([self.next_payment_id; 32]),
            expires_at: self.expiry(),
            beneficiary: Some(beneficiary),
            terms,
        };
        self.next_payment_id += 1;
        let addresses = self.world.addresses;
        self.act(
            addresses.create_intent(&new),
            &[&by(creator), &by("rent payer")],
        );
        let author = terms.author(new.merchant, new.creator);
        let address = addresses.intent(&new.merchant, &author, &new.payment_id);
        self.name(by(name), Kind::Intent, address);
    }

    fn cancel(&mut self, universe: &str, intent: &str) {
        let by = |name: &str| format!("{universe}{name}");
        let instruction = self.world.addresses.cancel_intent(
            self.at(&by("operator")),
            self.at(&by("merchant")),
            self.at(&by(intent)),
        );
        self.act(instruction, &[&by("operator")]);
    }

    /// An hour from now.
    pub fn expiry(&mut self) -> UnixSeconds {
        UnixSeconds(self.world.now().0 + 3_600)
    }
}

/// The payment id of "new intent".
pub const NEW_PAYMENT: PaymentId = PaymentId([200; 32]);
