// RUN: fx-opt %s -split-input-file -fx-partition -verify-diagnostics

// expected-error @below {{is no joint function: it has gradients and no argument with the role 'tangent'}}
func.func @no_tangent(%x: tensor<4xf32> {fx.role = "input"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{is no joint function: it has tangents and no result with the role 'gradient'}}
func.func @no_gradient(%x: tensor<4xf32> {fx.role = "input"},
                       %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{result 0 has no fx.role, so that it belongs to neither part}}
func.func @no_role(%x: tensor<4xf32> {fx.role = "input"},
                   %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32>, tensor<4xf32> {fx.role = "gradient"}) {
  return %x, %t : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{result 0 has the role 'saved', which a partition makes}}
func.func @saved(%x: tensor<4xf32> {fx.role = "input"},
                 %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "saved"}, tensor<4xf32> {fx.role = "gradient"}) {
  return %x, %t : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{result 0 has the role 'output' and depends on a tangent}}
func.func @output_of_backward(%x: tensor<4xf32> {fx.role = "input"},
                              %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  // expected-note @below {{it is 'mul'}}
  %0 = fx.mul %x, %t : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A vector is no value that can be saved, and a cast is not recomputable.
func.func @unbounded(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                     %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  // expected-error @below {{the backward needs a value that can be neither saved nor recomputed}}
  // expected-note @below {{'unrealized_conversion_cast' may not be recomputed: 4.4.1 not recomputable and is no single value that could be saved}}
  %v = builtin.unrealized_conversion_cast %x : tensor<4xf32> to vector<4xf32>
  %y = builtin.unrealized_conversion_cast %v : vector<4xf32> to tensor<4xf32>
  %tv = builtin.unrealized_conversion_cast %t : tensor<4xf32> to vector<4xf32>
  // expected-note @below {{'mulf' depends on 'unrealized_conversion_cast' and belongs to the backward}}
  %g = arith.mulf %v, %tv : vector<4xf32>
  %gt = builtin.unrealized_conversion_cast %g : vector<4xf32> to tensor<4xf32>
  return %y, %gt : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{is called, and would be removed by its partition: set keep-joint}}
func.func @called(%x: tensor<4xf32> {fx.role = "input"},
                  %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  return %x, %t : tensor<4xf32>, tensor<4xf32>
}
func.func @caller(%x: tensor<4xf32>, %t: tensor<4xf32>) {
  %0:2 = call @called(%x, %t) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}
