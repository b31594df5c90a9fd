//===- FormKernels.cpp - linalg on tensors into fx.kernel -----------------===//

#include "OutlineKernel.h"
#include "PrepareOps.h"

#include "fx/Analysis/Rematerialization.h"
#include "fx/Lowering/Kernels/Attention.h"
#include "fx/Lowering/Kernels/Epilogue.h"
#include "fx/Lowering/Kernels/LoopKernel.h"
#include "fx/Lowering/Kernels/Passes.h"
#include "fx/Lowering/Kernels/Scatter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::fx {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "fx/Lowering/Kernels/Passes.h.inc"

namespace {

/// More ops than this are not fused into one kernel: code size and compile
/// time grow, registers run out.
constexpr size_t kMaxOps = 96;
constexpr size_t kMaxBuffers = 24;
/// A kernel with sweeps over rows runs one row a thread: with fewer rows than
/// this and more work than that, separate kernels are better.
constexpr int64_t kMinRows = 8;
constexpr int64_t kSmallWork = 1 << 15;
/// In a function that is scheduled for its memory, ops further apart than this
/// are not fused: values would live from the one to the other.
constexpr int64_t kReach = 48;
/// What a row may hold if it has to stay in the cache between sweeps and is
/// read across rows.
constexpr int64_t kMaxStridedRow = 1 << 10;

bool isScalarElement(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isFloat() || element.isIndex() ||
         element.isSignlessInteger();
}

bool hasTensor(TypeRange types) {
  return llvm::any_of(types, [](Type t) { return isa<TensorType>(t); });
}

/// Ops of the host code: scalars, sizes, and reshapes of dense buffers.
bool isHostOp(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>() || isClonedIntoKernels(op))
    return true;
  if (isa<tensor::DimOp, tensor::ExtractOp, arith::ConstantOp>(op) ||
      isReshape(op))
    return true;
  // The shape of a reshape.
  if (isa<tensor::FromElementsOp>(op))
    return llvm::all_of(op->getUsers(), llvm::IsaPred<tensor::ReshapeOp>);
  return !hasTensor(op->getOperandTypes()) && !hasTensor(op->getResultTypes());
}

/// Greedy fusion of the ops of one block.
class KernelFormer {
public:
  KernelFormer(Block &block, bool hostTemplates)
      : block(block), hostTemplates(hostTemplates) {}

  LogicalResult run(bool fuse);

private:
  using Ops = llvm::SetVector<Operation *>;
  struct Group {
    Ops ops;
    KernelKind kind;
    /// Of a template but attention: the contraction. Ops before it prepare its operands, ops
    /// after it are the epilogue.
    Operation *contraction = nullptr;
  };

  /// The template for an op, if the target has it.
  FailureOr<Contraction> matchTemplate(linalg::GenericOp op) {
    FailureOr<Contraction> match = matchContraction(op);
    if (succeeded(match) && !hostTemplates &&
        (match->kind != ContractionKind::Product ||
         !isa<FloatType>(match->element)))
      return failure();
    return match;
  }
  Operation *getOwner(Operation *op) { return block.findAncestorOpInBlock(*op); }
  /// The values of `ops` that are used outside, reshapes looked through.
  SmallVector<Value> getOutputs(const Ops &ops);
  /// Whether a path leaves `ops` and comes back.
  bool makesCycle(const Ops &ops);
  bool isWorthwhile(const LoopKernel &kernel, const Ops &ops);
  bool isScheduled() const {
    return block.getParentOp()->hasAttr(kScheduledAttr);
  }
  /// Whether ops stand near enough to each other for one kernel.
  bool isNear(const Ops &ops);
  /// Fuses groups `a` and `b` with the reshapes between them.
  bool tryMerge(int a, int b, ArrayRef<Operation *> reshapes);
  /// Fuses pointwise ops with the contraction that they follow.
  bool tryMergeEpilogue(int contraction, int epilogue,
                        ArrayRef<Operation *> reshapes);
  FailureOr<Epilogue> getEpilogue(const Ops &ops, Contraction &contraction);
  void takeAttention(bool fuse);
  void takePadding();
  void formJoins();
  void takeScatterInits();
  void fuseProducers();
  void fuseSiblings();
  /// Moves reshapes at the rim of a group out of it, but for those that prepare
  /// the operands of `contraction`.
  void trim(Ops &ops, Operation *contraction);
  Ops sortOps(const Ops &ops);

