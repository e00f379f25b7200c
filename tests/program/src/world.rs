//! A merchant, its products, a payer, and shorthands to act for them.

use crate::{Executed, Failure, Runtime};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::state::{Account as TokenAccount, AccountState, Mint};
use tollgate_client::accounts::{ProgramAccount, decode};
use tollgate_client::instructions::{NewIntent, NewProduct, Payment};
use tollgate_client::transaction::ComputeBudget;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, IntentTerms, Offer, PaymentId,
    PaymentIntent, Product, Purchase, Slug, TollgateError, UnixSeconds, transaction,
};
use tollgate_localnet::test_keypair;

/// Price of the day pass: 0.01 USDC.
pub const PRICE: Amount = Amount(10_000);
/// Access of the day pass.
pub const DAY: DurationSeconds = DurationSeconds(86_400);
/// What the payer starts with: 5 USDC.
pub const FUNDS: Amount = Amount(5_000_000);
/// The refund window of every product here.
pub const REFUND_WINDOW: DurationSeconds = DurationSeconds(3_600);

/// More compute units than any transaction here needs, and enough below the most
/// that a cluster grants for many numbers.
const MANY_UNITS: u32 = 1_000_000;

/// An embedded chain with a merchant and a payer.
pub struct World {
    /// The chain.
    pub runtime: Box<dyn Runtime>,
    /// Addresses of the program.
    pub addresses: Addresses,
    /// The merchant's owner and authority.
    pub owner: Keypair,
    /// The merchant's hot key.
    pub operator: Keypair,
    /// A customer with USDC and lamports.
    pub payer: Keypair,
    /// The test USDC.
    pub mint: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product "day-pass".
    pub product: Pubkey,
    /// How many transactions were told apart by a number.
    sent: u32,
}

impl World {
    /// A fresh chain on which the merchant sells a day pass.
    pub fn new(runtime: Box<dyn Runtime>) -> Self {
        let addresses = Addresses::default();
        let owner = test_keypair("merchant owner");
        let merchant = addresses.merchant(&owner.pubkey());
        let slug = Slug::new("day-pass").unwrap();
        let mut world = Self {
            runtime,
            addresses,
            operator: test_keypair("merchant operator"),
            payer: test_keypair("payer"),
            mint: tollgate_localnet::USDC_MINT,
            product: addresses.product(&merchant, &slug),
            merchant,
            owner,
            sent: 0,
        };
        let mut clock = world.runtime.clock();
        clock.unix_timestamp = 1_800_000_000;
        world.runtime.set_clock(clock);
        let mint = world.mint;
        world.put_mint(mint, None);
        for name in ["merchant owner", "merchant operator", "payer"] {
            world.fund(&test_keypair(name).pubkey());
        }
        let payer = world.payer.pubkey();
        world.put_tokens(Addresses::token_account(&payer, &mint), mint, payer, FUNDS);
        let owner = world.owner.insecure_clone();
        world.create_merchant(&owner);
        world.create_product(&owner, "day-pass", |_| {});
        world
    }

    /// Ten SOL.
    pub fn fund(&mut self, address: &Pubkey) {
        self.put_lamports(address, 10_000_000_000);
    }

    /// Exactly these lamports.
    pub fn put_lamports(&mut self, address: &Pubkey, lamports: u64) {
        self.runtime.set_account(
            *address,
            Account {
                lamports,
                ..Account::default()
            },
        );
    }

    /// A mint of SPL Token with six decimals.
    pub fn put_mint(&mut self, address: Pubkey, freeze_authority: Option<Pubkey>) {
        self.put_mint_of(address, 6, freeze_authority);
    }

    /// A mint of SPL Token.
    pub fn put_mint_of(&mut self, address: Pubkey, decimals: u8, freeze_authority: Option<Pubkey>) {
        let mint = Mint {
            mint_authority: None.into(),
            supply: u64::MAX / 2,
            decimals,
            is_initialized: true,
            freeze_authority: freeze_authority.into(),
        };
        self.put_packed(address, mint);
    }

    /// A token account that holds `amount`.
    pub fn put_tokens(&mut self, address: Pubkey, mint: Pubkey, owner: Pubkey, amount: Amount) {
        self.put_token_account(
            address,
            TokenAccount {
                mint,
                owner,
                amount: amount.0,
                state: AccountState::Initialized,
                ..TokenAccount::default()
            },
        );
    }

