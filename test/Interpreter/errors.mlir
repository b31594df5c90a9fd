// What cannot be run is an error that names the op and its node.
// RUN: not fx-run %s --interpret --function=unknown --outputs=- 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not fx-run %s --interpret --function=index --outputs=- 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not fx-run %s --interpret --function=dim --outputs=- 2>&1 | FileCheck %s --check-prefix=DIM
// RUN: not fx-run %s --interpret --function=shapes --outputs=- 2>&1 | FileCheck %s --check-prefix=SHAPES
// RUN: not fx-run %s --interpret --function=promise --outputs=- 2>&1 | FileCheck %s --check-prefix=PROMISE
// RUN: not fx-run %s --interpret --function=memory --outputs=- 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: not fx-run %s --interpret --function=endless --outputs=- 2>&1 | FileCheck %s --check-prefix=ENDLESS
// RUN: not fx-run %s --interpret --function=assertion --outputs=- 2>&1 | FileCheck %s --check-prefix=ASSERTION
// RUN: not fx-run %s --interpret --function=complex --outputs=- 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not fx-run %s --interpret --function=upstream --outputs=- 2>&1 | FileCheck %s --check-prefix=UPSTREAM
// RUN: not fx-run %s --interpret --function=none --outputs=- 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not fx-run %s --interpret --bench=2 2>&1 | FileCheck %s --check-prefix=BENCH
// RUN: not fx-run %s --stop-after=import 2>&1 | FileCheck %s --check-prefix=STAGE

// UNKNOWN: error: 'fx.call' op of node 'solved' (model.py:7): the interpreter does not know the operator 'my.solve.default'
func.func @unknown() -> tensor<2xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %0 = fx.call "my.solve.default"(%x) {arguments = [{operand = 0 : i64}], pure} : (tensor<2xf32>) -> tensor<2xf32> loc("solved"("model.py":7:1))
  return %0 : tensor<2xf32>
}

// INDEX: error: 'fx.embedding' op of node 'rows': index 4 is out of range of a dimension of size 3
func.func @index() -> tensor<1x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x2xf32>
  %i = arith.constant dense<4> : tensor<1xi64>
  %0 = fx.embedding %w, %i : (tensor<3x2xf32>, tensor<1xi64>) -> tensor<1x2xf32> loc("rows")
  return %0 : tensor<1x2xf32>
}

// DIM: error: 'fx.scatter' op there is no dimension 5 in a tensor of rank 1
func.func @dim() -> tensor<2xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %i = arith.constant dense<0> : tensor<2xi64>
  %0 = fx.scatter %x, %i, %x {dim = 5 : i64} : (tensor<2xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// SHAPES: error: 'fx.add' op the shapes [2] and [3] do not broadcast
func.func @shapes() -> tensor<?xf32> {
  %c2 = arith.constant 2 : i64
  %c3 = arith.constant 3 : i64
  %a = fx.full %c2 sizes = [%c2] {dtype = f32} : i64 -> tensor<?xf32>
  %b = fx.full %c2 sizes = [%c3] {dtype = f32} : i64 -> tensor<?xf32>
  %0 = fx.add %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// A result type may say more than is inferred; then it must be true.
// PROMISE: error: 'fx.full' op result 0 has the shape [2] at run time, which its type 'tensor<3xf32>' does not allow
func.func @promise() -> tensor<3xf32> {
  %c2 = arith.constant 2 : i64
  %0 = fx.full %c2 sizes = [%c2] {dtype = f32} : i64 -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// MEMORY: error: 'fx.full' op no memory for a tensor of the shape [4611686018427387904, 4]
func.func @memory() -> tensor<?x4xf32> {
  %n = arith.constant 4611686018427387904 : i64
  %0 = fx.full %n sizes = [%n, 4] {dtype = f32} : i64 -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// ENDLESS: error: calls of 'endless' are nested more than 200 deep
func.func @endless() -> tensor<f32> {
  %0 = call @endless() : () -> tensor<f32>
  return %0 : tensor<f32>
}

// ASSERTION: error: 'fx.call' op the assertion does not hold: too small
func.func @assertion() {
  %false = arith.constant false
  fx.call "aten._assert_scalar.default"(%false) {arguments = [{operand = 0 : i64}, "too small"]} : (i1) -> ()
  return
}

// KIND: error: 'fx.sign' op is not defined on 'complex<f32>'
func.func @complex() -> tensor<f32> {
  %c2 = arith.constant 2 : i64
  %a = fx.full %c2 sizes = [] {dtype = complex<f32>} : i64 -> tensor<complex<f32>>
  %0 = fx.sign %a : (tensor<complex<f32>>) -> tensor<complex<f32>>
  %c = arith.constant dense<1.0> : tensor<f32>
  return %c : tensor<f32>
}

// UPSTREAM: error: 'tensor.empty' op the interpreter does not know this op
func.func @upstream() -> tensor<2xf32> {
  %0 = tensor.empty() : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// NONE: fx-run: the model has no function none to run
// BENCH: fx-run: --bench and --memory measure code, which --interpret has not
// STAGE: fx-run: --stop-after needs --interpret