  Block &block;
  bool hostTemplates;
  llvm::DenseMap<Operation *, int> groupOf;
  llvm::DenseMap<Operation *, int64_t> position;
  SmallVector<Group> groups;
};

} // namespace

SmallVector<Value> KernelFormer::getOutputs(const Ops &ops) {
  SmallVector<Value> outputs;
  for (Operation *op : ops) {
    if (isReshape(op))
      continue;
    for (Value result : op->getResults()) {
      // A reshape of it may be what is used; that one is free.
      SmallVector<Value> aliases = {result};
      bool isOutput = false;
      for (size_t i = 0; i < aliases.size() && !isOutput; ++i)
        for (Operation *user : aliases[i].getUsers()) {
          Operation *owner = getOwner(user);
          if (!ops.contains(owner))
            isOutput = true;
          else if (isReshape(owner))
            aliases.push_back(owner->getResult(0));
        }
      if (isOutput)
        outputs.push_back(result);
    }
  }
  return outputs;
}

bool KernelFormer::makesCycle(const Ops &ops) {
  llvm::DenseSet<Operation *> seen;
  SmallVector<Operation *> worklist;
  auto addUsers = [&](Operation *op, bool fromSet) {
    for (Operation *user : op->getUsers()) {
      Operation *owner = getOwner(user);
      if (owner && !(fromSet && ops.contains(owner)) &&
          seen.insert(owner).second)
        worklist.push_back(owner);
    }
  };
  for (Operation *op : ops)
    addUsers(op, /*fromSet=*/true);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (ops.contains(op))
      return true;
    auto it = groupOf.find(op);
    if (it == groupOf.end()) {
      addUsers(op, false);
      continue;
    }
    for (Operation *member : groups[it->second].ops) {
      if (ops.contains(member))
        return true;
      seen.insert(member);
      addUsers(member, false);
    }
  }
  return false;
}

bool KernelFormer::isWorthwhile(const LoopKernel &kernel, const Ops &ops) {
  if (ops.size() > kMaxOps ||
      kernel.loads.size() + kernel.outputs.size() > kMaxBuffers ||
      kernel.recomputedCost > 4)
    return false;
  if (!kernel.hasReduction())
    return true;
  int64_t rows = kernel.getNumPoints(/*reduced=*/false);
  int64_t length = kernel.getNumPoints(/*reduced=*/true);
  bool sweeps = kernel.numSweeps > 1;
  for (const LoopOutput &output : kernel.outputs)
    sweeps |= output.alongRow && kernel.numSweeps > 1;
  if (!sweeps)
    return true;
  if (rows < kMinRows && rows * length > kSmallWork)
    return false;
  // Rows that are not contiguous: neighbours share cache lines, so only short
  // ones stay in the cache.
  bool contiguous = kernel.loads.empty();
  for (const LoopAccess &load : kernel.loads) {
    if (load.map.getNumResults() == 0)
      continue;
    AffineExpr last = load.map.getResults().back();
    for (auto [d, dim] : llvm::enumerate(kernel.dims))
      contiguous |= dim.reduced && last.isFunctionOfDim(d);
  }
  return contiguous || length <= kMaxStridedRow;
}

bool KernelFormer::isNear(const Ops &ops) {
  if (!isScheduled())
    return true;
  int64_t first = std::numeric_limits<int64_t>::max(), last = 0;
  for (Operation *op : ops)
    if (!isReshape(op)) {
      first = std::min(first, position[op]);
      last = std::max(last, position[op]);
    }
  return last - first <= kReach;
}

/// Keeps the order, but moves what an op needs and stands behind it to just
/// before it. False if ops need each other.
static bool sortByNeed(Block &block) {
  enum class State { Waiting, Open, Done };
  llvm::DenseMap<Operation *, State> states;
  SmallVector<Operation *> order, ops, stack;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *root : ops) {
    stack.push_back(root);
    while (!stack.empty()) {
      Operation *op = stack.back();
      State &state = states[op];
      if (state != State::Waiting) {
        if (state == State::Open)
          order.push_back(op);
        state = State::Done;
        stack.pop_back();
        continue;
      }
      state = State::Open;
      bool isCyclic = false;
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands()) {
          Operation *def = operand.getDefiningOp();
          if (!def || def->getBlock() != &block || def == op)
            continue;
          State needed = states.lookup(def);
          isCyclic |= needed == State::Open;
          if (needed == State::Waiting)
            stack.push_back(def);
        }
      });
      if (isCyclic)
        return false;
    }
  }
  for (Operation *op : order)
    op->moveBefore(&block, block.end());
  return true;
}

