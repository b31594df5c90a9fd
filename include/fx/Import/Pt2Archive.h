//===- Pt2Archive.h - The container of torch.export programs ----*- C++ -*-===//
//
// A `.pt2` file is a ZIP archive of uncompressed entries below one root folder:
// programs as JSON (`models/NAME.json`), weights as raw bytes.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_PT2ARCHIVE_H
#define FX_IMPORT_PT2ARCHIVE_H

#include "fx/Support/ZipArchive.h"

namespace mlir::fx {

class Pt2Archive {
public:
  /// Maps a file; the archive keeps the mapping alive.
  static llvm::Expected<Pt2Archive> open(llvm::StringRef path);
  /// Reads an archive that is in memory; `bytes` must outlive it.
  static llvm::Expected<Pt2Archive> parse(llvm::MemoryBufferRef bytes);

  /// Names of the programs in the archive, in its order.
  llvm::ArrayRef<std::string> modelNames() const { return models; }
  /// The JSON text of a program.
  llvm::Expected<llvm::StringRef> modelJson(llvm::StringRef model) const;
  /// The bytes of an entry below the root folder, in place; null if there is
  /// no such entry.
  llvm::Expected<std::optional<llvm::StringRef>>
  find(llvm::StringRef path) const;
  /// The same, but it is an error if there is no such entry.
  llvm::Expected<llvm::StringRef> get(llvm::StringRef path) const;

  llvm::StringRef root() const { return rootFolder; }
  const ZipArchive &zip() const { return archive; }
  llvm::Error error(const llvm::Twine &message) const {
    return archive.error(message);
  }

private:
  explicit Pt2Archive(ZipArchive archive) : archive(std::move(archive)) {}
  llvm::Error check();

  std::shared_ptr<MappedFile> mapping;
  ZipArchive archive;
  std::string rootFolder;
  std::vector<std::string> models;
};

} // namespace mlir::fx

#endif // FX_IMPORT_PT2ARCHIVE_H
