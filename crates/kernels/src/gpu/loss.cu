// The loss of a batch, its gradient at the logits and at their bias, and the sums of the step: one pass over each row, a warp for each.
#include "common.cuh"

struct LossArguments {
    Values logits; // [r, b, u]: without the bias; becomes the gradient of the mean loss
    Values bias;   // [r, u]
    Values bias_gradient; // [r, u]
    const u32* labels;    // [examples]
    const u32* order;     // [slots, r, capacity]
    const u32* slot;
    const float* shares;  // [slots, r]: one over the weight of the step's rows
    const float* class_weights; // [classes], or null where all are 1
    double* losses;       // [r, b]
    u32* hits;            // [r, b]
    u32* tickets;         // [r]
    Progress* progress;   // [r]
    float label_smoothing;
    float weight_sum;     // of all classes
    u32 is_sigmoid;
    u32 capacity;
    u32 first_row;        // of the pass in the batch
    u32 rows;
    u32 units;
    u32 replicas;
    u32 adds;             // whether this is a later pass of the same step
    u32 unused;
};

// The formulas are those of `relumine_kernels::loss`.
__device__ inline void softmax_row(const LossArguments& a, u32 row, u32 label, float share) {
    const u32 lane = ::lane();
    float* z = of_replica(a.logits) + u64(row) * a.units;
    const float* bias = of_replica(a.bias);
    float largest = -INFINITY;
    u32 best = 0, has_nan = 0;
    for (u32 class_ = lane; class_ < a.units; class_ += 32) {
        const float value = z[class_] + bias[class_];
        has_nan |= value != value;
        if (value > largest) largest = value, best = class_;
    }
    for (u32 distance = 16; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, largest, distance);
        const u32 of_other = __shfl_xor_sync(0xffffffffu, best, distance);
        has_nan |= __shfl_xor_sync(0xffffffffu, has_nan, distance);
        // Of equals the lowest.
        if (other > largest || (other == largest && of_other < best)) largest = other, best = of_other;
    }
    if (has_nan) largest = NAN;
    float sum = 0.0f;
    for (u32 class_ = lane; class_ < a.units; class_ += 32) sum += expf(z[class_] + bias[class_] - largest);
    sum = warp_sum(sum);
    const double of_label = double(z[label] + bias[label]);
    // Everybody has read the label's logit before anybody overwrites it.
    __syncwarp();
    const float kept = (a.class_weights ? a.class_weights[label] : 1.0f) * (1.0f - a.label_smoothing);
    const float even = a.label_smoothing / float(a.units), factor = share * (kept + even * a.weight_sum) / sum;
    for (u32 class_ = lane; class_ < a.units; class_ += 32) {
        float gradient = factor * expf(z[class_] + bias[class_] - largest);
        if (a.label_smoothing > 0.0f) gradient -= share * even * (a.class_weights ? a.class_weights[class_] : 1.0f);
        if (class_ == label) gradient -= share * kept;
        z[class_] = gradient;
    }
    if (lane == 0) {
        const u64 place = u64(blockIdx.y) * a.capacity + row;
        a.losses[place] = double(largest) + log(double(sum)) - of_label;
        a.hits[place] = best == label;
    }
}

__device__ inline void sigmoid_row(const LossArguments& a, u32 row, u32 label, float share) {
    if (lane() != 0) return;
    float* place = of_replica(a.logits) + row;
    const float z = *place + of_replica(a.bias)[0];
    const float target = float(label) * (1.0f - a.label_smoothing) + a.label_smoothing / 2.0f;
    const double z64 = double(z), probability = 1.0 / (1.0 + exp(-z64));
    *place = share * (a.class_weights ? a.class_weights[label] : 1.0f) * (float(probability) - target);
    const double positive = z64 < 0.0 ? 0.0 : z64;
    a.losses[u64(blockIdx.y) * a.capacity + row] = positive - z64 * double(label) + log1p(exp(-fabs(z64)));
    a.hits[u64(blockIdx.y) * a.capacity + row] = (z > 0.0f) == (label == 1);
}

// The gradient at the bias of `columns` columns, at most 256, from `first` on: groups of threads take every so-many-th row, and their sums
// are added up in order.
__device__ inline void bias_gradient(const LossArguments& a, u32 first, u32 columns) {
    __shared__ float sums[THREADS];
    const u32 groups = THREADS / columns, group = threadIdx.x / columns, column = first + threadIdx.x % columns;
    const float* dz = of_replica(a.logits);
    float sum = 0.0f;
    if (group < groups)
        for (u32 row = group; row < a.rows; row += groups) sum += dz[u64(row) * a.units + column];
    __syncthreads();
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x >= columns) return;
    float total = 0.0f;
    for (u32 of_group = 0; of_group < groups; of_group++) total += sums[of_group * columns + threadIdx.x];
    put(of_replica(a.bias_gradient) + column, total, a.adds);
}

RELUMINE_KERNEL loss(const LossArguments a) {
    const u32 row = warp_row();
    const u64 batch = u64(*a.slot) * a.replicas + blockIdx.y;
    if (row < a.rows) {
        const u32 label = a.labels[a.order[batch * a.capacity + a.first_row + row]];
        const float share = a.shares[batch];
        if (a.is_sigmoid)
            sigmoid_row(a, row, label, share);
        else
            softmax_row(a, row, label, share);
    }
    if (!is_last_block(a.tickets + blockIdx.y, gridDim.x)) return;
    for (u32 first = 0; first < a.units; first += THREADS) {
        const u32 left = a.units - first;
        bias_gradient(a, first, left < THREADS ? left : THREADS);
    }
    double sum = 0.0, hits = 0.0;
    for (u32 r = threadIdx.x; r < a.rows; r += THREADS) {
        sum += a.losses[u64(blockIdx.y) * a.capacity + r];
        hits += double(a.hits[u64(blockIdx.y) * a.capacity + r]);
    }
    sum = block_sum(sum);
    hits = block_sum(hits);
    if (threadIdx.x == 0) {
        Progress& progress = a.progress[blockIdx.y];
        progress.step_loss = a.adds ? progress.step_loss + sum : sum;
        progress.step_correct = a.adds ? progress.step_correct + u64(hits) : u64(hits);
        progress.step_rows = a.adds ? progress.step_rows + a.rows : a.rows;
    }
}
