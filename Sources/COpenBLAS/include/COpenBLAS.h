int mllmseg_openblas_placeholder(void);
