//===- SymbolicNodes.cpp - Arithmetic on sizes ----------------------------===//
//
// Python's operators on SymInt, SymFloat and SymBool as arith ops on i64, f64
// and i1.
//
//===----------------------------------------------------------------------===//

#include "GraphImporterImpl.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::fx;
using graph::Argument;
using graph::Node;

Value fx::convertScalar(OpBuilder &builder, Location loc, Value value,
                        Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  if (isa<FloatType>(type)) {
    if (from.isInteger(1))
      return arith::UIToFPOp::create(builder, loc, type, value);
    return arith::SIToFPOp::create(builder, loc, type, value);
  }
  if (isa<FloatType>(from))
    return arith::FPToSIOp::create(builder, loc, type, value);
  if (type.isInteger(1)) {
    Value zero = arith::ConstantOp::create(builder, loc,
                                           builder.getZeroAttr(from));
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                                 zero);
  }
  return arith::ExtUIOp::create(builder, loc, type, value);
}

namespace {
/// Builds one operation of Python on scalars of one type.
class ScalarBuilder {
public:
  ScalarBuilder(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc) {}

  /// Null if the target is no scalar operation or the operands do not fit.
  Value build(StringRef target, SmallVector<Value> operands);

private:
  Value buildUnary(StringRef target, Value x);
  Value buildBinary(StringRef target, Value x, Value y);
  Value compare(arith::CmpIPredicate integer, arith::CmpFPredicate real,
                Value x, Value y);
  /// Whole numbers rounded to an integer.
  Value toInteger(Value x) {
    return convertScalar(builder, loc, x, builder.getI64Type());
  }
  template <typename IntOp, typename FloatOp>
  Value byType(Value x, Value y) {
    if (isa<FloatType>(x.getType()))
      return FloatOp::create(builder, loc, x, y);
    return IntOp::create(builder, loc, x, y);
  }

