#include "CKernels.h"
#include "simd.h"

// Products of arranged rows with arranged weights (arrange.c): each step of the inner loop multiplies one
// column of a tile with one row of a panel, and every sum stays in a register. A result is a chain of
// multiply-adds over the inputs, in chunks, whatever else is in the call: rows never depend on their company.

#if defined(__clang__)
// Every function that takes or returns a vector is inlined, so no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"
#endif

// A chunk of a tile fits the first-level cache, that of eight panels the second-level one.
enum { panel = 32, half = 16, chunk = 512, most_rows = 14 };

typedef float floats4 __attribute__((vector_size(16), aligned(4)));
typedef float floats8 __attribute__((vector_size(32), aligned(4)));
typedef float floats16 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words4 __attribute__((vector_size(16), aligned(4)));
typedef uint32_t words8 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t words16 __attribute__((vector_size(64), aligned(4)));

// Two vectors of weights, outputs `part ..< part + lanes` and the same 16 further on. A word of bfloat16 weights
// holds one of each: the lower half is the first.
#define LOAD_F32(vector, word, lanes)                                                                              \
    vector first = *(const vector *)(weights + k * panel + part);                                                  \
    vector second = *(const vector *)(weights + k * panel + half + part);
#define LOAD_BF16(vector, word, lanes)                                                                             \
    word both = *(const word *)(weights + k * half + part);                                                        \
    vector first = (vector)(both << 16), second = (vector)(both & 0xFFFF0000u);

#define UNROLLED _Pragma("clang loop unroll(full)")

// out [height, 32] = or += rows [count][height] x weights [count][32], two vectors of its columns.
#define DEFINE_TILE(name, type, load, vector, word, lanes)                                                         \
    INLINED void name(const float *rows, const type *weights, size_t count, const size_t height, size_t part,      \
                      float *out, size_t out_stride, size_t columns, int add) {                                    \
        FAST_SUMS                                                                                                  \
        vector sums[most_rows][2];                                                                                 \
        UNROLLED for (size_t r = 0; r < height; r++) sums[r][0] = sums[r][1] = (vector){0};                        \
        for (size_t k = 0; k < count; k++) {                                                                       \
            load(vector, word, lanes)                                                                              \
            UNROLLED for (size_t r = 0; r < height; r++) {                                                         \
                float x = rows[k * height + r];                                                                    \
                sums[r][0] += x * first;                                                                           \
                sums[r][1] += x * second;                                                                          \
            }                                                                                                      \
        }                                                                                                          \
        UNROLLED for (size_t r = 0; r < height; r++) {                                                             \
            float *target = out + r * out_stride + part;                                                           \
            if (columns == panel) {                                                                                \
                vector *first = (vector *)target, *second = (vector *)(target + half);                             \
                *first = add ? *first + sums[r][0] : sums[r][0];                                                   \
                *second = add ? *second + sums[r][1] : sums[r][1];                                                 \
            } else {                                                                                               \
                for (size_t i = 0; i < 2 * lanes; i++) {                                                           \
                    size_t place = i % lanes + i / lanes * half;                                                   \
                    if (part + place >= columns) continue;                                                         \
                    target[place] = (add ? target[place] : 0.0f) + sums[r][i / lanes][i % lanes];                  \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

// A fixed height lets the compiler keep every sum in a register.
#define CASE(tile, n)                                                                                              \
    case n: tile(tile_x, tile_w, count, n, part, target, out_stride, columns, start > 0); break;
#define CASES_4(tile) CASE(tile, 1) CASE(tile, 2) CASE(tile, 3) CASE(tile, 4)
#define CASES_6(tile) CASES_4(tile) CASE(tile, 5) CASE(tile, 6)
#define CASES_8(tile) CASES_6(tile) CASE(tile, 7) CASE(tile, 8)
#define CASES_14(tile)                                                                                             \
    CASES_8(tile) CASE(tile, 9) CASE(tile, 10) CASE(tile, 11) CASE(tile, 12) CASE(tile, 13) CASE(tile, 14)

#define DEFINE_PRODUCT(name, target_of, type, words_of_panel, tile, lanes, cases, level)                           \
    target_of static void name(const float *x, size_t rows, size_t inputs, const type *weights, size_t outputs,    \
                               kernel_block block, float *out, size_t out_stride) {                                \
        size_t tiles = kernel_tiles(level, rows);                                                                  \
        for (size_t start = 0; start < block.inputs; start += chunk) {                                                   \
            size_t count = block.inputs - start < chunk ? block.inputs - start : chunk;                                       \
            for (size_t t = block.first_tile; t < block.last_tile; t++) {                                          \
                size_t row = tiles_start(rows, tiles, t), height = tiles_start(rows, tiles, t + 1) - row;          \
                const float *tile_x = x + row * inputs + TILE_GAP * t + start * height;                            \
                for (size_t p = block.first_panel; p < block.last_panel; p++) {                                    \
                    const type *tile_w = weights + (p * inputs + start) * words_of_panel;                          \
                    size_t columns = outputs - p * panel < panel ? outputs - p * panel : panel;                    \
                    float *target = out + row * out_stride + p * panel;                                            \
                    for (size_t part = 0; part < half; part += lanes) switch (height) { cases(tile) }              \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define AVX2 __attribute__((target("avx2,fma")))
#define WIDE_LEVELS(name, type, words_of_panel, load)                                                              \
    DEFINE_TILE(name##_tile_4, type, load, floats16, words16, 16)                                                  \
    DEFINE_TILE(name##_tile_3, type, load, floats8, words8, 8)                                                     \
    DEFINE_PRODUCT(name##_4, AVX512, type, words_of_panel, name##_tile_4, 16, CASES_14, 4)                         \
    DEFINE_PRODUCT(name##_3, AVX2, type, words_of_panel, name##_tile_3, 8, CASES_6, 3)
#define CALL_WIDE(name)                                                                                            \
    if (level == 4) return name##_4(x, rows, inputs, weights, outputs, block, out, out_stride);                    \
    if (level == 3) return name##_3(x, rows, inputs, weights, outputs, block, out, out_stride);
#else
#define WIDE_LEVELS(name, type, words_of_panel, load)
#define CALL_WIDE(name)
#endif

#if defined(__aarch64__)
#define CASES_0 CASES_8
#else
#define CASES_0 CASES_4
#endif

#define DEFINE_LEVELS(name, type, words_of_panel, load)                                                            \
    DEFINE_TILE(name##_tile_0, type, load, floats4, words4, 4)                                                     \
    DEFINE_PRODUCT(name##_0, , type, words_of_panel, name##_tile_0, 4, CASES_0, 0)                                 \
    WIDE_LEVELS(name, type, words_of_panel, load)                                                                  \
    void name(int level, const float *x, size_t rows, size_t inputs, const type *weights, size_t outputs,          \
              kernel_block block, float *out, size_t out_stride) {                                                 \
        CALL_WIDE(name)                                                                                            \
        name##_0(x, rows, inputs, weights, outputs, block, out, out_stride);                                       \
    }

DEFINE_LEVELS(kernel_product_f32, float, panel, LOAD_F32)
DEFINE_LEVELS(kernel_product_bf16, uint32_t, half, LOAD_BF16)
