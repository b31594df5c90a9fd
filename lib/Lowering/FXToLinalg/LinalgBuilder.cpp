//===- LinalgBuilder.cpp - Building linalg ops on tensors -----------------===//

#include "LinalgBuilder.h"

using namespace mlir;
using namespace mlir::fx;

using Iterator = utils::IteratorType;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value LinalgBuilder::asValue(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(b, loc, size);
}

OpFoldResult LinalgBuilder::addSizes(OpFoldResult a, OpFoldResult c) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(c);
  if (x && y)
    return constantSize(*x + *y);
  if (x && *x == 0)
    return c;
  if (y && *y == 0)
    return a;
  return scalars().addIndex(asValue(a), asValue(c));
}

OpFoldResult LinalgBuilder::mulSizes(OpFoldResult a, OpFoldResult c) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(c);
  if (x && y)
    return constantSize(*x * *y);
  if (x && *x == 1)
    return c;
  if (y && *y == 1)
    return a;
  return scalars().mulIndex(asValue(a), asValue(c));
}

Sizes LinalgBuilder::refineSizes(RankedTensorType type, Sizes sizes) {
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (!type.isDynamicDim(i))
      sizes[i] = constantSize(type.getDimSize(i));
  return sizes;
}

Sizes LinalgBuilder::givenSizes(ArrayRef<int64_t> staticSizes,
                                ValueRange sizes) {
  Sizes result;
  unsigned next = 0;
  for (int64_t size : staticSizes) {
    if (size == -1) {
      result.push_back(OpFoldResult());
    } else if (!ShapedType::isDynamic(size)) {
      result.push_back(constantSize(size));
    } else {
      Value value = sizes[next++];
      result.push_back(scalars().toIndex(value, value.getType()));
    }
  }
  return result;
}

Sizes LinalgBuilder::broadcastSizes(ValueRange tensors, RankedTensorType type) {
  Sizes sizes(type.getRank());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i)) {
      sizes[i] = constantSize(type.getDimSize(i));
      continue;
    }
    for (Value tensor : tensors) {
      auto operand = dyn_cast<RankedTensorType>(tensor.getType());
      int64_t dim =
          operand ? i - (type.getRank() - operand.getRank()) : int64_t(-1);
      if (dim < 0 || operand.getDimSize(dim) == 1)
        continue;
      sizes[i] = sizeOf(tensor, dim);
      break;
    }
    // All operands say 1, the result type leaves it open.
    if (!sizes[i])
      sizes[i] = constantSize(1);
  }
  return sizes;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value LinalgBuilder::empty(const Sizes &sizes, Type element) {
  return tensor::EmptyOp::create(b, loc, sizes, element);
}

Value LinalgBuilder::filled(const Sizes &sizes, Value scalar) {
  Value init = empty(sizes, scalar.getType());
  return linalg::FillOp::create(b, loc, scalar, init).getResult(0);
}

Value LinalgBuilder::filled(const Sizes &sizes, Type element, double value) {
  return filled(sizes, scalars().constant(element, value));
}

Value LinalgBuilder::castShape(Value tensor, RankedTensorType type) {
  if (tensor.getType() == type)
    return tensor;
  return tensor::CastOp::create(b, loc, type, tensor);
}

SmallVector<Value> LinalgBuilder::genericOp(ValueRange inputs,
                                            ValueRange outputs,
                                            ArrayRef<AffineMap> maps,
                                            ArrayRef<Iterator> iterators,
                                            Body body) {
  auto op = linalg::GenericOp::create(
      b, loc, outputs.getTypes(), inputs, outputs, maps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        ScalarBuilder s{nested, nestedLoc};
        linalg::YieldOp::create(nested, nestedLoc, body(s, args));
      });
  return llvm::to_vector(llvm::map_range(
      op->getResults(), [](OpResult result) -> Value { return result; }));
}

Value LinalgBuilder::elementwise(ValueRange inputs, const Sizes &sizes,
                                 Type element, Body body) {
  int64_t rank = sizes.size();
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    RankedTensorType type = getTensorType(input);
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t dim = rank - type.getRank() + i;
      bool isBroadcast =
          type.getDimSize(i) == 1 && getConstantIntValue(sizes[dim]) != 1;
      exprs.push_back(isBroadcast ? b.getAffineConstantExpr(0)
                                  : b.getAffineDimExpr(dim));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, b.getContext()));
  }
  maps.push_back(b.getMultiDimIdentityMap(rank));
  SmallVector<Iterator> iterators(rank, Iterator::parallel);
  return generic(inputs, empty(sizes, element), maps, iterators,
                 [&](ScalarBuilder &s, ValueRange args) {
                   return body(s, args.drop_back());
                 });
}

