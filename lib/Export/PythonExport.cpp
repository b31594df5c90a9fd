//===- PythonExport.cpp - fx modules as Python files ----------------------===//

#include "fx/Export/PythonExport.h"
#include "PythonExportImpl.h"
#include "fx/IR/ControlFlowOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fx;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string fx::toPythonIdentifier(StringRef name) {
  static const llvm::StringSet<> reserved = {
      "False", "None",   "True",     "and",    "as",      "assert", "async",
      "await", "break",  "class",    "continue", "def",   "del",    "elif",
      "else",  "except", "finally",  "float",  "for",     "from",   "global",
      "if",    "import", "in",       "int",    "is",      "lambda", "max",
      "min",   "nonlocal", "not",    "or",     "pass",    "raise",  "return",
      "torch", "try",    "while",    "with",   "yield"};
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) || c == '_' ? c : '_';
  // Names with a leading underscore are the helpers'.
  if (result.empty() || llvm::isDigit(result.front()) || result[0] == '_')
    result = "v" + result;
  return reserved.contains(result) ? result + "_" : result;
}

std::string PythonNames::makeUnique(StringRef base) {
  std::string unique = base.str();
  while (used.contains(unique))
    unique = base.str() + "_" + std::to_string(++used[base]);
  used.try_emplace(unique, 0);
  return unique;
}

StringRef PythonNames::define(Value value) {
  std::string name = getNodeName(value);
  return texts[value] =
             makeUnique(toPythonIdentifier(name.empty() ? "v" : name));
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

static StringRef getComparison(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return "==";
  case P::ne:
    return "!=";
  case P::slt:
  case P::ult:
    return "<";
  case P::sle:
  case P::ule:
    return "<=";
  case P::sgt:
  case P::ugt:
    return ">";
  case P::sge:
  case P::uge:
    return ">=";
  }
  llvm_unreachable("all predicates are handled");
}

/// Arithmetic on scalars and sizes; empty for other ops.
static std::string formatScalarOp(Operation *op, const PythonNames &names) {
  auto operand = [&](unsigned i) { return names.get(op->getOperand(i)).str(); };
  auto binary = [&](StringRef symbol) {
    return "(" + operand(0) + " " + symbol.str() + " " + operand(1) + ")";
  };
  auto call = [&](StringRef callee) {
    SmallVector<StringRef> parts;
    for (Value value : op->getOperands())
      parts.push_back(names.get(value));
    return callee.str() + "(" + llvm::join(parts, ", ") + ")";
  };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case<arith::AddIOp, arith::AddFOp>([&](auto) { return binary("+"); })
      .Case<arith::SubIOp, arith::SubFOp>([&](auto) { return binary("-"); })
      .Case<arith::MulIOp, arith::MulFOp>([&](auto) { return binary("*"); })
      .Case<arith::FloorDivSIOp, arith::DivUIOp>(
          [&](auto) { return binary("//"); })
      .Case<arith::DivFOp>([&](auto) { return binary("/"); })
      .Case<arith::RemUIOp>([&](auto) { return binary("%"); })
      .Case<arith::CeilDivSIOp>(
          [&](auto) { return "-(-" + operand(0) + " // " + operand(1) + ")"; })
      .Case<arith::DivSIOp>([&](auto) { return "int(" + binary("/") + ")"; })
      .Case<arith::RemSIOp>([&](auto) {
        return "(" + operand(0) + " - int(" + binary("/") + ") * " +
               operand(1) + ")";
      })
      .Case<arith::MaxSIOp, arith::MaximumFOp>(
          [&](auto) { return call("max"); })
      .Case<arith::MinSIOp, arith::MinimumFOp>(
          [&](auto) { return call("min"); })
      .Case<arith::AndIOp>([&](auto) { return binary("&"); })
      .Case<arith::OrIOp>([&](auto) { return binary("|"); })
      .Case<arith::XOrIOp>([&](auto) { return binary("^"); })
      .Case<arith::SIToFPOp>([&](auto) { return call("float"); })
      .Case<arith::FPToSIOp, arith::ExtUIOp>([&](auto) { return call("int"); })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
        return binary(getComparison(compare.getPredicate()));
      })
      .Case<arith::SelectOp>([&](auto) {
        return "(" + operand(1) + " if " + operand(0) + " else " + operand(2) +
               ")";
      })
      .Case<tensor::CastOp>([&](auto) { return operand(0); })
      .Default([](Operation *) { return std::string(); });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static const char *const kPreamble = R"(import torch


def _pick(values, indices):
    return [values[i] for i in indices]


def _seeds(count):
    return torch.randint(-(2**63), 2**63 - 1, [count], dtype=torch.int64)


def _philox(seed, index):
    """Philox4x32-10: word index % 4 of block index // 4, key = seed."""
    mask = 0xFFFFFFFF
    block = index >> 2
    c0, c1 = block & mask, (block >> 32) & mask
    c2, c3 = torch.zeros_like(block), torch.zeros_like(block)
    k0, k1 = seed & mask, (seed >> 32) & mask

    def multiply(a, b):
        # 32 x 32 bits by halves: the product may not fit a signed int64.
        low = a * (b & 0xFFFF)
        high = a * (b >> 16)
        total = low + ((high & 0xFFFF) << 16)
        return ((high >> 16) + (total >> 32)) & mask, total & mask

    for _ in range(10):
        h0, l0 = multiply(c0, 0xD2511F53)
        h1, l1 = multiply(c2, 0xCD9E8D57)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    word = index & 3
    return torch.where(
        word < 2, torch.where(word == 0, c0, c1), torch.where(word == 2, c2, c3)
    )


