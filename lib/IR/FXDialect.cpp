//===- FXDialect.cpp - The fx dialect --------------------------------------===//

#include "fx/IR/FXDialect.h"
#include "fx/IR/FXOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::fx;

#include "fx/IR/FXDialect.cpp.inc"
#include "fx/IR/FXInterfaces.cpp.inc"

void FXDialect::initialize() {
  addPointwiseUnaryOps();
  addPointwiseBinaryOps();
  addComparisonOps();
  addViewOps();
  addCreationOps();
  addReductionOps();
  addContractionOps();
  addConvolutionOps();
  addNormalizationOps();
  addIndexingOps();
  addRandomOps();
  addSymbolicOps();
  addCallOps();
  addKernelOps();
}

Operation *FXDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

static const llvm::StringSet<> &getArgumentRoles() {
  static const llvm::StringSet<> roles = {
      role::parameter, role::buffer,  role::input, role::constant,
      role::seed,      role::tangent, role::saved};
  return roles;
}

static const llvm::StringSet<> &getResultRoles() {
  static const llvm::StringSet<> roles = {role::output, role::loss,
                                          role::gradient, role::mutation,
                                          role::saved};
  return roles;
}

static LogicalResult verifyBoundaryAttr(Operation *op, NamedAttribute attr,
                                        const llvm::StringSet<> &roles,
                                        StringRef place) {
  StringRef name = attr.getName();
  if (name == kRoleAttr) {
    auto text = dyn_cast<StringAttr>(attr.getValue());
    if (!text || !roles.contains(text.getValue()))
      return op->emitError() << "fx.role of " << place << " is "
                             << attr.getValue()
                             << ", which is none of its roles";
    return success();
  }
  if (name == kNameAttr || name == kMutatesAttr) {
    if (!isa<StringAttr>(attr.getValue()))
      return op->emitError() << name << " of " << place << " must be a string";
    return success();
  }
  // kSizeHintsAttr of the partitioner, which says how many there must be.
  if (name == kStridesAttr || name == "fx.size_hints") {
    if (!isa<DenseI64ArrayAttr>(attr.getValue()))
      return op->emitError()
             << name << " of " << place << " must be array<i64: …>";
    return success();
  }
  // kFrozenAttr of the targets.
  if (name == kRequiresGradAttr || name == "fx.frozen") {
    if (!isa<UnitAttr>(attr.getValue()))
      return op->emitError() << name << " of " << place << " takes no value";
    return success();
  }
  return op->emitError() << "unknown attribute " << name << " on " << place;
}

LogicalResult FXDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                  unsigned argIndex,
                                                  NamedAttribute attr) {
  return verifyBoundaryAttr(op, attr, getArgumentRoles(),
                            "argument " + std::to_string(argIndex));
}

LogicalResult FXDialect::verifyRegionResultAttribute(Operation *op, unsigned,
                                                     unsigned resultIndex,
                                                     NamedAttribute attr) {
  return verifyBoundaryAttr(op, attr, getResultRoles(),
                            "result " + std::to_string(resultIndex));
}

LogicalResult FXDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attr) {
  if (attr.getName() == kResultNamesAttr) {
    auto names = dyn_cast<ArrayAttr>(attr.getValue());
    if (!names || names.size() != op->getNumResults() ||
        !llvm::all_of(names, llvm::IsaPred<StringAttr>))
      return op->emitError(kResultNamesAttr)
             << " must be an array of " << op->getNumResults()
             << " strings, one for each result";
  }
  if (attr.getName() == kRematAttr) {
    static const llvm::StringSet<> values = {
        "must_save", "must_recompute", "prefer_save", "prefer_recompute"};
    auto text = dyn_cast<StringAttr>(attr.getValue());
    if (!text || !values.contains(text.getValue()))
      return op->emitError(kRematAttr)
             << " must be must_save, must_recompute, prefer_save or "
                "prefer_recompute";
  }
  return success();
}

static StringRef getString(Attribute attr) {
  auto text = dyn_cast_or_null<StringAttr>(attr);
  return text ? text.getValue() : StringRef();
}

StringRef fx::getArgRole(FunctionOpInterface function, unsigned index) {
  return getString(function.getArgAttr(index, kRoleAttr));
}

StringRef fx::getResultRole(FunctionOpInterface function, unsigned index) {
  return getString(function.getResultAttr(index, kRoleAttr));
}

StringRef fx::getArgName(FunctionOpInterface function, unsigned index) {
  return getString(function.getArgAttr(index, kNameAttr));
}

StringRef fx::getResultName(FunctionOpInterface function, unsigned index) {
  return getString(function.getResultAttr(index, kNameAttr));
}

std::string fx::getNodeName(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast_or_null<FunctionOpInterface>(
        argument.getOwner()->getParentOp());
    if (function && argument.getOwner()->isEntryBlock())
      if (StringRef name = getArgName(function, argument.getArgNumber());
          !name.empty())
        return name.str();
    if (auto named = dyn_cast<NameLoc>(argument.getLoc()))
      return named.getName().str();
    return "";
  }
  Operation *op = value.getDefiningOp();
  if (auto names = op->getAttrOfType<ArrayAttr>(kResultNamesAttr))
    return getString(names[cast<OpResult>(value).getResultNumber()]).str();
  if (auto named = dyn_cast<NameLoc>(op->getLoc()))
    return named.getName().str();
  return "";
}

Location fx::getNodeLoc(StringRef name, Location child) {
  return NameLoc::get(StringAttr::get(child.getContext(), name), child);
}

std::string fx::getPythonLine(Location location) {
  std::string line;
  location->walk([&](Location part) {
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    line = file.getFilename().str() + ":" + std::to_string(file.getLine());
    return WalkResult::interrupt();
  });
  return line;
}
