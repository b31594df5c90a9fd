//===- DiskCache.cpp - Compiled graphs on disk ----------------------------===//

#include "DiskCache.h"

#include "fx/Runtime/Runtime.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Caching.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/TargetParser/Host.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::fx::capi;

/// Changes with the layout of the files.
static constexpr StringRef kMagic = "fx-mlir cache 2\n";
static constexpr uint64_t kMaxBytes = uint64_t(1) << 30;

static std::string getDigest(StringRef bytes) {
  llvm::SHA256 hash;
  hash.update(bytes);
  return llvm::toStringRef(hash.final()).str();
}

/// The file that this code is in, as it is now: code of another build is
/// another compiler's.
static std::string getBuild() {
  Dl_info info;
  llvm::sys::fs::file_status status;
  if (!dladdr(reinterpret_cast<void *>(&getBuild), &info) ||
      llvm::sys::fs::status(info.dli_fname, status))
    return "";
  return (Twine(info.dli_fname) + ":" + Twine(status.getSize()) + ":" +
          Twine(status.getLastModificationTime().time_since_epoch().count()))
      .str();
}

static std::string getProcessor() {
  std::string text = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  SmallVector<StringRef> names;
  for (const auto &feature : features)
    if (feature.second)
      names.push_back(feature.first());
  llvm::sort(names);
  for (StringRef name : names)
    text += ("," + name).str();
  // Plans ask the run-time library what it packs.
  return text + ":" + fx_rt_isa();
}

DiskCache::DiskCache(StringRef folder, StringRef graph, StringRef options)
    : folder(folder) {
  static const std::string build = getBuild();
  static const std::string processor = getProcessor();
  if (build.empty())
    this->folder.clear();
  if (this->folder.empty())
    return;
  llvm::SHA256 hash;
  for (StringRef part :
       {StringRef(kMagic), StringRef(LLVM_VERSION_STRING), StringRef(build),
        StringRef(processor), options, graph}) {
    // Lengths keep neighbours apart.
    hash.update((Twine(part.size()) + ":").str());
    hash.update(part);
  }
  key = llvm::toHex(hash.final(), /*LowerCase=*/true);
}

static void append(std::string &text, StringRef part) {
  char size[8];
  llvm::support::endian::write64le(size, part.size());
  text.append(size, sizeof(size));
  text += part;
}

static std::optional<StringRef> take(StringRef &text) {
  if (text.size() < 8)
    return std::nullopt;
  uint64_t size = llvm::support::endian::read64le(text.data());
  text = text.drop_front(8);
  if (size > text.size())
    return std::nullopt;
  StringRef part = text.take_front(size);
  text = text.drop_front(size);
  return part;
}

/// Nothing if the file is not as it was written.
static std::optional<CachedCode> parse(StringRef text) {
  constexpr size_t kDigest = 32;
  if (!text.consume_front(kMagic) || text.size() < kDigest ||
      getDigest(text.drop_front(kDigest)) != text.take_front(kDigest))
    return std::nullopt;
  text = text.drop_front(kDigest);
  std::optional<StringRef> kernels = take(text), description = take(text);
  CachedCode code;
  if (!kernels || !description || kernels->getAsInteger(10, code.numKernels))
    return std::nullopt;
  code.description = description->str();
  while (!text.empty()) {
    std::optional<StringRef> object = take(text);
    if (!object)
      return std::nullopt;
    code.objects.push_back(object->str());
  }
  return code;
}

/// The files that pruning looks at are named by LLVM.
static SmallString<256> getPath(StringRef folder, StringRef key) {
  SmallString<256> path(folder);
  llvm::sys::path::append(path, "llvmcache-" + key);
  return path;
}

std::optional<CachedCode> DiskCache::load() {
  if (folder.empty())
    return std::nullopt;
  SmallString<256> path = getPath(folder, key);
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return std::nullopt;
  std::optional<CachedCode> code = parse((*file)->getBuffer());
  if (!code)
    llvm::sys::fs::remove(path);
  return code;
}

void DiskCache::store(const CachedCode &code) {
  if (folder.empty())
    return;
  std::string payload;
  append(payload, std::to_string(code.numKernels));
  append(payload, code.description);
  for (const std::string &object : code.objects)
    append(payload, object);
  if (llvm::sys::fs::create_directories(folder))
    return;
  llvm::Expected<llvm::FileCache> cache =
      llvm::localCache("fx-mlir", "fx-mlir", folder);
  if (!cache)
    return llvm::consumeError(cache.takeError());
  llvm::Expected<llvm::AddStreamFn> add = (*cache)(0, key, "");
  if (!add)
    return llvm::consumeError(add.takeError());
  // Another process was faster.
  if (!*add)
    return;
  auto stream = (*add)(0, "");
  if (!stream)
    return llvm::consumeError(stream.takeError());
  *(*stream)->OS << kMagic << getDigest(payload) << payload;
  llvm::consumeError((*stream)->commit());
  llvm::CachePruningPolicy policy;
  policy.MaxSizeBytes = kMaxBytes;
  llvm::pruneCache(folder, policy);
}
