// Another project's tool: reads a module with fx ops and counts the additions.

#include "fx/IR/FXOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

int main(int, char **argv) {
  mlir::MLIRContext context;
  context.loadDialect<mlir::fx::FXDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  unsigned additions = 0;
  module->walk([&](mlir::fx::AddOp) { ++additions; });
  llvm::outs() << "additions: " << additions << "\n";
  return 0;
}
