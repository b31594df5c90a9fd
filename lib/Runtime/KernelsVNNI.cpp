//===- KernelsVNNI.cpp - Products of 8-bit integers by vpdpbusd -----------===//

#define FX_VECTOR_BYTES 64
#define FX_TILE_ROWS 14
#define FX_VNNI

#include "KernelsInt.h"

const fxrt::IntKernels fxrt::intKernelsVNNI = fxrt::intTable();
