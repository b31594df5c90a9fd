//===- CompositesRecurrent.cpp - Formulas of recurrent networks -----------===//
//
// Cells, and layers of cells unrolled over a known number of steps. The product
// of a layer's inputs with its weights is one for all steps.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

using namespace mlir;
using namespace mlir::fx;

/// More cells than these are not unrolled.
static constexpr int64_t kMaxCells = 1024;

namespace {
enum class Cell { RNNTanh, RNNRelu, LSTM, GRU };

/// Hidden state; the cell state of an LSTM.
struct State {
  Value hidden, cell;
};

struct Weights {
  Value input, hidden, inputBias, hiddenBias;
  Value projection; ///< of an LSTM's hidden state
};
} // namespace

static Value linear(CompositeBuilder &c, Value x, Value weight, Value bias) {
  return c.create<LinearOp>(x, weight, bias);
}

/// The parts of the last dimension that belong to the gates.
static Values splitGates(CompositeBuilder &c, Value x, int64_t count) {
  int64_t last = getRank(x) - 1;
  int64_t size = getKnownSize(c, x, last) / count;
  Values gates;
  for (int64_t i = 0; i < count; ++i)
    gates.push_back(c.slice(x, last, i * size, (i + 1) * size));
  return gates;
}

/// One step; `fromInput` is the input times its weights, with the bias.
template <Cell kind>
static State step(CompositeBuilder &c, Value fromInput, State state,
                  const Weights &weights) {
  Value fromHidden =
      linear(c, state.hidden, weights.hidden, weights.hiddenBias);
  if (kind == Cell::GRU) {
    Values i = splitGates(c, fromInput, 3), h = splitGates(c, fromHidden, 3);
    Value reset = c.sigmoid(c.add(i[0], h[0]));
    Value update = c.sigmoid(c.add(i[1], h[1]));
    Value candidate = c.tanh(c.add(i[2], c.mul(reset, h[2])));
    Value change = c.mul(c.sub(state.hidden, candidate), update);
    return {c.add(change, candidate), {}};
  }
  Value sum = c.add(fromInput, fromHidden);
  if (kind == Cell::RNNTanh)
    return {c.tanh(sum), {}};
  if (kind == Cell::RNNRelu)
    return {c.create<ReluOp>(sum), {}};
  Values gates = splitGates(c, sum, 4);
  Value kept = c.mul(c.sigmoid(gates[1]), state.cell);
  Value added = c.mul(c.sigmoid(gates[0]), c.tanh(gates[2]));
  Value cell = c.add(kept, added);
  Value hidden = c.mul(c.sigmoid(gates[3]), c.tanh(cell));
  if (weights.projection)
    hidden = linear(c, hidden, weights.projection, {});
  return {hidden, cell};
}

template <Cell kind>
static Values buildCell(CompositeBuilder &c) {
  Value input = c.value("input");
  Weights weights{c.value("w_ih"), c.value("w_hh"), c.optional("b_ih"),
                  c.optional("b_hh"), {}};
  State state;
  if (kind == Cell::LSTM) {
    Values states = c.values("hx");
    if (states.size() != 2)
      return c.fail();
    state = {states[0], states[1]};
  } else {
    state.hidden = c.value("hx");
  }
  if (c.hasFailed() || getRank(weights.input) != 2)
    return c.fail();
  getKnownSize(c, weights.input, 0);
  getKnownSize(c, weights.hidden, 0);
  if (c.hasFailed())
    return {};
  Value fromInput = linear(c, input, weights.input, weights.inputBias);
  state = step<kind>(c, fromInput, state, weights);
  if (kind == Cell::LSTM)
    return {state.hidden, state.cell};
  return {state.hidden};
}

/// One direction of one layer over [steps, batch, features].
template <Cell kind>
static Value unrollLayer(CompositeBuilder &c, Value input, State &state,
                         const Weights &weights, bool reverse) {
  int64_t steps = getTensorType(input).getDimSize(0);
  Value fromInput = linear(c, input, weights.input, weights.inputBias);
  Values outputs(steps);
  for (int64_t i = 0; i < steps; ++i) {
    int64_t t = reverse ? steps - 1 - i : i;
    state = step<kind>(c, c.select(fromInput, 0, c.i64(t)), state, weights);
    outputs[t] = c.unsqueeze(state.hidden, 0);
  }
  return c.cat(outputs, 0);
}

