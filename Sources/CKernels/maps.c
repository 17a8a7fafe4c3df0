#include "CKernels.h"
#include "simd.h"

CLONED void kernel_gather_convolution_3x3(const float *products, size_t height, size_t width, size_t channels,
                                          const float *bias, size_t first_row, size_t last_row, float *out) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < width; x++) {
            float *cell = out + (y * width + x) * channels;
            for (size_t c = 0; c < channels; c++) cell[c] = bias[c];
            for (size_t i = 0; i < 3; i++) {
                if (y + i < 1 || y + i > height) continue;
                for (size_t j = 0; j < 3; j++) {
                    if (x + j < 1 || x + j > width) continue;
                    const float *from =
                        products + ((y + i - 1) * width + (x + j - 1)) * 9 * channels + (3 * i + j) * channels;
                    for (size_t c = 0; c < channels; c++) cell[c] += from[c];
                }
            }
        }
    }
}

CLONED void kernel_scale_relu_depth_to_space(const float *cells, size_t height, size_t width, size_t side,
                                             const float *scale, const float *shift, size_t first_row,
                                             size_t last_row, float *out) {
    (void)height;
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < width; x++) {
            const float *cell = cells + (y * width + x) * side * side;
            for (size_t py = 0; py < side; py++) {
                float *target = out + (y * side + py) * width * side + x * side;
                for (size_t px = 0; px < side; px++) {
                    size_t c = py * side + px;
                    float v = cell[c] * scale[c] + shift[c];
                    target[px] = v > 0.0f ? v : 0.0f;
                }
            }
        }
    }
}

CLONED void kernel_convolve_plane(const float *plane, size_t height, size_t width, const float *weights,
                                  size_t size, float bias, size_t first_row, size_t last_row, float *out) {
    ptrdiff_t reach = (ptrdiff_t)(size / 2);
    for (size_t y = first_row; y < last_row; y++) {
        float *target = out + y * width;
        for (size_t x = 0; x < width; x++) target[x] = bias;
        for (size_t i = 0; i < size; i++) {
            ptrdiff_t row = (ptrdiff_t)y + (ptrdiff_t)i - reach;
            if (row < 0 || row >= (ptrdiff_t)height) continue;
            for (size_t j = 0; j < size; j++) {
                ptrdiff_t offset = (ptrdiff_t)j - reach;
                ptrdiff_t from = offset < 0 ? -offset : 0;
                ptrdiff_t to = offset > 0 ? (ptrdiff_t)width - offset : (ptrdiff_t)width;
                const float *source = plane + row * (ptrdiff_t)width + offset;
                float w = weights[i * size + j];
                for (ptrdiff_t x = from; x < to; x++) target[x] += source[x] * w;
            }
        }
    }
}

CLONED void kernel_sample_group(const float *image, size_t image_stride, size_t grid, const float *sample_x,
                                const float *sample_y, size_t channels, float *out, size_t out_stride) {
    float limit = (float)(grid - 1);
    for (size_t p = 0; p < 4 * grid * grid; p++) {
        float sx = sample_x[p], sy = sample_y[p];
        sx = sx < 0.0f ? 0.0f : sx > limit ? limit : sx;
        sy = sy < 0.0f ? 0.0f : sy > limit ? limit : sy;
        size_t x0 = (size_t)sx, y0 = (size_t)sy;
        size_t x1 = x0 + 1 < grid ? x0 + 1 : x0, y1 = y0 + 1 < grid ? y0 + 1 : y0;
        float fx = sx - (float)x0, fy = sy - (float)y0;
        const float *a = image + (y0 * grid + x0) * image_stride;
        const float *b = image + (y0 * grid + x1) * image_stride;
        const float *c = image + (y1 * grid + x0) * image_stride;
        const float *d = image + (y1 * grid + x1) * image_stride;
        float *target = out + p * out_stride;
        for (size_t i = 0; i < channels; i++) {
            float top = a[i] * (1.0f - fx) + b[i] * fx;
            float bottom = c[i] * (1.0f - fx) + d[i] * fx;
            target[i] = top * (1.0f - fy) + bottom * fy;
        }
    }
}

CLONED void kernel_resize_row(const float *upper, const float *lower, float row_weight, const int32_t *left,
                              const int32_t *right, const float *column_weight, size_t width, float *out) {
    for (size_t x = 0; x < width; x++) {
        float f = column_weight[x];
        float top = upper[left[x]] * (1.0f - f) + upper[right[x]] * f;
        float bottom = lower[left[x]] * (1.0f - f) + lower[right[x]] * f;
        out[x] = top * (1.0f - row_weight) + bottom * row_weight;
    }
}

CLONED size_t kernel_threshold_row(const float *values, size_t width, float threshold, uint8_t *mask,
                                   double *sum) {
    FAST_SUMS
    float total = 0.0f;
    uint32_t count = 0;
    for (size_t x = 0; x < width; x++) {
        uint32_t inside = values[x] >= threshold;
        mask[x] = (uint8_t)inside;
        count += inside;
        total += inside ? values[x] : 0.0f;
    }
    *sum += total;
    return count;
}

CLONED void kernel_normalize_patches(const uint8_t *pixels, size_t grid, size_t patch, const float mean[3],
                                     const float deviation[3], float *out) {
    size_t side = grid * patch, area = patch * patch;
    for (size_t cell = 0; cell < grid * grid; cell++) {
        size_t top = cell / grid * patch, left = cell % grid * patch;
        float *target = out + cell * 3 * area;
        for (size_t channel = 0; channel < 3; channel++) {
            for (size_t py = 0; py < patch; py++) {
                const uint8_t *row = pixels + ((top + py) * side + left) * 3 + channel;
                for (size_t px = 0; px < patch; px++)
                    target[channel * area + py * patch + px] =
                        ((float)row[px * 3] / 255.0f - mean[channel]) / deviation[channel];
            }
        }
    }
}
