//! The `[optimizer]` section of a recipe.

use super::{Adam, Sgd, UpdateRule};
use crate::Schedule;
use crate::schedule::Constant;
use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};

/// An optimiser and its settings. A key that the named optimiser does not have is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimiser.
    pub name: OptimizerName,
    /// Step size, before the schedule's factor; over 0.
    pub learning_rate: f64,
    /// adam: the decay of the moving means of the gradient and of its square, each in [0, 1); 0.9 and 0.999 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// adam: added to the root of the second moment, over 0; 1e-8 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// sgd: how much of the last change is kept, in [0, 1); 0 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// sgd: whether to look ahead along the momentum; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// `weight_decay * w` is added to the gradient of each weight `w` (L2 regularisation), at least 0. Unlike PyTorch, biases are left out.
    pub weight_decay: f64,
    /// The largest Euclidean norm that all gradients together may have, over 0; no clipping where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// How the learning rate changes.
    pub schedule: Schedule,
}

/// The optimisers by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    /// [`Sgd`].
    Sgd,
    /// [`Adam`].
    #[default]
    Adam,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            name: OptimizerName::Adam,
            learning_rate: 1e-3,
            betas: None,
            epsilon: None,
            momentum: None,
            nesterov: None,
            weight_decay: 0.0,
            clip_norm: None,
            schedule: Schedule::Constant(Constant {}),
        }
    }
}

impl OptimizerConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first key that is out of range or belongs to another optimiser.
    pub fn validate(&self) -> Result<(), ConfigError> {
        // The arithmetic is in f32, where a number may round to 0 or to infinity.
        let over_zero = |value: f64| value as f32 > 0.0 && (value as f32).is_finite();
        let rate = |value: f64| (0.0..1.0).contains(&value);
        let check = |ok: bool, key, found: String, remedy| if ok { Ok(()) } else { Err(ConfigError::new(key, found, remedy)) };
        check(
            over_zero(self.learning_rate),
            "optimizer.learning_rate",
            self.learning_rate.to_string(),
            "give a finite number over 0, such as 0.001",
        )?;
        check(
            self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
            "optimizer.weight_decay",
            self.weight_decay.to_string(),
            "give a finite number of at least 0, such as 0.0001",
        )?;
        if let Some(norm) = self.clip_norm {
            check(over_zero(norm), "optimizer.clip_norm", norm.to_string(), "give a finite number over 0, such as 1.0, or leave it out")?;
        }
        if let Some(betas) = self.betas {
            let ok = betas.into_iter().all(rate);
            check(ok, "optimizer.betas", format!("{betas:?}"), "give two numbers of at least 0 and under 1, such as [0.9, 0.999]")?;
        }
        if let Some(epsilon) = self.epsilon {
            check(over_zero(epsilon), "optimizer.epsilon", epsilon.to_string(), "give a finite number over 0, such as 1e-8")?;
        }
        if let Some(momentum) = self.momentum {
            check(rate(momentum), "optimizer.momentum", momentum.to_string(), "give a number of at least 0 and under 1, such as 0.9")?;
        }
        let without_momentum = self.momentum.is_none_or(|momentum| momentum == 0.0);
        check(
            !(self.nesterov == Some(true) && without_momentum && self.name == OptimizerName::Sgd),
            "optimizer.nesterov",
            "true".into(),
            "set optimizer.momentum over 0, or leave nesterov out",
        )?;
        self.schedule.validate()?;
        self.check_ownership()
    }

    /// A setting of another optimiser is a mistake that would otherwise go unnoticed.
    fn check_ownership(&self) -> Result<(), ConfigError> {
        use OptimizerName::{Adam, Sgd};
        for (owner, owner_name, key, found) in [
            (Adam, "adam", "optimizer.betas", self.betas.map(|betas| format!("{betas:?}"))),
            (Adam, "adam", "optimizer.epsilon", self.epsilon.map(|epsilon| epsilon.to_string())),
            (Sgd, "sgd", "optimizer.momentum", self.momentum.map(|momentum| momentum.to_string())),
            (Sgd, "sgd", "optimizer.nesterov", self.nesterov.map(|nesterov| nesterov.to_string())),
        ] {
            if let (true, Some(found)) = (self.name != owner, found) {
                let remedy = format!("it is a setting of {owner_name}; remove it or set optimizer.name = \"{owner_name}\"");
                return Err(ConfigError::new(key, found, remedy));
            }
        }
        Ok(())
    }

    pub(super) fn rule(&self) -> Box<dyn UpdateRule> {
        match self.name {
            OptimizerName::Sgd => Box::new(Sgd::from_config(self)),
            OptimizerName::Adam => Box::new(Adam::from_config(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_or_of_another_optimiser_are_named() {
        for (json, key) in [
            (r#"{"learning_rate": -1}"#, "optimizer.learning_rate"),
            (r#"{"learning_rate": 0}"#, "optimizer.learning_rate"),
            (r#"{"betas": [0.9, 1.0]}"#, "optimizer.betas"),
            (r#"{"epsilon": 0}"#, "optimizer.epsilon"),
            (r#"{"epsilon": 1e-50}"#, "optimizer.epsilon"),
            (r#"{"weight_decay": -0.1}"#, "optimizer.weight_decay"),
            (r#"{"clip_norm": 0}"#, "optimizer.clip_norm"),
            (r#"{"momentum": 0.9}"#, "optimizer.momentum"),
            (r#"{"name": "sgd", "momentum": 1.0}"#, "optimizer.momentum"),
            (r#"{"name": "sgd", "nesterov": true}"#, "optimizer.nesterov"),
            (r#"{"name": "sgd", "betas": [0.9, 0.99]}"#, "optimizer.betas"),
        ] {
            let config: OptimizerConfig = serde_json::from_str(json).unwrap();
            let error = config.validate().unwrap_err();
            assert_eq!(error.key, key, "{json}: {error}");
        }
        assert!(OptimizerConfig::default().validate().is_ok());
    }
}
