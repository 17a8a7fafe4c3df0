#include "CKernels.h"
#include "simd.h"

// Products of few rows with weights as they lie in the file, [outputs, inputs]: both operands run along
// `inputs`, so each result is a dot product and nothing is packed or widened beforehand. A result's sum has the
// same order whatever else is in the call: lanes first, then a fixed tree, then chunks of the inputs.

#if defined(__clang__)
// Every function that takes or returns a vector is inlined into a clone, so no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"
#endif

enum { lanes = 16, chunk = 1024, output_block = 32, prefetched_rows = 8 };

typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));
typedef uint32_t words __attribute__((vector_size(64)));

INLINED vector load_floats(const float *p) { return *(const vector *)p; }

INLINED vector load_halves(const uint16_t *p) {
    return (vector)(__builtin_convertvector(*(const halves *)p, words) << 16);
}

// The last, partial vector of a row, zeros beyond its end.
INLINED vector load_tail_floats(const float *p, size_t count) {
    vector v = {0};
    for (size_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}

INLINED vector load_tail_halves(const uint16_t *p, size_t count) {
    words v = {0};
    for (size_t i = 0; i < count; i++) v[i] = (uint32_t)p[i] << 16;
    return (vector)v;
}

#define PAIR(a, b, n, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf)                             \
    (__builtin_shufflevector(a, b, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf) +              \
     __builtin_shufflevector(a, b, m0 ^ n, m1 ^ n, m2 ^ n, m3 ^ n, m4 ^ n, m5 ^ n, m6 ^ n, m7 ^ n, m8 ^ n,        \
                             m9 ^ n, ma ^ n, mb ^ n, mc ^ n, md ^ n, me ^ n, mf ^ n))

// Lane i of the result is the sum of all lanes of sums[i].
INLINED vector sum_each(vector sums[lanes]) {
    vector a[8], b[4], c[2];
    for (size_t i = 0; i < 8; i++)
        a[i] = PAIR(sums[i], sums[i + 8], 8, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    for (size_t i = 0; i < 4; i++)
        b[i] = PAIR(a[i], a[i + 4], 4, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    for (size_t i = 0; i < 2; i++)
        c[i] = PAIR(b[i], b[i + 2], 2, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    return PAIR(c[0], c[1], 1, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
}

// `row_count` rows of x against two outputs over one chunk; 8 rows fill the registers of AVX-512.
#define DEFINE_TILE(name, type, load, load_tail)                                                                   \
    INLINED void name(const float *x, size_t x_stride, size_t row_count, const type *w, size_t w_stride,           \
                      size_t output_count, size_t count, float *out, size_t out_stride, int add) {                 \
        vector sums[lanes] = {0};                                                                                  \
        const type *w1 = output_count > 1 ? w + w_stride : w;                                                      \
        size_t k = 0;                                                                                              \
        for (; k + lanes <= count; k += lanes) {                                                                   \
            vector first = load(w + k), second = load(w1 + k);                                                     \
            /* Rows are too short for the hardware to foresee the next ones; measured to help narrow rows only. */ \
            if (sizeof(type) == 2) {                                                                               \
                __builtin_prefetch(w + prefetched_rows * w_stride + k);                                            \
                __builtin_prefetch(w1 + prefetched_rows * w_stride + k);                                           \
            }                                                                                                      \
            for (size_t r = 0; r < row_count; r++) {                                                               \
                vector v = load_floats(x + r * x_stride + k);                                                      \
                sums[r] += v * first;                                                                              \
                sums[r + 8] += v * second;                                                                         \
            }                                                                                                      \
        }                                                                                                          \
        if (k < count) {                                                                                           \
            vector first = load_tail(w + k, count - k), second = load_tail(w1 + k, count - k);                     \
            for (size_t r = 0; r < row_count; r++) {                                                               \
                vector v = load_tail_floats(x + r * x_stride + k, count - k);                                      \
                sums[r] += v * first;                                                                              \
                sums[r + 8] += v * second;                                                                         \
            }                                                                                                      \
        }                                                                                                          \
        vector totals = sum_each(sums);                                                                            \
        for (size_t r = 0; r < row_count; r++)                                                                     \
            for (size_t o = 0; o < output_count; o++) {                                                            \
                float *target = out + r * out_stride + o;                                                          \
                *target = add ? *target + totals[r + 8 * o] : totals[r + 8 * o];                                   \
            }                                                                                                      \
    }

DEFINE_TILE(tile_f32, float, load_floats, load_tail_floats)
DEFINE_TILE(tile_bf16, uint16_t, load_halves, load_tail_halves)

// A fixed row count lets the compiler keep every sum in a register.
#define TILE_OF(tile, n)                                                                                           \
    case n: tile(rows_x, x_stride, n, w, inputs, count_o, count, target, out_stride, start > 0); break;

#define DEFINE_PRODUCT(name, type, tile)                                                                           \
    CLONED void name(const float *x, size_t x_stride, size_t rows, const type *weights, size_t inputs,             \
                     size_t outputs, float *out, size_t out_stride) {                                              \
        FAST_SUMS                                                                                                  \
        /* Without 32 wide registers, sums of 8 rows would live in memory. */                                      \
        const size_t tile_rows = kernel_processor_level() == 4 ? 8 : 2;                                            \
        for (size_t start = 0; start < inputs; start += chunk) {                                                   \
            size_t count = inputs - start < chunk ? inputs - start : chunk;                                        \
            for (size_t block = 0; block < outputs; block += output_block) {                                       \
                size_t end = outputs - block < output_block ? outputs : block + output_block;                      \
                for (size_t r = 0; r < rows; r += tile_rows) {                                                     \
                    const float *rows_x = x + r * x_stride + start;                                                \
                    size_t left = rows - r < tile_rows ? rows - r : tile_rows;                                     \
                    for (size_t o = block; o < end; o += 2) {                                                      \
                        const type *w = weights + o * inputs + start;                                              \
                        size_t count_o = end - o < 2 ? 1 : 2;                                                      \
                        float *target = out + r * out_stride + o;                                                  \
                        switch (left) {                                                                            \
                            TILE_OF(tile, 1) TILE_OF(tile, 2) TILE_OF(tile, 3) TILE_OF(tile, 4)                    \
                            TILE_OF(tile, 5) TILE_OF(tile, 6) TILE_OF(tile, 7) TILE_OF(tile, 8)                    \
                        }                                                                                          \
                    }                                                                                              \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

DEFINE_PRODUCT(kernel_product_f32, float, tile_f32)
DEFINE_PRODUCT(kernel_product_bf16, uint16_t, tile_bf16)
