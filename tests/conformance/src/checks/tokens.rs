//! The token methods, on a mint made with real SPL Token instructions.

use serde_json::{Value, json};
use solana_rpc_client_api::{
    request::{RpcRequest, TokenAccountsFilter},
    response::{RpcKeyedAccount, UiAccountData},
};
use solana_signer::Signer;

use super::INVALID_PARAMS;
use crate::{
    chain::Chain,
    failure::{Failure, Outcome, ensure, ensure_eq, error_code},
    token::{DECIMALS, Token},
};

pub(super) async fn token_balance_and_supply_follow_minting(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let rpc = chain.rpc();
    ensure_eq!(
        rpc.get_token_supply(&token.mint).await?.amount,
        "0",
        "the supply of a new mint"
    );
    let account = token
        .give(chain, &token.authority.pubkey(), 12_340_000)
        .await?;
    for amount in [
        rpc.get_token_supply(&token.mint).await?,
        rpc.get_token_account_balance(&account).await?,
    ] {
        ensure_eq!(amount.amount, "12340000", "the amount in base units");
        ensure_eq!(amount.decimals, DECIMALS, "the decimals");
        ensure_eq!(amount.ui_amount_string, "12.34", "the amount for people");
        ensure_eq!(amount.ui_amount, Some(12.34), "the amount as a number");
    }
    Ok(())
}

pub(super) async fn token_transfer_moves_the_balance(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 1_000).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    token.send(chain, &owner, &from, &to, 400).await?;
    let rpc = chain.rpc();
    ensure_eq!(
        rpc.get_token_account_balance(&from).await?.amount,
        "600",
        "what the sender keeps"
    );
    ensure_eq!(
        rpc.get_token_account_balance(&to).await?.amount,
        "401",
        "what the receiver has"
    );
    ensure_eq!(
        rpc.get_token_supply(&token.mint).await?.amount,
        "1001",
        "the supply after a transfer"
    );
    Ok(())
}

pub(super) async fn token_accounts_by_owner_are_parsed(chain: &Chain) -> Outcome {
    let first = Token::create(chain).await?;
    let second = Token::create(chain).await?;
    let owner = chain.wallet(5_000_000).await?.pubkey();
    let held = first.give(chain, &owner, 70).await?;
    second.give(chain, &owner, 80).await?;
    first.give(chain, &first.authority.pubkey(), 90).await?;
    let rpc = chain.rpc();

    let of_mint = rpc
        .get_token_accounts_by_owner(&owner, TokenAccountsFilter::Mint(first.mint))
        .await?;
    let [account] = of_mint.as_slice() else {
        return Err(Failure::expectation(format!(
            "{} accounts of one mint and owner",
            of_mint.len()
        )));
    };
    ensure_eq!(account.pubkey, held.to_string(), "the token account");
    ensure_eq!(
        info(account, "/info/tokenAmount/amount")?,
        json!("70"),
        "the parsed amount"
    );
    ensure_eq!(
        info(account, "/info/mint")?,
        json!(first.mint.to_string()),
        "the parsed mint"
    );
    ensure_eq!(
        info(account, "/info/owner")?,
        json!(owner.to_string()),
        "the parsed owner"
    );
    ensure_eq!(
        info(account, "/info/state")?,
        json!("initialized"),
        "the parsed state"
    );

    let of_program = rpc
        .get_token_accounts_by_owner(
            &owner,
            TokenAccountsFilter::ProgramId(spl_token_interface::id()),
        )
        .await?;
    ensure_eq!(of_program.len(), 2, "the owner's token accounts");
    Ok(())
}

pub(super) async fn owner_without_tokens_has_no_token_accounts(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let accounts = chain
        .rpc()
        .get_token_accounts_by_owner(
            &token.authority.pubkey(),
            TokenAccountsFilter::Mint(token.mint),
        )
        .await?;
    ensure!(
        accounts.is_empty(),
        "{} token accounts of nobody",
        accounts.len()
    );
    Ok(())
}

pub(super) async fn token_methods_refuse_other_accounts(chain: &Chain) -> Outcome {
    let wallet = chain.wallet(5_000_000).await?.pubkey().to_string();
    let rpc = chain.rpc();
    for request in [
        RpcRequest::GetTokenAccountBalance,
        RpcRequest::GetTokenSupply,
    ] {
        let answer = rpc.send::<Value>(request, json!([wallet])).await;
        ensure_eq!(
            error_code(answer, "a wallet instead of a token account")?,
            INVALID_PARAMS,
            format!("the refusal of {request}")
        );
    }
    // A mint that does not exist.
    let filter = json!({ "mint": wallet });
    let answer = rpc
        .send::<Value>(RpcRequest::GetTokenAccountsByOwner, json!([wallet, filter]))
        .await;
    ensure_eq!(
        error_code(answer, "a wallet instead of a mint")?,
        INVALID_PARAMS,
        "the refusal of a mint that is none"
    );
    Ok(())
}

/// One value of a parsed token account.
fn info(account: &RpcKeyedAccount, pointer: &str) -> Outcome<Value> {
    match &account.account.data {
        UiAccountData::Json(parsed) => Ok(parsed
            .parsed
            .pointer(pointer)
            .cloned()
            .unwrap_or(Value::Null)),
        other => Err(Failure::expectation(format!(
            "a token account came as {other:?}"
        ))),
    }
}
