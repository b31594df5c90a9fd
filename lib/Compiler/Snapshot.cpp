//===- Snapshot.cpp - Functions as lines that can be compared -------------===//

#include "Snapshot.h"
#include "fx/IR/FXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::fx;
using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// Snapshots
//===----------------------------------------------------------------------===//

void SnapshotMaker::labelOps(Operation *function) {
  llvm::StringSet<> taken;
  llvm::MapVector<StringAttr, SmallVector<Operation *>> unlabelled;
  function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() == 0)
      return;
    auto it = labels.find(op);
    // Another op may have got the memory of an erased one.
    if (it != labels.end() && it->second.name == op->getName() &&
        it->second.loc == op->getLoc()) {
      taken.insert(it->second.label);
      return;
    }
    if (it != labels.end())
      labels.erase(it);
    if (auto named = op->getLoc()->findInstanceOf<NameLoc>())
      unlabelled[named.getName()].push_back(op);
    else
      labels.insert({op, {op->getName(), op->getLoc(),
                          "%" + std::to_string(numLabels++)}});
  });
  // A node that became several ops: the last one has its value.
  for (auto &[name, ops] : unlabelled) {
    unsigned number = 0;
    for (Operation *op : llvm::reverse(ops)) {
      std::string base = "%" + name.str(), label = base;
      while (!taken.insert(label).second)
        label = base + "." + std::to_string(++number);
      labels.insert({op, {op->getName(), op->getLoc(), label}});
    }
  }
}

std::string SnapshotMaker::getLabel(Value value) {
  if (auto result = dyn_cast<OpResult>(value)) {
    std::string label = labels.find(result.getOwner())->second.label;
    return result.getOwner()->getNumResults() == 1
               ? label
               : label + "#" + std::to_string(result.getResultNumber());
  }
  auto argument = cast<BlockArgument>(value);
  return "%arg" + std::to_string(argument.getArgNumber());
}

static std::string printOperand(Value value, AsmState &state) {
  std::string text;
  llvm::raw_string_ostream os(text);
  value.printAsOperand(os, state);
  return text;
}

/// Replaces the names of values in the text of an op.
static std::string rename(StringRef text,
                          const llvm::StringMap<std::string> &labels) {
  auto isPart = [](char c) {
    return llvm::isAlnum(c) || c == '_' || c == '$' || c == '.' || c == '-' ||
           c == '#';
  };
  std::string result;
  while (!text.empty()) {
    size_t begin = text.find('%');
    result += text.take_front(begin);
    if (begin == StringRef::npos)
      break;
    text = text.drop_front(begin);
    size_t end = 1;
    while (end < text.size() && isPart(text[end]))
      ++end;
    auto it = labels.find(text.take_front(end));
    result += it == labels.end() ? text.take_front(end).str() : it->second;
    text = text.drop_front(end);
  }
  return result;
}

std::vector<SnapshotLine> SnapshotMaker::makeLines(Operation *function) {
  OpPrintingFlags flags;
  flags.skipRegions().assumeVerified().elideLargeElementsAttrs(8);
  flags.elideLargeResourceString(8);
  labelOps(function);
  AsmState state(function, flags);
  std::vector<SnapshotLine> lines;
  function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    llvm::StringMap<std::string> names;
    for (Value operand : op->getOperands())
      names[printOperand(operand, state)] = getLabel(operand);
    for (Value result : op->getResults()) {
      std::string printed = printOperand(result, state);
      names[printed] = getLabel(result);
      // Several results may be printed as one name and their number.
      auto [base, index] = StringRef(printed).split('#');
      if (!index.empty())
        names[base] = labels.find(op)->second.label;
    }
    std::string text;
    llvm::raw_string_ostream os(text);
    op->print(os, state);
    unsigned depth = 0;
    for (Operation *parent = op; parent != function;
         parent = parent->getParentOp())
      ++depth;
    lines.push_back({std::string(2 * depth, ' ') + rename(text, names),
                     getPythonLine(op->getLoc())});
  });
  return lines;
}

