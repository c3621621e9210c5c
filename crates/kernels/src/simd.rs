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
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// Bit `lane` is set where the lane is not zero.
    unsafe fn lit(self) -> u64;

    /// The sum of the lanes, in a fixed order.
    unsafe fn sum(self) -> f32;

    /// Bit `i` is set where the byte at `from + i` is not zero, of 64 bytes.
    #[inline(always)]
    unsafe fn lit_bytes(from: *const u8) -> u64 {
        // SAFETY: the caller has checked the memory.
        let bytes = unsafe { from.cast::<[u8; 64]>().read_unaligned() };
        bytes.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(*byte != 0) << place)
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(pub(crate) __m512);
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(pub(crate) __m256);

    macro_rules! implement {
        ($name:ident, $lanes:literal, $tile:literal, $splat:ident, $load:ident, $store:ident, $mul_add:ident, $lit:expr, $sum:expr, $bytes:expr) => {
            impl Simd for $name {
                const LANES: usize = $lanes;
                const TILE: usize = $tile;

                #[inline(always)]
                unsafe fn lit(self) -> u64 {
                    // SAFETY: the caller has checked the processor.
                    unsafe { $lit(self.0) }
                }

                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    // SAFETY: the caller has checked the processor.
                    Self(unsafe { $splat(value) })
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the caller has checked the processor and the memory.
                    Self(unsafe { $load(from) })
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: the caller has checked the processor and the memory.
                    unsafe { $store(to, self.0) }
                }
                #[inline(always)]
                unsafe fn sum(self) -> f32 {
                    // SAFETY: the caller has checked the processor.
                    unsafe { $sum(self.0) }
                }
                #[inline(always)]
                unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                    // SAFETY: the caller has checked the processor.
                    Self(unsafe { $mul_add(self.0, factor.0, addend.0) })
                }
                #[inline(always)]
                unsafe fn lit_bytes(from: *const u8) -> u64 {
                    // SAFETY: the caller has checked the processor and the memory.
                    unsafe { $bytes(from) }
                }
            }
        };
    }
    implement!(
        Avx512,
        16,
        4,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_fmadd_ps,
        |lanes| u64::from(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(lanes, _mm512_setzero_ps())),
        |lanes| _mm512_reduce_add_ps(lanes),
        |from: *const u8| {
            let bytes = _mm512_loadu_si512(from.cast());
            _mm512_test_epi8_mask(bytes, bytes)
        }
    );
    implement!(
        Avx2,
        8,
        2,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_fmadd_ps,
        |lanes| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(lanes, _mm256_setzero_ps())) as u64,
        |lanes| {
            let fours = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
            let twos = _mm_add_ps(fours, _mm_movehl_ps(fours, fours));
            _mm_cvtss_f32(_mm_add_ss(twos, _mm_shuffle_ps::<1>(twos, twos)))
        },
        |from: *const u8| {
            let dark = |from: *const u8| {
                let bytes = _mm256_loadu_si256(from.cast());
                u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())) as u32)
            };
            !(dark(from) | dark(from.add(32)) << 32)
        }
    );
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use super::Simd;
    use std::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Neon(float32x4_t);

    impl Simd for Neon {
        const LANES: usize = 4;
        const TILE: usize = 4;

        #[inline(always)]
        unsafe fn lit(self) -> u64 {
            const BITS: [u32; 4] = [1, 2, 4, 8];
            // SAFETY: every aarch64 processor has NEON, and there are four lanes.
            unsafe { u64::from(vaddvq_u32(vbicq_u32(vld1q_u32(BITS.as_ptr()), vceqzq_f32(self.0)))) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: every aarch64 processor has NEON.
            Self(unsafe { vdupq_n_f32(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller has checked the memory.
            Self(unsafe { vld1q_f32(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller has checked the memory.
            unsafe { vst1q_f32(to, self.0) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: every aarch64 processor has NEON.
            unsafe { vaddvq_f32(self.0) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: every aarch64 processor has NEON.
            Self(unsafe { vfmaq_f32(addend.0, self.0, factor.0) })
        }
    }
}

/// Four lanes for any processor. Without a fused instruction it rounds product and sum each.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 4]);

impl Simd for Portable {
    const LANES: usize = 4;
    const TILE: usize = 2;

    #[inline(always)]
    unsafe fn lit(self) -> u64 {
        (0..4).fold(0, |bits, lane| bits | u64::from(self.0[lane] != 0.0) << lane)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has checked the memory.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has checked the memory.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane] + addend.0[lane]))
    }
}