template <Cell kind>
static Values buildLayers(CompositeBuilder &c) {
  Value x = c.value("input");
  Values states = kind == Cell::LSTM ? c.values("hx") : Values{c.value("hx")};
  Values params = c.values("params");
  bool hasBiases = c.flag("has_biases"), isBatchFirst = c.flag("batch_first");
  int64_t layers = c.integer("num_layers");
  int64_t directions = c.flag("bidirectional") ? 2 : 1;
  double dropout = c.flag("train") ? c.number("dropout") : 0;
  if (c.hasFailed() || layers < 1 || layers > kMaxCells ||
      states.size() != (kind == Cell::LSTM ? 2u : 1u))
    return c.fail();
  // Input and hidden weights, their biases, the weights of a projection.
  bool projects = kind == Cell::LSTM &&
                  getTensorType(states[0]).getShape().back() !=
                      getTensorType(states[1]).getShape().back();
  size_t perCell = 2 + (hasBiases ? 2 : 0) + (projects ? 1 : 0);
  if (params.size() != perCell * layers * directions)
    return c.fail();
  for (Value param : params)
    getKnownSizes(c, param);

  bool isBatched = getRank(x) == 3;
  if (!isBatched) {
    x = c.unsqueeze(x, 1);
    for (Value &state : states)
      state = c.unsqueeze(state, 1);
  } else if (isBatchFirst) {
    x = c.permute(x, {1, 0, 2});
  }
  int64_t steps = getKnownSize(c, x, 0);
  if (c.hasFailed() || steps < 1 || steps * layers * directions > kMaxCells)
    return c.fail();

  Values lastHidden, lastCell;
  for (int64_t layer = 0; layer < layers; ++layer) {
    Values outputs;
    for (int64_t direction = 0; direction < directions; ++direction) {
      int64_t index = layer * directions + direction;
      ArrayRef<Value> own =
          ArrayRef(params).slice(index * perCell, perCell);
      Weights weights{own[0], own[1], {}, {}, {}};
      if (hasBiases) {
        weights.inputBias = own[2];
        weights.hiddenBias = own[3];
      }
      if (projects)
        weights.projection = own.back();
      State state{c.select(states[0], 0, c.i64(index)), {}};
      if (kind == Cell::LSTM)
        state.cell = c.select(states[1], 0, c.i64(index));
      outputs.push_back(
          unrollLayer<kind>(c, x, state, weights, /*reverse=*/direction == 1));
      lastHidden.push_back(c.unsqueeze(state.hidden, 0));
      if (state.cell)
        lastCell.push_back(c.unsqueeze(state.cell, 0));
    }
    x = directions == 1 ? outputs[0] : c.cat(outputs, 2);
    if (dropout > 0 && layer + 1 < layers)
      x = c.create<DropoutOp>(x, llvm::APFloat(dropout), true);
  }
  Values results = {x, c.cat(lastHidden, 0)};
  if (kind == Cell::LSTM)
    results.push_back(c.cat(lastCell, 0));
  if (!isBatched)
    for (Value &result : results)
      result = c.squeeze(result, {1});
  else if (isBatchFirst)
    results[0] = c.permute(x, {1, 0, 2});
  return results;
}

ArrayRef<Composite> fx::getRecurrentComposites() {
  static constexpr Composite table[] = {
      {"aten.rnn_tanh_cell.default", buildCell<Cell::RNNTanh>},
      {"aten.rnn_relu_cell.default", buildCell<Cell::RNNRelu>},
      {"aten.lstm_cell.default", buildCell<Cell::LSTM>},
      {"aten.gru_cell.default", buildCell<Cell::GRU>},
      {"aten.rnn_tanh.input", buildLayers<Cell::RNNTanh>},
      {"aten.rnn_relu.input", buildLayers<Cell::RNNRelu>},
      {"aten.lstm.input", buildLayers<Cell::LSTM>},
      {"aten.gru.input", buildLayers<Cell::GRU>},
  };
  return table;
}
