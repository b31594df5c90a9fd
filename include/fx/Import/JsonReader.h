//===- JsonReader.h - JSON of a known shape ---------------------*- C++ -*-===//

#ifndef FX_IMPORT_JSONREADER_H
#define FX_IMPORT_JSONREADER_H

#include "fx/Import/Json.h"

namespace mlir::fx {

/// Parses `text`, which must outlive the document; `what` names it in errors.
llvm::Expected<json::Document> parseJson(llvm::StringRef text,
                                         llvm::StringRef what);

/// Access to the fields of a JSON document whose shape is known. The first
/// mismatch is kept as the error, with the context it was met in; after it,
/// lookups go on and give empty values, so that readers stay plain.
class JsonReader {
public:
  explicit JsonReader(llvm::StringRef file) : file(file) {}

  void fail(const llvm::Twine &message);
  bool failed() const { return !firstError.empty(); }
  /// The error kept, or success.
  llvm::Error takeError();

  /// Names what is being read, for errors: `node 'add_1'`.
  void setContext(const llvm::Twine &text) { context = text.str(); }

  /// A field that may be missing or null: null then.
  const json::Value *find(const json::Object &object,
                                llvm::StringRef key);
  const json::Value &get(const json::Object &object,
                               llvm::StringRef key);
  const json::Object &asObject(const json::Value &value);
  const json::Array &asArray(const json::Value &value);
  llvm::StringRef asString(const json::Value &value);
  int64_t asInt(const json::Value &value);
  bool asBool(const json::Value &value);

  const json::Object &getObject(const json::Object &object,
                                      llvm::StringRef key) {
    return asObject(get(object, key));
  }
  const json::Array &getArray(const json::Object &object,
                                    llvm::StringRef key) {
    return asArray(get(object, key));
  }
  llvm::StringRef getString(const json::Object &object,
                            llvm::StringRef key) {
    return asString(get(object, key));
  }

private:
  std::string file;
  std::string context;
  std::string firstError;
};

} // namespace mlir::fx

#endif // FX_IMPORT_JSONREADER_H
