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
