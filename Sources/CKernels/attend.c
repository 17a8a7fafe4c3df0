#include "CKernels.h"
#include "simd.h"

// Sixteen running maxima: a single one would wait for itself at every element.
INLINED float highest_of(const float *x, size_t count) {
    float lanes[16];
    for (size_t l = 0; l < 16; l++) lanes[l] = x[0];
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t l = 0; l < 16; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (; i < count; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    float highest = lanes[0];
    for (size_t l = 1; l < 16; l++) highest = lanes[l] > highest ? lanes[l] : highest;
    return highest;
}

CLONED void kernel_softmax(float *scores, size_t stride, size_t rows, size_t columns, size_t visible) {
    FAST_SUMS
    for (size_t r = 0; r < rows; r++) {
        float *row = scores + r * stride;
        size_t seen = visible + r < columns ? visible + r : columns;
        float highest = highest_of(row, seen);
        float sum = 0.0f;
        for (size_t i = 0; i < seen; i++) {
            float e = fast_exp(row[i] - highest);
            row[i] = e;
            sum += e;
        }
        float inverse = 1.0f / sum;
        for (size_t i = 0; i < seen; i++) row[i] *= inverse;
        for (size_t i = seen; i < columns; i++) row[i] = 0.0f;
    }
}

CLONED void kernel_rotate_half(float *x, size_t stride, const float *cosine, const float *sine, size_t rows,
                               size_t dimension) {
    size_t half = dimension / 2;
    for (size_t r = 0; r < rows; r++) {
        float *low = x + r * stride;
        float *high = low + half;
        const float *c = cosine + r * half;
        const float *s = sine + r * half;
        for (size_t i = 0; i < half; i++) {
            float a = low[i], b = high[i];
            low[i] = a * c[i] - b * s[i];
            high[i] = b * c[i] + a * s[i];
        }
    }
}
