//===- VerifyNumeric.cpp - Whether passes keep the numbers ----------------===//

#include "fx/Compiler/VerifyNumeric.h"
#include "FunctionGroup.h"
#include "fx/IR/FXDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using interp::Tensor;

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

namespace {
/// The element that differs most.
struct Difference {
  /// Over the tolerance: more than 1 is too much.
  double ratio = 0;
  int64_t element = 0;
  double tolerance = 0;
};
} // namespace

/// `tolerance` is relative to the largest element.
static Difference compare(const Tensor &before, const Tensor &after,
                          double tolerance) {
  Difference worst;
  if (interp::isIntegerKind(before.kind())) {
    for (int64_t i = 0; i < before.size(); ++i)
      if (before.integer(i) != after.integer(i))
        return {INFINITY, i, 0};
    return worst;
  }
  // Small numbers next to nothing are the rest of a cancellation.
  double largest = 1e-2;
  for (int64_t i = 0; i < before.size(); ++i)
    if (double size = std::abs(before.complex(i)); std::isfinite(size))
      largest = std::max(largest, size);
  worst.tolerance = tolerance * largest;
  for (int64_t i = 0; i < before.size(); ++i) {
    interp::Complex x = before.complex(i), y = after.complex(i);
    auto isNan = [](interp::Complex z) {
      return std::isnan(z.real()) || std::isnan(z.imag());
    };
    if (x == y || (isNan(x) && isNan(y)))
      continue;
    double distance = std::abs(x - y);
    double ratio =
        std::isnan(distance) ? INFINITY : distance / worst.tolerance;
    if (ratio > worst.ratio) {
      worst.ratio = ratio;
      worst.element = i;
    }
  }
  return worst;
}

static std::string printElement(const Tensor &tensor, int64_t i) {
  if (interp::isIntegerKind(tensor.kind()))
    return std::to_string(tensor.integer(i));
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%.9g", tensor.real(i));
  if (interp::isComplexKind(tensor.kind()))
    os << llvm::format("%+.9gi", tensor.complex(i).imag());
  return text;
}

static std::string printPosition(const Tensor &tensor, int64_t i) {
  interp::Shape position(tensor.rank());
  for (int64_t dim = tensor.rank(); dim-- > 0; i /= tensor.dim(dim))
    position[dim] = i % tensor.dim(dim);
  return interp::printShape(position);
}

//===----------------------------------------------------------------------===//
// Checker
//===----------------------------------------------------------------------===//

namespace {
/// What is known of a group after the last pass.
struct GroupState {
  /// None if it could not be interpreted; `reason` says why.
  std::optional<GroupResults> results;
  std::string reason;
  std::shared_ptr<DrawnInputs> inputs;
};

/// What a pass did in all its runs.
struct PassRecord {
  std::string pass;
  unsigned compared = 0;
  double worst = 0;
  std::string notCompared;
};
} // namespace

struct VerifyNumeric::Checker {
  bool isExact = true;

  /// The next pass manager may have another module.
  void reset() {
    states.clear();
    running.clear();
  }

  void begin(Operation *op) {
    auto module = getModule(op);
    if (!module || isOver)
      return;
    if (states.empty())
      for (const FunctionGroup &group : getGroups(module))
        states.push_back(evaluate(group, nullptr));
    running.emplace_back(op);
  }

  void end(Pass *pass, Operation *op, bool succeeded) {
    auto module = getModule(op);
    if (!module || running.empty())
      return;
    OperationFingerPrint before = running.back();
    running.pop_back();
    if (isOver || !succeeded || before == OperationFingerPrint(op))
      return;
    std::vector<FunctionGroup> groups = getGroups(module);
    // Functions came or went: there is nothing to compare with.
    bool isSame = groups.size() == states.size();
    if (!isSame)
      getRecord(pass).notCompared =
          "the module has other functions";
    states.resize(groups.size());
    for (auto [group, state] : llvm::zip_equal(groups, states))
      if (!isSame || mayHaveChanged(group, op))
        check(pass, group, state, isSame);
  }

