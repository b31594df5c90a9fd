// The result is valid for the unmodified upstream tool.
// REQUIRES: mlir-opt-22
// RUN: fx-opt %S/lower-to-linalg-pointwise.mlir -fx-lower-to-linalg | mlir-opt-22 | FileCheck %s
// RUN: fx-opt %S/lower-to-linalg-structure.mlir -fx-lower-to-linalg \
// RUN:   | mlir-opt-22 -one-shot-bufferize="bufferize-function-boundaries=1" -convert-linalg-to-loops | FileCheck %s --check-prefix=LOOPS
// CHECK: linalg.generic
// CHECK-NOT: fx.
// LOOPS: scf.for
// LOOPS-NOT: linalg.
