// The interpreter draws the numbers of compiled code, bit for bit for rand; the
// logarithm and the cosine of randn may round otherwise.
// RUN: fx-run %s --function=rand --seed=7 --outputs %t.code.npz
// RUN: fx-run %s --interpret --function=rand --seed=7 --outputs %t.interpreted.npz
// RUN: %python -c "import sys, numpy as np; a, b = map(np.load, sys.argv[1:]); assert (a['out_0'] == b['out_0']).all(); assert len(set(a['out_0'])) == 9; assert (a['out_1'] == b['out_1']).all(); np.testing.assert_allclose(a['out_2'], b['out_2'], rtol=1e-5)" %t.code.npz %t.interpreted.npz
// Also after decompositions and the fusion of seeds.
// RUN: fx-run %s --interpret --stop-after=post-grad --function=rand --seed=7 --outputs %t.stages.npz
// RUN: %python -c "import sys, numpy as np; a, b = map(np.load, sys.argv[1:]); assert (a['out_0'] == b['out_0']).all(); np.testing.assert_allclose(a['out_1'], b['out_1'], rtol=1e-6); np.testing.assert_allclose(a['out_2'], b['out_2'], rtol=1e-6)" %t.interpreted.npz %t.stages.npz
func.func @rand() -> (tensor<9xf32>, tensor<20xf32>, tensor<9xf32>) {
  %seeds = fx.seeds {count = 2 : i64} : tensor<2xi64>
  %first = fx.lookup_seed %seeds {index = 0 : i64} : (tensor<2xi64>) -> tensor<i64>
  %second = fx.lookup_seed %seeds {index = 1 : i64} : (tensor<2xi64>) -> tensor<i64>
  %0 = fx.random %first sizes = [9] {mode = "rand", offset = 3 : i64} : tensor<i64> -> tensor<9xf32>
  %x = arith.constant dense<2.0> : tensor<20xf32>
  %1 = fx.dropout %x {p = 0.25 : f64, train = true} : (tensor<20xf32>) -> tensor<20xf32>
  %2 = fx.random %second sizes = [9] {mode = "randn", offset = 3 : i64} : tensor<i64> -> tensor<9xf32>
  return %0, %1, %2 : tensor<9xf32>, tensor<20xf32>, tensor<9xf32>
}
