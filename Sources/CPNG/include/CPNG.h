#ifndef MLLMSEG_CPNG_H
#define MLLMSEG_CPNG_H

#include <stddef.h>
#include <stdint.h>

/* libpng behind two functions, because it reports errors by longjmp, which must not cross Swift frames. */

#define MLLMSEG_PNG_MESSAGE_SIZE 96

typedef enum {
    MLLMSEG_PNG_OK = 0,
    MLLMSEG_PNG_FAILED = 1,
    /* The bytes end before the picture does. */
    MLLMSEG_PNG_TRUNCATED = 2,
    MLLMSEG_PNG_OUT_OF_MEMORY = 3,
} mllmseg_png_status;

/* Decodes a whole PNG of known size into pixels [height, width, channels], 8 bits a sample, channels 3 (any
 * transparency is dropped) or 4 (opaque where the file has none). Grey and palette become RGB; of 16 bits the
 * high 8 are kept. Every chunk that isn't needed for that is skipped unread. On failure `message`
 * [MLLMSEG_PNG_MESSAGE_SIZE] holds libpng's words. */
mllmseg_png_status mllmseg_png_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, int channels, uint8_t *pixels,
    char *message);

typedef enum {
    MLLMSEG_PNG_BILEVEL, /* one byte a pixel: 0 black, anything else white; 1 bit in the file */
    MLLMSEG_PNG_GREY,    /* one byte a pixel */
    MLLMSEG_PNG_RGB,     /* three */
    MLLMSEG_PNG_RGBA,    /* four */
} mllmseg_png_layout;

/* Encodes pixels [height, width, 1, 3 or 4]; *encoded is to be freed with mllmseg_png_free. */
mllmseg_png_status mllmseg_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, mllmseg_png_layout layout, uint8_t **encoded,
    size_t *encoded_count, char *message);

void mllmseg_png_free(uint8_t *encoded);

#endif
