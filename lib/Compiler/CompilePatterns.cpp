//===- CompilePatterns.cpp - Checks PDL and makes it ready to run ---------===//

#include "fx/Compiler/PatternFile.h"
#include "fx/Compiler/PatternFunctions.h"
#include "fx/Support/RewriteAction.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDL/IR/PDLTypes.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fx;

static PDLValue::Kind getKind(Type type) {
  if (auto range = dyn_cast<pdl::RangeType>(type))
    return isa<pdl::TypeType>(range.getElementType())
               ? PDLValue::Kind::TypeRange
               : PDLValue::Kind::ValueRange;
  if (isa<pdl::OperationType>(type))
    return PDLValue::Kind::Operation;
  if (isa<pdl::TypeType>(type))
    return PDLValue::Kind::Type;
  return isa<pdl::ValueType>(type) ? PDLValue::Kind::Value
                                   : PDLValue::Kind::Attribute;
}

/// As PDLL writes it.
static StringRef getKindName(PDLValue::Kind kind) {
  switch (kind) {
  case PDLValue::Kind::Attribute:
    return "Attr";
  case PDLValue::Kind::Operation:
    return "Op";
  case PDLValue::Kind::Type:
    return "Type";
  case PDLValue::Kind::TypeRange:
    return "TypeRange";
  case PDLValue::Kind::Value:
    return "Value";
  case PDLValue::Kind::ValueRange:
    return "ValueRange";
  }
  llvm_unreachable("unknown kind");
}

static std::string describe(ArrayRef<PDLValue::Kind> kinds) {
  std::string text = "(";
  llvm::interleave(
      kinds, [&](PDLValue::Kind kind) { text += getKindName(kind); },
      [&] { text += ", "; });
  return text + ")";
}

/// A call of a native function against its signature.
static LogicalResult checkCall(Operation *op, StringRef name,
                               const PatternFunction *function, StringRef what,
                               ArrayRef<StringRef> known, TypeRange arguments,
                               TypeRange results) {
  if (!function)
    return emitError(op->getLoc())
           << "there is no native " << what << " '" << name
           << "'; there are " << llvm::join(known, ", ");
  auto given = llvm::map_to_vector(arguments, getKind);
  auto returned = llvm::map_to_vector(results, getKind);
  if (given != function->arguments)
    return emitError(op->getLoc())
           << what << " '" << name << "' takes "
           << describe(function->arguments) << ", not " << describe(given);
  if (returned != function->results)
    return emitError(op->getLoc())
           << what << " '" << name << "' returns "
           << describe(function->results) << ", not " << describe(returned);
  return success();
}

/// The name of an op in a pattern, and for one that a rewrite makes also that
/// its types can be found.
static LogicalResult checkOperation(pdl::OperationOp op) {
  std::optional<StringRef> name = op.getOpName();
  if (!name)
    return success();
  MLIRContext *context = op.getContext();
  StringRef dialect = name->split('.').first;
  if (!context->getOrLoadDialect(dialect)) {
    if (context->allowsUnregisteredDialects())
      return success();
    return emitError(op.getLoc())
           << "'" << *name << "' is of no known dialect";
  }
  auto info = RegisteredOperationName::lookup(*name, context);
  if (!info)
    return emitError(op.getLoc()) << "there is no operation '" << *name << "'";
  if (!isa<pdl::RewriteOp>(op->getParentOp()) || !op.getTypeValues().empty())
    return success();
  // The rule of an op with attributes reads them where PDL has not put them.
  if (info->hasInterface<InferTypeOpInterface>() &&
      !info->getAttributeNames().empty())
    return emitError(op.getLoc())
           << "'" << *name
           << "' has attributes, so its result types must be given: "
              "op<...>(...) {...} -> (type)";
  return success();
}

static LogicalResult checkRewrite(pdl::RewriteOp op) {
  std::optional<StringRef> name = op.getName();
  if (!name)
    return success();
  SmallVector<Type> arguments;
  if (op.getRoot())
    arguments.push_back(op.getRoot().getType());
  llvm::append_range(arguments, op.getExternalArgs().getTypes());
  return checkCall(op, *name, findPatternRewrite(*name), "rewrite",
                   listPatternRewrites(), arguments, {});
}

static LogicalResult check(Operation *op) {
  if (auto call = dyn_cast<pdl::ApplyNativeConstraintOp>(op)) {
    StringRef name = call.getName();
    return checkCall(op, name, findPatternConstraint(name), "constraint",
                     listPatternConstraints(), call.getOperandTypes(),
                     call.getResultTypes());
  }
  if (auto call = dyn_cast<pdl::ApplyNativeRewriteOp>(op)) {
    StringRef name = call.getName();
    return checkCall(op, name, findPatternRewrite(name), "rewrite",
                     listPatternRewrites(), call.getOperandTypes(),
                     call.getResultTypes());
  }
  if (auto rewrite = dyn_cast<pdl::RewriteOp>(op))
    return checkRewrite(rewrite);
  if (auto operation = dyn_cast<pdl::OperationOp>(op))
    return checkOperation(operation);
  return success();
}

/// What reports show of a pattern without a name is where it stands.
static std::string getPatternName(pdl::PatternOp pattern) {
  if (std::optional<StringRef> name = pattern.getSymName())
    return name->str();
  if (auto position = pattern.getLoc()->findInstanceOf<FileLineColLoc>())
    return (position.getFilename().getValue() + ":" +
            Twine(position.getLine()))
        .str();
  return "pattern";
}

/// Has each rewrite report its pattern first.
static void addReports(ModuleOp module, PDLPatternModule &patterns) {
  for (auto [i, pattern] :
       llvm::enumerate(module.getOps<pdl::PatternOp>())) {
    pdl::RewriteOp rewrite = pattern.getRewriter();
    // A native rewrite has no body to put a call into.
    if (!rewrite.getRoot() || rewrite.getName())
      continue;
    std::string function = "fx.report." + std::to_string(i);
    OpBuilder builder =
        OpBuilder::atBlockBegin(&rewrite.getBodyRegion().front());
    pdl::ApplyNativeRewriteOp::create(builder, rewrite.getLoc(), TypeRange(),
                                      function, rewrite.getRoot());
    patterns.registerRewriteFunction(
        function, [name = getPatternName(pattern)](PatternRewriter &rewriter,
                                                   Operation *root) {
          reportRewrite(rewriter.getContext(), name, RewriteRoot(root));
        });
  }
}

FailureOr<FrozenRewritePatternSet>
fx::compilePatterns(OwningOpRef<ModuleOp> module, StringRef path) {
  for (Operation &op : *module->getBody())
    if (!isa<pdl::PatternOp>(op))
      return emitError(op.getLoc())
             << "'" << op.getName() << "' is no pattern of PDL";
  if (module->getBody()->empty())
    return emitError(module->getLoc()) << path << " has no pattern";
  WalkResult result = module->walk(
      [](Operation *op) { return WalkResult(check(op)); });
  if (result.wasInterrupted())
    return failure();

  ModuleOp text = *module;
  PDLPatternModule patterns(std::move(module));
  for (StringRef name : listPatternConstraints())
    patterns.registerConstraintFunction(
        name, PDLConstraintFunction(findPatternConstraint(name)->constraint));
  for (StringRef name : listPatternRewrites())
    patterns.registerRewriteFunction(
        name, PDLRewriteFunction(findPatternRewrite(name)->rewrite));
  addReports(text, patterns);
  RewritePatternSet set(text.getContext());
  set.add(std::move(patterns));
  return FrozenRewritePatternSet(std::move(set));
}
