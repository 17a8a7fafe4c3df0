#include "CKernels.h"
int mllmseg_kernels_placeholder(void) { return 0; }
