//===- ControlFlowOps.h - Higher-order operators ----------------*- C++ -*-===//

#ifndef FX_IR_CONTROLFLOWOPS_H
#define FX_IR_CONTROLFLOWOPS_H

#include "fx/IR/FXOps.h"

#include "mlir/Interfaces/ControlFlowInterfaces.h"

#define GET_OP_CLASSES
#include "fx/IR/ControlFlowOps.h.inc"

#endif // FX_IR_CONTROLFLOWOPS_H
