// Penalties, clipping, weight decay and the optimiser's rule in one pass over all parameters of all replicas; and what ends a step. The
// formulas are those of `relumine_kernels::optimizer`.
#include "common.cuh"

// The rules, as `UpdateArguments::with_rule` numbers them.
enum Rule { SGD, MOMENTUM, ADAM, NADAM, RMSPROP, ADAGRAD, ADADELTA, LION };

// The constants of one step for one kind of parameter of one replica. Mirrors `gpu::UpdateConstants`.
struct UpdateConstants {
    float learning_rate; // adam: over 1 - b1^t
    float old1, new1;    // of the mean: beta and 1 - beta; rho
    float old2, new2;    // of the squares
    float root;          // 1 / sqrt(1 - b2^t)
    float epsilon;
    float momentum;
    float of_gradient, of_mean; // nadam
    float clip_value;    // infinite where there is none
    float coupled_decay;
    float shrink;
    float l1, l2;        // 0 for all but weights
    float average_old, average_new;
    float unused;
};

struct UpdateArguments {
    Values parameters; // [r, p]
    Values gradients;  // [r, p]
    Values slots[3];   // [r, p] each, as many as the rule has
    const u32* groups; // [p / 1024]: which of a replica's constants a block of parameters takes
    const UpdateConstants* constants; // [slots, r, 2]
    const float* scales;   // [r]: what clipping by norm leaves of a gradient; null where nothing is clipped so
    const u32* slot;
    u32* next_slot;        // the same place, where this ends the step; null where something else does
    u32* tickets;          // [1]
    Progress* progress;    // [r]
    u32 rule;
    u32 has_momentum;      // rmsprop
    u32 is_centered;       // rmsprop
    u32 is_nesterov;
    u32 replicas;
    u32 unused;
};

#define PARAMETERS_PER_BLOCK (4 * THREADS)

// What is smaller than these counts as zero: see `relumine_kernels::optimizer`.
__device__ inline float settle(float x) { return fabsf(x) < 1e-30f ? 0.0f : x; }

__device__ inline float square(float g) {
    const float sized = fabsf(g) < 1e-17f ? 0.0f : g;
    return sized * sized;
}

__device__ inline float decay(float old, float fresh, float mean, float value) { return settle(old * mean + fresh * settle(value)); }

__device__ inline float decay_square(float old, float fresh, float mean, float square) {
    const float decayed = old * mean + fresh * square;
    return fabsf(decayed) < 1e-37f ? 0.0f : decayed;
}

__device__ inline float sign(float x) { return (x > 0.0f ? 1.0f : 0.0f) - (x < 0.0f ? 1.0f : 0.0f); }

// The gradient of the loss and of the penalties.
__device__ inline float penalized(const UpdateConstants& c, float gradient, float parameter) {
    return c.l1 == 0.0f && c.l2 == 0.0f ? gradient : gradient + (c.l1 * sign(parameter) + 2.0f * c.l2 * parameter);
}

// Whether the replica's step counts.
__device__ inline bool is_sound(const Progress& progress) { return progress.failed == 0 && isfinite(progress.step_loss); }

