//! Trials side by side, a core each.

use crate::failure::Failure;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many trials train at a time. No core waits for another within a step, so that small networks use all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// At least 1.
    pub jobs: usize,
}

impl Pool {
    /// Does all `tasks`, in order as far as `jobs` of them at a time have one, and gives the first failure; after one no more are begun.
    ///
    /// # Errors
    /// That of a task.
    pub(super) fn run<T: Send>(self, tasks: Vec<T>, work: impl Fn(T) -> Result<(), Failure> + Sync) -> Result<(), Failure> {
        let queue = Mutex::new(VecDeque::from(tasks));
        let failure = Mutex::new(None);
        let next = || {
            let has_failed = failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if has_failed { None } else { queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some(task) = next() {
                        if let Err(error) = work(task) {
                            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                });
            }
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn every_task_is_done_once_and_a_failure_ends_the_rest() {
        let sum = AtomicU32::new(0);
        let add = |task: u32| {
            sum.fetch_add(task, Ordering::Relaxed);
            if task == 1000 { Err(Failure::Run(anyhow!("failed"))) } else { Ok(()) }
        };
        Pool { jobs: 3 }.run((1..=100).collect(), add).unwrap();
        assert_eq!(sum.load(Ordering::Relaxed), 5050);
        assert!(Pool { jobs: 1 }.run(vec![1000, 1, 2], add).is_err());
        assert_eq!(sum.load(Ordering::Relaxed), 6050, "nothing is begun after a failure");
    }
}
