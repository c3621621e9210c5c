// The kernels as a library for the host: see emulator.h.
#include "emulator.h"

#include "kernels.cu"

namespace {
struct Entry {
    const char* name;
    void (*run)(const void*);
    unsigned size;
    bool has_barriers;
};

template <typename Arguments, void (*KERNEL)(const Arguments)> Entry entry(const char* name, bool has_barriers) {
    return {name, [](const void* arguments) { KERNEL(*static_cast<const Arguments*>(arguments)); }, sizeof(Arguments), has_barriers};
}

const Entry ENTRIES[] = {
    entry<GatherArguments, gather>("gather", false),
    entry<ActivateArguments, activate>("activate", false),
    entry<ActivateBackwardArguments, activate_backward>("activate_backward", true),
    entry<DenseForwardArguments, dense_forward>("dense_forward", true),
    entry<DenseBackwardArguments, dense_backward>("dense_backward", true),
    entry<DenseGradientArguments, dense_gradient>("dense_gradient", true),
    entry<MaxoutArguments, maxout>("maxout", false),
    entry<MaxoutArguments, maxout_backward>("maxout_backward", false),
    entry<BatchNormArguments, batch_norm>("batch_norm", true),
    entry<NormBackwardArguments, batch_norm_backward>("batch_norm_backward", true),
    entry<LayerNormArguments, layer_norm>("layer_norm", true),
    entry<NormBackwardArguments, layer_norm_gradient>("layer_norm_gradient", true),
    entry<NormBackwardArguments, layer_norm_backward>("layer_norm_backward", true),
    entry<LossArguments, loss>("loss", true),
    entry<UpdateArguments, update>("update", true),
    entry<ClipArguments, clip_scale>("clip_scale", true),
    entry<BoundArguments, bound_norms>("bound_norms", true),
    entry<FinishArguments, finish>("finish", true),
};

const Entry* find(const char* name) {
    for (const Entry& entry : ENTRIES)
        if (strcmp(entry.name, name) == 0) return &entry;
    return nullptr;
}
} // namespace

// What the arguments of a kernel and the records in the arrays take, in bytes; 0 for what there is not.
extern "C" unsigned relumine_size(const char* name) {
    if (const Entry* entry = find(name)) return entry->size;
    if (strcmp(name, "Progress") == 0) return sizeof(Progress);
    if (strcmp(name, "Draw") == 0) return sizeof(Draw);
    if (strcmp(name, "UpdateConstants") == 0) return sizeof(UpdateConstants);
    return 0;
}

// 0 done, 1 no such kernel, 2 its threads wait for each other for good.
extern "C" int relumine_launch(const char* name, const void* arguments, unsigned blocks, unsigned replicas, int backward) {
    const Entry* entry = find(name);
    if (!entry) return 1;
    gridDim = {blocks, replicas};
    emulator::kernel = entry->run;
    emulator::arguments = arguments;
    for (unsigned n = 0; n < blocks * replicas; n++) {
        const unsigned block = backward ? blocks * replicas - 1 - n : n;
        blockIdx = {block % blocks, block / blocks};
        if (entry->has_barriers) {
            if (emulator::run_block(backward)) return 2;
            continue;
        }
        for (unsigned thread = 0; thread < THREADS; thread++) {
            threadIdx.x = backward ? THREADS - 1 - thread : thread;
            entry->run(arguments);
        }
    }
    return 0;
}

// out[m, n] = left[m, k] right[k, n] for each replica, row-major, in 64 bits; each factor may be stored transposed.
extern "C" void relumine_product(const Values left, const Values right, const Values out, const Values bias, const u64 sizes[4],
                                 int left_is_transposed, int right_is_transposed, int adds) {
    const u64 m = sizes[0], n = sizes[1], k = sizes[2];
    double* sums = static_cast<double*>(malloc(n * sizeof(double)));
    for (u64 replica = 0; replica < sizes[3]; replica++) {
        const float *l = left.first + replica * left.stride, *r = right.first + replica * right.stride;
        float* o = out.first + replica * out.stride;
        const float* b = bias.first ? bias.first + replica * bias.stride : nullptr;
        for (u64 row = 0; row < m; row++) {
            for (u64 column = 0; column < n; column++) sums[column] = b ? b[column] : 0.0;
            if (right_is_transposed) {
                for (u64 column = 0; column < n; column++)
                    for (u64 i = 0; i < k; i++) sums[column] += double(left_is_transposed ? l[i * m + row] : l[row * k + i]) * r[column * k + i];
            } else {
                for (u64 i = 0; i < k; i++) {
                    const double factor = left_is_transposed ? l[i * m + row] : l[row * k + i];
                    for (u64 column = 0; column < n; column++) sums[column] += factor * r[i * n + column];
                }
            }
            for (u64 column = 0; column < n; column++) {
                const float sum = float(sums[column]);
                float& place = o[row * n + column];
                place = adds ? place + sum : sum;
            }
        }
    }
    free(sums);
}