KernelFormer::Ops KernelFormer::sortOps(const Ops &ops) {
  SmallVector<Operation *> sorted(ops.begin(), ops.end());
  // Copies stand at the place of their user, in front of it.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](Operation *a, Operation *b) {
                     return position[a] < position[b];
                   });
  return Ops(sorted.begin(), sorted.end());
}

/// The contraction of a template kernel, and what else it holds.
FailureOr<Epilogue> KernelFormer::getEpilogue(const Ops &ops,
                                              Contraction &contraction) {
  Ops rest;
  bool before = true;
  for (Operation *op : ops) {
    if (op == contraction.op)
      before = false;
    else if (!before)
      rest.insert(op);
  }
  SmallVector<Value> outputs = getOutputs(ops);
  llvm::erase(outputs, contraction.op.getResult(0));
  return matchEpilogue(contraction, rest, outputs);
}

bool KernelFormer::tryMergeEpilogue(int a, int b,
                                    ArrayRef<Operation *> reshapes) {
  Operation *anchor = groups[a].contraction;
  FailureOr<Contraction> contraction =
      matchTemplate(cast<linalg::GenericOp>(anchor));
  Ops prologue, rest;
  bool before = true;
  for (Operation *op : groups[a].ops) {
    (before ? prologue : rest).insert(op);
    before &= op != anchor;
  }
  // What follows the contraction in program order may still not depend on it;
  // the contraction must not depend on what is fused.
  rest.insert(reshapes.begin(), reshapes.end());
  rest.insert(groups[b].ops.begin(), groups[b].ops.end());
  for (Operation *op : prologue)
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp() && rest.contains(operand.getDefiningOp()))
        return false;
  Ops ops = prologue;
  Ops sorted = sortOps(rest);
  ops.insert(sorted.begin(), sorted.end());
  if (ops.size() > kMaxOps || !isNear(ops))
    return false;
  FailureOr<Epilogue> epilogue = getEpilogue(ops, *contraction);
  if (failed(epilogue) || epilogue->kernel.recomputedCost > 4 ||
      makesCycle(ops))
    return false;
  for (Operation *op : ops)
    groupOf[op] = a;
  groups[a].ops = std::move(ops);
  groups[b].ops.clear();
  return true;
}

bool KernelFormer::tryMerge(int a, int b, ArrayRef<Operation *> reshapes) {
  if (a != b && groups[a].contraction &&
      groups[b].kind == KernelKind::Loops)
    return tryMergeEpilogue(a, b, reshapes);
  if (a == b || groups[a].kind != KernelKind::Loops ||
      groups[b].kind != KernelKind::Loops)
    return false;
  Ops ops = groups[a].ops;
  ops.insert(groups[b].ops.begin(), groups[b].ops.end());
  ops.insert(reshapes.begin(), reshapes.end());
  if (ops.size() > kMaxOps || !isNear(ops))
    return false;
  ops = sortOps(ops);
  FailureOr<LoopKernel> kernel = LoopKernel::analyze(ops, getOutputs(ops));
  if (failed(kernel) || !isWorthwhile(*kernel, ops) || makesCycle(ops))
    return false;
  for (Operation *op : ops)
    groupOf[op] = a;
  groups[a].ops = std::move(ops);
  groups[b].ops.clear();
  return true;
}

/// Vertical fusion: each op with the kernels of its operands.
void KernelFormer::fuseProducers() {
  for (Operation &op : block) {
    auto self = groupOf.find(&op);
    if (self == groupOf.end() || isReshape(&op))
      continue;
    // Nearest producers first.
    SmallVector<std::pair<Operation *, SmallVector<Operation *>>> producers;
    for (Value operand : op.getOperands()) {
      SmallVector<Operation *> reshapes;
      Operation *producer = operand.getDefiningOp();
      while (producer && isReshape(producer) && !groupOf.contains(producer)) {
        reshapes.push_back(producer);
        producer = producer->getOperand(0).getDefiningOp();
      }
      if (producer && groupOf.contains(producer))
        producers.push_back({producer, reshapes});
    }
    llvm::sort(producers, [&](auto &x, auto &y) {
      return position[x.first] > position[y.first];
    });
    for (auto &[producer, reshapes] : producers)
      tryMerge(groupOf[producer], groupOf[&op], reshapes);
  }
}

