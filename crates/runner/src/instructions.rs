//! Which vector instructions the fused step takes on the CPU.

use crate::failure::Failure;
use anyhow::anyhow;
use relumine_kernels::Isa;

/// Names another instruction set than the fastest: to time it, and to see that it gives the same bits as others, but for `portable`.
const VARIABLE: &str = "RELUMINE_ISA";

/// Takes what the environment names. Must be called before any kernel runs.
///
/// # Errors
/// This processor has no such instructions, or nothing is called so.
pub fn choose() -> Result<(), Failure> {
    let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return Ok(()) };
    let available = Isa::available();
    if available.iter().any(|isa| name == isa.name() && isa.choose()) {
        return Ok(());
    }
    let names: Vec<_> = available.iter().map(|isa| isa.name()).collect();
    let name = name.to_string_lossy();
    Err(Failure::usage(anyhow!("{VARIABLE}={name} is none of this processor's instruction sets: give one of {}", names.join(", "))))
}
