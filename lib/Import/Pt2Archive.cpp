//===- Pt2Archive.cpp - The container of torch.export programs ------------===//

#include "fx/Import/Pt2Archive.h"

using namespace llvm;

namespace mlir::fx {

/// The only layout of the archive that there has been so far.
constexpr StringLiteral archiveVersion = "0";

Expected<Pt2Archive> Pt2Archive::open(StringRef path) {
  Expected<std::shared_ptr<MappedFile>> mapping = MappedFile::open(path);
  if (!mapping)
    return mapping.takeError();
  Expected<Pt2Archive> archive =
      parse(MemoryBufferRef((*mapping)->bytes(), path));
  if (archive)
    archive->mapping = std::move(*mapping);
  return archive;
}

Expected<Pt2Archive> Pt2Archive::parse(MemoryBufferRef bytes) {
  Expected<ZipArchive> zip = ZipArchive::parse(bytes);
  if (!zip)
    return zip.takeError();
  Pt2Archive archive(std::move(*zip));
  if (Error error = archive.check())
    return std::move(error);
  return archive;
}

Error Pt2Archive::check() {
  if (archive.entries().empty())
    return error("the archive has no entries");
  // The root folder has the name that the file had when it was written.
  StringRef first = archive.entries().front().name;
  if (!first.contains('/'))
    return error("not a .pt2 archive: '" + first + "' is in no folder");
  rootFolder = first.substr(0, first.find('/') + 1).str();

  if (archive.find(rootFolder + "data.pkl"))
    return error("a pickled file made by torch.save or torch.jit.save; "
                 "save the model with torch.export.save");
  Expected<std::optional<StringRef>> format = find("archive_format");
  if (!format)
    return format.takeError();
  if (!*format || (*format)->trim() != "pt2")
    return error("not a .pt2 archive: 'archive_format' does not say 'pt2'");
  Expected<StringRef> version = get("archive_version");
  if (!version)
    return version.takeError();
  if (version->trim() != archiveVersion)
    return error("archive version " + version->trim() +
                 " is not supported, only " + archiveVersion);
  Expected<std::optional<StringRef>> order = find("byteorder");
  if (!order)
    return order.takeError();
  if (*order && (*order)->trim() != "little")
    return error("weights in '" + (*order)->trim() +
                 "' byte order are not supported");

  std::string folder = rootFolder + "models/";
  for (const ZipArchive::Entry &entry : archive.entries()) {
    StringRef name = entry.name;
    if (name.consume_front(folder) && name.consume_back(".json"))
      models.push_back(name.str());
  }
  if (models.empty())
    return error("the archive holds no exported program (models/*.json)");
  return Error::success();
}

Expected<std::optional<StringRef>> Pt2Archive::find(StringRef path) const {
  const ZipArchive::Entry *entry = archive.find((rootFolder + path).str());
  if (!entry)
    return std::nullopt;
  Expected<StringRef> bytes = archive.stored(*entry);
  if (!bytes)
    return bytes.takeError();
  return *bytes;
}

Expected<StringRef> Pt2Archive::get(StringRef path) const {
  Expected<std::optional<StringRef>> bytes = find(path);
  if (!bytes)
    return bytes.takeError();
  if (!*bytes)
    return error("the archive lacks the entry '" + path + "'");
  return **bytes;
}

Expected<StringRef> Pt2Archive::modelJson(StringRef model) const {
  return get(("models/" + model + ".json").str());
}

} // namespace mlir::fx
