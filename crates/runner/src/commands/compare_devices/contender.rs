//! What is compared: a device and a step.

use crate::device::{self, Chosen, DeviceRequest};
use crate::recipe::StepChoice;
use anyhow::{Context, bail};
use std::str::FromStr;

/// `cpu`, `cuda:1`, `cpu:reference`: a device, and the step to take on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    /// As it was asked for.
    pub(super) name: String,
    request: DeviceRequest,
    pub(super) step: StepChoice,
}

impl FromStr for Contender {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (device, step) = match text.rsplit_once(':') {
            Some((device, "fused")) => (device, StepChoice::Fused),
            Some((device, "reference")) => (device, StepChoice::Reference),
            _ => (text, StepChoice::Auto),
        };
        let request = device.parse::<DeviceRequest>();
        let request = request.with_context(|| format!("--devices {text} names no device and step, such as cpu:reference"))?;
        Ok(Self { name: text.to_owned(), request, step })
    }
}

impl Contender {
    /// Those that the command line names, or else all there are.
    pub(super) fn all(names: &[String]) -> anyhow::Result<Vec<Self>> {
        if names.is_empty() {
            return default_names().iter().map(|name| name.parse()).collect();
        }
        if names.len() == 1 {
            bail!("--devices {} is one device: name two or more, as in cpu,cuda or cpu:fused,cpu:reference", names[0]);
        }
        names.iter().map(|name| name.parse()).collect()
    }

    /// Opens the device.
    pub(super) fn open(&self) -> anyhow::Result<Chosen> {
        self.request.open()
    }
}

fn default_names() -> Vec<String> {
    let mut names = vec!["cpu".to_owned()];
    names.extend((0..device::cuda_count()).map(|number| format!("cuda:{number}")));
    names.extend(device::metal(0).is_ok().then(|| "metal:0".to_owned()));
    if names.len() == 1 { vec!["cpu:reference".into(), "cpu:fused".into()] } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_carry_a_step() {
        for (text, request, step) in [
            ("cpu", DeviceRequest::Cpu, StepChoice::Auto),
            ("cpu:fused", DeviceRequest::Cpu, StepChoice::Fused),
            ("cuda:reference", DeviceRequest::Cuda(0), StepChoice::Reference),
            ("cuda:1:fused", DeviceRequest::Cuda(1), StepChoice::Fused),
            ("metal:0", DeviceRequest::Metal(0), StepChoice::Auto),
        ] {
            assert_eq!(text.parse::<Contender>().unwrap(), Contender { name: text.into(), request, step });
        }
        for text in ["", "gpu", "cpu:quick", "fused", "cpu:fused:reference"] {
            assert!(text.parse::<Contender>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_device_cannot_be_compared_and_none_is_all_there_are() {
        assert!(Contender::all(&["cpu".into()]).unwrap_err().to_string().contains("two or more"));
        assert!(Contender::all(&[]).unwrap().len() >= 2);
    }
}
