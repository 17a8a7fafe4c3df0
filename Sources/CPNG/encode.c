#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
    uint8_t *row; /* packed or scratch row, owned here so that an error frees it */
    int out_of_memory;
    char *message;
} sink;

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    sink *to = png_get_io_ptr(png);
    if (count > to->capacity - to->count) {
        size_t capacity = (to->count + count) * 2;
        uint8_t *grown = realloc(to->bytes, capacity);
        if (!grown) {
            to->out_of_memory = 1;
            png_error(png, "out of memory");
        }
        to->bytes = grown;
        to->capacity = capacity;
    }
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static void fail(png_structp png, png_const_charp message) {
    sink *to = png_get_error_ptr(png);
    strncpy(to->message, message, MLLMSEG_PNG_MESSAGE_SIZE - 1);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* Masks are long runs: run-length matching without filters is the fastest and about as small as level 6.
 * Photographs want a filter: Sub at the fastest level. */
static void choose_compression(png_structp png, mllmseg_png_layout layout) {
    int is_mask = layout == MLLMSEG_PNG_BILEVEL || layout == MLLMSEG_PNG_GREY;
    png_set_compression_level(png, 1);
    png_set_compression_strategy(png, is_mask ? Z_RLE : Z_DEFAULT_STRATEGY);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, is_mask ? PNG_FILTER_NONE : PNG_FILTER_SUB);
}

static void pack_bits(const uint8_t *pixels, uint32_t width, uint8_t *row) {
    memset(row, 0, (width + 7) / 8);
    for (uint32_t x = 0; x < width; x++)
        if (pixels[x]) row[x >> 3] |= (uint8_t)(0x80 >> (x & 7));
}

static const int color_types[] = {
    PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
static const size_t bytes_per_pixel[] = {1, 1, 3, 4};

static void write_rows(
    png_structp png, sink *to, const uint8_t *pixels, uint32_t width, uint32_t height, mllmseg_png_layout layout) {
    size_t stride = width * bytes_per_pixel[layout];
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = pixels + y * stride;
        if (layout == MLLMSEG_PNG_BILEVEL) {
            pack_bits(row, width, to->row);
            row = to->row;
        }
        png_write_row(png, row);
    }
}

static void discard(sink *to, png_structp *png, png_infop *info) {
    free(to->bytes);
    free(to->row);
    png_destroy_write_struct(png, info);
}

mllmseg_png_status mllmseg_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, mllmseg_png_layout layout, uint8_t **encoded,
    size_t *encoded_count, char *message) {
    sink to = {malloc(4096), 0, 4096, malloc((width + 7) / 8), 0, message};
    message[0] = message[MLLMSEG_PNG_MESSAGE_SIZE - 1] = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &to, fail, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!to.bytes || !to.row || !info) {
        discard(&to, &png, &info);
        return MLLMSEG_PNG_OUT_OF_MEMORY;
    }
    if (setjmp(png_jmpbuf(png))) {
        discard(&to, &png, &info);
        return to.out_of_memory ? MLLMSEG_PNG_OUT_OF_MEMORY : MLLMSEG_PNG_FAILED;
    }
    png_set_write_fn(png, &to, write_bytes, flush_nothing);
    png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
    choose_compression(png, layout);
    png_set_IHDR(
        png, info, width, height, layout == MLLMSEG_PNG_BILEVEL ? 1 : 8, color_types[layout], PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    write_rows(png, &to, pixels, width, height, layout);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(to.row);
    *encoded = to.bytes;
    *encoded_count = to.count;
    return MLLMSEG_PNG_OK;
}

void mllmseg_png_free(uint8_t *encoded) { free(encoded); }
