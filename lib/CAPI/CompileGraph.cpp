//===- CompileGraph.cpp - From a graph in JSON to code in this process ----===//

#include "DiskCache.h"
#include "Session.h"
#include "fx/CAPI/FXMLIR.h"
#include "fx/Compiler/CompileFx.h"
#include "fx/Import/GraphImporter.h"
#include "fx/Import/JointGraphJson.h"
#include "fx/Support/ProgressBar.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/thread.h"

#include <chrono>
#include <cstring>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::capi;
namespace json = llvm::json;

struct fx_module {
  std::unique_ptr<cpu::CompiledModule> code;
  std::string description;
  std::string statistics;
  llvm::StringSet<> functions;
};

/// Deep graphs are walked recursively.
static constexpr unsigned kStackBytes = 64 << 20;

/// The names of a list with commas.
static std::vector<std::string> splitNames(StringRef text) {
  std::vector<std::string> names;
  for (StringRef name : llvm::split(text, ','))
    if (!name.trim().empty())
      names.push_back(name.trim().str());
  return names;
}

static llvm::Expected<CompileOptions> parseOptions(StringRef text) {
  CompileOptions options;
  if (text.empty())
    return options;
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  json::Path::Root root("options");
  json::ObjectMapper map(*value, root);
  int64_t optLevel = options.cpu.optLevel;
  CustomPasses &custom = options.custom;
  std::string preGrad, joint, postGrad;
  std::string preGradOn, jointOn, postGradOn;
  bool ok = map && map.mapOptional("training", options.training) &&
            map.mapOptional("target", options.target) &&
            map.mapOptional("freezing", options.freezing) &&
            map.mapOptional("opt_level", optLevel) &&
            map.mapOptional("fuse", options.cpu.fuse) &&
            map.mapOptional("print_times", options.printTimes) &&
            map.mapOptional("verify", options.cpu.verifyPasses) &&
            map.mapOptional("partition", options.partition) &&
            map.mapOptional("pre_grad_custom", custom.preGrad.customPost) &&
            map.mapOptional("joint_custom_pre", custom.jointGraph.customPre) &&
            map.mapOptional("joint_custom_post", custom.jointGraph.customPost) &&
            map.mapOptional("post_grad_custom_pre", custom.postGrad.customPre) &&
            map.mapOptional("post_grad_custom_post",
                            custom.postGrad.customPost) &&
            map.mapOptional("pre_grad_custom_patterns",
                            custom.preGrad.patternsPost) &&
            map.mapOptional("joint_custom_pre_patterns",
                            custom.jointGraph.patternsPre) &&
            map.mapOptional("joint_custom_post_patterns",
                            custom.jointGraph.patternsPost) &&
            map.mapOptional("post_grad_custom_pre_patterns",
                            custom.postGrad.patternsPre) &&
            map.mapOptional("post_grad_custom_post_patterns",
                            custom.postGrad.patternsPost) &&
            map.mapOptional("pre_grad_disable", preGrad) &&
            map.mapOptional("joint_disable", joint) &&
            map.mapOptional("post_grad_disable", postGrad) &&
            map.mapOptional("pre_grad_enable", preGradOn) &&
            map.mapOptional("joint_enable", jointOn) &&
            map.mapOptional("post_grad_enable", postGradOn);
  if (!ok)
    return root.getError();
  custom.preGrad.disabled = splitNames(preGrad);
  custom.jointGraph.disabled = splitNames(joint);
  custom.postGrad.disabled = splitNames(postGrad);
  custom.preGrad.enabled = splitNames(preGradOn);
  custom.jointGraph.enabled = splitNames(jointOn);
  custom.postGrad.enabled = splitNames(postGradOn);
  if (optLevel < 0 || optLevel > 3)
    return llvm::createStringError("opt_level " + llvm::Twine(optLevel) +
                                   " is not between 0 and 3");
  options.cpu.optLevel = static_cast<unsigned>(optLevel);
  options.cpu.printTimes = options.printTimes;
  return options;
}

