//! Wallets that know Solana Pay: what they pay for is found out, recorded once, and
//! never said to be open while money has moved.

use serde_json::Value;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_cli::commands::send::send;
use tollgate_client::{
    Addresses, Amount, IntentStatus, PaymentId, Rail, random_payment_id, transfer_payment_id,
};
use tollgate_e2e_tests::{Cluster, Service, local};
use tollgate_gate::exact::MEMO_PROGRAM;
use tollgate_localnet::Localnet;
use tollgate_verifier::config::{OperatorKey, RelayConfig};

use crate::scene::{FUNDS, PRICE, SLOT};

/// How long something that happens by itself may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A chain and a service whose relay records transfers.
struct Till {
    localnet: Localnet,
    cluster: Cluster,
    service: Service,
    http: reqwest::Client,
}

impl Till {
    async fn open() -> Self {
        let (localnet, cluster) = local(SLOT).await;
        let operator = cluster.wallet(10_000_000_000, Amount(0)).await;
        let key = OperatorKey::new(operator.insecure_clone());
        let service = Service::start_as(&cluster, &cluster.rpc_url, operator, |config| {
            config.relay = Some(RelayConfig::new(key));
        })
        .await;
        Self {
            localnet,
            cluster,
            service,
            http: reqwest::Client::new(),
        }
    }

    fn url(&self, id: &PaymentId, rest: &str) -> String {
        format!("{}/v1/pay/day-pass/{id}{rest}", self.service.url)
    }

