//===- NumpyIO.cpp - Arrays in .npy and .npz files ------------------------===//

#include "fx/Support/NumpyIO.h"

#include "fx/Support/OutputFile.h"
#include "fx/Support/ZipArchive.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <numeric>
#include <optional>

using namespace llvm;

namespace mlir::fx {

namespace {
constexpr StringLiteral magic = "\x93NUMPY";
constexpr uint64_t alignment = 64;
/// NumPy's own limit on the number of dimensions.
constexpr size_t maxRank = 64;

struct TypeInfo {
  NumpyType type;
  StringLiteral name;
  StringLiteral descr;
  unsigned size;
};
constexpr TypeInfo types[] = {
    {NumpyType::Bool, "bool", "|b1", 1},    {NumpyType::I8, "int8", "|i1", 1},
    {NumpyType::U8, "uint8", "|u1", 1},     {NumpyType::I16, "int16", "<i2", 2},
    {NumpyType::I32, "int32", "<i4", 4},    {NumpyType::I64, "int64", "<i8", 8},
    {NumpyType::F16, "float16", "<f2", 2},
    {NumpyType::F32, "float32", "<f4", 4},
    {NumpyType::F64, "float64", "<f8", 8},
};
const TypeInfo &getInfo(NumpyType type) { return types[size_t(type)]; }

Error makeError(StringRef what, const Twine &message) {
  return createStringError(inconvertibleErrorCode(),
                           Twine(what) + ": " + message);
}

/// The three fields of a `.npy` header.
struct Header {
  StringRef descr;
  bool fortranOrder;
  SmallVector<int64_t> shape;
};

/// Reads the header's Python literal:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : text(text) {}

