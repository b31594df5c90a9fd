//===- SymExpr.cpp - Symbolic sizes in SymPy's notation -------------------===//

#include "fx/Import/ExportedProgram.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::fx {

using graph::SymExpr;

namespace {
/// Expressions of sizes are small; the limit protects the stack.
constexpr unsigned maxDepth = 200;

class SymExprParser {
public:
  explicit SymExprParser(StringRef text) : whole(text), text(text) {}

  Expected<SymExpr> parse() {
    SymExpr expr;
    if (!parseExpr(expr, 0) || !text.trim().empty())
      return createStringError(inconvertibleErrorCode(),
                               "cannot understand the symbolic expression '" +
                                   whole + "'");
    return expr;
  }

private:
  bool take(StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }
  StringRef takeIdentifier() {
    text = text.ltrim();
    StringRef name = text.take_while(
        [](char c) { return isAlnum(c) || c == '_' || c == '.'; });
    text = text.drop_front(name.size());
    return name;
  }
  bool parseExpr(SymExpr &expr, unsigned depth) {
    if (depth > maxDepth)
      return false;
    text = text.ltrim();
    if (!text.empty() && (isDigit(text.front()) || text.front() == '-'))
      return !text.consumeInteger(10, expr.value);
    StringRef name = takeIdentifier();
    if (name.empty())
      return false;
    expr.kind = SymExpr::Kind::Apply;
    // `true` and names without arguments, such as `int_oo`, are leaves.
    expr.name = name.str();
    if (!take("("))
      return true;
    if (name == "Symbol")
      return parseSymbol(expr);
    while (!take(")")) {
      if (!parseExpr(expr.operands.emplace_back(), depth + 1))
        return false;
      if (!take(",") && !text.ltrim().starts_with(")"))
        return false;
    }
    if (name == "Integer") {
      if (expr.operands.size() != 1 || !expr.operands[0].isInteger())
        return false;
      int64_t value = expr.operands[0].value;
      expr = SymExpr();
      expr.value = value;
    }
    return true;
  }
  /// 's77', positive=True, integer=True): assumptions are not needed.
  bool parseSymbol(SymExpr &expr) {
    if (!take("'"))
      return false;
    auto [name, rest] = text.split('\'');
    size_t close = rest.find(')');
    if (name.size() == text.size() || close == StringRef::npos)
      return false;
    expr.kind = SymExpr::Kind::Symbol;
    expr.name = name.str();
    text = rest.drop_front(close + 1);
    return true;
  }

  StringRef whole, text;
};

void print(const SymExpr &expr, raw_ostream &os, bool nested) {
  switch (expr.kind) {
  case SymExpr::Kind::Integer:
    os << expr.value;
    return;
  case SymExpr::Kind::Symbol:
    os << expr.name;
    return;
  case SymExpr::Kind::Apply:
    break;
  }
  StringRef infix = StringSwitch<StringRef>(expr.name)
                        .Case("Add", " + ")
                        .Case("Mul", "*")
                        .Case("Pow", "**")
                        .Default("");
  auto printOperands = [&](StringRef separator, bool nested) {
    interleave(
        expr.operands, os,
        [&](const SymExpr &operand) { print(operand, os, nested); }, separator);
  };
  if (infix.empty()) {
    os << expr.name;
    if (expr.operands.empty())
      return;
    os << '(';
    printOperands(", ", false);
    os << ')';
    return;
  }
  if (nested)
    os << '(';
  printOperands(infix, true);
  if (nested)
    os << ')';
}
} // namespace

std::string graph::SymExpr::str() const {
  std::string text;
  raw_string_ostream os(text);
  print(*this, os, /*nested=*/false);
  return text;
}

Expected<SymExpr> parseSymExpr(StringRef text) {
  return SymExprParser(text).parse();
}

} // namespace mlir::fx
