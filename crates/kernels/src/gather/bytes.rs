use super::{AHEAD, Scaling, Source, prefetch};
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
}

impl<'a> GatherBytes<'a> {
    /// Fills the first `rows.len()` rows of `out` `[rows, features]` from a `source` of that width, to stand for what `scaling` makes of
    /// them. `lit` becomes what is not zero in them. `None` where a byte becomes different things, or zero becomes something.
    pub fn new(source: &'a [u8], scaling: &'a Scaling, rows: &'a [u32], (out, lit): (&'a mut Bytes, &'a mut Lit)) -> Option<Self> {
        assert!(rows.len() <= out.rows(), "there is room for the rows");
        let table = scaling.table.as_deref()?;
        let look = lit.begin_bytes(out, rows.len());
        let (panels, capacity, features) = (out.count(), out.rows(), out.columns());
        Some(Self { source, rows, out: out.begin(table), look, panels, capacity, features })
    }
}

impl Tasks for GatherBytes<'_> {
    /// Half a block of rows would do, but its columns' bits share words with the other half's.
    fn count(&self) -> usize {
        self.rows.len().div_ceil(BLOCK)
    }

    fn run(&self, block: usize) {
        let Self { source, features, .. } = *self;
        let places = block * BLOCK..((block + 1) * BLOCK).min(self.rows.len());
        for place in places.clone() {
            if let Some(row) = self.rows.get(place + AHEAD) {
                prefetch(Source::U8(source), *row as usize * features, features);
            }
            let bytes = &source[self.rows[place] as usize * features..][..features];
            for (panel, bytes) in bytes.chunks(PANEL).enumerate() {
                // SAFETY: each task has rows of its own.
                let line = unsafe { self.out.part((panel * self.capacity + place) * PANEL, bytes.len()) };
                line.copy_from_slice(bytes);
            }
        }
        for panel in 0..self.panels {
            // SAFETY: each task has rows of its own, and has written them.
            unsafe {
                let lines = self.out.part((panel * self.capacity + places.start) * PANEL, places.len() * PANEL);
                self.look.at_bytes(panel, block, lines);
            }
        }
    }
}
