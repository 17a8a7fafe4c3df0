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

// ---- conversion -------------------------------------------------------------------------------------
void kernel_widen_bf16(const uint16_t *source, float *target, size_t count);
void kernel_widen_f16(const uint16_t *source, float *target, size_t count);

// ---- products of few rows ------------------------------------------------------------------------------
// out [rows, outputs] = x [rows, inputs] x weights^T, weights [outputs, inputs] without gaps, on the calling
// thread. Each result is the same to the last bit whatever the number of rows or outputs in the call.
void kernel_product_f32(const float *x, size_t x_stride, size_t rows, const float *weights, size_t inputs,
                        size_t outputs, float *out, size_t out_stride);
void kernel_product_bf16(const float *x, size_t x_stride, size_t rows, const uint16_t *weights, size_t inputs,
                         size_t outputs, float *out, size_t out_stride);

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
// Row r of scores [rows, columns] becomes softmax over its first min(columns, visible + r) entries and
// zero beyond; `visible` >= columns means that every key is seen.
void kernel_softmax(float *scores, size_t stride, size_t rows, size_t columns, size_t visible);
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
