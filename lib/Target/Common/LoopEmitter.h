//===- LoopEmitter.h - Loop kernels to vector code --------------*- C++ -*-===//
//
// Private to the targets.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_LOOPEMITTER_H
#define FX_LIB_TARGET_COMMON_LOOPEMITTER_H

#include "KernelFunction.h"

#include "fx/Lowering/Kernels/LoopKernel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::fx::target {

/// How a loop kernel is run: the order of its loops and the vector dim.
struct LoopSchedule {
  /// Loops from outside to inside, without the vector dim if it is kept.
  SmallVector<unsigned> kept, reduced;
  /// A kept dim that is run through for each vector, -1 for none: the one that
  /// loads are contiguous in where stores are in the vector dim.
  int64_t innerDim = -1;
  /// Loads (numbers in LoopKernel::loads) that are contiguous in the inner dim
  /// and are made as blocks of width x width elements, transposed in registers.
  SmallVector<unsigned> transposedLoads;
  /// -1: scalar code.
  int64_t vectorDim = -1;
  int64_t width = 1;
  /// Dims after merging neighbours: the merged one has the product, the other
  /// size 1.
  SmallVector<LoopDim> dims;
  /// Loads and stores of vectors are aligned to the size of the vector.
  bool aligned = false;
  bool isVectorReduced() const {
    return vectorDim >= 0 && dims[vectorDim].reduced;
  }
};
/// The accesses of a kernel, results first.
struct LoopStrides {
  /// For each access the distance in elements between neighbours along each
  /// dim; nothing if it is not linear in it.
  SmallVector<SmallVector<std::optional<int64_t>>> accesses;
  SmallVector<bool> isStore;
  SmallVector<Type> elements;
  /// The element that all dims at zero give.
  SmallVector<int64_t> offsets;
};
/// Puts the dims of a kernel into the schedule, neighbours merged, and returns
/// those of more than one point from outside to inside. `strides` receives the
/// accesses.
SmallVector<unsigned> orderDims(const LoopKernel &kernel,
                                LoopSchedule &schedule, LoopStrides &strides);
/// `vectorDim` fixes the vector dim if it is not negative.
LoopSchedule chooseSchedule(const LoopKernel &kernel, unsigned vectorBits,
                            int64_t vectorDim = -1);

/// The dims of a kernel that a template counts as one index each; the column
/// is the vector dim.
struct TileDims {
  SmallVector<unsigned> batch, row;
};

/// Fills the function of a loop kernel.
class LoopEmitter {
public:
  LoopEmitter(OpBuilder &b, KernelOp kernelOp, KernelFunction &function,
              LoopKernel kernel, LoopSchedule schedule);
  virtual ~LoopEmitter() = default;
  /// The whole kernel.
  LogicalResult emit();
  /// The points `begin` to `end` of the dims `leading`, counted as one, at the
  /// end of `block`, in a function whose buffers are the kernel's. The dims are
  /// kept ones of the schedule.
  void emitLeading(Block *block, ArrayRef<unsigned> leading, Value begin,
                   Value end);
  /// The points of a tile, in a function (closure, batch, row, column, rows,
  /// columns, ...).
  void emitTile(func::FuncOp function, const TileDims &tile);
  /// Where a tensor of the kernel is in memory; with `isInput` it is there
  /// already, though an op of the kernel computes it. `make` adds its
  /// code to the entry of the function that is being emitted.
  using BufferMaker = std::function<Buffer(OpBuilder &, KernelFunction &)>;
  void setBuffer(Value tensor, BufferMaker make, bool isInput) {
    inner[tensor] = std::move(make);
    if (isInput)
      stored.insert(tensor);
  }

protected:
  /// A value of the kernel at the current point: one for all lanes, or one for
  /// each. `scope` is the innermost loop that it depends on.
  struct Lanes {
    Value value;
    bool isVector = false;
    unsigned scope = 0;
    /// Lane l of an integer is base + l * stride.
    Value base;
    std::optional<int64_t> stride;
  };
  /// A block that is being filled. Code that does not depend on the loop at
  /// its end goes in front of it.
  struct Scope {
    Block *block;
    Operation *before = nullptr;
    llvm::DenseMap<std::pair<Value, AffineMap>, Lanes> values;
    llvm::DenseMap<AffineExpr, Value> exprs;
    llvm::DenseMap<std::pair<Value, AffineMap>, Value> offsets;
    llvm::DenseMap<Value, Value> splats;
  };

