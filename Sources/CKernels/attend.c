#include "CKernels.h"
#include "simd.h"

enum { panel = 32 };

CLONED void kernel_softmax_columns(float *scores, size_t keys, float scale, size_t visible, float *inverse) {
    FAST_SUMS
    float highest[panel], sums[panel];
    for (size_t l = 0; l < panel; l++) highest[l] = -3.4e38f, sums[l] = 0.0f;
    for (size_t k = 0; k < keys; k++) {
        const float *row = scores + k * panel;
        // Column l sees key k when k < visible + l.
        int32_t first = k < visible ? 0 : (int32_t)(k - visible) + 1;
        for (int32_t l = 0; l < panel; l++) {
            float seen = l >= first ? row[l] : -3.4e38f;
            highest[l] = seen > highest[l] ? seen : highest[l];
        }
    }
    for (size_t k = 0; k < keys; k++) {
        float *row = scores + k * panel;
        int32_t first = k < visible ? 0 : (int32_t)(k - visible) + 1;
        for (int32_t l = 0; l < panel; l++) {
            float e = l >= first ? fast_exp((row[l] - highest[l]) * scale) : 0.0f;
            row[l] = e;
            sums[l] += e;
        }
    }
    for (size_t l = 0; l < panel; l++) inverse[l] = 1.0f / sums[l];
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