/// Horizontal fusion: kernels that read the same tensor.
void KernelFormer::fuseSiblings() {
  llvm::SetVector<Value> shared;
  for (Operation &op : block)
    if (groupOf.contains(&op))
      for (Value operand : op.getOperands())
        if (isa<RankedTensorType>(operand.getType()))
          shared.insert(operand);
  for (Value value : shared) {
    if (value.getDefiningOp() && isClonedIntoKernels(value.getDefiningOp()))
      continue;
    auto type = cast<RankedTensorType>(value.getType());
    if (type.hasStaticShape() && type.getNumElements() < 256)
      continue;
    SmallVector<Operation *> users;
    for (Operation *user : value.getUsers())
      if (Operation *owner = getOwner(user); groupOf.contains(owner))
        users.push_back(owner);
    llvm::sort(users, [&](Operation *a, Operation *b) {
      return position[a] < position[b];
    });
    for (size_t i = 1; i < users.size() && i < 16; ++i)
      tryMerge(groupOf[users[i - 1]], groupOf[users[i]], {});
  }
}

void KernelFormer::trim(Ops &ops, Operation *contraction) {
  bool changed = true;
  while (changed) {
    changed = false;
    bool prologue = contraction != nullptr;
    for (Operation *op : Ops(ops)) {
      prologue &= op != contraction;
      if (prologue || !isReshape(op))
        continue;
      Operation *producer = op->getOperand(0).getDefiningOp();
      bool first = !producer || !ops.contains(producer);
      bool usedInside = false, usedOutside = false;
      for (Operation *user : op->getUsers())
        (ops.contains(getOwner(user)) ? usedInside : usedOutside) = true;
      if (!first && usedInside && usedOutside) {
        // Others read the reshape of the kernel's result.
        OpBuilder builder(op);
        builder.setInsertionPointAfter(op);
        Operation *copy = builder.clone(*op);
        position[copy] = position[op];
        op->getResult(0).replaceUsesWithIf(
            copy->getResult(0), [&](OpOperand &use) {
              return !ops.contains(getOwner(use.getOwner()));
            });
        changed = true;
        continue;
      }
      if (first || !usedInside) {
        ops.remove(op);
        groupOf.erase(op);
        changed = true;
      }
    }
  }
}

/// A fused attention reads and writes through views.
void KernelFormer::takeAttention(bool fuse) {
  for (Operation &op : block) {
    if (!isFusedAttention(&op))
      continue;
    Group group;
    group.kind = KernelKind::Template;
    SmallVector<Operation *> members = {&op};
    if (fuse)
      members = getViewsAround(&op);
    for (Operation *member : members)
      if (groupOf.try_emplace(member, groups.size()).second)
        group.ops.insert(member);
    groups.push_back(std::move(group));
  }
}

/// Convolutions read their input without padding: each takes the padding ops
/// into its kernel.
void KernelFormer::takePadding() {
  for (size_t g = 0; g < groups.size(); ++g) {
    Group &group = groups[g];
    if (!group.contraction)
      continue;
    auto op = cast<linalg::GenericOp>(group.contraction);
    FailureOr<Contraction> contraction = matchTemplate(op);
    if (contraction->kind == ContractionKind::Product)
      continue;
    bool isForward = contraction->kind == ContractionKind::Convolution;
    OpOperand *operand = op.getDpsInputOperand(isForward ? 0 : 1);
    SmallVector<Operation *> chain;
    for (Value v = operand->get(); v != contraction->input;
         v = v.getDefiningOp()->getOperand(0))
      chain.push_back(v.getDefiningOp());
    if (chain.empty())
      continue;
    OpBuilder builder(op);
    Ops ops;
    IRMapping mapping;
    for (Operation *link : llvm::reverse(chain)) {
      Operation *copy = builder.clone(*link, mapping);
      position[copy] = position[op];
      groupOf[copy] = g;
      ops.insert(copy);
    }
    operand->set(mapping.lookup(operand->get()));
    ops.insert(op);
    group.ops = std::move(ops);
  }
  // Padding that only convolutions used is gone.
  for (Group &group : groups)
    if (group.ops.size() == 1 && isa<tensor::PadOp>(group.ops.front())) {
      Operation *pad = group.ops.front();
      for (Operation *user : llvm::make_early_inc_range(pad->getUsers()))
        if (isReshape(user) && user->use_empty())
          user->erase();
      if (!pad->use_empty())
        continue;
      groupOf.erase(pad);
      group.ops.clear();
      pad->erase();
    }
}

