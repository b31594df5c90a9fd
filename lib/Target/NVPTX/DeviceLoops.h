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
  int64_t getBlockSize() const { return points * lanes; }
};

/// `vectors` allows accesses of 16 bytes: all buffers are dense and start at
/// multiples of that.
DeviceSchedule chooseDeviceSchedule(const LoopKernel &kernel, bool vectors);

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

protected:
  bool isRowShared() const override { return device.lanes > 1; }
  SmallVector<Value> emitSweep(unsigned sweep,
                               ValueRange accumulators) override;
  Value combineThreads(Operation *combiner, Value accumulator) override;
  void store(const LoopOutput &output) override;

private:
  /// The dims that a flat index runs through, the last one fastest; the vector
  /// dim counts vectors.
  void bindFlat(ArrayRef<unsigned> dims, Value index);
  Value getFlatSize(ArrayRef<unsigned> dims);
  SmallVector<unsigned> getFlatDims(bool reduced) const;
  /// Emits `body` where `condition` holds.
  void emitIf(Value condition, llvm::function_ref<void()> body);
  Value combineWarp(Operation *combiner, Value value, int64_t lanes);
  Value combineShared(Operation *combiner, Value value);
  /// Shared memory of `count` elements, an address of the generic space.
  Value allocateShared(Type element, int64_t count);

  std::string name;
  DeviceSchedule device;
  /// The number of the point in its block, and of the lane in its point.
  Value pointInBlock, lane;
  /// Whether the point exists; null if all do.
  Value isValid;
  unsigned numShared = 0;
};

} // namespace mlir::fx::nvptx

#endif // FX_LIB_TARGET_NVPTX_DEVICELOOPS_H
