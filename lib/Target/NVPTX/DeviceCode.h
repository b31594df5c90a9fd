//===- DeviceCode.h - Device functions to PTX -------------------*- C++ -*-===//
//
// Private to the NVPTX target.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_NVPTX_DEVICECODE_H
#define FX_LIB_TARGET_NVPTX_DEVICECODE_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <optional>
#include <string>

namespace mlir::fx::nvptx {

/// PTX of a gpu.module whose functions are in the LLVM and NVVM dialects.
/// Errors are diagnostics on it.
FailureOr<std::string> generatePTX(gpu::GPUModuleOp device, StringRef arch);

/// Machine code for `arch` by the program `ptxas`; nothing if there is none in
/// PATH. What ptxas refuses is an error at `loc`.
FailureOr<std::optional<std::string>> assemble(Location loc, StringRef ptx,
                                               StringRef arch);

} // namespace mlir::fx::nvptx

#endif // FX_LIB_TARGET_NVPTX_DEVICECODE_H
