//! What becomes of a recipe's `[optimizer]` when an override names another optimiser.

use super::overrides;
use relumine_engine::OptimizerConfig;
use relumine_engine::optimizer::OptimizerName;
use toml::{Table, Value};

/// If `overrides` name another optimiser than `table` does, takes out of `[optimizer]` what equals a default of the old one, so that the
/// defaults of the new one apply: a run's own recipe spells them all out. Settings with other values stay, and are refused by name if the
/// new optimiser does not have them. Tells whether there is another optimiser.
pub(super) fn forget_defaults(table: &mut Table, overrides: &[String]) -> bool {
    let mut overridden = table.clone();
    if overrides.iter().any(|text| overrides::apply(&mut overridden, text).is_err()) {
        return false;
    }
    let (Some(old), Some(new)) = (named_in(table), named_in(&overridden)) else { return false };
    if old == new {
        return false;
    }
    if let Some(section) = table.get_mut("optimizer").and_then(Value::as_table_mut)
        && let Ok(config) = section.clone().try_into::<OptimizerConfig>()
        && let (Ok(written), Ok(of_old), Ok(of_new)) =
            (Table::try_from(config), Table::try_from(old.defaults()), Table::try_from(new.defaults()))
    {
        // As the configuration writes them, 0 and 0.0 are equal.
        let gives_way = |key: &str| of_old.contains_key(key) && written.get(key) == of_old.get(key) && of_old.get(key) != of_new.get(key);
        for key in section.keys().filter(|key| *key != "name" && gives_way(key)) {
            tracing::info!("optimizer.{key} was a default of the optimiser that the recipe names, and gives way to that of the other");
        }
        section.retain(|key, _| key == "name" || !gives_way(key));
    }
    true
}

/// The optimiser that a recipe names; `None` where it is not known.
fn named_in(table: &Table) -> Option<OptimizerName> {
    match table.get("optimizer").and_then(|section| section.get("name")) {
        Some(name) => name.clone().try_into().ok(),
        None => Some(OptimizerName::default()),
    }
}
