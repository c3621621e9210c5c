//! A process that is killed between any two changes, or within a write, has lost nothing.

use super::super::operation::Operation;
use super::*;
use std::collections::BTreeMap;

/// A set whose contents say which one it is.
fn files_of(step: u64) -> Vec<(String, Vec<u8>)> {
    let mut names = vec!["last.safetensors", "last.state.safetensors"];
    if step > 1 {
        names.push("best.safetensors");
    }
    // The best weights are the same in some sets, as they are when an epoch is no better.
    let contents = |name: &str| if name.starts_with("best") { format!("best {}", step / 2) } else { format!("{name} {step}") };
    names.iter().map(|name| ((*name).to_owned(), contents(name).into_bytes())).collect()
}

fn manifest(step: u64) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        version: "v".into(),
        candle: "c".into(),
        recipe: "r".into(),
        data_fingerprint: "d".into(),
        epoch: step / 3,
        step,
        partial_epoch: None,
        stopped_by: None,
        best: None,
        last_validation: None,
        highest_validation_accuracy: None,
        early_stopping: crate::pipeline::Waited::default(),
        validation_losses: vec![0.1 + 0.2],
        files: BTreeMap::new(),
    }
}

fn recovered(store: &mut Store) -> Option<Found> {
    store.recover(|_| Ok(())).unwrap()
}

/// A folder in which sets 1 to `saved` have been saved, by one process.
fn saved(saved: u64) -> (tempfile::TempDir, Store) {
    let run = tempfile::tempdir().unwrap();
    let mut store = Store::new(&run.path().join("checkpoints"));
    for step in 1..=saved {
        store.save(&files_of(step), manifest(step)).unwrap();
    }
    (run, store)
}

/// The changes by which `store` saves a set, in order, without making them.
fn operations<'a>(store: &Store, files: &'a [(String, Vec<u8>)], text: &'a [u8]) -> Vec<Operation<'a>> {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    [store.write_next(files, text), store.keep_previous(store.current.as_deref()), store.take_next(&names)].concat()
}

fn text_of(step: u64, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut manifest = manifest(step);
    manifest.files = files.iter().map(|(name, bytes)| (name.clone(), FileRecord::of(bytes))).collect();
    json(&manifest).unwrap()
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    files
}

/// Every prefix of the changes, and every write cut short: the set before or the new one is found whole, and training that goes on from it
/// leaves what it would have left without the kill.
#[test]
fn a_kill_at_any_point_of_saving_leaves_a_whole_set_and_the_same_end() {
    for before in [0, 1, 3] {
        let step = before + 1;
        let (files, last) = (files_of(step), step + 1);
        let text = text_of(step, &files);
        let (_run, store) = saved(before);
        let count = operations(&store, &files, &text).len();
        for done in 0..=count {
            for cut in [false, true] {
                let (run, store) = saved(before);
                let operations = operations(&store, &files, &text);
                for operation in &operations[..done] {
                    operation.perform().unwrap();
                }
                match (cut, operations.get(done)) {
                    (true, Some(Operation::Write(path, bytes))) => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
                    (true, _) => continue,
                    (false, _) => {}
                }
                check(&run, before, step, last, &format!("{before} sets, {done} of {count} changes, cut: {cut}"));
            }
        }
    }
}

fn check(run: &tempfile::TempDir, before: u64, step: u64, last: u64, case: &str) {
    let folder = run.path().join("checkpoints");
    let mut store = Store::new(&folder);
    let found = recovered(&mut store);
    let at = found.as_ref().map_or(0, |found| found.manifest.step);
    assert!(at == before || at == step, "{case}: found {at}");
    if let Some(found) = &found {
        assert_eq!(found.problems, Vec::<String>::new(), "{case}");
        assert_eq!(found.files, files_of(at).into_iter().collect(), "{case}");
        // The contract's names hold it, too.
        let verified = crate::checkpoint::verify(&folder).unwrap();
        assert_eq!(verified.map(|manifest| manifest.step), Some(at), "{case}");
    }
    for step in at + 1..=last {
        store.save(&files_of(step), manifest(step)).unwrap();
    }
    let previous = super::search::newest(&folder, |manifest| if manifest.step < last { Ok(()) } else { Err("newer".into()) });
    assert_eq!(previous.unwrap().unwrap().manifest.step, last - 1, "{case}");
    store.settle().unwrap();
    let (whole, store) = saved(last);
    store.settle().unwrap();
    assert_eq!(tree(&folder), tree(&whole.path().join("checkpoints")), "{case}");
}

/// Saving, killed, recovering, killed in that as well.
#[test]
fn a_kill_while_a_move_is_finished_leaves_the_set_whole() {
    let (files, text) = (files_of(3), text_of(3, &files_of(3)));
    let (_run, store) = saved(2);
    let count = operations(&store, &files, &text).len();
    for done in 0..=count {
        for finished in [0, 2] {
            let (run, store) = saved(2);
            operations(&store, &files, &text)[..done].iter().for_each(|operation| operation.perform().unwrap());
            let folder = run.path().join("checkpoints");
            let found = super::search::newest(&folder, |_| Ok(())).unwrap().unwrap();
            let moves = Store::new(&folder).finish_move(&found);
            moves.iter().take(finished).for_each(|operation| operation.perform().unwrap());
            check(&run, 2, 3, 4, &format!("{done} of {count} changes, {finished} of the recovery"));
        }
    }
}

