//===- Philox.h - Counter-based random numbers ------------------*- C++ -*-===//
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", SC11). Element `index` of the stream `seed` is word index % 4 of
// the block whose counter is (index / 4, 0) and whose key is seed, both split
// into 32-bit words, low word first. So a value depends on (seed, index) only.
//
//===----------------------------------------------------------------------===//

#ifndef FX_RUNTIME_PHILOX_H
#define FX_RUNTIME_PHILOX_H

#include <stdint.h>

#define FX_PHILOX_M0 0xD2511F53u
#define FX_PHILOX_M1 0xCD9E8D57u
#define FX_PHILOX_W0 0x9E3779B9u
#define FX_PHILOX_W1 0xBB67AE85u
#define FX_PHILOX_ROUNDS 10

/// Computes the four words of one block.
static inline void fx_philox_block(uint64_t seed, uint64_t counter,
                                   uint32_t words[4]) {
  uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32);
  uint32_t c2 = 0, c3 = 0;
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < FX_PHILOX_ROUNDS; ++round) {
    uint64_t p0 = (uint64_t)FX_PHILOX_M0 * c0;
    uint64_t p1 = (uint64_t)FX_PHILOX_M1 * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += FX_PHILOX_W0;
    k1 += FX_PHILOX_W1;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/// The 24 high bits of a word as a number in [0, 1), exact in f32.
static inline float fx_philox_to_uniform_f32(uint32_t word) {
  return (float)(word >> 8) * (1.0f / 16777216.0f);
}

/// One element of the uniform stream.
static inline float fx_philox_uniform_f32(uint64_t seed, uint64_t index) {
  uint32_t words[4];
  fx_philox_block(seed, index >> 2, words);
  return fx_philox_to_uniform_f32(words[index & 3]);
}

#endif // FX_RUNTIME_PHILOX_H
