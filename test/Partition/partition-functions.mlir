// RUN: fx-opt %s -split-input-file -fx-partition -fx-verify-partition | FileCheck %s
// RUN: fx-opt %s -split-input-file -fx-partition="keep-joint" -fx-verify-partition | FileCheck %s --check-prefix=KEEP

// The first joint function gives the plain names, the second its own; a helper
// stays.
// CHECK-LABEL: func.func private @helper
// CHECK:       func.func @forward
// CHECK:       func.func @backward
// CHECK-NOT:   @first
// CHECK:       func.func @second_forward
// CHECK:       func.func @second_backward
// KEEP:        func.func @first(
// KEEP:        func.func @second(
func.func private @helper(tensor<4xf32>) -> tensor<4xf32>
func.func @first(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                 %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
func.func @second(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                  %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// An inference function is left alone.
// CHECK-LABEL: func.func @inference
// CHECK-NEXT:    fx.relu
func.func @inference(%x: tensor<4xf32> {fx.role = "input"})
    -> (tensor<4xf32> {fx.role = "output"}) {
  %0 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The copy into a buffer is a mutation of the forward; its result is no output
// that would count as a use of what is copied.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    -> (tensor<4xf32> {fx.mutates = "running", fx.role = "mutation"}, tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.name = "x", fx.role = "saved"})
// CHECK:         fx.copy
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    (%{{[^:]*}}: tensor<4xf32> {fx.name = "x", fx.role = "saved"}, %{{[^:]*}}: tensor<4xf32> {fx.name = "t", fx.role = "tangent"})
// CHECK-NOT:     fx.copy
func.func @mutation(
    %b: tensor<4xf32> {fx.role = "buffer", fx.name = "running"},
    %x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "mutation", fx.mutates = "running"},
        tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %s = fx.add %b, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = fx.copy %b, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %0 = fx.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %c, %0, %1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A mutation that depends on a tangent happens in the backward.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.name = "b", fx.role = "saved"}, tensor<4xf32> {fx.name = "x", fx.role = "saved"})
// CHECK-NOT:     fx.copy
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    -> (tensor<4xf32> {fx.mutates = "b", fx.role = "mutation"}, tensor<4xf32> {fx.role = "gradient"})
// CHECK:         fx.copy
func.func @mutation_by_gradient(
    %b: tensor<4xf32> {fx.role = "buffer", fx.name = "b"},
    %x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "mutation", fx.mutates = "b"},
        tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = fx.copy %b, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %c, %0, %1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// SymInts are last among the saved results and first among the arguments.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    tensor<4xf32> {fx.name = "w", fx.role = "saved"}, i64 {fx.name = "n", fx.role = "saved"})
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    (%[[N:.*]]: i64 {fx.name = "n", fx.role = "saved"}, %{{.*}}: tensor<4xf32> {fx.name = "w", fx.role = "saved"}, %[[T:.*]]: tensor<4xf32>
// CHECK:         fx.expand %{{.*}} sizes = [%[[N]], 4]
func.func @symint(%w: tensor<4xf32> {fx.role = "parameter", fx.name = "w"},
                  %x: tensor<?x4xf32> {fx.role = "input", fx.name = "x"},
                  %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<?x4xf32> {fx.role = "gradient"}) {
  %n = fx.sym_size %x {dim = 0 : i64} : tensor<?x4xf32> loc("n")
  %s = fx.sum %x {dim = array<i64: 0>} : (tensor<?x4xf32>) -> tensor<4xf32>
  %0 = fx.mul %s, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.expand %1 sizes = [%n, 4] : tensor<4xf32> -> tensor<?x4xf32>
  return %0, %2 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

// One result of a tuple is saved, and all are named by their getitem nodes.
// CHECK-LABEL: func.func @forward
// CHECK:         %[[V:.*]], %[[M:.*]] = fx.var_mean
// CHECK:         return %{{.*}}, %{{.*}}, %[[M]]
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    tensor<4x1xf32> {fx.name = "getitem_1", fx.role = "saved"}
// CHECK-NOT:     fx.var_mean
func.func @tuple(%x: tensor<4x64xf32> {fx.role = "input", fx.name = "x"},
                 %t: tensor<4x64xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4x64xf32> {fx.role = "output"}, tensor<4x64xf32> {fx.role = "gradient"}) {
  %v, %m = fx.var_mean %x {dim = array<i64: 1>, keepdim = true, fx.result_names = ["getitem", "getitem_1"]} : (tensor<4x64xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>) loc("var_mean")
  %s = fx.sub %x, %m : (tensor<4x64xf32>, tensor<4x1xf32>) -> tensor<4x64xf32> loc("sub")
  %y = fx.mul %s, %v : (tensor<4x64xf32>, tensor<4x1xf32>) -> tensor<4x64xf32> loc("mul")
  %g = fx.mul %t, %s : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32> loc("mul_1")
  return %y, %g : tensor<4x64xf32>, tensor<4x64xf32>
}

// -----

// Dead ops go and equal ones are merged, but outputs stay distinct, also
// through views; nothing is folded.
// CHECK-LABEL: func.func @forward
// CHECK-NOT:     fx.exp
// CHECK:         fx.sigmoid
// CHECK-NOT:     fx.sigmoid
// CHECK:         fx.relu
// CHECK:         fx.relu
// CHECK:         fx.alias
// CHECK:         return
// CHECK-LABEL: func.func @backward
func.func @simplify(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "output"},
        tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %dead = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %s0 = fx.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %s1 = fx.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %0 = fx.mul %s0, %s1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.alias %2 : (tensor<4xf32>) -> tensor<4xf32>
  %g = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %3, %g : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A recomputed op sinks to just before its first use in the backward [4.7].
// CHECK-LABEL: func.func @forward
// CHECK-LABEL: func.func @backward
// CHECK:         %[[G:.*]] = fx.neg %[[T:.*]] :
// CHECK-NEXT:    %[[R:.*]] = fx.exp
// CHECK-NEXT:    fx.mul %[[G]], %[[R]]
func.func @reorder(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                   %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<f32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.sum %0 : (tensor<4xf32>) -> tensor<f32>
  %2 = fx.neg %t : (tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.mul %2, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<f32>, tensor<4xf32>
}

// -----

// A gradient that no tangent reaches is computed or saved, and still returned;
// an input that nothing uses stays an argument of the forward.
// CHECK-LABEL: func.func @forward
// CHECK-SAME:    %{{.*}}: tensor<9xf32> {fx.name = "unused"
// CHECK-LABEL: func.func @backward
// CHECK-SAME:    -> (tensor<f32> {fx.name = "x", fx.role = "gradient"}, tensor<4xf32>
func.func @constant_gradient(
    %u: tensor<9xf32> {fx.role = "input", fx.name = "unused"},
    %x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"},
        tensor<f32> {fx.role = "gradient", fx.name = "x"}, tensor<4xf32> {fx.role = "gradient"}) {
  %c = arith.constant 1.0 : f64
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.full %c sizes = [] {dtype = f32} : f64 -> tensor<f32>
  %2 = fx.mul %t, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<f32>, tensor<4xf32>
}
