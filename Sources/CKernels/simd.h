// How these kernels reach the processor's vector units: plain loops that the compiler vectorises, cloned
// for three levels of x86-64 and chosen by the dynamic linker at start (SSE2 always works).
#ifndef MLLMSEG_SIMD_H
#define MLLMSEG_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
// By feature, because "arch=x86-64-v4" tells the compiler to prefer vectors of 256 bits.
#define CLONED __attribute__((target_clones("avx512bw", "arch=x86-64-v3", "default")))
#else
#define CLONED
#endif

#define INLINED static inline __attribute__((always_inline))

// Sums may be reordered so that reductions vectorise: lanes add separately and meet at the end.
#define FAST_SUMS _Pragma("clang fp reassociate(on) contract(fast)")

// Rows of x in one tile of a product: as many as the registers of a vector level hold sums for.
#if defined(__aarch64__)
#define TILE_ROWS(level) ((size_t)8)
#else
#define TILE_ROWS(level) ((size_t)((level) == 4 ? 14 : (level) == 3 ? 6 : 4))
#endif
// Floats between two tiles, where stores of whole vectors may end.
#define TILE_GAP 16

// First row of tile `tile`: tiles differ by one row at most.
INLINED size_t tiles_start(size_t rows, size_t tiles, size_t tile) { return rows * tile / tiles; }

// e^x to about 2e-7 relative; range reduction by ln 2, degree-6 polynomial (Cephes expf's coefficients).
// Results saturate to the smallest normal number and to about 2^127 instead of overflowing.
INLINED float fast_exp(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.0f ? 88.0f : x;
    float scaled = x * 1.44269504088896341f;
    int32_t power = (int32_t)(scaled + (scaled >= 0.0f ? 0.5f : -0.5f));
    float n = (float)power;
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    uint32_t bits = (uint32_t)(power + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

// erf to 1.5e-7 absolute: Abramowitz and Stegun, formula 7.1.26.
INLINED float fast_erf(float x) {
    float a = x < 0.0f ? -x : x;
    float t = 1.0f / (1.0f + 0.3275911f * a);
    float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    float y = 1.0f - p * fast_exp(-a * a);
    return x < 0.0f ? -y : y;
}

INLINED float fast_sigmoid(float x) { return 1.0f / (1.0f + fast_exp(-x)); }

#endif
