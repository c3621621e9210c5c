use super::{AHEAD, Scaling, Source, group_panels, prefetch};
use crate::lit::{BLOCK, Look};
use crate::pool::Tasks;
use crate::shares::Shares;
use crate::{Bytes, Lit, PANEL};

/// A batch of bytes, gathered as part of a phase as the bytes they are, and looked at for zeros.
#[derive(Debug)]
pub struct GatherBytes<'a> {
    source: &'a [u8],
    rows: &'a [u32],
    out: Shares<'a, u8>,
    look: Look<'a>,
    panels: usize,
    capacity: usize,
    features: usize,
    /// Panels of a task.
    group: usize,
}

impl<'a> GatherBytes<'a> {
    /// Fills the first `rows.len()` rows of `out` `[rows, features]` from a `source` of that width, to stand for what `scaling` makes of
    /// them, as tasks for so many threads. `lit` becomes what is not zero in them. `None` where a byte becomes different things, or zero
    /// becomes something.
    pub fn new(
        threads: usize,
        source: &'a [u8],
        scaling: &'a Scaling,
        rows: &'a [u32],
        (out, lit): (&'a mut Bytes, &'a mut Lit),
    ) -> Option<Self> {
        assert!(rows.len() <= out.rows(), "there is room for the rows");
        let table = scaling.table.as_deref()?;
        let look = lit.begin_bytes(out, rows.len());
        let (panels, capacity, features) = (out.count(), out.rows(), out.columns());
        let group = group_panels(threads, rows.len(), panels);
        Some(Self { source, rows, out: out.begin(table), look, panels, capacity, features, group })
    }
}

impl Tasks for GatherBytes<'_> {
    fn count(&self) -> usize {
        self.rows.len().div_ceil(BLOCK) * self.panels.div_ceil(self.group)
    }

    unsafe fn run(&self, task: usize) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (task / groups, task % groups);
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        let columns = panels.start * PANEL..(panels.end * PANEL).min(self.features);
        let places = block * BLOCK..((block + 1) * BLOCK).min(self.rows.len());
        let start_of = |row: u32| row as usize * self.features + columns.start;
        for place in places.clone() {
            if let Some(row) = self.rows.get(place + AHEAD) {
                prefetch(Source::U8(self.source), start_of(*row), columns.len());
            }
            let bytes = &self.source[start_of(self.rows[place])..][..columns.len()];
            for (panel, bytes) in panels.clone().zip(bytes.chunks(PANEL)) {
                // SAFETY: each task has rows and panels of its own.
                let line = unsafe { self.out.part((panel * self.capacity + place) * PANEL, bytes.len()) };
                line.copy_from_slice(bytes);
            }
        }
        for panel in panels {
            // SAFETY: each task has rows and panels of its own, and has written them.
            unsafe {
                let lines = self.out.part((panel * self.capacity + places.start) * PANEL, places.len() * PANEL);
                self.look.at_bytes(panel, block, lines);
            }
        }
    }
}
