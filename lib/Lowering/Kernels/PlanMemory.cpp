//===- PlanMemory.cpp - One workspace for all kernels of a function -------===//

#include "fx/Analysis/Rematerialization.h"
#include "fx/IR/KernelOps.h"
#include "fx/Lowering/Kernels/LoopKernel.h"
#include "fx/Lowering/Kernels/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <functional>

namespace mlir::fx {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "fx/Lowering/Kernels/Passes.h.inc"

Value getStorage(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isReshape(op))
      break;
    tensor = op->getOperand(0);
  }
  return tensor;
}

namespace {

constexpr int64_t kAlignment = 64;
/// With more buffers than this one order of placing them is tried.
constexpr size_t kMaxPlansTried = 4000;

int64_t getByteSize(RankedTensorType type) {
  Type element = type.getElementType();
  int64_t bits;
  if (auto complex = dyn_cast<ComplexType>(element))
    bits = 2 * complex.getElementType().getIntOrFloatBitWidth();
  else
    bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * llvm::divideCeil(bits, 8);
}

int64_t getBufferSize(int64_t bytes) {
  return llvm::alignTo(std::max<int64_t>(bytes, 1), kAlignment);
}

/// A buffer that lives from kernel `first` to kernel `last`.
struct Interval {
  int64_t size;
  int64_t first;
  int64_t last;
  int64_t offset = 0;
};

/// In the order given, each at the best-fitting gap among the buffers that are
/// alive at the same time. Returns the peak.
int64_t assignInOrder(ArrayRef<Interval *> order) {
  SmallVector<Interval *> placed;
  int64_t peak = 0;
  for (Interval *interval : order) {
    SmallVector<Interval *> conflicts;
    for (Interval *other : placed)
      if (other->first <= interval->last && interval->first <= other->last)
        conflicts.push_back(other);
    llvm::sort(conflicts, [](Interval *a, Interval *b) {
      return a->offset < b->offset;
    });
    int64_t best = -1, bestGap = 0, end = 0;
    for (Interval *other : conflicts) {
      int64_t gap = other->offset - end;
      if (gap >= interval->size && (best < 0 || gap < bestGap)) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, other->offset + other->size);
    }
    interval->offset = best < 0 ? end : best;
    placed.push_back(interval);
    peak = std::max(peak, interval->offset + interval->size);
  }
  return peak;
}

/// Bytes alive at each position.
std::vector<int64_t> getLiveBytes(ArrayRef<Interval> intervals,
                                  int64_t numPositions) {
  std::vector<int64_t> live(numPositions + 1, 0);
  for (const Interval &interval : intervals) {
    live[interval.first] += interval.size;
    live[interval.last + 1] -= interval.size;
  }
  live.pop_back();
  for (int64_t i = 1; i < numPositions; ++i)
    live[i] += live[i - 1];
  return live;
}

/// Largest first. Where that leaves gaps, other orders are tried, too: no plan
/// is below `bound`. Returns the peak.
int64_t assignOffsets(MutableArrayRef<Interval> intervals, int64_t bound) {
  auto getArea = [](const Interval *interval) {
    return static_cast<double>(interval->size) *
           (interval->last - interval->first + 1);
  };
  using Before = std::function<bool(Interval *, Interval *)>;
  const Before orders[] = {
      [](Interval *a, Interval *b) { return a->size > b->size; },
      [&](Interval *a, Interval *b) { return getArea(a) > getArea(b); },
      [](Interval *a, Interval *b) {
        return a->last - a->first > b->last - b->first;
      },
      [](Interval *a, Interval *b) { return a->first < b->first; },
      [](Interval *a, Interval *b) { return a->last > b->last; }};
  int64_t best = -1;
  SmallVector<int64_t> offsets(intervals.size());
  for (const Before &isBefore : orders) {
    SmallVector<Interval *> order;
    for (Interval &interval : intervals)
      order.push_back(&interval);
    llvm::stable_sort(order, isBefore);
    int64_t peak = assignInOrder(order);
    if (best < 0 || peak < best) {
      best = peak;
      for (auto [offset, interval] : llvm::zip_equal(offsets, intervals))
        offset = interval.offset;
    }
    if (best == bound || intervals.size() > kMaxPlansTried)
      break;
  }
  for (auto [offset, interval] : llvm::zip_equal(offsets, intervals))
    interval.offset = offset;
  return best;
}