  std::optional<Header> parse() {
    Header header;
    unsigned seen = 0;
    if (!take("{"))
      return std::nullopt;
    while (!take("}")) {
      std::optional<StringRef> key = takeString();
      if (!key || !take(":"))
        return std::nullopt;
      if (*key == "descr") {
        std::optional<StringRef> descr = takeString();
        if (!descr)
          return std::nullopt;
        header.descr = *descr;
        seen |= 1;
      } else if (*key == "fortran_order") {
        header.fortranOrder = take("True");
        if (!header.fortranOrder && !take("False"))
          return std::nullopt;
        seen |= 2;
      } else if (*key == "shape") {
        if (!takeShape(header.shape))
          return std::nullopt;
        seen |= 4;
      } else {
        return std::nullopt;
      }
      if (!take(",") && !text.ltrim().starts_with("}"))
        return std::nullopt;
    }
    if (seen != 7)
      return std::nullopt;
    return header;
  }

private:
  bool take(StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }
  std::optional<StringRef> takeString() {
    if (!take("'"))
      return std::nullopt;
    auto [value, rest] = text.split('\'');
    if (value.size() == text.size())
      return std::nullopt;
    text = rest;
    return value;
  }
  bool takeShape(SmallVectorImpl<int64_t> &shape) {
    if (!take("("))
      return false;
    while (!take(")")) {
      int64_t dim;
      text = text.ltrim();
      if (text.consumeInteger(10, dim) || dim < 0 || shape.size() == maxRank)
        return false;
      shape.push_back(dim);
      if (!take(",") && !text.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }

  StringRef text;
};

/// The size in bytes, or none if it cannot be counted.
std::optional<int64_t> countBytes(NumpyType type, ArrayRef<int64_t> shape) {
  int64_t bytes = getItemSize(type);
  for (int64_t dim : shape) {
    std::optional<int64_t> product = checkedMul(bytes, dim);
    if (!product || dim < 0)
      return std::nullopt;
    bytes = *product;
  }
  return bytes;
}

/// Copies column-major elements into row-major order.
void copyReordered(const char *from, NumpyArray &to) {
  ArrayRef<int64_t> shape = to.shape();
  size_t itemSize = getItemSize(to.type());
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0, e = to.numElements(); i < e; ++i) {
    int64_t source = 0;
    for (size_t d = shape.size(); d-- > 0;)
      source = source * shape[d] + index[d];
    memcpy(to.data() + i * itemSize, from + source * itemSize, itemSize);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

/// The bytes before the elements, padded so that the elements are aligned.
std::string makeHeader(const NumpyArray &array) {
  std::string dict;
  raw_string_ostream os(dict);
  os << "{'descr': '" << getInfo(array.type()).descr
     << "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : array.shape())
    os << dim << (array.shape().size() == 1 ? "," : ", ");
  if (array.shape().size() > 1)
    dict.resize(dict.size() - 2);
  os << "), }";
  constexpr size_t prefix = 10;
  size_t total = alignTo(prefix + dict.size() + 1, alignment);
  dict.resize(total - prefix - 1, ' ');
  dict += '\n';

  char lead[prefix];
  memcpy(lead, magic.data(), magic.size());
  lead[6] = 1;
  lead[7] = 0;
  support::endian::write16le(lead + 8, dict.size());
  return std::string(lead, prefix) + dict;
}
} // namespace

unsigned getItemSize(NumpyType type) { return getInfo(type).size; }
StringRef getName(NumpyType type) { return getInfo(type).name; }

Expected<NumpyArray> NumpyArray::create(NumpyType type,
                                        ArrayRef<int64_t> shape) {
  std::optional<int64_t> bytes = countBytes(type, shape);
  NumpyArray array;
  array.elementType = type;
  array.dims.assign(shape.begin(), shape.end());
  if (bytes)
    array.storage = WritableMemoryBuffer::getNewUninitMemBuffer(
        *bytes, "", Align(alignment));
  if (!array.storage) {
    std::string text = join(
        map_range(shape, [](int64_t dim) { return std::to_string(dim); }),
        ", ");
    return createStringError("no memory for %s [%s]",
                             getName(type).str().c_str(), text.c_str());
  }
  return array;
}

int64_t NumpyArray::numElements() const {
  return std::accumulate(dims.begin(), dims.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

Expected<NumpyArray> parseNpy(StringRef bytes, StringRef what) {
  if (bytes.size() < 10 || !bytes.starts_with(magic))
    return makeError(what, "not a .npy file");
  // Versions 2 and 3 differ from 1 in the width of the header's length.
  unsigned version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    return makeError(what, "unknown .npy version " + Twine(version));
  size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start)
    return makeError(what, "the .npy header is truncated");
  size_t length = version == 1 ? support::endian::read16le(bytes.data() + 8)
                               : support::endian::read32le(bytes.data() + 8);
  if (bytes.size() - start < length)
    return makeError(what, "the .npy header is truncated");
  std::optional<Header> header =
      HeaderParser(bytes.substr(start, length)).parse();
  if (!header)
    return makeError(what, "the .npy header cannot be understood");

  const TypeInfo *info = find_if(
      types, [&](const TypeInfo &info) { return info.descr == header->descr; });
  if (info == std::end(types))
    return makeError(what, "element type '" + header->descr +
                               "' is not supported");
  std::optional<int64_t> size = countBytes(info->type, header->shape);
  StringRef payload = bytes.drop_front(start + length);
  if (!size || payload.size() < size_t(*size))
    return makeError(what, "fewer elements than the shape says");

  Expected<NumpyArray> array = NumpyArray::create(info->type, header->shape);
  if (!array)
    return makeError(what, toString(array.takeError()));
  if (header->fortranOrder && header->shape.size() > 1)
    copyReordered(payload.data(), *array);
  else
    memcpy(array->data(), payload.data(), array->numBytes());
  return array;
}

Expected<NumpyArray> readNpy(StringRef path) {
  Expected<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseNpy((*file)->bytes(), path);
}

Expected<std::vector<NamedNumpyArray>> readNpz(StringRef path) {
  Expected<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<ZipArchive> archive =
      ZipArchive::parse(MemoryBufferRef((*file)->bytes(), path));
  if (!archive)
    return archive.takeError();

  std::vector<NamedNumpyArray> result;
  for (const ZipArchive::Entry &entry : archive->entries()) {
    Expected<std::string> bytes = archive->read(entry);
    if (!bytes)
      return bytes.takeError();
    StringRef name = entry.name;
    name.consume_back(".npy");
    Expected<NumpyArray> array = parseNpy(*bytes, (path + ": " + name).str());
    if (!array)
      return array.takeError();
    result.push_back({name.str(), std::move(*array)});
  }
  return result;
}

Error writeNpy(StringRef path, const NumpyArray &array) {
  return writeOutputFile(path, [&](raw_pwrite_stream &os) {
    os << makeHeader(array) << array.bytes();
  });
}

Error writeNpz(StringRef path, ArrayRef<NamedNumpyArray> arrays) {
  return writeOutputFile(path, [&](raw_pwrite_stream &os) {
    ZipWriter writer(os);
    for (const NamedNumpyArray &named : arrays)
      writer.add(named.name + ".npy",
                 {makeHeader(named.array), named.array.bytes()});
    writer.finish();
  });
}

} // namespace mlir::fx