Value LinalgBuilder::generate(const Sizes &sizes, Type element,
                              ElementBody body) {
  return elementwise({}, sizes, element, [&](ScalarBuilder &s, ValueRange) {
    SmallVector<Value> indices;
    for (size_t i = 0; i < sizes.size(); ++i)
      indices.push_back(s.op<linalg::IndexOp>(static_cast<int64_t>(i)));
    return SmallVector<Value>{body(s, indices)};
  });
}

Value LinalgBuilder::convert(Value tensor, Type from, Type to) {
  if (from == to)
    return tensor;
  return elementwise(tensor, sizesOf(tensor), getSignlessType(to),
                     [&](ScalarBuilder &s, ValueRange args) {
                       return SmallVector<Value>{s.cast(args[0], from, to)};
                     });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

SmallVector<Value> LinalgBuilder::reduce(ValueRange inputs,
                                         ArrayRef<int64_t> dims,
                                         ValueRange initial, Body body) {
  int64_t rank = getTensorType(inputs.front()).getRank();
  Sizes all = sizesOf(inputs.front()), kept;
  SmallVector<AffineExpr> exprs;
  SmallVector<Iterator> iterators(rank, Iterator::reduction);
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(dims, i))
      continue;
    kept.push_back(all[i]);
    exprs.push_back(b.getAffineDimExpr(i));
    iterators[i] = Iterator::parallel;
  }
  SmallVector<AffineMap> maps(inputs.size(), b.getMultiDimIdentityMap(rank));
  SmallVector<Value> outputs;
  for (Value scalar : initial) {
    maps.push_back(AffineMap::get(rank, 0, exprs, b.getContext()));
    outputs.push_back(filled(kept, scalar));
  }
  return genericOp(inputs, outputs, maps, iterators, body);
}

Value LinalgBuilder::sum(Value input, ArrayRef<int64_t> dims) {
  Type type = getTensorType(input).getElementType();
  Value zero = scalars().constant(type, 0.0);
  return reduce(input, dims, zero,
                [&](ScalarBuilder &s, ValueRange args) {
                  return SmallVector<Value>{s.add(type, args[1], args[0])};
                })
      .front();
}

Value LinalgBuilder::maximum(Value input, ArrayRef<int64_t> dims) {
  Type type = getTensorType(input).getElementType();
  ScalarBuilder s = scalars();
  return reduce(input, dims, buildLowest(s, type),
                [&](ScalarBuilder &s, ValueRange args) {
                  return SmallVector<Value>{s.maximum(type, args[0], args[1])};
                })
      .front();
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Groups of dimensions of the larger shape, one for each dimension of the
/// smaller one, where those at `places` have size 1.
static SmallVector<ReassociationIndices>
groupUnitDims(int64_t rank, ArrayRef<int64_t> places) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (int64_t i = 0; i < rank; ++i) {
    if (!llvm::is_contained(places, i)) {
      groups.emplace_back(std::move(leading));
      leading.clear();
      groups.back().push_back(i);
    } else if (groups.empty()) {
      leading.push_back(i);
    } else {
      groups.back().push_back(i);
    }
  }
  return groups;
}

Value LinalgBuilder::insertUnitDims(Value tensor, ArrayRef<int64_t> places) {
  if (places.empty())
    return tensor;
  RankedTensorType type = getTensorType(tensor);
  int64_t rank = type.getRank() + places.size();
  Sizes sizes;
  SmallVector<int64_t> shape;
  int64_t from = 0;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(places, i)) {
      sizes.push_back(constantSize(1));
      shape.push_back(1);
      continue;
    }
    sizes.push_back(sizeOf(tensor, from));
    shape.push_back(type.getDimSize(from++));
  }
  return tensor::ExpandShapeOp::create(b, loc, type.clone(shape), tensor,
                                       groupUnitDims(rank, places), sizes);
}

