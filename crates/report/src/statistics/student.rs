//! Student's t distribution, by the regularised incomplete beta function.

/// The logarithm of the gamma function for `x > 0`, to about 15 digits (Lanczos 1964, g = 607/128 with Godfrey's 15 coefficients).
fn log_gamma(x: f64) -> f64 {
    const G: f64 = 607.0 / 128.0;
    const FIRST: f64 = 0.999_999_999_999_997_1;
    const COEFFICIENTS: [f64; 14] = [
        57.156_235_665_862_92,
        -59.597_960_355_475_49,
        14.136_097_974_741_746,
        -0.491_913_816_097_620_2,
        0.339_946_499_848_118_9e-4,
        0.465_236_289_270_485_8e-4,
        -0.983_744_753_048_795_6e-4,
        0.158_088_703_224_912_5e-3,
        -0.210_264_441_724_104_9e-3,
        0.217_439_618_115_212_6e-3,
        -0.164_318_106_536_763_9e-3,
        0.844_182_239_838_527_4e-4,
        -0.261_908_384_015_814_1e-4,
        0.368_991_826_595_316_2e-5,
    ];
    let series: f64 = FIRST + COEFFICIENTS.iter().zip(1_u8..).map(|(c, i)| c / (x + f64::from(i))).sum::<f64>();
    let t = x + G + 0.5;
    (x + 0.5) * t.ln() - t + ((2.0 * std::f64::consts::PI).sqrt() * series / x).ln()
}

/// The regularised incomplete beta function `I_x(a, b)` for `0 <= x <= 1`, by its continued fraction (DLMF 8.17.22, modified Lentz).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast on this side of the mean, and the function is symmetric.
    if x < (a + 1.0) / (a + b + 2.0) { front * beta_fraction(a, b, x) / a } else { 1.0 - front * beta_fraction(b, a, 1.0 - x) / b }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// The probability that a t of so many degrees of freedom is farther from 0 than `t`, on either side: `P(|T| >= |t|)`.
///
/// ```
/// // 2 * scipy.stats.t.sf(2.0, 4)
/// let p = relumine_report::statistics::two_sided_p(2.0, 4.0);
/// assert!((p - 0.11611652351681559).abs() < 1e-14);
/// ```
#[must_use]
pub fn two_sided_p(t: f64, degrees: f64) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    if t.is_infinite() {
        return 0.0;
    }
    let square = t * t;
    // The smaller of both arguments keeps its digits.
    if square < degrees {
        1.0 - incomplete_beta(0.5, degrees / 2.0, square / (degrees + square))
    } else {
        incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + square))
    }
}

/// The t over which, in size, `share` of the values of so many degrees of freedom lie: half the width of an interval of `1 - share` in
/// standard errors. `share` is in (0, 1).
///
/// ```
/// // scipy.stats.t.ppf(0.975, 4)
/// let t = relumine_report::statistics::two_sided_t(0.05, 4.0);
/// assert!((t - 2.7764451051977934).abs() < 1e-12);
/// ```
#[must_use]
pub fn two_sided_t(share: f64, degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, degrees) > share {
        (low, high) = (high, 2.0 * high);
    }
    // Bisection to the last bit: it is called a few times per cell.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if two_sided_p(middle, degrees) > share {
            low = middle;
        } else {
            high = middle;
        }
    }
}
