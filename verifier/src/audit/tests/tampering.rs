//! Every change of a log is found, by the chain or by what was noted of it.

use std::fs;
use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;
use tollgate_gate::receipt::{KeySet, ReceiptKey};
use zeroize::Zeroizing;

use super::*;

#[test]
fn what_was_written_holds_across_files_and_restarts() {
    let (folder, head) = written(20, None);
    let findings = plainly(folder.path()).unwrap();
    assert_eq!((findings.records, findings.head), (21, head));
    assert!(findings.files > 3, "{findings:?}");
    for path in files::list(folder.path()).unwrap() {
        assert!(fs::metadata(path).unwrap().len() <= FILE_BYTES);
    }
    let mut writer = open(folder.path(), None);
    writer.append(&[record(99)]).unwrap();
    writer.close().unwrap();
    drop(writer);
    let mut kinds = Vec::new();
    let findings = verify(folder.path(), &Expectations::default(), |record| {
        kinds.push(record.kind)
    })
    .unwrap();
    assert_eq!(findings.records, 24);
    assert_eq!(
        kinds[20..],
        [Kind::Grant, Kind::Opened, Kind::Grant, Kind::Closed]
    );
    assert!(with_head(folder.path(), head).is_ok());
}

#[test]
fn removed_swapped_doubled_and_moved_records_are_found() {
    let (folder, head) = written(12, None);
    let original = lines(folder.path());
    let last = original.len() - 1;
    for index in 0..original.len() {
        let mut removed = original.clone();
        removed.remove(index);
        write_back(folder.path(), &removed);
        if index == last {
            // An end that is missing looks like a log that is shorter.
            assert!(plainly(folder.path()).is_ok());
        } else {
            assert!(is_tampering(&plainly(folder.path())), "{index}");
        }
        assert!(is_tampering(&with_head(folder.path(), head)), "{index}");
        let mut doubled = original.clone();
        doubled.insert(index, original[index].clone());
        write_back(folder.path(), &doubled);
        assert!(is_tampering(&plainly(folder.path())), "{index}");
        for other in index + 1..original.len() {
            let mut swapped = original.clone();
            let (one, two) = (swapped[index].1.clone(), swapped[other].1.clone());
            swapped[index].1 = two;
            swapped[other].1 = one;
            write_back(folder.path(), &swapped);
            assert!(is_tampering(&plainly(folder.path())), "{index} {other}");
        }
    }
    write_back(folder.path(), &original);
    assert_eq!(with_head(folder.path(), head).unwrap().head, head);
    // A whole file.
    for path in files::list(folder.path()).unwrap() {
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(is_tampering(&with_head(folder.path(), head)));
        fs::write(&path, content).unwrap();
    }
}

/// Whoever can compute hashes can write another past; it is not the one that was
/// noted or signed.
#[test]
fn a_rewritten_past_differs_from_what_was_noted_and_signed() {
    let (folder, head) = written(12, Some(notary(4)));
    let expectations = Expectations {
        keys: Some(keys()),
        ..Expectations::default()
    };
    let findings = verify(folder.path(), &expectations, |_| {}).unwrap();
    assert_eq!(findings.checkpoints, 3);
    let mut statements = Vec::new();
    verify(folder.path(), &expectations, |record| {
        statements.extend(record.statement.clone());
    })
    .unwrap();

    // The attacker changes one record and makes every hash after it anew.
    let rewritten = |keep_checkpoints: bool| {
        let mut forged = Vec::new();
        let mut forged_head = Head::default();
        for (index, (_, line)) in lines(folder.path()).iter().enumerate() {
            let (mut record, _) = Record::read(line.as_bytes()).unwrap();
            if index == 3 {
                record.slot = Some(12_345);
            }
            if keep_checkpoints || record.kind != Kind::Checkpoint {
                forged_head = record.append(forged_head, &mut forged);
            }
        }
        let target = tempfile::tempdir().unwrap();
        let (_, mut file) = files::create(target.path(), 1).unwrap();
        file.write_all(&forged).unwrap();
        target
    };
    let forged = rewritten(true);
    assert!(
        plainly(forged.path()).is_ok(),
        "the chain alone cannot tell"
    );
    assert!(is_tampering(&with_head(forged.path(), head)));
    assert!(matches!(
        verify(forged.path(), &expectations, |_| {}),
        Err(AuditError::Checkpoint(_))
    ));
    // Without the checkpoints in it, one that was kept elsewhere still tells.
    let forged = rewritten(false);
    assert!(verify(forged.path(), &expectations, |_| {}).is_ok());
    let kept = Expectations {
        checkpoints: statements,
        ..expectations.clone()
    };
    assert!(matches!(
        verify(forged.path(), &kept, |_| {}),
        Err(AuditError::HeadMissing(_))
    ));
    assert!(verify(folder.path(), &kept, |_| {}).is_ok());
    // Signed with another key, or with none to compare.
    let others = Expectations {
        keys: Some(KeySet::new(
            ReceiptKey::from_seed(&Zeroizing::new([8; 32])).public(),
            &[],
        )),
        ..Expectations::default()
    };
    assert!(is_tampering(&verify(folder.path(), &others, |_| {})));
    let without = Expectations { keys: None, ..kept };
    assert!(is_tampering(&verify(folder.path(), &without, |_| {})));
}

#[test]
fn older_files_may_be_taken_away_with_an_anchor() {
    let (folder, head) = written(20, None);
    let mut heads = vec![];
    verify(folder.path(), &Expectations::default(), |record| {
        heads.push(Head {
            sequence: record.sequence - 1,
            hash: record.previous,
        });
    })
    .unwrap();
    let first = files::list(folder.path()).unwrap().remove(0);
    let count = fs::read_to_string(&first).unwrap().lines().count();
    fs::remove_file(first).unwrap();
    assert!(is_tampering(&plainly(folder.path())));
    let anchored = Expectations {
        anchor: Some(heads[count]),
        heads: vec![head],
        ..Expectations::default()
    };
    assert!(verify(folder.path(), &anchored, |_| {}).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_changed_byte_is_found(file in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        thread_local! {
            static LOG: (TempDir, Head) = written(6, Some(notary(3)));
        }
        LOG.with(|(folder, _)| {
            let paths = files::list(folder.path()).unwrap();
            let path = &paths[file.index(paths.len())];
            let original = fs::read(path).unwrap();
            let mut changed = original.clone();
            let index = byte.index(changed.len());
            changed[index] ^= mask;
            fs::write(path, &changed).unwrap();
            let outcome = plainly(folder.path());
            fs::write(path, &original).unwrap();
            prop_assert!(is_tampering(&outcome), "{index} ^ {mask}: {outcome:?}");
            Ok(())
        })?;
    }

    #[test]
    fn a_cut_end_is_found_with_its_head(records in 1..10_u64, cut in 1..4_usize) {
        let (folder, head) = written(records, None);
        let original = lines(folder.path());
        let cut = cut.min(original.len() - 1);
        write_back(folder.path(), &original[..original.len() - cut]);
        prop_assert!(plainly(folder.path()).is_ok());
        prop_assert!(matches!(with_head(folder.path(), head), Err(AuditError::HeadMissing(_))));
    }
}
