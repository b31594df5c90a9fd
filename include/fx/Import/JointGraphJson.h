//===- JointGraphJson.h - Joint graphs in JSON ------------------*- C++ -*-===//

#ifndef FX_IMPORT_JOINTGRAPHJSON_H
#define FX_IMPORT_JOINTGRAPHJSON_H

#include "fx/Import/Graph.h"

#include "llvm/Support/Error.h"

namespace mlir::fx {

/// Reads the graph `joint` of a `joint-graph-oracle-1` document. `getitem`
/// nodes become names of their operand's results. `file` names the document in
/// errors.
llvm::Expected<graph::Graph> readJointGraph(llvm::StringRef text,
                                            llvm::StringRef file);

} // namespace mlir::fx

#endif // FX_IMPORT_JOINTGRAPHJSON_H
