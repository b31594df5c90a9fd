//===- ZipArchive.h - ZIP files in memory -----------------------*- C++ -*-===//
//
// Reading and writing of ZIP archives, the container of `.pt2` and `.npz`
// files. The reader works on bytes that are already in memory (usually a
// mapping of the file) and says where an entry's payload lies, so that weights
// can be used in place; no general ZIP library offers that.
//
//===----------------------------------------------------------------------===//

#ifndef FX_SUPPORT_ZIPARCHIVE_H
#define FX_SUPPORT_ZIPARCHIVE_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::fx {

/// A whole file mapped read-only. The mapping begins at a page boundary, so an
/// offset that is a multiple of 64 gives an address that is one.
class MappedFile {
public:
  static llvm::Expected<std::shared_ptr<MappedFile>> open(llvm::StringRef path);
  llvm::StringRef bytes() const { return {region.const_data(), region.size()}; }

private:
  llvm::sys::fs::mapped_file_region region;
};

/// The table of contents of a ZIP archive. Every size and offset is checked
/// when the archive is opened: payloads lie inside the archive and do not
/// overlap, names are unique. Checksums of stored entries are not verified
/// (PyTorch can be told not to compute them).
class ZipArchive {
public:
  enum class Method : uint16_t { Stored = 0, Deflated = 8 };

  struct Entry {
    std::string name;
    Method method;
    uint32_t crc;
    /// Sizes of the payload as it lies in the file, and when decompressed.
    uint64_t storedSize;
    uint64_t size;
    /// Where the payload begins, counted from the start of the archive.
    uint64_t offset;
  };

  /// Reads the table of contents of `bytes`, which must outlive the archive.
  /// The buffer's identifier names the file in errors.
  static llvm::Expected<ZipArchive> parse(llvm::MemoryBufferRef bytes);

  llvm::ArrayRef<Entry> entries() const { return table; }
  /// The entry of that exact name, or null.
  const Entry *find(llvm::StringRef name) const;

  /// The payload of an uncompressed entry, in place.
  llvm::Expected<llvm::StringRef> stored(const Entry &entry) const;
  /// The payload of any entry, decompressed into a new string.
  llvm::Expected<std::string> read(const Entry &entry) const;

  llvm::StringRef fileName() const { return buffer.getBufferIdentifier(); }
  /// An error that names the file.
  llvm::Error error(const llvm::Twine &message) const;

private:
  explicit ZipArchive(llvm::MemoryBufferRef buffer) : buffer(buffer) {}
  llvm::Error readDirectory();
  llvm::Error readEntry(uint64_t &position, uint64_t end, uint64_t &header);

  llvm::MemoryBufferRef buffer;
  std::vector<Entry> table;
  llvm::StringMap<size_t> byName;
};

/// Writes an archive of uncompressed entries. Payloads are aligned to 64 bytes
/// by padding in the local headers; sizes beyond 4 GiB use ZIP64 records.
class ZipWriter {
public:
  explicit ZipWriter(llvm::raw_pwrite_stream &os) : os(os) {}
  void add(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> pieces);
  /// Writes the table of contents; nothing can be added afterwards.
  void finish();

private:
  struct Written {
    std::string name;
    uint32_t crc;
    uint64_t size;
    uint64_t offset;
  };
  llvm::raw_pwrite_stream &os;
  std::vector<Written> written;
};

} // namespace mlir::fx

#endif // FX_SUPPORT_ZIPARCHIVE_H
