//===- FXOps.h - All ops of the fx dialect ----------------------*- C++ -*-===//

#ifndef FX_IR_FXOPS_H
#define FX_IR_FXOPS_H

#include "fx/IR/FXDialect.h"
#include "fx/IR/TypeInference.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "fx/IR/FXInterfaces.h.inc"

#define GET_OP_CLASSES
#include "fx/IR/PointwiseUnaryOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/PointwiseBinaryOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/ComparisonOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/ViewOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/CreationOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/ReductionOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/ContractionOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/ConvolutionOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/NormalizationOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/IndexingOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/RandomOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/SymbolicOps.h.inc"
#define GET_OP_CLASSES
#include "fx/IR/CallOps.h.inc"

#endif
