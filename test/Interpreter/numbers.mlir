// RUN: fx-run %s --interpret --function=rounding --outputs=- | FileCheck %s --check-prefix=ROUNDING
// RUN: fx-run %s --interpret --function=integers --outputs=- | FileCheck %s --check-prefix=INTEGERS
// RUN: fx-run %s --interpret --function=special --outputs=- | FileCheck %s --check-prefix=SPECIAL
// RUN: fx-run %s --interpret --function=empty --outputs=- | FileCheck %s --check-prefix=EMPTY
// RUN: fx-run %s --interpret --function=control_flow --outputs=- | FileCheck %s --check-prefix=CONTROL
// RUN: fx-run %s --interpret --function=sizes --outputs=- | FileCheck %s --check-prefix=SIZES

// Each op rounds its result once: 2049 lies between two numbers of f16, and
// 2048 is even. A Python number is not rounded to f16 before the product.
// ROUNDING: out_0: float16 [] 2048
// ROUNDING: out_1: float16 [] 2050
// ROUNDING: out_2: float16 [] inf
func.func @rounding() -> (tensor<f16>, tensor<f16>, tensor<f16>) {
  %one = arith.constant 1.0 : f64
  %big = arith.constant 2048.0 : f64
  %factor = arith.constant 1.0009 : f64
  %x = fx.full %big sizes = [] {dtype = f16} : f64 -> tensor<f16>
  %0 = fx.add %x, %one : (tensor<f16>, f64) -> tensor<f16>
  %1 = fx.mul %x, %factor : (tensor<f16>, f64) -> tensor<f16>
  %2 = fx.mul %x, %x : (tensor<f16>, tensor<f16>) -> tensor<f16>
  return %0, %1, %2 : tensor<f16>, tensor<f16>, tensor<f16>
}

// Integers are exact and wrap around; division is that of Python.
// INTEGERS: out_0: int8 [1] -128
// INTEGERS: out_1: int64 [] 9007199254740993
// INTEGERS: out_2: int64 [] -2
// INTEGERS: out_3: int64 [] 1
// INTEGERS: out_4: float32 [] -1.5
func.func @integers() -> (tensor<1xi8>, tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>) {
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %c127 = arith.constant 127 : i64
  %minus3 = arith.constant -3 : i64
  %big = arith.constant 9007199254740992 : i64
  %x = fx.full %c127 sizes = [1] {dtype = i8} : i64 -> tensor<1xi8>
  %0 = fx.add %x, %c1 : (tensor<1xi8>, i64) -> tensor<1xi8>
  %y = fx.full %big sizes = [] {dtype = i64} : i64 -> tensor<i64>
  %1 = fx.add %y, %c1 : (tensor<i64>, i64) -> tensor<i64>
  %z = fx.full %minus3 sizes = [] {dtype = i64} : i64 -> tensor<i64>
  %2 = fx.div_rounded %z, %c2 {rounding_mode = "floor"} : (tensor<i64>, i64) -> tensor<i64>
  %3 = fx.remainder %z, %c2 : (tensor<i64>, i64) -> tensor<i64>
  %4 = fx.div %z, %c2 : (tensor<i64>, i64) -> tensor<f32>
  return %0, %1, %2, %3, %4 : tensor<1xi8>, tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>
}

// SPECIAL: out_0: float32 [2] nan 0
// SPECIAL: out_1: float32 [] nan
// SPECIAL: out_2: int64 [] 0
// SPECIAL: out_3: bool [2] 0 1
func.func @special() -> (tensor<2xf32>, tensor<f32>, tensor<i64>, tensor<2xi1>) {
  %x = arith.constant dense<[0x7FC00000, -1.0]> : tensor<2xf32>
  %0 = fx.relu %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = fx.amax %x : (tensor<2xf32>) -> tensor<f32>
  %2 = fx.argmax %x : (tensor<2xf32>) -> tensor<i64>
  %3 = fx.eq %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<f32>, tensor<i64>, tensor<2xi1>
}

// EMPTY: out_0: float32 [2] 0 0
// EMPTY: out_1: float32 [0, 3]{{$}}
// EMPTY: out_2: float32 [] nan
func.func @empty() -> (tensor<2xf32>, tensor<0x3xf32>, tensor<f32>) {
  %zero = arith.constant 0.0 : f64
  %x = fx.full %zero sizes = [2, 0] {dtype = f32} : f64 -> tensor<2x0xf32>
  %y = fx.full %zero sizes = [0, 3] {dtype = f32} : f64 -> tensor<0x3xf32>
  %0 = fx.sum %x {dim = array<i64: 1>} : (tensor<2x0xf32>) -> tensor<2xf32>
  %1 = fx.exp %y : (tensor<0x3xf32>) -> tensor<0x3xf32>
  %2 = fx.mean %x : (tensor<2x0xf32>) -> tensor<f32>
  return %0, %1, %2 : tensor<2xf32>, tensor<0x3xf32>, tensor<f32>
}

// CONTROL: out_0: int64 [] 16
// CONTROL: out_1: int64 [3] 0 1 3
func.func @control_flow() -> (tensor<i64>, tensor<3xi64>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %one = fx.full %c1 sizes = [] {dtype = i64} : i64 -> tensor<i64>
  %zero = fx.full %c0 sizes = [] {dtype = i64} : i64 -> tensor<i64>
  %doubled = fx.while carried(%one : tensor<i64>) -> tensor<i64> {
  ^bb0(%x: tensor<i64>):
    %limit = arith.constant 10 : i64
    %go = fx.lt %x, %limit : (tensor<i64>, i64) -> tensor<i1>
    fx.yield %go : tensor<i1>
  } do {
  ^bb0(%x: tensor<i64>):
    %next = fx.add %x, %x : (tensor<i64>, tensor<i64>) -> tensor<i64>
    fx.yield %next : tensor<i64>
  }
  %c3 = arith.constant 3 : i64
  %xs = fx.arange %c0, %c3, %c1 {dtype = i64} : (i64, i64, i64) -> tensor<3xi64>
  %last, %sums = fx.scan init(%zero : tensor<i64>) xs(%xs : tensor<3xi64>) -> tensor<i64>, tensor<3xi64> {
  ^bb0(%sum: tensor<i64>, %x: tensor<i64>):
    %next = fx.add %sum, %x : (tensor<i64>, tensor<i64>) -> tensor<i64>
    fx.yield %next, %next : tensor<i64>, tensor<i64>
  }
  return %doubled, %sums : tensor<i64>, tensor<3xi64>
}

// SIZES: out_0: float32 [6] 1 1 1 1 1 1
func.func @sizes() -> tensor<?xf32> {
  %x = call @ones() : () -> tensor<?x3xf32>
  %n = fx.sym_size %x {dim = 0 : i64} : tensor<?x3xf32>
  %c3 = arith.constant 3 : i64
  %count = arith.muli %n, %c3 : i64
  %0 = fx.view %x sizes = [%count] : tensor<?x3xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @ones() -> tensor<?x3xf32> {
  %one = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %0 = fx.full %one sizes = [%c2, 3] {dtype = f32} : i64 -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
