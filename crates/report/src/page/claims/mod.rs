//! What the files say, in one plain sentence each. A claim whose numbers are missing is not made.

mod layers;
mod rows;
mod seeds;
mod training;

use super::families::Families;
use super::{Block, Section};
use crate::ReportError;

pub(super) fn section(families: &Families) -> Result<Section, ReportError> {
    let mut claims = Vec::new();
    match &families.all[..] {
        [family] if family.runs.len() == 1 => {
            let trained = family.first();
            claims.extend(rows::claims(trained)?);
            claims.extend(training::claims(trained));
            claims.extend(layers::claims(trained));
            claims.extend(layers::movement(trained)?);
        }
        [family] => {
            claims.extend(seeds::of_family(family));
            claims.extend(layers::claims(family.first()).into_iter().map(|claim| seeds::of_seed(family.first(), &claim)));
        }
        all => claims.extend(seeds::between(all)),
    }
    let mut section = Section::new("In short");
    if claims.is_empty() {
        section.missing("There is nothing to say: training did not come to the end of an epoch.");
    } else {
        section.add(Block::List(claims));
    }
    Ok(section)
}