Snapshot SnapshotMaker::make(Operation *root) {
  Snapshot snapshot;
  auto add = [&](func::FuncOp function) {
    if (!function.isExternal())
      snapshot[function.getName().str()] = makeLines(function);
  };
  if (auto function = dyn_cast<func::FuncOp>(root)) {
    add(function);
    return snapshot;
  }
  for (Region &region : root->getRegions())
    for (auto function : region.getOps<func::FuncOp>())
      add(function);
  return snapshot;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

using Lines = ArrayRef<SnapshotLine>;

static void append(std::vector<DiffLine> &result, DiffLine::Kind kind,
                   Lines lines) {
  for (const SnapshotLine &line : lines)
    result.push_back({kind, line});
}

/// Pairs of lines that are once in either text, those that are in order.
static std::vector<std::pair<size_t, size_t>> findAnchors(Lines before,
                                                          Lines after) {
  struct Place {
    size_t count = 0, index = 0;
  };
  llvm::StringMap<Place> first, second;
  for (auto [i, line] : llvm::enumerate(before))
    first[line.text] = {first.lookup(line.text).count + 1, i};
  for (auto [i, line] : llvm::enumerate(after))
    second[line.text] = {second.lookup(line.text).count + 1, i};
  std::vector<std::pair<size_t, size_t>> pairs;
  for (auto [i, line] : llvm::enumerate(before)) {
    Place other = second.lookup(line.text);
    if (first.lookup(line.text).count == 1 && other.count == 1)
      pairs.push_back({i, other.index});
  }
  // The longest increasing subsequence of the second positions: tails[n] ends
  // the best one of length n + 1.
  std::vector<size_t> tails, previous(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto it = llvm::partition_point(tails, [&](size_t tail) {
      return pairs[tail].second < pairs[i].second;
    });
    previous[i] = it == tails.begin() ? i : *(it - 1);
    if (it == tails.end())
      tails.push_back(i);
    else
      *it = i;
  }
  std::vector<std::pair<size_t, size_t>> chain(tails.size());
  for (size_t n = tails.size(), i = n ? tails.back() : 0; n-- > 0;
       i = previous[i])
    chain[n] = pairs[i];
  return chain;
}

static void compare(Lines before, Lines after, std::vector<DiffLine> &result) {
  size_t prefix = 0, limit = std::min(before.size(), after.size());
  while (prefix < limit && before[prefix] == after[prefix])
    ++prefix;
  append(result, DiffLine::Same, after.take_front(prefix));
  before = before.drop_front(prefix);
  after = after.drop_front(prefix);
  size_t suffix = 0;
  limit = std::min(before.size(), after.size());
  while (suffix < limit && before[before.size() - 1 - suffix] ==
                               after[after.size() - 1 - suffix])
    ++suffix;
  Lines end = after.take_back(suffix);
  before = before.drop_back(suffix);
  after = after.drop_back(suffix);

  auto anchors = before.empty() || after.empty()
                     ? std::vector<std::pair<size_t, size_t>>()
                     : findAnchors(before, after);
  if (anchors.empty()) {
    append(result, DiffLine::Removed, before);
    append(result, DiffLine::Added, after);
  }
  size_t i = 0, j = 0;
  for (auto [first, second] : anchors) {
    compare(before.slice(i, first - i), after.slice(j, second - j), result);
    append(result, DiffLine::Same, after.slice(second, 1));
    i = first + 1;
    j = second + 1;
  }
  if (!anchors.empty())
    compare(before.drop_front(i), after.drop_front(j), result);
  append(result, DiffLine::Same, end);
}

std::vector<DiffLine> fx::compareLines(Lines before, Lines after) {
  std::vector<DiffLine> all, result;
  compare(before, after, all);
  bool gap = false;
  for (size_t i = 0; i < all.size(); ++i) {
    auto differs = [&](size_t k) {
      return k < all.size() && all[k].kind != DiffLine::Same;
    };
    if (!differs(i) && !differs(i + 1) && !(i > 0 && differs(i - 1))) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false) && !result.empty())
      result.push_back({DiffLine::Same, {}});
    result.push_back(all[i]);
  }
  return result;
}
