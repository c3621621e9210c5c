// The random crate's numbers: the same integers, and the same variates up to the rounding of a logarithm.
#pragma once
#include "common.cuh"

struct Words {
    u32 at[4];
};

// Philox4x32-10: the words of the counter [block, row, step, stream] under a key. See the random crate's `philox`.
__device__ inline Words philox(u32 block, u32 row, u32 step, u32 stream, u32 key0, u32 key1) {
    u32 x0 = block, x1 = row, x2 = step, x3 = stream;
    for (u32 round = 0; round < 10; round++) {
        const u32 high0 = __umulhi(0xD2511F53u, x0), low0 = 0xD2511F53u * x0;
        const u32 high1 = __umulhi(0xCD9E8D57u, x2), low1 = 0xCD9E8D57u * x2;
        x0 = high1 ^ x1 ^ key0, x1 = low1, x2 = high0 ^ x3 ^ key1, x3 = low0;
        key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
    }
    Words words;
    words.at[0] = x0, words.at[1] = x1, words.at[2] = x2, words.at[3] = x3;
    return words;
}

__device__ inline double polynomial(const double* coefficients, double x) {
    double sum = coefficients[7];
    for (int i = 6; i >= 0; i--) sum = sum * x + coefficients[i];
    return sum;
}

// Standard normal, by inversion of one word: see the random crate's `variates::normal` (Wichura 1988, AS 241, PPND16).
__device__ __noinline__ double normal(u32 word) {
    const double centre[2][8] = {
        {3.387132872796366608, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
         4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
        {1.0, 4.2313330701600911252e1, 6.871870074920579083e2, 5.3941960214247511077e3,
         2.1213794301586595867e4, 3.930789580009271061e4, 2.8729085735721942674e4, 5.226495278852854561e3}};
    const double middle[2][8] = {
        {1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
         1.27045825245236838258, 2.4178072517745061177e-1, 2.27238449892691845833e-2, 7.7454501427834140764e-4},
        {1.0, 2.05319162663775882187, 1.6763848301838038494, 6.8976733498510000455e-1,
         1.4810397642748007459e-1, 1.51986665636164571966e-2, 5.475938084995344946e-4, 1.05075007164441684324e-9}};
    const double far[2][8] = {
        {6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 2.9656057182850489123e-1,
         2.6532189526576123093e-2, 1.2426609473880784386e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.9983220655588793769e-1, 1.3692988092273580531e-1, 1.48753612908506148525e-2,
         7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15}};
    const double probability = (double(word) + 0.5) / 4294967296.0, q = probability - 0.5;
    if (fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * polynomial(centre[0], r) / polynomial(centre[1], r);
    }
    const double r = sqrt(-log(q < 0.0 ? probability : 1.0 - probability));
    const double magnitude = r <= 5.0 ? polynomial(middle[0], r - 1.6) / polynomial(middle[1], r - 1.6)
                                      : polynomial(far[0], r - 5.0) / polynomial(far[1], r - 5.0);
    return copysign(magnitude, q);
}

// Four neighbours of a row of a replica's batch after noise and dropout, drawn at `step`.
__device__ inline Four disturb(const Draws& draws, u32 step, u32 row, u32 column4, Four values) {
    if (draws.of_replica == nullptr) return values;
    const Draw draw = draws.of_replica[blockIdx.y];
    const u32 key0 = draws.keys[2 * blockIdx.y], key1 = draws.keys[2 * blockIdx.y + 1];
    if (draws.has_noise) {
        const Words words = philox(column4, draws.first_row + row, step, draws.noise_stream, key0, key1);
        UNROLL for (u32 i = 0; i < 4; i++) values.at[i] += float(normal(words.at[i]) * draw.stddev);
    }
    if (draws.has_dropout) {
        const Words words = philox(column4, draws.first_row + row, step, draws.dropout_stream, key0, key1);
        UNROLL for (u32 i = 0; i < 4; i++) values.at[i] = words.at[i] >= draw.threshold ? values.at[i] * draw.scale + draw.shift : draw.dropped;
    }
    return values;
}

// What the gradient at those four is multiplied by on its way back. The mask is drawn again.
__device__ inline Four disturbance_slopes(const Draws& draws, u32 step, u32 row, u32 column4) {
    Four slopes;
    UNROLL for (u32 i = 0; i < 4; i++) slopes.at[i] = 1.0f;
    if (draws.of_replica == nullptr || !draws.has_dropout) return slopes;
    const Draw draw = draws.of_replica[blockIdx.y];
    const Words words =
        philox(column4, draws.first_row + row, step, draws.dropout_stream, draws.keys[2 * blockIdx.y], draws.keys[2 * blockIdx.y + 1]);
    UNROLL for (u32 i = 0; i < 4; i++) slopes.at[i] = words.at[i] >= draw.threshold ? draw.scale : 0.0f;
    return slopes;
}
