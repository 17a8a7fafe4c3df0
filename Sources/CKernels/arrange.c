#include "CKernels.h"
#include "simd.h"

// Products read both operands from front to back. Rows of x stand in tiles as high as the registers allow,
// weights in panels of 32 outputs; both keep what one step of the inner loop needs side by side.

enum { panel = 32, half = 16 };

typedef uint32_t words __attribute__((vector_size(64), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));

size_t kernel_tiles(int level, size_t rows) {
    size_t most = TILE_ROWS(level);
    return (rows + most - 1) / most;
}

size_t kernel_arranged_rows(int level, size_t rows, size_t inputs) {
    return rows * inputs + TILE_GAP * kernel_tiles(level, rows);
}

// One of four equal rounds that together transpose 16 x 16 words: lanes of rows i and i + 8 in turn.
INLINED void shuffle(words r[16]) {
    words t[16];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 8; i++) {
        t[2 * i] = __builtin_shufflevector(r[i], r[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        t[2 * i + 1] =
            __builtin_shufflevector(r[i], r[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i++) r[i] = t[i];
}

INLINED void transpose(words r[16]) {
    shuffle(r);
    shuffle(r);
    shuffle(r);
    shuffle(r);
}

CLONED void kernel_arrange_rows(int level, const float *x, size_t x_stride, size_t rows, size_t inputs,
                                size_t first_tile, size_t last_tile, float *out) {
    size_t tiles = kernel_tiles(level, rows);
    for (size_t t = first_tile; t < last_tile; t++) {
        size_t start = tiles_start(rows, tiles, t), height = tiles_start(rows, tiles, t + 1) - start;
        const float *from = x + start * x_stride;
        float *target = out + start * inputs + TILE_GAP * t;
        size_t k = 0;
        for (; k + 16 <= inputs; k += 16) {
            words block[16];
            for (size_t r = 0; r < 16; r++)
                block[r] = r < height ? *(const words *)(from + r * x_stride + k) : (words){0};
            transpose(block);
            // Each store runs over the next one's place, the last one into the gap behind the tile.
            for (size_t i = 0; i < 16; i++) *(words *)(target + (k + i) * height) = block[i];
        }
        for (; k < inputs; k++)
            for (size_t r = 0; r < height; r++) target[k * height + r] = from[r * x_stride + k];
    }
}

CLONED void kernel_arrange_columns(int level, const float *x, size_t x_stride, size_t columns, size_t rows,
                                   float *out) {
    size_t tiles = kernel_tiles(level, columns);
    for (size_t t = 0; t < tiles; t++) {
        size_t start = tiles_start(columns, tiles, t), height = tiles_start(columns, tiles, t + 1) - start;
        float *target = out + start * rows + TILE_GAP * t;
        for (size_t k = 0; k < rows; k++)
            for (size_t r = 0; r < height; r++) target[k * height + r] = x[k * x_stride + start + r];
    }
}

CLONED void kernel_arrange_panel_f32(const float *const rows[32], size_t inputs, float *out) {
    for (size_t side = 0; side < panel; side += half) {
        const float *const *from = rows + side;
        float *target = out + side;
        size_t k = 0;
        for (; k + 16 <= inputs; k += 16) {
            words block[16];
            for (size_t r = 0; r < 16; r++) block[r] = from[r] ? *(const words *)(from[r] + k) : (words){0};
            transpose(block);
            for (size_t i = 0; i < 16; i++) *(words *)(target + (k + i) * panel) = block[i];
        }
        for (; k < inputs; k++)
            for (size_t r = 0; r < 16; r++) target[k * panel + r] = from[r] ? from[r][k] : 0.0f;
    }
}

CLONED void kernel_arrange_panel_bf16(const uint16_t *const rows[32], size_t inputs, uint32_t *out) {
    size_t k = 0;
    for (; k + 16 <= inputs; k += 16) {
        words block[16];
        for (size_t r = 0; r < 16; r++) {
            words low = {0}, high = {0};
            if (rows[r]) low = __builtin_convertvector(*(const halves *)(rows[r] + k), words);
            if (rows[r + 16]) high = __builtin_convertvector(*(const halves *)(rows[r + 16] + k), words);
            block[r] = low | high << 16;
        }
        transpose(block);
        for (size_t i = 0; i < 16; i++) *(words *)(out + (k + i) * half) = block[i];
    }
    for (; k < inputs; k++)
        for (size_t r = 0; r < 16; r++) {
            uint32_t low = rows[r] ? rows[r][k] : 0, high = rows[r + 16] ? rows[r + 16][k] : 0;
            out[k * half + r] = low | high << 16;
        }
}

CLONED void kernel_store_columns(const float *columns, size_t dimensions, const float *scale, size_t rows,
                                 float *out, size_t out_stride) {
    size_t d = 0;
    for (; d + 16 <= dimensions; d += 16)
        for (size_t side = 0; side < panel && side < rows; side += half) {
            words block[16];
            for (size_t i = 0; i < 16; i++) {
                float scaled[16];
                for (size_t l = 0; l < 16; l++) scaled[l] = columns[(d + i) * panel + side + l] * scale[side + l];
                memcpy(&block[i], scaled, sizeof scaled);
            }
            transpose(block);
            for (size_t i = 0; i < 16 && side + i < rows; i++)
                *(words *)(out + (side + i) * out_stride + d) = block[i];
        }
    for (; d < dimensions; d++)
        for (size_t r = 0; r < rows; r++) out[r * out_stride + d] = columns[d * panel + r] * scale[r];
}