  LogicalResult report() const {
    llvm::errs() << "fx-verify-each: passes that changed a function\n";
    for (const PassRecord &record : records) {
      llvm::errs() << "  " << record.pass << ": ";
      if (record.compared)
        llvm::errs() << record.compared << " times compared, at most "
                     << llvm::format("%.2g", record.worst)
                     << " of the tolerance";
      if (!record.notCompared.empty())
        llvm::errs() << (record.compared ? "; " : "")
                     << "not compared: " << record.notCompared;
      llvm::errs() << "\n";
    }
    return failure(isOver);
  }

private:
  static ModuleOp getModule(Operation *op) {
    if (auto module = dyn_cast<ModuleOp>(op))
      return module;
    return isa<func::FuncOp>(op) ? op->getParentOfType<ModuleOp>()
                                 : ModuleOp();
  }

  PassRecord &getRecord(Pass *pass) {
    StringRef name = pass->getArgument();
    for (PassRecord &record : records)
      if (record.pass == name)
        return record;
    records.emplace_back();
    records.back().pass = name.str();
    return records.back();
  }

  static bool mayHaveChanged(const FunctionGroup &group, Operation *op) {
    if (isa<ModuleOp>(op) || group.contains(op))
      return true;
    // Functions that call it.
    auto uses = SymbolTable::getSymbolUses(op, op->getParentOp());
    return !uses || !uses->empty();
  }

  static std::string describe(const FunctionGroup &group) {
    func::FuncOp first = group.first, backward = group.backward;
    std::string text = "@" + first.getName().str();
    return backward ? text + " with @" + backward.getName().str() : text;
  }

