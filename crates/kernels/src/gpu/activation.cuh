// Activation functions with their slopes: see the model crate, which documents them.
#pragma once
#include "common.cuh"

// The kinds, as `ActivationArguments` numbers them.
enum ActivationKind {
    IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU, GELU_TANH, SILU, SOFTPLUS, SOFTSIGN, HARD_SIGMOID, MISH, SCALED_TANH
};

struct Activation {
    u32 kind;
    // leaky_relu: negative slope; elu: alpha and scale; scaled_tanh: scale and stretch.
    float first;
    float second;
    u32 unused;
};

struct Point {
    float value;
    float slope;
};

__device__ inline Point point(float value, float slope) {
    Point point;
    point.value = value, point.slope = slope;
    return point;
}

__device__ inline float sigmoid(float z) { return 1.0f / (1.0f + expf(-z)); }

// One copy a kernel, which calls it for each of four neighbours: its text is long, and a program carries it for every architecture.
__device__ __noinline__ Point activated(const Activation& activation, float z) {
    switch (activation.kind) {
    case SIGMOID: {
        const float f = sigmoid(z);
        return point(f, f * (1.0f - f));
    }
    case TANH: {
        const float f = tanhf(z);
        return point(f, 1.0f - f * f);
    }
    case RELU: {
        // The product keeps what is no number, as the reference does.
        const float on = z > 0.0f ? 1.0f : 0.0f;
        return point(z * on, on);
    }
    case LEAKY_RELU: {
        const float slope = z > 0.0f ? 1.0f : activation.first;
        return point(z * slope, slope);
    }
    case ELU: {
        const float full = activation.second * activation.first;
        if (z > 0.0f) return point(z * activation.second, activation.second);
        const float minus_one = expm1f(z);
        return point(minus_one * full, (minus_one + 1.0f) * full);
    }
    case GELU: {
        const float p = 0.5f * erfcf(z * -0.70710678f);
        const float density = expf(-0.5f * z * z) * 0.39894228f;
        return point(z * p, z * density + p);
    }
    case GELU_TANH: {
        // Beyond +-20 the tangent has long been +-1, and the cube cannot overflow.
        float c = z > 20.0f ? 20.0f : z;
        c = c < -20.0f ? -20.0f : c;
        const float root = 0.79788456f, cubic = 0.044715f;
        const float t = tanhf(root * c * (cubic * c * c + 1.0f));
        const float du = root * (3.0f * cubic * c * c + 1.0f);
        return point(0.5f * z * (1.0f + t), 0.5f * ((1.0f + t) + c * (1.0f - t * t) * du));
    }
    case SILU: {
        const float s = sigmoid(z), f = z * s;
        return point(f, (z - f) * s + s);
    }
    case SOFTPLUS: {
        const float positive = z < 0.0f ? 0.0f : z;
        return point(positive + log1pf(expf(-fabsf(z))), sigmoid(z));
    }
    case SOFTSIGN: {
        const float inverse = 1.0f / (1.0f + fabsf(z));
        return point(z / (1.0f + fabsf(z)), inverse * inverse);
    }
    case HARD_SIGMOID: {
        float line = z * (1.0f / 6.0f) + 0.5f;
        line = z >= 3.0f ? 1.0f : line;
        return point(z <= -3.0f ? 0.0f : line, fabsf(z) < 3.0f ? 1.0f / 6.0f : 0.0f);
    }
    case MISH: {
        const float e = expf(z > 20.0f ? 20.0f : z);
        const float n = e * (e + 2.0f), inverse = 1.0f / (n + 2.0f), t = n * inverse;
        return point(z * t, z * (4.0f * ((n + 1.0f) * inverse) * inverse * sigmoid(z)) + t);
    }
    case SCALED_TANH: {
        const float t = tanhf(z * activation.second);
        return point(activation.first * t, activation.first * activation.second * (1.0f - t * t));
    }
    default: return point(z, 1.0f);
    }
}
