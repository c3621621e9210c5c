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

RELUMINE_KERNEL gather(const GatherArguments a) {
    const u32 groups = (a.features + 3) / 4;
    const u64 task = u64(blockIdx.x) * THREADS + threadIdx.x;
    if (task >= u64(a.rows) * groups) return;
    const u32 row = u32(task / groups), column4 = u32(task % groups);
    const u64 batch = u64(*a.slot) * a.replicas + blockIdx.y;
    const u64 example = a.order[batch * a.capacity + a.first_row + row];
    Four values;
    UNROLL for (u32 i = 0; i < 4; i++) {
        const u32 column = 4 * column4 + i;
        if (column >= a.features) {
            values.at[i] = 0.0f;
            continue;
        }
        const u64 place = example * a.features + column;
        float value = a.bytes ? float(a.bytes[place]) : a.numbers[place];
        if (a.offset) value -= a.offset[a.constants_per_feature & 1 ? column : 0];
        if (a.divisor) value /= a.divisor[a.constants_per_feature & 2 ? column : 0];
        values.at[i] = value;
    }
    values = disturb(a.draws, u32(a.progress[blockIdx.y].steps), row, column4, values);
    store4(of_replica(a.inputs) + u64(row) * a.features, column4, a.features, values);
}
