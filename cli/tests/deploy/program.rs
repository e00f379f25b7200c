//! Deploying, upgrading, refusing.

use crate::support::{SOL, Site, other_elf};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_cli::deploy::loader::{ProgramOnChain, read_program};
use tollgate_cli::deploy::plan::ProgramAction;
use tollgate_cli::deploy::{Artifact, Deployment};
use tollgate_client::PROGRAM_ID;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_deployed_once_and_then_left_alone() {
    let site = Site::start().await;
    let (chain, length) = (site.chain(), site.artifact.elf().len());
    // Lamports that a stranger sends to an address beforehand change nothing.
    let addresses = [PROGRAM_ID, site.buffer.pubkey()];
    for address in addresses {
        site.localnet.airdrop(&address, SOL / 100).unwrap();
    }
    site.localnet.finalize();
    let mut deployment = site.deployment(&chain);
    deployment.options.max_len = Some(length + 5_000);
    deployment.options.compute_unit_price = 1_000;
    let preview = deployment.preview(Some(&site.buffer)).await.unwrap();
    assert_eq!(
        preview.action,
        ProgramAction::Deploy {
            capacity: length + 5_000
        }
    );
    let before = site.lamports(&site.payer.pubkey());
    let outcome = deployment.run(&site.buffer).await.unwrap();
    assert_eq!(outcome.action, preview.action);
    assert_eq!(outcome.capacity, length + 5_000);
    assert_eq!(outcome.authority, Some(site.payer.pubkey()));
    assert_eq!(outcome.writes, preview.writes);
    // The buffer's rent has come back, and the preview asked for enough.
    assert_eq!(site.lamports(&site.buffer.pubkey()), 0);
    assert!(before - site.lamports(&site.payer.pubkey()) <= preview.lamports);

    let landed = site.landed().await;
    let again = deployment.run(&site.buffer).await.unwrap();
    assert_eq!(
        (again.action, again.writes, again.signature),
        (ProgramAction::Keep, 0, None)
    );
    assert_eq!(site.landed().await, landed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_replaces_the_bytes_and_makes_room_for_more() {
    let site = Site::deployed().await;
    let chain = site.chain();
    let kept = tollgate::ELF.len();
    let upgrades = [
        (other_elf(1, 100), Some(10_240), kept + 10_240),
        (other_elf(2, 100), None, kept + 10_240),
        (other_elf(3, 40_000), Some(29_760), kept + 40_000),
    ];
    for (elf, extend_by, capacity) in &upgrades {
        let deployment = Deployment {
            artifact: Artifact::new(elf, PROGRAM_ID).unwrap(),
            // An upgrade needs the authority only.
            program_key: None,
            ..site.deployment(&chain)
        };
        let refused = deployment.verify().await.unwrap_err();
        assert_eq!(refused.code(), "verification_mismatch");
        let outcome = deployment.run(&site.buffer).await.unwrap();
        assert_eq!(
            outcome.action,
            ProgramAction::Upgrade {
                extend_by: *extend_by
            }
        );
        assert_eq!(outcome.capacity, *capacity);
        let on_chain = read_program(&chain, &PROGRAM_ID).await.unwrap();
        let ProgramOnChain::Deployed(deployed) = on_chain else {
            panic!("{on_chain:?}");
        };
        assert!(deployed.code.starts_with(elf));
    }
    // Back to the shorter one: what was longer is zeros now.
    let outcome = site.deployment(&chain).run(&site.buffer).await.unwrap();
    assert_eq!(outcome.action, ProgramAction::Upgrade { extend_by: None });
    assert_eq!(outcome.capacity, kept + 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_upgrade_authority_upgrades_until_nobody_does() {
    let site = Site::deployed().await;
    let (chain, heir, elf) = (site.chain(), Keypair::new(), other_elf(1, 1));
    let upgrade = |authority| Deployment {
        artifact: Artifact::new(&elf, PROGRAM_ID).unwrap(),
        authority,
        ..site.deployment(&chain)
    };
    let landed = site.landed().await;
    let refused = upgrade(&heir).run(&site.buffer).await.unwrap_err();
    assert_eq!(refused.code(), "wrong_upgrade_authority");
    let refused = upgrade(&heir).hand_over(None).await.unwrap_err();
    assert_eq!(refused.code(), "wrong_upgrade_authority");
    assert_eq!(site.landed().await, landed);

    let given = upgrade(&site.payer).hand_over(Some(heir.pubkey())).await;
    assert!(given.unwrap().is_some());
    let again = upgrade(&site.payer).hand_over(Some(heir.pubkey())).await;
    assert_eq!(again.unwrap(), None);
    let refused = upgrade(&site.payer).run(&site.buffer).await.unwrap_err();
    assert_eq!(refused.code(), "wrong_upgrade_authority");
    upgrade(&heir).run(&site.buffer).await.unwrap();

    assert!(upgrade(&heir).hand_over(None).await.unwrap().is_some());
    let last = Deployment {
        artifact: site.artifact,
        ..upgrade(&heir)
    };
    let refused = last.run(&site.buffer).await.unwrap_err();
    assert_eq!(refused.code(), "program_final");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_succeed_costs_nothing() {
    let site = Site::start().await;
    let (chain, other) = (site.chain(), Keypair::new());
    let landed = site.landed().await;
    let refusal = async |deployment: Deployment<'_>| {
        let refused = deployment.run(&site.buffer).await.unwrap_err();
        assert_eq!(site.landed().await, landed);
        refused.code()
    };
    let keyless = Deployment {
        program_key: None,
        ..site.deployment(&chain)
    };
    assert_eq!(refusal(keyless).await, "program_key_missing");
    let wrong_key = Deployment {
        program_key: Some(&other),
        ..site.deployment(&chain)
    };
    assert_eq!(refusal(wrong_key).await, "program_key_mismatch");
    let mut tight = site.deployment(&chain);
    tight.options.max_len = Some(1_000);
    assert_eq!(refusal(tight).await, "max_len_invalid");
    let poor = Deployment {
        payer: &other,
        ..site.deployment(&chain)
    };
    assert_eq!(refusal(poor).await, "insufficient_funds");
}
