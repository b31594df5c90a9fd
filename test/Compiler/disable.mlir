// A pass of a stage is left out by its name, in fx-opt and in fx-compile.
// RUN: fx-opt %s --joint-graph | FileCheck %s --check-prefix=ALL
// RUN: fx-opt %s --joint-graph="disable=fx-collapse-converts" | FileCheck %s --check-prefix=CONVERTS
// RUN: fx-opt %s --joint-graph="disable=fx-collapse-converts,fx-remove-noop-ops" | FileCheck %s --check-prefix=BOTH
// RUN: fx-compile %s --joint-graph="disable=fx-collapse-converts,fx-remove-noop-ops" --stop-after=joint-graph -o - | FileCheck %s --check-prefix=BOTH
// A pass that is off by default can be named; custom passes run all the same.
// RUN: fx-opt %s --joint-graph="disable=fx-scale-softmax,fx-collapse-converts custom-post=func.func(fx-collapse-converts)" | FileCheck %s --check-prefix=ALL
// RUN: fx-opt %s --post-grad="disable=fx-eliminate-dead-code" | FileCheck %s --check-prefix=DEAD
// RUN: fx-opt %s --post-grad | FileCheck %s --check-prefix=ALIVE
// RUN: fx-opt %s --pre-grad="disable=fx-normalize-ops,fx-fold-conv-batch-norm" | FileCheck %s --check-prefix=DEAD

// ALL-LABEL: @chain
// ALL:       fx.convert_element_type
// ALL-NOT:   fx.convert_element_type
// ALL-NOT:   fx.alias
// CONVERTS-LABEL: @chain
// CONVERTS-COUNT-2: fx.convert_element_type
// CONVERTS-NOT: fx.alias
// BOTH-LABEL: @chain
// BOTH-COUNT-2: fx.convert_element_type
// BOTH: fx.alias
// DEAD: fx.cos
// ALIVE-NOT: fx.cos
func.func @chain(%x: tensor<4xf16>) -> tensor<4xbf16> {
  %0 = fx.convert_element_type %x {dtype = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = fx.convert_element_type %0 {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = fx.alias %1 : (tensor<4xbf16>) -> tensor<4xbf16>
  %dead = fx.cos %1 : (tensor<4xbf16>) -> tensor<4xbf16>
  return %2 : tensor<4xbf16>
}

// An unknown name is an error that lists the passes of the stage.
// RUN: not fx-opt %s --joint-graph="disable=fx-merge-views" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: disable: this stage has no pass 'fx-merge-views'; its passes are fx-decompose, fx-remove-noop-ops, fx-fold-uniform-values,{{.*}} fx-bmm-to-mm,{{.*}} fx-fuse-seeds
// RUN: not fx-opt %s --pre-grad="disable=typo" 2>&1 | FileCheck %s --check-prefix=PRE
// PRE: no pass 'typo'; its passes are fx-normalize-ops, fx-sink-cat-after-pointwise,
// RUN: not fx-opt %s --post-grad="disable=typo" 2>&1 | FileCheck %s --check-prefix=POST
// POST: no pass 'typo'; its passes are fx-eliminate-dead-code, fx-reorder-for-locality,
// RUN: not fx-compile %s --post-grad="disable=typo" -o %t.so 2>&1 | FileCheck %s --check-prefix=POST
// RUN: not fx-run %s --joint-graph="disable=fx-merge-views" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not fx-compile %s --joint-graph="nonsense=1" -o %t.so 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: fx-compile: bad options 'nonsense=1' of joint-graph: {{.*}}nonsense
// RUN: not test -e %t.so

// The partition and the first half of the lowering take names, too.
// RUN: fx-opt %s --min-cut-partition="disable=fx-verify-partition" --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=PARTITION
// PARTITION: fx-partition
// PARTITION-NOT: fx-verify-partition
// RUN: not fx-opt %s --min-cut-partition="disable=typo" 2>&1 | FileCheck %s --check-prefix=NOPARTITION
// NOPARTITION: no pass 'typo'; its passes are fx-partition, fx-verify-partition
// RUN: fx-opt %s --fx-to-linalg="disable=canonicalize,cse" --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=LINALG
// LINALG: fx-lower-to-linalg
// LINALG-NOT: canonicalize
// LINALG: fx-verify-linalg
// RUN: not fx-opt %s --fx-to-linalg="disable=typo" 2>&1 | FileCheck %s --check-prefix=NOLINALG
// NOLINALG: no pass 'typo'; its passes are fx-decompose, fx-lower-to-linalg, canonicalize, cse, fx-verify-linalg

// Passes that are off by default are on where they are named, or for a GPU.
// RUN: fx-opt %s --joint-graph="enable=fx-scale-softmax,fx-fuse-attention" --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=ENABLED
// ENABLED: fx-fuse-attention
// ENABLED: fx-scale-softmax
// RUN: not fx-opt %s --post-grad="enable=typo" 2>&1 | FileCheck %s --check-prefix=NOENABLE
// NOENABLE: enable: this stage has no pass 'typo'; its passes are
// RUN: fx-opt %s --joint-graph="target=nvptx" --post-grad="target=nvptx disable=fx-fuse-addmm" --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: fx-bmm-to-mm
// GPU: fx-unfuse-bias-add
// RUN: fx-opt %s --joint-graph --post-grad --dump-pass-pipeline -o /dev/null 2>&1 | FileCheck %s --check-prefix=CPU
// CPU-NOT: fx-bmm-to-mm
// CPU-NOT: fx-unfuse-bias-add
// RUN: not fx-opt %s --joint-graph="target=tpu" 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not fx-compile %s --fx-to-linalg="disable=typo" -o %t.so 2>&1 | FileCheck %s --check-prefix=NOLINALG
// TARGET: unknown target 'tpu'; the targets are cpu and nvptx