Value LinalgBuilder::dropUnitDims(Value tensor, ArrayRef<int64_t> places) {
  if (places.empty())
    return tensor;
  RankedTensorType type = getTensorType(tensor);
  SmallVector<int64_t> shape, known(type.getShape());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (llvm::is_contained(places, i))
      known[i] = 1;
    else
      shape.push_back(type.getDimSize(i));
  }
  tensor = castShape(tensor, type.clone(known));
  return tensor::CollapseShapeOp::create(b, loc, type.clone(shape), tensor,
                                         groupUnitDims(type.getRank(), places));
}

Value LinalgBuilder::transpose(Value tensor, ArrayRef<int64_t> order) {
  if (llvm::equal(order, llvm::seq<int64_t>(0, order.size())))
    return tensor;
  Sizes from = sizesOf(tensor), sizes;
  for (int64_t dim : order)
    sizes.push_back(from[dim]);
  Value init = empty(sizes, getTensorType(tensor).getElementType());
  return linalg::TransposeOp::create(b, loc, tensor, init, order)
      ->getResult(0);
}

Value LinalgBuilder::slice(Value tensor, const Sizes &offsets,
                           const Sizes &sizes, const Sizes &strides) {
  // An empty slice may start at the end, which extract_slice refuses.
  if (llvm::any_of(sizes, [](OpFoldResult size) {
        return getConstantIntValue(size) == 0;
      }))
    return empty(sizes, getTensorType(tensor).getElementType());
  return tensor::ExtractSliceOp::create(b, loc, tensor, offsets, sizes,
                                        strides);
}

Value LinalgBuilder::pad(Value tensor, ArrayRef<int64_t> low,
                         ArrayRef<int64_t> high, Value scalar) {
  int64_t rank = getTensorType(tensor).getRank();
  Sizes offsets, sizes = sizesOf(tensor), ones(rank, constantSize(1));
  Sizes padLow, padHigh;
  bool crops = false, pads = false;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t cropLow = std::max<int64_t>(-low[i], 0);
    int64_t cropHigh = std::max<int64_t>(-high[i], 0);
    // Where the crop reaches into the other side's padding, no element of the
    // tensor is left and the padding shrinks.
    int64_t addLow = std::max<int64_t>(low[i], 0);
    int64_t addHigh = std::max<int64_t>(high[i], 0);
    if (auto size = getConstantIntValue(sizes[i])) {
      int64_t left = *size - cropLow - cropHigh;
      if (left < 0) {
        if (cropHigh > 0)
          addLow = std::max<int64_t>(addLow + left, 0);
        else
          addHigh = std::max<int64_t>(addHigh + left, 0);
        cropLow = std::min(cropLow, *size);
        left = 0;
      }
      sizes[i] = constantSize(left);
    } else {
      sizes[i] = addSizes(sizes[i], constantSize(-cropLow - cropHigh));
    }
    offsets.push_back(constantSize(cropLow));
    padLow.push_back(constantSize(addLow));
    padHigh.push_back(constantSize(addHigh));
    crops |= cropLow + cropHigh > 0;
    pads |= addLow + addHigh > 0;
  }
  if (crops)
    tensor = slice(tensor, offsets, sizes, ones);
  if (!pads)
    return tensor;
  return tensor::PadOp::create(b, loc, /*resultType=*/Type(), tensor, padLow,
                               padHigh, scalar);
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Ranges of dimensions of two shapes that hold the same elements.
struct DimGroup {
  SmallVector<int64_t> from, to;
};
} // namespace

/// Splits two static shapes of equal product into the smallest groups.
static void groupStatic(ArrayRef<int64_t> from, ArrayRef<int64_t> to,
                        int64_t fromBase, int64_t toBase,
                        SmallVectorImpl<DimGroup> &groups) {
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    DimGroup group;
    group.from.push_back(fromBase + i);
    group.to.push_back(toBase + j);
    int64_t a = from[i++], c = to[j++];
    while (a != c) {
      if (a < c) {
        group.from.push_back(fromBase + i);
        a *= from[i++];
      } else {
        group.to.push_back(toBase + j);
        c *= to[j++];
      }
    }
    groups.push_back(std::move(group));
  }
  // What is left are ones.
  if (groups.empty())
    groups.emplace_back();
  for (; i < from.size(); ++i)
    groups.back().from.push_back(fromBase + i);
  for (; j < to.size(); ++j)
    groups.back().to.push_back(toBase + j);
}

