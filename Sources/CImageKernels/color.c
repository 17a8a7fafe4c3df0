#include "CImageKernels.h"

/* Rounded a * b / 255. */
static inline uint32_t scale_255(uint32_t a, uint32_t b) {
    uint32_t t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

void mllmseg_lay_over_white(uint8_t *pixels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t red = pixels[4 * i], green = pixels[4 * i + 1], blue = pixels[4 * i + 2];
        uint32_t alpha = pixels[4 * i + 3];
        pixels[3 * i] = (uint8_t)(255 - scale_255(255 - red, alpha));
        pixels[3 * i + 1] = (uint8_t)(255 - scale_255(255 - green, alpha));
        pixels[3 * i + 2] = (uint8_t)(255 - scale_255(255 - blue, alpha));
    }
}

/* Stored values are 255 - ink, so red = (255 - cyan) (255 - black) / 255; rounded as Pillow does. */
void mllmseg_adobe_cmyk_to_rgb(uint8_t *pixels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t red = pixels[4 * i], green = pixels[4 * i + 1], blue = pixels[4 * i + 2];
        uint32_t white = pixels[4 * i + 3];
        pixels[3 * i] = (uint8_t)(white - scale_255(255 - red, white));
        pixels[3 * i + 1] = (uint8_t)(white - scale_255(255 - green, white));
        pixels[3 * i + 2] = (uint8_t)(white - scale_255(255 - blue, white));
    }
}
