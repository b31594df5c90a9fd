//===- CompileGraph.cpp - From a graph in JSON to code in this process ----===//

#include "fx/CAPI/FXMLIR.h"
#include "fx/Compiler/CompileFx.h"
#include "fx/Compiler/Registration.h"
#include "fx/IR/FXDialect.h"
#include "fx/Import/GraphImporter.h"
#include "fx/Import/JointGraphJson.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

#include <cstring>

using namespace mlir;
using namespace mlir::fx;
namespace json = llvm::json;

struct fx_module {
  // Code that is loaded on its first use reports errors through the context.
  std::unique_ptr<MLIRContext> context;
  std::unique_ptr<cpu::CompiledModule> code;
  std::string description;
  llvm::StringSet<> functions;
};

namespace {
/// The errors of a compilation as text: each with the name of the node and the
/// line of the program that it is about.
class ErrorCollector {
public:
  explicit ErrorCollector(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          add(diagnostic);
          return success();
        }) {}

  std::string take() {
    return text.empty() ? "unknown error" : std::move(text);
  }

private:
  void add(Diagnostic &diagnostic) {
    if (!text.empty())
      text += '\n';
    addMessage(diagnostic);
    for (Diagnostic &note : diagnostic.getNotes()) {
      // The whole IR would follow.
      if (StringRef(note.str()).starts_with("see current operation"))
        continue;
      text += "\n  note: ";
      addMessage(note);
    }
  }

  void addMessage(Diagnostic &diagnostic) {
    if (auto named = diagnostic.getLocation()->findInstanceOf<NameLoc>())
      text += "node '" + named.getName().str() + "': ";
    text += diagnostic.str();
    std::string line = getPythonLine(diagnostic.getLocation());
    if (!line.empty())
      text += " (" + line + ")";
  }

  std::string text;
  ScopedDiagnosticHandler handler;
};
} // namespace

/// One registry for all modules: it is filled once and only read then.
static const DialectRegistry &getRegistry() {
  static const DialectRegistry *registry = [] {
    auto *result = new DialectRegistry;
    registerAll(*result);
    cpu::registerCPUDialects(*result);
    return result;
  }();
  return *registry;
}

static llvm::Expected<CompileOptions> parseOptions(StringRef text) {
  CompileOptions options;
  options.passSavedArguments = true;
  if (text.empty())
    return options;
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  json::Path::Root root("options");
  json::ObjectMapper map(*value, root);
  int64_t optLevel = options.cpu.optLevel;
  bool ok = map && map.mapOptional("training", options.training) &&
            map.mapOptional("target", options.target) &&
            map.mapOptional("opt_level", optLevel) &&
            map.mapOptional("fuse", options.cpu.fuse) &&
            map.mapOptional("print_times", options.printTimes) &&
            map.mapOptional("verify", options.cpu.verifyPasses) &&
            map.mapOptional("partition", options.partition) &&
            map.mapOptional("pre_grad_custom", options.custom.preGrad) &&
            map.mapOptional("joint_custom_pre", options.custom.jointPre) &&
            map.mapOptional("joint_custom_post", options.custom.jointPost) &&
            map.mapOptional("post_grad_custom_pre", options.custom.postPre) &&
            map.mapOptional("post_grad_custom_post", options.custom.postPost);
  if (!ok)
    return root.getError();
  if (optLevel < 0 || optLevel > 3)
    return llvm::createStringError("opt_level " + llvm::Twine(optLevel) +
                                   " is not between 0 and 3");
  options.cpu.optLevel = static_cast<unsigned>(optLevel);
  options.cpu.printTimes = options.printTimes;
  return options;
}

/// Compiles, or returns null and sets `error`.
static std::unique_ptr<fx_module>
compileGraph(StringRef text, StringRef optionsText, std::string &error) {
  llvm::Expected<CompileOptions> options = parseOptions(optionsText);
  if (!options) {
    error = llvm::toString(options.takeError());
    return nullptr;
  }
  auto graph = readJointGraph(text, "graph");
  if (!graph) {
    error = llvm::toString(graph.takeError());
    return nullptr;
  }
  auto result = std::make_unique<fx_module>();
  // A pool of threads for each graph costs more than it brings.
  result->context = std::make_unique<MLIRContext>(
      getRegistry(), MLIRContext::Threading::DISABLED);
  MLIRContext *context = result->context.get();
  context->loadDialect<FXDialect>();
  ErrorCollector errors(context);

  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  OpBuilder builder = OpBuilder::atBlockBegin(module->getBody());
  // What the importer takes from the file, results' types above all, is checked
  // here only: passes trust the IR.
  if (failed(importGraph(builder, *graph, "main")) || failed(verify(*module))) {
    error = errors.take();
    return nullptr;
  }
  FailureOr<CompiledFx> compiled = compileFx(*module, "graph", *options);
  if (failed(compiled)) {
    error = errors.take();
    return nullptr;
  }
  result->code = std::move(compiled->code);
  result->description = compiled->description.toJson();
  for (const auto &function : compiled->description.functions)
    result->functions.insert(function.name);
  return result;
}

extern "C" {

fx_module *fx_compile_graph(const char *text, size_t length,
                            const char *options, size_t optionsLength,
                            char **error) {
  std::string message;
  // A null text is an empty one whatever its length says.
  std::unique_ptr<fx_module> module = compileGraph(
      text ? StringRef(text, length) : StringRef(),
      options ? StringRef(options, optionsLength) : StringRef(), message);
  if (!module && error)
    *error = strdup(message.c_str());
  return module.release();
}

void fx_module_destroy(fx_module *module) { delete module; }

const char *fx_module_describe(const fx_module *module) {
  return module->description.c_str();
}

void *fx_module_lookup(fx_module *module, const char *name) {
  // A name that is not there is an answer; the loader reports it as an error.
  StringRef function(name);
  function.consume_back("_result_sizes");
  return module->functions.contains(function) ? module->code->lookup(name)
                                              : nullptr;
}

void fx_string_free(char *text) { free(text); }

} // extern "C"
