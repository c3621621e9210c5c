//! The `[optimizer]` section of a recipe.

use super::{Adadelta, Adagrad, Adam, Lion, Nadam, RmsProp, Sgd, UpdateRule};
use crate::schedule::Constant;
use crate::{MomentumSchedule, Schedule};
use relumine_model::{ConfigError, Role};
use serde::{Deserialize, Serialize};

/// An optimiser and its settings. A key that the named optimiser does not have is an error; one that is absent takes the default of
/// [`OptimizerName::defaults`], which [`resolved`](Self::resolved) fills in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimiser.
    pub name: OptimizerName,
    /// Step size, before the schedule's factor; over 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// adam, adamw, nadam, lion: the decay of the moving means of the gradient and of its square, each in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// adam, adamw, nadam, rmsprop, adagrad, adadelta: keeps a denominator away from 0; at least 1e-15, for adadelta, where it
    /// stands under the root, 1e-30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// rmsprop, adadelta: the decay of the moving mean of squares, in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,
    /// sgd, rmsprop: how much of the last change is kept, in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// sgd: whether to look ahead along the momentum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// rmsprop: whether the mean gradient is taken out of the mean square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centered: Option<bool>,
    /// nadam: how fast the momentum rises to its full value, at least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum_decay: Option<f64>,
    /// adagrad: what the sum of squares starts from, at least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_accumulator_value: Option<f64>,
    /// adamw, lion: every step multiplies the weights by `1 - learning_rate weight_decay`. Others: `weight_decay w` is added to the
    /// gradient of each weight `w`. At least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// What decays.
    pub weight_decay_of: DecayOf,
    /// Penalty `l1 sum |w|` on the weights, at least 0.
    pub l1: f64,
    /// Penalty `l2 sum w^2` on the weights, at least 0.
    pub l2: f64,
    /// The largest Euclidean norm that the weights into one unit may have after a step, over 0; no bound where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_norm: Option<f64>,
    /// The largest Euclidean norm that all gradients together may have, over 0; no clipping where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// The largest size that any element of a gradient may have, over 0; no clipping where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// Evaluate by the exponential moving average of the weights with this decay, in [0, 1): see [`Average`](crate::Average). It looks back
    /// over about `1 / (1 - decay)` steps, 1000 at 0.999: a run that is not several times as long is evaluated by weights of its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// How the momentum, or the first of the betas, changes; it stays where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum_schedule: Option<MomentumSchedule>,
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
    /// [`Adam`] with decoupled weight decay.
    Adamw,
    /// [`RmsProp`].
    Rmsprop,
    /// [`Adagrad`].
    Adagrad,
    /// [`Adadelta`].
    Adadelta,
    /// [`Nadam`].
    Nadam,
    /// [`Lion`].
    Lion,
}

/// Which parameters weight decay shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayOf {
    /// The weights of dense layers. PyTorch and Keras decay everything, unless told otherwise.
    #[default]
    Weights,
    /// Biases and the scales and shifts of normalisations too.
    All,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            name: OptimizerName::Adam,
            learning_rate: None,
            betas: None,
            epsilon: None,
            rho: None,
            momentum: None,
            nesterov: None,
            centered: None,
            momentum_decay: None,
            initial_accumulator_value: None,
            weight_decay: None,
            weight_decay_of: DecayOf::Weights,
            l1: 0.0,
            l2: 0.0,
            max_norm: None,
            clip_norm: None,
            clip_value: None,
            ema_decay: None,
            schedule: Schedule::Constant(Constant {}),
            momentum_schedule: None,
        }
    }
}

impl OptimizerName {
    const ALL: [Self; 8] = [Self::Sgd, Self::Adam, Self::Adamw, Self::Rmsprop, Self::Adagrad, Self::Adadelta, Self::Nadam, Self::Lion];

    /// Whether weight decay shrinks the weights themselves; otherwise it is added to their gradients.
    pub(crate) fn decouples_weight_decay(self) -> bool {
        matches!(self, Self::Adamw | Self::Lion)
    }

