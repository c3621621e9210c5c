//! A recipe as a flat list of keys and values.

use std::collections::BTreeMap;
use toml::{Table, Value};

/// The keys of a recipe by their dotted names, in alphabetical order. Tables are taken apart, arrays are not. What a setting is called stands
/// under its own key whether it has settings or not: `activation = "elu"` and `activation = { name = "elu" }` are both `model.activation`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

impl Settings {
    /// Takes a recipe apart.
    ///
    /// # Errors
    /// Text that is no TOML.
    ///
    /// ```
    /// let settings = relumine_report::Settings::parse("[model]\nhidden = [3]\nactivation = { name = \"elu\", alpha = 1.0 }\n[data]\nname = \"digits\"")?;
    /// let keys: Vec<_> = settings.iter().map(|(key, _)| key).collect();
    /// assert_eq!(keys, ["data.name", "model.activation", "model.activation.alpha", "model.hidden"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(recipe: &str) -> Result<Self, toml::de::Error> {
        let mut settings = Self::default();
        settings.take("", toml::from_str(recipe)?);
        Ok(settings)
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of one key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Whether every key has the same value in both, but for those that no weight depends on and the seed of training.
    #[must_use]
    pub fn differ_in_seed_alone(&self, other: &Self) -> bool {
        let keys = self.values.keys().chain(other.values.keys());
        keys.filter(|key| !is_log_or_seed(key)).all(|key| self.get(key) == other.get(key))
    }

    fn take(&mut self, prefix: &str, table: Table) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                Value::Table(mut table) => {
                    // The name in a section is a setting like any other.
                    let name = if prefix.is_empty() { None } else { table.remove("name") };
                    self.values.extend(name.map(|name| (key.clone(), name)));
                    self.take(&format!("{key}."), table);
                }
                value => drop(self.values.insert(key, value)),
            }
        }
    }
}

/// Whether a key has no say in what a run computes but for chance: the seed of training, and what is written beside it.
pub(crate) fn is_log_or_seed(key: &str) -> bool {
    matches!(key, "train.seed" | "train.checkpoint_steps" | "train.tensorboard") || key == "probes" || key.starts_with("probes.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_checkpoints_and_logs_do_not_tell_recipes_apart() {
        let parse = |text: &str| Settings::parse(text).unwrap();
        let one = parse("[model]\nhidden = [3]\n[train]\nseed = 1\ntensorboard = true\n[probes]\nevery_steps = 50");
        let other = parse("[model]\nhidden = [3]\n[train]\nseed = 2\ncheckpoint_steps = 10");
        assert!(one.differ_in_seed_alone(&other) && other.differ_in_seed_alone(&one));
        let wider = parse("[model]\nhidden = [4]\n[train]\nseed = 1");
        let decayed = parse("[model]\nhidden = [3]\n[train]\nseed = 1\n[optimizer]\nweight_decay = 0.1");
        for different in [wider, decayed] {
            assert!(!one.differ_in_seed_alone(&different) && !different.differ_in_seed_alone(&one));
        }
    }
}
