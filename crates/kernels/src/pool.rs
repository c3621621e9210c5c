//! A team of threads for phases of some microseconds: fork, divide the tasks, join.

use crate::shares::Shares;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that wait for phases: they spin for a moment, as the next phase mostly comes within microseconds, and then sleep, so that an idle
/// team takes no time from anybody.
///
/// A phase is a number of tasks that write to different places. Which thread does which task, and how many threads there are, changes
/// nothing about the result. A thread begins with its own share of the tasks, the same in every phase of as many, so that what it wrote
/// is in its cache when it comes back to it; when it is done it helps the others.
#[derive(Debug)]
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// Work that can be part of a phase: tasks that write to different places, numbered from 0.
pub trait Tasks: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Does one.
    ///
    /// # Safety
    /// Nobody does the same one at the same time.
    unsafe fn run(&self, task: usize);
}

/// Work that there may be none of.
impl<T: Tasks> Tasks for Option<T> {
    fn count(&self) -> usize {
        self.as_ref().map_or(0, Tasks::count)
    }

    unsafe fn run(&self, task: usize) {
        if let Some(tasks) = self {
            // SAFETY: the caller's promise.
            unsafe { tasks.run(task) };
        }
    }
}

/// Tasks that a function does.
struct Each<F> {
    count: usize,
    run: F,
}

impl<F: Fn(usize) + Sync> Tasks for Each<F> {
    fn count(&self) -> usize {
        self.count
    }

    unsafe fn run(&self, task: usize) {
        (self.run)(task);
    }
}

/// The phase that is being done. The pointer is that of the caller's list, which outlives the phase.
#[derive(Clone, Copy)]
struct Phase {
    works: *const [&'static mut dyn Tasks],
}

// SAFETY: the tasks are `Sync`, and `Team::run_together` does not return before every worker that entered has left it.
unsafe impl Send for Phase {}

/// The next task of a thread's share of each work, on a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Cursors([AtomicUsize; Team::MOST_TOGETHER]);

/// Where the share numbered `share` of `shares` begins among so many tasks; that is where the one before it ends.
fn begin(tasks: usize, share: usize, shares: usize) -> usize {
    tasks * share / shares
}

/// The task that is as far from the end of its share as this one is from the beginning, in the same share.
pub(crate) fn mirrored(task: usize, tasks: usize, shares: usize) -> usize {
    let share = (0..shares).find(|share| task < begin(tasks, share + 1, shares)).unwrap_or_default();
    begin(tasks, share, shares) + begin(tasks, share + 1, shares) - 1 - task
}

struct Shared {
    /// What a worker may do: see [`State`].
    state: AtomicU64,
    phase: Mutex<Option<Phase>>,
    /// One for each thread's share.
    cursors: Vec<Cursors>,
    sleepers: Mutex<usize>,
    wake: Condvar,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Which phase it is (upper half), whether workers may still enter it, and how many are inside. A worker that the system has no core for
/// enters no phase, and nobody waits for it.
struct State;

impl State {
    const OPEN: u64 = 1 << 31;
    const INSIDE: u64 = Self::OPEN - 1;

    /// The phase after that of `state`, open and empty.
    fn next(state: u64) -> u64 {
        ((state >> 32).wrapping_add(1) << 32) | Self::OPEN
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

/// How long a thread spins before it sleeps: longer than the pauses between the phases of a step, shorter than anybody would notice.
const SPIN: Duration = Duration::from_micros(100);

impl Team {
    /// A team of `threads`, the caller included; at least 1.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            phase: Mutex::new(None),
            cursors: (0..threads.max(1)).map(|_| Cursors::default()).collect(),
            sleepers: Mutex::new(0),
            wake: Condvar::new(),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        // A system that refuses a thread leaves a smaller team, which gives the same results.
        let spawn = |number: usize| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("kernels-{number}")).spawn(move || shared.work(number)).ok()
        };
        let workers = (1..threads.max(1)).filter_map(spawn).collect();
        Self { shared, workers }
    }

