//===- Session.cpp - Context and errors of one call -----------------------===//

#include "Session.h"

#include "fx/Compiler/CompileFx.h"
#include "fx/Compiler/Registration.h"

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::capi;

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

std::unique_ptr<MLIRContext> capi::makeContext() {
  // A pool of threads for each graph costs more than it brings.
  auto context = std::make_unique<MLIRContext>(
      getRegistry(), MLIRContext::Threading::DISABLED);
  context->loadDialect<FXDialect>();
  // Errors name nodes; an op's text numbers the whole function each time.
  context->printOpOnDiagnostic(false);
  return context;
}

static std::string getNode(Diagnostic &diagnostic) {
  auto named = diagnostic.getLocation()->findInstanceOf<NameLoc>();
  return named ? named.getName().str() : std::string();
}

void ErrorCollector::add(Diagnostic &diagnostic) {
  if (!text.empty())
    text += '\n';
  addMessage(diagnostic);
  errors.push_back({getNode(diagnostic), diagnostic.str(),
                    getPythonLine(diagnostic.getLocation())});
  for (Diagnostic &note : diagnostic.getNotes()) {
    // The whole IR would follow.
    if (StringRef(note.str()).starts_with("see current operation"))
      continue;
    text += "\n  note: ";
    addMessage(note);
  }
}

void ErrorCollector::addMessage(Diagnostic &diagnostic) {
  std::string node = getNode(diagnostic);
  if (!node.empty())
    text += "node '" + node + "': ";
  text += diagnostic.str();
  std::string line = getPythonLine(diagnostic.getLocation());
  if (!line.empty())
    text += " (" + line + ")";
}
