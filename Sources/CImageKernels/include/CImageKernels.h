#ifndef MLLMSEG_CIMAGEKERNELS_H
#define MLLMSEG_CIMAGEKERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Loops over 8-bit pixels. No allocation, no globals, no threads. */

/* One axis of a separable resize: output o is the sum over i < counts[o] of
 * weights[o * stride + i] * input[starts[o] + i], in fixed point with 22 fractional bits. */
typedef struct {
    const int32_t *starts;
    const int32_t *counts;
    const int32_t *weights;
    size_t stride;
} mllmseg_taps;

/* rows [rows, width, 3] -> out [rows, out_width, 3], rounded to 8 bits. */
void mllmseg_resize_horizontal(
    const uint8_t *in, size_t rows, size_t width, mllmseg_taps taps, size_t out_width, uint8_t *out);

/* in [rows, row_bytes] -> out [out_rows, row_bytes], rounded to 8 bits; `sums` [row_bytes] is scratch. */
void mllmseg_resize_vertical(
    const uint8_t *in, size_t row_bytes, mllmseg_taps taps, size_t out_rows, int32_t *sums, uint8_t *out);

/* pixels [count, 4] RGBA -> [count, 3] RGB in the same memory, laid over white. */
void mllmseg_lay_over_white(uint8_t *pixels, size_t count);

/* pixels [count, 4] inverted CMYK as Adobe's JPEGs store it -> [count, 3] RGB in the same memory. */
void mllmseg_adobe_cmyk_to_rgb(uint8_t *pixels, size_t count);

#endif
