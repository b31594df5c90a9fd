//===- ATenBinding.h - fx ops and the ATen overloads they stand for -*- C++ -*-===//
//
// A binding tells how the arguments of an ATen overload map to the operands
// and attributes of an fx op:
//
//   aten.add.Tensor(self, other, alpha)       same names on both sides
//   prims.rev.default(a:self, dims)           schema argument `a`, op's `self`
//   aten.ones.default(size, dtype, fill_value=1)
//       an argument with a literal: if the schema has it, it must equal the
//       literal on import; if only the op has it, it takes the literal
//
// Schema arguments that a binding does not list must have their default value
// on import. Schema arguments of ODS name `size` (or any other that the op
// also has as `static_<name>`) are mixed lists of constants and SymInts.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_ATENBINDING_H
#define FX_IR_ATENBINDING_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::fx {

struct ATenArgument {
  llvm::StringRef schemaName; ///< Name in the ATen schema.
  llvm::StringRef opName;     ///< Name of the operand or attribute.
  llvm::StringRef literal;    ///< Text after `=`, empty if there is none.
};

struct ATenBinding {
  llvm::StringRef overload;            ///< "aten.add.Tensor"
  llvm::StringRef opName;              ///< "fx.add"
  llvm::SmallVector<ATenArgument> arguments;

  /// "aten.add": the overload without its last part.
  llvm::StringRef getPacket() const { return overload.rsplit('.').first; }
};

/// The binding of an overload ("aten.add.Tensor"), null if fx has no op for it.
const ATenBinding *lookupATenBinding(llvm::StringRef overload);
/// The bindings of an op ("fx.add") in the order of its definition.
llvm::ArrayRef<ATenBinding> getATenBindings(llvm::StringRef opName);
/// One operand or attribute of an op.
struct OpArgument {
  enum class Kind { Operand, OptionalOperand, VariadicOperand, Attribute };
  llvm::StringRef name;
  Kind kind;
  /// Of an attribute: its C++ class without namespace, as `IntegerAttr`.
  llvm::StringRef attributeClass;
};
/// The operands and attributes of an op that has bindings, in the order of its
/// definition.
llvm::ArrayRef<OpArgument> getOpArguments(llvm::StringRef opName);

/// The packet an op belongs to ("aten.add"): of its first binding, of the
/// target for `fx.call`; empty if it has none.
llvm::StringRef getATenPacket(Operation *op);

namespace detail {
/// Called for each op when the dialect is loaded first.
void registerATenBindings(llvm::StringRef opName, llvm::StringRef bindings,
                          llvm::StringRef arguments);
} // namespace detail

} // namespace mlir::fx

#endif
