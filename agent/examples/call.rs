//! Calls a paid API. With `cargo run --release -- dev` in another terminal:
//!
//! ```sh
//! export TOLLGATE_RPC_URL=http://127.0.0.1:8899 TOLLGATE_KEYPAIR=agent.json
//! cargo run -p tollgate-agent --example call -- http://127.0.0.1:8402/v1/report
//! ```
//!
//! (`dev` prints its addresses and where it puts the key.)

use std::env;
use std::error::Error;
use tollgate_agent::{
    HowServed, Journal, PayError, PayingClient, Payment, SpendingPolicy, reqwest,
};
use tollgate_client::{Chain, ChainOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: call URL")?;
    let wallet = solana_keypair::read_keypair_file(env::var("TOLLGATE_KEYPAIR")?)?;
    let chain = Chain::new(env::var("TOLLGATE_RPC_URL")?, ChainOptions::default());

    let client = PayingClient::new(reqwest::Client::builder(), wallet, chain)?
        .with_policy(SpendingPolicy::usdc("0.05").in_total("1"))
        .with_journal(Journal::folder("payments"));
    // The second call is free: the client has a session.
    for _ in 0..2 {
        let (payment, body) = call(&client, &url).await?;
        match payment {
            Some(payment) => println!("paid by {}", payment.signature),
            None => println!("nothing was due"),
        }
        println!("{body}");
    }
    Ok(())
}

/// What `url` answers, and what was paid for it.
pub async fn call(
    client: &PayingClient,
    url: &str,
) -> Result<(Option<Payment>, String), Box<dyn Error>> {
    let answer = match client.get(url).send().await {
        Ok(answer) => answer.error_for_status()?,
        // The one case in which money may have moved. The same call settles it, with
        // this client or any other that has its journal.
        Err(unknown @ PayError::Unknown { .. }) => {
            eprintln!("{unknown}");
            client.get(url).send().await?
        }
        Err(error) => return Err(error.into()),
    };
    let payment = match HowServed::of(&answer) {
        HowServed::Paid(payment) => Some(payment.clone()),
        HowServed::Free | HowServed::Session | HowServed::Entitled => None,
    };
    Ok((payment, answer.text().await?))
}
