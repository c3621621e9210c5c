// Batch and layer normalisation, both ways. The formulas are those of `relumine_kernels::norm`.
#include "strip.cuh"

struct BatchNormArguments {
    Values x;        // [r, b, v]: what is normalised; becomes x^
    Values out;      // [r, b, v]: weight x^ + bias
    Values weight;   // [r, v]
    Values bias;     // [r, v]
    Values running_mean;     // [r, v]: before this pass
    Values running_variance; // [r, v]
    Values next_mean;        // [r, v]: after it; null where nothing is to follow
    Values next_variance;    // [r, v]
    Values inverse;  // [r, v]: one over the deviation, for the way back
    float epsilon;
    float kept;      // share of the running statistics that stays
    float newest;    // share of the batch's
    float unbiased;  // rows / (rows - 1)
    u32 is_constant; // whether the running statistics are used, instead of the batch's
    u32 rows;
    u32 units;
    u32 unused;
};

RELUMINE_KERNEL batch_norm(const BatchNormArguments a) {
    const Strip at = strip(a.units, blockIdx.x);
    float* x = of_replica(a.x);
    Four64 mean = {{0.0, 0.0, 0.0, 0.0}};
    Four inverse = {{0.0f, 0.0f, 0.0f, 0.0f}};
    if (a.is_constant) {
        UNROLL for (u32 i = 0; i < 4; i++) {
            const u32 column = 4 * at.column4 + i;
            if (column >= a.units) continue;
            mean.at[i] = double(of_replica(a.running_mean)[column]);
            inverse.at[i] = 1.0f / sqrtf(of_replica(a.running_variance)[column] + a.epsilon);
        }
    } else {
        Four sum = {{0.0f, 0.0f, 0.0f, 0.0f}};
        for (u32 row = at.first_row; at.is_inside && row < a.rows; row += 32) {
            const Four values = load4(x + u64(row) * a.units, at.column4, a.units);
            UNROLL for (u32 i = 0; i < 4; i++) sum.at[i] += values.at[i];
        }
        mean = strip_sums(at, sum);
        UNROLL for (u32 i = 0; i < 4; i++) mean.at[i] /= double(a.rows), sum.at[i] = 0.0f;
        for (u32 row = at.first_row; at.is_inside && row < a.rows; row += 32) {
            const Four values = load4(x + u64(row) * a.units, at.column4, a.units);
            UNROLL for (u32 i = 0; i < 4; i++) {
                const float centred = float(double(values.at[i]) - mean.at[i]);
                sum.at[i] += centred * centred;
            }
        }
        const Four64 squares = strip_sums(at, sum);
        UNROLL for (u32 i = 0; i < 4; i++) {
            const u32 column = 4 * at.column4 + i;
            const float variance = float(squares.at[i] / double(a.rows));
            inverse.at[i] = 1.0f / sqrtf(variance + a.epsilon);
            if (at.first_row != 0 || column >= a.units || !a.next_mean.first) continue;
            of_replica(a.next_mean)[column] = of_replica(a.running_mean)[column] * a.kept + float(mean.at[i]) * a.newest;
            of_replica(a.next_variance)[column] =
                of_replica(a.running_variance)[column] * a.kept + variance * a.unbiased * a.newest;
        }
    }
    // A batch of constants leaves the running statistics as they are.
    UNROLL for (u32 i = 0; i < 4; i++) {
        const u32 column = 4 * at.column4 + i;
        if (at.first_row != 0 || column >= a.units) continue;
        of_replica(a.inverse)[column] = inverse.at[i];
        if (!a.is_constant || !a.next_mean.first) continue;
        of_replica(a.next_mean)[column] = of_replica(a.running_mean)[column];
        of_replica(a.next_variance)[column] = of_replica(a.running_variance)[column];
    }
    if (!at.is_inside) return;
    const Four weight = load4(of_replica(a.weight), at.column4, a.units), bias = load4(of_replica(a.bias), at.column4, a.units);
    for (u32 row = at.first_row; row < a.rows; row += 32) {
        Four values = load4(x + u64(row) * a.units, at.column4, a.units), scaled;
        UNROLL for (u32 i = 0; i < 4; i++) {
            values.at[i] = float(double(values.at[i]) - mean.at[i]) * inverse.at[i];
            scaled.at[i] = values.at[i] * weight.at[i] + bias.at[i];
        }
        store4(x + u64(row) * a.units, at.column4, a.units, values);
        store4(of_replica(a.out) + u64(row) * a.units, at.column4, a.units, scaled);
    }
}

struct NormBackwardArguments {
    Values dy;         // [r, b, v]: the gradient at the outputs
    Values normalized; // [r, b, v]: x^
    Values dx;         // [r, b, v]: the gradient at what was normalised; may be where one of the two is
    Values weight;     // [r, v]
    Values inverse;    // [r, v] of a batch, [r, b] of rows
    Values weight_gradient; // [r, v]
    Values bias_gradient;   // [r, v]
    u32 is_constant;
    u32 rows;
    u32 units;
    u32 adds;
};

