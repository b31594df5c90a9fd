//===- Random.cpp - Random numbers as functions of a seed -----------------===//

#include "Evaluation.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fx;
using namespace mlir::fx::interp;

/// Word `index` of the stream of a seed: Philox4x32-10, as the paper gives it.
static uint32_t getWord(uint64_t seed, uint64_t index) {
  uint64_t block = index / 4;
  uint32_t counter[4] = {uint32_t(block), uint32_t(block >> 32), 0, 0};
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = 0xD2511F53ull * counter[0];
    uint64_t product1 = 0xCD9E8D57ull * counter[2];
    uint32_t next[4] = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0],
                        uint32_t(product1),
                        uint32_t(product0 >> 32) ^ counter[3] ^ key[1],
                        uint32_t(product0)};
    std::copy(next, next + 4, counter);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter[index % 4];
}

double interp::drawUniform(int64_t seed, uint64_t index) {
  return double(getWord(seed, index) >> 8) * 0x1p-24;
}

/// Box-Muller: the two words of a pair give the radius and the angle of both
/// numbers, of which the even one is the cosine's.
double interp::drawNormal(int64_t seed, uint64_t index) {
  uint64_t pair = index & ~uint64_t(1);
  double radius = std::sqrt(-2 * std::log(1 - drawUniform(seed, pair)));
  double angle = 2 * M_PI * drawUniform(seed, pair + 1);
  return radius * (index % 2 ? std::sin(angle) : std::cos(angle));
}

static LogicalResult evaluate(SeedsOp op, Frame &frame) {
  FailureOr<Tensor> result =
      frame.make(op.getResult(), (int64_t)op.getCount());
  if (failed(result))
    return failure();
  for (int64_t i = 0; i < result->size(); ++i)
    result->setInteger(i, frame.interpreter.drawSeed());
  return frame.set(op.getResult(), *result);
}

static LogicalResult evaluate(LookupSeedOp op, Frame &frame) {
  const Tensor &seeds = frame.get(op.getSeeds());
  int64_t index = op.getIndex();
  if (index < 0 || index >= seeds.size())
    return emitNodeError(op) << "there is no seed " << index << " of "
                             << seeds.size();
  return frame.set(op.getResult(), Tensor::scalarInteger(
                                       ElementKind::I64, seeds.integer(index)));
}

static LogicalResult evaluate(RandomOp op, Frame &frame) {
  FailureOr<Tensor> result = frame.make(
      op.getResult(), frame.getSizes(op.getSize(), op.getStaticSize()));
  if (failed(result))
    return failure();
  bool isNormal = op.getMode() == "randn";
  if (!isNormal && op.getMode() != "rand")
    return emitNodeError(op) << "the mode is '" << op.getMode()
                             << "', neither rand nor randn";
  int64_t seed = frame.getInteger(op.getSeed());
  for (int64_t i = 0; i < result->size(); ++i) {
    uint64_t index = op.getOffset() + (uint64_t)i;
    result->setReal(i, isNormal ? drawNormal(seed, index)
                                : drawUniform(seed, index));
  }
  return frame.set(op.getResult(), *result);
}

void interp::addRandom(Interpreter::Evaluators &evaluators) {
  evaluators.add<SeedsOp>(evaluate);
  evaluators.add<LookupSeedOp>(evaluate);
  evaluators.add<RandomOp>(evaluate);
}
