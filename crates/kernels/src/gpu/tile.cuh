// A small product of matrices: a block makes a tile of 16 x 16 elements. A library's tiles are larger, and a small product has too few of them to
// occupy a GPU; and what follows a product can be done here before it is stored.
#pragma once
#include "common.cuh"

#define SIDE 16
// Terms that lie in shared memory at once.
#define CHUNK 256
// Fours of floats from one term to the next: four, and one that spreads them over the banks.
#define PITCH 5
// Groups of 16 threads, each of which takes every 16th four of terms for the whole tile, 4 x 4 elements a thread.
#define GROUPS (THREADS / 16)

// One side of a product: `lines` rows of the left one, columns of the right one.
struct Factor {
    const float* first;
    u32 lines;
    u32 terms;
};

// What a thread has read of a chunk: a four of each quarter of its terms.
#define QUARTER (CHUNK / 4)

struct Share {
    Four of_quarter[4];
};

__device__ inline Four zeros4() {
    Four four;
    UNROLL for (u32 i = 0; i < 4; i++) four.at[i] = 0.0f;
    return four;
}

// Of the terms from `term` on and the 16 lines from `line` on, zeros beyond both ends. A factor lies by terms where its rows are terms.
template <bool LIES_BY_TERMS> __device__ inline Share read_chunk(const Factor& factor, u32 line, u32 term) {
    const u32 rows = LIES_BY_TERMS ? factor.terms : factor.lines, columns = LIES_BY_TERMS ? factor.lines : factor.terms;
    Share share;
    UNROLL for (u32 i = 0; i < 4; i++, term += QUARTER) {
        const u32 row = LIES_BY_TERMS ? term + threadIdx.x / 4 : line + threadIdx.x % 16;
        const u32 column4 = LIES_BY_TERMS ? line / 4 + threadIdx.x % 4 : term / 4 + threadIdx.x / 16;
        const bool is_inside = row < rows && 4 * column4 < columns;
        share.of_quarter[i] = is_inside ? load4(factor.first + u64(row) * columns, column4, columns) : zeros4();
    }
    return share;
}

// Puts the quarters that hold any of so many terms where the block reads them: 16 lines of each term.
template <bool LIES_BY_TERMS> __device__ inline void share_chunk(float4* chunk, const Share& share, u32 terms) {
    UNROLL for (u32 i = 0; i < 4; i++) {
        if (i * QUARTER >= terms) return;
        const Four& four = share.of_quarter[i];
        if (LIES_BY_TERMS) {
            chunk[(i * QUARTER + threadIdx.x / 4) * PITCH + threadIdx.x % 4] = make_float4(four.at[0], four.at[1], four.at[2], four.at[3]);
            continue;
        }
        float* place = reinterpret_cast<float*>(chunk) + 4 * PITCH * (i * QUARTER + threadIdx.x / 16 * 4) + threadIdx.x % 16;
        UNROLL for (u32 of_four = 0; of_four < 4; of_four++) place[4 * PITCH * of_four] = four.at[of_four];
    }
}

__device__ inline Four as_four(const float4& loaded) {
    Four four;
    four.at[0] = loaded.x, four.at[1] = loaded.y, four.at[2] = loaded.z, four.at[3] = loaded.w;
    return four;
}

// What a block has made.
struct Tile {
    // Of the first 64 threads: four neighbours of a row of the tile, row `threadIdx.x / 4`.
    Four sums;
    // Of the first 16 threads: the sum of a line of the left factor over its terms, where that was asked for.
    float line_sum;
};

// The tile of left[m, k] right[k, n] from `row` and `column` on. The order of every sum depends on `k` alone.
template <bool LEFT_LIES_BY_TERMS, bool RIGHT_LIES_BY_TERMS>
__device__ inline Tile make_tile(const Factor& left, const Factor& right, u32 row, u32 column, bool sums_lines) {
    __shared__ float4 shared[2 * CHUNK * PITCH];
    float4 *lefts = shared, *rights = shared + CHUNK * PITCH;
    const u32 group = threadIdx.x / 16, row4 = threadIdx.x % 16 / 4, column4 = threadIdx.x % 4;
    float sums[4][4];
    UNROLL for (u32 i = 0; i < 16; i++) sums[i / 4][i % 4] = 0.0f;
    float line_sum = 0.0f;
    Share of_left, of_right;
    // A chunk comes from memory while the one before it is worked at.
    for (u32 next = 0; next < left.terms + CHUNK; next += CHUNK) {
        const u32 terms = left.terms + CHUNK - next < CHUNK ? left.terms + CHUNK - next : CHUNK;
        if (next > 0) {
            __syncthreads();
            share_chunk<LEFT_LIES_BY_TERMS>(lefts, of_left, terms);
            share_chunk<RIGHT_LIES_BY_TERMS>(rights, of_right, terms);
            __syncthreads();
        }
        if (next < left.terms) {
            of_left = read_chunk<LEFT_LIES_BY_TERMS>(left, row, next);
            of_right = read_chunk<RIGHT_LIES_BY_TERMS>(right, column, next);
        }
        if (next == 0) continue;
        for (u32 four = 4 * group; four < terms; four += 4 * GROUPS) {
            UNROLL for (u32 of_four = 0; of_four < 4; of_four++) {
                const u32 term = four + of_four;
                const Four l = as_four(lefts[term * PITCH + row4]), r = as_four(rights[term * PITCH + column4]);
                UNROLL for (u32 i = 0; i < 16; i++) sums[i / 4][i % 4] += l.at[i / 4] * r.at[i % 4];
            }
        }
        for (u32 term = group; sums_lines && term < terms; term += GROUPS)
            line_sum += reinterpret_cast<const float*>(lefts)[4 * PITCH * term + threadIdx.x % 16];
    }
    // The groups' sums take the factors' place, and are added up in order.
    __syncthreads();
    UNROLL for (u32 i = 0; i < 4; i++)
        shared[(group * SIDE + 4 * row4 + i) * 4 + column4] = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    float* line_sums = reinterpret_cast<float*>(shared + GROUPS * SIDE * 4);
    line_sums[threadIdx.x] = line_sum;
    __syncthreads();
    Tile tile;
    tile.sums = zeros4();
    tile.line_sum = 0.0f;
    if (threadIdx.x < SIDE * 4) {
        for (u32 of_group = 0; of_group < GROUPS; of_group++) {
            const Four part = as_four(shared[of_group * SIDE * 4 + threadIdx.x]);
            UNROLL for (u32 i = 0; i < 4; i++) tile.sums.at[i] += part.at[i];
        }
    }
    if (threadIdx.x < SIDE)
        for (u32 of_group = 0; of_group < GROUPS; of_group++) tile.line_sum += line_sums[of_group * SIDE + threadIdx.x];
    return tile;
}
