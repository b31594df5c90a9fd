//===- OpFamily.h - Registration of one family of ops -----------*- C++ -*-===//

#ifndef FX_LIB_IR_OPFAMILY_H
#define FX_LIB_IR_OPFAMILY_H

#include "fx/IR/ATenBinding.h"
#include "fx/IR/FXOps.h"

namespace mlir::fx::detail {

template <typename OpTy, typename = void>
struct HasATenBindings : std::false_type {};
template <typename OpTy>
struct HasATenBindings<OpTy, std::void_t<decltype(OpTy::getATenBindings())>>
    : std::true_type {};

template <typename OpTy>
void registerOpBindings() {
  if constexpr (HasATenBindings<OpTy>::value)
    registerATenBindings(OpTy::getOperationName(), OpTy::getATenBindings(),
                         OpTy::getArgumentText());
}

template <typename... OpTys>
void registerFamilyBindings() {
  (registerOpBindings<OpTys>(), ...);
}

} // namespace mlir::fx::detail

#endif