/// Chains of insert_slice become one kernel, together with the kernels that
/// compute only what is inserted.
void KernelFormer::formJoins() {
  auto isChainEnd = [&](tensor::InsertSliceOp op) {
    if (!op->hasOneUse())
      return true;
    auto next = dyn_cast<tensor::InsertSliceOp>(*op->getUsers().begin());
    return !next || next.getDest() != op.getResult();
  };
  // A kernel computes what it inserts: a tensor from outside is copied.
  auto addCopy = [&](OpOperand &operand, Ops &ops) {
    OpBuilder builder(operand.getOwner());
    Location loc = operand.getOwner()->getLoc();
    auto type = cast<RankedTensorType>(operand.get().getType());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, operand.get());
    Value init = tensor::EmptyOp::create(builder, loc, sizes,
                                         type.getElementType());
    AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
    auto copy = linalg::GenericOp::create(
        builder, loc, type, operand.get(), init, ArrayRef<AffineMap>{map, map},
        SmallVector<utils::IteratorType>(type.getRank(),
                                         utils::IteratorType::parallel),
        [](OpBuilder &nested, Location nestedLoc, ValueRange args) {
          linalg::YieldOp::create(nested, nestedLoc, args[0]);
        });
    position[copy] = position[operand.getOwner()];
    operand.set(copy.getResult(0));
    ops.insert(copy);
  };
  for (Operation &last : llvm::make_early_inc_range(block)) {
    auto insert = dyn_cast<tensor::InsertSliceOp>(last);
    if (!insert || !isChainEnd(insert) ||
        !isScalarElement(insert.getResult().getType()))
      continue;
    SmallVector<tensor::InsertSliceOp> chain = {insert};
    while (auto previous =
               chain.back().getDest().getDefiningOp<tensor::InsertSliceOp>()) {
      if (!previous->hasOneUse())
        break;
      chain.push_back(previous);
    }
    int self = groupOf[insert];
    Ops ops;
    Value root = chain.back().getDest();
    Operation *rootOp = root.getDefiningOp();
    if (!rootOp || !isClonedIntoKernels(rootOp))
      addCopy(chain.back().getDestMutable(), ops);
    for (tensor::InsertSliceOp link : llvm::reverse(chain)) {
      if (groupOf[link] != self)
        groups[groupOf[link]].ops.clear();
      groupOf[link] = self;
      // The kernel that computes the source, if nobody else needs it.
      Ops reshapes;
      Value source = link.getSource();
      while (source.getDefiningOp() && isReshape(source.getDefiningOp())) {
        reshapes.insert(source.getDefiningOp());
        source = source.getDefiningOp()->getOperand(0);
      }
      Operation *producer = source.getDefiningOp();
      auto it = producer ? groupOf.find(producer) : groupOf.end();
      bool taken = false;
      if (it != groupOf.end() &&
          groups[it->second].kind == KernelKind::Loops) {
        Ops fused = groups[it->second].ops;
        fused.insert(reshapes.begin(), reshapes.end());
        fused = sortOps(fused);
        SmallVector<Value> outputs = getOutputs(fused);
        bool onlyHere =
            outputs.size() == 1 && outputs[0] == source &&
            llvm::all_of(fused, [&](Operation *op) {
              return llvm::all_of(op->getUsers(), [&](Operation *user) {
                return user == link || fused.contains(getOwner(user));
              });
            });
        Ops all = fused;
        all.insert(link);
        if (onlyHere && succeeded(LoopKernel::analyze(fused, link.getSource())) &&
            !makesCycle(all)) {
          groups[it->second].ops.clear();
          for (Operation *op : fused) {
            groupOf[op] = self;
            ops.insert(op);
          }
          taken = true;
        }
      }
      if (!taken)
        addCopy(link.getSourceMutable(), ops);
      ops.insert(link);
    }
    for (Operation *op : ops)
      groupOf[op] = self;
    groups[self].ops = std::move(ops);
    groups[self].kind = KernelKind::Join;
  }
}

