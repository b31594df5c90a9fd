//===- OutputFile.cpp - Files that are written whole ----------------------===//

#include "fx/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;

Error mlir::fx::writeOutputFile(
    StringRef path, function_ref<void(raw_pwrite_stream &)> write) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return createFileError(path, code);
  // Pipes and terminals cannot seek.
  if (os.supportsSeeking()) {
    write(os);
  } else {
    buffer_ostream buffer(os);
    write(buffer);
  }
  os.flush();
  code = os.error();
  os.clear_error();
  if (!code)
    return Error::success();
  // A device is not ours to remove.
  if (path != "-" && sys::fs::is_regular_file(path))
    sys::fs::remove(path);
  return createFileError(path, code);
}
