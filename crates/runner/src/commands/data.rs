//! `relumine data`.

use crate::failure::Failure;
use crate::terminal;
use relumine_data::Catalog;
use relumine_report::{Align, Table};

/// Lists the data sets that have a name, and where they are.
pub(super) fn list() -> Result<(), Failure> {
    let catalog = Catalog::from_environment();
    let mut table = Table::new(&[("name", Align::Left), ("what", Align::Left), ("licence", Align::Left), ("where", Align::Left)]);
    for entry in catalog.entries() {
        let place = match (catalog.folder(entry), catalog.is_available(entry)) {
            (None, true) => "inside relumine".into(),
            (Some(folder), true) => folder.display().to_string(),
            (Some(folder), false) => format!("downloaded when first used, into {}", folder.display()),
            (None, false) => "no cache folder; set RELUMINE_CACHE".into(),
        };
        table.row([entry.name, entry.description, entry.licence, &place]);
    }
    terminal::print(table)
}
