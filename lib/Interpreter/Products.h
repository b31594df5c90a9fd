//===- Products.h - Products of matrices ------------------------*- C++ -*-===//

#ifndef FX_LIB_INTERPRETER_PRODUCTS_H
#define FX_LIB_INTERPRETER_PRODUCTS_H

#include <cstdint>
#include <vector>

namespace mlir::fx::interp {

/// a[rows, inner] @ b[inner, columns], dense, added to `result`. The terms of
/// each element are added in the order of the inner dimension.
template <typename T>
void addProduct(const T *a, const T *b, T *result, int64_t rows, int64_t inner,
                int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < inner; ++k) {
      T factor = a[i * inner + k];
      const T *row = b + k * columns;
      T *to = result + i * columns;
      for (int64_t j = 0; j < columns; ++j)
        to[j] += factor * row[j];
    }
}

/// The transpose of a dense matrix.
template <typename T>
std::vector<T> transpose(const T *matrix, int64_t rows, int64_t columns) {
  std::vector<T> result(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result[j * rows + i] = matrix[i * columns + j];
  return result;
}

} // namespace mlir::fx::interp

#endif
