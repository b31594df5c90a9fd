// Each native constraint of PDL files, where it holds and where it does not. The
// function is returned unchanged where it does not.
// RUN: rm -rf %t && split-file %s %t
// RUN: fx-opt %t/model.mlir -fx-apply-patterns="file=%t/rules.pdll" | FileCheck %s

//--- rules.pdll
Constraint AreDistinct(a: Value, b: Value);
Constraint HasElementType(v: Value, t: Type);
Constraint HasRank(v: Value, rank: Attr);
Constraint HasRole(v: Value, role: Attr);
Constraint IsConstant(v: Value);
Constraint IsFloat(v: Value);
Constraint IsInteger(v: Value);
Constraint IsSplat(v: Value, number: Attr);
Constraint IsStatic(v: Value);
Constraint IsTensor(v: Value);
Constraint SameElementType(a: Value, b: Value);
Constraint SameShape(a: Value, b: Value);
Constraint SameType(a: Value, b: Value);
Rewrite TypeWithElement(v: Value, t: Type) -> Type;

Pattern { let r = op<fx.sin>(x: Value); HasRank(x, attr<"2 : i64">); replace r with x; }
Pattern { let r = op<fx.cos>(x: Value); HasRole(x, attr<"\"input\"">); replace r with x; }
Pattern { let r = op<fx.tanh>(x: Value); IsFloat(x); IsStatic(x); replace r with x; }
Pattern { let r = op<fx.neg>(x: Value); IsInteger(x); IsTensor(x); replace r with x; }
Pattern { let r = op<fx.mul>(x: Value, y: Value); IsSplat(y, attr<"1.0 : f64">); replace r with x; }
Pattern { let r = op<fx.maximum>(x: Value, y: Value); AreDistinct(x, y); SameType(x, y); replace r with x; }
Pattern { let r = op<fx.minimum>(x: Value, y: Value); SameShape(x, y); SameElementType(x, y); replace r with x; }
Pattern { let r = op<fx.div>(x: Value, y: Value); IsConstant(y); HasElementType(y, type<"f64">); replace r with x; }
Pattern {
  let r = op<fx.exp>(x: Value) -> (t: Type);
  HasElementType(x, type<"f16">);
  rewrite r with {
    let wide = op<fx.convert_element_type>(x) {dtype = attr<"f32">} -> (TypeWithElement(x, type<"f32">));
    let result = op<fx.exp2>(wide.0) -> (TypeWithElement(x, type<"f32">));
    let narrow = op<fx.convert_element_type>(result.0) {dtype = attr<"f16">} -> (t);
    replace r with narrow;
  };
}

//--- model.mlir
// CHECK-LABEL: @holds
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32> {{.*}}, %[[I:.*]]: tensor<4xi64>)
// CHECK-NOT: fx.
// CHECK: return %[[X]], %[[I]]
func.func @holds(%x: tensor<2x3xf32> {fx.role = "input"}, %i: tensor<4xi64>) -> (tensor<2x3xf32>, tensor<4xi64>) {
  %one = arith.constant 1 : i64
  %two = arith.constant 2.0 : f64
  %ones = fx.full %one sizes = [2, 3] {dtype = f32} : i64 -> tensor<2x3xf32>
  %0 = fx.cos %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = fx.sin %0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = fx.tanh %1 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = fx.mul %2, %ones : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = fx.mul %3, %one : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  %5 = fx.maximum %4, %ones : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = fx.minimum %5, %ones : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = fx.div %6, %two : (tensor<2x3xf32>, f64) -> tensor<2x3xf32>
  %8 = fx.neg %i : (tensor<4xi64>) -> tensor<4xi64>
  return %7, %8 : tensor<2x3xf32>, tensor<4xi64>
}

// CHECK-LABEL: @does_not_hold
func.func @does_not_hold(%w: tensor<?xf32> {fx.role = "parameter"}, %v: tensor<1xf32>, %b: tensor<4xf64>) -> (tensor<?xf32>, tensor<?xf32>, tensor<4xf64>) {
  %two = arith.constant 2.0 : f64
  // CHECK: fx.sin
  // CHECK: fx.cos
  // CHECK: fx.tanh
  // CHECK: fx.neg
  // CHECK: fx.mul
  // CHECK: fx.maximum
  // CHECK: fx.minimum
  // CHECK: fx.minimum
  // CHECK: fx.div
  %0 = fx.sin %w : (tensor<?xf32>) -> tensor<?xf32>
  %1 = fx.cos %w : (tensor<?xf32>) -> tensor<?xf32>
  %2 = fx.tanh %1 : (tensor<?xf32>) -> tensor<?xf32>
  %3 = fx.neg %2 : (tensor<?xf32>) -> tensor<?xf32>
  %4 = fx.mul %3, %two : (tensor<?xf32>, f64) -> tensor<?xf32>
  %5 = fx.maximum %4, %4 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %6 = fx.minimum %0, %v : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  %7 = fx.minimum %b, %two : (tensor<4xf64>, f64) -> tensor<4xf64>
  %8 = fx.div %5, %v : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %6, %8, %7 : tensor<?xf32>, tensor<?xf32>, tensor<4xf64>
}

// CHECK-LABEL: @other_elements
// CHECK: fx.convert_element_type {{.*}} -> tensor<2x?xf32>
// CHECK: fx.exp2 {{.*}} -> tensor<2x?xf32>
// CHECK: fx.convert_element_type {{.*}} -> tensor<2x?xf16>
func.func @other_elements(%x: tensor<2x?xf16>) -> tensor<2x?xf16> {
  %0 = fx.exp %x : (tensor<2x?xf16>) -> tensor<2x?xf16>
  return %0 : tensor<2x?xf16>
}
