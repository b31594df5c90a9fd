//===- Json.h - JSON documents of graph files -------------------*- C++ -*-===//
//
// llvm::json takes about six kilobytes for each object, however small, and its
// parser recurses without a bound. A graph file has some fifteen objects for
// each node. Here a document, read by nlohmann's parser, lies in one arena, and
// keys keep their order.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_JSON_H
#define FX_IMPORT_JSON_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>

namespace mlir::fx::json {

class Value;
struct Member;

class Array {
public:
  Array() = default;
  explicit Array(llvm::ArrayRef<Value> elements) : elements(elements) {}
  const Value *begin() const { return elements.begin(); }
  inline const Value *end() const;
  size_t size() const { return elements.size(); }
  inline const Value &operator[](size_t index) const;

private:
  llvm::ArrayRef<Value> elements;
};

class Object {
public:
  Object() = default;
  explicit Object(llvm::ArrayRef<Member> members) : members(members) {}
  const Member *begin() const { return members.begin(); }
  inline const Member *end() const;
  size_t size() const { return members.size(); }
  /// The value of a key, null if there is none. Of several the last one, as in
  /// Python. Takes time in the number of keys: graph files have large objects,
  /// but those are walked.
  const Value *get(llvm::StringRef key) const;
  std::optional<llvm::StringRef> getString(llvm::StringRef key) const;

private:
  llvm::ArrayRef<Member> members;
};

class Value {
public:
  enum Kind : uint8_t { Null, Boolean, Number, String, Array, Object };

  Value() : type(Null), isInt(false), integer(0) {}
  static Value ofBool(bool value) {
    Value result;
    result.type = Boolean;
    result.integer = value;
    return result;
  }
  static Value ofInt(int64_t value) {
    Value result;
    result.type = Number;
    result.isInt = true;
    result.integer = value;
    return result;
  }
  static Value ofDouble(double value) {
    Value result;
    result.type = Number;
    result.real = value;
    return result;
  }
  explicit Value(llvm::StringRef text)
      : type(String), isInt(false), text(text) {}
  explicit Value(json::Array array)
      : type(Array), isInt(false), array(array) {}
  explicit Value(json::Object object)
      : type(Object), isInt(false), object(object) {}

  Kind kind() const { return type; }
  /// Whether a number is written without point and exponent.
  bool isInteger() const { return isInt; }

  std::optional<bool> getAsBoolean() const {
    return type == Boolean ? std::optional<bool>(integer != 0) : std::nullopt;
  }
  std::optional<double> getAsNumber() const {
    if (type != Number)
      return std::nullopt;
    return isInt ? static_cast<double>(integer) : real;
  }
  /// Also of a number like 2.0.
  std::optional<int64_t> getAsInteger() const;
  std::optional<llvm::StringRef> getAsString() const {
    return type == String ? std::optional<llvm::StringRef>(text)
                          : std::nullopt;
  }
  const json::Array *getAsArray() const {
    return type == Array ? &array : nullptr;
  }
  const json::Object *getAsObject() const {
    return type == Object ? &object : nullptr;
  }

private:
  Kind type;
  bool isInt;
  union {
    int64_t integer;
    double real;
    llvm::StringRef text;
    json::Array array;
    json::Object object;
  };
};

/// A key and its value, named as in a map.
struct Member {
  llvm::StringRef first;
  Value second;
};

inline const Value *Array::end() const { return elements.end(); }
inline const Value &Array::operator[](size_t index) const {
  return elements[index];
}
inline const Member *Object::end() const { return members.end(); }

/// A parsed text; its values are valid as long as it is.
class Document {
public:
  const Value &root() const { return value; }

private:
  friend llvm::Expected<Document> parse(llvm::StringRef text);
  std::unique_ptr<llvm::BumpPtrAllocator> memory =
      std::make_unique<llvm::BumpPtrAllocator>();
  Value value;
};

/// Refuses text that nests deeper than any graph file does. Errors give line,
/// column and byte.
llvm::Expected<Document> parse(llvm::StringRef text);

} // namespace mlir::fx::json

#endif // FX_IMPORT_JSON_H
