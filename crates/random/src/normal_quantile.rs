//! The inverse of the standard normal distribution function.

#![expect(clippy::excessive_precision, reason = "the coefficients are as the paper prints them")]

/// The `x` with `P(Z <= x) = probability` for a standard normal `Z`, 0 < probability < 1.
///
/// Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37(3), 1988, routine PPND16:
/// relative accuracy about 1e-16. As Python's `statistics.NormalDist().inv_cdf`.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let q = probability - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let tail = if q < 0.0 { probability } else { 1.0 - probability };
    let r = (-libm::log(tail)).sqrt();
    let magnitude = if r <= 5.0 {
        polynomial(&MIDDLE.0, r - 1.6) / polynomial(&MIDDLE.1, r - 1.6)
    } else {
        polynomial(&FAR.0, r - 5.0) / polynomial(&FAR.1, r - 5.0)
    };
    magnitude.copysign(q)
}

/// Horner's rule, coefficients from the constant term up.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// Numerator and denominator of one of the paper's three rational approximations, constant term first.
type Rational = ([f64; 8], [f64; 8]);

const CENTRE: Rational = (
    [
        3.387_132_872_796_366_608,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ],
);

const MIDDLE: Rational = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

const FAR: Rational = (
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    /// `from statistics import NormalDist; [NormalDist().inv_cdf(p) for p in (..)]`, CPython 3.11.
    #[test]
    fn quantiles_match_python() {
        let expected = [
            (1e-300, -37.0470962993612),
            (1e-12, -7.034483825301132),
            (1.1641532182693481e-10, -6.337957754553789),
            (0.001, -3.090232306167813),
            (0.02425, -1.9729610513118845),
            (0.074, -1.4466320671589785),
            (0.076, -1.4325027208258114),
            (0.3, -0.5244005127080407),
            (0.5, 0.0),
            (0.75, 0.6744897501960817),
            (0.924, 1.4325027208258119),
            (0.926, 1.4466320671589785),
            (0.999, 3.090232306167813),
            (0.9999999998835847, 6.337957754553789),
        ];
        for (probability, quantile) in expected {
            let ours = normal_quantile(probability);
            assert!((ours - quantile).abs() <= 4.0 * f64::EPSILON * quantile.abs(), "{probability}: {ours}, expected {quantile}");
        }
    }

    #[test]
    fn the_quantile_undoes_the_distribution_function() {
        for step in -60..=60 {
            let x = f64::from(step) / 10.0;
            let probability = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            // Towards 1 the probability itself carries an error of one part in 2^53.
            let tolerance = 1e-13 + 2.0 * f64::EPSILON / (libm::exp(-x * x / 2.0) / 2.5);
            assert!((normal_quantile(probability) - x).abs() < tolerance, "x = {x}");
        }
    }
}
