// RUN: fx-opt %s -split-input-file -verify-diagnostics

func.func @shapes_do_not_broadcast(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{shapes [2, 3] and [4] do not broadcast}}
  // expected-error @below {{failed to infer returned types}}
  %0 = fx.add %a, %b : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @permute_repeats_a_dimension(%x: tensor<2x3xf32>) {
  // expected-error @below {{dims [0, 0] do not permute 'tensor<2x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = fx.permute %x dims = [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @view_changes_the_number_of_elements(%x: tensor<2x3xf32>) {
  // expected-error @below {{sizes [4, 2] hold 8 elements, 'tensor<2x3xf32>' has 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = fx.view %x sizes = [4, 2] : tensor<2x3xf32> -> tensor<4x2xf32>
  return
}

// -----

func.func @inner_sizes(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>) {
  // expected-error @below {{cannot multiply 'tensor<2x3xf32>' and 'tensor<2x3xf32>': inner sizes differ}}
  // expected-error @below {{failed to infer returned types}}
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// expected-error @below {{fx.role of argument 0 is "weight", which is none of its roles}}
func.func @unknown_role(%x: tensor<2xf32> {fx.role = "weight"}) {
  return
}

// -----

func.func @template_names_a_missing_operand(%x: tensor<2xf32>) {
  // expected-error @below {{argument template names operand 1, but there are 1}}
  %0 = fx.call "my.op.default"(%x) {arguments = [{operand = 1 : i64}]} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
