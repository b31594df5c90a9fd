//===- JsonReader.cpp - JSON of a known shape -----------------------------===//

#include "fx/Import/JsonReader.h"

using namespace llvm;

namespace mlir::fx {

Expected<json::Document> parseJson(StringRef text, StringRef what) {
  Expected<json::Document> document = json::parse(text);
  if (!document)
    return createStringError(inconvertibleErrorCode(),
                             what + ": " + toString(document.takeError()));
  return document;
}

void JsonReader::fail(const Twine &message) {
  if (failed())
    return;
  firstError = file + ": ";
  if (!context.empty())
    firstError += context + ": ";
  firstError += message.str();
}

Error JsonReader::takeError() {
  if (!failed())
    return Error::success();
  return createStringError(inconvertibleErrorCode(), firstError);
}

const json::Value *JsonReader::find(const json::Object &object,
                                    StringRef key) {
  const json::Value *value = object.get(key);
  return value && value->kind() != json::Value::Null ? value : nullptr;
}

const json::Value &JsonReader::get(const json::Object &object, StringRef key) {
  static const json::Value null;
  if (const json::Value *value = object.get(key))
    return *value;
  fail("the field '" + key + "' is missing");
  return null;
}

const json::Object &JsonReader::asObject(const json::Value &value) {
  static const json::Object empty;
  if (const json::Object *object = value.getAsObject())
    return *object;
  fail("an object was expected");
  return empty;
}

const json::Array &JsonReader::asArray(const json::Value &value) {
  static const json::Array empty;
  if (const json::Array *array = value.getAsArray())
    return *array;
  fail("a list was expected");
  return empty;
}

StringRef JsonReader::asString(const json::Value &value) {
  if (std::optional<StringRef> text = value.getAsString())
    return *text;
  fail("a string was expected");
  return "";
}

int64_t JsonReader::asInt(const json::Value &value) {
  if (std::optional<int64_t> integer = value.getAsInteger())
    return *integer;
  fail("an integer was expected");
  return 0;
}

bool JsonReader::asBool(const json::Value &value) {
  if (std::optional<bool> boolean = value.getAsBoolean())
    return *boolean;
  fail("a boolean was expected");
  return false;
}

} // namespace mlir::fx
