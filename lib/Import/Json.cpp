//===- Json.cpp - JSON documents of graph files ---------------------------===//

#include "fx/Import/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/StringSaver.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <vector>

using namespace llvm;

namespace mlir::fx::json {

/// A subgraph of a control-flow operator adds about ten levels; real files
/// stay below 100.
constexpr unsigned maxDepth = 1000;

// The arena frees memory without destructors.
static_assert(std::is_trivially_destructible_v<Value>);

const Value *Object::get(StringRef key) const {
  for (const Member &member : llvm::reverse(members))
    if (member.first == key)
      return &member.second;
  return nullptr;
}

std::optional<StringRef> Object::getString(StringRef key) const {
  const Value *value = get(key);
  return value ? value->getAsString() : std::nullopt;
}

std::optional<int64_t> Value::getAsInteger() const {
  if (type != Number)
    return std::nullopt;
  if (isInt)
    return integer;
  // The bounds are exact in double; the upper one is not in int64_t.
  if (std::trunc(real) == real && real >= -0x1p63 && real < 0x1p63)
    return static_cast<int64_t>(real);
  return std::nullopt;
}

namespace {
/// Receives a document's parts in the order of the text. The functions' names
/// are nlohmann's; `false` ends the parse.
class Builder {
public:
  using Json = nlohmann::json;

  explicit Builder(BumpPtrAllocator &memory) : memory(memory) {}

  /// The whole document.
  Value takeRoot() const { return values.front(); }
  Error takeError() const {
    return createStringError(inconvertibleErrorCode(), error);
  }

  bool null() { return add(Value()); }
  bool boolean(bool value) { return add(Value::ofBool(value)); }
  bool number_integer(Json::number_integer_t value) {
    return add(Value::ofInt(value));
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    return add(value <= static_cast<uint64_t>(INT64_MAX)
                   ? Value::ofInt(static_cast<int64_t>(value))
                   : Value::ofDouble(static_cast<double>(value)));
  }
  bool number_float(Json::number_float_t value, const Json::string_t &) {
    return add(Value::ofDouble(value));
  }
  bool string(Json::string_t &text) { return add(Value(copy(text))); }
  /// Only binary formats have these.
  bool binary(Json::binary_t &) { return false; }

  bool key(Json::string_t &text) {
    keys.push_back(keySaver.save(StringRef(text)));
    return true;
  }
  bool start_object(size_t) { return open(); }
  bool start_array(size_t) { return open(); }
  bool end_object() {
    ArrayRef<Value> inside = close();
    ArrayRef<StringRef> names = ArrayRef(keys).take_back(inside.size());
    Member *members = memory.Allocate<Member>(inside.size());
    for (size_t i = 0; i < inside.size(); ++i)
      new (members + i) Member{names[i], inside[i]};
    json::Object object(ArrayRef<Member>(members, inside.size()));
    keys.resize(keys.size() - inside.size());
    values.resize(values.size() - inside.size());
    return add(Value(object));
  }
  bool end_array() {
    ArrayRef<Value> inside = close();
    Value *elements = memory.Allocate<Value>(inside.size());
    std::uninitialized_copy(inside.begin(), inside.end(), elements);
    json::Array array(ArrayRef<Value>(elements, inside.size()));
    values.resize(values.size() - inside.size());
    return add(Value(array));
  }
  bool parse_error(size_t, const std::string &,
                   const nlohmann::detail::exception &exception) {
    // "[json.exception.parse_error.101] parse error at line …": the number
    // says nothing to the reader of a graph file.
    StringRef message = exception.what();
    error = message.drop_front(message.find("] ") + 2).str();
    return false;
  }

private:
  bool add(Value value) {
    values.push_back(value);
    return true;
  }
  StringRef copy(StringRef text) { return text.copy(memory); }
  bool open() {
    begins.push_back(values.size());
    if (begins.size() <= maxDepth)
      return true;
    error = "nests deeper than " + std::to_string(maxDepth) + " levels";
    return false;
  }
  /// The values inside the innermost array or object.
  ArrayRef<Value> close() {
    return ArrayRef(values).drop_front(begins.pop_back_val());
  }

  BumpPtrAllocator &memory;
  /// A document has few different keys.
  UniqueStringSaver keySaver{memory};
  /// Values whose arrays and objects are not complete, their keys, and for
  /// each open array and object the number of the first value in it.
  std::vector<Value> values;
  std::vector<StringRef> keys;
  SmallVector<size_t> begins;
  std::string error;
};
} // namespace

Expected<Document> parse(StringRef text) {
  Document document;
  Builder builder(*document.memory);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
    return builder.takeError();
  document.value = builder.takeRoot();
  return std::move(document);
}

} // namespace mlir::fx::json