#[test]
fn a_damaged_file_of_the_newest_set_gives_way_to_the_set_before_it_with_a_reason() {
    for name in ["last.safetensors", "best.safetensors", "last.state.safetensors", Manifest::NAME] {
        for damage in ["flipped", "truncated", "removed"] {
            let (run, _) = saved(3);
            let path = run.path().join("checkpoints").join(name);
            let mut bytes = fs::read(&path).unwrap();
            match damage {
                "flipped" => bytes[0] ^= 1,
                "truncated" => bytes.truncate(bytes.len() - 1),
                _ => fs::remove_file(&path).unwrap(),
            }
            if damage != "removed" {
                fs::write(&path, bytes).unwrap();
            }
            let mut store = Store::new(&run.path().join("checkpoints"));
            let found = recovered(&mut store).unwrap();
            // A manifest whose last byte, a newline, is missing is still whole, and the best weights are those of the set before.
            let is_harmless = name.starts_with("best") || (name, damage) == (Manifest::NAME, "truncated");
            assert_eq!(found.manifest.step, if is_harmless { 3 } else { 2 }, "{name} {damage}");
            assert_eq!(found.problems.is_empty(), is_harmless, "{name} {damage}: {:?}", found.problems);
            assert!(found.problems.iter().all(|problem| problem.contains(name)), "{:?}", found.problems);
            // The next save keeps the good one, as the damaged set is not worth keeping.
            store.save(&files_of(4), manifest(4)).unwrap();
            let older =
                super::search::newest(
                    &run.path().join("checkpoints"),
                    |manifest| {
                        if manifest.step < 4 { Ok(()) } else { Err("newer".into()) }
                    },
                );
            assert!(older.unwrap().is_some_and(|older| older.manifest.step >= 2), "{name} {damage}");
        }
    }
}

#[test]
fn damage_without_an_older_set_is_refused_and_no_set_at_all_is_none() {
    let (run, store) = saved(2);
    store.settle().unwrap();
    let folder = run.path().join("checkpoints");
    fs::write(folder.join("last.safetensors"), "other").unwrap();
    let message = Store::new(&folder).recover(|_| Ok(())).unwrap_err().to_string();
    assert!(message.contains("last.safetensors is damaged: it does not match its checksum"), "{message}");
    assert!(message.contains("no older checkpoint that is whole"), "{message}");
    let text = String::from_utf8(fs::read(folder.join(Manifest::NAME)).unwrap()).unwrap();
    fs::write(folder.join(Manifest::NAME), text.replace("\"format\": 2", "\"format\": 3")).unwrap();
    let message = Store::new(&folder).recover(|_| Ok(())).unwrap_err().to_string();
    assert!(message.contains("is of checkpoint format 3") && message.contains("reads format 2"), "{message}");
    let empty = tempfile::tempdir().unwrap();
    assert!(Store::new(&empty.path().join("checkpoints")).recover(|_| Ok(())).unwrap().is_none());
}

/// A disk that is full, or a folder in the way, at any of the changes.
#[test]
fn a_save_that_fails_at_any_change_leaves_a_whole_set_and_can_be_tried_again() {
    for blocked in ["next", "next/last.safetensors", "next/manifest.json", "previous", "previous/last.safetensors"] {
        let (run, mut store) = saved(2);
        let folder = run.path().join("checkpoints");
        let path = folder.join(blocked);
        // A folder with something in it can be neither written, removed as a file, nor renamed over; a file is no folder.
        if matches!(blocked, "next" | "previous") {
            drop(fs::remove_dir_all(&path));
            fs::write(&path, "in the way").unwrap();
        } else {
            drop(fs::remove_file(&path));
            fs::create_dir_all(path.join("in the way")).unwrap();
        }
        let message = format!("{:#}", store.save(&files_of(3), manifest(3)).unwrap_err());
        assert!(message.contains("cannot write") && message.contains("what was saved before is still there"), "{message}");
        let found = super::search::newest(&folder, |_| Ok(())).unwrap().unwrap();
        assert!(found.manifest.step >= 2, "{blocked}");
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        store.save(&files_of(4), manifest(4)).unwrap();
        assert_eq!(recovered(&mut Store::new(&folder)).unwrap().manifest.step, 4, "{blocked}");
    }
}

#[test]
fn a_file_that_is_added_belongs_to_the_set_and_survives_a_kill_while_it_is_added() {
    let (run, store) = saved(2);
    let folder = run.path().join("checkpoints");
    store.add("refit.safetensors", b"refit").unwrap();
    let manifest = crate::checkpoint::verify(&folder).unwrap().unwrap();
    assert_eq!(manifest.files["refit.safetensors"], FileRecord::of(b"refit"));
    fs::write(folder.join(format!("{WRITING}refit.safetensors")), "re").unwrap();
    assert_eq!(recovered(&mut Store::new(&folder)).unwrap().files.len(), 4);
    assert!(!folder.join(format!("{WRITING}refit.safetensors")).exists());
}
