//===- Page.cpp - A partition as a page -----------------------------------===//

#include "fx/Partition/Page.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::fx;

static constexpr StringLiteral style = R"(
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70em;
       margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.4em; } h2 { font-size: 1.15em; margin-top: 2em; }
svg { width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.axis { stroke: currentColor; stroke-width: 1; opacity: .45; }
.grid { stroke: currentColor; stroke-width: .5; opacity: .2; }
.line { fill: none; stroke-width: 1.6; }
.c0 { stroke: #2166d1; } .c1 { stroke: #d95f02; } .c2 { stroke: #888; }
.k0 { fill: #2166d1; } .k1 { fill: #d95f02; } .k2 { fill: #888; }
.limit { stroke: #c22; stroke-dasharray: 6 4; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2em .8em .2em 0;
         border-bottom: 1px solid #8884; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 13px ui-monospace, monospace; }
.scroll { max-height: 32em; overflow: auto; }
)";

static std::string escape(StringRef text) {
  std::string result;
  for (char c : text) {
    switch (c) {
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '&':
      result += "&amp;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

namespace {
/// The drawing area of a diagram: numbers become places in it.
class Frame {
public:
  static constexpr double left = 70, right = 850, top = 15, bottom = 300;

  Frame(raw_ostream &os, double maxX, double maxY)
      : os(os), maxX(maxX > 0 ? maxX : 1), maxY(maxY > 0 ? maxY : 1) {
    os << "<svg viewBox=\"0 0 900 350\" role=\"img\">\n";
  }
  ~Frame() { os << "</svg>\n"; }

  double x(double value) const {
    return left + (right - left) * value / maxX;
  }
  double y(double value) const {
    return bottom - (bottom - top) * value / maxY;
  }

  void text(double px, double py, StringRef anchor, const Twine &text) {
    os << llvm::format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"", px, py)
       << anchor << "\">" << escape(text.str()) << "</text>\n";
  }

  void line(double x1, double y1, double x2, double y2, StringRef classes) {
    os << llvm::format(
              "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"",
              x1, y1, x2, y2)
       << classes << "\"/>\n";
  }

  void axes(const Twine &labelX,
            llvm::function_ref<std::string(double)> tickX) {
    constexpr int ticks = 5;
    for (int i = 0; i <= ticks; ++i) {
      double value = maxY * i / ticks;
      line(left, y(value), right, y(value), "grid");
      text(left - 6, y(value) + 4, "end",
           formatBytes(static_cast<int64_t>(value)));
      value = maxX * i / ticks;
      text(x(value), bottom + 17, "middle", tickX(value));
    }
    line(left, bottom, right, bottom, "axis");
    line(left, top, left, bottom, "axis");
    text((left + right) / 2, bottom + 38, "middle", labelX);
  }

  void path(ArrayRef<std::pair<double, double>> points, StringRef classes) {
    os << "<path class=\"" << classes << "\" d=\"";
    bool isFirst = true;
    for (auto [px, py] : points) {
      os << (isFirst ? "M" : "L") << llvm::format("%.1f %.1f", x(px), y(py));
      isFirst = false;
    }
    os << "\"/>\n";
  }

  void dot(double px, double py, StringRef classes, const Twine &title) {
    os << llvm::format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"",
                       x(px), y(py))
       << classes << "\"><title>" << escape(title.str())
       << "</title></circle>\n";
  }

private:
  raw_ostream &os;
  double maxX, maxY;
};

class PageWriter {
public:
  PageWriter(raw_ostream &os, const PartitionResult &result,
             const CostModel &model)
      : os(os), result(result), graph(result.joint.graph), model(model) {}

  void run() {
    os << "<h1>Partition of <code>"
       << escape(func::FuncOp(result.joint.function).getSymName())
       << "</code></h1>\n";
    writeNumbers();
    writeMemory();
    writeCurve();
    writeSaved();
    writeRecomputed();
  }

private:
  void writeNumbers() {
    const PartitionCost &cost = result.cost;
    const LowerBound &bound = result.search->getBound();
    os << "<table>\n";
    auto row = [&](StringRef name, const Twine &value, const Twine &remark) {
      os << "<tr><td>" << name << "</td><td class=\"n\">" << value
         << "</td><td>" << remark << "</td></tr>\n";
    };
    row("peak", formatBytes(cost.memory.peak),
        "at these operations no partition is below " +
            formatBytes(bound.getPeak(cost.work.recomputedFlops)) +
            ", at any below " + formatBytes(bound.getFloor()));
    row("recomputed operations", getShare(cost.work.recomputedFlops),
        "within this peak at least " +
            getShare(bound.getFlops(cost.memory.peak)));
    row("saved activations", formatBytes(cost.savedStorageBytes),
        Twine(result.extraction.saved.size()) +
            " values, parameters and inputs included");
    row("time, estimated", getTime(cost.work.time),
        "both functions, nothing fused");
    os << "</table>\n";
  }

  /// A share of the operations of one step.
  std::string getShare(int64_t flops) const {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format(
        "%.2f %%",
        100.0 * flops / std::max<int64_t>(result.units.flops, 1));
    return text;
  }

  static std::string getTime(double picoseconds) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (picoseconds >= 1e9)
      stream << llvm::format("%.2f ms", picoseconds / 1e9);
    else
      stream << llvm::format("%.1f µs", picoseconds / 1e6);
    return text;
  }

  /// Live bytes over the estimated time of the steps; of many steps in one
  /// place the fullest counts.
  std::vector<std::pair<double, double>>
  getMemory(const PartitionCost &cost, double &border) const {
    constexpr size_t most = 1500;
    std::vector<std::pair<double, double>> points;
    double now = 0;
    size_t width = cost.schedule.steps.size() / most + 1;
    for (auto [step, u] : llvm::enumerate(cost.schedule.steps)) {
      if (step == cost.schedule.numForward)
        border = now;
      auto live = static_cast<double>(cost.memory.live[step]);
      double end = now + static_cast<double>(getRoofline(result.units.units[u],
                                                         model));
      if (step % width == 0 || points.empty()) {
        points.push_back({now, live});
        points.push_back({end, live});
      } else {
        auto &last = points.back();
        last = {end, std::max(last.second, live)};
        points[points.size() - 2].second = last.second;
      }
      now = end;
    }
    return points;
  }

  void writeMemory() {
    struct Curve {
      StringRef name;
      std::vector<std::pair<double, double>> points;
      double border = 0;
    };
    std::vector<Curve> curves(1);
    curves[0].name = "this partition";
    curves[0].points = getMemory(result.cost, curves[0].border);
    for (const PartitionSearch::Answer &answer : result.search->getAnswers())
      if (answer.mode == "default" && answer.budget == 1) {
        curves.emplace_back();
        curves.back().name = "functorch";
        curves.back().points = getMemory(answer.cost, curves.back().border);
      }
    const BudgetSearch &search = result.search->getPoints();
    SavePlan all = search.getSaveAll();
    curves.emplace_back();
    curves.back().name = "everything saved";
    curves.back().points = getMemory(
        measure(graph, result.units, model,
                extract(graph, result.units, all, search.schedule(all))),
        curves.back().border);

    double maxX = 0, maxY = 0;
    for (const Curve &curve : curves)
      for (auto [x, y] : curve.points) {
        maxX = std::max(maxX, x);
        maxY = std::max(maxY, y);
      }
    os << "<h2>Memory over time</h2>\n";
    Frame frame(os, maxX, maxY * 1.08);
    frame.axes("estimated time; the forward ends where the dashed line is",
               [](double value) { return getTime(value); });
    for (size_t i = curves.size(); i-- > 0;) {
      std::string number = std::to_string(i);
      frame.path(curves[i].points, "line c" + number);
      os << "<rect class=\"k" << i << "\" width=\"12\" height=\"4\" x=\""
         << 640 << "\" y=\"" << 18 + 17 * i << "\"/>\n";
      frame.text(658, 24 + 17 * static_cast<double>(i), "start",
                 curves[i].name);
    }
    double border = frame.x(curves[0].border);
    frame.line(border, Frame::top, border, Frame::bottom, "axis limit");
  }

  void writeCurve() {
    const BudgetSearch &search = result.search->getPoints();
    std::vector<const BudgetPoint *> front = search.getFront();
    const LowerBound &bound = result.search->getBound();
    double maxX = 0, maxY = 0;
    auto see = [&](int64_t flops, int64_t peak) {
      maxX = std::max(maxX, static_cast<double>(flops));
      maxY = std::max(maxY, static_cast<double>(peak));
    };
    for (const BudgetPoint *point : front)
      see(point->work.recomputedFlops, point->peak);
    for (const PartitionSearch::Answer &answer : result.search->getAnswers())
      see(answer.cost.work.recomputedFlops, answer.cost.memory.peak);
    os << "<h2>Peak against recomputation</h2>\n"
          "<p>Every step of the line is a partition that was found; the grey "
          "line is a bound that none can be below. Points are functorch's "
          "partitions, the large one is this partition.</p>\n";
    Frame frame(os, maxX * 1.03, maxY * 1.08);
    frame.axes("recomputed operations, of one step", [&](double value) {
      return getShare(static_cast<int64_t>(value));
    });
    std::vector<std::pair<double, double>> found, least;
    // From the fewest operations on, the smallest peak so far.
    for (const BudgetPoint *point : llvm::reverse(front)) {
      auto flops = static_cast<double>(point->work.recomputedFlops);
      if (!found.empty())
        found.push_back({flops, found.back().second});
      found.push_back({flops, static_cast<double>(point->peak)});
    }
    found.push_back({maxX, found.back().second});
    constexpr int samples = 200;
    for (int i = 0; i <= samples; ++i) {
      double flops = maxX * i / samples;
      least.push_back({flops, static_cast<double>(bound.getPeak(
                                  static_cast<int64_t>(flops)))});
    }
    frame.path(least, "line c2");
    frame.path(found, "line c0");
    for (const PartitionSearch::Answer &answer : result.search->getAnswers())
      frame.dot(static_cast<double>(answer.cost.work.recomputedFlops),
                static_cast<double>(answer.cost.memory.peak), "k1",
                answer.mode + ", memory budget " +
                    Twine(static_cast<int>(answer.budget * 100)) + " %: " +
                    formatBytes(answer.cost.memory.peak));
    frame.dot(static_cast<double>(result.cost.work.recomputedFlops),
              static_cast<double>(result.cost.memory.peak), "k0",
              "this partition: " + formatBytes(result.cost.memory.peak));
  }

  /// The file and line of the program that a node is from.
  static FileLineColLoc findLine(Location loc) {
    FileLineColLoc found;
    loc->walk([&](Location inner) {
      if (auto line = dyn_cast<FileLineColLoc>(inner)) {
        found = line;
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return found;
  }

  void writeLine(NodeId n) {
    FileLineColLoc line = findLine(result.joint.getLoc(n));
    os << "<td>";
    if (line) {
      StringRef file = line.getFilename().getValue();
      os << escape(file.rsplit('/').second.empty() ? file
                                                   : file.rsplit('/').second)
         << ":" << line.getLine();
      if (StringRef text = getText(file, line.getLine()); !text.empty())
        os << " <code>" << escape(text) << "</code>";
    }
    os << "</td>";
  }

  /// A line of a file, if it is there.
  StringRef getText(StringRef file, unsigned number) {
    auto [it, isNew] = files.try_emplace(file);
    if (isNew)
      if (auto buffer = llvm::MemoryBuffer::getFile(file)) {
        it->second.first = std::move(*buffer);
        it->second.first->getBuffer().split(it->second.second, '\n');
      }
    ArrayRef<StringRef> lines = it->second.second;
    return number == 0 || number > lines.size() ? StringRef()
                                                : lines[number - 1].trim();
  }

  std::string getType(NodeId n) const {
    std::string text;
    if (Value value = result.joint.values[n])
      llvm::raw_string_ostream(text) << value.getType();
    return text;
  }

  void writeSaved() {
    os << "<h2>Saved values</h2>\n<div class=\"scroll\"><table>\n"
          "<tr><th>name</th><th>type</th><th class=\"n\">bytes</th>"
          "<th>why</th><th>line</th></tr>\n";
    SmallVector<NodeId> nodes(result.extraction.saved);
    llvm::sort(nodes, [&](NodeId a, NodeId b) {
      return graph[a].bytes != graph[b].bytes ? graph[a].bytes > graph[b].bytes
                                              : a < b;
    });
    for (NodeId n : nodes) {
      os << "<tr><td><code>" << escape(graph[n].name) << "</code></td><td>"
         << escape(getType(n)) << "</td><td class=\"n\">"
         << formatBytes(graph[n].bytes) << "</td><td>"
         << escape(getReason(result, n)) << "</td>";
      writeLine(n);
      os << "</tr>\n";
    }
    os << "</table></div>\n";
  }

  void writeRecomputed() {
    os << "<h2>Recomputed values</h2>\n<div class=\"scroll\"><table>\n"
          "<tr><th>name</th><th>type</th><th class=\"n\">bytes</th>"
          "<th class=\"n\">operations</th><th>line</th></tr>\n";
    for (NodeId n : getRecomputed(result)) {
      // Views and elements take nothing.
      if (result.units.unitOfNode[n] == UnitGraph::noUnit)
        continue;
      os << "<tr><td><code>" << escape(graph[n].name) << "</code></td><td>"
         << escape(getType(n)) << "</td><td class=\"n\">"
         << formatBytes(graph[n].bytes) << "</td><td class=\"n\">"
         << getShare(graph[n].flops) << "</td>";
      writeLine(n);
      os << "</tr>\n";
    }
    os << "</table></div>\n";
  }

  raw_ostream &os;
  const PartitionResult &result;
  const JointGraph &graph;
  const CostModel &model;
  llvm::StringMap<std::pair<std::unique_ptr<llvm::MemoryBuffer>,
                            SmallVector<StringRef>>>
      files;
};
} // namespace

void mlir::fx::writePage(raw_ostream &os, ArrayRef<PartitionResult> results,
                         const CostModel &model) {
  os << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n<title>Partition</title>\n<style>"
     << style << "</style>\n</head>\n<body>\n";
  for (const PartitionResult &result : results)
    PageWriter(os, result, model).run();
  os << "</body>\n</html>\n";
}
