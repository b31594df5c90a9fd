//===- TargetMachine.cpp - The processor that code is for -----------------===//

#include "TargetMachine.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fx;

void cpu::initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
#define FX_INITIALIZE_TARGET(name)                                             \
  LLVMInitialize##name##TargetInfo();                                          \
  LLVMInitialize##name##Target();                                              \
  LLVMInitialize##name##TargetMC();                                            \
  LLVMInitialize##name##AsmPrinter();
    FX_INITIALIZE_TARGET(X86)
    FX_INITIALIZE_TARGET(AArch64)
#undef FX_INITIALIZE_TARGET
  });
}

/// The triple of code, which is this machine's unless another one is asked for.
static llvm::Triple getTriple(const cpu::CPUOptions &options) {
  return llvm::Triple(options.triple.empty()
                          ? llvm::sys::getDefaultTargetTriple()
                          : llvm::Triple::normalize(options.triple));
}

bool cpu::isHostArchitecture(const CPUOptions &options) {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  llvm::Triple triple = getTriple(options);
  return triple.getArch() == host.getArch() && triple.getOS() == host.getOS();
}

/// LLVM's backend; null with `error` set.
static const llvm::Target *findTarget(const llvm::Triple &triple,
                                      std::string &error) {
  cpu::initializeTargets();
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  bool isKnown = triple.getArch() == llvm::Triple::x86_64 ||
                 triple.getArch() == llvm::Triple::aarch64;
  if (target && isKnown)
    return target;
  error = "there is no code generation for '" + triple.str() +
          "': triples are those of x86_64 and aarch64, as x86_64-linux-gnu "
          "and aarch64-linux-gnu";
  return nullptr;
}

FailureOr<std::vector<std::string>>
cpu::listProcessors(const CPUOptions &options, std::string &error) {
  llvm::Triple triple = getTriple(options);
  const llvm::Target *target = findTarget(triple, error);
  if (!target)
    return failure();
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, "", ""));
  std::vector<std::string> names;
  for (const llvm::SubtargetSubTypeKV &known :
       info->getAllProcessorDescriptions())
    names.push_back(known.Key);
  return names;
}

namespace {
/// This machine's processor; asking it takes long in a virtual machine.
struct HostProcessor {
  HostProcessor() : name(llvm::sys::getHostCPUName()) {
    llvm::SubtargetFeatures list;
    for (auto &feature : llvm::sys::getHostCPUFeatures())
      list.AddFeature(feature.first(), feature.second);
    features = list.getString();
  }
  std::string name, features;
};
} // namespace

static const HostProcessor &getHostProcessor() {
  static const HostProcessor host;
  return host;
}

/// What a user may have meant by the name of a processor.
static std::string suggestProcessors(const llvm::MCSubtargetInfo &info,
                                     StringRef cpu) {
  StringRef nearest;
  unsigned best = 3;
  for (const llvm::SubtargetSubTypeKV &known :
       info.getAllProcessorDescriptions()) {
    unsigned distance = cpu.edit_distance(known.Key, /*AllowReplacements=*/true,
                                          /*MaxEditDistance=*/best);
    if (distance < best) {
      best = distance;
      nearest = known.Key;
    }
  }
  return nearest.empty() ? "" : "; did you mean '" + nearest.str() + "'?";
}

std::unique_ptr<llvm::TargetMachine>
cpu::createTargetMachine(const CPUOptions &options, std::string &error) {
  llvm::Triple triple = getTriple(options);
  const llvm::Target *target = findTarget(triple, error);
  if (!target)
    return nullptr;
  bool isNative = options.cpu.empty() || options.cpu == "native";
  if (options.cpu == "native" && !isHostArchitecture(options)) {
    error = "the processor 'native' is not one of " + triple.str() +
            ": name one, or 'generic'";
    return nullptr;
  }
  isNative &= isHostArchitecture(options);
  std::string cpu = isNative              ? getHostProcessor().name
                    : options.cpu.empty() ? "generic"
                                          : options.cpu;
  // To LLVM that is any x86, even one of 32 bits.
  if (cpu == "generic" && triple.getArch() == llvm::Triple::x86_64)
    cpu = "x86-64";
  std::string features = options.features;
  if (isNative && features.empty())
    features = getHostProcessor().features;
  // An instance of an unknown processor would print a warning of its own.
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!info || !info->isCPUStringValid(cpu)) {
    error = "unknown processor '" + cpu + "' of " +
            triple.getArchName().str() +
            (info ? suggestProcessors(*info, cpu) : "") +
            " (fx-compile --mcpu=help lists the names)";
    return nullptr;
  }
  llvm::TargetOptions targetOptions;
  targetOptions.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  auto level = options.optLevel == 0   ? llvm::CodeGenOptLevel::None
               : options.optLevel == 1 ? llvm::CodeGenOptLevel::Less
               : options.optLevel == 2 ? llvm::CodeGenOptLevel::Default
                                       : llvm::CodeGenOptLevel::Aggressive;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features, targetOptions, llvm::Reloc::PIC_, std::nullopt,
      level));
  if (!machine)
    error = "there is no code generation for '" + triple.str() + "'";
  return machine;
}

unsigned cpu::getVectorBits(const llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  // The vectors of AArch64 that are as long everywhere.
  if (!machine.getTargetTriple().isX86())
    return 128;
  if (info.checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq"))
    return 512;
  return info.checkFeatures("+avx2,+fma") ? 256 : 128;
}