/// Groups of two shapes; the dimensions between the first and the last `?` of
/// either shape are one group.
static SmallVector<DimGroup> groupDims(ArrayRef<int64_t> from,
                                       ArrayRef<int64_t> to) {
  SmallVector<DimGroup> groups;
  auto isDynamic = [](int64_t size) { return ShapedType::isDynamic(size); };
  if (llvm::none_of(from, isDynamic) && llvm::none_of(to, isDynamic)) {
    groupStatic(from, to, 0, 0, groups);
    return groups;
  }
  // Equal static products at both ends.
  size_t front = 0, frontTo = 0, back = 0, backTo = 0;
  auto scan = [&](auto at, auto end, auto atTo, auto endTo, size_t &used,
                  size_t &usedTo) {
    size_t i = 0, j = 0;
    int64_t a = 1, c = 1;
    auto it = at;
    auto jt = atTo;
    while (true) {
      if (a <= c && it != end && !isDynamic(*it) && *it != 0) {
        a *= *it++, ++i;
      } else if (c < a && jt != endTo && !isDynamic(*jt) && *jt != 0) {
        c *= *jt++, ++j;
      } else if (a == c && jt != endTo && *jt == 1) {
        ++jt, ++j;
      } else {
        return;
      }
      if (a == c)
        used = i, usedTo = j;
    }
  };
  scan(from.begin(), from.end(), to.begin(), to.end(), front, frontTo);
  ArrayRef<int64_t> restFrom = from.drop_front(front);
  ArrayRef<int64_t> restTo = to.drop_front(frontTo);
  scan(restFrom.rbegin(), restFrom.rend(), restTo.rbegin(), restTo.rend(), back,
       backTo);
  if (front + frontTo > 0)
    groupStatic(from.take_front(front), to.take_front(frontTo), 0, 0, groups);
  DimGroup middle;
  for (size_t k = front; k < from.size() - back; ++k)
    middle.from.push_back(k);
  for (size_t k = frontTo; k < to.size() - backTo; ++k)
    middle.to.push_back(k);
  if (!middle.from.empty() || !middle.to.empty())
    groups.push_back(std::move(middle));
  if (back + backTo > 0)
    groupStatic(from.take_back(back), to.take_back(backTo), from.size() - back,
                to.size() - backTo, groups);
  return groups;
}

