//===- Explain.cpp - What each pass changed, and by which pattern ---------===//

#include "fx/Compiler/Explain.h"
#include "Snapshot.h"
#include "fx/IR/FXDialect.h"
#include "fx/Support/OutputFile.h"
#include "fx/Support/RewriteAction.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// A pattern that was applied to a node.
struct Firing {
  std::string pattern, op, node, source;
};

/// What a pass did to one function.
struct Change {
  std::string pass, function;
  std::vector<Firing> firings;
  std::vector<DiffLine> lines;

  size_t count(DiffLine::Kind kind) const {
    return llvm::count_if(
        lines, [&](const DiffLine &line) { return line.kind == kind; });
  }
};

/// A pass that is running.
struct RunningPass {
  Pass *pass;
  Snapshot before;
  std::vector<Firing> firings;
};
} // namespace

/// The name of a C++ class without namespaces; what PDL gives is a name or a
/// place already.
static std::string shortenPattern(StringRef name) {
  std::string text = name.str();
  for (StringRef part : {"(anonymous namespace)::", "mlir::", "fx::"})
    for (size_t at; (at = text.find(part)) != std::string::npos;)
      text.erase(at, part.size());
  return text;
}

struct Explain::Recorder {
  void begin(Pass *pass, Operation *op) {
    running.push_back({pass, snapshots.make(op), {}});
  }

  void end(Operation *op, bool succeeded) {
    RunningPass done = std::move(running.back());
    running.pop_back();
    ++numPasses;
    if (!succeeded)
      return;
    Snapshot after = snapshots.make(op);
    // Functions that are gone, then those that are there.
    for (const auto &[name, lines] : done.before)
      if (!after.count(name))
        add(done, name, lines, {});
    for (const auto &[name, lines] : after)
      add(done, name, done.before[name], lines);
    // What a pass that runs other passes did itself comes after these.
    if (!running.empty())
      for (auto &[name, lines] : after)
        running.back().before[name] = lines;
  }

  void record(const RewriteAction &action) {
    if (running.empty())
      return;
    const RewriteRoot &root = action.getRoot();
    auto named = root.loc->findInstanceOf<NameLoc>();
    running.back().firings.push_back(
        {shortenPattern(action.getPattern()),
         root.name.getStringRef().str(),
         named ? named.getName().str() : std::string(),
         getPythonLine(root.loc)});
  }

  std::vector<Change> changes;
  size_t numPasses = 0;

private:
  void add(RunningPass &done, StringRef function,
           ArrayRef<SnapshotLine> before, ArrayRef<SnapshotLine> after) {
    std::vector<DiffLine> lines = compareLines(before, after);
    if (llvm::all_of(lines, [](const DiffLine &line) {
          return line.kind == DiffLine::Same;
        }))
      return;
    changes.push_back({done.pass->getArgument().str(), function.str(),
                       std::move(done.firings), std::move(lines)});
    done.firings.clear();
  }

  SnapshotMaker snapshots;
  std::vector<RunningPass> running;
};

namespace {
struct Instrumentation : PassInstrumentation {
  explicit Instrumentation(Explain::Recorder &recorder) : recorder(recorder) {}

  /// Adaptors only nest passes; they have no name to call them by.
  static bool isWatched(Pass *pass) { return !pass->getArgument().empty(); }

