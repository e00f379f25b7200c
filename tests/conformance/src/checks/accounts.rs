//! Reading accounts.

use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding, UiDataSliceConfig,
    },
    filter::{Memcmp, RpcFilterType},
    request::{MAX_MULTIPLE_ACCOUNTS, RpcRequest},
    response::UiAccountData,
};
use solana_signer::Signer;
use solana_system_interface::{instruction::transfer, program as system_program};
use spl_token_interface::state::Mint;

use super::{INVALID_PARAMS, INVALID_REQUEST, LEVELS};
use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, OrFail, Outcome, ensure, ensure_eq, error_code},
    token::{DECIMALS, TOKEN_ACCOUNT_BYTES, Token},
    waiting::eventually,
};

pub(super) async fn airdrop_arrives_at_every_commitment(chain: &Chain) -> Outcome {
    let receiver = fresh_address();
    let lamports = 1_234_567_890;
    chain.rpc().request_airdrop(&receiver, lamports).await?;
    for commitment in LEVELS {
        let rpc = chain.rpc_at(commitment);
        let rpc = &rpc;
        eventually(chain.until(commitment), "an airdrop's arrival", || async {
            let balance = rpc.get_balance(&receiver).await?;
            ensure!(
                balance == 0 || balance == lamports,
                "{balance} lamports of {lamports} arrived"
            );
            Ok((balance == lamports).then_some(()))
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn missing_account_is_none(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let nobody = fresh_address();
    for commitment in LEVELS {
        let account = rpc.get_account_with_commitment(&nobody, commitment).await?;
        ensure_eq!(account.value, None, "an account that does not exist");
    }
    ensure_eq!(
        rpc.get_balance(&nobody).await?,
        0,
        "the balance of a missing account"
    );
    Ok(())
}

pub(super) async fn plain_wallet_belongs_to_the_system_program(chain: &Chain) -> Outcome {
    let wallet = chain.wallet(7_000_000).await?;
    let account = chain.rpc().get_account(&wallet.pubkey()).await?;
    ensure_eq!(account.lamports, 7_000_000, "the balance");
    ensure_eq!(account.owner, system_program::id(), "the owner");
    ensure_eq!(account.data.len(), 0, "the size of the data");
    ensure!(!account.executable, "a wallet is executable");
    Ok(())
}

pub(super) async fn program_account_is_executable(chain: &Chain) -> Outcome {
    let program = chain.rpc().get_account(&spl_token_interface::id()).await?;
    ensure!(program.executable, "the token program is not executable");
    Ok(())
}

pub(super) async fn account_encodings_agree(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let rpc = chain.rpc();
    let plain = rpc.get_account(&token.mint).await?;
    ensure_eq!(plain.data.len(), Mint::LEN, "the size of a mint");
    ensure_eq!(
        plain.owner,
        spl_token_interface::id(),
        "the owner of a mint"
    );
    for encoding in [
        UiAccountEncoding::Base64,
        UiAccountEncoding::Base58,
        UiAccountEncoding::Base64Zstd,
    ] {
        let account = rpc
            .get_ui_account_with_config(&token.mint, encoded(encoding))
            .await?
            .value
            .or_fail("the mint")?;
        ensure_eq!(account.lamports, plain.lamports, "the balance");
        ensure_eq!(account.owner, plain.owner.to_string(), "the owner");
        ensure_eq!(account.space, Some(82), "the space");
        match &account.data {
            UiAccountData::Binary(_, answered) => {
                ensure_eq!(*answered, encoding, "the encoding of the answer");
            }
            other => {
                return Err(Failure::expectation(format!(
                    "{encoding:?} was answered with {other:?}"
                )));
            }
        }
        ensure_eq!(
            account.data.decode().or_fail("decodable data")?,
            plain.data,
            format!("the data in {encoding:?}")
        );
    }
    Ok(())
}

pub(super) async fn parsed_encoding_describes_a_mint_and_leaves_a_wallet_alone(
    chain: &Chain,
) -> Outcome {
    let token = Token::create(chain).await?;
    let rpc = chain.rpc();
    let mint = rpc
        .get_ui_account_with_config(&token.mint, encoded(UiAccountEncoding::JsonParsed))
        .await?
        .value
        .or_fail("the mint")?;
    let UiAccountData::Json(parsed) = mint.data else {
        return Err(Failure::expectation("a mint was not parsed"));
    };
    ensure_eq!(parsed.program, "spl-token", "the parser");
    ensure_eq!(parsed.space, 82, "the parsed space");
    ensure_eq!(
        parsed.parsed.pointer("/type"),
        Some(&json!("mint")),
        "the parsed type"
    );
    ensure_eq!(
        parsed.parsed.pointer("/info/decimals"),
        Some(&json!(DECIMALS)),
        "the parsed decimals"
    );
    ensure_eq!(
        parsed.parsed.pointer("/info/mintAuthority"),
        Some(&json!(token.authority.pubkey().to_string())),
        "the parsed authority"
    );

    // What has no parser comes as base64.
    let wallet = rpc
        .get_ui_account_with_config(
            &token.authority.pubkey(),
            encoded(UiAccountEncoding::JsonParsed),
        )
        .await?
        .value
        .or_fail("the wallet")?;
    ensure_eq!(
        wallet.data,
        UiAccountData::Binary(String::new(), UiAccountEncoding::Base64),
        "a wallet's data"
    );
    Ok(())
}

pub(super) async fn data_slice_cuts_the_data(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let rpc = chain.rpc();
    let whole = rpc.get_account_data(&token.mint).await?;
    for (offset, length) in [(0, 10), (44, 1), (80, 10), (200, 5), (0, 0)] {
        let config = RpcAccountInfoConfig {
            data_slice: Some(UiDataSliceConfig { offset, length }),
            ..encoded(UiAccountEncoding::Base64)
        };
        let account = rpc
            .get_ui_account_with_config(&token.mint, config)
            .await?
            .value
            .or_fail("the mint")?;
        let expected: Vec<u8> = whole.iter().copied().skip(offset).take(length).collect();
        ensure_eq!(
            account.data.decode().or_fail("decodable data")?,
            expected,
            format!("{length} bytes from {offset}")
        );
        ensure_eq!(account.space, Some(82), "the space of a sliced account");
    }
    Ok(())
}

pub(super) async fn base58_is_refused_beyond_128_bytes(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let account = token.give(chain, &token.authority.pubkey(), 1).await?;
    // Asked without the client's helper, which hides the code in a text.
    let answer = chain
        .rpc()
        .send::<Value>(
            RpcRequest::GetAccountInfo,
            json!([account.to_string(), encoded(UiAccountEncoding::Base58)]),
        )
        .await;
    ensure_eq!(
        error_code(answer, "165 bytes in base58")?,
        INVALID_REQUEST,
        "the refusal of a long base58 answer"
    );
    Ok(())
}

pub(super) async fn address_that_is_none_is_refused(chain: &Chain) -> Outcome {
    for address in ["", "not-an-address", "1111111111111111111111111111111"] {
        let answer = chain
            .rpc()
            .send::<Value>(RpcRequest::GetAccountInfo, json!([address]))
            .await;
        ensure_eq!(
            error_code(answer, "an address that is none")?,
            INVALID_PARAMS,
            format!("the refusal of {address:?}")
        );
    }
    Ok(())
}

pub(super) async fn multiple_accounts_keep_their_order(chain: &Chain) -> Outcome {
    let first = chain.wallet(5_000_001).await?;
    let second = chain.wallet(5_000_002).await?;
    let nobody = fresh_address();
    let keys = [second.pubkey(), nobody, first.pubkey(), second.pubkey()];
    let accounts = chain.rpc().get_multiple_accounts(&keys).await?;
    let lamports: Vec<Option<u64>> = accounts
        .into_iter()
        .map(|account| account.map(|account| account.lamports))
        .collect();
    ensure_eq!(
        lamports,
        vec![Some(5_000_002), None, Some(5_000_001), Some(5_000_002)],
        "the balances in the order asked"
    );
    Ok(())
}

pub(super) async fn multiple_accounts_take_100_keys_and_no_more(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let keys: Vec<Pubkey> = (0..=MAX_MULTIPLE_ACCOUNTS)
        .map(|_| fresh_address())
        .collect();
    let most = keys.get(..MAX_MULTIPLE_ACCOUNTS).unwrap_or_default();
    let accounts = rpc.get_multiple_accounts(most).await?;
    ensure_eq!(accounts.len(), MAX_MULTIPLE_ACCOUNTS, "the answers");
    ensure_eq!(
        error_code(rpc.get_multiple_accounts(&keys).await, "101 keys")?,
        INVALID_PARAMS,
        "the refusal of 101 keys"
    );
    Ok(())
}

pub(super) async fn reads_follow_their_commitment(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let landed = chain
        .send(
            &[transfer(&payer.pubkey(), &receiver, 9_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    for commitment in LEVELS {
        eventually(chain.until(commitment), "a visible transfer", || async {
            let answer = rpc
                .get_balance_with_commitment(&receiver, commitment)
                .await?;
            // One bank answers: it either holds the block or it does not.
            let expected = if answer.context.slot >= landed.slot {
                9_000_000
            } else {
                0
            };
            ensure_eq!(
                answer.value,
                expected,
                format!(
                    "the balance at {commitment:?} in slot {} for a transfer in slot {}",
                    answer.context.slot, landed.slot
                )
            );
            Ok((answer.value > 0).then_some(()))
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn program_accounts_obey_their_filters(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(5_000_000).await?.pubkey();
    let mine = token.give(chain, &owner, 5).await?;
    token.give(chain, &token.authority.pubkey(), 6).await?;
    let rpc = chain.rpc();
    let size = u64::try_from(TOKEN_ACCOUNT_BYTES).map_err(Failure::preparation)?;
    let by_mint = RpcFilterType::Memcmp(Memcmp::new_base58_encoded(0, token.mint.as_ref()));
    let by_owner = RpcFilterType::Memcmp(Memcmp::new_base58_encoded(32, owner.as_ref()));

    let both = rpc
        .get_program_ui_accounts_with_config(
            &spl_token_interface::id(),
            filtered(vec![RpcFilterType::DataSize(size), by_mint.clone()]),
        )
        .await?;
    ensure_eq!(both.len(), 2, "the token accounts of a mint");

    let one = rpc
        .get_program_ui_accounts_with_config(
            &spl_token_interface::id(),
            filtered(vec![
                RpcFilterType::DataSize(size),
                by_mint.clone(),
                by_owner.clone(),
            ]),
        )
        .await?;
    let addresses: Vec<Pubkey> = one.into_iter().map(|(address, _)| address).collect();
    ensure_eq!(
        addresses,
        vec![mine],
        "the token account of a mint and an owner"
    );

    let none = rpc
        .get_program_ui_accounts_with_config(
            &spl_token_interface::id(),
            filtered(vec![RpcFilterType::DataSize(82), by_mint, by_owner]),
        )
        .await?;
    ensure_eq!(none.len(), 0, "the accounts of the wrong size");
    Ok(())
}

pub(super) async fn program_accounts_take_four_filters_and_no_more(chain: &Chain) -> Outcome {
    let filters = |count: usize| filtered(vec![RpcFilterType::DataSize(1); count]);
    let rpc = chain.rpc();
    let four = rpc
        .get_program_ui_accounts_with_config(&spl_token_interface::id(), filters(4))
        .await?;
    ensure_eq!(four.len(), 0, "the token program's accounts of one byte");
    let five = rpc
        .get_program_ui_accounts_with_config(&spl_token_interface::id(), filters(5))
        .await;
    ensure_eq!(
        error_code(five, "five filters")?,
        INVALID_PARAMS,
        "the refusal of five filters"
    );
    Ok(())
}

/// Asks at `confirmed` in one encoding.
fn encoded(encoding: UiAccountEncoding) -> RpcAccountInfoConfig {
    RpcAccountInfoConfig {
        encoding: Some(encoding),
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcAccountInfoConfig::default()
    }
}

/// Asks at `confirmed` for what passes all filters.
fn filtered(filters: Vec<RpcFilterType>) -> RpcProgramAccountsConfig {
    RpcProgramAccountsConfig {
        filters: Some(filters),
        account_config: encoded(UiAccountEncoding::Base64),
        ..RpcProgramAccountsConfig::default()
    }
}
