//===- OpCategories.cpp - Op categories of the partitioner [4.3] ----------===//
//
// One table, keyed by ATen packet, gives every fx op its model of
// RematerializationOpInterface.
//
//===----------------------------------------------------------------------===//

#include "fx/Analysis/Rematerialization.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::fx;

namespace {

constexpr StringLiteral views =
    "squeeze unsqueeze alias view slice t expand as_strided permute select "
    "split";

constexpr StringLiteral recomputable =
    "add sub div atan2 mul max min pow remainder fmod __and__ __or__ "
    "__xor__ __lshift__ __rshift__ eq ne ge gt le lt abs bitwise_not ceil "
    "floor frac neg relu round silu trunc log log10 log1p log2 lgamma exp "
    "expm1 erf erfc cos acos cosh sin asin sinh tan atan tanh atanh sqrt "
    "rsqrt reciprocal sigmoid softplus threshold threshold_backward clamp "
    "where lerp addcmul gelu gelu_backward sum mean _grad_sum_to_size "
    "sum_to_size amax to type_as rsub _to_copy clone full_like var std "
    "_unsafe_view reshape broadcast_tensors scalar_tensor ones new_zeros "
    "lift_fresh_copy arange triu var_mean isinf any full zeros empty "
    "empty_like argmax maximum index gather zeros_like";

/// Packets that have an overload with the tag `pointwise`.
constexpr StringLiteral pointwise =
    "acosh addcdiv angle asinh bitwise_and bitwise_left_shift bitwise_or "
    "bitwise_right_shift bitwise_xor celu clamp_max clamp_min clip "
    "conj_physical copysign deg2rad digamma elu erfinv exp2 fmax fmin frexp "
    "gcd hardshrink hardsigmoid hardtanh heaviside hypot i0 igamma igammac "
    "isfinite isnan isneginf isposinf lcm ldexp leaky_relu logaddexp "
    "logaddexp2 logical_and logical_not logical_or logical_xor logit "
    "logit_backward masked_fill minimum mish mvlgamma nan_to_num "
    "native_dropout_backward nextafter polygamma positive rad2deg relu6 "
    "selu sgn sigmoid_backward sign signbit silu_backward sinc softshrink "
    "special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 "
    "special_bessel_y1 special_chebyshev_polynomial_t "
    "special_chebyshev_polynomial_u special_chebyshev_polynomial_v "
    "special_chebyshev_polynomial_w special_entr special_erfcx "
    "special_hermite_polynomial_h special_hermite_polynomial_he special_i0e "
    "special_i1 special_i1e special_laguerre_polynomial_l "
    "special_legendre_polynomial_p special_log_ndtr "
    "special_modified_bessel_i0 special_modified_bessel_i1 "
    "special_modified_bessel_k0 special_modified_bessel_k1 special_ndtri "
    "special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 "
    "special_shifted_chebyshev_polynomial_t "
    "special_shifted_chebyshev_polynomial_u "
    "special_shifted_chebyshev_polynomial_v "
    "special_shifted_chebyshev_polynomial_w special_spherical_bessel_j0 "
    "special_xlog1py special_zeta square tanh_backward true_divide xlogy";

constexpr StringLiteral recomputablePrims =
    "div convert_element_type prepare_softmax_online var sum broadcast_in_dim "
    "iota _low_memory_max_pool_offsets_to_indices";

constexpr StringLiteral randomOps = "native_dropout rand_like randn_like";

constexpr StringLiteral computeIntensive =
    "mm convolution convolution_backward bmm addmm "
    "_scaled_dot_product_flash_attention "
    "_scaled_dot_product_efficient_attention _flash_attention_forward "
    "_efficient_attention_forward upsample_bilinear2d _scaled_mm";

/// Packets whose result is a view of the first operand for storage purposes;
/// more than the category of views.
constexpr StringLiteral sharesStorage =
    "_unsafe_view reshape transpose detach diagonal unfold unbind chunk "
    "narrow view_as view_as_real view_as_complex real imag movedim swapaxes "
    "expand_as split_with_sizes contiguous lift_fresh flatten unflatten";

/// Random packets that CSE leaves alone [4.1.2].
constexpr StringLiteral drawing =
    "dropout _fused_dropout _standard_gamma bernoulli multinomial "
    "native_dropout normal poisson binomial rrelu rand_like rand randint "
    "randn randperm";

/// Packets with a list among their recomputable operands.
constexpr StringLiteral listOperands =
    "index view _unsafe_view reshape expand as_strided full new_zeros "
    "broadcast_tensors repeat";

class CategoryTable {
public:
  CategoryTable() {
    add("aten", views,
        RematClass::View | RematClass::Recomputable |
            RematClass::SharesStorage);
    add("prims", "broadcast_in_dim",
        RematClass::View | RematClass::SharesStorage);
    add("aten", recomputable, RematClass::Recomputable);
    add("aten", pointwise, RematClass::Recomputable);
    add("prims", recomputablePrims, RematClass::Recomputable);
    add("aten", randomOps, RematClass::Random);
    add("aten", computeIntensive, RematClass::ComputeIntensive);
    add("aten", "cat", RematClass::FusesProducers);
    add("aten", sharesStorage, RematClass::SharesStorage);
    add("aten", drawing, RematClass::NotMergeable | RematClass::Draws);
    add("aten", "randn_like", RematClass::Draws);
    add("prims", "inductor_seeds",
        RematClass::NotMergeable | RematClass::Draws);
    // Uninitialised memory differs, too, but fuses into its consumer.
    add("aten", "empty", RematClass::NotMergeable);
    add("aten", "lift_fresh lift_fresh_copy", RematClass::NeverBanned);
    add("aten", listOperands, RematClass::ListOperands);
  }

  RematClass lookup(StringRef packet) const {
    if (packet.starts_with("_c10d_functional."))
      return RematClass::MustSave;
    return classes.lookup(packet);
  }

private:
  void add(StringRef space, StringRef packets, RematClass added) {
    for (StringRef packet : llvm::split(packets, ' ')) {
      RematClass &entry =
          classes.try_emplace((space + "." + packet).str(), RematClass::None)
              .first->second;
      entry |= added;
    }
  }

  llvm::StringMap<RematClass> classes;
};
} // namespace

RematClass mlir::fx::getRematClassesOfPacket(StringRef packet) {
  static const CategoryTable table;
  return table.lookup(packet);
}

RematClass mlir::fx::getRematClasses(Operation *op) {
  auto interface = dyn_cast<RematerializationOpInterface>(op);
  return interface ? interface.getRematClasses() : RematClass::None;
}
