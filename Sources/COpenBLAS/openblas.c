#include "COpenBLAS.h"

#include <dlfcn.h>
#include <stdlib.h>

// The CBLAS enumerators (row-major, no transpose, transpose) have had these values since the first standard.
enum { row_major = 101, no_transpose = 111, transpose = 112 };

typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int, const float *, int,
                               float, float *, int);

static sgemm_function sgemm;
static const char *(*core_name)(void);

const char *openblas_open(const char *core_type) {
    if (sgemm) return NULL;
    if (core_type) setenv("OPENBLAS_CORETYPE", core_type, 0);
    // Each product runs on the thread that asks; the callers split the work themselves.
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
    sgemm_function product = (sgemm_function)dlsym(library, "cblas_sgemm");
    void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    core_name = (const char *(*)(void))dlsym(library, "openblas_get_corename");
    if (!product || !set_threads || !core_name) return "the library lacks cblas_sgemm or OpenBLAS's own calls";
    set_threads(1);
    sgemm = product;
    return NULL;
}

const char *openblas_core_name(void) { return core_name ? core_name() : ""; }

void openblas_multiply(int transpose_b, int m, int n, int k, float alpha, const float *a, int a_stride,
                       const float *b, int b_stride, float beta, float *c, int c_stride) {
    sgemm(row_major, no_transpose, transpose_b ? transpose : no_transpose, m, n, k, alpha, a, a_stride, b,
          b_stride, beta, c, c_stride);
}
