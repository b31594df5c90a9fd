//===- ZipArchive.cpp - ZIP files in memory -------------------------------===//

#include "fx/Support/ZipArchive.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <zlib.h>

using namespace llvm;
using support::endian::read16le;
using support::endian::read32le;
using support::endian::read64le;

namespace mlir::fx {

//===----------------------------------------------------------------------===//
// MappedFile
//===----------------------------------------------------------------------===//

Expected<std::shared_ptr<MappedFile>> MappedFile::open(StringRef path) {
  auto fail = [&](std::error_code code) {
    return createStringError(code, "%s: %s", path.str().c_str(),
                             code.message().c_str());
  };
  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return fail(errorToErrorCode(file.takeError()));
  scope_exit close([&] { sys::fs::closeFile(*file); });

  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(*file, status))
    return fail(code);
  if (status.type() == sys::fs::file_type::directory_file)
    return fail(std::make_error_code(std::errc::is_a_directory));
  auto mapped = std::make_shared<MappedFile>();
  // An empty file cannot be mapped; it is an empty range of bytes.
  if (status.getSize() == 0)
    return mapped;
  std::error_code code;
  mapped->region = sys::fs::mapped_file_region(
      *file, sys::fs::mapped_file_region::readonly, status.getSize(), 0, code);
  if (code)
    return fail(code);
  return mapped;
}

//===----------------------------------------------------------------------===//
// ZipArchive
//===----------------------------------------------------------------------===//

namespace {
constexpr uint32_t localHeaderMagic = 0x04034b50;
constexpr uint32_t directoryHeaderMagic = 0x02014b50;
constexpr uint32_t directoryEndMagic = 0x06054b50;
constexpr uint32_t zip64EndMagic = 0x06064b50;
constexpr uint32_t zip64LocatorMagic = 0x07064b50;

constexpr uint64_t localHeaderSize = 30;
constexpr uint64_t directoryHeaderSize = 46;
constexpr uint64_t directoryEndSize = 22;
constexpr uint64_t zip64EndSize = 56;
constexpr uint64_t zip64LocatorSize = 20;

constexpr uint16_t flagEncrypted = 1;
constexpr uint16_t flagUtf8 = 1 << 11;

/// Deflate cannot expand by more than this factor.
constexpr uint64_t maxDeflateRatio = 1032;

/// Whether [offset, offset + size) lies in [0, limit), without overflow.
bool fits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

/// The ZIP64 extra field (id 1) holds those of the 32-bit fields that are all
/// ones, in this order. Returns false if one is missing.
bool readZip64Extra(StringRef extra, ArrayRef<uint64_t *> fields) {
  SmallVector<uint64_t *> wanted;
  for (uint64_t *field : fields)
    if (*field == UINT32_MAX)
      wanted.push_back(field);
  if (wanted.empty())
    return true;
  while (extra.size() >= 4) {
    uint16_t id = read16le(extra.data());
    uint16_t size = read16le(extra.data() + 2);
    extra = extra.drop_front(4);
    if (size > extra.size())
      return false;
    if (id == 1) {
      if (size < 8 * wanted.size())
        return false;
      for (auto [index, field] : enumerate(wanted))
        *field = read64le(extra.data() + 8 * index);
      return true;
    }
    extra = extra.drop_front(size);
  }
  return false;
}
} // namespace

Error ZipArchive::error(const Twine &message) const {
  return createStringError(inconvertibleErrorCode(),
                           Twine(fileName()) + ": " + message);
}

const ZipArchive::Entry *ZipArchive::find(StringRef name) const {
  auto it = byName.find(name);
  return it == byName.end() ? nullptr : &table[it->second];
}

Expected<ZipArchive> ZipArchive::parse(MemoryBufferRef bytes) {
  ZipArchive archive(bytes);
  if (Error error = archive.readDirectory())
    return std::move(error);
  return archive;
}

