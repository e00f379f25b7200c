#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use std::fs;
use std::time::Duration;
use tollgate_client::PaymentId;

const PAYER: Pubkey = Pubkey::new_from_array([7; 32]);
const PRODUCT: Pubkey = Pubkey::new_from_array([8; 32]);

fn entry(number: u8, product: Pubkey) -> Entry {
    Entry {
        state: State::Signed,
        url: "https://api.example/report".into(),
        payment_id: PaymentId([1; 32]).to_string(),
        payer: PAYER.to_string(),
        product: product.to_string(),
        intent: Pubkey::new_from_array([number; 32]).to_string(),
        amount: "10000".into(),
        mint: Pubkey::default().to_string(),
        signature: "signature".into(),
        transaction: String::new(),
        last_valid_block_height: 1,
    }
}

fn policy(total: &str) -> SpendingPolicy {
    SpendingPolicy {
        total: Some(total.to_owned()),
        ..SpendingPolicy::usdc("1")
    }
}

async fn books(journal: &Journal, product: Pubkey) -> Books {
    let turn = journal.turn(PAYER, product).await;
    journal.open(&turn).await.unwrap()
}

async fn begin(books: &Books, entry: Entry, total: &str) -> Result<(), &'static str> {
    books
        .begin(entry, policy(total), Amount(10_000), 6)
        .await
        .map_err(|error| error.code())
}

/// Runs a test on a journal of either kind.
async fn with_both<F: Future<Output = ()>>(test: impl Fn(Journal) -> F) {
    let folder = tempfile::tempdir().unwrap();
    test(Journal::folder(folder.path())).await;
    test(Journal::in_memory()).await;
}

#[tokio::test]
async fn an_open_payment_is_found_until_its_fate_is_known() {
    with_both(async |journal| {
        let first = books(&journal, PRODUCT).await;
        begin(&first, entry(1, PRODUCT), "1").await.unwrap();
        drop(first);
        let again = books(&journal, PRODUCT).await;
        let found = again.unfinished(PAYER, PRODUCT).await.unwrap().unwrap();
        assert_eq!(found, entry(1, PRODUCT));
        let other = again.unfinished(PAYER, Pubkey::default()).await.unwrap();
        assert_eq!(other, None);
        again.finish(found, State::Expired).await.unwrap();
        assert_eq!(again.unfinished(PAYER, PRODUCT).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_folder_outlives_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::folder(folder.path());
    let first = books(&journal, PRODUCT).await;
    begin(&first, entry(1, PRODUCT), "1").await.unwrap();
    drop((first, journal));
    let journal = Journal::folder(folder.path());
    let books = books(&journal, PRODUCT).await;
    let found = books.unfinished(PAYER, PRODUCT).await.unwrap();
    assert_eq!(found, Some(entry(1, PRODUCT)));
}

#[tokio::test]
async fn two_processes_cannot_pay_from_one_folder_but_two_tasks_can() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::folder(folder.path());
    let other = Journal::folder(folder.path());
    let elsewhere = Pubkey::default();
    let (first, second) = (
        books(&journal, PRODUCT).await,
        books(&journal, elsewhere).await,
    );
    let turn = other.turn(PAYER, PRODUCT).await;
    for books in [first, second] {
        let error = other.open(&turn).await.unwrap_err();
        assert_eq!(error.code(), "journal_busy");
        drop(books);
    }
    other.open(&turn).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_stops_payments() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::folder(folder.path());
    let books = books(&journal, PRODUCT).await;
    fs::write(folder.path().join("open/damaged.json"), "{").unwrap();
    let error = books.unfinished(PAYER, PRODUCT).await.unwrap_err();
    assert_eq!(error.code(), "journal_unusable");
}

#[tokio::test]
async fn the_total_counts_what_was_paid_or_may_yet_be() {
    with_both(async |journal| {
        let books = books(&journal, PRODUCT).await;
        begin(&books, entry(1, PRODUCT), "0.02").await.unwrap();
        begin(&books, entry(2, PRODUCT), "0.02").await.unwrap();
        let third = || begin(&books, entry(3, PRODUCT), "0.02");
        assert_eq!(third().await, Err("over_total_limit"));
        books
            .finish(entry(1, PRODUCT), State::Landed)
            .await
            .unwrap();
        assert_eq!(third().await, Err("over_total_limit"));
        books
            .finish(entry(2, PRODUCT), State::Failed)
            .await
            .unwrap();
        assert_eq!(third().await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn purchases_of_several_products_do_not_share_the_same_room() {
    with_both(async |journal| {
        let purchases = (1..=8).map(|number| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let product = Pubkey::new_from_array([number; 32]);
                let books = books(&journal, product).await;
                begin(&books, entry(number, product), "0.03").await.is_ok()
            })
        });
        let mut made = 0;
        for purchase in purchases.collect::<Vec<_>>() {
            made += u32::from(purchase.await.unwrap());
        }
        assert_eq!(made, 3);
    })
    .await;
}

#[tokio::test]
async fn the_next_purchase_of_a_product_waits_for_the_one_before() {
    let journal = Journal::in_memory();
    let first = journal.turn(PAYER, PRODUCT).await;
    let patience = Duration::from_millis(50);
    let second = tokio::time::timeout(patience, journal.turn(PAYER, PRODUCT)).await;
    assert!(second.is_err());
    // Another product has a queue of its own, and books keep their turn.
    let _other = journal.turn(PAYER, Pubkey::default()).await;
    let books = journal.open(&first).await.unwrap();
    drop(first);
    let second = tokio::time::timeout(patience, journal.turn(PAYER, PRODUCT)).await;
    assert!(second.is_err());
    drop(books);
    journal.turn(PAYER, PRODUCT).await;
}
