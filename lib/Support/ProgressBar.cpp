//===- ProgressBar.cpp - What a long compilation is doing -----------------===//

#include "fx/Support/ProgressBar.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

using namespace mlir::fx;

static constexpr double kDefaultDelay = 2;
static constexpr std::chrono::milliseconds kInterval(100);
static constexpr unsigned kWidth = 30;
static constexpr llvm::StringLiteral kClearLine = "\r\x1b[K";

/// Seconds before the line appears; none for never.
static std::optional<double> getDelay() {
  llvm::StringRef text;
  if (const char *value = std::getenv("FX_MLIR_PROGRESS"))
    text = value;
  double seconds = kDefaultDelay;
  if (!text.empty() && (text.getAsDouble(seconds) || !(seconds > 0)))
    return std::nullopt;
  return std::min(seconds, 1e6);
}

/// Whether stderr shows lines that can be cleared.
static bool isTerminal() {
  const char *type = std::getenv("TERM");
  return llvm::sys::Process::StandardErrIsDisplayed() &&
         !(type && llvm::StringRef(type) == "dumb");
}

ProgressBar::ProgressBar(llvm::StringRef name, bool isWanted) : name(name) {
  std::optional<double> delay = getDelay();
  if (!isWanted || !delay || !isTerminal())
    return;
  auto duration = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(*delay));
  watcher = std::thread([this, duration] { watch(duration); });
}

void ProgressBar::startStage(llvm::StringRef newStage) {
  std::lock_guard<std::mutex> lock(mutex);
  stage = newStage.str();
  numFunctions = 0;
}

void ProgressBar::startCode(unsigned count) {
  std::lock_guard<std::mutex> lock(mutex);
  stage = "code";
  numFunctions = count;
  numDone = 0;
}

void ProgressBar::addFunctions(unsigned count) {
  std::lock_guard<std::mutex> lock(mutex);
  numDone += count;
}

void ProgressBar::finish() {
  if (!watcher.joinable())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    isFinished = true;
  }
  changed.notify_one();
  watcher.join();
}

void ProgressBar::watch(Clock::duration delay) {
  std::unique_lock<std::mutex> lock(mutex);
  auto isDone = [this] { return isFinished; };
  if (changed.wait_for(lock, delay, isDone))
    return;
  do
    draw();
  while (!changed.wait_for(lock, kInterval, isDone));
  llvm::errs() << kClearLine;
}

void ProgressBar::draw() {
  unsigned filled =
      numFunctions ? uint64_t(kWidth) * numDone / numFunctions : 0;
  std::string bar(filled, '=');
  bar.resize(kWidth, ' ');
  std::string what =
      numFunctions
          ? llvm::formatv("{0}/{1} functions", numDone, numFunctions).str()
          : stage;
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  // In one piece: errs() does not buffer. What else is written begins the line.
  std::string line = llvm::formatv("{0}{1} [{2}] {3}, {4:f0} s\r", kClearLine,
                                   name, bar, what, seconds);
  llvm::errs() << line;
}