Error ZipArchive::readDirectory() {
  StringRef bytes = buffer.getBuffer();
  if (bytes.empty())
    return error("the file is empty");
  if (bytes.size() < directoryEndSize || !bytes.starts_with("PK"))
    return error("not a zip archive");

  // The end record is the last one whose comment reaches to the file's end.
  uint64_t end = bytes.size() - directoryEndSize;
  uint64_t lowest = end > UINT16_MAX ? end - UINT16_MAX : 0;
  auto isEndRecord = [&](uint64_t position) {
    const char *p = bytes.data() + position;
    return read32le(p) == directoryEndMagic &&
           position + directoryEndSize + read16le(p + 20) == bytes.size();
  };
  while (end > lowest && !isEndRecord(end))
    --end;
  if (!isEndRecord(end))
    return error("no zip directory at the end: the archive is truncated");

  const char *record = bytes.data() + end;
  uint64_t count = read16le(record + 10);
  uint64_t size = read32le(record + 12);
  uint64_t offset = read32le(record + 16);
  uint64_t limit = end;
  if (count == UINT16_MAX || size == UINT32_MAX || offset == UINT32_MAX) {
    if (end < zip64LocatorSize)
      return error("the ZIP64 locator is missing");
    const char *locator = record - zip64LocatorSize;
    uint64_t zip64End = read64le(locator + 8);
    if (read32le(locator) != zip64LocatorMagic ||
        !fits(zip64End, zip64EndSize, end - zip64LocatorSize) ||
        read32le(bytes.data() + zip64End) != zip64EndMagic)
      return error("the ZIP64 directory record is missing");
    const char *zip64 = bytes.data() + zip64End;
    count = read64le(zip64 + 32);
    size = read64le(zip64 + 40);
    offset = read64le(zip64 + 48);
    limit = zip64End;
  } else if (read16le(record + 4) != 0 || read16le(record + 6) != 0) {
    return error("the zip archive is split over several files");
  }
  if (!fits(offset, size, limit) || count > size / directoryHeaderSize)
    return error("the zip directory does not fit in the file");

  // (start of the local header, index of the entry)
  std::vector<std::pair<uint64_t, size_t>> headers;
  uint64_t position = offset;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t header;
    if (Error error = readEntry(position, offset + size, header))
      return error;
    headers.emplace_back(header, i);
    const Entry &entry = table.back();
    if (!fits(entry.offset, entry.storedSize, offset))
      return error("'" + entry.name + "' reaches beyond its archive");
  }
  llvm::sort(headers);
  for (size_t i = 1; i < headers.size(); ++i) {
    const Entry &before = table[headers[i - 1].second];
    if (before.offset + before.storedSize > headers[i].first)
      return error("'" + before.name + "' and '" +
                   table[headers[i].second].name + "' overlap");
  }
  return Error::success();
}

/// Reads one record of the directory and the entry's local header, at `header`.
Error ZipArchive::readEntry(uint64_t &position, uint64_t end,
                            uint64_t &header) {
  StringRef bytes = buffer.getBuffer();
  if (!fits(position, directoryHeaderSize, end) ||
      read32le(bytes.data() + position) != directoryHeaderMagic)
    return error("the zip directory is damaged");
  const char *p = bytes.data() + position;
  uint16_t flags = read16le(p + 8), method = read16le(p + 10);
  uint64_t storedSize = read32le(p + 20), size = read32le(p + 24);
  uint64_t nameSize = read16le(p + 28), extraSize = read16le(p + 30);
  uint64_t commentSize = read16le(p + 32);
  header = read32le(p + 42);
  uint64_t variable = nameSize + extraSize + commentSize;
  if (!fits(position + directoryHeaderSize, variable, end))
    return error("the zip directory is damaged");
  StringRef name = bytes.substr(position + directoryHeaderSize, nameSize);
  StringRef extra = bytes.substr(
      position + directoryHeaderSize + nameSize, extraSize);
  position += directoryHeaderSize + variable;

  if (name.empty() || name.contains('\0'))
    return error("the zip directory has an entry without a usable name");
  auto fail = [&](const Twine &what) {
    return error("entry '" + name + "' " + what);
  };
  if (!readZip64Extra(extra, {&size, &storedSize, &header}))
    return fail("lacks its ZIP64 sizes");
  if (flags & flagEncrypted)
    return fail("is encrypted");
  if (method != uint16_t(Method::Stored) &&
      method != uint16_t(Method::Deflated))
    return fail("has the unknown compression method " + Twine(method));
  if (method == uint16_t(Method::Stored) && size != storedSize)
    return fail("has two different sizes");

  // The local header may have other extra fields (padding for alignment) and,
  // where a data descriptor follows the payload, zeros for the sizes.
  if (!fits(header, localHeaderSize, bytes.size()) ||
      read32le(bytes.data() + header) != localHeaderMagic)
    return fail("has no header where the directory says");
  const char *local = bytes.data() + header;
  uint64_t localNameSize = read16le(local + 26);
  uint64_t localVariable = localNameSize + read16le(local + 28);
  if (!fits(header + localHeaderSize, localVariable, bytes.size()) ||
      bytes.substr(header + localHeaderSize, localNameSize) != name)
    return fail("has another name in its own header");

  if (!byName.try_emplace(name, table.size()).second)
    return fail("appears twice");
  table.push_back({name.str(), Method(method), read32le(p + 16), storedSize,
                   size, header + localHeaderSize + localVariable});
  return Error::success();
}

