// All kernels, as one module.
#include "activate.cu"
#include "dense.cu"
#include "gather.cu"
#include "loss.cu"
#include "maxout.cu"
#include "norm.cu"
#include "update.cu"
