int mllmseg_kernels_placeholder(void);
