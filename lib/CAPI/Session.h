//===- Session.h - Context and errors of one call ---------------*- C++ -*-===//

#ifndef FX_LIB_CAPI_SESSION_H
#define FX_LIB_CAPI_SESSION_H

#include "fx/IR/FXDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>

namespace mlir::fx::capi {

/// A context with all dialects, without threads of its own.
std::unique_ptr<MLIRContext> makeContext();

/// An error, with the name of the node and the line of the program that it is
/// about, "" for none.
struct GraphError {
  std::string node;
  std::string message;
  std::string line;
};

/// The errors of a compilation.
class ErrorCollector {
public:
  explicit ErrorCollector(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          add(diagnostic);
          return success();
        }) {}

  std::string takeText() {
    return text.empty() ? "unknown error" : std::move(text);
  }

  ArrayRef<GraphError> getErrors() const { return errors; }

private:
  void add(Diagnostic &diagnostic);
  void addMessage(Diagnostic &diagnostic);

  std::string text;
  SmallVector<GraphError> errors;
  ScopedDiagnosticHandler handler;
};

} // namespace mlir::fx::capi

#endif
