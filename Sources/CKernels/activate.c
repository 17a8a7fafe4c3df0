#include "CKernels.h"
#include "simd.h"

CLONED void kernel_bias(float *y, size_t stride, const float *bias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * stride;
        for (size_t i = 0; i < columns; i++) row[i] += bias[i];
    }
}

CLONED void kernel_bias_gelu(float *y, size_t stride, const float *bias, size_t rows, size_t columns) {
    FAST_SUMS
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * stride;
        for (size_t i = 0; i < columns; i++) {
            float x = row[i] + bias[i];
            row[i] = 0.5f * x * (1.0f + fast_erf(x * 0.70710678118654752f));
        }
    }
}

CLONED void kernel_bias_relu(float *y, size_t stride, const float *bias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * stride;
        for (size_t i = 0; i < columns; i++) {
            float x = row[i] + bias[i];
            row[i] = x > 0.0f ? x : 0.0f;
        }
    }
}

CLONED void kernel_bias_scale_add(const float *y, size_t stride, const float *bias, const float *scale,
                                  float *residual, size_t residual_stride, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = y + r * stride;
        float *target = residual + r * residual_stride;
        if (bias && scale)
            for (size_t i = 0; i < columns; i++) target[i] += (row[i] + bias[i]) * scale[i];
        else if (bias)
            for (size_t i = 0; i < columns; i++) target[i] += row[i] + bias[i];
        else if (scale)
            for (size_t i = 0; i < columns; i++) target[i] += row[i] * scale[i];
        else
            for (size_t i = 0; i < columns; i++) target[i] += row[i];
    }
}

CLONED void kernel_silu_multiply(float *gate, size_t gate_stride, const float *up, size_t up_stride,
                                 size_t rows, size_t columns) {
    FAST_SUMS
    for (size_t r = 0; r < rows; r++) {
        float *g = gate + r * gate_stride;
        const float *u = up + r * up_stride;
        for (size_t i = 0; i < columns; i++) g[i] = g[i] * fast_sigmoid(g[i]) * u[i];
    }
}

CLONED void kernel_sigmoid(float *x, size_t count) {
    FAST_SUMS
    for (size_t i = 0; i < count; i++) x[i] = fast_sigmoid(x[i]);
}
