//! Which instructions this processor has: looked up once, so that one binary is fast everywhere.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ, VL: x86-64 servers since 2017, AMD since Zen 4.
    Avx512,
    /// AVX2 and FMA: x86-64 since 2013.
    Avx2,
    /// NEON: every 64-bit Arm processor.
    Neon,
    /// What every processor has.
    Portable,
}

impl Isa {
    /// The best one that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(detect)
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    match (avx512, avx2) {
        (true, true) => Isa::Avx512,
        (false, true) => Isa::Avx2,
        _ => Isa::Portable,
    }
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Isa {
    Isa::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Isa {
    Isa::Portable
}

/// Defines a function that runs the version of a generic kernel for this processor. `kernel::<S>` is generic over
/// [`Simd`](crate::simd::Simd) and always inlined, so that each version is compiled with its own instructions.
macro_rules! dispatch_simd {
    ($(#[$attribute:meta])* $visibility:vis unsafe fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $kernel:ident) => {
        $(#[$attribute])*
        #[inline]
        $visibility unsafe fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            unsafe fn avx512($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { $kernel::<crate::simd::x86::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            unsafe fn avx2($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { $kernel::<crate::simd::x86::Avx2>($($argument),*) }
            }
            match crate::isa::Isa::detect() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has these instructions, and the rest is the caller's promise.
                crate::isa::Isa::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                crate::isa::Isa::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: as above.
                crate::isa::Isa::Neon => unsafe { $kernel::<crate::simd::arm::Neon>($($argument),*) },
                // SAFETY: the caller's promise.
                _ => unsafe { $kernel::<crate::simd::Portable>($($argument),*) },
            }
        }
    };
}

/// Defines a function that runs plain code compiled for this processor: loops that the compiler turns into vector instructions by itself.
/// `$body` must be always inlined.
macro_rules! dispatch_plain {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident) => {
        $(#[$attribute])*
        #[inline]
        $visibility fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512($($argument: $type),*) {
                $body::<true>($($argument),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($argument: $type),*) {
                $body::<true>($($argument),*);
            }
            match crate::isa::Isa::detect() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has these instructions.
                crate::isa::Isa::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                crate::isa::Isa::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "aarch64")]
                crate::isa::Isa::Neon => $body::<true>($($argument),*),
                _ => $body::<false>($($argument),*),
            }
        }
    };
}

/// `a b + c`, rounded once where `FUSED` says that the processor can.
#[inline(always)]
pub(crate) fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

pub(crate) use {dispatch_plain, dispatch_simd};
