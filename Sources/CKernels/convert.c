#include "CKernels.h"
#include "simd.h"

CLONED void kernel_widen_bf16(const uint16_t *source, float *target, size_t count) {
    uint32_t *bits = (uint32_t *)target;
    for (size_t i = 0; i < count; i++) bits[i] = (uint32_t)source[i] << 16;
}

// IEEE 754 binary16, subnormals and infinities included, without a branch per element.
CLONED void kernel_widen_f16(const uint16_t *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t h = source[i];
        uint32_t sign = (h & 0x8000u) << 16;
        uint32_t magnitude = h & 0x7FFFu;
        // Exponent moved from bias 15 to 127 by multiplying with 2^112: exact for subnormals too.
        uint32_t shifted = magnitude << 13;
        float value;
        memcpy(&value, &shifted, sizeof value);
        value *= 0x1p112f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits = magnitude >= 0x7C00u ? (0x7F800000u | shifted) : bits;
        bits |= sign;
        memcpy(&target[i], &bits, sizeof bits);
    }
}