    async fn get(&self, url: &str) -> (u16, Value) {
        let response = self.http.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["cache-control"], "no-store");
        (status, response.json().await.unwrap())
    }

    /// What the transfer request says.
    async fn request(&self, id: &PaymentId) -> Value {
        let (status, request) = self.get(&self.url(id, "/transfer")).await;
        assert_eq!(status, 200, "{request}");
        request
    }

    async fn status(&self, id: &PaymentId) -> Value {
        let (status, answer) = self.get(&self.url(id, "/status")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The status, once nothing is pending any more.
    async fn settled(&self, id: &PaymentId, rest: &str) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let url = self.url(id, &format!("/status{rest}"));
            let (status, answer) = self.get(&url).await;
            assert_eq!(status, 200, "{answer}");
            if !["open", "pending"].contains(&answer["status"].as_str().unwrap()) {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "{answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The status, once it is paid.
    async fn settled_paid(&self, id: &PaymentId) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.status(id).await;
            if answer["status"] == "paid" {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "{answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn wallet(&self) -> Keypair {
        self.cluster.wallet(100_000_000, FUNDS).await
    }

    async fn spent(&self, wallet: &Keypair) -> u64 {
        FUNDS.0 - self.cluster.balance(&wallet.pubkey()).await.0
    }

    /// A wallet's transfer, as the URL asks for it or otherwise.
    async fn transfer(&self, wallet: &Keypair, said: &Transfer<'_>) -> Signature {
        let payer = wallet.pubkey();
        let mut instructions = Vec::new();
        if let Some(memo) = said.memo {
            instructions.push(Instruction {
                program_id: MEMO_PROGRAM,
                accounts: vec![AccountMeta::new_readonly(payer, true)],
                data: memo.as_bytes().to_vec(),
            });
        }
        let merchant = self.service.merchant.address;
        let mint = self.cluster.mint;
        let mut transfer = spl_token_interface::instruction::transfer_checked(
            &spl_token_interface::ID,
            &Addresses::token_account(&payer, &mint),
            &mint,
            &Addresses::token_account(&merchant, &mint),
            &payer,
            &[],
            said.amount,
            6,
        )
        .unwrap();
        transfer.accounts.extend(
            said.reference
                .map(|reference| AccountMeta::new_readonly(reference, false)),
        );
        instructions.push(transfer);
        send(&self.cluster.chain(), &instructions, wallet)
            .await
            .unwrap()
    }

    /// How often the holder has paid.
    async fn payments(&self, holder: &Pubkey) -> u64 {
        let product = self.service.merchant.day_pass;
        let reading = self.cluster.chain().entitlement(&product, holder).await;
        let entitlement = reading.unwrap().entitlement;
        entitlement.map_or(0, |entitlement| entitlement.payments)
    }

    async fn close(self) {
        self.service.shutdown().await;
        self.localnet.shutdown().await;
    }
}

struct Transfer<'a> {
    amount: u64,
    memo: Option<&'a str>,
    reference: Option<Pubkey>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_transfer_is_found_by_its_reference_and_recorded_once() {
    let till = Till::open().await;
    let wallet = till.wallet().await;
    let id = random_payment_id();
    let request = till.request(&id).await;
    let uri = request["payment_uri"].as_str().unwrap();
    let merchant = till.service.merchant.address;
    assert!(uri.starts_with(&format!("solana:{merchant}?amount=0.01&spl-token=")));
    assert_eq!(request["amount"], PRICE.to_string());
    let reference: Pubkey = request["reference"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        reference,
        Addresses::default().quoted_intent(&merchant, &id)
    );
    assert_eq!(till.status(&id).await["status"], "open");

    let said = Transfer {
        amount: PRICE,
        memo: None,
        reference: Some(reference),
    };
    let signature = till.transfer(&wallet, &said).await;
    let answer = till.settled(&id, "").await;
    assert_eq!(answer["status"], "paid", "{answer}");
    assert_eq!(answer["signature"], signature.to_string());
    assert_eq!(answer["beneficiary"], wallet.pubkey().to_string());
    let product = till.service.merchant.day_pass;
    let entitlement = Addresses::default().entitlement(&product, &wallet.pubkey());
    assert_eq!(answer["entitlement"], entitlement.to_string());
    let chain = till.cluster.chain();
    let name = transfer_payment_id(signature.as_array());
    let recorded = Addresses::default().quoted_intent(&merchant, &name);
    assert_eq!(answer["intent"], recorded.to_string());
    let intent = chain.intent(&recorded).await.unwrap().unwrap();
    assert_eq!(
        (intent.status, intent.rail, intent.amount),
        (IntentStatus::Paid, Rail::Attested, Amount(PRICE))
    );

    // Asked again, by several at once: nothing more is granted or taken.
    let again = futures::future::join_all((0..8).map(|_| till.status(&id))).await;
    for answer in again {
        assert_eq!(answer["status"], "paid");
    }
    assert_eq!(till.payments(&wallet.pubkey()).await, 1);
    assert_eq!(till.spent(&wallet).await, PRICE);
    // The payer is served.
    let (status, standing) = till.service.check(&wallet).await;
    assert_eq!((status, &standing["has_access"]), (200, &true.into()));
    till.close().await;
}

/// Some wallets drop the reference, others the memo.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_without_its_reference_is_found_by_its_signature() {
    let till = Till::open().await;
    let wallet = till.wallet().await;
    let id = random_payment_id();
    let request = till.request(&id).await;
    let said = Transfer {
        amount: PRICE,
        memo: request["memo"].as_str(),
        reference: None,
    };
    let signature = till.transfer(&wallet, &said).await;
    assert_eq!(till.status(&id).await["status"], "open");
    let hint = format!("?signature={signature}");
    let answer = till.settled(&id, &hint).await;
    assert_eq!(answer["status"], "paid", "{answer}");
    // It paid for nothing else.
    let other = random_payment_id();
    let answer = till.settled(&other, &hint).await;
    assert_eq!(till.payments(&wallet.pubkey()).await, 1, "{answer}");
    let (status, answer) = till.get(&till.url(&id, "/status?signature=x")).await;
    assert_eq!((status, &answer["error"]), (400, &"query_invalid".into()));
    till.close().await;
}

/// Neither recorded nor called open: somebody's money may be in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_transfer_that_was_asked_for_is_said_to_be_so() {
    let till = Till::open().await;
    let wallet = till.wallet().await;
    let id = random_payment_id();
    let request = till.request(&id).await;
    let reference: Pubkey = request["reference"].as_str().unwrap().parse().unwrap();
    let wrong = Transfer {
        amount: PRICE - 1,
        memo: request["memo"].as_str(),
        reference: Some(reference),
    };
    let signature = till.transfer(&wallet, &wrong).await;
    let answer = till.settled(&id, "").await;
    assert_eq!(answer["status"], "unmatched", "{answer}");
    assert_eq!(answer["signature"], signature.to_string());
    assert_eq!(till.payments(&wallet.pubkey()).await, 0);
    // It stands in nobody's way.
    let right = Transfer {
        amount: PRICE,
        ..wrong
    };
    let other = till.wallet().await;
    let signature = till.transfer(&other, &right).await;
    let answer = till.settled_paid(&id).await;
    assert_eq!(answer["signature"], signature.to_string());
    assert_eq!(till.payments(&other.pubkey()).await, 1);
    till.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_does_not_answer_is_not_said_to_be_unpaid() {
    let till = Till::open().await;
    let id = random_payment_id();
    assert_eq!(till.status(&id).await["status"], "open");
    till.localnet.faults().refuse_connections(true);
    let (status, answer) = till.get(&till.url(&id, "/status")).await;
    assert_eq!(
        (status, &answer["error"]),
        (503, &"chain_unavailable".into())
    );
    till.localnet.faults().clear();
    till.close().await;
}

/// The program's own payment is found by the same reference, whoever pays.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_knows_transaction_requests() {
    let till = Till::open().await;
    let wallet = till.wallet().await;
    let id = random_payment_id();
    let account = serde_json::json!({ "account": wallet.pubkey().to_string() });
    let link = till.url(&id, "");
    let answer = till.http.post(&link).json(&account).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(till.status(&id).await["status"], "open");
    let signature = tollgate_e2e_tests::sign_and_send(
        &till.cluster.chain(),
        answer["transaction"].as_str().unwrap(),
        &wallet,
    )
    .await;
    let paid = till.settled(&id, "").await;
    assert_eq!(paid["status"], "paid", "{paid}");
    assert_eq!(paid["signature"], signature.to_string());
    assert_eq!(paid["beneficiary"], wallet.pubkey().to_string());
    assert_eq!(till.spent(&wallet).await, PRICE);
    till.close().await;
}

/// Without a relay nobody could record a transfer: none is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_relay_no_transfer_is_asked_for() {
    let (localnet, cluster) = local(SLOT).await;
    let service = Service::start(&cluster, &cluster.rpc_url).await;
    let id = random_payment_id();
    for (rest, expected) in [
        ("/transfer", 404),
        ("/transfer/qr.svg", 404),
        ("/status", 200),
    ] {
        let url = format!("{}/v1/pay/day-pass/{id}{rest}", service.url);
        let status = reqwest::get(url).await.unwrap().status().as_u16();
        assert_eq!(status, expected, "{rest}");
    }
    service.shutdown().await;
    localnet.shutdown().await;
}