    /// The keys that this optimiser has, with the defaults of PyTorch 2, or of Keras 3 for lion. No other key is set.
    ///
    /// ```
    /// use relumine_engine::optimizer::OptimizerName::{Adadelta, Adagrad, Adam, Adamw, Lion, Nadam, Rmsprop, Sgd};
    /// let rates = [Sgd, Adam, Adamw, Lion, Nadam, Rmsprop, Adagrad, Adadelta].map(|name| name.defaults().learning_rate);
    /// assert_eq!(rates, [1e-3, 1e-3, 1e-3, 1e-3, 2e-3, 1e-2, 1e-2, 1.0].map(Some));
    /// ```
    #[must_use]
    pub fn defaults(self) -> OptimizerConfig {
        let learning_rate = Some(match self {
            Self::Sgd | Self::Adam | Self::Adamw | Self::Lion => 1e-3,
            Self::Nadam => 2e-3,
            Self::Rmsprop | Self::Adagrad => 1e-2,
            Self::Adadelta => 1.0,
        });
        let none = OptimizerConfig { name: self, learning_rate, weight_decay: Some(0.0), ..OptimizerConfig::default() };
        let betas = Some([0.9, 0.999]);
        let epsilon = Some(1e-8);
        match self {
            Self::Sgd => OptimizerConfig { momentum: Some(0.0), nesterov: Some(false), ..none },
            Self::Adam => OptimizerConfig { betas, epsilon, ..none },
            Self::Adamw => OptimizerConfig { betas, epsilon, weight_decay: Some(0.01), ..none },
            Self::Rmsprop => OptimizerConfig { rho: Some(0.99), epsilon, momentum: Some(0.0), centered: Some(false), ..none },
            Self::Adagrad => OptimizerConfig { initial_accumulator_value: Some(0.0), epsilon: Some(1e-10), ..none },
            Self::Adadelta => OptimizerConfig { rho: Some(0.9), epsilon: Some(1e-6), ..none },
            Self::Nadam => OptimizerConfig { betas, epsilon, momentum_decay: Some(4e-3), ..none },
            Self::Lion => OptimizerConfig { betas: Some([0.9, 0.99]), ..none },
        }
    }

