//! Which instructions this processor has: looked up once, so that one binary is fast everywhere.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for. All but [`Isa::Portable`] give the same bits: they round a multiply-add once, do the same
/// operations, and add in an order that does not depend on how many lanes a register has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ, VL: x86-64 servers since 2017, AMD since Zen 4.
    Avx512,
    /// AVX2 and FMA: x86-64 since 2013.
    Avx2,
    /// NEON: every 64-bit Arm processor.
    Neon,
    /// What every processor has, without a multiply-add that rounds once.
    Portable,
}

static CURRENT: OnceLock<Isa> = OnceLock::new();

impl Isa {
    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Those that this processor has, the fastest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = of_processor();
        found.push(Self::Portable);
        found
    }

    /// The one that kernels take: the fastest, if [`choose`](Self::choose) has chosen no other.
    #[must_use]
    pub fn current() -> Self {
        *CURRENT.get_or_init(|| Self::available()[0])
    }

    /// Has kernels take this one of the [`available`](Self::available) ones. Returns whether they do: not where it is not there, nor once a
    /// kernel has run with another.
    pub fn choose(self) -> bool {
        Self::available().contains(&self) && *CURRENT.get_or_init(|| self) == self
    }
}

#[cfg(target_arch = "x86_64")]
fn of_processor() -> Vec<Isa> {
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
    [(Isa::Avx512, avx512 && avx2), (Isa::Avx2, avx2)].into_iter().filter_map(|(isa, found)| found.then_some(isa)).collect()
}

#[cfg(target_arch = "aarch64")]
fn of_processor() -> Vec<Isa> {
    vec![Isa::Neon]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn of_processor() -> Vec<Isa> {
    Vec::new()
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
            match crate::isa::Isa::current() {
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
            match crate::isa::Isa::current() {
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
