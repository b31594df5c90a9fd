//===- AxpyKernel.h - A kernel for tests ----------------------------------===//

#ifndef FX_TEST_RUNTIME_AXPYKERNEL_H
#define FX_TEST_RUNTIME_AXPYKERNEL_H

namespace fxtest {

/// fx_test_axpy: y[i] = a * x[i] + y[i]
inline const char *const kAxpyPtx = R"(
.version 7.0
.target sm_52
.address_size 64
.visible .entry fx_test_axpy(.param .u64 x, .param .u64 y, .param .f32 a,
                             .param .u32 n) {
  .reg .u64 %rd<4>;
  .reg .u32 %r<6>;
  .reg .f32 %f<4>;
  .reg .pred %p;
  ld.param.u64 %rd0, [x];
  ld.param.u64 %rd1, [y];
  ld.param.f32 %f0, [a];
  ld.param.u32 %r0, [n];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r4, %r1, %r2, %r3;
  setp.ge.u32 %p, %r4, %r0;
  @%p ret;
  mul.wide.u32 %rd2, %r4, 4;
  add.u64 %rd0, %rd0, %rd2;
  add.u64 %rd1, %rd1, %rd2;
  ld.global.f32 %f1, [%rd0];
  ld.global.f32 %f2, [%rd1];
  fma.rn.f32 %f3, %f0, %f1, %f2;
  st.global.f32 [%rd1], %f3;
  ret;
}
)";

} // namespace fxtest

#endif // FX_TEST_RUNTIME_AXPYKERNEL_H