    /// Threads, the caller included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// How many works a phase can be made of.
    pub const MOST_TOGETHER: usize = 4;

    /// Calls `task` with each of `0..tasks`, once, and returns when all are done. A task that panics panics here, when no task is being done
    /// any more; those not begun may be left out.
    pub fn run(&mut self, tasks: usize, task: impl Fn(usize) + Sync) {
        self.run_together(&[&mut Each { count: tasks, run: task }]);
    }

    /// One phase of several works, at most [`MOST_TOGETHER`](Self::MOST_TOGETHER), none of which reads what another one writes. Each thread
    /// begins with its share of the first work, and then of the next.
    pub fn run_together(&mut self, works: &[&mut dyn Tasks]) {
        assert!(works.len() <= Self::MOST_TOGETHER, "a phase of {} works", works.len());
        if self.workers.is_empty() || works.iter().map(|work| work.count()).sum::<usize>() <= 1 {
            // SAFETY: the works are this function's alone, and each task is done once.
            return works.iter().for_each(|work| (0..work.count()).for_each(|task| unsafe { work.run(task) }));
        }
        // SAFETY: only the lifetime changes; every worker that enters the phase leaves it before this function returns.
        let works: &[&'static mut dyn Tasks] = unsafe { std::mem::transmute::<&[&mut dyn Tasks], &[&'static mut dyn Tasks]>(works) };
        let shared = &*self.shared;
        let phase = Phase { works };
        *lock(&shared.phase) = Some(phase);
        let shares = shared.cursors.len();
        for (share, cursors) in shared.cursors.iter().enumerate() {
            for (cursor, work) in cursors.0.iter().zip(works) {
                cursor.store(begin(work.count(), share, shares), Ordering::Relaxed);
            }
        }
        // Only this thread opens phases, and the one before is closed and empty.
        shared.state.store(State::next(shared.state.load(Ordering::Relaxed)), Ordering::SeqCst);
        if *lock(&shared.sleepers) > 0 {
            shared.wake.notify_all();
        }
        shared.do_tasks(phase, 0);
        // No task is left to begin: whoever has not come by now need not.
        shared.state.fetch_and(!State::OPEN, Ordering::AcqRel);
        let mut spins = 0_u32;
        while shared.state.load(Ordering::Acquire) & State::INSIDE > 0 {
            // Nothing here may unwind while a worker is inside.
            spins = spins.wrapping_add(1);
            // Where there are more threads than free cores, a worker may need this one.
            if spins.is_multiple_of(1 << 10) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        if let Some(panic) = lock(&shared.panic).take() {
            resume_unwind(panic);
        }
    }
}

impl Team {
    /// Calls `task` with each index and the elements of both slices there: a phase whose tasks own what they change.
    ///
    /// # Panics
    /// Where the slices are not equally long.
    pub fn run_each<A: Send, B: Send>(&mut self, first: &mut [A], second: &mut [B], task: impl Fn(usize, &mut A, &mut B) + Sync) {
        assert_eq!(first.len(), second.len(), "an element of each slice for every task");
        let tasks = first.len();
        let (first, second) = (Shares::new(first), Shares::new(second));
        self.run(tasks, |index| {
            // SAFETY: every index is one task's alone.
            let (first, second) = unsafe { (first.part(index, 1), second.part(index, 1)) };
            task(index, &mut first[0], &mut second[0]);
        });
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.state.store(State::next(self.shared.state.load(Ordering::Relaxed)), Ordering::SeqCst);
        drop(lock(&self.shared.sleepers));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker cannot panic outside a task, and tasks are caught.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn work(&self, number: usize) {
        let mut seen = 0;
        loop {
            let state = self.wait_for_phase(seen);
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            seen = state >> 32;
            // From here until it leaves, the phase cannot end.
            let entered = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                (state >> 32 == seen && state & State::OPEN != 0).then_some(state + 1)
            });
            if entered.is_err() {
                continue;
            }
            let phase = *lock(&self.phase);
            if let Some(phase) = phase {
                self.do_tasks(phase, number);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// Returns when there is a phase after the one numbered `seen`.
    fn wait_for_phase(&self, seen: u64) -> u64 {
        let started = Instant::now();
        loop {
            for _ in 0..64 {
                let state = self.state.load(Ordering::Acquire);
                if state >> 32 != seen {
                    return state;
                }
                std::hint::spin_loop();
            }
            if started.elapsed() > SPIN {
                break;
            }
        }
        let mut sleepers = lock(&self.sleepers);
        *sleepers += 1;
        // The state is looked at under the lock that the caller takes after changing it: no wake-up is lost.
        while self.state.load(Ordering::SeqCst) >> 32 == seen {
            sleepers = self.wake.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        }
        *sleepers -= 1;
        self.state.load(Ordering::Acquire)
    }

    /// Its own share, and then what the others have not begun.
    fn do_tasks(&self, phase: Phase, number: usize) {
        // SAFETY: the works live until the caller of `run_together` has seen this thread leave the phase.
        let works = unsafe { &*phase.works };
        let result = catch_unwind(AssertUnwindSafe(|| {
            let shares = self.cursors.len();
            for share in (number..shares).chain(0..number) {
                for (work, cursor) in works.iter().zip(&self.cursors[share].0) {
                    let end = begin(work.count(), share + 1, shares);
                    loop {
                        let task = cursor.fetch_add(1, Ordering::Relaxed);
                        if task >= end {
                            break;
                        }
                        // SAFETY: the works are the phase's alone, and the cursor gives each task once.
                        unsafe { work.run(task) };
                    }
                }
            }
        }));
        if let Err(panic) = result {
            lock(&self.panic).get_or_insert(panic);
        }
    }
}

/// A lock whose holder panicked is as good as any: nothing here is left half-done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once_by_any_team_in_phases_short_and_far_apart() {
        for threads in [1, 2, 3, 8] {
            let mut team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for tasks in [0, 1, 2, 7, 1000] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                team.run(tasks, |task| {
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
            std::thread::sleep(2 * SPIN);
            let sum = AtomicUsize::new(0);
            for _ in 0..2000 {
                team.run(3, |task| {
                    sum.fetch_add(task, Ordering::Relaxed);
                });
            }
            assert_eq!(sum.into_inner(), 6000);
        }
    }

    #[test]
    fn mirrored_tasks_stay_in_their_share_and_are_all_there() {
        for (tasks, shares) in [(1, 1), (26, 2), (7, 3), (2, 4), (64, 5)] {
            let mut seen: Vec<usize> = (0..tasks).map(|task| mirrored(task, tasks, shares)).collect();
            for share in 0..shares {
                let range = begin(tasks, share, shares)..begin(tasks, share + 1, shares);
                assert!(seen[range.clone()].iter().copied().eq(range.rev()), "share {share} of {shares} of {tasks} tasks");
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..tasks));
        }
    }

    #[test]
    fn works_of_one_phase_are_all_done_once() {
        for threads in [1, 2, 3] {
            let counts: Vec<Vec<AtomicUsize>> = [5, 0, 1, 40].map(|tasks| (0..tasks).map(|_| AtomicUsize::new(0)).collect()).into();
            let mut works: Vec<_> = counts
                .iter()
                .map(|counts| Each { count: counts.len(), run: |task: usize| _ = counts[task].fetch_add(1, Ordering::Relaxed) })
                .collect();
            let works: Vec<&mut dyn Tasks> = works.iter_mut().map(|work| work as &mut dyn Tasks).collect();
            Team::new(threads).run_together(&works);
            assert!(counts.iter().flatten().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn a_task_that_panics_panics_in_the_caller_and_the_team_goes_on() {
        let mut team = Team::new(2);
        let result = catch_unwind(AssertUnwindSafe(|| team.run(10, |task| assert_ne!(task, 5, "five"))));
        assert!(result.is_err());
        let done = AtomicUsize::new(0);
        team.run(10, |_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 10);
    }
}
