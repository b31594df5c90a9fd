//===- Sanitizer.h - Whether accesses are checked ---------------*- C++ -*-===//

#ifndef FX_LIB_RUNTIME_SANITIZER_H
#define FX_LIB_RUNTIME_SANITIZER_H

namespace fxrt {

/// With AddressSanitizer blocks are as large as was asked for.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

} // namespace fxrt

#endif // FX_LIB_RUNTIME_SANITIZER_H
