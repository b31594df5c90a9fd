// Functions that C cannot call, and sizes that no memory has, are errors of
// the compiler; of each case the first public function is compiled.
// RUN: rm -rf %t && split-file %s %t
// RUN: not fx-compile %t/unranked.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=UNRANKED
// RUN: not fx-run %t/unranked.mlir 2>&1 | FileCheck %s --check-prefix=UNRANKED
// RUN: not fx-compile %t/memref.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=MEMREF
// RUN: not fx-compile %t/index.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not fx-compile %t/width.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not fx-compile %t/name.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not fx-compile %t/symbol.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=SYMBOL
// RUN: not fx-compile %t/huge.mlir -o %t/none.so 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not fx-compile %t/huge.mlir --mode=training -o %t/none.so 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not test -e %t/none.so
// RUN: not test -e %t/none.h
// RUN: not fx-run %t/no-memory.mlir --outputs %t/none.npz 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: not test -e %t/none.npz

// UNRANKED: unranked.mlir{{.*}}error: the function 'f' cannot be compiled: its argument 0 is 'tensor<*xf32>', and neither a ranked tensor nor a scalar
//--- unranked.mlir
func.func @f(%x: tensor<*xf32>) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}

// MEMREF: its argument 0 is 'memref<2xf32>'
//--- memref.mlir
func.func @f(%x: memref<2xf32>) {
  return
}

// INDEX: its result 0 is 'index'
//--- index.mlir
func.func @f(%x: tensor<2xf32>) -> index {
  %c = arith.constant 2 : index
  return %c : index
}

// WIDTH: its argument 0 is 'tensor<2xi7>'
//--- width.mlir
func.func @f(%x: tensor<2xi7>) {
  return
}

// NAME: the function 'two words' cannot be compiled: its name is no C identifier
//--- name.mlir
func.func @"two words"(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// SYMBOL: the function 'f_result_sizes' cannot be compiled: code has the symbol 'f_result_sizes' twice
//--- symbol.mlir
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
func.func @f_result_sizes(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// HUGE: error: 'fx.relu' op has the result 'tensor<99999999999x99999999999xf32>', too large
//--- huge.mlir
func.func @f(%x: tensor<99999999999x99999999999xf32>) -> tensor<99999999999x99999999999xf32> {
  %y = fx.relu %x : (tensor<99999999999x99999999999xf32>) -> tensor<99999999999x99999999999xf32>
  return %y : tensor<99999999999x99999999999xf32>
}

// MEMORY: f, result 0: no memory for float32 [17592186044416, 16]
//--- no-memory.mlir
func.func @f() -> tensor<17592186044416x16xf32> {
  %c = arith.constant dense<0.0> : tensor<f32>
  %y = fx.expand %c sizes = [17592186044416, 16] : tensor<f32> -> tensor<17592186044416x16xf32>
  return %y : tensor<17592186044416x16xf32>
}
