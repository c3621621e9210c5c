//! Choosing a device at run time, and saying why.

mod cuda;
mod driver;
mod explain;

pub use cuda::{CudaDetails, count as cuda_count, details as cuda_details};
pub use driver::NvidiaDriver;
pub use explain::explained;

use anyhow::{anyhow, bail};
use candle_core::Device;
use std::str::FromStr;

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRequest {
    /// CUDA, then Metal, then the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
    /// A Metal device by its number.
    Metal(usize),
}

/// A device and the reason it was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Candle's handle.
    pub device: Device,
    /// `cpu`, `cuda:0` or `metal:0`.
    pub name: String,
    /// One clause.
    pub reason: String,
}

impl FromStr for DeviceRequest {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (kind, number) = text.split_once(':').map_or((text, None), |(kind, number)| (kind, Some(number)));
        let expected = || anyhow!("--device {text} is no device: give auto, cpu, cuda, cuda:N, metal or metal:N");
        let number = number.map(str::parse::<usize>).transpose().map_err(|_| expected())?;
        match (kind, number) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", number) => Ok(Self::Cuda(number.unwrap_or(0))),
            ("metal", number) => Ok(Self::Metal(number.unwrap_or(0))),
            _ => Err(expected()),
        }
    }
}

impl DeviceRequest {
    /// Opens the device. One that is asked for by name and cannot be had is an error, never a silent fallback.
    ///
    /// # Errors
    /// The reason the device cannot be had, and the remedy.
    pub fn open(self) -> anyhow::Result<Chosen> {
        let named = |device, name| Chosen { device, name, reason: "asked for by name".into() };
        match self {
            Self::Cpu => Ok(named(Device::Cpu, "cpu".into())),
            Self::Cuda(number) => match cuda(number) {
                Ok(device) => Ok(named(device, format!("cuda:{number}"))),
                Err(unavailable) => bail!("--device cuda:{number} cannot be had: {}; {}", unavailable.reason, unavailable.remedy),
            },
            Self::Metal(number) => match metal(number) {
                Ok(device) => Ok(named(device, format!("metal:{number}"))),
                Err(unavailable) => bail!("--device metal:{number} cannot be had: {}; {}", unavailable.reason, unavailable.remedy),
            },
            Self::Auto => Ok(open_first()),
        }
    }
}

/// Why a device is not there, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// One clause.
    pub reason: String,
    /// An instruction.
    pub remedy: String,
}

fn open_first() -> Chosen {
    let no_cuda = match cuda(0) {
        Ok(device) => return Chosen { device, name: "cuda:0".into(), reason: "a CUDA device is there".into() },
        Err(unavailable) => unavailable.reason,
    };
    match metal(0) {
        Ok(device) => Chosen { device, name: "metal:0".into(), reason: format!("no CUDA: {no_cuda}") },
        Err(no_metal) => {
            let reason = format!("no CUDA: {no_cuda}; no Metal: {}", no_metal.reason);
            Chosen { device: Device::Cpu, name: "cpu".into(), reason }
        }
    }
}

/// Opens a CUDA device.
///
/// # Errors
/// Why there is none.
pub fn cuda(number: usize) -> Result<Device, Unavailable> {
    if !candle_core::utils::cuda_is_available() {
        return Err(no_cuda_built(NvidiaDriver::find()));
    }
    cuda::open(number).map_err(|error| {
        let text = first_line(&error.to_string());
        explain::explain(&text).unwrap_or_else(|| Unavailable {
            reason: text,
            remedy: "check with nvidia-smi that the driver runs and how many devices there are, or use --device cpu".into(),
        })
    })
}

/// A build for the CPU says so on a machine that could do more.
fn no_cuda_built(driver: Option<NvidiaDriver>) -> Unavailable {
    let reason = driver.map_or_else(|| "built without it".into(), |driver| format!("built without it, though there is {driver}"));
    Unavailable { reason, remedy: "build with `cargo build --release --features cuda`, or use --device cpu".into() }
}

/// Opens a Metal device.
///
/// # Errors
/// Why there is none.
pub fn metal(number: usize) -> Result<Device, Unavailable> {
    if !candle_core::utils::metal_is_available() {
        let remedy = "build on a Mac with `cargo build --release --features metal`, or use --device cpu";
        return Err(Unavailable { reason: "built without it".into(), remedy: remedy.into() });
    }
    // Candle panics where there is no device of that number.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(|| Device::new_metal(number));
    std::panic::set_hook(hook);
    let opened = opened.unwrap_or_else(|_| Err(candle_core::Error::Msg(format!("there is no Metal device {number}"))));
    opened.map_err(|error| Unavailable {
        reason: first_line(&error.to_string()),
        remedy: "use --device metal:0 on a Mac with a GPU, or --device cpu".into(),
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_documented() {
        for (text, request) in [
            ("auto", DeviceRequest::Auto),
            ("cpu", DeviceRequest::Cpu),
            ("cuda", DeviceRequest::Cuda(0)),
            ("cuda:3", DeviceRequest::Cuda(3)),
            ("metal:1", DeviceRequest::Metal(1)),
        ] {
            assert_eq!(text.parse::<DeviceRequest>().unwrap(), request);
        }
        for text in ["gpu", "cpu:0", "cuda:", "cuda:-1", "auto:1", ""] {
            assert!(text.parse::<DeviceRequest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_build_without_cuda_says_what_gpu_it_leaves_idle() {
        let driver = NvidiaDriver { version: "580.95.05".into(), gpus: vec!["NVIDIA H100".into()] };
        let unavailable = no_cuda_built(Some(driver));
        assert_eq!(unavailable.reason, "built without it, though there is NVIDIA H100 with driver 580.95.05");
        assert!(unavailable.remedy.contains("--features cuda"), "{}", unavailable.remedy);
    }

    #[test]
    fn a_backend_that_was_not_built_is_an_error_with_its_remedy_and_auto_says_why() {
        if !candle_core::utils::cuda_is_available() {
            let message = DeviceRequest::Cuda(0).open().unwrap_err().to_string();
            assert!(message.contains("built without it") && message.contains("--features cuda"), "{message}");
        }
        let chosen = DeviceRequest::Auto.open().unwrap();
        assert!(chosen.name != "cpu" || chosen.reason.contains("no CUDA"), "{}", chosen.reason);
    }
}
