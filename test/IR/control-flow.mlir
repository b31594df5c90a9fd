// RUN: fx-opt %s -split-input-file -verify-diagnostics

func.func @condition(%p: tensor<2xi1>, %x: tensor<4xf32>) {
  // expected-error @below {{condition is 'tensor<2xi1>', neither a boolean nor a tensor of one element}}
  %0 = fx.cond %p, %x : (tensor<2xi1>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @region_argument(%p: i1, %x: tensor<4xf32>) {
  // expected-error @below {{number 0 of the region arguments is 'tensor<5xf32>' where 'tensor<4xf32>' is expected}}
  %0 = fx.cond %p, %x : (i1, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<5xf32>):
    %r = fx.call "a.b.default"(%a) {arguments = [{operand = 0 : i64}]} : (tensor<5xf32>) -> tensor<4xf32>
    fx.yield %r : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @branches_differ(%p: i1, %x: tensor<4xf32>) {
  // expected-error @below {{has 0 yielded values, 1 are expected}}
  %0 = fx.cond %p, %x : (i1, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    fx.yield
  }
  return
}

// -----

func.func @from_above(%p: i1, %x: tensor<4xf32>) {
  // expected-note @below {{required by region isolation constraints}}
  %0 = fx.cond %p : (i1) -> tensor<4xf32> {
    // expected-error @below {{using value defined outside the region}}
    fx.yield %x : tensor<4xf32>
  } else {
    fx.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @carried(%x: tensor<4xf32>) {
  // expected-error @below {{number 0 of the yielded values is 'tensor<4xf64>' where 'tensor<4xf32>' is expected}}
  %0 = fx.while carried(%x : tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %t = arith.constant true
    fx.yield %t : i1
  } do {
  ^bb0(%a: tensor<4xf32>):
    %r = fx.convert_element_type %a {dtype = f64} : (tensor<4xf32>) -> tensor<4xf64>
    fx.yield %r : tensor<4xf64>
  }
  return
}

// -----

func.func @two_conditions(%x: tensor<4xf32>) {
  // expected-error @below {{condition gives 2 values, one is expected}}
  %0 = fx.while carried(%x : tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %t = arith.constant true
    fx.yield %t, %t : i1, i1
  } do {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @nothing_to_slice(%h: tensor<4xf32>, %x: tensor<f32>) {
  // expected-error @below {{takes slices of a tensor without dimensions}}
  %0 = fx.scan init(%h : tensor<4xf32>) xs(%x : tensor<f32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<f32>):
    fx.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @stacked(%x: tensor<9x4xf32>) {
  // expected-error @below {{number 0 of the yielded values is 'tensor<4xf32>' where 'tensor<5xf32>' is expected}}
  %0 = fx.map xs(%x : tensor<9x4xf32>) -> tensor<9x5xf32> {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return
}

// -----

// Known and unknown sizes may meet.
func.func @sizes(%p: i1, %x: tensor<?xf32>) -> tensor<4xf32> {
  %0 = fx.cond %p, %x : (i1, tensor<?xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<?xf32>):
    fx.yield %a : tensor<?xf32>
  }
  return %0 : tensor<4xf32>
}