/// For each result of a kernel the input whose memory it may take over: the one
/// that is read only where the result is written, before it is written.
SmallVector<std::optional<unsigned>> findInPlaceInputs(KernelOp kernel) {
  SmallVector<std::optional<unsigned>> inputs(kernel.getNumResults());
  if (kernel.getKind() != KernelKind::Loops)
    return inputs;
  Block &body = kernel.getBody().front();
  llvm::SetVector<Operation *> ops;
  for (Operation &op : body)
    if (isLoopOp(&op))
      ops.insert(&op);
  SmallVector<Value> outputs(body.getTerminator()->getOperands());
  FailureOr<LoopKernel> loops = LoopKernel::analyze(ops, outputs);
  if (failed(loops))
    return inputs;
  llvm::SmallDenseSet<unsigned> taken;
  for (auto [index, output] : llvm::enumerate(loops->outputs)) {
    // Sweeps after the one that writes would read what was written.
    if (output.alongRow && output.level + 1 != loops->numSweeps)
      continue;
    if (!output.alongRow && loops->hasReduction())
      continue;
    for (BlockArgument argument : body.getArguments()) {
      if (argument.getType() != output.tensor.getType() ||
          loops->gathered.contains(argument) ||
          taken.contains(argument.getArgNumber()))
        continue;
      bool read = false, samePlace = true;
      for (const LoopAccess &load : loops->loads)
        if (load.tensor == argument) {
          read = true;
          samePlace &= load.map == output.map;
        }
      if (!read || !samePlace)
        continue;
      inputs[index] = argument.getArgNumber();
      taken.insert(argument.getArgNumber());
      break;
    }
  }
  return inputs;
}

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  using PlanMemoryPassBase::PlanMemoryPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Block &block = function.getBody().front();
    Builder b(&getContext());
    Operation *terminator = block.getTerminator();

    DenseMap<Operation *, int64_t> position;
    int64_t count = 0;
    for (Operation &op : block)
      position[&op] = count++;

    // A buffer that the caller gives is written directly, the first of
    // several results that share a value.
    DenseMap<Value, int64_t> resultOf;
    bool ownsResults = function->hasAttr(kOwnResultsAttr);
    if (!ownsResults)
      for (auto [index, value] : llvm::enumerate(terminator->getOperands()))
        if (isa<RankedTensorType>(value.getType()))
          resultOf.try_emplace(getStorage(value), index);

    DenseMap<Value, int64_t> lastUse;
    for (Operation &op : block)
      for (Value operand : op.getOperands())
        if (isa<RankedTensorType>(operand.getType())) {
          int64_t &last = lastUse[getStorage(operand)];
          last = std::max(last, position[&op]);
        }

    SmallVector<Interval> intervals;
    // The interval of each planned value; those in place share one.
    DenseMap<Value, size_t> intervalOf;
    for (auto kernel : block.getOps<KernelOp>()) {
      SmallVector<std::optional<unsigned>> inPlace =
          findInPlaceInputs(kernel);
      for (auto [index, result] : llvm::enumerate(kernel.getResults())) {
        auto type = cast<RankedTensorType>(result.getType());
        if (!type.hasStaticShape() || resultOf.contains(result) ||
            (separate && !ownsResults))
          continue;
        int64_t first = position[kernel];
        if (inPlace[index]) {
          Value input = kernel.getInputs()[*inPlace[index]];
          auto it = intervalOf.find(getStorage(input));
          if (it != intervalOf.end() && intervals[it->second].last == first &&
              llvm::count_if(kernel.getInputs(), [&](Value other) {
                return isa<RankedTensorType>(other.getType()) &&
                       getStorage(other) == it->first;
              }) == 1) {
            size_t shared = it->second;
            intervals[shared].last = std::max(first, lastUse.lookup(result));
            intervalOf[result] = shared;
            continue;
          }
        }
        intervalOf[result] = intervals.size();
        intervals.push_back({getBufferSize(getByteSize(type)), first,
                             std::max(first, lastUse.lookup(result))});
      }
    }
    // What kernels are lent, and what they make threads keep.
    SmallVector<std::pair<KernelOp, size_t>> lent;
    SmallVector<int64_t> threadBytes;
    for (auto kernel : block.getOps<KernelOp>()) {
      auto scratch = kernel->getAttrOfType<DenseI64ArrayAttr>(kScratchAttr);
      if (!scratch || scratch.empty())
        continue;
      if (scratch[0] > 0) {
        lent.emplace_back(kernel, intervals.size());
        intervals.push_back({getBufferSize(scratch[0]), position[kernel],
                             position[kernel]});
      }
      threadBytes.resize(std::max<size_t>(threadBytes.size(),
                                          scratch.size() - 1));
      for (auto [bytes, wanted] :
           llvm::zip(threadBytes, scratch.asArrayRef().drop_front()))
        bytes = std::max(bytes, wanted);
    }
    // What an entry point writes itself: numbers, and contents that nobody sets.
    int64_t end = position[terminator];
    SmallVector<int64_t> resultPlaces(terminator->getNumOperands(),
                                      kDynamicPlacement);
    SmallVector<std::pair<unsigned, size_t>> written;
    if (ownsResults)
      for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (type && !getStorage(value).getDefiningOp<tensor::EmptyOp>())
          continue;
        written.emplace_back(index, intervals.size());
        intervals.push_back(
            {getBufferSize(type ? getByteSize(type) : 8), end, end});
      }
    std::vector<int64_t> live = getLiveBytes(intervals, count);
    auto fullest = std::max_element(live.begin(), live.end());
    int64_t peak = assignOffsets(intervals, *fullest);
    for (auto [kernel, interval] : lent)
      kernel->setAttr(kScratchPlacementAttr,
                      b.getI64IntegerAttr(intervals[interval].offset));
    if (int64_t total = llvm::sum_of(threadBytes))
      function->setAttr(kThreadScratchAttr, b.getI64IntegerAttr(total));
    for (auto [index, interval] : written)
      resultPlaces[index] = intervals[interval].offset;
    if (ownsResults)
      function->setAttr(kResultPlacementAttr,
                        b.getDenseI64ArrayAttr(resultPlaces));
    DenseMap<Value, int64_t> offsets;
    for (auto &[value, index] : intervalOf)
      offsets[value] = intervals[index].offset;

    for (auto kernel : block.getOps<KernelOp>()) {
      SmallVector<int64_t> places;
      for (Value result : kernel.getResults()) {
        if (auto it = resultOf.find(result); it != resultOf.end())
          places.push_back(-1 - it->second);
        else if (auto it = offsets.find(result); it != offsets.end())
          places.push_back(it->second);
        else
          places.push_back(kDynamicPlacement);
      }
      kernel->setAttr(kPlacementAttr, b.getDenseI64ArrayAttr(places));
    }
    function->setAttr(kWorkspaceAttr, b.getI64IntegerAttr(peak));
    auto budget = function->getAttrOfType<IntegerAttr>(kPeakBudgetAttr);
    if (budget && ownsResults && peak > budget.getInt())
      warnAboutBudget(*std::next(block.begin(), fullest - live.begin()), peak,
                      budget.getInt());
  }

  /// Tells at which kernel more is alive than a budget allows.
  static void warnAboutBudget(Operation &op, int64_t peak, int64_t budget) {
    std::string name = getNodeNames(op.getLoc());
    emitWarning(op.getLoc())
        << "the training step takes " << peak
        << " bytes, more than the peak budget of " << budget
        << ": most are in use at the kernel of "
        << (name.empty() ? op.getName().getStringRef().str() : name);
  }

  /// "'a', 'b'": the names of the nodes that a kernel was made of.
  static std::string getNodeNames(Location loc) {
    llvm::SetVector<StringRef> names;
    loc->walk([&](Location nested) {
      if (auto named = dyn_cast<NameLoc>(nested)) {
        names.insert(named.getName());
        return WalkResult::skip();
      }
      return WalkResult::advance();
    });
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::interleaveComma(names, os,
                          [&](StringRef name) { os << "'" << name << "'"; });
    return text;
  }
};

} // namespace
} // namespace mlir::fx
