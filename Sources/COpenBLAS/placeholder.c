#include "COpenBLAS.h"
int mllmseg_openblas_placeholder(void) { return 0; }