    /// A token account as given.
    pub fn put_token_account(&mut self, address: Pubkey, account: TokenAccount) {
        self.put_packed(address, account);
    }

    fn put_packed<T: Pack>(&mut self, address: Pubkey, value: T) {
        let mut data = vec![0; T::LEN];
        value.pack_into_slice(&mut data);
        let lamports = self.runtime.rent(data.len());
        let account = Account {
            lamports,
            data,
            owner: spl_token_interface::ID,
            ..Account::default()
        };
        self.runtime.set_account(address, account);
    }

    /// Creates the merchant of `owner`, with the world's operator.
    pub fn create_merchant(&mut self, owner: &Keypair) -> Pubkey {
        let merchant = self.addresses.merchant(&owner.pubkey());
        let (key, mint, operator) = (owner.pubkey(), self.mint, self.operator.pubkey());
        let instructions = [
            self.addresses.create_merchant(key, key, operator),
            self.addresses.create_vault(key, merchant, mint),
        ];
        self.send(&instructions, &[owner])
            .expect("the merchant is created");
        merchant
    }

    /// Publishes a product like the day pass, changed by `change`.
    pub fn create_product(
        &mut self,
        owner: &Keypair,
        slug: &str,
        change: impl FnOnce(&mut NewProduct),
    ) -> Pubkey {
        self.try_create_product(owner, slug, change)
            .expect("the product is created")
    }

    /// Like [`World::create_product`], with its failure.
    pub fn try_create_product(
        &mut self,
        owner: &Keypair,
        slug: &str,
        change: impl FnOnce(&mut NewProduct),
    ) -> Result<Pubkey, Failure> {
        let merchant = self.addresses.merchant(&owner.pubkey());
        let mut new = NewProduct {
            slug: Slug::new(slug).unwrap(),
            mint: self.mint,
            price: PRICE,
            access: DAY,
            credits: Credits(0),
            refund_window: REFUND_WINDOW,
        };
        change(&mut new);
        let create = self
            .addresses
            .create_product(owner.pubkey(), owner.pubkey(), merchant, &new);
        self.send(&[create], &[owner])?;
        Ok(self.addresses.product(&merchant, &new.slug))
    }

