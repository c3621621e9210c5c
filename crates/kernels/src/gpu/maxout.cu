// Maxout: of each unit's pieces the largest (Goodfellow et al. 2013); of equal ones the first.
#include "common.cuh"

struct MaxoutArguments {
    Values z;     // [r, b, u * pieces]: without the bias
    Values bias;  // [r, u * pieces], or null
    Values y;     // [r, b, u]: the largest; on the way back the gradient there
    u32 rows;
    u32 units;
    u32 pieces;
    u32 unused;
};

struct Largest {
    float value;
    u32 piece;
};

// Of the pieces of a unit of a row.
__device__ inline Largest largest(const MaxoutArguments& a, u64 task) {
    const float* z = of_replica(a.z) + task * a.pieces;
    const float* bias = a.bias.first ? of_replica(a.bias) + task % a.units * a.pieces : nullptr;
    Largest largest = {z[0] + (bias ? bias[0] : 0.0f), 0};
    for (u32 piece = 1; piece < a.pieces; piece++) {
        const float value = z[piece] + (bias ? bias[piece] : 0.0f);
        // What is no number is larger than all that are.
        if (value > largest.value || (value != value && largest.value == largest.value)) largest.value = value, largest.piece = piece;
    }
    return largest;
}

RELUMINE_KERNEL maxout(const MaxoutArguments a) {
    const u64 task = u64(blockIdx.x) * THREADS + threadIdx.x;
    if (task >= u64(a.rows) * a.units) return;
    of_replica(a.y)[task] = largest(a, task).value;
}

// Turns z into the gradient there: that of the unit in its largest piece, and zero in the others.
RELUMINE_KERNEL maxout_backward(const MaxoutArguments a) {
    const u64 task = u64(blockIdx.x) * THREADS + threadIdx.x;
    if (task >= u64(a.rows) * a.units) return;
    float* z = of_replica(a.z) + task * a.pieces;
    const u32 winner = largest(a, task).piece;
    for (u32 piece = 0; piece < a.pieces; piece++) z[piece] = piece == winner ? of_replica(a.y)[task] : 0.0f;
}
