//===- KernelsAVX512.cpp - The kernels compiled for AVX-512 ---------------===//

#define FX_VECTOR_BYTES 64
#define FX_TILE_ROWS 14

#include "KernelsConv.h"

const fxrt::Kernels fxrt::kernelsAVX512 = fxrt::kernelTable("avx512");
