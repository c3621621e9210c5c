//! Registers of f32 lanes, one type per instruction set, for the kernels whose speed depends on what stays in a register.

/// A register of f32 lanes.
///
/// # Safety
/// Every method needs a processor with the instruction set of the implementation, and memory for [`LANES`](Self::LANES) values behind a
/// pointer. The methods are inlined into functions that enable that instruction set.
pub(crate) trait Simd: Copy {
    /// Lanes of a register.
    const LANES: usize;
    /// Registers of columns in a tile of a dense product: with 6 rows of them, two operands and a broadcast they fill the register file.
    const TILE: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, addend: Self) -> Self;
    unsafe fn mul(self, factor: Self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `addend - self * factor`, likewise.
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self * factor - subtrahend`, likewise.
    unsafe fn mul_sub(self, factor: Self, subtrahend: Self) -> Self;
    /// Between the two; what is no number stays none.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;
    /// 0 where `size` is nearer to zero than `limit`; what is no number is not.
    unsafe fn unless_near_zero(self, limit: f32, size: Self) -> Self;
    /// 0 where it is less than `limit`; what is no number is not.
    unsafe fn unless_less(self, limit: f32) -> Self;
    /// 0 where `size` is infinity.
    unsafe fn unless_infinite(self, size: Self) -> Self;
    /// [`RECIPROCAL`] minus the bits.
    unsafe fn reciprocal_guess(self) -> Self;

    /// Bit `lane` is set where the lane is not zero.
    unsafe fn lit(self) -> u64;

    /// The sum of sixteen lanes, which as many registers hold as it takes: lane `i` and lane `i + 8`, then 4, 2 and 1 further on.
    unsafe fn sum_of_sixteen(registers: &[Self]) -> f32;

    /// Bit `i` is set where the byte at `from + i` is not zero, of 64 bytes.
    #[inline(always)]
    unsafe fn lit_bytes(from: *const u8) -> u64 {
        // SAFETY: the caller has checked the memory.
        let bytes = unsafe { from.cast::<[u8; 64]>().read_unaligned() };
        bytes.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(*byte != 0) << place)
    }
}

/// These bits minus those of a normal number `d > 0` are `1 / d` within 5.1 %.
const RECIPROCAL: u32 = 0x7ef3_11c3;

/// Methods that are one expression of registers each.
macro_rules! methods {
    (safe: $($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $value:expr;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($argument: $type),*) -> $result {
                $value
            }
        )*
    };
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $value:expr;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($argument: $type),*) -> $result {
                // SAFETY: the caller has checked the processor and the memory.
                unsafe { $value }
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::{RECIPROCAL, Simd};
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(pub(crate) __m512);
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(pub(crate) __m256);

    impl Simd for Avx512 {
        const LANES: usize = 16;
        const TILE: usize = 4;

        methods! {
            splat(value: f32) -> Self = Self(_mm512_set1_ps(value));
            load(from: *const f32) -> Self = Self(_mm512_loadu_ps(from));
            store(self: Self, to: *mut f32) -> () = _mm512_storeu_ps(to, self.0);
            add(self: Self, addend: Self) -> Self = Self(_mm512_add_ps(self.0, addend.0));
            mul(self: Self, factor: Self) -> Self = Self(_mm512_mul_ps(self.0, factor.0));
            sqrt(self: Self) -> Self = Self(_mm512_sqrt_ps(self.0));
            mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(_mm512_fmadd_ps(self.0, factor.0, addend.0));
            neg_mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(_mm512_fnmadd_ps(self.0, factor.0, addend.0));
            mul_sub(self: Self, factor: Self, subtrahend: Self) -> Self = Self(_mm512_fmsub_ps(self.0, factor.0, subtrahend.0));
            // The second operand is what a NaN leaves.
            clamp(self: Self, low: Self, high: Self) -> Self = Self(_mm512_max_ps(low.0, _mm512_min_ps(high.0, self.0)));
            unless_near_zero(self: Self, limit: f32, size: Self) -> Self = {
                let keep = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(size.0), _mm512_set1_ps(limit));
                Self(_mm512_maskz_mov_ps(keep, self.0))
            };
            unless_less(self: Self, limit: f32) -> Self =
                Self(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(self.0, _mm512_set1_ps(limit)), self.0));
            unless_infinite(self: Self, size: Self) -> Self = {
                let keep = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(size.0, _mm512_set1_ps(f32::INFINITY));
                Self(_mm512_maskz_mov_ps(keep, self.0))
            };
            reciprocal_guess(self: Self) -> Self = {
                let bits = _mm512_sub_epi32(_mm512_set1_epi32(RECIPROCAL as i32), _mm512_castps_si512(self.0));
                Self(_mm512_castsi512_ps(bits))
            };
            lit(self: Self) -> u64 = u64::from(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self.0, _mm512_setzero_ps()));
            sum_of_sixteen(registers: &[Self]) -> f32 = {
                let lanes = registers[0].0;
                sum_of_eight(_mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps::<1>(lanes)))
            };
            lit_bytes(from: *const u8) -> u64 = {
                let bytes = _mm512_loadu_si512(from.cast());
                _mm512_test_epi8_mask(bytes, bytes)
            };
        }
    }

    impl Simd for Avx2 {
        const LANES: usize = 8;
        const TILE: usize = 2;

        methods! {
            splat(value: f32) -> Self = Self(_mm256_set1_ps(value));
            load(from: *const f32) -> Self = Self(_mm256_loadu_ps(from));
            store(self: Self, to: *mut f32) -> () = _mm256_storeu_ps(to, self.0);
            add(self: Self, addend: Self) -> Self = Self(_mm256_add_ps(self.0, addend.0));
            mul(self: Self, factor: Self) -> Self = Self(_mm256_mul_ps(self.0, factor.0));
            sqrt(self: Self) -> Self = Self(_mm256_sqrt_ps(self.0));
            mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(_mm256_fmadd_ps(self.0, factor.0, addend.0));
            neg_mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(_mm256_fnmadd_ps(self.0, factor.0, addend.0));
            mul_sub(self: Self, factor: Self, subtrahend: Self) -> Self = Self(_mm256_fmsub_ps(self.0, factor.0, subtrahend.0));
            // The second operand is what a NaN leaves.
            clamp(self: Self, low: Self, high: Self) -> Self = Self(_mm256_max_ps(low.0, _mm256_min_ps(high.0, self.0)));
            unless_near_zero(self: Self, limit: f32, size: Self) -> Self = {
                let size = _mm256_andnot_ps(_mm256_set1_ps(-0.0), size.0);
                Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(size, _mm256_set1_ps(limit)), self.0))
            };
            unless_less(self: Self, limit: f32) -> Self =
                Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(self.0, _mm256_set1_ps(limit)), self.0));
            unless_infinite(self: Self, size: Self) -> Self =
                Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(size.0, _mm256_set1_ps(f32::INFINITY)), self.0));
            reciprocal_guess(self: Self) -> Self = {
                let bits = _mm256_sub_epi32(_mm256_set1_epi32(RECIPROCAL as i32), _mm256_castps_si256(self.0));
                Self(_mm256_castsi256_ps(bits))
            };
            lit(self: Self) -> u64 = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(self.0, _mm256_setzero_ps())) as u64;
            sum_of_sixteen(registers: &[Self]) -> f32 = sum_of_eight(_mm256_add_ps(registers[0].0, registers[1].0));
            lit_bytes(from: *const u8) -> u64 = {
                let dark = |from: *const u8| {
                    let bytes = _mm256_loadu_si256(from.cast());
                    u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())) as u32)
                };
                !(dark(from) | dark(from.add(32)) << 32)
            };
        }
    }

    #[inline(always)]
    unsafe fn sum_of_eight(lanes: __m256) -> f32 {
        // SAFETY: the caller has checked the processor.
        unsafe {
            let fours = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
            let twos = _mm_add_ps(fours, _mm_movehl_ps(fours, fours));
            _mm_cvtss_f32(_mm_add_ss(twos, _mm_shuffle_ps::<1>(twos, twos)))
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use super::{RECIPROCAL, Simd};
    use std::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Neon(float32x4_t);

    impl Simd for Neon {
        const LANES: usize = 4;
        const TILE: usize = 4;

        methods! {
            splat(value: f32) -> Self = Self(vdupq_n_f32(value));
            load(from: *const f32) -> Self = Self(vld1q_f32(from));
            store(self: Self, to: *mut f32) -> () = vst1q_f32(to, self.0);
            add(self: Self, addend: Self) -> Self = Self(vaddq_f32(self.0, addend.0));
            mul(self: Self, factor: Self) -> Self = Self(vmulq_f32(self.0, factor.0));
            sqrt(self: Self) -> Self = Self(vsqrtq_f32(self.0));
            mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(vfmaq_f32(addend.0, self.0, factor.0));
            neg_mul_add(self: Self, factor: Self, addend: Self) -> Self = Self(vfmsq_f32(addend.0, self.0, factor.0));
            mul_sub(self: Self, factor: Self, subtrahend: Self) -> Self = Self(vfmaq_f32(vnegq_f32(subtrahend.0), self.0, factor.0));
            // Both leave a NaN as one.
            clamp(self: Self, low: Self, high: Self) -> Self = Self(vmaxq_f32(low.0, vminq_f32(high.0, self.0)));
            unless_near_zero(self: Self, limit: f32, size: Self) -> Self = zero_where(vcaltq_f32(size.0, vdupq_n_f32(limit)), self);
            unless_less(self: Self, limit: f32) -> Self = zero_where(vcltq_f32(self.0, vdupq_n_f32(limit)), self);
            unless_infinite(self: Self, size: Self) -> Self = zero_where(vceqq_f32(size.0, vdupq_n_f32(f32::INFINITY)), self);
            reciprocal_guess(self: Self) -> Self =
                Self(vreinterpretq_f32_u32(vsubq_u32(vdupq_n_u32(RECIPROCAL), vreinterpretq_u32_f32(self.0))));
            lit(self: Self) -> u64 = {
                const BITS: [u32; 4] = [1, 2, 4, 8];
                u64::from(vaddvq_u32(vbicq_u32(vld1q_u32(BITS.as_ptr()), vceqzq_f32(self.0))))
            };
            sum_of_sixteen(registers: &[Self]) -> f32 = {
                let eights = [0, 1].map(|half| vaddq_f32(registers[half].0, registers[half + 2].0));
                let fours = vaddq_f32(eights[0], eights[1]);
                let twos = vadd_f32(vget_low_f32(fours), vget_high_f32(fours));
                vget_lane_f32::<0>(twos) + vget_lane_f32::<1>(twos)
            };
        }
    }

    #[inline(always)]
    unsafe fn zero_where(zero: uint32x4_t, lanes: Neon) -> Neon {
        // SAFETY: every aarch64 processor has NEON.
        Neon(unsafe { vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(lanes.0), zero)) })
    }
}

/// Four lanes for any processor. Without a fused instruction it rounds product and sum each.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 4]);

impl Portable {
    #[inline(always)]
    fn of(lane: impl FnMut(usize) -> f32) -> Self {
        Self(std::array::from_fn(lane))
    }
}

impl Simd for Portable {
    const LANES: usize = 4;
    const TILE: usize = 2;

    methods! {
        load(from: *const f32) -> Self = Self(from.cast::<[f32; 4]>().read_unaligned());
        store(self: Self, to: *mut f32) -> () = to.cast::<[f32; 4]>().write_unaligned(self.0);
        sum_of_sixteen(registers: &[Self]) -> f32 = {
            let fours = registers[0].add(registers[2]).add(registers[1].add(registers[3])).0;
            (fours[0] + fours[2]) + (fours[1] + fours[3])
        };
    }

    methods! {
        safe:
        splat(value: f32) -> Self = Self([value; 4]);
        add(self: Self, addend: Self) -> Self = Self::of(|lane| self.0[lane] + addend.0[lane]);
        mul(self: Self, factor: Self) -> Self = Self::of(|lane| self.0[lane] * factor.0[lane]);
        sqrt(self: Self) -> Self = Self::of(|lane| self.0[lane].sqrt());
        mul_add(self: Self, factor: Self, addend: Self) -> Self = Self::of(|lane| self.0[lane] * factor.0[lane] + addend.0[lane]);
        neg_mul_add(self: Self, factor: Self, addend: Self) -> Self = Self::of(|lane| addend.0[lane] - self.0[lane] * factor.0[lane]);
        mul_sub(self: Self, factor: Self, subtrahend: Self) -> Self =
            Self::of(|lane| self.0[lane] * factor.0[lane] - subtrahend.0[lane]);
        clamp(self: Self, low: Self, high: Self) -> Self = Self::of(|lane| {
            let under = if self.0[lane] > high.0[lane] { high.0[lane] } else { self.0[lane] };
            if under < low.0[lane] { low.0[lane] } else { under }
        });
        unless_near_zero(self: Self, limit: f32, size: Self) -> Self =
            Self::of(|lane| if size.0[lane].abs() < limit { 0.0 } else { self.0[lane] });
        unless_less(self: Self, limit: f32) -> Self = Self::of(|lane| if self.0[lane] < limit { 0.0 } else { self.0[lane] });
        unless_infinite(self: Self, size: Self) -> Self =
            Self::of(|lane| if size.0[lane] == f32::INFINITY { 0.0 } else { self.0[lane] });
        reciprocal_guess(self: Self) -> Self = Self::of(|lane| f32::from_bits(RECIPROCAL.wrapping_sub(self.0[lane].to_bits())));
        lit(self: Self) -> u64 = (0..4).fold(0, |bits, lane| bits | u64::from(self.0[lane] != 0.0) << lane);
    }
}
