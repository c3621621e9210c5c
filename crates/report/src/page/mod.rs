//! The page of one run, of several side by side, or of a study: what it says, apart from how it is written.
//!
//! What has no data is left out, and one sentence says why. Nothing is estimated that the files of the runs do not hold.

mod claims;
mod curves;
mod families;
mod html;
mod layers;
mod markdown;
mod results;
mod rows;
mod settings;
mod study;
mod weights;

use crate::chart::Chart;
use crate::{ReportError, Run, Table};
use families::Families;

/// A page for people.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    sections: Vec<Section>,
}

/// A heading and what stands under it.
#[derive(Clone, Debug)]
struct Section {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    /// A paragraph.
    Text(String),
    /// What one should know to read what stands above.
    Note(String),
    /// Why something is not there.
    Missing(String),
    List(Vec<String>),
    Table(Table),
    Chart(Chart),
    /// A file as it is.
    Code(String),
}

/// The page of one run, as HTML that needs nothing but itself.
///
/// # Errors
/// Files of the run that are missing or not what a run writes.
pub fn run_page(run: &Run) -> Result<String, ReportError> {
    Ok(Page::of(std::slice::from_ref(run))?.to_html())
}

impl Page {
    /// The page of these runs. Runs that differ in nothing but their seed become one line with a band; runs of different recipes become lines
    /// beside each other. Of runs with the same recipe and seed the last one counts.
    ///
    /// # Errors
    /// Files of a run that are missing or not what a run writes.
    pub fn of(runs: &[Run]) -> Result<Self, ReportError> {
        let families = Families::read(runs)?;
        let mut sections = vec![claims::section(&families)?, results::section(&families, runs)?, curves::section(&families)];
        sections.push(layers::section(&families));
        if let [family] = &families.all[..] {
            sections.extend(weights::sections(family)?);
        }
        sections.extend(rows::sections(&families)?);
        sections.extend(settings::sections(&families)?);
        sections.retain(|section| !section.blocks.is_empty());
        Ok(Self { title: families.title(), sections })
    }

    /// Every chart, in order; no two have the same name.
    pub fn charts(&self) -> impl Iterator<Item = &Chart> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None })
    }
}

impl Section {
    fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    fn add(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Adds a chart, if there is one.
    fn chart(&mut self, chart: Option<Chart>) -> bool {
        let is_there = chart.is_some();
        self.blocks.extend(chart.map(Block::Chart));
        is_there
    }

    fn missing(&mut self, why: impl Into<String>) {
        self.add(Block::Missing(why.into()));
    }
}

/// `1.234 %` of a share.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `1 row`, `2 rows`.
fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// With a capital letter at its beginning.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
