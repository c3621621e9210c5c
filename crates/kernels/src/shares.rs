//! One slice, many writers.

/// A slice that tasks write to at different places at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares<'a, T> {
    start: *mut T,
    len: usize,
    slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: tasks are handed disjoint parts, which is the promise of `part`'s callers.
unsafe impl<T: Send> Send for Shares<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: std::marker::PhantomData }
    }

    /// Where element `from` is, for a kernel that finds its own way from there.
    pub(crate) fn at(&self, from: usize) -> *mut T {
        assert!(from <= self.len, "element {from} of {}", self.len);
        // SAFETY: it lies inside the slice or at its end.
        unsafe { self.start.add(from) }
    }

    /// `len` elements from `from` on, to write.
    ///
    /// # Safety
    /// No other part that is in use may overlap this one.
    pub(crate) unsafe fn part(&self, from: usize, len: usize) -> &'a mut [T] {
        assert!(from <= self.len && len <= self.len - from, "a part of {len} from {from} of {} elements", self.len);
        // SAFETY: it lies inside the slice, and overlaps no other part: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}
