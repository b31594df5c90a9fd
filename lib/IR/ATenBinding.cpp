//===- ATenBinding.cpp - fx ops and the ATen overloads they stand for -----===//

#include "fx/IR/ATenBinding.h"
#include "fx/IR/FXOps.h"
#include "llvm/ADT/StringMap.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fx;

namespace {
/// Bindings by op and by overload. Filled when the dialect is first loaded and
/// constant afterwards; the texts are string literals of the op classes.
struct Registry {
  std::mutex mutex;
  llvm::StringMap<SmallVector<ATenBinding>> byOp;
  llvm::StringMap<const ATenBinding *> byOverload;
  llvm::StringMap<SmallVector<OpArgument>> arguments;
};
} // namespace

static Registry &getRegistry() {
  static Registry registry;
  return registry;
}

static ATenBinding parseBinding(StringRef opName, StringRef text) {
  ATenBinding binding;
  binding.opName = opName;
  auto [overload, list] = text.split('(');
  binding.overload = overload.trim();
  SmallVector<StringRef> parts;
  list.drop_back().split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [names, literal] = part.trim().split('=');
    auto [schemaName, ownName] = names.split(':');
    binding.arguments.push_back(
        {schemaName, ownName.empty() ? schemaName : ownName, literal});
  }
  return binding;
}

static OpArgument parseOpArgument(StringRef text) {
  using Kind = OpArgument::Kind;
  auto [name, kind] = text.split('=');
  if (kind == "operand")
    return {name, Kind::Operand, ""};
  if (kind == "optional")
    return {name, Kind::OptionalOperand, ""};
  if (kind == "variadic")
    return {name, Kind::VariadicOperand, ""};
  return {name, Kind::Attribute, kind.trim().rsplit(':').second};
}

void fx::detail::registerATenBindings(StringRef opName, StringRef bindings,
                                      StringRef arguments) {
  Registry &registry = getRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  auto [entry, isNew] = registry.byOp.try_emplace(opName);
  if (!isNew)
    return;
  SmallVector<StringRef> texts;
  bindings.split(texts, ';', -1, /*KeepEmpty=*/false);
  for (StringRef text : texts)
    entry->second.push_back(parseBinding(opName, text));
  for (const ATenBinding &binding : entry->second)
    registry.byOverload.try_emplace(binding.overload, &binding);
  texts.clear();
  arguments.split(texts, ';', -1, /*KeepEmpty=*/false);
  for (StringRef text : texts)
    registry.arguments[opName].push_back(parseOpArgument(text));
}

const ATenBinding *fx::lookupATenBinding(StringRef overload) {
  return getRegistry().byOverload.lookup(overload);
}

ArrayRef<ATenBinding> fx::getATenBindings(StringRef opName) {
  auto &byOp = getRegistry().byOp;
  auto it = byOp.find(opName);
  return it == byOp.end() ? ArrayRef<ATenBinding>() : it->second;
}

ArrayRef<OpArgument> fx::getOpArguments(StringRef opName) {
  auto &arguments = getRegistry().arguments;
  auto it = arguments.find(opName);
  return it == arguments.end() ? ArrayRef<OpArgument>() : it->second;
}

StringRef fx::getATenPacket(Operation *op) {
  if (auto call = dyn_cast<CallOp>(op)) {
    StringRef target = call.getTarget();
    return target.count('.') >= 2 ? target.rsplit('.').first : target;
  }
  ArrayRef<ATenBinding> bindings =
      getATenBindings(op->getName().getStringRef());
  return bindings.empty() ? StringRef() : bindings.front().getPacket();
}
