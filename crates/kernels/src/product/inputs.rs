use super::sparse::{Coded, Factors};
use crate::{Bytes, Lit, PANEL, Panels};

/// What a layer reads, `[rows, in]`, and whether a product passes over what of it is zero.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Everything is multiplied.
    Whole(&'a Panels),
    /// What is lit.
    Lit(&'a Panels, &'a Lit),
    /// What is lit, of bytes.
    Bytes(&'a Bytes, &'a Lit),
}

impl<'a> Inputs<'a> {
    /// These values, passing over zeros where there is a `lit`.
    #[must_use]
    pub fn new(values: &'a Panels, lit: Option<&'a Lit>) -> Self {
        match lit {
            Some(lit) => Self::Lit(values, lit),
            None => Self::Whole(values),
        }
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        match self {
            Self::Whole(values) | Self::Lit(values, _) => values.columns(),
            Self::Bytes(bytes, _) => bytes.columns(),
        }
    }

    /// Panels.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Whole(values) | Self::Lit(values, _) => values.count(),
            Self::Bytes(bytes, _) => bytes.count(),
        }
    }

    /// Columns of a panel.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Whole(values) | Self::Lit(values, _) => values.width(),
            Self::Bytes(..) => PANEL,
        }
    }

    /// Whether there are so many rows, and what is lit is known of just these.
    pub(crate) fn have_rows(&self, rows: usize) -> bool {
        match self {
            Self::Whole(values) => rows <= values.rows(),
            Self::Lit(values, lit) => rows <= values.rows() && lit.belongs_to(values, rows),
            Self::Bytes(bytes, lit) => rows <= bytes.rows() && lit.belongs_to_bytes(bytes, rows),
        }
    }
}

/// Values and which of them are lit, as a product that passes over zeros reads them.
pub(super) trait LitInputs: Sync {
    type Factors: Factors;

    fn lit(&self) -> &Lit;
    fn count(&self) -> usize;
    fn width(&self) -> usize;
    /// The factors from this row and the first column of this panel on; a row is `width` places long.
    fn factors(&self, panel: usize, row: usize) -> Self::Factors;
}

impl LitInputs for (&Panels, &Lit) {
    type Factors = *const f32;

    fn lit(&self) -> &Lit {
        self.1
    }

    fn count(&self) -> usize {
        self.0.count()
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn factors(&self, panel: usize, row: usize) -> *const f32 {
        self.0.values()[panel * self.0.stride() + row * self.0.width()..].as_ptr()
    }
}

impl LitInputs for (&Bytes, &Lit) {
    type Factors = Coded;

    fn lit(&self) -> &Lit {
        self.1
    }

    fn count(&self) -> usize {
        self.0.count()
    }

    fn width(&self) -> usize {
        PANEL
    }

    fn factors(&self, panel: usize, row: usize) -> Coded {
        Coded { bytes: self.0.at(panel, row), table: self.0.table().as_ptr() }
    }
}
