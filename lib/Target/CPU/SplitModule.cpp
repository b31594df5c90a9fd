//===- SplitModule.cpp - Parts that are compiled alone --------------------===//

#include "SplitModule.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
class Splitter {
public:
  explicit Splitter(ModuleOp module) : module(module) {
    for (Operation &op : *module.getBody()) {
      if (auto symbol = dyn_cast<SymbolOpInterface>(op))
        numbers[symbol.getName()] = ops.size();
      ops.push_back(&op);
    }
  }

  SmallVector<OwningOpRef<ModuleOp>> run(unsigned opsPerPart);

private:
  bool isDeclaration(unsigned i) const {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(ops[i]);
    return function && function.isExternal();
  }
  /// Whether others than this module refer to a function.
  bool isEntry(unsigned i) const {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(ops[i]);
    return function && !function.isExternal() &&
           function.getLinkage() == LLVM::Linkage::External;
  }
  /// Whether parts may refer to it without having it.
  bool isShared(unsigned i) const {
    auto global = dyn_cast<LLVM::GlobalOp>(ops[i]);
    return global && global.getLinkage() == LLVM::Linkage::External;
  }
  void findReferences(unsigned i);
  /// For each op the part that it goes to.
  SmallVector<unsigned> choosePlaces(unsigned opsPerPart);

  ModuleOp module;
  SmallVector<Operation *> ops;
  llvm::StringMap<unsigned> numbers;
  /// For each op the symbols that it refers to, and the ops in it.
  SmallVector<llvm::SmallSetVector<unsigned, 8>> references;
  SmallVector<unsigned> sizes;
};
} // namespace

void Splitter::findReferences(unsigned i) {
  auto add = [&](StringRef name) {
    auto found = numbers.find(name);
    if (found != numbers.end())
      references[i].insert(found->second);
  };
  ops[i]->walk([&](Operation *op) {
    ++sizes[i];
    if (auto call = dyn_cast<LLVM::CallOp>(op))
      add(call.getCallee().value_or(""));
    else if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
      add(address.getGlobalName());
    else if (auto dtors = dyn_cast<LLVM::GlobalDtorsOp>(op))
      for (auto dtor : dtors.getDtors().getAsRange<FlatSymbolRefAttr>())
        add(dtor.getValue());
  });
}

SmallVector<unsigned> Splitter::choosePlaces(unsigned opsPerPart) {
  llvm::IntEqClasses together(ops.size());
  for (unsigned i = 0; i < ops.size(); ++i)
    for (unsigned other : references[i]) {
      bool isCut = isEntry(i) && isa<LLVM::LLVMFuncOp>(ops[other]);
      if (!isCut && !isShared(other) && !isDeclaration(other))
        together.join(i, other);
    }
  together.compress();
  llvm::MapVector<unsigned, unsigned> groupSizes;
  for (unsigned i = 0; i < ops.size(); ++i)
    if (!isDeclaration(i))
      groupSizes[together[i]] += sizes[i];
  // Groups fill one part after the other.
  llvm::DenseMap<unsigned, unsigned> partOfGroup;
  unsigned part = 0, filled = 0;
  for (auto [group, size] : groupSizes) {
    if (filled && filled + size > opsPerPart) {
      ++part;
      filled = 0;
    }
    filled += size;
    partOfGroup[group] = part;
  }
  SmallVector<unsigned> places;
  for (unsigned i = 0; i < ops.size(); ++i)
    places.push_back(partOfGroup.lookup(together[i]));
  return places;
}

SmallVector<OwningOpRef<ModuleOp>> Splitter::run(unsigned opsPerPart) {
  references.resize(ops.size());
  sizes.resize(ops.size());
  for (unsigned i = 0; i < ops.size(); ++i)
    findReferences(i);
  SmallVector<unsigned> places = choosePlaces(opsPerPart);
  SmallVector<OwningOpRef<ModuleOp>> parts;
  unsigned numParts = 1 + *llvm::max_element(places);
  for (unsigned part = 0; part < numParts; ++part) {
    parts.push_back(ModuleOp::create(module.getLoc()));
    parts.back()->getOperation()->setAttrs(module->getAttrDictionary());
  }
  // Who calls across parts sees a declaration.
  SmallVector<llvm::SmallSetVector<unsigned, 8>> declared(numParts);
  for (unsigned i = 0; i < ops.size(); ++i)
    if (!isDeclaration(i))
      for (unsigned other : references[i])
        if (isDeclaration(other) || places[other] != places[i])
          declared[places[i]].insert(other);
  for (const auto &set : declared)
    for (unsigned i : set) {
      auto function = dyn_cast<LLVM::LLVMFuncOp>(ops[i]);
      if (!function || function.getLinkage() != LLVM::Linkage::Internal)
        continue;
      function.setLinkage(LLVM::Linkage::External);
      function.setVisibility_(LLVM::Visibility::Hidden);
      function.setDsoLocal(true);
    }
  for (auto [part, set] : llvm::zip_equal(parts, declared))
    for (unsigned i : set)
      part->push_back(ops[i]->cloneWithoutRegions());
  for (unsigned i = 0; i < ops.size(); ++i)
    if (!isDeclaration(i))
      ops[i]->moveBefore(parts[places[i]]->getBody(),
                         parts[places[i]]->getBody()->end());
  return parts;
}

SmallVector<OwningOpRef<ModuleOp>> cpu::splitModule(ModuleOp module,
                                                    unsigned opsPerPart) {
  return Splitter(module).run(opsPerPart);
}
