// Runs the kernels on a host, one thread of a block after the other, to test what they compute where there is no GPU. It says nothing of their
// speed, and sees only races that another order of threads and blocks brings to light: run both orders.
//
// Threads are fibers: each runs until it waits, for its block or its warp, and the next one goes on. x86-64 with System V's calls alone.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define RELUMINE_EMULATOR
#define RELUMINE_KERNEL static void
#define UNROLL
#define __device__ static
#define __noinline__
// Blocks run one after the other; each test thread has its own.
#define __shared__ static thread_local

struct Index {
    unsigned x, y;
};
struct float4 {
    float x, y, z, w;
};
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

static thread_local Index blockIdx, threadIdx, gridDim;

namespace emulator {
// Stacks are no power of two apart: a cache keeps few lines that are.
enum { THREADS_OF_BLOCK = 256, WARP = 32, STACK = 64 * 1024 + 11 * 64 };
enum Waiting { NOTHING, WARP_BARRIER, BLOCK_BARRIER, DONE };
static thread_local Waiting waiting[THREADS_OF_BLOCK];
static thread_local unsigned exchanged[THREADS_OF_BLOCK];
static thread_local unsigned current;
static thread_local void *scheduler, *fibers[THREADS_OF_BLOCK];
static thread_local char* stacks;
static thread_local void (*kernel)(const void*);
static thread_local const void* arguments;

asm(".text\n"
    "relumine_emulator_switch:\n" // (place for the old stack pointer, new stack pointer)
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n");
extern "C" void relumine_emulator_switch(void** old_stack, void* new_stack);

static inline void wait(Waiting what) {
    waiting[current] = what;
    relumine_emulator_switch(&fibers[current], scheduler);
}

static void body() {
    kernel(arguments);
    wait(DONE);
    abort(); // nobody resumes what is done
}

// A fresh fiber: its first switch returns into `body`, with the stack as a call would leave it.
static void* fresh(unsigned thread) {
    void** top = reinterpret_cast<void**>(stacks + (thread + 1) * STACK) - 2;
    top[0] = reinterpret_cast<void*>(&body);
    top[1] = nullptr;
    return top - 6;
}

static void resume(unsigned thread) {
    current = thread;
    threadIdx.x = thread;
    waiting[thread] = NOTHING;
    relumine_emulator_switch(&scheduler, fibers[thread]);
}

// Whether all threads from `first` on, so many, wait for the same or are done.
static bool all_wait(unsigned first, unsigned count, Waiting what) {
    bool any = false;
    for (unsigned thread = first; thread < first + count; thread++) {
        if (waiting[thread] != what && waiting[thread] != DONE) return false;
        any |= waiting[thread] == what;
    }
    return any;
}

// 0, or 1 where threads wait for each other for good.
static int run_block(bool backward) {
    if (!stacks) stacks = static_cast<char*>(malloc(THREADS_OF_BLOCK * STACK));
    auto nth = [backward](unsigned n, unsigned count) { return backward ? count - 1 - n : n; };
    for (unsigned thread = 0; thread < THREADS_OF_BLOCK; thread++) fibers[thread] = fresh(thread), waiting[thread] = NOTHING;
    for (unsigned n = 0; n < THREADS_OF_BLOCK; n++) resume(nth(n, THREADS_OF_BLOCK));
    for (;;) {
        bool went_on = false;
        auto release = [&](unsigned first, unsigned count, Waiting what) {
            if (!all_wait(first, count, what)) return;
            went_on = true;
            bool waited[THREADS_OF_BLOCK];
            for (unsigned n = 0; n < count; n++) waited[n] = waiting[first + n] == what;
            for (unsigned n = 0; n < count; n++)
                if (waited[nth(n, count)]) resume(first + nth(n, count));
        };
        release(0, THREADS_OF_BLOCK, BLOCK_BARRIER);
        for (unsigned n = 0; n < THREADS_OF_BLOCK / WARP; n++) release(nth(n, THREADS_OF_BLOCK / WARP) * WARP, WARP, WARP_BARRIER);
        if (!went_on) return all_wait(0, THREADS_OF_BLOCK, DONE) ? 0 : 1;
    }
}
} // namespace emulator

static inline void __syncthreads() { emulator::wait(emulator::BLOCK_BARRIER); }
static inline void __syncwarp() { emulator::wait(emulator::WARP_BARRIER); }
static inline void __threadfence() {}
static inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((static_cast<unsigned long long>(a) * b) >> 32); }
static inline unsigned atomicAdd(unsigned* place, unsigned value) {
    const unsigned old = *place;
    *place += value;
    return old;
}

template <typename T> static inline T __shfl_xor_sync(unsigned, T value, unsigned distance) {
    static_assert(sizeof(T) == 4, "words");
    memcpy(&emulator::exchanged[threadIdx.x], &value, 4);
    __syncwarp();
    memcpy(&value, &emulator::exchanged[threadIdx.x ^ distance], 4);
    __syncwarp();
    return value;
}

using std::isfinite;
