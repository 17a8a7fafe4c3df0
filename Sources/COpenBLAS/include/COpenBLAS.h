// OpenBLAS opened at run time, so that its kernel type can be chosen first: the library reads
// OPENBLAS_CORETYPE while it is being loaded, too early for a program that links against it.
#ifndef MLLMSEG_COPENBLAS_H
#define MLLMSEG_COPENBLAS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Opens the library once with `core_type` (NULL: leave the choice to the library or to a variable that the
// user has set). Returns NULL, or the loader's message. Call from one thread before any other function.
const char *openblas_open(const char *core_type);
// The kernel type in use, for example "SkylakeX"; "" before openblas_open.
const char *openblas_core_name(void);

// C [m, n] = alpha A [m, k] B + beta C, row-major; B is [k, n], or [n, k] when transpose_b. Runs on the
// calling thread alone.
void openblas_multiply(int transpose_b, int m, int n, int k, float alpha, const float *a, int a_stride,
                       const float *b, int b_stride, float beta, float *c, int c_stride);

#ifdef __cplusplus
}
#endif
#endif