/// What a scatter writes into: if only the scatter needs it, it is computed
/// where the result is, and not copied there.
void KernelFormer::takeScatterInits() {
  for (size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].kind != KernelKind::Generic || groups[g].ops.size() != 1)
      continue;
    FailureOr<Scatter> scatter =
        matchScatter(groups[g].ops.front()->getResult(0));
    if (failed(scatter) || !scatter->init.hasOneUse())
      continue;
    auto it = groupOf.find(scatter->init.getDefiningOp());
    if (it == groupOf.end() || groups[it->second].kind != KernelKind::Loops)
      continue;
    Ops &producers = groups[it->second].ops;
    SmallVector<Value> outputs = getOutputs(producers);
    FailureOr<LoopKernel> kernel = LoopKernel::analyze(producers, outputs);
    if (outputs.size() != 1 || outputs[0] != scatter->init || failed(kernel) ||
        kernel->hasReduction())
      continue;
    Ops ops = sortOps(producers);
    ops.insert(groups[g].ops.front());
    producers.clear();
    for (Operation *op : ops)
      groupOf[op] = g;
    groups[g].ops = std::move(ops);
  }
}

LogicalResult KernelFormer::run(bool fuse) {
  int64_t count = 0;
  takeAttention(fuse);
  for (Operation &op : block) {
    position[&op] = count++;
    if (isHostOp(&op))
      continue;
    if (groupOf.contains(&op))
      continue;
    Group group;
    group.ops.insert(&op);
    group.kind = KernelKind::Generic;
    auto generic = dyn_cast<linalg::GenericOp>(op);
    FailureOr<Contraction> contraction = failure();
    if (fuse && generic)
      contraction = matchTemplate(generic);
    if (succeeded(contraction)) {
      group.kind = KernelKind::Template;
      group.contraction = &op;
    } else if (fuse && isLoopOp(&op) &&
        succeeded(LoopKernel::analyze(group.ops, getOutputs(group.ops))))
      group.kind = KernelKind::Loops;
    groupOf[&op] = groups.size();
    groups.push_back(std::move(group));
  }
  if (fuse)
    takePadding();
  if (fuse) {
    fuseProducers();
    fuseSiblings();
    formJoins();
    takeScatterInits();
  }
  for (Group &group : groups) {
    if (group.ops.empty())
      continue;
    SmallVector<Value> scratch;
    // The runtime computes all results of an attention but its logsumexp.
    for (Operation *op : group.ops)
      for (OpResult result : getNeededResults(op))
        if (result.use_empty())
          scratch.push_back(result);
    if (group.contraction) {
      auto op = cast<linalg::GenericOp>(group.contraction);
      SmallVector<Value> outputs = getOutputs(group.ops);
      FailureOr<Contraction> contraction = matchTemplate(op);
      FailureOr<Epilogue> epilogue = getEpilogue(group.ops, *contraction);
      if (!llvm::is_contained(outputs, op.getResult(0)) &&
          (failed(epilogue) ||
           (!epilogue->inPlace &&
            !(hostTemplates && canHideResult(*contraction)))))
        scratch.push_back(op.getResult(0));
    }
    if (group.kind != KernelKind::Join)
      trim(group.ops, group.contraction);
    if (!group.contraction)
      group.ops = sortOps(group.ops);
    if (failed(outlineKernel(group.ops.getArrayRef(), group.kind, scratch)))
      return failure();
  }
  // Upstream's sort moves all that is ready to the front: what the whole
  // backward makes of weights and saved values would be alive at its begin.
  if (!sortByNeed(block))
    return block.getParentOp()->emitError(
        "kernels of this function depend on each other in a cycle");
  return success();
}

namespace {

struct FormKernelsPass : impl::FormKernelsPassBase<FormKernelsPass> {
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Block &block = function.getBody().front();
    // Only kernels with equal text share their code.
    function.walk([](linalg::LinalgOp op) {
      op->removeDiscardableAttr(kKeepApartAttr);
    });
    if (fuse)
      prepareOps(block, hostTemplates);
    if (failed(KernelFormer(block, hostTemplates).run(fuse)))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::fx
