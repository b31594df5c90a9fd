//===- KernelOps.h - Fusion groups of the lowering --------------*- C++ -*-===//

#ifndef FX_IR_KERNELOPS_H
#define FX_IR_KERNELOPS_H

#include "fx/IR/FXDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "fx/IR/KernelOpsEnums.h.inc"

#define GET_OP_CLASSES
#include "fx/IR/KernelOps.h.inc"

#endif // FX_IR_KERNELOPS_H
