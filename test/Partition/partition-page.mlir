// RUN: printf 'import torch\n\n\nz = a @ b < 1\n' > %t.model.py
// RUN: sed "s|MODEL|%t.model.py|" %s > %t.mlir
// RUN: fx-opt %t.mlir -fx-partition="peak-budget=1.6kB partition-report=%t.html report=%t.json summary" -o /dev/null 2> %t.txt
// RUN: FileCheck %s < %t.html
// RUN: FileCheck %s --check-prefix=JSON < %t.json
// RUN: FileCheck %s --check-prefix=TEXT < %t.txt
// RUN: fx-opt %s --min-cut-partition="summary partition-report=%t.exact.html" -o /dev/null 2>&1 | FileCheck %s --check-prefix=EXACT
// RUN: not fx-opt %s -fx-partition="partition-report=%t.none/page.html" 2>&1 | FileCheck %s --check-prefix=UNWRITABLE

// CHECK:      <!DOCTYPE html>
// CHECK:      Partition of <code>joint</code>
// CHECK:      <td>peak</td><td class="n">1.6 kB</td><td>at these operations no partition is below 1.5 kB, at any below 1.0 kB</td>
// CHECK-NEXT: <td>recomputed operations</td><td class="n">28.57 %</td>
// CHECK-NEXT: <td>saved activations</td><td class="n">1.0 kB</td>
// Memory of three partitions, the curve and its bound, functorch's six.
// CHECK:      <h2>Memory over time</h2>
// CHECK-COUNT-3: <path class="line
// CHECK:      <h2>Peak against recomputation</h2>
// CHECK-COUNT-2: <path class="line
// CHECK-COUNT-6: class="k1"><title>
// CHECK:      class="k0"><title>this partition: 1.6 kB</title>
// CHECK:      <h2>Saved values</h2>
// CHECK:      <code>k1</code></td><td>tensor&lt;8x16xf32&gt;</td><td class="n">512 B</td><td>it would take 512 operations</td>
// CHECK:      <code>k4</code>{{.*}}<td>it would take 2048 operations</td><td>{{.*}}model.py:4 <code>z = a @ b &lt; 1</code></td>
// CHECK:      <h2>Recomputed values</h2>
// CHECK:      <code>k2</code>{{.*}}<td class="n">28.57 %</td>
// CHECK-NOT:  <code>k
// CHECK:      </html>

// JSON:      "reasons": {
// JSON:        "k1": "it would take 512 operations",
// JSON-NEXT:   "k4": "it would take 2048 operations"

// TEXT:      partition of 'joint': saves 4 values, 1.0 kB of them activations; recomputes 1 node{{$}}
// TEXT-NEXT:   peak             █{{.*}}·    1.6 kB, 28.57 % more operations
// TEXT-NEXT:   functorch        ████████████████████████████████████████    2.1 kB
// TEXT-NEXT:   smallest found   {{.*}} 1.0 kB
// TEXT-NEXT:   bound            {{.*}} 1.5 kB

// EXACT: saves 3 values

// UNWRITABLE: cannot write the page '{{.*}}page.html'
func.func @joint(
    %a1: tensor<8x2xf32> {fx.role = "input", fx.name = "a1"},
    %a2: tensor<8x4xf32> {fx.role = "input", fx.name = "a2"},
    %a4: tensor<8x8xf32> {fx.role = "input", fx.name = "a4"},
    %b1: tensor<2x16xf32> {fx.role = "input", fx.name = "b1"},
    %b2: tensor<4x16xf32> {fx.role = "input", fx.name = "b2"},
    %b4: tensor<8x16xf32> {fx.role = "input", fx.name = "b4"},
    %t: tensor<8x16xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "output"},
        tensor<f32> {fx.role = "output"}, tensor<f32> {fx.role = "gradient"},
        tensor<f32> {fx.role = "gradient"}, tensor<f32> {fx.role = "gradient"}) {
  %k1 = fx.mm %a1, %b1 : (tensor<8x2xf32>, tensor<2x16xf32>) -> tensor<8x16xf32> loc("k1")
  %s1 = fx.sum %k1 : (tensor<8x16xf32>) -> tensor<f32>
  %k2 = fx.mm %a2, %b2 : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32> loc("k2")
  %s2 = fx.sum %k2 : (tensor<8x16xf32>) -> tensor<f32>
  %k4 = fx.mm %a4, %b4 : (tensor<8x8xf32>, tensor<8x16xf32>) -> tensor<8x16xf32> loc("k4"("MODEL":4:1))
  %s4 = fx.sum %k4 : (tensor<8x16xf32>) -> tensor<f32>
  %g1 = fx.mul %t, %k1 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r1 = fx.sum %g1 : (tensor<8x16xf32>) -> tensor<f32>
  %g2 = fx.mul %t, %k2 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r2 = fx.sum %g2 : (tensor<8x16xf32>) -> tensor<f32>
  %g4 = fx.mul %t, %k4 : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r4 = fx.sum %g4 : (tensor<8x16xf32>) -> tensor<f32>
  return %s1, %s2, %s4, %r1, %r2, %r4 : tensor<f32>, tensor<f32>, tensor<f32>,
    tensor<f32>, tensor<f32>, tensor<f32>
}