  /// Whether there are ops of stages that are not interpreted.
  static bool isLowered(const FunctionGroup &group) {
    WalkResult result = group.first->walk([](Operation *op) -> WalkResult {
      StringRef dialect = op->getName().getDialectNamespace();
      return llvm::is_contained({"linalg", "scf", "memref", "bufferization",
                                 "llvm", "vector", "cf", "gpu"},
                                dialect) ||
                     op->getName().getStringRef() == "fx.kernel"
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return result.wasInterrupted();
  }

  FailureOr<GroupResults> tryRun(const FunctionGroup &group,
                                        DrawnInputs &inputs,
                                        std::string &reason) {
    ScopedDiagnosticHandler handler(
        group.first->getContext(), [&](Diagnostic &diagnostic) {
          if (reason.empty() &&
              diagnostic.getSeverity() == DiagnosticSeverity::Error)
            reason = diagnostic.str();
          return success();
        });
    return runGroup(group, inputs, isExact);
  }

  /// Draws inputs for a group that was not run before: sizes that are not
  /// known may have to be others, and so may integers.
  GroupState evaluate(const FunctionGroup &group,
                      std::shared_ptr<DrawnInputs> inputs) {
    interp::UnroundedScope scope(isExact);
    GroupState state;
    if (inputs) {
      state.inputs = inputs;
      FailureOr<GroupResults> results = tryRun(group, *inputs, state.reason);
      if (succeeded(results))
        state.results = std::move(*results);
      return state;
    }
    if (isLowered(group)) {
      state.reason = "it is lowered";
      return state;
    }
    for (int64_t size : {4, 8, 6, 16, 3, 64})
      for (auto integers : {DrawnInputs::ZeroOrOne, DrawnInputs::Zero,
                            DrawnInputs::Three}) {
        std::string reason;
        inputs = std::make_shared<DrawnInputs>(size, integers);
        FailureOr<GroupResults> results = tryRun(group, *inputs, reason);
        if (succeeded(results)) {
          state.results = std::move(*results);
          state.reason.clear();
          state.inputs = inputs;
          return state;
        }
        if (state.reason.empty())
          state.reason = reason;
      }
    return state;
  }

  /// Evaluates a group after a pass and compares it with what was before.
  void check(Pass *pass, const FunctionGroup &group, GroupState &state,
             bool isSame) {
    PassRecord &record = getRecord(pass);
    if (isLowered(group)) {
      record.notCompared = "it lowers";
      state = GroupState();
      return;
    }
    GroupState before = std::move(state);
    state = evaluate(group, isSame ? before.inputs : nullptr);
    if (!isSame || isOver)
      return;
    if (!before.results) {
      record.notCompared = describe(group) + ": " + before.reason;
      // Perhaps it can be interpreted now.
      if (!state.results)
        state = evaluate(group, nullptr);
      return;
    }
    if (!state.results) {
      fail(pass, group) << "cannot be interpreted any more: " << state.reason;
      return;
    }
    if (before.results->seeds != state.results->seeds) {
      record.notCompared =
          describe(group) + " draws " + std::to_string(state.results->seeds) +
          " seeds where there were " + std::to_string(before.results->seeds);
      return;
    }
    ++record.compared;
    for (auto &[key, result] : before.results->values)
      if (!compareResult(pass, group, key, result, *state.results, record))
        return;
  }

  bool compareResult(Pass *pass, const FunctionGroup &group, StringRef key,
                     const GroupResult &old, GroupResults &results,
                     PassRecord &record) {
    auto it = results.values.find(key.str());
    if (it == results.values.end()) {
      fail(pass, group) << "has no result '" << key << "' any more";
      return false;
    }
    const Tensor &before = old.value, &after = it->second.value;
    if (after.kind() != before.kind() || after.shape() != before.shape()) {
      fail(pass, group) << "gives '" << key << "' the shape "
                        << interp::printShape(after.shape())
                        << " or another element type; it was "
                        << interp::printShape(before.shape());
      return false;
    }
    Difference difference = compare(
        before, after, std::max(old.tolerance, it->second.tolerance));
    record.worst = std::max(record.worst, difference.ratio);
    if (difference.ratio <= 1)
      return true;
    std::string tolerance;
    llvm::raw_string_ostream(tolerance)
        << llvm::format("%.3g", difference.tolerance);
    fail(pass, group) << "changes '" << key << "': element "
                      << printPosition(before, difference.element) << " is "
                      << printElement(after, difference.element) << ", was "
                      << printElement(before, difference.element)
                      << " (tolerance " << tolerance << ")";
    return false;
  }

  /// The first failure ends the checks: later passes are not to blame.
  InFlightDiagnostic fail(Pass *pass, const FunctionGroup &group) {
    isOver = true;
    func::FuncOp first = group.first;
    InFlightDiagnostic error = emitError(first.getLoc());
    error << "fx-verify-each: after pass '" << pass->getArgument() << "' "
          << describe(group) << " ";
    return error;
  }

  std::vector<GroupState> states;
  std::vector<OperationFingerPrint> running;
  std::vector<PassRecord> records;
  bool isOver = false;
};

namespace {
struct Instrumentation : PassInstrumentation {
  explicit Instrumentation(VerifyNumeric::Checker &checker)
      : checker(checker) {}

  /// Adaptors only nest passes; they have no name to call them by.
  static bool isWatched(Pass *pass) { return !pass->getArgument().empty(); }

  void runBeforePass(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      checker.begin(op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      checker.end(pass, op, /*succeeded=*/true);
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      checker.end(pass, op, /*succeeded=*/false);
  }

  VerifyNumeric::Checker &checker;
};
} // namespace

VerifyNumeric::VerifyNumeric() : checker(std::make_unique<Checker>()) {}
VerifyNumeric::~VerifyNumeric() = default;

void VerifyNumeric::watch(PassManager &pm) {
  checker->reset();
  pm.getContext()->disableMultithreading();
  pm.addInstrumentation(std::make_unique<Instrumentation>(*checker));
}

llvm::Error VerifyNumeric::setMode(StringRef mode) {
  checker->isExact = mode == "numeric";
  if (checker->isExact || mode == "rounded")
    return llvm::Error::success();
  return llvm::createStringError(
      "--fx-verify-each must be numeric or rounded, not " + mode);
}

LogicalResult VerifyNumeric::finish() const { return checker->report(); }
