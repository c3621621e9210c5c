// Bias, activation, noise and dropout in one pass over a layer's products; and the way back, with the gradient at the bias.
#include "activation.cuh"
#include "random.cuh"
#include "strip.cuh"

struct ActivateArguments {
    Values z;     // [r, b, u]: without the bias
    Values bias;  // [r, u], or null
    Values out;   // [r, b, u]
    const Progress* progress; // [r]
    Draws draws;
    Activation activation;
    u32 rows;
    u32 units;
};

RELUMINE_KERNEL activate(const ActivateArguments a) {
    const u32 groups = (a.units + 3) / 4;
    const u64 task = u64(blockIdx.x) * THREADS + threadIdx.x;
    if (task >= u64(a.rows) * groups) return;
    const u32 row = u32(task / groups), column4 = u32(task % groups);
    Four values = load4(of_replica(a.z) + u64(row) * a.units, column4, a.units);
    if (a.bias.first) {
        const Four bias = load4(of_replica(a.bias), column4, a.units);
        UNROLL for (u32 i = 0; i < 4; i++) values.at[i] += bias.at[i];
    }
    UNROLL for (u32 i = 0; i < 4; i++) values.at[i] = activated(a.activation, values.at[i]).value;
    values = disturb(a.draws, u32(a.progress[blockIdx.y].steps), row, column4, values);
    store4(of_replica(a.out) + u64(row) * a.units, column4, a.units, values);
}

struct ActivateBackwardArguments {
    Values dy;    // [r, b, u]: the gradient at the outputs
    Values z;     // [r, b, u]: what was activated, without the bias; null where nothing was
    Values bias;  // [r, u], or null
    Values dz;    // [r, b, u]: may be where dy or z is
    Values bias_gradient; // [r, u], or null
    double* sums; // [r, chunks, u]: of each chunk of rows; null where there is but one
    u32* tickets; // [r, strips]
    const Progress* progress; // [r]
    Draws draws;
    Activation activation;
    u32 rows;
    u32 units;
    u32 adds;     // whether the gradient at the bias is added to what is there
    u32 unused;
};

// Rows that a block takes.
#define ROWS_OF_CHUNK 128

// A block takes a chunk of the rows of a strip. The last one of a strip adds up the sums of its chunks, in order.
RELUMINE_KERNEL activate_backward(const ActivateBackwardArguments a) {
    const u32 step = u32(a.progress[blockIdx.y].steps);
    const u32 strips = (a.units + COLUMNS_OF_STRIP - 1) / COLUMNS_OF_STRIP, chunks = gridDim.x / strips;
    const u32 chunk = blockIdx.x / strips, number = blockIdx.x % strips;
    const u32 end = (chunk + 1) * ROWS_OF_CHUNK < a.rows ? (chunk + 1) * ROWS_OF_CHUNK : a.rows;
    const Strip at = strip(a.units, number);
    Four sum = {{0.0f, 0.0f, 0.0f, 0.0f}};
    if (at.is_inside) {
        for (u32 row = chunk * ROWS_OF_CHUNK + at.first_row; row < end; row += 32) {
            const u64 place = u64(row) * a.units;
            Four dz = load4(of_replica(a.dy) + place, at.column4, a.units);
            const Four slopes = disturbance_slopes(a.draws, step, row, at.column4);
            UNROLL for (u32 i = 0; i < 4; i++) dz.at[i] *= slopes.at[i];
            if (a.z.first) {
                const Four z = load4(of_replica(a.z) + place, at.column4, a.units);
                Four bias = {{0.0f, 0.0f, 0.0f, 0.0f}};
                if (a.bias.first) bias = load4(of_replica(a.bias), at.column4, a.units);
                UNROLL for (u32 i = 0; i < 4; i++) dz.at[i] *= activated(a.activation, z.at[i] + bias.at[i]).slope;
            }
            store4(of_replica(a.dz) + place, at.column4, a.units, dz);
            UNROLL for (u32 i = 0; i < 4; i++) sum.at[i] += dz.at[i];
        }
    }
    if (!a.bias_gradient.first) return;
    Four64 totals = strip_sums(at, sum);
    const u32 columns = a.units - 4 * at.column4;
    if (chunks > 1) {
        double* sums = a.sums + u64(blockIdx.y) * chunks * a.units + 4 * at.column4;
        UNROLL for (u32 i = 0; i < 4; i++)
            if (at.is_inside && at.first_row == 0 && i < columns) sums[u64(chunk) * a.units + i] = totals.at[i];
        if (!is_last_block(a.tickets + blockIdx.y * strips + number, chunks)) return;
        UNROLL for (u32 i = 0; i < 4; i++) {
            totals.at[i] = 0.0;
            for (u32 of = 0; at.is_inside && at.first_row == 0 && i < columns && of < chunks; of++) totals.at[i] += sums[u64(of) * a.units + i];
        }
    }
    UNROLL for (u32 i = 0; i < 4; i++)
        if (at.is_inside && at.first_row == 0 && i < columns) put(of_replica(a.bias_gradient) + 4 * at.column4 + i, float(totals.at[i]), a.adds);
}
