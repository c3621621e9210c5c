// What every kernel shares. The sources compile as CUDA, and as C++ on a host, where emulator.h gives the words of CUDA a meaning.
//
// One launch serves R replicas, which train side by side: blockIdx.y is the replica, and every array has its replicas one after the other.
// Shape suffixes: b rows of the pass, u units, f features, r replicas.
#pragma once

// A GPU stops at what does not lie at a multiple of its size in bytes; a host would read it all the same.
#ifdef RELUMINE_EMULATOR
#define CHECK_ALIGNMENT(place, size) ((reinterpret_cast<unsigned long long>(place) % (size)) ? abort() : (void)0)
#else
#define CHECK_ALIGNMENT(place, size) ((void)0)
#define RELUMINE_KERNEL extern "C" __global__ void __launch_bounds__(256)
#define UNROLL _Pragma("unroll")
#endif

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

// Threads of every block.
#define THREADS 256

// Where a replica's training stands. Mirrors `gpu::Progress`.
struct Progress {
    // Sums over the rows of the steps since the host last wrote them.
    double loss;
    u64 correct;
    u64 rows;
    // Sums over the passes of the step under way.
    double step_loss;
    u64 step_correct;
    u64 step_rows;
    // Optimiser steps taken: the step of the random streams. Its low 32 bits count.
    u64 steps;
    // 1 after a loss that is not finite: nothing changes from then on.
    u32 failed;
    u32 unused;
};

// What a training step adds to and drops of one layer's inputs, for one replica. Mirrors `gpu::Draw`.
struct Draw {
    double stddev;
    // A kept value is multiplied by `scale` and moved by `shift`; a dropped one becomes `dropped`.
    u32 threshold;
    float scale;
    float shift;
    float dropped;
};

// Random changes of a layer's inputs, for all replicas. Mirrors `gpu::Draws`.
struct Draws {
    const Draw* of_replica; // [r], null where nothing is drawn
    const u32* keys;        // [r, 2]
    u32 first_row;          // position of the pass's first row in the step's batch
    u32 noise_stream;
    u32 dropout_stream;
    u32 has_noise;
    u32 has_dropout;
    u32 unused;
};

// An array that holds one part for each replica, `stride` elements apart. Mirrors `gpu::Strided`.
struct Values {
    float* first;
    u64 stride;
};

__device__ inline float* of_replica(Values values) { return values.first ? values.first + blockIdx.y * values.stride : nullptr; }

// A sum that is stored, or added to what is there.
__device__ inline void put(float* place, float sum, u32 adds) { *place = adds ? *place + sum : sum; }

struct Four {
    float at[4];
};

// Elements 4 * column4 .. of a row of `units`; zeros beyond its end.
__device__ inline Four load4(const float* row, u32 column4, u32 units) {
    Four four;
    if (units % 4 == 0) {
        CHECK_ALIGNMENT(row, 16);
        const float4 loaded = reinterpret_cast<const float4*>(row)[column4];
        four.at[0] = loaded.x, four.at[1] = loaded.y, four.at[2] = loaded.z, four.at[3] = loaded.w;
        return four;
    }
    UNROLL for (u32 i = 0; i < 4; i++) four.at[i] = 4 * column4 + i < units ? row[4 * column4 + i] : 0.0f;
    return four;
}

__device__ inline void store4(float* row, u32 column4, u32 units, Four four) {
    if (units % 4 == 0) {
        CHECK_ALIGNMENT(row, 16);
        reinterpret_cast<float4*>(row)[column4] = make_float4(four.at[0], four.at[1], four.at[2], four.at[3]);
        return;
    }
    UNROLL for (u32 i = 0; i < 4; i++)
        if (4 * column4 + i < units) row[4 * column4 + i] = four.at[i];
}

// The last of the blocks that come here: it sees what the others wrote before. `tickets` is 0 at first, and 0 again after. No sum depends on
// which block it is.
__device__ inline bool is_last_block(u32* tickets, u32 blocks) {
    __shared__ u32 ticket;
    __syncthreads();
    if (threadIdx.x == 0) {
        // Of one thread for all: what the block has written before its barrier comes before the ticket.
        __threadfence();
        ticket = atomicAdd(tickets, 1u);
    }
    __syncthreads();
    const bool is_last = ticket == blocks - 1;
    if (is_last) {
        __threadfence();
        if (threadIdx.x == 0) *tickets = 0;
    }
    __syncthreads();
    return is_last;
}

// The sum of every thread's value, in an order that depends on nothing, for all threads.
__device__ inline double block_sum(double value) {
    __shared__ double sums[THREADS];
    __syncthreads();
    sums[threadIdx.x] = value;
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    __syncthreads();
    return sums[0];
}

// Where a warp takes a row: so many rows of a block, the row of this warp, and the place in it.
#define ROWS_PER_BLOCK (THREADS / 32)

__device__ inline u32 warp_row() { return blockIdx.x * ROWS_PER_BLOCK + threadIdx.x / 32; }

__device__ inline u32 lane() { return threadIdx.x % 32; }

__device__ inline float warp_sum(float value) {
    for (u32 distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}
