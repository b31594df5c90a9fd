//===- ModelDescription.cpp - The interface of compiled code --------------===//

#include "fx/Support/ModelDescription.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"

using namespace mlir::fx;
using llvm::StringRef;
namespace json = llvm::json;

bool BufferDescription::isDynamic() const {
  return llvm::is_contained(shape, -1);
}

unsigned BufferDescription::getItemSize() const {
  return llvm::StringSwitch<unsigned>(dtype)
      .Cases({"bool", "int8", "uint8"}, 1)
      .Cases({"int16", "float16", "bfloat16"}, 2)
      .Cases({"int32", "float32"}, 4)
      .Cases({"int64", "float64"}, 8)
      .Default(0);
}

std::string BufferDescription::getTypeText() const {
  std::string text = dtype;
  if (!isTensor)
    return text + " scalar";
  text += " [";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(shape, stream, [&](int64_t size) {
    if (size < 0)
      stream << '?';
    else
      stream << size;
  });
  return text + "]";
}

const FunctionDescription *ModelDescription::find(StringRef function) const {
  for (const FunctionDescription &candidate : functions)
    if (candidate.name == function)
      return &candidate;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json::Object toJson(const BufferDescription &buffer) {
  json::Object object{{"name", buffer.name},
                      {"role", buffer.role},
                      {"dtype", buffer.dtype},
                      {"shape", json::Array(buffer.shape)}};
  if (!buffer.isTensor)
    object["scalar"] = true;
  if (!buffer.mutates.empty())
    object["mutates"] = buffer.mutates;
  return object;
}

static json::Array toJson(const std::vector<BufferDescription> &buffers) {
  json::Array array;
  for (const BufferDescription &buffer : buffers)
    array.push_back(::toJson(buffer));
  return array;
}

std::string ModelDescription::toJson() const {
  json::Array list;
  for (const FunctionDescription &function : functions) {
    json::Object object{{"name", function.name},
                        {"arguments", ::toJson(function.arguments)},
                        {"results", ::toJson(function.results)},
                        {"workspace_bytes", function.workspaceBytes}};
    if (function.scratchBytes)
      object["scratch_bytes"] = function.scratchBytes;
    if (function.ownsResults)
      object["owns_results"] = true;
    list.push_back(std::move(object));
  }
  json::Value value = json::Object{{"format", "fx-model-1"},
                                   {"name", name},
                                   {"mode", mode},
                                   {"target", target},
                                   {"functions", std::move(list)}};
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << value;
  return text;
}

namespace mlir::fx {
// Found by json::ObjectMapper through argument-dependent lookup.
static bool fromJSON(const json::Value &value, BufferDescription &buffer,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  bool isScalar = false;
  if (!map || !map.map("name", buffer.name) || !map.map("role", buffer.role) ||
      !map.map("dtype", buffer.dtype) || !map.map("shape", buffer.shape) ||
      !map.mapOptional("scalar", isScalar) ||
      !map.mapOptional("mutates", buffer.mutates))
    return false;
  buffer.isTensor = !isScalar;
  return true;
}

static bool fromJSON(const json::Value &value, FunctionDescription &function,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("name", function.name) &&
         map.map("arguments", function.arguments) &&
         map.map("results", function.results) &&
         map.map("workspace_bytes", function.workspaceBytes) &&
         map.mapOptional("scratch_bytes", function.scratchBytes) &&
         map.mapOptional("owns_results", function.ownsResults);
}

static bool fromJSON(const json::Value &value, ModelDescription &model,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("name", model.name) && map.map("mode", model.mode) &&
         map.map("target", model.target) &&
         map.map("functions", model.functions);
}
} // namespace mlir::fx

llvm::Expected<ModelDescription> ModelDescription::fromJson(StringRef text) {
  return json::parse<ModelDescription>(text, "model description");
}

//===----------------------------------------------------------------------===//
// C header
//===----------------------------------------------------------------------===//

std::string mlir::fx::toIdentifier(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(result.begin(), '_');
  return result;
}

static StringRef getCType(const BufferDescription &buffer) {
  return llvm::StringSwitch<StringRef>(buffer.dtype)
      .Case("bool", "uint8_t")
      .Case("uint8", "uint8_t")
      .Case("int8", "int8_t")
      .Case("int16", "int16_t")
      .Cases({"float16", "bfloat16"}, "uint16_t")
      .Case("int32", "int32_t")
      .Case("float32", "float")
      .Case("int64", "int64_t")
      .Case("float64", "double")
      .Default("void");
}

/// A struct of pointers: what `args` or `results` points to.
static void writeStruct(llvm::raw_ostream &os, StringRef name,
                        const std::vector<BufferDescription> &buffers,
                        bool isConst) {
  os << "struct " << name << " {\n";
  llvm::StringMap<unsigned> used;
  for (auto [i, buffer] : llvm::enumerate(buffers)) {
    std::string field = buffer.name.empty()
                            ? (buffer.role.empty() ? "value" : buffer.role) +
                                  std::to_string(i)
                            : toIdentifier(buffer.name);
    if (buffer.role == "gradient")
      field = "grad_" + field;
    if (used[field]++)
      field += "_" + std::to_string(i);
    os << "  " << (isConst ? "const " : "") << getCType(buffer) << " *" << field
       << "; /* " << buffer.getTypeText();
    if (!buffer.role.empty())
      os << ", " << buffer.role;
    if (!buffer.mutates.empty())
      os << " of " << buffer.mutates;
    os << " */\n";
  }
  if (buffers.empty())
    os << "  const void *unused; /* C has no empty struct; pass NULL */\n";
  os << "};\n\n";
}

std::string mlir::fx::writeCHeader(const ModelDescription &model) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string guard = StringRef(toIdentifier(model.name)).upper() + "_H";
  os << "/* " << model.name << ": compiled by fx-mlir (" << model.mode << ", "
     << model.target << ").\n"
        " *\n"
        " * Every buffer is dense, row-major and belongs to the caller: the\n"
        " * code neither keeps nor frees a pointer. bool is one byte, float16\n"
        " * and bfloat16 are given as their bits. "
     << (model.target == "nvptx"
             ? "Tensors are in device memory,\n"
               " * aligned to 16 bytes; scalars are in host memory. Work is put "
               "on\n"
               " * the stream of fx_rt_cuda_set_stream() and not waited for.\n"
             : "Buffers are aligned to 64\n"
               " * bytes if the caller can; 8 bytes suffice.\n")
     <<         " *\n"
        " * context: NULL, or a context of fx_rt_context_create(). A context\n"
        " * owns the workspace and serves one call at a time.\n"
        " * sizes: the values of the sizes written `?`, in the order of the\n"
        " * arguments; NULL if there are none.\n"
        " * Result: 0, or an error whose text is fx_rt_last_error().\n"
        " */\n#ifndef "
     << guard << "\n#define " << guard
     << "\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n"
        "#endif\n\n";
  for (const FunctionDescription &function : model.functions) {
    std::string symbol = function.name;
    writeStruct(os, symbol + "_args", function.arguments, /*isConst=*/true);
    writeStruct(os, symbol + "_results", function.results,
                /*isConst=*/function.ownsResults);
    if (function.ownsResults)
      os << "/* Forward and backward in one plan of "
         << function.workspaceBytes
         << " bytes. Pass the structs above as\n"
            " * (void *const *) and (void **): the call fills the second one in. "
            "It points\n"
            " * into the context's memory (or to arguments), until the next call "
            "with this\n"
            " * context. */\n"
         << "int32_t " << symbol
         << "(void *context, void *const *args, void **results,\n";
    else
      os << "/* Pass the structs above as (void *const *). */\n"
         << "int32_t " << symbol
         << "(void *context, void *const *args, void *const *results,\n";
    os << "    const int64_t *sizes);\n"
       << "/* All dimensions of all results, in order. */\n"
       << "int32_t " << symbol
       << "_result_sizes(const int64_t *sizes, int64_t *result_sizes);\n\n";
  }
  if (const FunctionDescription *forward = model.find("forward")) {
    std::vector<BufferDescription> saved;
    for (const BufferDescription &result : forward->results)
      if (result.role == "saved")
        saved.push_back(result);
    if (model.find("backward")) {
      os << "/* Kept between forward and backward: these results of the first\n"
            " * are the arguments of the same names of the second, which also\n"
            " * takes some of the first one's arguments again. */\n";
      writeStruct(os, model.name + "_saved", saved, /*isConst=*/false);
    }
  }
  os << "/* This interface as JSON. */\n"
        "const char *fx_model_describe(void);\n"
        "/* The initial value of a parameter, buffer or constant, NULL if the\n"
        " * library holds none of that name; *bytes receives its size. */\n"
        "const void *fx_model_weight(const char *name, int64_t *bytes);\n\n"
        "/* The text of the last error of this thread. */\n"
        "const char *fx_rt_last_error(void);\n"
        "/* A context of one's own; NULL stands for the thread's. */\n"
        "struct fx_rt_context *fx_rt_context_create(void);\n"
        "void fx_rt_context_destroy(struct fx_rt_context *context);\n"
        "/* Threads of all compiled code in the process. */\n"
        "void fx_rt_set_num_threads(int32_t count);\n\n";
  if (model.target == "nvptx")
    os << "/* Number of GPUs; 0 if there is none, and why is the last error. "
          "*/\n"
          "int32_t fx_rt_cuda_device_count(void);\n"
          "/* The CUstream or cudaStream_t of later calls with this context. "
          "*/\n"
          "void fx_rt_cuda_set_stream(void *context, void *stream);\n"
          "/* Waits for it. Not zero if work on it failed. */\n"
          "int32_t fx_rt_cuda_synchronize(void *context);\n\n";
  os << "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return text;
}
