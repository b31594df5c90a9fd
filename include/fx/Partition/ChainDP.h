//===- ChainDP.h - One choice for each part of a chain --------------------===//

#ifndef FX_PARTITION_CHAINDP_H
#define FX_PARTITION_CHAINDP_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <vector>

namespace mlir::fx {

/// A way to handle the blocks [begin, end) of a chain.
struct Segment {
  uint32_t begin, end;
  /// Held until the backward is through with these blocks.
  int64_t savedBytes;
  int64_t price;
  /// The most that is live while the forward or the backward is in these
  /// blocks, without what earlier blocks hold.
  int64_t workBytes;
  /// The caller's number of the way.
  uint32_t option;
};

/// The cheapest segments one behind the other that cover a chain and fit, what
/// the earlier ones hold included, into a number of bytes.
class ChainDP {
public:
  ChainDP(uint32_t numBlocks, std::vector<Segment> segments);

  std::optional<std::vector<Segment>> solve(int64_t bytes) const;

private:
  uint32_t numBlocks;
  /// By `begin`; none is worse than another one of the same blocks in all.
  std::vector<std::vector<Segment>> segmentsFrom;
};

} // namespace mlir::fx

#endif // FX_PARTITION_CHAINDP_H
