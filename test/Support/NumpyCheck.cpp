//===- NumpyCheck.cpp - Prints array files and writes them again ----------===//
//
// fx-numpy-check IN OUT: .npy or .npz by the name's ending.
//
//===----------------------------------------------------------------------===//

#include "fx/Support/NumpyIO.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace mlir::fx;

static void printElement(const NumpyArray &array, int64_t i) {
  const char *p = array.data() + i * getItemSize(array.type());
  auto as = [&](auto value) {
    memcpy(&value, p, sizeof(value));
    return value;
  };
  switch (array.type()) {
  case NumpyType::Bool:
  case NumpyType::U8:
    outs() << unsigned(as(uint8_t()));
    return;
  case NumpyType::I8:
    outs() << int(as(int8_t()));
    return;
  case NumpyType::I16:
    outs() << as(int16_t());
    return;
  case NumpyType::I32:
    outs() << as(int32_t());
    return;
  case NumpyType::I64:
    outs() << as(int64_t());
    return;
  case NumpyType::F16:
    outs() << format_hex(as(uint16_t()), 6);
    return;
  case NumpyType::F32:
    outs() << format("%g", as(float()));
    return;
  case NumpyType::F64:
    outs() << format("%g", as(double()));
    return;
  }
}

static void print(StringRef name, const NumpyArray &array) {
  outs() << name << ": " << getName(array.type()) << " [";
  interleaveComma(array.shape(), outs());
  outs() << "] =";
  for (int64_t i = 0, e = array.numElements(); i < e; ++i) {
    outs() << ' ';
    printElement(array, i);
  }
  outs() << '\n';
}

int main(int argc, char **argv) {
  ExitOnError check("error: ");
  if (argc != 3) {
    errs() << "usage: fx-numpy-check IN OUT\n";
    return 1;
  }
  StringRef in = argv[1], out = argv[2];
  if (in.ends_with(".npz")) {
    std::vector<NamedNumpyArray> arrays = check(readNpz(in));
    for (const NamedNumpyArray &named : arrays)
      print(named.name, named.array);
    check(writeNpz(out, arrays));
  } else {
    NumpyArray array = check(readNpy(in));
    print("array", array);
    check(writeNpy(out, array));
  }
  return 0;
}
