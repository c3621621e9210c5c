//! Many pictures at once, spread over the cores.

use crate::options::Reporter;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Pictures between two reports of progress.
const REPORT_EVERY: u64 = 1024;

/// What is to be read, and what to do about it.
pub(crate) struct Pictures<'a> {
    /// Bytes of each.
    pub(crate) size: usize,
    /// Whether the first one that fails ends it.
    pub(crate) stop_at_failure: bool,
    /// What the pictures are called where progress is reported.
    pub(crate) what: &'a str,
    /// Who is told.
    pub(crate) progress: &'a Reporter,
}

/// Calls `read(index, slot)` for every slot of `out`, which holds slots of `each.size` bytes. The failures, by index; where the first one
/// ends it, the list starts with the one of the lowest index, whatever the threads did: those before it are always read. Where
/// `each.progress` says that reading is to end, slots stay as they are.
pub(crate) fn fill<E: Send>(
    out: &mut [u8],
    each: &Pictures<'_>,
    read: impl Fn(usize, &mut [u8]) -> Result<(), E> + Sync,
) -> Vec<(usize, E)> {
    let total = (out.len() / each.size) as u64;
    let (first_failure, done) = (AtomicUsize::new(usize::MAX), AtomicU64::new(0));
    let one = |(index, slot): (usize, &mut [u8])| {
        if each.progress.is_stopped() || each.stop_at_failure && index > first_failure.load(Ordering::Relaxed) {
            return None;
        }
        let failure = read(index, slot).err();
        if failure.is_some() {
            first_failure.fetch_min(index, Ordering::Relaxed);
        }
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(REPORT_EVERY) {
            each.progress.report(each.what, done, total);
        }
        failure.map(|failure| (index, failure))
    };
    out.par_chunks_exact_mut(each.size).enumerate().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(count: usize, stop_at_failure: bool, fails: impl Fn(usize) -> bool + Sync) -> (Vec<u8>, Vec<(usize, String)>) {
        let mut out = vec![0; count * 2];
        let progress = Reporter::default();
        let each = Pictures { size: 2, stop_at_failure, what: "pictures", progress: &progress };
        let failures = fill(&mut out, &each, |index, slot| {
            if fails(index) {
                return Err(format!("{index} fails"));
            }
            slot.copy_from_slice(&(index as u16).to_le_bytes());
            Ok(())
        });
        (out, failures)
    }

    #[test]
    fn every_slot_gets_its_own_picture() {
        for count in [0, 1, 63, 1000] {
            let (out, failures) = run(count, true, |_| false);
            assert!(failures.is_empty());
            assert!(out.as_chunks::<2>().0.iter().enumerate().all(|(index, slot)| u16::from_le_bytes(*slot) == index as u16));
        }
    }

    #[test]
    fn the_first_failure_is_told_whichever_thread_met_it() {
        for _ in 0..20 {
            let (_, failures) = run(1000, true, |index| index % 300 == 299);
            assert_eq!(failures[0], (299, "299 fails".to_owned()));
        }
        let (_, failures) = run(1000, false, |index| index % 300 == 299);
        assert_eq!(failures.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [299, 599, 899]);
    }
}