  void runBeforePass(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      recorder.begin(pass, op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      recorder.end(op, /*succeeded=*/true);
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    if (isWatched(pass))
      recorder.end(op, /*succeeded=*/false);
  }

  Explain::Recorder &recorder;
};
} // namespace

Explain::Explain() : recorder(std::make_unique<Recorder>()) {}
Explain::~Explain() = default;

void Explain::watch(PassManager &pm) {
  MLIRContext *context = pm.getContext();
  context->disableMultithreading();
  context->registerActionHandler(
      [this](llvm::function_ref<void()> run, const tracing::Action &action) {
        run();
        if (auto *rewrite = dyn_cast<RewriteAction>(&action))
          recorder->record(*rewrite);
      });
  pm.addInstrumentation(std::make_unique<Instrumentation>(*recorder));
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

/// A pattern with the nodes that it was applied to, in order.
using FiringGroups = llvm::MapVector<StringRef, std::vector<const Firing *>>;

static FiringGroups groupFirings(const Change &change) {
  FiringGroups groups;
  for (const Firing &firing : change.firings)
    groups[firing.pattern].push_back(&firing);
  return groups;
}

static std::string describe(const Firing &firing) {
  std::string text = firing.node.empty()
                         ? firing.op
                         : firing.node + " (" + firing.op + ")";
  return firing.source.empty() ? text : text + ", " + firing.source;
}

/// Of a whole lowered function a reader wants the beginning.
static constexpr size_t maxTextLines = 60;

static void writeText(ArrayRef<Change> changes, size_t numPasses,
                      raw_ostream &os) {
  for (const Change &change : changes) {
    os << change.pass << " on @" << change.function << "\n";
    for (const auto &[pattern, firings] : groupFirings(change))
      for (const Firing *firing : firings)
        os << "  " << pattern << ": " << describe(*firing) << "\n";
    for (const auto &[i, line] : llvm::enumerate(change.lines)) {
      if (i == maxTextLines) {
        os << "    ... " << change.lines.size() - i << " more lines\n";
        break;
      }
      os << "    " << " -+"[line.kind] << " " << line.line.text;
      if (line.kind == DiffLine::Removed && !line.line.source.empty())
        os << "  // " << line.line.source;
      os << "\n";
    }
  }
  os << changes.size() << " changes of functions by " << numPasses
     << " runs of passes\n";
}

static void escape(raw_ostream &os, StringRef text) {
  for (char c : text) {
    if (c == '<')
      os << "&lt;";
    else if (c == '>')
      os << "&gt;";
    else if (c == '&')
      os << "&amp;";
    else if (c == '"')
      os << "&quot;";
    else
      os << c;
  }
}

static constexpr StringLiteral style = R"(
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 72em;
       padding: 0 1em; color: #1b1f24; background: #fff; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .2em .8em .2em 0;
         border-bottom: 1px solid #ddd; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
details { margin: .8em 0; border: 1px solid #ddd; border-radius: 6px; }
summary { padding: .5em .8em; cursor: pointer; background: #f6f8fa; }
ul { margin: .5em 0; }
pre { margin: 0; padding: .5em .8em; overflow-x: auto; font-size: 12px; }
pre span { display: block; min-height: 1.2em; }
.r { background: #ffebe9; } .a { background: #dafbe1; }
i { color: #59636e; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; } summary { background: #161b22; }
  td, th, details { border-color: #30363d; }
  .r { background: #67060c66; } .a { background: #033a1688; }
  i { color: #9198a1; }
})";

static void writeChange(const Change &change, size_t index, raw_ostream &os) {
  os << "<details open id=\"c" << index << "\"><summary><b>";
  escape(os, change.pass);
  os << "</b> on @";
  escape(os, change.function);
  os << "</summary>\n<ul>\n";
  for (const auto &[pattern, firings] : groupFirings(change)) {
    os << "<li><b>";
    escape(os, pattern);
    os << "</b>, " << firings.size() << " times: ";
    llvm::interleave(
        firings, [&](const Firing *firing) { escape(os, describe(*firing)); },
        [&] { os << "; "; });
    os << "</li>\n";
  }
  os << "</ul>\n<pre>";
  static constexpr StringLiteral classes[] = {"", "r", "a"};
  for (const DiffLine &line : change.lines) {
    os << "<span class=\"" << classes[line.kind] << "\">" << " -+"[line.kind]
       << " ";
    escape(os, line.line.text);
    if (line.kind == DiffLine::Removed && !line.line.source.empty()) {
      os << "  <i>";
      escape(os, line.line.source);
      os << "</i>";
    }
    os << "</span>";
  }
  os << "</pre></details>\n";
}

static void writePage(ArrayRef<Change> changes, size_t numPasses,
                      raw_ostream &os) {
  os << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n<title>What the passes did</title>\n<style>"
     << style << "\n</style>\n</head>\n<body>\n<h1>What the passes did</h1>\n"
     << "<p>" << changes.size() << " changes of functions by " << numPasses
     << " runs of passes, in the order in which they ran.</p>\n"
     << "<table><tr><th>pass</th><th>function</th><th>patterns</th>"
        "<th>lines before</th><th>after</th></tr>\n";
  for (const auto &[i, change] : llvm::enumerate(changes)) {
    os << "<tr><td><a href=\"#c" << i << "\">";
    escape(os, change.pass);
    os << "</a></td><td>@";
    escape(os, change.function);
    os << "</td><td>";
    llvm::interleave(
        groupFirings(change),
        [&](const auto &group) {
          escape(os, group.first);
          os << " " << group.second.size();
        },
        [&] { os << ", "; });
    os << "</td><td class=\"n\">" << change.count(DiffLine::Removed)
       << "</td><td class=\"n\">" << change.count(DiffLine::Added)
       << "</td></tr>\n";
  }
  os << "</table>\n";
  for (const auto &[i, change] : llvm::enumerate(changes))
    writeChange(change, i, os);
  os << "</body>\n</html>\n";
}

llvm::Error Explain::write(StringRef path) const {
  auto report = [&](raw_ostream &os) {
    if (path.ends_with(".html"))
      writePage(recorder->changes, recorder->numPasses, os);
    else
      writeText(recorder->changes, recorder->numPasses, os);
  };
  if (!path.empty())
    return writeOutputFile(path, report);
  report(llvm::errs());
  return llvm::Error::success();
}