    /// As a recipe spells it.
    fn spelled(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// The keys that only some optimisers have: name, and the value as it is written where there is one.
fn own_keys(config: &OptimizerConfig) -> [(&'static str, Option<String>); 8] {
    fn shown<T: std::fmt::Debug>(value: Option<&T>) -> Option<String> {
        value.map(|value| format!("{value:?}"))
    }
    [
        ("optimizer.betas", shown(config.betas.as_ref())),
        ("optimizer.epsilon", shown(config.epsilon.as_ref())),
        ("optimizer.rho", shown(config.rho.as_ref())),
        ("optimizer.momentum", shown(config.momentum.as_ref())),
        ("optimizer.nesterov", shown(config.nesterov.as_ref())),
        ("optimizer.centered", shown(config.centered.as_ref())),
        ("optimizer.momentum_decay", shown(config.momentum_decay.as_ref())),
        ("optimizer.initial_accumulator_value", shown(config.initial_accumulator_value.as_ref())),
    ]
}

impl OptimizerConfig {
    /// The same with the defaults of its optimiser for what is absent.
    #[must_use]
    pub fn resolved(self) -> Self {
        let defaults = self.name.defaults();
        Self {
            learning_rate: self.learning_rate.or(defaults.learning_rate),
            betas: self.betas.or(defaults.betas),
            epsilon: self.epsilon.or(defaults.epsilon),
            rho: self.rho.or(defaults.rho),
            momentum: self.momentum.or(defaults.momentum),
            nesterov: self.nesterov.or(defaults.nesterov),
            centered: self.centered.or(defaults.centered),
            momentum_decay: self.momentum_decay.or(defaults.momentum_decay),
            initial_accumulator_value: self.initial_accumulator_value.or(defaults.initial_accumulator_value),
            weight_decay: self.weight_decay.or(defaults.weight_decay),
            ..self
        }
    }

    /// How much a parameter of this role decays.
    pub(crate) fn decay_of(&self, role: Role) -> f64 {
        match (self.weight_decay_of, role) {
            (DecayOf::All, _) | (DecayOf::Weights, Role::Weight) => self.weight_decay.unwrap_or_default(),
            _ => 0.0,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first key that is out of range or belongs to another optimiser.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        self.check_ownership()?;
        self.check_combinations()?;
        self.schedule.validate()?;
        self.momentum_schedule.as_ref().map_or(Ok(()), MomentumSchedule::validate)
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        // The arithmetic is in f32, where a number may round to 0 or to infinity.
        let over_zero = |value: f64| value as f32 > 0.0 && (value as f32).is_finite();
        let not_negative = |value: f64| value >= 0.0 && (value as f32).is_finite();
        let rate = |value: f64| (0.0..1.0).contains(&value);
        let is_under_root = self.name == OptimizerName::Adadelta;
        let check = |ok: fn(f64) -> bool, key, value: Option<f64>, remedy: &str| match value {
            Some(value) if ok(value) => Ok(()),
            Some(value) if value > 0.0 && value.is_finite() && !((value as f32).is_normal()) => {
                Err(ConfigError::new(key, format!("{value:e}"), format!("an f32 cannot hold it: {remedy}")))
            }
            Some(value) => Err(ConfigError::new(key, value, remedy)),
            None => Ok(()),
        };
        check(over_zero, "optimizer.learning_rate", self.learning_rate, "give a finite number over 0, such as 0.001")?;
        check(not_negative, "optimizer.weight_decay", self.weight_decay, "give a finite number of at least 0, such as 0.0001")?;
        check(not_negative, "optimizer.l1", Some(self.l1), "give a finite number of at least 0, such as 0.00001")?;
        check(not_negative, "optimizer.l2", Some(self.l2), "give a finite number of at least 0, such as 0.0001")?;
        check(over_zero, "optimizer.max_norm", self.max_norm, "give a finite number over 0, such as 3.0, or leave it out")?;
        check(over_zero, "optimizer.clip_norm", self.clip_norm, "give a finite number over 0, such as 1.0, or leave it out")?;
        check(over_zero, "optimizer.clip_value", self.clip_value, "give a finite number over 0, such as 0.5, or leave it out")?;
        check(rate, "optimizer.ema_decay", self.ema_decay, "give a number of at least 0 and under 1, such as 0.999, or leave it out")?;
        // The square of a gradient under 1e-17 is lost in an f32: beside a smaller epsilon its step would have no bound.
        let epsilon = |value: f64| value >= 1e-15 && (value as f32).is_finite();
        check(
            epsilon,
            "optimizer.epsilon",
            self.epsilon.filter(|_| !is_under_root),
            "give a finite number of at least 1e-15, such as 1e-8",
        )?;
        let epsilon = |value: f64| value >= 1e-30 && (value as f32).is_finite();
        check(
            epsilon,
            "optimizer.epsilon",
            self.epsilon.filter(|_| is_under_root),
            "give a finite number of at least 1e-30, such as 1e-6",
        )?;
        check(rate, "optimizer.rho", self.rho, "give a number of at least 0 and under 1, such as 0.9")?;
        check(rate, "optimizer.momentum", self.momentum, "give a number of at least 0 and under 1, such as 0.9")?;
        check(not_negative, "optimizer.momentum_decay", self.momentum_decay, "give a finite number of at least 0, such as 0.004")?;
        let start = self.initial_accumulator_value;
        check(not_negative, "optimizer.initial_accumulator_value", start, "give a finite number of at least 0, such as 0.1")?;
        if self.betas.is_some_and(|betas| !betas.into_iter().all(rate)) {
            let remedy = "give two numbers of at least 0 and under 1, such as [0.9, 0.999]";
            return Err(ConfigError::new("optimizer.betas", format!("{:?}", self.betas.unwrap_or_default()), remedy));
        }
        Ok(())
    }

    /// A setting of another optimiser is a mistake that would otherwise go unnoticed.
    fn check_ownership(&self) -> Result<(), ConfigError> {
        let known = own_keys(&self.name.defaults());
        for (position, (key, found)) in own_keys(self).into_iter().enumerate() {
            if let (Some(found), None) = (found, &known[position].1) {
                let has_key = |name: &OptimizerName| own_keys(&name.defaults())[position].1.is_some();
                let owners: Vec<String> = OptimizerName::ALL.into_iter().filter(has_key).map(OptimizerName::spelled).collect();
                let have = if owners.len() == 1 { "has" } else { "have" };
                let remedy = format!(
                    "{} has no such setting, {} {have}; leave it out or change optimizer.name",
                    self.name.spelled(),
                    owners.join(", ")
                );
                return Err(ConfigError::new(key, found, remedy));
            }
        }
        Ok(())
    }

    fn check_combinations(&self) -> Result<(), ConfigError> {
        let without_momentum = self.momentum.is_none_or(|momentum| momentum == 0.0);
        if self.nesterov == Some(true) && without_momentum {
            return Err(ConfigError::new("optimizer.nesterov", "true", "set optimizer.momentum over 0, or leave nesterov out"));
        }
        if self.clip_norm.is_some() && self.clip_value.is_some() {
            let remedy = "gradients are clipped by norm or by value; leave one of them out";
            return Err(ConfigError::new("optimizer.clip_value", "set beside optimizer.clip_norm", remedy));
        }
        if let Some(schedule) = &self.momentum_schedule {
            let remedy = match (self.name, schedule) {
                (OptimizerName::Sgd | OptimizerName::Rmsprop, MomentumSchedule::OneCycle(_)) if without_momentum => {
                    "set optimizer.momentum over 0, for without it there is none to change; its values are base_momentum to max_momentum"
                }
                (OptimizerName::Sgd | OptimizerName::Rmsprop, _) if without_momentum => {
                    "set optimizer.momentum over 0, the value it leads to"
                }
                (OptimizerName::Nadam, _) => "nadam has a momentum schedule of its own; leave this one out",
                (OptimizerName::Adagrad | OptimizerName::Adadelta, _) => "this optimiser has no momentum; leave it out",
                _ => return Ok(()),
            };
            return Err(ConfigError::new("optimizer.momentum_schedule", schedule.name(), remedy));
        }
        Ok(())
    }

    /// The arithmetic of a resolved configuration, in which every key of the optimiser has its value.
    pub(crate) fn rule(&self) -> Box<dyn UpdateRule> {
        match self.name {
            OptimizerName::Sgd => Box::new(Sgd::from_config(self)),
            OptimizerName::Adam | OptimizerName::Adamw => Box::new(Adam::from_config(self)),
            OptimizerName::Rmsprop => Box::new(RmsProp::from_config(self)),
            OptimizerName::Adagrad => Box::new(Adagrad::from_config(self)),
            OptimizerName::Adadelta => Box::new(Adadelta::from_config(self)),
            OptimizerName::Nadam => Box::new(Nadam::from_config(self)),
            OptimizerName::Lion => Box::new(Lion::from_config(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> OptimizerConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn values_out_of_range_or_of_another_optimiser_are_named() {
        for (json, key) in [
            (r#"{"learning_rate": -1}"#, "optimizer.learning_rate"),
            (r#"{"learning_rate": 0}"#, "optimizer.learning_rate"),
            (r#"{"betas": [0.9, 1.0]}"#, "optimizer.betas"),
            (r#"{"epsilon": 0}"#, "optimizer.epsilon"),
            (r#"{"epsilon": 9e-16}"#, "optimizer.epsilon"),
            (r#"{"name": "adadelta", "epsilon": 9e-31}"#, "optimizer.epsilon"),
            (r#"{"weight_decay": -0.1}"#, "optimizer.weight_decay"),
            (r#"{"l1": -0.1}"#, "optimizer.l1"),
            (r#"{"l2": 1e60}"#, "optimizer.l2"),
            (r#"{"max_norm": 0}"#, "optimizer.max_norm"),
            (r#"{"clip_norm": 0}"#, "optimizer.clip_norm"),
            (r#"{"clip_value": -1}"#, "optimizer.clip_value"),
            (r#"{"clip_value": 1, "clip_norm": 1}"#, "optimizer.clip_value"),
            (r#"{"ema_decay": 1.0}"#, "optimizer.ema_decay"),
            (r#"{"momentum": 0.9}"#, "optimizer.momentum"),
            (r#"{"rho": 0.9}"#, "optimizer.rho"),
            (r#"{"name": "sgd", "momentum": 1.0}"#, "optimizer.momentum"),
            (r#"{"name": "sgd", "nesterov": true}"#, "optimizer.nesterov"),
            (r#"{"name": "sgd", "betas": [0.9, 0.99]}"#, "optimizer.betas"),
            (r#"{"name": "adagrad", "initial_accumulator_value": -1}"#, "optimizer.initial_accumulator_value"),
            (r#"{"name": "nadam", "momentum_decay": -1}"#, "optimizer.momentum_decay"),
            (r#"{"name": "lion", "epsilon": 1e-8}"#, "optimizer.epsilon"),
            (r#"{"name": "adadelta", "centered": true}"#, "optimizer.centered"),
            (r#"{"name": "sgd", "momentum_schedule": "sutskever"}"#, "optimizer.momentum_schedule"),
            (r#"{"name": "nadam", "momentum_schedule": "sutskever"}"#, "optimizer.momentum_schedule"),
            (r#"{"name": "adagrad", "momentum_schedule": "sutskever"}"#, "optimizer.momentum_schedule"),
        ] {
            let error = read(json).validate().unwrap_err();
            assert_eq!(error.key, key, "{json}: {error}");
        }
    }

    #[test]
    fn a_foreign_key_names_its_owners() {
        let error = read(r#"{"momentum": 0.9}"#).validate().unwrap_err().to_string();
        assert!(error.contains("adam has no such setting, sgd, rmsprop have; leave it out"), "{error}");
        let error = read(r#"{"nesterov": true}"#).validate().unwrap_err().to_string();
        assert!(error.contains("adam has no such setting, sgd has; leave it out"), "{error}");
    }

    /// `one_cycle` does not lead to `optimizer.momentum`, but it changes nothing where there is none.
    #[test]
    fn a_momentum_schedule_without_a_momentum_is_told_what_momentum_is_for() {
        for (schedule, sentence) in [
            (r#""sutskever""#, "over 0, the value it leads to"),
            (r#"{"name": "linear", "duration": 3}"#, "over 0, the value it leads to"),
            (r#""one_cycle""#, "its values are base_momentum to max_momentum"),
        ] {
            for name in ["sgd", "rmsprop"] {
                let config = read(&format!(r#"{{"name": "{name}", "momentum_schedule": {schedule}}}"#));
                let error = config.validate().unwrap_err().to_string();
                assert!(error.starts_with("optimizer.momentum_schedule = ") && error.ends_with(sentence), "{error}");
                assert!(OptimizerConfig { momentum: Some(0.5), ..config }.validate().is_ok());
            }
        }
    }

    #[test]
    fn every_optimiser_is_usable_by_its_name_alone_and_resolves_to_its_defaults() {
        for name in OptimizerName::ALL {
            let config = read(&format!(r#"{{"name": "{}"}}"#, name.spelled()));
            config.validate().unwrap();
            assert_eq!(config.clone().resolved(), name.defaults());
            assert!(name.defaults().learning_rate.is_some(), "{name:?}");
            assert!(config.resolved().validate().is_ok());
        }
        assert_eq!(read(r#"{"name": "adamw"}"#).resolved().weight_decay, Some(0.01));
        assert_eq!(read(r#"{"name": "adadelta", "learning_rate": 0.5}"#).resolved().learning_rate, Some(0.5));
    }
}
