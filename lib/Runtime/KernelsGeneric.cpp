//===- KernelsGeneric.cpp - The kernels compiled for any machine ----------===//

#define FX_VECTOR_BYTES 16
#define FX_TILE_ROWS 6

#include "KernelsConv.h"

const fxrt::Kernels fxrt::kernelsGeneric = fxrt::kernelTable("generic");
