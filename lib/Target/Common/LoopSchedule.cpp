//===- LoopSchedule.cpp - Loop order and vector dim -----------------------===//

#include "LoopEmitter.h"

#include "fx/Lowering/Kernels/OnlineSoftmax.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::target;

/// Stand-in for a stride or size that is known at run time only.
static constexpr int64_t kDynamicGuess = 4096;

/// Ops of a block that is transposed in registers, which is unrolled.
static constexpr int64_t kMaxRepeatedOps = 512;

/// The distance in memory between neighbours along each dim; nothing if the
/// access is not linear in it.
static SmallVector<std::optional<int64_t>>
getDimStrides(const LoopKernel &kernel, Value tensor, AffineMap map,
              int64_t &offset) {
  unsigned numDims = kernel.dims.size();
  SmallVector<std::optional<int64_t>> result(numDims, 0);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tensor.getType()).getShape();
  int64_t stride = 1;
  offset = 0;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    SmallVector<int64_t> factors;
    int64_t constant;
    AffineExpr expr = map.getResult(i);
    if (getLinearForm(expr, numDims, factors, constant)) {
      offset += constant * stride;
      for (unsigned d = 0; d < numDims; ++d)
        if (result[d])
          *result[d] += factors[d] * stride;
    } else {
      expr.walk([&](AffineExpr e) {
        if (auto d = dyn_cast<AffineDimExpr>(e))
          result[d.getPosition()] = std::nullopt;
      });
    }
    stride *= ShapedType::isDynamic(shape[i]) ? kDynamicGuess : shape[i];
  }
  return result;
}

SmallVector<unsigned> target::orderDims(const LoopKernel &kernel,
                                        LoopSchedule &schedule,
                                        LoopStrides &strides) {
  schedule.dims = kernel.dims;
  unsigned numDims = kernel.dims.size();
  auto addAccess = [&](Value tensor, AffineMap map, bool store) {
    strides.accesses.push_back(
        getDimStrides(kernel, tensor, map, strides.offsets.emplace_back()));
    strides.isStore.push_back(store);
    strides.elements.push_back(getElementTypeOrSelf(tensor.getType()));
  };
  for (const LoopOutput &output : kernel.outputs)
    addAccess(output.tensor, output.map, /*store=*/true);
  for (const LoopAccess &load : kernel.loads)
    addAccess(load.tensor, load.map, /*store=*/false);
  auto &accesses = strides.accesses;
  auto &isStore = strides.isStore;

  // Outside the dims with the largest strides, those of the results first.
  SmallVector<unsigned> order;
  for (unsigned d = 0; d < numDims; ++d)
    if (kernel.dims[d].size != 1)
      order.push_back(d);
  auto getKey = [&](unsigned d) {
    int64_t key = 0;
    for (auto [access, store] : llvm::zip(accesses, isStore))
      key += access[d].value_or(kDynamicGuess) * (store ? 4 : 1);
    return key;
  };
  std::stable_sort(order.begin(), order.end(), [&](unsigned a, unsigned b) {
    return getKey(a) > getKey(b);
  });

  // Merge pairs of dims that all accesses run through as one.
  auto merges = [&](unsigned outer, unsigned inner) {
    LoopDim &a = schedule.dims[outer], &b = schedule.dims[inner];
    return outer != inner && a.reduced == b.reduced &&
           !kernel.indexDims[outer] && !kernel.indexDims[inner] &&
           !ShapedType::isDynamic(a.size) && !ShapedType::isDynamic(b.size) &&
           llvm::all_of(accesses, [&](auto &access) {
             return access[outer] && access[inner] &&
                    *access[outer] == *access[inner] * b.size;
           });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (unsigned outer : order) {
      auto inner = llvm::find_if(
          order, [&](unsigned d) { return merges(outer, d); });
      if (inner == order.end())
        continue;
      schedule.dims[*inner].size *= schedule.dims[outer].size;
      schedule.dims[outer].size = 1;
      llvm::erase(order, outer);
      changed = true;
      break;
    }
  }
  return order;
}

