//===- FXDialect.h - The fx dialect and its attribute names -----*- C++ -*-===//

#ifndef FX_IR_FXDIALECT_H
#define FX_IR_FXDIALECT_H

#include "mlir/IR/Dialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "fx/IR/FXDialect.h.inc"

namespace mlir::fx {

// Names of the discardable attributes on functions, arguments and results.
inline constexpr llvm::StringLiteral kRoleAttr = "fx.role";
inline constexpr llvm::StringLiteral kNameAttr = "fx.name";
inline constexpr llvm::StringLiteral kRequiresGradAttr = "fx.requires_grad";
inline constexpr llvm::StringLiteral kMutatesAttr = "fx.mutates";
inline constexpr llvm::StringLiteral kStridesAttr = "fx.strides";
/// On an op with several results: one FX node name each ("" if unused).
inline constexpr llvm::StringLiteral kResultNamesAttr = "fx.result_names";
/// On an op: what the partitioner must or may do with its value.
inline constexpr llvm::StringLiteral kRematAttr = "fx.remat";

// Values of fx.role.
namespace role {
inline constexpr llvm::StringLiteral parameter = "parameter";
inline constexpr llvm::StringLiteral buffer = "buffer";
inline constexpr llvm::StringLiteral input = "input";
inline constexpr llvm::StringLiteral constant = "constant";
inline constexpr llvm::StringLiteral seed = "seed";
inline constexpr llvm::StringLiteral tangent = "tangent";
inline constexpr llvm::StringLiteral saved = "saved";
inline constexpr llvm::StringLiteral output = "output";
inline constexpr llvm::StringLiteral loss = "loss";
inline constexpr llvm::StringLiteral gradient = "gradient";
inline constexpr llvm::StringLiteral mutation = "mutation";
} // namespace role

/// The role of argument `index`, empty if it has none.
llvm::StringRef getArgRole(FunctionOpInterface function, unsigned index);
/// The role of result `index`, empty if it has none.
llvm::StringRef getResultRole(FunctionOpInterface function, unsigned index);
/// `fx.name` of an argument or result, empty if it has none.
llvm::StringRef getArgName(FunctionOpInterface function, unsigned index);
llvm::StringRef getResultName(FunctionOpInterface function, unsigned index);

/// The FX node name of a value: of an argument its `fx.name`, of a result its
/// entry in `fx.result_names` or the `NameLoc` of its op. Empty if it has none.
std::string getNodeName(Value value);
/// A location that names a node; `child` is where it stands in Python.
Location getNodeLoc(llvm::StringRef name, Location child);
/// The file:line part of a node's location ("" if unknown), for messages.
std::string getPythonLine(Location location);

} // namespace mlir::fx

#endif