Expected<StringRef> ZipArchive::stored(const Entry &entry) const {
  if (entry.method != Method::Stored)
    return error("entry '" + entry.name +
                 "' is compressed; it must be stored uncompressed");
  return buffer.getBuffer().substr(entry.offset, entry.size);
}

Expected<std::string> ZipArchive::read(const Entry &entry) const {
  StringRef payload = buffer.getBuffer().substr(entry.offset, entry.storedSize);
  if (entry.method == Method::Stored)
    return payload.str();

  if (entry.size / maxDeflateRatio > entry.storedSize)
    return error("entry '" + entry.name + "' declares an impossible size");
  std::string result(entry.size, '\0');
  z_stream stream = {};
  // Negative window bits: raw deflate data without a zlib header.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return error("zlib cannot be initialised");
  scope_exit end([&] { inflateEnd(&stream); });
  // zlib counts in 32 bits, so large entries go in pieces.
  uint64_t consumed = 0, produced = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    uint64_t in = std::min<uint64_t>(payload.size() - consumed, 1u << 30);
    uint64_t out = std::min<uint64_t>(result.size() - produced, 1u << 30);
    stream.next_in = reinterpret_cast<Bytef *>(
        const_cast<char *>(payload.data()) + consumed);
    stream.next_out = reinterpret_cast<Bytef *>(result.data() + produced);
    stream.avail_in = in;
    stream.avail_out = out;
    status = inflate(&stream, Z_NO_FLUSH);
    consumed += in - stream.avail_in;
    produced += out - stream.avail_out;
  }
  uLong crc = crc32_z(0, reinterpret_cast<const Bytef *>(result.data()),
                      result.size());
  if (status != Z_STREAM_END || produced != entry.size || crc != entry.crc)
    return error("entry '" + entry.name + "' does not decompress");
  return result;
}

//===----------------------------------------------------------------------===//
// ZipWriter
//===----------------------------------------------------------------------===//

namespace {
/// 1 January 1980, the zero of ZIP time stamps: equal contents, equal files.
constexpr uint32_t epoch = (1 << 21) | (1 << 16);
constexpr uint64_t alignment = 64;
/// The smallest extra field that can be padding: an identifier and a size.
constexpr uint64_t minPadding = 4;
constexpr uint16_t paddingId = 0x4246;
constexpr uint16_t zip64Version = 45;
} // namespace