/// The module of a graph; null with a diagnostic.
static OwningOpRef<ModuleOp> importModule(MLIRContext *context,
                                          const graph::Graph &graph) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  OpBuilder builder = OpBuilder::atBlockBegin(module->getBody());
  // What the importer takes from the file, results' types above all, is checked
  // here only: passes trust the IR.
  if (failed(importGraph(builder, graph, "main")) || failed(verify(*module)))
    return nullptr;
  return module;
}

static std::string describeStatistics(const CompileStatistics &statistics) {
  json::Array stages;
  for (const auto &[name, time] : statistics.times)
    stages.push_back(json::Array{name, time});
  json::Object object{{"stages", std::move(stages)},
                      {"kernels", statistics.numKernels}};
  return llvm::formatv("{0}", json::Value(std::move(object)));
}

/// The options and the graph; false with `error` set.
static bool parseInput(StringRef text, StringRef optionsText,
                       CompileOptions &options, graph::Graph &graph,
                       std::string &error) {
  llvm::Expected<CompileOptions> parsedOptions = parseOptions(optionsText);
  if (!parsedOptions) {
    error = llvm::toString(parsedOptions.takeError());
    return false;
  }
  auto parsedGraph = readJointGraph(text, "graph");
  if (!parsedGraph) {
    error = llvm::toString(parsedGraph.takeError());
    return false;
  }
  options = std::move(*parsedOptions);
  graph = std::move(*parsedGraph);
  return true;
}

/// The folder of a cache in the options; "" if what is compiled depends on more
/// than the texts of graph and options, or is to be seen.
static std::string getCacheFolder(StringRef optionsText,
                                  const CompileOptions &options) {
  llvm::Expected<json::Value> value = json::parse(optionsText);
  if (!value) {
    llvm::consumeError(value.takeError());
    return "";
  }
  const json::Object *object = value->getAsObject();
  std::optional<StringRef> folder =
      object ? object->getString("cache_dir") : std::nullopt;
  const CustomPasses &custom = options.custom;
  bool hasHooks = false;
  for (const StageHooks *stage :
       {&custom.preGrad, &custom.jointGraph, &custom.postGrad})
    for (const std::string *hook : {&stage->customPre, &stage->customPost,
                                    &stage->patternsPre, &stage->patternsPost})
      hasHooks |= !hook->empty();
  if (!folder || hasHooks || options.printTimes || options.cpu.verifyPasses ||
      options.target != "cpu" || !options.partition.empty())
    return "";
  return folder->str();
}

/// A module of code from the cache.
static std::unique_ptr<fx_module> loadModule(const CachedCode &cached,
                                             double milliseconds) {
  llvm::Expected<json::Value> description = json::parse(cached.description);
  if (!description) {
    llvm::consumeError(description.takeError());
    return nullptr;
  }
  auto result = std::make_unique<fx_module>();
  result->code = cpu::loadObjects(cached.objects);
  result->description = cached.description;
  CompileStatistics statistics;
  statistics.numKernels = cached.numKernels;
  statistics.times.emplace_back("cache", milliseconds);
  result->statistics = describeStatistics(statistics);
  for (const json::Value &function :
       *description->getAsObject()->getArray("functions"))
    result->functions.insert(*function.getAsObject()->getString("name"));
  return result;
}

