#include "CKernels.h"
#include "simd.h"

#include <math.h>

// Two passes, mean then squared distance: the one-pass formula cancels when the mean is large.
INLINED void normalize_row(const float *x, const float *gain, const float *bias, float epsilon, size_t columns,
                           float *out) {
    FAST_SUMS
    float sum = 0.0f;
    for (size_t i = 0; i < columns; i++) sum += x[i];
    float mean = sum / (float)columns;
    float squares = 0.0f;
    for (size_t i = 0; i < columns; i++) {
        float d = x[i] - mean;
        squares += d * d;
    }
    float inverse = 1.0f / sqrtf(squares / (float)columns + epsilon);
    for (size_t i = 0; i < columns; i++) out[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
}

CLONED void kernel_layer_norm(const float *x, size_t x_stride, const float *gain, const float *bias,
                              float epsilon, size_t rows, size_t columns, float *out, size_t out_stride) {
    for (size_t r = 0; r < rows; r++)
        normalize_row(x + r * x_stride, gain, bias, epsilon, columns, out + r * out_stride);
}

CLONED void kernel_add_layer_norm(const float *x, size_t x_stride, const float *addend, size_t addend_stride,
                                  const float *gain, const float *bias, float epsilon, size_t rows,
                                  size_t columns, float *out, size_t out_stride) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * x_stride;
        const float *more = addend + r * addend_stride;
        float *target = out + r * out_stride;
        for (size_t i = 0; i < columns; i++) target[i] = row[i] + more[i];
        normalize_row(target, gain, bias, epsilon, columns, target);
    }
}

CLONED void kernel_rms_norm(const float *x, size_t x_stride, const float *gain, float epsilon, size_t rows,
                            size_t columns, float *out, size_t out_stride) {
    FAST_SUMS
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * x_stride;
        float *target = out + r * out_stride;
        float squares = 0.0f;
        for (size_t i = 0; i < columns; i++) squares += row[i] * row[i];
        float inverse = 1.0f / sqrtf(squares / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) target[i] = gain[i] * (row[i] * inverse);
    }
}
