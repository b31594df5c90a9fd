//===- Runner.cpp - Calls compiled models on NumPy arrays -----------------===//

#include "Runner.h"
#include "GpuBuffers.h"
#include "MemoryReport.h"
#include "fx/Runtime/Runtime.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <random>

using namespace mlir::fx;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

template <typename... Args>
static Error makeError(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

//===----------------------------------------------------------------------===//
// Shared libraries
//===----------------------------------------------------------------------===//

/// Touching what dlopen maps of a truncated file would be fatal.
static Error checkComplete(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createFileError(path, buffer.getError());
  auto file =
      llvm::object::ELFFile<llvm::object::ELF64LE>::create(
          (*buffer)->getBuffer());
  if (!file)
    return llvm::createFileError(path, file.takeError());
  auto segments = file->program_headers();
  if (!segments)
    return llvm::createFileError(path, segments.takeError());
  uint64_t size = (*buffer)->getBufferSize();
  for (const auto &segment : *segments)
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
      return makeError("{0}: the file is truncated", path);
  return Error::success();
}

Expected<ModelCode> mlir::fx::loadSharedLibrary(StringRef path) {
  if (Error error = checkComplete(path))
    return std::move(error);
  // dlopen searches the library path for a name without a slash.
  std::string file = path.contains('/') ? path.str() : "./" + path.str();
  void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return makeError("{0}", dlerror());
  auto describe =
      reinterpret_cast<const char *(*)()>(dlsym(handle, "fx_model_describe"));
  if (!describe)
    return makeError("{0}: not a model compiled by fx-compile (it has no "
                     "fx_model_describe)",
                     path);
  auto description = ModelDescription::fromJson(describe());
  if (!description)
    return description.takeError();
  using WeightFn = const void *(*)(const char *, int64_t *);
  auto weight = reinterpret_cast<WeightFn>(dlsym(handle, "fx_model_weight"));
  ModelCode code;
  code.description = std::move(*description);
  code.lookup = [handle](StringRef name) {
    return dlsym(handle, name.str().c_str());
  };
  code.weight = [weight](StringRef name) -> std::optional<StringRef> {
    int64_t bytes = 0;
    const void *data = weight ? weight(name.str().c_str(), &bytes) : nullptr;
    if (!data)
      return std::nullopt;
    return StringRef(static_cast<const char *>(data), bytes);
  };
  if (code.description.target == "nvptx")
    if (auto gpu = GpuBuffers::create(code); !gpu)
      return makeError("{0}: {1}", path, llvm::toString(gpu.takeError()));
  return code;
}

//===----------------------------------------------------------------------===//
// Binding of arguments
//===----------------------------------------------------------------------===//

static StringRef getNumpyDtype(NumpyType type) {
  switch (type) {
  case NumpyType::Bool:
    return "bool";
  case NumpyType::I8:
    return "int8";
  case NumpyType::U8:
    return "uint8";
  case NumpyType::I16:
    return "int16";
  case NumpyType::I32:
    return "int32";
  case NumpyType::I64:
    return "int64";
  case NumpyType::F16:
    return "float16";
  case NumpyType::F32:
    return "float32";
  case NumpyType::F64:
    return "float64";
  }
  return "";
}

std::optional<NumpyType> mlir::fx::getNumpyType(StringRef dtype) {
  for (NumpyType type : {NumpyType::Bool, NumpyType::I8, NumpyType::U8,
                         NumpyType::I16, NumpyType::I32, NumpyType::I64,
                         NumpyType::F16, NumpyType::F32, NumpyType::F64})
    if (getNumpyDtype(type) == dtype)
      return type;
  // NumPy has no bfloat16: its bits travel as int16.
  if (dtype == "bfloat16")
    return NumpyType::I16;
  return std::nullopt;
}

/// Where compiled code leaves the reason of an error.
static std::string getLastError(const ModelCode &code) {
  auto lastError =
      reinterpret_cast<const char *(*)()>(code.lookup("fx_rt_last_error"));
  return lastError ? lastError() : fx_rt_last_error();
}

/// How messages call an argument.
static std::string getLabel(const BufferDescription &buffer, size_t index) {
  std::string label = "argument " + std::to_string(index);
  if (!buffer.name.empty())
    label += " '" + buffer.name + "'";
  return label;
}

/// Checks an array against an argument; collects the sizes of its `?`.
static Error checkArray(const NumpyArray &array,
                        const BufferDescription &buffer, size_t index) {
  std::string label = getLabel(buffer, index);
  auto expected = getNumpyType(buffer.dtype);
  if (!expected || array.type() != *expected)
    return makeError("{0} takes {1}, not {2}", label, buffer.dtype,
                     getNumpyDtype(array.type()));
  ArrayRef<int64_t> shape = array.shape();
  bool fits = shape.size() == buffer.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = buffer.shape[i] < 0 || buffer.shape[i] == shape[i];
  if (fits)
    return Error::success();
  return makeError(
      "{0} takes {1}, not [{2}]", label, buffer.getTypeText(),
      llvm::join(llvm::map_range(
                     shape, [](int64_t size) { return std::to_string(size); }),
                 ", "));
}

namespace {
/// The arguments and results of one call.
struct Call {
  explicit Call(const FunctionDescription *function) : function(function) {}

  void addArgument(StringRef bytes) {
    arguments.push_back(bytes.data());
    argumentBytes.push_back(bytes.size());
  }
  /// Memory for an argument that nobody else owns (seeds).
  char *addOwnedArgument(size_t size) {
    std::vector<char> &bytes = owned.emplace_back(size);
    addArgument({bytes.data(), bytes.size()});
    return bytes.data();
  }

  int64_t countResultBytes() const {
    int64_t bytes = 0;
    for (const NumpyArray &array : results)
      bytes += array.bytes().size();
    return bytes;
  }

  const FunctionDescription *function;
  std::vector<const void *> arguments;
  std::vector<size_t> argumentBytes;
  std::vector<int64_t> sizes;
  std::vector<NumpyArray> results;
  std::vector<std::vector<char>> owned;
};

using EntryPoint = int32_t (*)(void *, const void *const *, void *const *,
                               const int64_t *);
using ResultSizes = int32_t (*)(const int64_t *, int64_t *);
} // namespace

/// Appends the run-time sizes of an argument.
static void addSizes(Call &call, const BufferDescription &buffer,
                     ArrayRef<int64_t> shape) {
  for (auto [declared, actual] : llvm::zip_equal(buffer.shape, shape))
    if (declared < 0)
      call.sizes.push_back(actual);
}

static const NumpyArray *findByName(ArrayRef<NamedNumpyArray> arrays,
                                    StringRef name) {
  for (const NamedNumpyArray &entry : arrays)
    if (entry.name == name)
      return &entry.array;
  return nullptr;
}

/// The k-th user input of an archive whose names are positions.
static const NumpyArray *findByPosition(ArrayRef<NamedNumpyArray> arrays,
                                        size_t k) {
  for (StringRef prefix : {"in_", "train_in_", "arr_", "input_"})
    if (auto *array = findByName(arrays, (prefix + std::to_string(k)).str()))
      return array;
  return nullptr;
}

/// The gradient of a loss with respect to itself, if this is the only tangent.
static bool bindUnitTangent(Call &call, const BufferDescription &buffer) {
  auto tangents = llvm::count_if(
      call.function->arguments,
      [](const BufferDescription &other) { return other.role == "tangent"; });
  if (tangents != 1 || !buffer.shape.empty())
    return false;
  float one = 1;
  double wideOne = 1;
  if (buffer.dtype == "float32")
    std::memcpy(call.addOwnedArgument(sizeof one), &one, sizeof one);
  else if (buffer.dtype == "float64")
    std::memcpy(call.addOwnedArgument(sizeof wideOne), &wideOne,
                sizeof wideOne);
  else
    return false;
  return true;
}

static Error bindArguments(Call &call, const ModelCode &code,
                           ArrayRef<NamedNumpyArray> inputs,
                           const RunOptions &options) {
  std::mt19937_64 generator(options.seed);
  size_t userInput = 0;
  for (auto [i, buffer] : llvm::enumerate(call.function->arguments)) {
    bool isInput = buffer.role.empty() || buffer.role == "input";
    const NumpyArray *array = findByName(inputs, buffer.name);
    if (!array && isInput)
      array = findByPosition(inputs, userInput);
    userInput += isInput;
    if (array) {
      if (Error error = checkArray(*array, buffer, i))
        return error;
      addSizes(call, buffer, array->shape());
      call.addArgument(array->bytes());
      continue;
    }
    if (buffer.role == "seed" && !buffer.isDynamic()) {
      int64_t count = 1;
      for (int64_t size : buffer.shape)
        count *= size;
      char *bytes = call.addOwnedArgument(8 * count);
      for (int64_t k = 0; k < count; ++k) {
        uint64_t seed = generator();
        std::memcpy(bytes + 8 * k, &seed, 8);
      }
      continue;
    }
    if (buffer.role == "tangent" && bindUnitTangent(call, buffer))
      continue;
    if (auto weight = code.weight(buffer.name)) {
      call.addArgument(*weight);
      continue;
    }
    return makeError("no value for {0} ({1}{2}): name it in --inputs{3}",
                     getLabel(buffer, i), buffer.getTypeText(),
                     buffer.role.empty() ? "" : ", " + buffer.role,
                     isInput ? ", or use its position (in_" +
                                   std::to_string(userInput - 1) + ")"
                             : "");
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

static Error allocateResults(Call &call, const ModelCode &code) {
  const FunctionDescription &function = *call.function;
  std::vector<int64_t> dims;
  bool isDynamic = false;
  for (const BufferDescription &result : function.results) {
    llvm::append_range(dims, result.shape);
    isDynamic |= result.isDynamic();
  }
  if (isDynamic) {
    auto sizes = reinterpret_cast<ResultSizes>(
        code.lookup(function.name + "_result_sizes"));
    if (!sizes)
      return makeError("the code has no {0}_result_sizes", function.name);
    if (sizes(call.sizes.data(), dims.data()) != 0)
      return makeError("{0}: {1}", function.name, fx_rt_last_error());
  }
  size_t next = 0;
  for (auto [i, result] : llvm::enumerate(function.results)) {
    auto type = getNumpyType(result.dtype);
    if (!type)
      return makeError("result of type {0} has no NumPy type", result.dtype);
    auto array = NumpyArray::create(
        *type, ArrayRef(dims).slice(next, result.shape.size()));
    if (!array)
      return makeError("{0}, result {1}: {2}", function.name, i,
                       toString(array.takeError()));
    call.results.push_back(std::move(*array));
    next += result.shape.size();
  }
  return Error::success();
}

/// Times `count` calls. With a GPU they return before their work is done.
static Error measure(const FunctionDescription &function, unsigned count,
                     GpuBuffers *gpu, llvm::function_ref<Error()> run) {
  using Clock = std::chrono::steady_clock;
  using Microseconds = std::chrono::duration<double, std::micro>;
  if (gpu)
    if (Error error = gpu->synchronize())
      return error;
  std::vector<double> times;
  Clock::time_point start = Clock::now();
  for (unsigned i = 0; i < count; ++i) {
    Clock::time_point begin = Clock::now();
    if (Error error = run())
      return error;
    times.push_back(Microseconds(Clock::now() - begin).count());
  }
  if (gpu)
    if (Error error = gpu->synchronize())
      return error;
  double total = Microseconds(Clock::now() - start).count();
  llvm::sort(times);
  llvm::outs() << llvm::formatv(
      "{0}: {1} calls, min {2:f1} us, median {3:f1} us", function.name,
      times.size(), times.front(), times[times.size() / 2]);
  if (gpu)
    llvm::outs() << llvm::formatv(
        " on the host; {0:f1} us each until the GPU was done", total / count);
  llvm::outs() << "\n";
  return Error::success();
}

/// Calls a function that leaves its results in its workspace.
static Error executeStep(Call &call, const ModelCode &code,
                         const RunOptions &options, MemoryReport &memory) {
  const FunctionDescription &function = *call.function;
  auto entry = reinterpret_cast<EntryPoint>(code.lookup(function.name));
  if (!entry)
    return makeError("the code has no function {0}", function.name);
  std::vector<void *> results(function.results.size());
  auto run = [&]() -> Error {
    if (entry(nullptr, call.arguments.data(), results.data(),
              call.sizes.data()) != 0)
      return makeError("{0}: {1}", function.name, getLastError(code));
    return Error::success();
  };
  if (Error error = run())
    return error;
  memory.addCall(function, 0);
  if (options.bench > 0)
    if (Error error = measure(function, options.bench, nullptr, run))
      return error;
  if (Error error = allocateResults(call, code))
    return error;
  for (auto [array, result] : llvm::zip_equal(call.results, results))
    std::memcpy(array.data(), result, array.bytes().size());
  return Error::success();
}

/// The sizes of an argument of a call.
static std::vector<int64_t> getShape(const Call &call, size_t index) {
  ArrayRef<int64_t> sizes = call.sizes;
  for (size_t i = 0; i <= index; ++i) {
    std::vector<int64_t> shape = call.function->arguments[i].shape;
    for (int64_t &size : shape)
      if (size < 0) {
        size = sizes.front();
        sizes = sizes.drop_front();
      }
    if (i == index)
      return shape;
  }
  llvm_unreachable("the call has this argument");
}

static Error interpret(Call &call, const ModelCode &code) {
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < call.arguments.size(); ++i)
    shapes.push_back(getShape(call, i));
  auto results = code.interpret(*call.function, call.arguments, shapes);
  if (!results)
    return results.takeError();
  call.results = std::move(*results);
  return Error::success();
}

namespace {
/// Memory of the run-time library in the place of a call's own, which then has
/// guard pages: FX_RT_GUARD_PAGES.
class GuardedBuffers {
public:
  GuardedBuffers() = default;
  GuardedBuffers(const GuardedBuffers &) = delete;
  GuardedBuffers &operator=(const GuardedBuffers &) = delete;
  ~GuardedBuffers() {
    for (auto [data, block] : blocks)
      fx_rt_tensor_release(data, block);
  }

  static bool isWanted() {
    const char *text = std::getenv("FX_RT_GUARD_PAGES");
    return text && std::atoi(text) != 0;
  }
  void *add(size_t bytes) {
    fx_rt_block *block = nullptr;
    void *data = fx_rt_tensor_acquire(static_cast<int64_t>(bytes), &block);
    if (!data)
      llvm::report_bad_alloc_error(fx_rt_last_error());
    blocks.emplace_back(data, block);
    return data;
  }

private:
  std::vector<std::pair<void *, fx_rt_block *>> blocks;
};
} // namespace

static Error execute(Call &call, const ModelCode &code,
                     const RunOptions &options) {
  const FunctionDescription &function = *call.function;
  if (code.interpret)
    return interpret(call, code);
  if (Error error = allocateResults(call, code))
    return error;
  auto entry = reinterpret_cast<EntryPoint>(code.lookup(function.name));
  if (!entry)
    return makeError("the code has no function {0}", function.name);
  std::vector<const void *> arguments = call.arguments;
  std::vector<void *> results;
  for (NumpyArray &array : call.results)
    results.push_back(array.data());

  GuardedBuffers guarded;
  bool isGuarded = GuardedBuffers::isWanted();
  if (isGuarded) {
    for (auto [argument, bytes] :
         llvm::zip_equal(arguments, call.argumentBytes))
      argument = std::memcpy(guarded.add(bytes), argument, bytes);
    for (auto [result, array] : llvm::zip_equal(results, call.results))
      result = guarded.add(array.bytes().size());
  }
  std::unique_ptr<GpuBuffers> gpu;
  if (code.description.target == "nvptx") {
    auto created = GpuBuffers::create(code);
    if (!created)
      return created.takeError();
    gpu = std::move(*created);
    if (Error error =
            gpu->upload(function.arguments, call.argumentBytes, arguments))
      return error;
    if (Error error = gpu->allocate(function.results, call.results, results))
      return error;
  }
  auto run = [&]() -> Error {
    if (entry(nullptr, arguments.data(), results.data(), call.sizes.data()) !=
        0)
      return makeError("{0}: {1}", function.name, getLastError(code));
    return Error::success();
  };
  if (Error error = run())
    return error;
  if (options.bench > 0)
    if (Error error = measure(function, options.bench, gpu.get(), run))
      return error;
  if (isGuarded && !gpu)
    for (auto [result, array] : llvm::zip_equal(results, call.results))
      std::memcpy(array.data(), result, array.bytes().size());
  return gpu ? gpu->download(function.results, call.results, results)
             : Error::success();
}

/// Passes an argument of the forward to the backward; false if it has none of
/// that name.
static bool passOn(Call &call, const Call &forward,
                   const BufferDescription &buffer) {
  for (auto [i, argument] : llvm::enumerate(forward.function->arguments)) {
    if (argument.name != buffer.name)
      continue;
    call.addArgument({static_cast<const char *>(forward.arguments[i]),
                      forward.argumentBytes[i]});
    addSizes(call, buffer, getShape(forward, i));
    return true;
  }
  return false;
}

/// Finds the arguments of the backward: saved values, tangents, and arguments
/// of the forward.
static Error bindBackward(Call &call, const Call &forward,
                          ArrayRef<NamedNumpyArray> inputs) {
  // By name: SymInts stand last among what the forward saves and first among
  // what the backward takes.
  auto findSaved = [&](StringRef name) -> const NumpyArray * {
    for (auto [result, array] :
         llvm::zip_equal(forward.function->results, forward.results))
      if (result.role == "saved" && result.name == name)
        return &array;
    return nullptr;
  };
  for (auto [i, buffer] : llvm::enumerate(call.function->arguments)) {
    const NumpyArray *array = nullptr;
    if (buffer.role == "tangent") {
      array = findByName(inputs, buffer.name);
      if (!array && bindUnitTangent(call, buffer))
        continue;
    } else {
      array = findSaved(buffer.name);
      if (!array && passOn(call, forward, buffer))
        continue;
    }
    if (!array)
      return makeError("no value for {0} of {1} ({2}): name it in --inputs",
                       getLabel(buffer, i), call.function->name,
                       buffer.getTypeText());
    if (Error error = checkArray(*array, buffer, i))
      return error;
    addSizes(call, buffer, array->shape());
    call.addArgument(array->bytes());
  }
  return Error::success();
}

/// Reads every page of the arguments: what a first use maps is not the step's.
static void touch(const Call &call) {
  volatile char sink = 0;
  for (auto [pointer, bytes] :
       llvm::zip_equal(call.arguments, call.argumentBytes))
    for (size_t i = 0; i < bytes; i += 4096)
      sink = static_cast<const char *>(pointer)[i];
  (void)sink;
}

/// Moves the results that a user wants into `outputs`.
static void collect(Call &call, std::vector<NamedNumpyArray> &outputs) {
  size_t output = 0;
  for (auto [buffer, array] :
       llvm::zip_equal(call.function->results, call.results)) {
    std::string name;
    if (buffer.role == "saved")
      continue;
    if (buffer.role == "loss")
      name = "loss";
    else if (buffer.role == "gradient")
      name = "grad_" + buffer.name;
    else if (buffer.role == "mutation")
      name = "mut_" + (buffer.mutates.empty() ? buffer.name : buffer.mutates);
    else
      name = "out_" + std::to_string(output++);
    outputs.push_back({name, array});
  }
}

Expected<std::vector<NamedNumpyArray>>
mlir::fx::runModel(const ModelCode &code, ArrayRef<NamedNumpyArray> inputs,
                   const RunOptions &options) {
  const ModelDescription &model = code.description;
  bool isChosen = !options.function.empty();
  const FunctionDescription *step =
      model.find(isChosen ? options.function : "step");
  if (step && !step->ownsResults)
    step = nullptr;
  const FunctionDescription *backward =
      step || isChosen ? nullptr : model.find("backward");
  const FunctionDescription *function =
      step       ? step
      : isChosen ? model.find(options.function)
      : backward ? model.find("forward")
               : (model.functions.empty() ? nullptr : &model.functions.front());
  if (!function)
    return makeError("the model has no function {0} to run", options.function);
  if (options.memory && model.target != "cpu")
    return makeError("--memory measures the host's memory, not a GPU's");
  Call forward(function);
  if (Error error = bindArguments(forward, code, inputs, options))
    return error;
  if (options.memory)
    touch(forward);
  MemoryReport memory(code);
  if (step) {
    if (Error error = executeStep(forward, code, options, memory))
      return error;
  } else {
    if (Error error = execute(forward, code, options))
      return error;
    memory.addCall(*function, forward.countResultBytes());
  }
  std::vector<NamedNumpyArray> outputs;
  collect(forward, outputs);
  if (!backward) {
    if (options.memory)
      memory.print(llvm::outs());
    return outputs;
  }
  Call reverse(backward);
  if (Error error = bindBackward(reverse, forward, inputs))
    return error;
  if (Error error = execute(reverse, code, options))
    return error;
  memory.addCall(*backward, reverse.countResultBytes());
  if (options.memory)
    memory.print(llvm::outs());
  collect(reverse, outputs);
  return outputs;
}
