#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    size_t end; /* nothing is read beyond it */
    int truncated;
    char *message;
} source;

static void read_bytes(png_structp png, png_bytep into, size_t count) {
    source *from = png_get_io_ptr(png);
    if (count > from->count - from->position) {
        from->truncated = 1;
        png_error(png, "the file ends too early");
    }
    if (count > from->end - from->position) png_error(png, "more data than pixels");
    memcpy(into, from->bytes + from->position, count);
    from->position += count;
}

static void fail(png_structp png, png_const_charp message) {
    source *from = png_get_error_ptr(png);
    strncpy(from->message, message, MLLMSEG_PNG_MESSAGE_SIZE - 1);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* No profile, text or palette suggestion is inflated or stored: they can't change the pixels we hand out, and
 * a few bytes of them can ask for gigabytes. */
static void skip_ancillary_chunks(png_structp png) {
    static const png_byte names[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
    png_set_chunk_malloc_max(png, 1 << 20);
    png_set_chunk_cache_max(png, 64);
}

static void convert_to_8_bits(png_structp png, png_infop info, int channels) {
    png_byte color = png_get_color_type(png, info);
    int has_alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
    png_set_expand(png); /* palette to RGB, 1, 2 and 4 bits to 8, tRNS to alpha */
    png_set_strip_16(png);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    if (channels == 3) png_set_strip_alpha(png);
    if (channels == 4 && !has_alpha) png_set_filler(png, 0xFF, PNG_FILLER_AFTER);
}

/* libpng unpacks whatever lies behind the last row before it hands the row out, and a few bytes can unpack to
 * gigabytes. Packed data are hardly larger than the row, and what a careless encoder adds is small. */
static void read_last_row(png_structp png, source *from, size_t stored_stride, uint8_t *row) {
    size_t enough = stored_stride + stored_stride / 64 + 1024;
    if (enough < from->count - from->position) from->end = from->position + enough;
    png_read_row(png, row, NULL);
    from->end = from->count;
}

mllmseg_png_status mllmseg_png_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, int channels, uint8_t *pixels,
    char *message) {
    source from = {bytes, count, 0, count, 0, message};
    message[0] = message[MLLMSEG_PNG_MESSAGE_SIZE - 1] = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &from, fail, ignore_warning);
    if (!png) return MLLMSEG_PNG_OUT_OF_MEMORY;
    png_infop info = png_create_info_struct(png);
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return MLLMSEG_PNG_OUT_OF_MEMORY;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return from.truncated ? MLLMSEG_PNG_TRUNCATED : MLLMSEG_PNG_FAILED;
    }
    png_set_read_fn(png, &from, read_bytes);
    png_set_user_limits(png, width, height);
    skip_ancillary_chunks(png);
    png_read_info(png, info);
    size_t stored_stride = png_get_rowbytes(png, info);
    convert_to_8_bits(png, info, channels);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = (size_t)width * (size_t)channels;
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height
        || png_get_rowbytes(png, info) != stride)
        png_error(png, "the header changed its mind");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++) {
            uint8_t *row = pixels + y * stride;
            if (pass == passes - 1 && y == height - 1) read_last_row(png, &from, stored_stride, row);
            else png_read_row(png, row, NULL);
        }
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return MLLMSEG_PNG_OK;
}