void ZipWriter::add(StringRef name, ArrayRef<StringRef> pieces) {
  Written entry{name.str(), 0, 0, os.tell()};
  uLong crc = 0;
  for (StringRef piece : pieces) {
    crc = crc32_z(crc, reinterpret_cast<const Bytef *>(piece.data()),
                  piece.size());
    entry.size += piece.size();
  }
  entry.crc = crc;

  bool large = entry.size >= UINT32_MAX;
  uint64_t zip64Size = large ? 20 : 0;
  uint64_t unpadded =
      entry.offset + localHeaderSize + name.size() + zip64Size + minPadding;
  uint64_t padding = alignTo(unpadded, alignment) - unpadded;

  support::endian::Writer writer(os, endianness::little);
  writer.write<uint32_t>(localHeaderMagic);
  writer.write<uint16_t>(zip64Version);
  writer.write<uint16_t>(flagUtf8);
  writer.write<uint16_t>(uint16_t(ZipArchive::Method::Stored));
  writer.write<uint32_t>(epoch);
  writer.write<uint32_t>(entry.crc);
  writer.write<uint32_t>(large ? UINT32_MAX : entry.size);
  writer.write<uint32_t>(large ? UINT32_MAX : entry.size);
  writer.write<uint16_t>(name.size());
  writer.write<uint16_t>(zip64Size + minPadding + padding);
  os << name;
  if (large) {
    writer.write<uint16_t>(1);
    writer.write<uint16_t>(16);
    writer.write<uint64_t>(entry.size);
    writer.write<uint64_t>(entry.size);
  }
  writer.write<uint16_t>(paddingId);
  writer.write<uint16_t>(padding);
  os << std::string(padding, 'Z');
  for (StringRef piece : pieces)
    os << piece;
  written.push_back(std::move(entry));
}

void ZipWriter::finish() {
  support::endian::Writer writer(os, endianness::little);
  uint64_t start = os.tell();
  for (const Written &entry : written) {
    writer.write<uint32_t>(directoryHeaderMagic);
    writer.write<uint16_t>(zip64Version);
    writer.write<uint16_t>(zip64Version);
    writer.write<uint16_t>(flagUtf8);
    writer.write<uint16_t>(uint16_t(ZipArchive::Method::Stored));
    writer.write<uint32_t>(epoch);
    writer.write<uint32_t>(entry.crc);
    // Small archives have no ZIP64 fields, which old readers do not know.
    bool large = entry.size >= UINT32_MAX || entry.offset >= UINT32_MAX;
    writer.write<uint32_t>(large ? UINT32_MAX : entry.size);
    writer.write<uint32_t>(large ? UINT32_MAX : entry.size);
    writer.write<uint16_t>(entry.name.size());
    writer.write<uint16_t>(large ? 28 : 0);
    writer.write<uint16_t>(0); // comment
    writer.write<uint16_t>(0); // disk
    writer.write<uint16_t>(0); // internal attributes
    writer.write<uint32_t>(0); // external attributes
    writer.write<uint32_t>(large ? UINT32_MAX : entry.offset);
    os << entry.name;
    if (large) {
      writer.write<uint16_t>(1);
      writer.write<uint16_t>(24);
      writer.write<uint64_t>(entry.size);
      writer.write<uint64_t>(entry.size);
      writer.write<uint64_t>(entry.offset);
    }
  }
  uint64_t end = os.tell();
  uint64_t size = end - start;
  uint64_t count = written.size();
  if (count >= UINT16_MAX || size >= UINT32_MAX || start >= UINT32_MAX) {
    writer.write<uint32_t>(zip64EndMagic);
    writer.write<uint64_t>(zip64EndSize - 12);
    writer.write<uint16_t>(zip64Version);
    writer.write<uint16_t>(zip64Version);
    writer.write<uint32_t>(0);
    writer.write<uint32_t>(0);
    writer.write<uint64_t>(count);
    writer.write<uint64_t>(count);
    writer.write<uint64_t>(size);
    writer.write<uint64_t>(start);
    writer.write<uint32_t>(zip64LocatorMagic);
    writer.write<uint32_t>(0);
    writer.write<uint64_t>(end);
    writer.write<uint32_t>(1);
  }
  writer.write<uint32_t>(directoryEndMagic);
  writer.write<uint16_t>(0);
  writer.write<uint16_t>(0);
  uint16_t shortCount = std::min<uint64_t>(count, UINT16_MAX);
  writer.write<uint16_t>(shortCount);
  writer.write<uint16_t>(shortCount);
  writer.write<uint32_t>(std::min<uint64_t>(size, UINT32_MAX));
  writer.write<uint32_t>(std::min<uint64_t>(start, UINT32_MAX));
  writer.write<uint16_t>(0);
}

} // namespace mlir::fx
