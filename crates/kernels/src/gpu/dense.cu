// Dense layers whose products are small: each product with what follows it, in one kernel.
#include "activation.cuh"
#include "random.cuh"
#include "tile.cuh"

// Where a thread's four neighbours of a tile lie in a matrix of `units` columns.
struct Spot {
    u32 row;
    u32 column4;
    bool is_inside;
};

// A block's tile of a matrix of `units` columns: its first row and column.
__device__ inline u32 tile_row(u32 units) { return blockIdx.x / ((units + SIDE - 1) / SIDE) * SIDE; }

__device__ inline u32 tile_column(u32 units) { return blockIdx.x % ((units + SIDE - 1) / SIDE) * SIDE; }

__device__ inline Spot spot(u32 rows, u32 units) {
    Spot spot;
    spot.row = tile_row(units) + threadIdx.x / 4, spot.column4 = tile_column(units) / 4 + threadIdx.x % 4;
    spot.is_inside = threadIdx.x < 4 * SIDE && spot.row < rows && 4 * spot.column4 < units;
    return spot;
}

struct DenseForwardArguments {
    Values inputs; // [r, b, i]
    Values weight; // [r, u, i]
    Values bias;   // [r, u]
    Values z;      // [r, b, u]: the products, without the bias; null where nobody asks for them
    Values out;    // [r, b, u]: null where nobody does
    const Progress* progress; // [r]
    Draws draws;
    Activation activation;
    u32 rows;
    u32 fan_in;
    u32 units;
    u32 unused;
};

// Products, bias, activation, noise and dropout.
RELUMINE_KERNEL dense_forward(const DenseForwardArguments a) {
    const Factor inputs = {of_replica(a.inputs), a.rows, a.fan_in}, weight = {of_replica(a.weight), a.units, a.fan_in};
    Four values = make_tile<false, false>(inputs, weight, tile_row(a.units), tile_column(a.units), false).sums;
    const Spot at = spot(a.rows, a.units);
    if (!at.is_inside) return;
    if (a.z.first) store4(of_replica(a.z) + u64(at.row) * a.units, at.column4, a.units, values);
    if (!a.out.first) return;
    const Four bias = load4(of_replica(a.bias), at.column4, a.units);
    UNROLL for (u32 i = 0; i < 4; i++) values.at[i] = activated(a.activation, values.at[i] + bias.at[i]).value;
    values = disturb(a.draws, u32(a.progress[blockIdx.y].steps), at.row, at.column4, values);
    store4(of_replica(a.out) + u64(at.row) * a.units, at.column4, a.units, values);
}

struct DenseBackwardArguments {
    Values dz;     // [r, b, o]: the gradient at the products of the layer above
    Values weight; // [r, o, u]: of that layer
    Values z;      // [r, b, u]: this layer's products, without the bias; becomes the gradient there
    Values bias;   // [r, u]
    const Progress* progress; // [r]
    Draws draws;
    Activation activation;
    u32 rows;
    u32 fan_out; // o
    u32 units;   // u
    u32 unused;
};

// From the gradient at the products of one layer to that at the products of the one below.
RELUMINE_KERNEL dense_backward(const DenseBackwardArguments a) {
    const Factor dz = {of_replica(a.dz), a.rows, a.fan_out}, weight = {of_replica(a.weight), a.units, a.fan_out};
    Four gradient = make_tile<false, true>(dz, weight, tile_row(a.units), tile_column(a.units), false).sums;
    const Spot at = spot(a.rows, a.units);
    if (!at.is_inside) return;
    float* place = of_replica(a.z) + u64(at.row) * a.units;
    const Four z = load4(place, at.column4, a.units), bias = load4(of_replica(a.bias), at.column4, a.units);
    const Four slopes = disturbance_slopes(a.draws, u32(a.progress[blockIdx.y].steps), at.row, at.column4);
    UNROLL for (u32 i = 0; i < 4; i++) gradient.at[i] *= slopes.at[i] * activated(a.activation, z.at[i] + bias.at[i]).slope;
    store4(place, at.column4, a.units, gradient);
}

struct DenseGradientArguments {
    Values dz;     // [r, b, u]: the gradient at the products
    Values inputs; // [r, b, i]
    Values weight_gradient; // [r, u, i]
    Values bias_gradient;   // [r, u]; null where something else makes it
    u32 rows;
    u32 fan_in;
    u32 units;
    u32 adds; // whether both are added to what is there
};

// The gradients at weight and bias.
RELUMINE_KERNEL dense_gradient(const DenseGradientArguments a) {
    const Factor dz = {of_replica(a.dz), a.units, a.rows}, inputs = {of_replica(a.inputs), a.fan_in, a.rows};
    const u32 unit = tile_row(a.fan_in) + threadIdx.x;
    const bool sums_lines = a.bias_gradient.first && tile_column(a.fan_in) == 0;
    const Tile tile = make_tile<true, true>(dz, inputs, tile_row(a.fan_in), tile_column(a.fan_in), sums_lines);
    if (sums_lines && threadIdx.x < SIDE && unit < a.units) put(of_replica(a.bias_gradient) + unit, tile.line_sum, a.adds);
    const Spot at = spot(a.units, a.fan_in);
    if (!at.is_inside) return;
    float* row = of_replica(a.weight_gradient) + u64(at.row) * a.fan_in;
    Four sums = tile.sums;
    if (a.adds) {
        const Four old = load4(row, at.column4, a.fan_in);
        UNROLL for (u32 i = 0; i < 4; i++) sums.at[i] += old.at[i];
    }
    store4(row, at.column4, a.fan_in, sums);
}