LoopSchedule target::chooseSchedule(const LoopKernel &kernel,
                                    unsigned vectorBits, int64_t vectorDim) {
  LoopSchedule schedule;
  LoopStrides strides;
  SmallVector<unsigned> order = orderDims(kernel, schedule, strides);
  auto &accesses = strides.accesses;
  auto &isStore = strides.isStore;

  // The vector dim: the cheapest loads and stores for each element.
  bool opaque = false;
  for (const LoopReduction &reduction : kernel.reductions)
    for (unsigned i = 0; i < reduction.maps.size(); ++i)
      opaque |= !getCombiner(reduction.op, i) &&
                !matchSelection(reduction.op) && !isOnlineSum(reduction.op);
  int64_t lanes = vectorBits / 32;
  double bestCost = 1e30;
  for (unsigned d : order) {
    if (opaque && schedule.dims[d].reduced)
      continue;
    int64_t size = schedule.dims[d].size;
    if (ShapedType::isDynamic(size))
      size = kDynamicGuess;
    if (size < 2 || (vectorDim >= 0 && d != vectorDim))
      continue;
    double cost = 1 + 0.5 * kernel.numOps + 8.0 * kernel.numTranscendental;
    for (auto [access, store] : llvm::zip(accesses, isStore)) {
      if (access[d] == 0)
        cost += 0.25;
      else if (access[d] == 1)
        cost += 1;
      else if (access[d] == -1 && !store)
        cost += 1.5;
      else
        cost += store ? 2.0 * lanes : 1.2 * lanes;
    }
    // Unused lanes of the last vector.
    cost /= double(size) / llvm::alignTo(size, std::min(lanes, size));
    cost /= std::min(lanes, size);
    // A kept dim needs no combination of lanes; all else equal, inner loops
    // are the better ones.
    if (cost <= bestCost) {
      bestCost = cost;
      schedule.vectorDim = d;
    }
  }
  if (schedule.vectorDim >= 0) {
    // Several registers for each value hide latencies, as long as there are
    // enough of them.
    int64_t width = lanes;
    bool strided = llvm::any_of(accesses, [&](auto &access) {
      auto along = access[schedule.vectorDim];
      return along != 0 && along != 1 && along != -1;
    });
    if (kernel.numTranscendental <= 1 && kernel.numOps <= 40 && !strided)
      width *= 2;
    if (schedule.isVectorReduced() && kernel.numTranscendental == 0 &&
        kernel.numOps <= 12)
      width *= 2;
    int64_t size = schedule.dims[schedule.vectorDim].size;
    if (!ShapedType::isDynamic(size))
      width = std::min<int64_t>(width, llvm::PowerOf2Ceil(size));
    schedule.width = width;
  }
  // A transposition: the lines that a strided load touches are used up before
  // the next ones come.
  if (schedule.vectorDim >= 0 && kernel.reductions.empty()) {
    auto isStrided = [&](size_t access) {
      auto along = accesses[access][schedule.vectorDim];
      return !isStore[access] && along != 0 && along != 1 && along != -1;
    };
    for (size_t i = 0; i < accesses.size(); ++i)
      for (unsigned d : order)
        if (isStrided(i) && accesses[i][d] == 1 && schedule.dims[d].size > 1)
          schedule.innerDim = d;
    // Blocks in registers: the code of a point is repeated for each vector.
    bool isSmall = schedule.width >= 4 &&
                   (kernel.numOps + 8 * kernel.numTranscendental + 1) *
                           schedule.width <=
                       kMaxRepeatedOps;
    if (schedule.innerDim >= 0 && isSmall)
      for (size_t i = 0; i < kernel.loads.size(); ++i) {
        size_t access = kernel.outputs.size() + i;
        if (isStrided(access) && accesses[access][schedule.vectorDim] &&
            accesses[access][schedule.innerDim] == 1 &&
            strides.elements[access].isIntOrFloat() &&
            strides.elements[access].getIntOrFloatBitWidth() <= 32)
          schedule.transposedLoads.push_back(i);
      }
  }
  for (unsigned d : order)
    if (static_cast<int64_t>(d) != schedule.vectorDim &&
        static_cast<int64_t>(d) != schedule.innerDim)
      (schedule.dims[d].reduced ? schedule.reduced : schedule.kept)
          .push_back(d);
  return schedule;
}
