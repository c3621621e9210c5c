// The network's inputs: the rows of a batch, as numbers, scaled, with noise and dropout.
#include "random.cuh"

struct GatherArguments {
    const u8* bytes;       // [examples, f], or null
    const float* numbers;  // [examples, f], or null
    const float* offset;   // [1] or [f]; null where it would change nothing
    const float* divisor;  // the same: scaled = (feature - offset) / divisor
    const u32* order;      // [slots, r, capacity]: which examples
    const u32* slot;       // which batch of them
    const Progress* progress; // [r]
    Values inputs;         // [r, b, f]
    Draws draws;
    u32 capacity;
    u32 first_row;         // of the pass in the batch
    u32 rows;
    u32 features;
    u32 replicas;
    u32 constants_per_feature; // 1 where offset, plus 2 where divisor holds one for each
};

// Elements 4 * column4 .. of a row of bytes; zeros beyond its end.
__device__ inline Four bytes4(const u8* row, u32 column4, u32 features) {
    Four four;
    if (features % 4 == 0) {
        CHECK_ALIGNMENT(row, 4);
        const u32 bytes = reinterpret_cast<const u32*>(row)[column4];
        UNROLL for (u32 i = 0; i < 4; i++) four.at[i] = float((bytes >> 8 * i) & 255u);
        return four;
    }
    UNROLL for (u32 i = 0; i < 4; i++) four.at[i] = 4 * column4 + i < features ? float(row[4 * column4 + i]) : 0.0f;
    return four;
}

// The constants of four neighbours: their own, or the one for all.
__device__ inline Four constants4(const float* constants, bool is_per_feature, u32 column4, u32 features) {
    Four four;
    UNROLL for (u32 i = 0; i < 4; i++) four.at[i] = constants[is_per_feature && 4 * column4 + i < features ? 4 * column4 + i : 0];
    return four;
}

RELUMINE_KERNEL gather(const GatherArguments a) {
    const u32 groups = (a.features + 3) / 4;
    const u64 task = u64(blockIdx.x) * THREADS + threadIdx.x;
    if (task >= u64(a.rows) * groups) return;
    const u32 row = u32(task / groups), column4 = u32(task % groups);
    const u64 batch = u64(*a.slot) * a.replicas + blockIdx.y;
    const u64 example = a.order[batch * a.capacity + a.first_row + row];
    Four values = a.bytes ? bytes4(a.bytes + example * a.features, column4, a.features) : load4(a.numbers + example * a.features, column4, a.features);
    if (a.offset) {
        const Four offset = constants4(a.offset, a.constants_per_feature & 1, column4, a.features);
        UNROLL for (u32 i = 0; i < 4; i++) values.at[i] -= offset.at[i];
    }
    if (a.divisor) {
        const Four divisor = constants4(a.divisor, a.constants_per_feature & 2, column4, a.features);
        UNROLL for (u32 i = 0; i < 4; i++) values.at[i] /= divisor.at[i];
    }
    values = disturb(a.draws, u32(a.progress[blockIdx.y].steps), row, column4, values);
    store4(of_replica(a.inputs) + u64(row) * a.features, column4, a.features, values);
}
