// Loops that BLAS has no name for. No allocation, no globals, no threads: callers give whole rows and
// split work themselves. Everything is float32 unless its name says otherwise; `stride` counts elements.
#ifndef MLLMSEG_CKERNELS_H
#define MLLMSEG_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- processor --------------------------------------------------------------------------------------
// Vector level of this processor: 4 = AVX-512 (x86-64-v4), 3 = AVX2 and FMA (v3), 0 = anything else.
int kernel_processor_level(void);
// Processors that the affinity mask lets this process run on.
int kernel_usable_processors(void);

// Lets the processor's other half work while a thread looks at a word again and again.
static inline void kernel_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
// Gives the processor to another thread that is ready.
void kernel_yield(void);

// ---- conversion -------------------------------------------------------------------------------------
void kernel_widen_bf16(const uint16_t *source, float *target, size_t count);
void kernel_widen_f16(const uint16_t *source, float *target, size_t count);

// ---- products ------------------------------------------------------------------------------------------
// `level` is a vector level as above and chooses the code; operands arranged for one level serve that level only.
// Rows are arranged in tiles of about equal height, weights in panels of 32 outputs.

// Tiles that `rows` rows make.
size_t kernel_tiles(int level, size_t rows);
// Floats that `rows` arranged rows take.
size_t kernel_arranged_rows(int level, size_t rows, size_t inputs);
// Arranges tiles first_tile ..< last_tile of x [rows, inputs].
void kernel_arrange_rows(int level, const float *x, size_t x_stride, size_t rows, size_t inputs, size_t first_tile,
                         size_t last_tile, float *out);
// The same for the transpose of x [rows, columns]: its columns are the product's rows.
void kernel_arrange_columns(int level, const float *x, size_t x_stride, size_t columns, size_t rows, float *out);
// Arranges one panel from 32 rows of weights [inputs]; NULL stands for zeros. out [inputs * 32], bfloat16 in
// pairs [inputs * 16].
void kernel_arrange_panel_f32(const float *const rows[32], size_t inputs, float *out);
void kernel_arrange_panel_bf16(const uint16_t *const rows[32], size_t inputs, uint32_t *out);

// A part of a product: tiles of rows by panels of outputs, over the first `inputs` inputs.
typedef struct {
    size_t first_tile, last_tile, first_panel, last_panel, inputs;
} kernel_block;

// out [rows, outputs] = x [rows, inputs] x weights^T, both arranged, inside `block`, on the calling thread. Each
// result is the same to the last bit whatever the number of rows or outputs, and for both kinds of weights.
void kernel_product_f32(int level, const float *x, size_t rows, size_t inputs, const float *weights,
                        size_t outputs, kernel_block block, float *out, size_t out_stride);
void kernel_product_bf16(int level, const float *x, size_t rows, size_t inputs, const uint32_t *weights,
                         size_t outputs, kernel_block block, float *out, size_t out_stride);

// ---- normalisation: x, out [rows, columns] -----------------------------------------------------------
// LayerNorm: (x - mean) / sqrt(variance + epsilon) * gain + bias.
void kernel_layer_norm(const float *x, size_t x_stride, const float *gain, const float *bias, float epsilon,
                       size_t rows, size_t columns, float *out, size_t out_stride);
// x += addend (in place), then out = LayerNorm(x). `addend` has `addend_stride` 0 for one shared row.
void kernel_add_layer_norm(const float *x, size_t x_stride, const float *addend, size_t addend_stride,
                           const float *gain, const float *bias, float epsilon, size_t rows, size_t columns,
                           float *out, size_t out_stride);
// RMSNorm: x / sqrt(mean(x * x) + epsilon) * gain. In place when out == x.
void kernel_rms_norm(const float *x, size_t x_stride, const float *gain, float epsilon, size_t rows,
                     size_t columns, float *out, size_t out_stride);