// The gradients at scale and shift of a strip's columns; gives the sums of dy x^ and of dy.
struct Sums {
    Four64 products;
    Four64 plain;
};

__device__ inline Sums norm_gradient(const NormBackwardArguments& a, const Strip& at) {
    Four products = {{0.0f, 0.0f, 0.0f, 0.0f}}, plain = {{0.0f, 0.0f, 0.0f, 0.0f}};
    for (u32 row = at.first_row; at.is_inside && row < a.rows; row += 32) {
        const Four dy = load4(of_replica(a.dy) + u64(row) * a.units, at.column4, a.units);
        const Four normalized = load4(of_replica(a.normalized) + u64(row) * a.units, at.column4, a.units);
        UNROLL for (u32 i = 0; i < 4; i++) products.at[i] += dy.at[i] * normalized.at[i], plain.at[i] += dy.at[i];
    }
    Sums sums;
    sums.products = strip_sums(at, products);
    sums.plain = strip_sums(at, plain);
    UNROLL for (u32 i = 0; i < 4; i++) {
        const u32 column = 4 * at.column4 + i;
        if (at.first_row != 0 || column >= a.units) continue;
        put(of_replica(a.weight_gradient) + column, float(sums.products.at[i]), a.adds);
        put(of_replica(a.bias_gradient) + column, float(sums.plain.at[i]), a.adds);
    }
    return sums;
}

RELUMINE_KERNEL batch_norm_backward(const NormBackwardArguments a) {
    const Strip at = strip(a.units, blockIdx.x);
    const Sums sums = norm_gradient(a, at);
    if (!at.is_inside) return;
    const Four weight = load4(of_replica(a.weight), at.column4, a.units), inverse = load4(of_replica(a.inverse), at.column4, a.units);
    for (u32 row = at.first_row; row < a.rows; row += 32) {
        const u64 place = u64(row) * a.units;
        Four dx = load4(of_replica(a.dy) + place, at.column4, a.units);
        const Four normalized = load4(of_replica(a.normalized) + place, at.column4, a.units);
        UNROLL for (u32 i = 0; i < 4; i++) {
            const float share = 1.0f / float(a.rows);
            if (!a.is_constant) dx.at[i] = dx.at[i] - float(sums.plain.at[i]) * share - normalized.at[i] * (float(sums.products.at[i]) * share);
            dx.at[i] *= weight.at[i] * inverse.at[i];
        }
        store4(of_replica(a.dx) + place, at.column4, a.units, dx);
    }
}

struct LayerNormArguments {
    Values x;       // [r, b, v]: becomes x^
    Values out;     // [r, b, v]: weight x^ + bias
    Values weight;  // [r, v]
    Values bias;    // [r, v]
    Values inverse; // [r, b]: one over the deviation
    float epsilon;
    u32 rows;
    u32 units;
    u32 unused;
};

// A warp takes a row.
RELUMINE_KERNEL layer_norm(const LayerNormArguments a) {
    const u32 row = warp_row(), lane = ::lane();
    if (row >= a.rows) return;
    float* x = of_replica(a.x) + u64(row) * a.units;
    float* out = of_replica(a.out) + u64(row) * a.units;
    float sum = 0.0f, squares = 0.0f;
    for (u32 unit = lane; unit < a.units; unit += 32) sum += x[unit];
    const float mean = warp_sum(sum) / float(a.units);
    for (u32 unit = lane; unit < a.units; unit += 32) squares += (x[unit] - mean) * (x[unit] - mean);
    const float inverse = 1.0f / sqrtf(warp_sum(squares) / float(a.units) + a.epsilon);
    for (u32 unit = lane; unit < a.units; unit += 32) {
        x[unit] = (x[unit] - mean) * inverse;
        out[unit] = x[unit] * of_replica(a.weight)[unit] + of_replica(a.bias)[unit];
    }
    if (lane == 0) of_replica(a.inverse)[row] = inverse;
}

RELUMINE_KERNEL layer_norm_gradient(const NormBackwardArguments a) { norm_gradient(a, strip(a.units, blockIdx.x)); }

RELUMINE_KERNEL layer_norm_backward(const NormBackwardArguments a) {
    const u32 row = warp_row(), lane = ::lane();
    if (row >= a.rows) return;
    const float* dy = of_replica(a.dy) + u64(row) * a.units;
    const float* normalized = of_replica(a.normalized) + u64(row) * a.units;
    float* dx = of_replica(a.dx) + u64(row) * a.units;
    const float* weight = of_replica(a.weight);
    float plain = 0.0f, products = 0.0f;
    for (u32 unit = lane; unit < a.units; unit += 32) {
        const float g = weight[unit] * dy[unit];
        plain += g;
        products += g * normalized[unit];
    }
    plain = warp_sum(plain) / float(a.units), products = warp_sum(products) / float(a.units);
    const float inverse = of_replica(a.inverse)[row];
    for (u32 unit = lane; unit < a.units; unit += 32) dx[unit] = inverse * (weight[unit] * dy[unit] - plain - normalized[unit] * products);
}
