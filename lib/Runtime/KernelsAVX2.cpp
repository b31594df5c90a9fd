//===- KernelsAVX2.cpp - The kernels compiled for AVX2 --------------------===//

#define FX_VECTOR_BYTES 32
#define FX_TILE_ROWS 6

#include "KernelsConv.h"

const fxrt::Kernels fxrt::kernelsAVX2 = fxrt::kernelTable("avx2");
