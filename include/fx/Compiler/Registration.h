//===- Registration.h - Everything a tool or plugin registers ---*- C++ -*-===//

#ifndef FX_COMPILER_REGISTRATION_H
#define FX_COMPILER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
}

namespace mlir::fx {

/// Registers the fx dialect with the interface models that the stages attach.
void registerFXDialects(DialectRegistry &registry);
/// Registers the passes and pipelines of all stages. Once a process.
void registerFXPasses();
/// Both, and upstream's dialects, passes and translations: for tools.
void registerAll(DialectRegistry &registry);

} // namespace mlir::fx

#endif