// The change of one parameter, to be subtracted. Slots that the rule does not have are not touched.
__device__ inline float change(const UpdateArguments& a, const UpdateConstants& c, float g, float* slots) {
    switch (a.rule) {
    case SGD: return c.learning_rate * g;
    case MOMENTUM:
        slots[0] = settle(c.momentum * slots[0] + g);
        return c.learning_rate * (a.is_nesterov ? c.momentum * slots[0] + g : slots[0]);
    case ADAM:
        slots[0] = decay(c.old1, c.new1, slots[0], g);
        slots[1] = decay_square(c.old2, c.new2, slots[1], square(g));
        return c.learning_rate * slots[0] / (sqrtf(slots[1]) * c.root + c.epsilon);
    case NADAM:
        slots[0] = decay(c.old1, c.new1, slots[0], g);
        slots[1] = decay_square(c.old2, c.new2, slots[1], square(g));
        return c.learning_rate * (c.of_gradient * g + c.of_mean * slots[0]) / (sqrtf(slots[1]) * c.root + c.epsilon);
    case RMSPROP: {
        slots[0] = decay_square(c.old1, c.new1, slots[0], square(g));
        float variance = slots[0];
        if (a.is_centered) {
            slots[1] = decay(c.old1, c.new1, slots[1], g);
            variance = slots[0] - slots[1] * slots[1];
            if (variance < 0.0f) variance = 0.0f;
        }
        const float scaled = g / (sqrtf(variance) + c.epsilon);
        if (!a.has_momentum) return c.learning_rate * scaled;
        float* buffer = slots + (a.is_centered ? 2 : 1);
        *buffer = settle(c.momentum * *buffer + scaled);
        return c.learning_rate * *buffer;
    }
    case ADAGRAD:
        slots[0] += square(g);
        return c.learning_rate * g / (sqrtf(slots[0]) + c.epsilon);
    case ADADELTA: {
        slots[0] = decay_square(c.old1, c.new1, slots[0], square(g));
        const float delta = sqrtf(slots[1] + c.epsilon) / sqrtf(slots[0] + c.epsilon) * g;
        slots[1] = decay_square(c.old1, c.new1, slots[1], square(delta));
        return c.learning_rate * delta;
    }
    default: {
        const float direction = decay(c.old1, c.new1, slots[0], g);
        slots[0] = decay(c.old2, c.new2, slots[0], g);
        return c.learning_rate * sign(direction);
    }
    }
}

// Takes the step's sums into the replica's, counts the step, or notes that it failed.
__device__ inline void end_step(Progress& progress) {
    if (is_sound(progress)) {
        progress.loss += progress.step_loss;
        progress.correct += progress.step_correct;
        progress.rows += progress.step_rows;
        progress.steps += 1;
    } else {
        progress.failed = 1;
    }
}

RELUMINE_KERNEL update(const UpdateArguments a) {
    // All that is read is on its way before anything is waited for.
    const u32 place4 = blockIdx.x * THREADS + threadIdx.x, end = (place4 + 1) * 4;
    Four parameters = load4(of_replica(a.parameters), place4, end), slots[3];
    const Four gradients = load4(of_replica(a.gradients), place4, end);
    UNROLL for (u32 slot = 0; slot < 3; slot++)
        if (a.slots[slot].first) slots[slot] = load4(of_replica(a.slots[slot]), place4, end);
    const UpdateConstants c =
        a.constants[(u64(*a.slot) * a.replicas + blockIdx.y) * 2 + a.groups[blockIdx.x]];
    if (is_sound(a.progress[blockIdx.y])) {
        const float scale = a.scales ? a.scales[blockIdx.y] : 1.0f;
        UNROLL for (u32 i = 0; i < 4; i++) {
            float g = penalized(c, gradients.at[i], parameters.at[i]) * scale;
            g = g > c.clip_value ? c.clip_value : g;
            g = g < -c.clip_value ? -c.clip_value : g;
            g += c.coupled_decay * parameters.at[i];
            float of_one[3] = {slots[0].at[i], slots[1].at[i], slots[2].at[i]};
            parameters.at[i] = parameters.at[i] * c.shrink - change(a, c, g, of_one);
            UNROLL for (u32 slot = 0; slot < 3; slot++) slots[slot].at[i] = of_one[slot];
        }
        store4(of_replica(a.parameters), place4, end, parameters);
        UNROLL for (u32 slot = 0; slot < 3; slot++)
            if (a.slots[slot].first) store4(of_replica(a.slots[slot]), place4, end, slots[slot]);
    }
    if (!a.next_slot || !is_last_block(a.tickets, gridDim.x * gridDim.y)) return;
    for (u32 replica = threadIdx.x; replica < a.replicas; replica += THREADS) end_step(a.progress[replica]);
    if (threadIdx.x == 0) *a.next_slot += 1;
}

struct ClipArguments {
    Values parameters; // [r, p]
    Values gradients;  // [r, p]
    const u32* groups;
    const UpdateConstants* constants;
    const u32* slot;
    double* partial;   // [r, blocks]
    u32* tickets;      // [r]
    float* scales;     // [r]
    double clip_norm;
    u32 replicas;
    u32 unused;
};

