#include "CImageKernels.h"

#include <string.h>

/* The same C compiled twice; the loader picks by CPUID (GNU ifunc). */
#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

#define FRACTION_BITS 22
#define HALF (1 << (FRACTION_BITS - 1))

typedef int32_t int32x4 __attribute__((vector_size(16)));
typedef uint8_t uint8x4 __attribute__((vector_size(4)));

static inline uint8_t round_to_8_bits(int32_t sum) {
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The pixel's three samples and whatever byte follows, which the caller knows to be readable. */
static inline int32x4 load_pixel(const uint8_t *pixel) {
    uint8x4 bytes;
    memcpy(&bytes, pixel, 4);
    return __builtin_convertvector(bytes, int32x4);
}

static inline int32x4 load_last_pixel(const uint8_t *pixel) {
    return (int32x4){pixel[0], pixel[1], pixel[2], 0};
}

FOR_EACH_CPU
void mllmseg_resize_horizontal(
    const uint8_t *in, size_t rows, size_t width, mllmseg_taps taps, size_t out_width, uint8_t *out) {
    const uint8_t *last = in + (rows * width - 1) * 3;
    for (size_t y = 0; y < rows; y++) {
        const uint8_t *row = in + y * width * 3;
        for (size_t x = 0; x < out_width; x++) {
            const uint8_t *pixel = row + (size_t)taps.starts[x] * 3;
            const int32_t *weights = taps.weights + x * taps.stride;
            int32_t count = taps.counts[x];
            int32x4 sum = {HALF, HALF, HALF, HALF};
            int32_t i = 0;
            int32_t safe = pixel + 3 * (count - 1) == last ? count - 1 : count;
            for (; i < safe; i++) sum += load_pixel(pixel + 3 * i) * weights[i];
            for (; i < count; i++) sum += load_last_pixel(pixel + 3 * i) * weights[i];
            uint8_t *to = out + (y * out_width + x) * 3;
            for (int c = 0; c < 3; c++) to[c] = round_to_8_bits(sum[c]);
        }
    }
}

FOR_EACH_CPU
void mllmseg_resize_vertical(
    const uint8_t *in, size_t row_bytes, mllmseg_taps taps, size_t out_rows, int32_t *sums, uint8_t *out) {
    for (size_t y = 0; y < out_rows; y++) {
        const uint8_t *first = in + (size_t)taps.starts[y] * row_bytes;
        const int32_t *weights = taps.weights + y * taps.stride;
        for (size_t x = 0; x < row_bytes; x++) sums[x] = HALF;
        for (int32_t i = 0; i < taps.counts[y]; i++) {
            const uint8_t *row = first + (size_t)i * row_bytes;
            int32_t weight = weights[i];
            for (size_t x = 0; x < row_bytes; x++) sums[x] += row[x] * weight;
        }
        for (size_t x = 0; x < row_bytes; x++) out[y * row_bytes + x] = round_to_8_bits(sums[x]);
    }
}
