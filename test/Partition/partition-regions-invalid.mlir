// RUN: fx-opt %s -split-input-file -fx-partition -verify-diagnostics

// expected-error @below {{function 'no_number' has the budget "much" for the region 'a': expected a number of bytes such as 1048576 or "1MiB"}}
func.func @no_number(
    %x: tensor<4xf32> {fx.role = "parameter"}, %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"})
    attributes {fx.region_budgets = {a = "much"}} {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{function 'no_dictionary' has no dictionary as 'fx.region_budgets'}}
func.func @no_dictionary(
    %x: tensor<4xf32> {fx.role = "parameter"}, %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"})
    attributes {fx.region_budgets = 7} {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{function 'peak' has the peak budget "8 apples": expected a number of bytes such as 1048576 or "1MiB"}}
func.func @peak(
    %x: tensor<4xf32> {fx.role = "parameter"}, %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"})
    attributes {fx.peak_budget = "8 apples"} {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// The function's own budget, as the option's.
// expected-error @below {{function 'too_small' cannot be partitioned within a peak of 16 bytes: the smallest peak found is 32 bytes, and no schedule is below 32}}
func.func @too_small(
    %x: tensor<4xf32> {fx.role = "parameter"}, %t: tensor<4xf32> {fx.role = "tangent"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"})
    attributes {fx.peak_budget = 16} {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @must_save(
    %x: tensor<4x4xf32> {fx.role = "parameter"}, %t: tensor<4x4xf32> {fx.role = "tangent"})
    -> (tensor<4x4xf32> {fx.role = "output"}, tensor<4x4xf32> {fx.role = "gradient"})
    attributes {fx.region_budgets = {a = 32}} {
  // expected-error @below {{region 'a' cannot be kept within 32 bytes: 64 bytes have to be saved, 'mm' among them}}
  %0 = fx.mm %x, %x {fx.region = "a", fx.remat = "must_save"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = fx.exp %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = fx.mul %t, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1, %2 : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// expected-error @below {{function 'hints' has 'fx.size_hints' on argument 0 that are not a size for each of its dimensions}}
func.func @hints(
    %x: tensor<?xf32> {fx.role = "parameter", fx.size_hints = array<i64: 1, 2>}, %t: tensor<?xf32> {fx.role = "tangent"})
    -> (tensor<?xf32> {fx.role = "output"}, tensor<?xf32> {fx.role = "gradient"}) {
  %0 = fx.exp %x : (tensor<?xf32>) -> tensor<?xf32>
  %1 = fx.mul %t, %0 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}
