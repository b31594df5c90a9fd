//===- ProgressBar.h - What a long compilation is doing ---------*- C++ -*-===//
//
// One line on stderr, while a compilation takes long and only if stderr is a
// terminal. FX_MLIR_PROGRESS in the environment is the number of seconds
// before it appears (2); 0 is never.
//
//===----------------------------------------------------------------------===//

#ifndef FX_SUPPORT_PROGRESSBAR_H
#define FX_SUPPORT_PROGRESSBAR_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace mlir::fx {

/// May be told from several threads.
class ProgressBar {
public:
  /// `name` is who compiles. Without `isWanted` nothing is drawn.
  explicit ProgressBar(llvm::StringRef name, bool isWanted = true);
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;
  ~ProgressBar() { finish(); }

  /// A stage whose length is not known begins.
  void startStage(llvm::StringRef name);
  /// Code is generated for so many functions.
  void startCode(unsigned numFunctions);
  /// So many more of them are done.
  void addFunctions(unsigned count);
  /// Clears the line, for good.
  void finish();

private:
  using Clock = std::chrono::steady_clock;

  void watch(Clock::duration delay);
  void draw();

  std::string name, stage;
  unsigned numDone = 0, numFunctions = 0;
  Clock::time_point start = Clock::now();
  bool isFinished = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread watcher;
};

} // namespace mlir::fx

#endif // FX_SUPPORT_PROGRESSBAR_H
