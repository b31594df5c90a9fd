//===- DeviceLoops.h - Loop kernels on a GPU --------------------*- C++ -*-===//
//
// How the points of a loop kernel are divided among threads, and the emitter
// that follows that division.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_NVPTX_DEVICELOOPS_H
#define FX_LIB_TARGET_NVPTX_DEVICELOOPS_H

#include "../Common/LoopEmitter.h"

namespace mlir::fx::nvptx {
using namespace mlir::fx::target;

/// A one-dimensional grid of blocks. A block has `points` times `lanes`
/// threads; `lanes` threads share the reduced dims of a point.
struct DeviceSchedule {
  LoopSchedule loops;
  int64_t points = 256, lanes = 1;
  /// Neighbouring threads are lanes of the same point.
  bool lanesFirst = true;
  /// With more than one, the row of a point is divided among that many blocks.
  /// Their partial results go through memory to a second kernel, which has the
  /// schedule of chooseFinalSchedule.
  int64_t splits = 1;
  /// The schedule of that second kernel.
  bool isFinal = false;
  int64_t getBlockSize() const { return points * lanes; }
};

/// `vectors` allows accesses of 16 bytes: all buffers are dense and start at
/// multiples of that.
DeviceSchedule chooseDeviceSchedule(const LoopKernel &kernel, bool vectors);

/// A thread for each point, which combines the partial results of the splits.
DeviceSchedule chooseFinalSchedule(const LoopKernel &kernel, int64_t splits);
/// The number of 8-byte slots of the partial results; the kept dims are static.
int64_t getNumPartials(const LoopKernel &kernel,
                       const DeviceSchedule &schedule);

/// The number of blocks of a launch, computed on the host from the sizes of
/// the buffers; `getSize` gives dimension `dim` of a tensor of the kernel.
Value emitGridSize(OpBuilder &b, Location loc, const LoopKernel &kernel,
                   const DeviceSchedule &schedule,
                   llvm::function_ref<Value(Value tensor, int64_t dim)> getSize);

/// Fills the function of a loop kernel on the device.
class DeviceLoopEmitter : public LoopEmitter {
public:
  /// `function` has the device function's entry block; `name` is its name.
  DeviceLoopEmitter(OpBuilder &b, KernelOp kernelOp, KernelFunction &function,
                    StringRef name, LoopKernel kernel, DeviceSchedule schedule);
  void emitDevice();
  /// The first kernel of a split reduction: `partials` is the memory of its
  /// results.
  void emitPartials(Value partials);
  /// Makes emitDevice() emit the second one.
  void usePartials(Value memory) { partials = memory; }

protected:
  bool isRowShared() const override { return device.lanes > 1; }
  SmallVector<Value> emitSweep(unsigned sweep,
                               ValueRange accumulators) override;
  using LoopEmitter::combineThreads;
  SmallVector<Value> combineThreads(Combine combine,
                                    ValueRange accumulators) override;
  void store(const LoopOutput &output) override;

private:
  /// Computes `point` from the thread and the block, and `exists`.
  Value emitPoint(ArrayRef<unsigned> kept, Value &exists);
  /// The slot of accumulator `index` of the sweep.
  Value getPartialAddress(int64_t index, Value splitNumber);
  /// The dims that a flat index runs through, the last one fastest; the vector
  /// dim counts vectors.
  void bindFlat(ArrayRef<unsigned> dims, Value index);
  Value getFlatSize(ArrayRef<unsigned> dims);
  SmallVector<unsigned> getFlatDims(bool reduced) const;
  Value getStoreCondition(bool alongRow);
  /// Emits `body` where `condition` holds.
  void emitIf(Value condition, llvm::function_ref<void()> body);
  SmallVector<Value> combineWarp(Combine combine, ValueRange accumulators,
                                 int64_t lanes);
  SmallVector<Value> combineShared(Combine combine, ValueRange accumulators);
  /// Shared memory of `count` elements, an address of the generic space.
  Value allocateShared(Type element, int64_t count);

  std::string name;
  DeviceSchedule device;
  /// The number of the point in its block, of the lane in its point, and of
  /// the part of the row.
  Value pointInBlock, lane, split;
  /// Partial results of a split reduction, if this is the second kernel.
  Value partials;
  Value pointNumber;
  /// Whether the point exists; null if all do.
  Value isValid;
  unsigned numShared = 0;
};

} // namespace mlir::fx::nvptx

#endif // FX_LIB_TARGET_NVPTX_DEVICELOOPS_H