  // Scopes.
  void setInsertion(unsigned scope);
  void openScope(Block *block);
  void closeScope();
  unsigned top() const { return scopes.size() - 1; }
  scf::ForOp openLoop(Value begin, Value end, int64_t step, ValueRange init);
  void closeLoop(scf::ForOp loop, ValueRange yielded);
  void bindDim(unsigned dim, Value iv);
  void bindUnitDims();
  Value createMask(Value count);

  // Values.
  Type getType(Type scalar, bool isVector);
  Value constant(int64_t value);
  Value getSize(unsigned dim);
  Value getBufferSize(Value tensor, int64_t dim);
  Value splat(const Lanes &lanes);
  Lanes getLanes(AffineExpr expr);
  Value getScalarExpr(AffineExpr expr);
  unsigned getScope(AffineExpr expr);
  Lanes getScalarOperand(Value value);
  Lanes evaluate(Value tensor, AffineMap map);
  Lanes evaluateNew(Value tensor, AffineMap map);
  SmallVector<Lanes> evaluateBody(linalg::GenericOp op,
                                  ArrayRef<AffineExpr> loops,
                                  ArrayRef<Lanes> accumulators);
  Lanes evaluateOp(Operation *op, ArrayRef<Lanes> operands);
  Lanes evaluateExtract(tensor::ExtractOp op, ArrayRef<Lanes> indices);

  // Memory.
  const Buffer &getBuffer(Value tensor);
  SmallVector<OpFoldResult> getStrides(Value tensor);
  /// An address: a scalar offset and the distance between lanes.
  struct Address {
    Value offset;
    unsigned scope = 0;
    std::optional<int64_t> laneStride;
    Value dynamicStride;
    Value laneOffsets;
    /// Vectors at this address are aligned to their size.
    bool aligned = false;
  };
  Address getAccess(Value tensor, AffineMap map);
  Lanes load(Value tensor, const Address &address);
  /// The vectors of the next `width` points of the inner dim, if lanes are a
  /// known distance apart; else none.
  SmallVector<Value> loadTransposed(const LoopAccess &access);
  virtual void store(const LoopOutput &output);
  Value loadBackwards(Value base, Type stored, const Address &address);
  Value getPointers(Value base, Type element, const Address &address);
  Value getMask();

  // Loops.
  void emitKept(unsigned level);
  void emitVectorBlocks(Value begin, Value end, bool wholeDim);
  void emitPoint();
  Value emitTransposedBlocks();
  void emitRow();
  void chooseRowCache();
  void collectValues(Value tensor, AffineMap map,
                     llvm::SetVector<std::pair<Value, AffineMap>> &values);
  Value getRowCacheAddress(unsigned slot);
  /// Whether several threads work on one row; each has accumulators of its own
  /// then.
  virtual bool isRowShared() const { return sharedDim >= 0; }
  /// Whether accumulators are combined at the end of a sweep.
  bool isPartial() const {
    return (schedule.isVectorReduced() && schedule.width > 1) || isRowShared();
  }
  /// The accumulators at the end of a sweep over the row.
  virtual SmallVector<Value> emitSweep(unsigned sweep,
                                       ValueRange accumulators) {
    return sharedDim >= 0 ? emitSharedSweep(sweep, accumulators)
                          : emitReduced(0, sweep, accumulators);
  }
  /// Makes the accumulators of two parts of a row those of both.
  using Combine =
      llvm::function_ref<SmallVector<Value>(ValueRange, ValueRange)>;
  /// The accumulators of all threads of a row, combined.
  virtual SmallVector<Value> combineThreads(Combine combine,
                                            ValueRange accumulators) {
    return SmallVector<Value>(accumulators);
  }
  Value combineThreads(Operation *combiner, Value accumulator) {
    return combineThreads(
        [&](ValueRange a, ValueRange c) {
          return SmallVector<Value>{combine(combiner, a[0], c[0])};
        },
        ValueRange(accumulator))[0];
  }
  /// The lanes of an accumulator, combined; itself if it has one.
  Value combineVector(Operation *combiner, Value accumulator);
  /// An op like `combiner` on other values.
  Value combine(Operation *combiner, Value lhs, Value rhs);
  SmallVector<Value> emitReduced(unsigned level, unsigned sweep,
                                 ValueRange accumulators);
  SmallVector<Value> emitSweepBody(unsigned sweep, ValueRange accumulators);
  SmallVector<Value> combineSelection(linalg::GenericOp op,
                                      const Selection &selection,
                                      ValueRange low, ValueRange high);
  /// The lanes of all accumulators of a selection, combined.
  SmallVector<Value> combineSelectionLanes(linalg::GenericOp op,
                                           const Selection &selection,
                                           ArrayRef<Value> accumulators);
  /// All accumulators of a sweep over two parts of the row, combined.
  SmallVector<Value> combineParts(unsigned sweep, ValueRange a, ValueRange c);
  /// Maximum and sum of a softmax: of lanes, and then of all threads.
  SmallVector<Value> combineOnlineSums(ArrayRef<Value> accumulators);
  SmallVector<Value> getNeutrals(unsigned sweep);
  SmallVector<Value> getInitial(unsigned sweep,
                                SmallVectorImpl<Lanes> &starts);

