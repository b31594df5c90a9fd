// RUN: fx-opt %s -split-input-file -verify-diagnostics -fx-emit-cpu

// expected-error @below {{has several blocks; control flow between blocks has no lowering}}
func.func @blocks(%c: i1, %x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  cf.cond_br %c, ^a, ^b
^a:
  return %x : tensor<2xf32>
^b:
  return %y : tensor<2xf32>
}