// ---- what follows a linear layer: y [rows, columns], bias [columns] or NULL -------------------------
void kernel_bias(float *y, size_t stride, const float *bias, size_t rows, size_t columns);
// GELU with the exact error function: 0.5 x (1 + erf(x / sqrt 2)).
void kernel_bias_gelu(float *y, size_t stride, const float *bias, size_t rows, size_t columns);
void kernel_bias_relu(float *y, size_t stride, const float *bias, size_t rows, size_t columns);
// residual += (y + bias) * scale; scale [columns] or NULL for 1.
void kernel_bias_scale_add(const float *y, size_t stride, const float *bias, const float *scale,
                           float *residual, size_t residual_stride, size_t rows, size_t columns);
// gate = silu(gate) * up.
void kernel_silu_multiply(float *gate, size_t gate_stride, const float *up, size_t up_stride, size_t rows,
                          size_t columns);

// ---- attention ---------------------------------------------------------------------------------------
// Numerators of a softmax down the columns of scores [keys, 32], in place: exp(scale * (score - highest)), where
// column l sees the first visible + l keys and the rest becomes 0. inverse [32] gets one over each column's sum.
void kernel_softmax_columns(float *scores, size_t keys, float scale, size_t visible, float *inverse);
// out [rows, dimensions] = transpose of columns [dimensions, 32], rows <= 32, row r times scale[r].
void kernel_store_columns(const float *columns, size_t dimensions, const float *scale, size_t rows, float *out,
                          size_t out_stride);
// Half-split rotary embedding of one head in place: x [rows, dimension], cosine and sine
// [rows, dimension / 2] already gathered for these positions.
void kernel_rotate_half(float *x, size_t stride, const float *cosine, const float *sine, size_t rows,
                        size_t dimension);

// ---- convolutions and maps ---------------------------------------------------------------------------
// Sum of nine shifted products, the second half of a 3 x 3 convolution with zero padding:
// out[y, x, c] = bias[c] + sum over i, j of products[(y + i - 1, x + j - 1), (3 i + j) * channels + c].
// Rows first_row ..< last_row of a grid of `height` x `width` cells.
void kernel_gather_convolution_3x3(const float *products, size_t height, size_t width, size_t channels,
                                   const float *bias, size_t first_row, size_t last_row, float *out);
// Per-channel scale and shift, then ReLU, then depth to space: channel py * side + px of cell (y, x) goes
// to pixel (y * side + py, x * side + px) of out [height * side, width * side].
void kernel_scale_relu_depth_to_space(const float *cells, size_t height, size_t width, size_t side,
                                      const float *scale, const float *shift, size_t first_row,
                                      size_t last_row, float *out);
// One-channel convolution, odd `size` x `size`, zero padding, rows first_row ..< last_row.
void kernel_convolve_plane(const float *plane, size_t height, size_t width, const float *weights, size_t size,
                           float bias, size_t first_row, size_t last_row, float *out);
void kernel_sigmoid(float *x, size_t count);
// DySample: samples image [grid * grid, channels] bilinearly with edge clamp. coordinates hold x then y of
// one group, [2 grid * 2 grid] each, in input pixels. Writes columns of out [4 grid * grid, stride].
void kernel_sample_group(const float *image, size_t image_stride, size_t grid, const float *sample_x,
                         const float *sample_y, size_t channels, float *out, size_t out_stride);
// One output row of a bilinear resize (half-pixel centres, edge clamp): blends two input rows by
// row_weight, then columns by left/right/weight tables of `width` entries.
void kernel_resize_row(const float *upper, const float *lower, float row_weight, const int32_t *left,
                       const int32_t *right, const float *column_weight, size_t width, float *out);
// Thresholds one row: mask = value >= threshold. Returns how many, adds their values to *sum.
size_t kernel_threshold_row(const float *values, size_t width, float threshold, uint8_t *mask, double *sum);
// (pixel / 255 - mean) / deviation of [side, side, 3] bytes, laid out as patch rows
// [grid * grid, 3 * patch * patch] (channel, row, column inside a patch): what the patch embedding multiplies.
void kernel_normalize_patches(const uint8_t *pixels, size_t grid, size_t patch, const float mean[3],
                              const float deviation[3], float *out);

#ifdef __cplusplus
}
#endif
#endif