/// Compiles, or returns null and sets `error`.
static std::unique_ptr<fx_module>
compileGraph(StringRef text, StringRef optionsText, std::string &error) {
  auto begin = std::chrono::steady_clock::now();
  auto getTime = [&] {
    return std::chrono::duration<double, std::milli>(
               std::chrono::steady_clock::now() - begin)
        .count();
  };
  llvm::Expected<CompileOptions> parsedOptions = parseOptions(optionsText);
  std::string folder;
  if (parsedOptions)
    folder = getCacheFolder(optionsText, *parsedOptions);
  else
    llvm::consumeError(parsedOptions.takeError());
  DiskCache cache(folder, text, optionsText);
  if (std::optional<CachedCode> cached = cache.load())
    if (std::unique_ptr<fx_module> module = loadModule(*cached, getTime()))
      return module;
  CompileOptions options;
  graph::Graph graph;
  if (!parseInput(text, optionsText, options, graph, error))
    return nullptr;
  CompileStatistics statistics;
  options.statistics = options.cpu.statistics = &statistics;
  ProgressBar progress("fx_mlir", !options.printTimes);
  progress.startStage(getStageName(Stage::Import));
  options.cpu.progress = &progress;
  std::unique_ptr<MLIRContext> context = makeContext();
  ErrorCollector errors(context.get());
  OwningOpRef<ModuleOp> module = importModule(context.get(), graph);
  if (!module) {
    error = errors.takeText();
    return nullptr;
  }
  statistics.times.emplace_back(getStageName(Stage::Import).str(), getTime());
  FailureOr<CompiledFx> compiled = compileFx(*module, "graph", options);
  if (failed(compiled)) {
    error = errors.takeText();
    return nullptr;
  }
  auto result = std::make_unique<fx_module>();
  result->statistics = describeStatistics(statistics);
  result->code = std::move(compiled->code);
  result->description = compiled->description.toJson();
  for (const auto &function : compiled->description.functions)
    result->functions.insert(function.name);
  cache.store({result->description, result->code->getObjects().vec(),
               statistics.numKernels});
  return result;
}

/// Lists what cannot be lowered; false with `error` set if that is not a graph.
static bool checkGraph(StringRef text, StringRef optionsText,
                       std::string &answer, std::string &error) {
  CompileOptions options;
  graph::Graph graph;
  if (!parseInput(text, optionsText, options, graph, error))
    return false;
  options.stopAfter = Stage::Lowering;
  std::unique_ptr<MLIRContext> context = makeContext();
  ErrorCollector errors(context.get());
  OwningOpRef<ModuleOp> module = importModule(context.get(), graph);
  bool isFine = module && succeeded(runStages(*module, options));
  json::Array list;
  for (const GraphError &e : errors.getErrors())
    list.push_back(json::Object{
        {"node", e.node}, {"message", e.message}, {"line", e.line}});
  if (!isFine && list.empty())
    list.push_back(json::Object{
        {"node", ""}, {"message", "unknown error"}, {"line", ""}});
  answer = llvm::formatv("{0}", json::Value(std::move(list)));
  return true;
}

/// Memory of a compilation, much of it for a short time, comes from the C
/// library's arena of another thread: in the program's own the little that it
/// keeps meanwhile would pin the pages of what is freed.
static void runOnOwnThread(llvm::function_ref<void()> work) {
  llvm::thread(std::optional<unsigned>(kStackBytes), work).join();
}

extern "C" {

char *fx_check_graph(const char *text, size_t length, const char *options,
                     size_t optionsLength, char **error) {
  std::string message, answer;
  bool ok = false;
  runOnOwnThread([&] {
    ok = checkGraph(text ? StringRef(text, length) : StringRef(),
                    options ? StringRef(options, optionsLength) : StringRef(),
                    answer, message);
  });
  if (!ok && error)
    *error = strdup(message.c_str());
  return ok ? strdup(answer.c_str()) : nullptr;
}

const char *fx_module_statistics(const fx_module *module) {
  return module->statistics.c_str();
}

fx_module *fx_compile_graph(const char *text, size_t length,
                            const char *options, size_t optionsLength,
                            char **error) {
  std::string message;
  // A null text is an empty one whatever its length says.
  std::unique_ptr<fx_module> module;
  runOnOwnThread([&] {
    module = compileGraph(
        text ? StringRef(text, length) : StringRef(),
        options ? StringRef(options, optionsLength) : StringRef(), message);
  });
  if (!module && error)
    *error = strdup(message.c_str());
  return module.release();
}

void fx_module_destroy(fx_module *module) { delete module; }

const char *fx_module_describe(const fx_module *module) {
  return module->description.c_str();
}

void *fx_module_lookup(fx_module *module, const char *name) {
  // A name that is not there is an answer, and no error to print.
  StringRef function(name);
  function.consume_back("_result_sizes");
  if (!module->functions.contains(function))
    return nullptr;
  llvm::Expected<void *> address = module->code->lookup(name);
  if (address)
    return *address;
  llvm::logAllUnhandledErrors(address.takeError(), llvm::errs(), "fx_mlir: ");
  return nullptr;
}

void fx_string_free(char *text) { free(text); }

} // extern "C"