  // Rows in parts (LoopParts.cpp).
  void chooseSharedDim(int64_t rows, int64_t rowWork);
  SmallVector<Value> emitSharedSweep(unsigned sweep, ValueRange init);
  void emitPartsOfSweep(unsigned sweep, func::FuncOp body,
                        ArrayRef<Type> fields);
  bool isShared(unsigned dim) const {
    return static_cast<int64_t>(dim) == sharedDim;
  }
  SmallVector<Value> emitAccumulation(
      unsigned dim, Value end, int64_t step, int64_t innerSteps,
      unsigned sweep, ValueRange accumulators,
      llvm::function_ref<SmallVector<Value>(ValueRange)> emitBody);
  void emitRange(Value begin, Value end);
  Value getNumChunks();
  void bindJoined(ArrayRef<unsigned> joined, Value index);
  void enterParallelBody(Value count, int64_t grain, Value &begin, Value &end);

  OpBuilder &b;
  Location loc;
  KernelOp kernelOp;
  KernelFunction &target;
  LoopKernel kernel;
  LoopSchedule schedule;
  llvm::DenseMap<Value, BufferMaker> inner;
  llvm::DenseMap<Value, Buffer> innerBuffers;
  llvm::DenseSet<Value> stored;
  SmallVector<Scope> scopes;
  SmallVector<Value> ivs;
  SmallVector<unsigned> ivScopes;
  /// Lanes that are inside of the tensor; null if all are.
  Value mask;
  llvm::DenseMap<Value, SmallVector<OpFoldResult>> strides;
  llvm::DenseMap<unsigned, Value> sizes;
  /// Values along the row that several sweeps use and that are expensive: kept
  /// on the stack. The first sweep that needs one computes it.
  struct RowCache {
    std::pair<Value, AffineMap> value;
    Value memory;
    bool stored = false, filled = false;
  };
  SmallVector<RowCache> rowCache;
  /// The kept loops that threads share.
  unsigned numParallelLevels = 0;
  /// Elements of the vector dim that threads share as one of them, 0: all.
  int64_t vectorChunk = 0;
  /// The reduced dim that is cut into parts for threads, -1 for none; with how
  /// many steps a part pays, and the part that is being run.
  int64_t sharedDim = -1, leastPart = 1;
  Value sharedBegin, sharedEnd;
  unsigned numSharedSweeps = 0;
};

/// exp, expm1, log1p, tanh, erf and atan of f32, to 2 ulp: before expandMath,
/// whose upstream polynomials are less accurate. `hasLdexp`: the processor has an
/// instruction for x * 2 ** n (AVX-512).
void expandElementary(Operation *root, bool hasLdexp);
/// Replaces math functions on f32 by polynomials.
void expandMath(Operation *root, bool hasLdexp = false);
/// sin and cos of f32, for every argument; before expandMath, which is right
/// for small ones only.
void expandSine(Operation *root);

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_LOOPEMITTER_H
