// A block that takes 32 columns of a matrix, and the sums of its columns.
#pragma once
#include "common.cuh"

#define COLUMNS_OF_STRIP 32

// A block takes 32 columns: 8 neighbours of 4 columns each, and 32 threads for every 32nd row.
struct Strip {
    u32 first_row;
    u32 column4;
    u32 group;
    bool is_inside;
};

__device__ inline Strip strip(u32 units, u32 number) {
    Strip strip;
    strip.group = threadIdx.x % 8, strip.first_row = threadIdx.x / 8, strip.column4 = number * 8 + strip.group;
    strip.is_inside = 4 * strip.column4 < units;
    return strip;
}

struct Four64 {
    double at[4];
};

// The sums of a strip's columns over its threads, in their order, for all of them.
__device__ inline Four64 strip_sums(const Strip& strip, const Four& values) {
    __shared__ float parts[32][33];
    __shared__ double totals[32];
    __syncthreads();
    UNROLL for (u32 i = 0; i < 4; i++) parts[strip.first_row][4 * strip.group + i] = values.at[i];
    __syncthreads();
    if (threadIdx.x < 32) {
        double total = 0.0;
        for (u32 row = 0; row < 32; row++) total += double(parts[row][threadIdx.x]);
        totals[threadIdx.x] = total;
    }
    __syncthreads();
    Four64 sums;
    UNROLL for (u32 i = 0; i < 4; i++) sums.at[i] = totals[4 * strip.group + i];
    return sums;
}