Value LinalgBuilder::reshape(Value tensor, RankedTensorType type,
                             ArrayRef<OpFoldResult> sizes) {
  RankedTensorType source = getTensorType(tensor);
  if (source == type && type.getNumDynamicDims() <= 1)
    return tensor;
  auto isZero = [](int64_t size) { return size == 0; };
  if (llvm::any_of(type.getShape(), isZero) ||
      llvm::any_of(source.getShape(), isZero)) {
    Sizes all(type.getRank());
    for (int64_t i = 0; i < type.getRank(); ++i)
      all[i] = !type.isDynamicDim(i) ? constantSize(type.getDimSize(i))
               : sizes[i]            ? sizes[i]
                                     : constantSize(0);
    return castShape(empty(all, type.getElementType()), type);
  }
  Sizes fromSizes = sizesOf(tensor);
  SmallVector<DimGroup> groups =
      groupDims(source.getShape(), type.getShape());

  // A group without dimensions on one side (it holds ones) joins its
  // neighbour, or the whole shape has rank 0 on that side.
  for (size_t k = 0; k < groups.size() && groups.size() > 1;) {
    if (!groups[k].from.empty() && !groups[k].to.empty()) {
      ++k;
      continue;
    }
    size_t into = k == 0 ? 1 : k - 1;
    DimGroup &target = groups[into], &single = groups[k];
    target.from.append(single.from);
    target.to.append(single.to);
    llvm::sort(target.from);
    llvm::sort(target.to);
    groups.erase(groups.begin() + k);
  }

  // Sizes of the result, each group's hole from the group's element count.
  Sizes toSizes(type.getRank());
  SmallVector<ReassociationIndices> collapse, expand;
  for (DimGroup &group : groups) {
    OpFoldResult count = constantSize(1), others = constantSize(1);
    for (int64_t dim : group.from)
      count = mulSizes(count, fromSizes[dim]);
    int64_t hole = -1;
    for (int64_t dim : group.to) {
      if (!type.isDynamicDim(dim)) {
        toSizes[dim] = constantSize(type.getDimSize(dim));
      } else if (sizes[dim]) {
        toSizes[dim] = sizes[dim];
      } else {
        hole = dim;
        continue;
      }
      others = mulSizes(others, toSizes[dim]);
    }
    if (hole >= 0) {
      auto x = getConstantIntValue(count), y = getConstantIntValue(others);
      if (y && *y == 1)
        toSizes[hole] = count;
      else if (x && y)
        toSizes[hole] = constantSize(*x / *y);
      else
        toSizes[hole] = scalars().op<arith::DivUIOp>(asValue(count),
                                                     asValue(others));
    }
    collapse.emplace_back(group.from.begin(), group.from.end());
    expand.emplace_back(group.to.begin(), group.to.end());
  }
  SmallVector<int64_t> shape;
  for (OpFoldResult size : toSizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));

  if (type.getRank() == 0) {
    SmallVector<int64_t> ones(source.getRank(), 1);
    tensor = castShape(tensor, source.clone(ones));
    return tensor::CollapseShapeOp::create(b, loc, type, tensor,
                                           ArrayRef<ReassociationIndices>());
  }
  if (source.getRank() == 0) {
    Value result = tensor::ExpandShapeOp::create(
        b, loc, type.clone(SmallVector<int64_t>(type.getRank(), 1)), tensor,
        ArrayRef<ReassociationIndices>(),
        Sizes(type.getRank(), constantSize(1)));
    return castShape(result, type);
  }
  auto product = [](ArrayRef<int64_t> shape, ArrayRef<int64_t> dims) {
    int64_t result = 1;
    for (int64_t dim : dims) {
      if (ShapedType::isDynamic(shape[dim]))
        return ShapedType::kDynamic;
      result *= shape[dim];
    }
    return result;
  };
  SmallVector<int64_t> collapsed, toExpand;
  for (DimGroup &group : groups) {
    collapsed.push_back(product(source.getShape(), group.from));
    toExpand.push_back(product(shape, group.to));
  }
  // Upstream's lowering of expand_shape takes one open size a group.
  bool isAmbiguous = llvm::any_of(groups, [&](DimGroup &group) {
    return llvm::count_if(group.to, [&](int64_t dim) {
             return ShapedType::isDynamic(shape[dim]);
           }) > 1;
  });
  if (isAmbiguous) {
    SmallVector<Value> sizeValues;
    for (OpFoldResult size : toSizes)
      sizeValues.push_back(asValue(size));
    Value shapeTensor = tensor::FromElementsOp::create(b, loc, sizeValues);
    return tensor::ReshapeOp::create(b, loc, type, tensor, shapeTensor);
  }
  auto isIdentity = [](ArrayRef<ReassociationIndices> maps) {
    return llvm::all_of(maps, [](auto &map) { return map.size() == 1; });
  };
  if (!isIdentity(collapse))
    tensor = tensor::CollapseShapeOp::create(b, loc, source.clone(collapsed),
                                             tensor, collapse);
  tensor = castShape(tensor, source.clone(toExpand));
  if (!isIdentity(expand))
    tensor = tensor::ExpandShapeOp::create(b, loc, type.clone(shape), tensor,
                                           expand, toSizes);
  return castShape(tensor, type);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> LinalgBuilder::loopNest(
    const Sizes &sizes, ValueRange initial,
    llvm::function_ref<SmallVector<Value>(ScalarBuilder &, ValueRange,
                                          ValueRange)>
        body) {
  SmallVector<Value> lower(sizes.size(), scalars().constantIndex(0));
  SmallVector<Value> steps(sizes.size(), scalars().constantIndex(1));
  SmallVector<Value> upper;
  for (OpFoldResult size : sizes)
    upper.push_back(asValue(size));
  if (sizes.empty()) {
    ScalarBuilder s = scalars();
    return body(s, {}, initial);
  }
  scf::LoopNest nest = scf::buildLoopNest(
      b, loc, lower, upper, steps, initial,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange indices,
          ValueRange carried) -> scf::ValueVector {
        ScalarBuilder s{nested, nestedLoc};
        SmallVector<Value> results = body(s, indices, carried);
        return scf::ValueVector(results.begin(), results.end());
      });
  return SmallVector<Value>(nest.results.begin(), nest.results.end());
}
