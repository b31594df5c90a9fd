//===- ControlFlow.cpp - Control flow as higher-order operators -----------===//
//
// A region becomes a function inside of the function, as in FX: it takes all
// it uses as arguments.
//
//===----------------------------------------------------------------------===//

#include "PythonExportImpl.h"
#include "fx/IR/ControlFlowOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fx;

static std::string listOf(ValueRange values, const PythonNames &names,
                          bool isTuple = true) {
  std::string text;
  for (Value value : values)
    text += names.get(value).str() + ", ";
  return isTuple ? "(" + text + ")" : "[" + text + "]";
}

/// Writes a region as a function; returns its name. With `single` the function
/// gives its value, else a tuple.
static FailureOr<std::string> exportRegion(Region &region, StringRef name,
                                           bool single, PythonNames &names,
                                           StringRef indent,
                                           llvm::raw_ostream &os) {
  std::string function = names.makeUnique(name);
  PythonNames inner;
  os << indent << "def " << function << "(";
  llvm::interleaveComma(region.getArguments(), os, [&](Value argument) {
    os << inner.define(argument);
  });
  os << "):\n";
  std::string deeper = (indent + "    ").str();
  Block &body = region.front();
  if (failed(exportBlock(body, inner, deeper, os)))
    return failure();
  ValueRange values = body.getTerminator()->getOperands();
  os << deeper << "return "
     << (single ? inner.get(values.front()).str() : listOf(values, inner))
     << "\n";
  return function;
}

FailureOr<std::string> fx::exportControlFlow(Operation *op, PythonNames &names,
                                             StringRef indent,
                                             llvm::raw_ostream &os) {
  auto write = [&](Region &region, StringRef name, bool single = false) {
    return exportRegion(region, name, single, names, indent, os);
  };
  std::string callee = "torch.ops.higher_order.";
  if (auto cond = dyn_cast<CondOp>(op)) {
    FailureOr<std::string> first = write(cond.getThenRegion(), "true_graph");
    FailureOr<std::string> second = write(cond.getElseRegion(), "false_graph");
    if (failed(first) || failed(second))
      return failure();
    return callee + "cond(" + names.get(cond.getPred()).str() + ", " + *first +
           ", " + *second + ", " + listOf(cond.getInputs(), names) + ")";
  }
  if (auto loop = dyn_cast<WhileOp>(op)) {
    FailureOr<std::string> condition =
        write(loop.getCondRegion(), "cond_graph", /*single=*/true);
    FailureOr<std::string> body = write(loop.getBodyRegion(), "body_graph");
    if (failed(condition) || failed(body))
      return failure();
    return callee + "while_loop(" + *condition + ", " + *body + ", " +
           listOf(loop.getCarried(), names) + ", " +
           listOf(loop.getAdditional(), names) + ")";
  }
  if (auto scan = dyn_cast<ScanOp>(op)) {
    FailureOr<std::string> body = write(scan.getBody(), "combine_graph");
    if (failed(body))
      return failure();
    return callee + "scan(" + *body + ", " +
           listOf(scan.getInit(), names, false) + ", " +
           listOf(scan.getXs(), names, false) + ", " +
           listOf(scan.getAdditional(), names) + ")";
  }
  if (auto map = dyn_cast<MapOp>(op)) {
    FailureOr<std::string> body = write(map.getBody(), "map_graph");
    if (failed(body))
      return failure();
    return callee + "map_impl(" + *body + ", " +
           listOf(map.getXs(), names, false) + ", " +
           listOf(map.getAdditional(), names, false) + ")";
  }
  return std::string();
}
