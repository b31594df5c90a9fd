//===- OutputFile.h - Files that are written whole --------------*- C++ -*-===//

#ifndef FX_SUPPORT_OUTPUTFILE_H
#define FX_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::fx {

/// Writes a file, or stdout for `-`. If that fails (a full disk) no file is
/// left, and the error names it.
llvm::Error
writeOutputFile(llvm::StringRef path,
                llvm::function_ref<void(llvm::raw_pwrite_stream &)> write);

} // namespace mlir::fx

#endif // FX_SUPPORT_OUTPUTFILE_H
