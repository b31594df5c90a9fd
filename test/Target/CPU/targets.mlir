// Code for other processors than this one: the registers are those that the
// processor has, and so are sums of products in one instruction.

// RUN: fx-compile %s --mcpu=x86-64 --emit=asm -o - | FileCheck %s --check-prefixes=SSE
// RUN: fx-compile %s --mcpu=generic --emit=asm -o - | FileCheck %s --check-prefixes=SSE
// RUN: fx-compile %s --mcpu=haswell --emit=asm -o - | FileCheck %s --check-prefixes=AVX2
// RUN: fx-compile %s --mcpu=x86-64-v3 --emit=asm -o - | FileCheck %s --check-prefixes=AVX2
// RUN: fx-compile %s --mcpu=skylake-avx512 --emit=asm -o - | FileCheck %s --check-prefixes=AVX512,NOBF16
// RUN: fx-compile %s --mcpu=znver4 --emit=asm -o - | FileCheck %s --check-prefixes=AVX512,BF16
// RUN: fx-compile %s --mcpu=sapphirerapids --emit=asm -o - | FileCheck %s --check-prefixes=AVX512,BF16
// RUN: fx-compile %s --mtriple=aarch64-linux-gnu --emit=asm -o - | FileCheck %s --check-prefixes=NEON
// RUN: fx-compile %s --mtriple=aarch64-linux-gnu --mcpu=neoverse-n1 --emit=asm -o - | FileCheck %s --check-prefixes=NEON

// SSE-NOT: {{[yz]mm}}
// SSE-NOT: vfmadd
// SSE: mulps {{.*}}%xmm
// SSE-NOT: {{[yz]mm}}
// SSE-NOT: vfmadd

// AVX2-NOT: %zmm
// AVX2: vfmadd{{[0-9]+}}ps {{.*}}%ymm
// AVX2-NOT: %zmm

// AVX512: vfmadd{{[0-9]+}}ps {{.*}}%zmm
// BF16: vcvtneps2bf16{{.*}}%ymm
// NOBF16-NOT: vcvtneps2bf16

// NEON-NOT: {{z[0-9]+[.]s}}
// NEON: fmla {{v[0-9]+[.]4s}}
// NEON-NOT: {{z[0-9]+[.]s}}
func.func @exponential(%x: tensor<64x128xf32>, %y: tensor<64x128xf32>)
    -> tensor<64x128xf32> {
  %0 = fx.mul %x, %y : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
  %1 = fx.exp %0 : (tensor<64x128xf32>) -> tensor<64x128xf32>
  return %1 : tensor<64x128xf32>
}

func.func @narrow(%x: tensor<64x128xf32>) -> tensor<64x128xbf16> {
  %0 = fx.convert_element_type %x {dtype = bf16} : (tensor<64x128xf32>) -> tensor<64x128xbf16>
  return %0 : tensor<64x128xbf16>
}

// Object files of other machines are written; libraries are not linked.

// RUN: fx-compile %s --mtriple=aarch64-linux-gnu --emit=obj -o %t.o
// RUN: llvm-readelf -h %t.o | FileCheck %s --check-prefix=ELF
// ELF: Machine: AArch64
// RUN: not fx-compile %s --mtriple=aarch64-linux-gnu -o %t.so 2>&1 | FileCheck %s --check-prefix=LINK
// LINK: cannot link '{{.*}}.so' for 'aarch64-linux-gnu': there is no run-time library for it here; write an object file (fx-compile --emit=obj)
// RUN: not test -e %t.so

// RUN: not fx-compile %s --mcpu=haswel --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: unknown processor 'haswel' of x86_64; did you mean 'haswell'? (fx-compile --mcpu=help lists the names)
// RUN: not fx-compile %s --mcpu=neoverse-n1 --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: unknown processor 'neoverse-n1' of x86_64 (fx-compile
// RUN: not fx-compile %s --mtriple=aarch64-linux-gnu --mcpu=native --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=NATIVE
// NATIVE: the processor 'native' is not one of aarch64-unknown-linux-gnu: name one, or 'generic'
// RUN: not fx-compile %s --mtriple=riscv64-linux-gnu --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=TRIPLE
// TRIPLE: there is no code generation for 'riscv64-unknown-linux-gnu': triples are those of x86_64 and aarch64
// RUN: fx-compile --mcpu=help | FileCheck %s --check-prefix=HELP
// HELP-DAG: {{^}}haswell{{$}}
// HELP-DAG: {{^}}znver4{{$}}
// RUN: fx-compile --mtriple=aarch64-linux-gnu --mcpu=help | FileCheck %s --check-prefix=HELPARM
// HELPARM: {{^}}neoverse-n1{{$}}
// RUN: not fx-compile %s 2>&1 | FileCheck %s --check-prefix=USAGE
// USAGE: an input and -o OUTPUT are needed; --help lists the options
