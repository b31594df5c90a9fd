//===- JsonReader.h - Bounded JSON parsing ----------------------*- C++ -*-===//
//
// llvm::json with a limit on nesting: its parser is recursive, and input files
// are not to be trusted with the stack.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IMPORT_JSONREADER_H
#define FX_IMPORT_JSONREADER_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace mlir::fx {

/// Parses `text`; `what` names it in errors. Refuses text that nests deeper
/// than any graph file does.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text,
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
  const llvm::json::Value *find(const llvm::json::Object &object,
                                llvm::StringRef key);
  const llvm::json::Value &get(const llvm::json::Object &object,
                               llvm::StringRef key);
  const llvm::json::Object &asObject(const llvm::json::Value &value);
  const llvm::json::Array &asArray(const llvm::json::Value &value);
  llvm::StringRef asString(const llvm::json::Value &value);
  int64_t asInt(const llvm::json::Value &value);
  bool asBool(const llvm::json::Value &value);

  const llvm::json::Object &getObject(const llvm::json::Object &object,
                                      llvm::StringRef key) {
    return asObject(get(object, key));
  }
  const llvm::json::Array &getArray(const llvm::json::Object &object,
                                    llvm::StringRef key) {
    return asArray(get(object, key));
  }
  llvm::StringRef getString(const llvm::json::Object &object,
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
