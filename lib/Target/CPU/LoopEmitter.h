//===- LoopEmitter.h - Loop kernels to vector code --------------*- C++ -*-===//
//
// Private to the CPU target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_CPU_LOOPEMITTER_H
#define FX_LIB_TARGET_CPU_LOOPEMITTER_H

#include "KernelFunction.h"

#include "fx/Lowering/Kernels/LoopKernel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::fx::cpu {

/// How a loop kernel is run: the order of its loops and the vector dim.
struct LoopSchedule {
  /// Loops from outside to inside, without the vector dim if it is kept.
  SmallVector<unsigned> kept, reduced;
  /// A kept dim that is run through for each vector, -1 for none: the one that
  /// loads are contiguous in where stores are in the vector dim.
  int64_t innerDim = -1;
  /// -1: scalar code.
  int64_t vectorDim = -1;
  int64_t width = 1;
  /// Dims after merging neighbours: the merged one has the product, the other
  /// size 1.
  SmallVector<LoopDim> dims;
  bool isVectorReduced() const {
    return vectorDim >= 0 && dims[vectorDim].reduced;
  }
};
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
  /// The whole kernel.
  LogicalResult emit();
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

private:
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
  };
  Address getAccess(Value tensor, AffineMap map);
  Lanes load(Value tensor, const Address &address);
  void store(const LoopOutput &output);
  Value getPointers(Value base, Type element, const Address &address);
  Value getMask();

  // Loops.
  void emitKept(unsigned level);
  void emitVectorBlocks(Value begin, Value end, bool wholeDim);
  void emitPoint();
  void emitRow();
  void chooseRowCache();
  void collectValues(Value tensor, AffineMap map,
                     llvm::SetVector<std::pair<Value, AffineMap>> &values);
  Value getRowCacheAddress(unsigned slot);
  SmallVector<Value> emitReduced(unsigned level, unsigned sweep,
                                 ValueRange accumulators);
  SmallVector<Value> emitSweepBody(unsigned sweep, ValueRange accumulators);
  SmallVector<Value> getNeutrals(unsigned sweep);
  SmallVector<Value> emitAccumulation(
      unsigned dim, Value end, int64_t step, unsigned sweep,
      ValueRange accumulators,
      llvm::function_ref<SmallVector<Value>(ValueRange)> emitBody);
  void emitRange(Value begin, Value end);
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
};

/// Fills the function of a template kernel: a call of the runtime, with the
/// rest of the kernel as its epilogue.
LogicalResult emitTemplateKernel(OpBuilder &b, KernelOp kernelOp,
                                 KernelFunction &target, unsigned vectorBits);

/// Fills the function of a join kernel: one loop nest for each tensor that is
/// put into the result.
LogicalResult emitJoinKernel(OpBuilder &b, KernelOp kernelOp,
                             KernelFunction &target, unsigned vectorBits);

/// Replaces math functions on f32 by polynomials in vector code.
void expandMath(ModuleOp module);

} // namespace mlir::fx::cpu

#endif // FX_LIB_TARGET_CPU_LOOPEMITTER_H