  OpBuilder &builder;
  Location loc;
};

Value ScalarBuilder::compare(arith::CmpIPredicate integer,
                             arith::CmpFPredicate real, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(builder, loc, real, x, y);
  return arith::CmpIOp::create(builder, loc, integer, x, y);
}

Value ScalarBuilder::buildUnary(StringRef target, Value x) {
  bool isFloat = isa<FloatType>(x.getType());
  if (target == "_operator.pos" || target == "torch.sym_int" ||
      target == "math.trunc")
    return target == "_operator.pos" ? x : toInteger(x);
  if (target == "torch.sym_float")
    return convertScalar(builder, loc, x, builder.getF64Type());
  if (target == "_operator.neg") {
    if (isFloat)
      return arith::NegFOp::create(builder, loc, x);
    Value zero = arith::ConstantOp::create(builder, loc,
                                           builder.getZeroAttr(x.getType()));
    return arith::SubIOp::create(builder, loc, zero, x);
  }
  if (target == "torch.sym_not") {
    Value one =
        arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    return arith::XOrIOp::create(
        builder, loc, convertScalar(builder, loc, x, builder.getI1Type()),
        one);
  }
  Value real = convertScalar(builder, loc, x, builder.getF64Type());
  if (target == "math.ceil")
    return toInteger(math::CeilOp::create(builder, loc, real));
  if (target == "math.floor")
    return toInteger(math::FloorOp::create(builder, loc, real));
  if (target == "round")
    return toInteger(math::RoundEvenOp::create(builder, loc, real));
  if (target == "torch._sym_sqrt" || target == "math.sqrt")
    return math::SqrtOp::create(builder, loc, real);
  return Value();
}

Value ScalarBuilder::buildBinary(StringRef target, Value x, Value y) {
  using IntPredicate = arith::CmpIPredicate;
  using FloatPredicate = arith::CmpFPredicate;
  if (!target.consume_front("_operator."))
    return llvm::StringSwitch<function_ref<Value()>>(target)
        .Case("torch.sym_max",
              [&] { return byType<arith::MaxSIOp, arith::MaximumFOp>(x, y); })
        .Case("torch.sym_min",
              [&] { return byType<arith::MinSIOp, arith::MinimumFOp>(x, y); })
        .Default([] { return Value(); })();
  if (target == "add")
    return byType<arith::AddIOp, arith::AddFOp>(x, y);
  if (target == "sub")
    return byType<arith::SubIOp, arith::SubFOp>(x, y);
  if (target == "mul")
    return byType<arith::MulIOp, arith::MulFOp>(x, y);
  if (target == "and_")
    return arith::AndIOp::create(builder, loc, x, y);
  if (target == "or_")
    return arith::OrIOp::create(builder, loc, x, y);
  if (target == "truediv") {
    Type f64 = builder.getF64Type();
    return arith::DivFOp::create(builder, loc,
                                 convertScalar(builder, loc, x, f64),
                                 convertScalar(builder, loc, y, f64));
  }
  if (target == "floordiv" || target == "mod") {
    if (isa<FloatType>(x.getType()))
      return Value();
    // Python rounds the quotient down, so the remainder has y's sign.
    Value quotient = arith::FloorDivSIOp::create(builder, loc, x, y);
    if (target == "floordiv")
      return quotient;
    Value product = arith::MulIOp::create(builder, loc, quotient, y);
    return arith::SubIOp::create(builder, loc, x, product);
  }
  if (target == "pow") {
    if (isa<FloatType>(x.getType()))
      return math::PowFOp::create(builder, loc, x, y);
    return math::IPowIOp::create(builder, loc, x, y);
  }
  if (target == "eq")
    return compare(IntPredicate::eq, FloatPredicate::OEQ, x, y);
  if (target == "ne")
    return compare(IntPredicate::ne, FloatPredicate::UNE, x, y);
  if (target == "lt")
    return compare(IntPredicate::slt, FloatPredicate::OLT, x, y);
  if (target == "le")
    return compare(IntPredicate::sle, FloatPredicate::OLE, x, y);
  if (target == "gt")
    return compare(IntPredicate::sgt, FloatPredicate::OGT, x, y);
  if (target == "ge")
    return compare(IntPredicate::sge, FloatPredicate::OGE, x, y);
  return Value();
}

Value ScalarBuilder::build(StringRef target, SmallVector<Value> operands) {
  if (operands.size() == 1)
    return buildUnary(target, operands[0]);
  if (target == "torch.sym_ite" && operands.size() == 3 &&
      operands[0].getType().isInteger(1) &&
      operands[1].getType() == operands[2].getType())
    return arith::SelectOp::create(builder, loc, operands[0], operands[1],
                                   operands[2]);
  if (operands.size() != 2 && target != "torch.sym_sum")
    return Value();
  // bool, int and float promote in this order; `and` and `or` of two
  // booleans are boolean, their arithmetic is on integers.
  Type type = builder.getI64Type();
  auto isType = [](Type type) {
    return [=](Value value) { return value.getType() == type; };
  };
  if (llvm::any_of(operands, isType(builder.getF64Type())))
    type = builder.getF64Type();
  else if ((target == "_operator.and_" || target == "_operator.or_") &&
           llvm::all_of(operands, isType(builder.getI1Type())))
    type = builder.getI1Type();
  for (Value &operand : operands)
    operand = convertScalar(builder, loc, operand, type);
  if (target != "torch.sym_sum")
    return buildBinary(target, operands[0], operands[1]);
  Value sum = operands.empty() ? Value() : operands[0];
  for (Value operand : llvm::drop_begin(operands))
    sum = buildBinary("_operator.add", sum, operand);
  return sum;
}
} // namespace

FailureOr<bool> GraphImporter::importSymbolic(const Node &node) {
  StringRef target = node.target;
  bool isSymbolic = target.starts_with("_operator.") ||
                    target.starts_with("math.") ||
                    target.starts_with("torch.sym_") ||
                    target == "torch._sym_sqrt" || target == "round";
  if (!isSymbolic)
    return false;
  Location loc = getLocation(node);
  SmallVector<Value> operands;
  for (const graph::NodeArgument &argument : node.arguments) {
    ArrayRef<Argument> elements = argument.value;
    if (argument.value.is(Argument::Kind::List))
      elements = argument.value.elements;
    for (const Argument &element : elements) {
      FailureOr<Value> value = getValue(element, loc);
      if (failed(value) || !value->getType().isIntOrFloat())
        return error(node) << "an operand is not a number";
      operands.push_back(*value);
    }
  }
  FailureOr<SmallVector<Type>> types = getResultTypes(node);
  if (failed(types))
    return failure();
  Value result = types->size() == 1
                     ? ScalarBuilder(builder, loc).build(target, operands)
                     : Value();
  if (!result)
    return error(node) << "this operation on sizes is not supported";
  result = convertScalar(builder, loc, result, types->front());
  if (failed(defineResults(node, result)))
    return failure();
  return true;
}