// What clipping by global norm leaves of the gradients (Pascanu et al. 2013): clip / (norm + 1e-6), if that is under 1.
RELUMINE_KERNEL clip_scale(const ClipArguments a) {
    const UpdateConstants c =
        a.constants[(u64(*a.slot) * a.replicas + blockIdx.y) * 2 + a.groups[blockIdx.x]];
    const u32 place4 = blockIdx.x * THREADS + threadIdx.x, end = (place4 + 1) * 4;
    const Four parameters = load4(of_replica(a.parameters), place4, end), gradients = load4(of_replica(a.gradients), place4, end);
    double squares = 0.0;
    UNROLL for (u32 i = 0; i < 4; i++) {
        const double g = double(penalized(c, gradients.at[i], parameters.at[i]));
        squares += g * g;
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) a.partial[u64(blockIdx.y) * gridDim.x + blockIdx.x] = squares;
    if (!is_last_block(a.tickets + blockIdx.y, gridDim.x)) return;
    double sum = 0.0;
    for (u32 block = threadIdx.x; block < gridDim.x; block += THREADS) sum += a.partial[u64(blockIdx.y) * gridDim.x + block];
    sum = block_sum(sum);
    const double scale = a.clip_norm / (sqrt(sum) + 1e-6);
    // A norm that is no number clips nothing, as in the reference.
    if (threadIdx.x == 0) a.scales[blockIdx.y] = scale < 1.0 ? float(scale) : 1.0f;
}

struct BoundArguments {
    Values weight; // [r, o, i]
    const Progress* progress; // [r]
    float max_norm;
    u32 rows;
    u32 columns;
    u32 unused;
};

// Scales every row of a weight whose norm is over `max_norm` down to it. A warp takes a row.
RELUMINE_KERNEL bound_norms(const BoundArguments a) {
    const u32 row = warp_row(), lane = ::lane();
    if (row >= a.rows || !is_sound(a.progress[blockIdx.y])) return;
    float* weight = of_replica(a.weight) + u64(row) * a.columns;
    float squares = 0.0f;
    for (u32 column = lane; column < a.columns; column += 32) squares += weight[column] * weight[column];
    const float norm = sqrtf(warp_sum(squares));
    if (!(norm > a.max_norm)) return;
    const float factor = a.max_norm / (norm + 1e-7f);
    for (u32 column = lane; column < a.columns; column += 32) weight[column] *= factor;
}

struct FinishArguments {
    Values parameters; // [r, p]
    Values average;    // [r, p], or null
    Values running;    // [r, q]: running statistics, or null
    Values next;       // [r, q]: what becomes of them
    const UpdateConstants* constants;
    u32* slot;
    u32* tickets;      // [1]
    Progress* progress; // [r]
    u32 num_parameters;
    u32 num_statistics;
    u32 replicas;
    u32 unused;
};

// What follows the update: the moving average, running statistics, the count. Where there is none of the first two, the update itself counts.
RELUMINE_KERNEL finish(const FinishArguments a) {
    if (is_sound(a.progress[blockIdx.y])) {
        const UpdateConstants& c = a.constants[(u64(*a.slot) * a.replicas + blockIdx.y) * 2];
        const float* parameters = of_replica(a.parameters);
        for (u32 i = blockIdx.x * THREADS + threadIdx.x; a.average.first && i < a.num_parameters; i += gridDim.x * THREADS) {
            float* average = of_replica(a.average) + i;
            *average = c.average_old * *average + c.average_new * parameters[i];
        }
        for (u32 i = blockIdx.x * THREADS + threadIdx.x; a.running.first && i < a.num_statistics; i += gridDim.x * THREADS)
            of_replica(a.running)[i] = of_replica(a.next)[i];
    }
    if (!is_last_block(a.tickets, gridDim.x * gridDim.y)) return;
    for (u32 replica = threadIdx.x; replica < a.replicas; replica += THREADS) end_step(a.progress[replica]);
    if (threadIdx.x == 0) *a.slot += 1;
}