def _random(size, seed, mode, offset):
    count = 1
    for length in size:
        count *= length
    index = torch.arange(count, dtype=torch.int64) + offset
    if mode == "rand":
        return ((_philox(seed, index) >> 8).float() / 2**24).reshape(size)
    # Box-Muller on the two words of a pair.
    first = (_philox(seed, index & -2) + 1).double() / 2**32
    second = _philox(seed, index | 1).double() / 2**32
    radius, angle = torch.sqrt(-2 * torch.log(first)), 2 * torch.pi * second
    value = torch.where(index & 1 == 0, torch.cos(angle), torch.sin(angle))
    return (radius * value).float().reshape(size)
)";

static void printShape(Type type, llvm::raw_ostream &os) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    os << "\"dtype\": None, \"shape\": None";
    return;
  }
  os << "\"dtype\": " << toPythonDtype(tensor.getElementType())
     << ", \"shape\": [";
  llvm::interleaveComma(tensor.getShape(), os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << "None";
    else
      os << size;
  });
  os << "]";
}

static void printSignature(func::FuncOp function, llvm::raw_ostream &os) {
  os << "SIGNATURES[" << toPythonString(function.getName())
     << "] = {\n    \"arguments\": [\n";
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    os << "        {\"name\": " << toPythonString(getArgName(function, i))
       << ", \"role\": " << toPythonString(getArgRole(function, i)) << ", ";
    printShape(function.getArgumentTypes()[i], os);
    os << ", \"requires_grad\": "
       << (function.getArgAttr(i, kRequiresGradAttr) ? "True" : "False")
       << "},\n";
  }
  os << "    ],\n    \"results\": [\n";
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    StringRef name = getResultName(function, i);
    if (auto mutates =
            function.getResultAttrOfType<StringAttr>(i, kMutatesAttr))
      name = mutates.getValue();
    os << "        {\"name\": " << toPythonString(name)
       << ", \"role\": " << toPythonString(getResultRole(function, i)) << ", ";
    printShape(function.getResultTypes()[i], os);
    os << "},\n";
  }
  os << "    ],\n}\n";
}

/// The expression of an op, by its kind.
static FailureOr<std::string> formatOp(Operation *op,
                                       const PythonNames &names) {
  if (auto call = dyn_cast<func::CallOp>(op)) {
    SmallVector<StringRef> parts;
    for (Value operand : call.getOperands())
      parts.push_back(names.get(operand));
    return toPythonIdentifier(call.getCallee()) + "(" +
           llvm::join(parts, ", ") + ")";
  }
  std::string text = formatScalarOp(op, names);
  if (!text.empty())
    return text;
  return toPythonCall(op, names);
}

static LogicalResult exportOp(Operation &op, PythonNames &names,
                              StringRef indent, llvm::raw_ostream &os) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::string text = toPythonLiteral(constant.getValue());
    if (text.empty())
      return op.emitOpError("has no Python literal");
    names.define(constant, text);
    return success();
  }
  if (auto result = dyn_cast<func::ReturnOp>(op)) {
    os << indent << "return [";
    llvm::interleaveComma(result.getOperands(), os,
                          [&](Value value) { os << names.get(value); });
    os << "]\n";
    return success();
  }
  FailureOr<std::string> text = exportControlFlow(&op, names, indent, os);
  if (succeeded(text) && text->empty())
    text = formatOp(&op, names);
  if (failed(text))
    return failure();
  SmallVector<std::string> results;
  for (Value result : op.getResults())
    results.push_back(names.define(result).str());
  // Calls that give a list in Python are unpacked, also lists of one.
  bool isList = results.size() != 1 || op.getNumRegions() ||
                isa<func::CallOp, ConvolutionBackwardOp, SplitOp,
                    SplitWithSizesOp, ChunkOp, UnbindOp>(op);
  os << indent;
  if (isList && !results.empty())
    os << "[" << llvm::join(results, ", ") << "] = ";
  else if (!results.empty())
    os << results.front() << " = ";
  os << *text << "\n";
  return success();
}

LogicalResult fx::exportBlock(Block &block, PythonNames &names,
                              StringRef indent, llvm::raw_ostream &os) {
  for (Operation &op : block)
    if (!isa<YieldOp>(op) && failed(exportOp(op, names, indent, os)))
      return failure();
  return success();
}

static LogicalResult exportFunction(func::FuncOp function,
                                    llvm::raw_ostream &os) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("must have exactly one block to become Python");
  PythonNames names;
  os << "\n\ndef " << toPythonIdentifier(function.getName()) << "(";
  llvm::interleaveComma(function.getArguments(), os, [&](Value argument) {
    os << names.define(argument);
  });
  os << "):\n";
  if (failed(exportBlock(function.front(), names, "    ", os)))
    return failure();
  os << "\n\n";
  printSignature(function, os);
  return success();
}

LogicalResult fx::exportToPython(ModuleOp module, llvm::raw_ostream &os) {
  os << kPreamble << "\n\nSIGNATURES = {}\n";
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function)
      return op.emitOpError("has no counterpart in Python");
    if (!function.isDeclaration() && failed(exportFunction(function, os)))
      return failure();
  }
  return success();
}