    /// Signs and executes; the first signer pays the fee. The real transaction
    /// is built by the client, so its size limit holds in every scenario.
    pub fn send(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Executed, Failure> {
        let blockhash = self.runtime.fresh_blockhash();
        let transaction = transaction::sign(instructions, blockhash, signers[0], &signers[1..])
            .expect("it is signed");
        self.runtime.execute(transaction)
    }

    /// Like [`World::send`], without a blockhash of its own, for which some runtimes
    /// have to be waited for: see [`World::numbered`].
    pub fn send_numbered(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Executed, Failure> {
        let numbered = self.numbered(instructions);
        self.sent += 1;
        let blockhash = self.runtime.recent_blockhash();
        let transaction = transaction::sign(&numbered, blockhash, signers[0], &signers[1..])
            .expect("it is signed");
        self.runtime.execute(transaction)
    }

    /// The instructions, and behind them a limit of compute units that no other
    /// transaction asks for, so that the same can be sent again.
    pub fn numbered(&self, instructions: &[Instruction]) -> Vec<Instruction> {
        let budget = ComputeBudget {
            units: MANY_UNITS + self.sent,
            price: 0,
        };
        [instructions, &budget.instructions()].concat()
    }

    /// Executes what must be refused with `expected`, and makes sure that no
    /// account of the instructions changed, apart from the fee.
    pub fn refused(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        expected: TollgateError,
    ) {
        let failure = self.fails(instructions, signers);
        assert_eq!(failure.program(), Some(expected), "{failure:#?}");
    }

    /// Executes what must fail, and makes sure that nothing changed but the fee.
    pub fn fails(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Failure {
        let touched: Vec<Pubkey> = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .map(|meta| meta.pubkey)
            .filter(|key| *key != signers[0].pubkey())
            .collect();
        let before: Vec<_> = touched
            .iter()
            .map(|key| self.runtime.account(key))
            .collect();
        let failure = self.send(instructions, signers).expect_err("it is refused");
        let after: Vec<_> = touched
            .iter()
            .map(|key| self.runtime.account(key))
            .collect();
        assert_eq!(before, after, "a refused transaction changed an account");
        failure
    }

    /// Chain time.
    pub fn now(&mut self) -> UnixSeconds {
        UnixSeconds(self.runtime.clock().unix_timestamp)
    }

    /// Sets chain time.
    pub fn set_time(&mut self, now: UnixSeconds) {
        let mut clock = self.runtime.clock();
        clock.unix_timestamp = now.0;
        self.runtime.set_clock(clock);
    }

    /// A decoded and checked account of the program.
    pub fn read<T: ProgramAccount>(&mut self, address: &Pubkey) -> Option<T> {
        let account = self
            .runtime
            .account(address)
            .filter(|account| account.lamports > 0)?;
        Some(decode(&self.addresses, address, &account).expect("it decodes"))
    }

    /// What a token account holds.
    pub fn tokens(&mut self, address: &Pubkey) -> Amount {
        let account = self
            .runtime
            .account(address)
            .expect("the token account exists");
        Amount(
            TokenAccount::unpack(&account.data)
                .expect("it is a token account")
                .amount,
        )
    }

    /// Lamports of an account; 0 when there is none.
    pub fn lamports(&mut self, address: &Pubkey) -> u64 {
        self.runtime
            .account(address)
            .map_or(0, |account| account.lamports)
    }

    /// What the world's vault holds.
    pub fn vault_balance(&mut self) -> Amount {
        let vault = self.vault();
        self.tokens(&vault)
    }

    /// The world's vault.
    pub fn vault(&self) -> Pubkey {
        self.addresses.vault(&self.merchant, &self.mint)
    }

    /// The payer's token account.
    pub fn purse(&self) -> Pubkey {
        Addresses::token_account(&self.payer.pubkey(), &self.mint)
    }

    /// A purchase of `product` by the payer, payable for an hour.
    pub fn purchase(&mut self, product: &Pubkey, id: u8) -> Purchase {
        let terms: Product = self.read(product).expect("the product exists");
        let expires_at = UnixSeconds(self.now().0 + 3_600);
        Purchase::of_product(
            *product,
            &terms,
            self.payer.pubkey(),
            PaymentId([id; 32]),
            expires_at,
        )
    }

    /// Buys `product` for the payer in one transaction.
    pub fn buy(&mut self, product: &Pubkey, id: u8) -> (Purchase, Executed) {
        let purchase = self.purchase(product, id);
        let payer = self.payer.insecure_clone();
        let executed = self
            .send(&purchase.instructions(&self.addresses), &[&payer])
            .expect("the purchase succeeds");
        (purchase, executed)
    }

    /// The payer's entitlement to `product`.
    pub fn entitlement(&mut self, product: &Pubkey) -> Option<Entitlement> {
        let address = self.addresses.entitlement(product, &self.payer.pubkey());
        self.read(&address)
    }

    /// An open list-price intent of the payer and the payment that fits it.
    pub fn open_intent(&mut self, id: u8) -> (Pubkey, Payment) {
        let offer = Offer {
            amount: PRICE,
            access: DAY,
            credits: Credits(0),
        };
        let payer = self.payer.insecure_clone();
        let new = self.new_intent(&payer, id, IntentTerms::ListPrice(offer));
        self.create_intent(&new, &payer)
    }

    /// What `create_intent` needs for the day pass, payable for an hour, for the
    /// payer's benefit.
    pub fn new_intent(&mut self, creator: &Keypair, id: u8, terms: IntentTerms) -> NewIntent {
        NewIntent {
            creator: creator.pubkey(),
            rent_payer: creator.pubkey(),
            merchant: self.merchant,
            product: self.product,
            payment_id: PaymentId([id; 32]),
            expires_at: UnixSeconds(self.now().0 + 3_600),
            beneficiary: Some(self.payer.pubkey()),
            terms,
        }
    }

    /// Creates an intent; answers with its address and the payment by the payer.
    pub fn create_intent(&mut self, new: &NewIntent, creator: &Keypair) -> (Pubkey, Payment) {
        self.send(&[self.addresses.create_intent(new)], &[creator])
            .expect("the intent is created");
        let author = new.terms.author(new.merchant, new.creator);
        let address = self
            .addresses
            .intent(&new.merchant, &author, &new.payment_id);
        let intent: PaymentIntent = self.read(&address).expect("the intent exists");
        let payer = self.payer.pubkey();
        (address, Payment::of_intent(address, &intent, payer, payer))
    }
}
