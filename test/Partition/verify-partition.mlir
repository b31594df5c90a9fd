// RUN: fx-opt %s -split-input-file -fx-verify-partition -verify-diagnostics

// Accepted: SymInts last in the forward, first in the backward.
func.func @forward(%x: tensor<?xf32> {fx.role = "input"})
    -> (tensor<?xf32> {fx.role = "output"}, tensor<?xf32> {fx.role = "saved", fx.name = "x"},
        i64 {fx.role = "saved", fx.name = "n"}) {
  %n = fx.sym_size %x {dim = 0 : i64} : tensor<?xf32>
  return %x, %x, %n : tensor<?xf32>, tensor<?xf32>, i64
}
func.func @backward(%n: i64 {fx.role = "saved", fx.name = "n"},
                    %x: tensor<?xf32> {fx.role = "saved", fx.name = "x"},
                    %t: tensor<?xf32> {fx.role = "tangent"})
    -> (tensor<?xf32> {fx.role = "gradient"}) {
  return %t : tensor<?xf32>
}

// -----

// expected-note @below {{in its place the forward saves 'y' of type 'tensor<4xf32>'}}
func.func @f_forward(%x: tensor<4xf32> {fx.role = "input"})
    -> (tensor<4xf32> {fx.role = "saved", fx.name = "y"}) {
  return %x : tensor<4xf32>
}
// expected-error @below {{'f_backward' takes saved value 'x' of type 'tensor<4xf32>'}}
func.func @f_backward(%x: tensor<4xf32> {fx.role = "saved", fx.name = "x"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-note @below {{the forward saves 0}}
func.func @forward(%x: tensor<4xf32> {fx.role = "input"})
    -> (tensor<4xf32> {fx.role = "output"}) {
  return %x : tensor<4xf32>
}
// expected-error @below {{takes 1 saved values}}
func.func @backward(%x: tensor<4xf32> {fx.role = "saved", fx.name = "x"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{'forward' is a forward, but argument 0 has the role 'tangent'}}
func.func @forward(%x: tensor<4xf32> {fx.role = "tangent"}) {
  return
}
func.func @backward(%x: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

func.func @forward(%x: tensor<4xf32> {fx.role = "input"}) {
  return
}
// expected-error @below {{'backward' is a backward, but result 0 has the role 'output': expected 'gradient' or 'mutation'}}
func.func @backward(%x: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{'backward' has no function 'forward' that saves its arguments}}
func.func @backward(%x: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{'forward' has result 1 behind its saved results}}
func.func @forward(%x: tensor<4xf32> {fx.role = "input"})
    -> (tensor<4xf32> {fx.role = "saved"}, tensor<4xf32> {fx.role = "output"}) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}
func.func @backward(%x: tensor<4xf32> {fx.role = "saved"})
    -> (tensor<4xf32> {fx.role = "gradient"}) {
  return %x : tensor<4xf32>
}
