//===- Snapshot.h - Functions as lines that can be compared -----*- C++ -*-===//

#ifndef FX_LIB_COMPILER_SNAPSHOT_H
#define FX_LIB_COMPILER_SNAPSHOT_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

#include <map>
#include <string>
#include <vector>

namespace mlir::fx {

/// One op of a function, without its regions.
struct SnapshotLine {
  std::string text;
  /// Where the op stands in Python ("" if unknown).
  std::string source;

  bool operator==(const SnapshotLine &other) const {
    return text == other.text;
  }
};

/// The lines of each function, by name.
using Snapshot = std::map<std::string, std::vector<SnapshotLine>>;

/// Makes snapshots in which a value keeps its name while its op lives: MLIR's
/// own numbers change with every op that comes or goes.
class SnapshotMaker {
public:
  /// Of the functions in `root`, or of the function that it is.
  Snapshot make(Operation *root);

private:
  struct Known {
    OperationName name;
    Location loc;
    std::string label;
  };

  std::vector<SnapshotLine> makeLines(Operation *function);
  /// Gives ops that are new since the last snapshot a name that is unique in
  /// the function: their node's, if they have one.
  void labelOps(Operation *function);
  std::string getLabel(Value value);

  llvm::DenseMap<Operation *, Known> labels;
  unsigned numLabels = 0;
};

/// A line of a comparison: both, only before or only after.
struct DiffLine {
  enum Kind { Same, Removed, Added };
  Kind kind;
  SnapshotLine line;
};

/// The lines that differ, with one line around them; gaps are empty lines.
std::vector<DiffLine> compareLines(llvm::ArrayRef<SnapshotLine> before,
                                   llvm::ArrayRef<SnapshotLine> after);

} // namespace mlir::fx

#endif
