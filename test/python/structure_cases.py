"""Operators that import spells in other ops: views, indexing, products,
windows, recurrent cells, sorting. A case is (name, function, tensors)."""

import torch
import torch.nn.functional as F


def floats(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape) + len(shape))
    return torch.randn(shape, generator=generator)


def ints(high, *shape, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randint(0, high, shape, generator=generator)


def bools(*shape):
    return floats(*shape, seed=5) > 0


X = floats(3, 4)
CUBE = floats(2, 3, 4)
SQUARE = floats(4, 4)
V3, V4 = floats(3), floats(4)

VIEWS = [
    ("diagonal", lambda x: x.diagonal(), [X]),
    ("diagonal_above", lambda x: x.diagonal(2), [X]),
    ("diagonal_below", lambda x: x.diagonal(-1, 2, 1), [CUBE]),
    ("diagonal_none", lambda x: x.diagonal(7), [X]),
    ("diag", lambda x: x.diag(1), [X]),
    ("diag_vector", lambda x: x.diag(-1), [V3]),
    ("diag_embed", lambda x: torch.diag_embed(x, 1, 0, 2), [X]),
    ("diagonal_scatter", lambda x, y: torch.diagonal_scatter(x, y, -1), [SQUARE, V3]),
    ("trace", lambda x: x.trace(), [X]),
    ("tril_indices", lambda x: torch.tril_indices(4, 3, 1) * 1 + x[0, 0].long(), [X]),
    ("triu_indices", lambda x: torch.triu_indices(4, 5, -1) + x[0, 0].long(), [X]),
    ("triu_indices_low", lambda x: torch.triu_indices(3, 3, 2) + x[0, 0].long(), [X]),
    ("roll", lambda x: x.roll((1, -1), (0, 2)), [CUBE]),
    ("roll_all", lambda x: x.roll(5), [CUBE]),
    ("rot90", lambda x: (x.rot90(), x.rot90(2), x.rot90(3), x.rot90(0)), [X]),
    ("fliplr", lambda x: (x.fliplr(), x.flipud()), [X]),
    ("movedim", lambda x: x.movedim((0, 2), (1, 0)), [CUBE]),
    ("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), [floats(2, 8, 2, 3)]),
    ("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), [floats(2, 4, 6)]),
    ("channel_shuffle", lambda x: F.channel_shuffle(x, 2), [floats(1, 6, 2, 2)]),
    ("ravel", lambda x: x.ravel() * 2, [CUBE]),
    ("broadcast_to", lambda x: x.broadcast_to(2, 3, 4) * 1, [X]),
    ("tile", lambda x: (x.tile(2), x.tile(2, 1, 2)), [X]),
    ("narrow", lambda x: (x.narrow(1, 1, 2) * 1, x.narrow(0, -2, 2) * 1), [X]),
    ("atleast", lambda x, y: (torch.atleast_1d(y[0]) * 1, torch.atleast_2d(y) * 1,
                              torch.atleast_3d(x) * 1, torch.atleast_3d(y) * 1), [X, V4]),
    ("hstack", lambda x, y: (torch.hstack([x, x * 2]), torch.hstack([y, y * 2])), [X, V4]),
    ("vstack", lambda x, y: torch.vstack([x, y]), [X, V4]),
    ("dstack", lambda x: torch.dstack([x, x * 2]), [X]),
    ("column_stack", lambda x, y: torch.column_stack([y, x]), [X, V3]),
    ("block_diag", lambda x, y: torch.block_diag(x, y), [X, V3]),
    ("meshgrid", lambda x, y: [g * 1 for g in torch.meshgrid(x, y, indexing="ij")], [V3, V4]),
    ("meshgrid_xy", lambda x, y: [g * 1 for g in torch.meshgrid(x, y, indexing="xy")], [V3, V4]),
    ("cartesian_prod", lambda x, y: torch.cartesian_prod(x, y), [V3, V4]),
    ("tensor_split", lambda x: [p * 2 for p in x.tensor_split(3, 1)], [X]),
    ("tensor_split_at", lambda x: [p * 2 for p in x.tensor_split((1, 3), -1)], [X]),
    ("hsplit", lambda x: [p * 2 for p in x.hsplit(2)], [X]),
    ("diff", lambda x: (x.diff(), x.diff(n=2, dim=0), x.diff(prepend=x[:, :1])), [X]),
    ("diff_bool", lambda x: (x > 0).diff(), [X]),
    ("trapezoid", lambda x: (torch.trapezoid(x, dx=0.5), torch.trapezoid(x, dim=0)), [X]),
    ("trapezoid_x", lambda y, x: torch.trapezoid(y, x), [X, V4]),
    ("unfold", lambda x: x.unfold(1, 2, 1) * 1, [CUBE]),
    ("unfold_step", lambda x: x.unfold(-1, 3, 2) * 1, [floats(2, 8)]),
    ("as_strided", lambda x: torch.as_strided(x, (2, 3), (4, 2), 1) * 1, [X]),
    ("as_strided_transposed", lambda x: torch.as_strided(x.t() * 1, (4, 2), (1, 3)) * 1, [X]),
    ("as_strided_overlap", lambda x: x.as_strided((3, 2), (1, 1)) * 1, [V4]),
    # PyTorch's gradient of x is wrong.
    ("as_strided_scatter",
     lambda x, y: torch.as_strided_scatter(x.detach(), y, (2, 2), (4, 2), 1),
     [X, floats(2, 2)]),
    ("one_hot", lambda i: F.one_hot(i, 5), [ints(5, 2, 3)]),
    ("eye", lambda x: (x + torch.eye(4), torch.eye(2, 3) + x[0, 0]), [SQUARE]),
    ("slice_scatter", lambda x, y: torch.slice_scatter(x, y, 1, 1, 3), [X, floats(3, 2)]),
    ("select_scatter", lambda x, y: torch.select_scatter(x, y, 0, -1), [X, V4]),
    ("unflatten", lambda x: x.unflatten(1, (2, -1)) * 1, [X]),
    ("repeat_interleave", lambda x: x.repeat_interleave(2, 1), [X]),
    ("write_diagonal", lambda x: write_diagonal(x), [SQUARE]),
]


def write_diagonal(x):
    y = x.clone()
    y.diagonal().mul_(2)
    return y


INDEXING = [
    ("index_add", lambda x, i, y: x.index_add(0, i, y), [X, ints(3, 5), floats(5, 4)]),
    ("index_add_alpha", lambda x, i, y: x.index_add(-1, i, y, alpha=2),
     [X, ints(4, 2), floats(3, 2)]),
    ("index_copy", lambda x, i, y: x.index_copy(1, i, y), [X, torch.tensor([2, 0]), floats(3, 2)]),
    ("index_fill", lambda x, i: x.index_fill(0, i, 1.5), [X, torch.tensor([2, 0])]),
    ("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 1), [X, ints(4, 3, 2)]),
    ("take_along_broadcast", lambda x, i: torch.take_along_dim(x, i, 1), [X, ints(4, 1, 2)]),
    ("take_along_all", lambda x, i: torch.take_along_dim(x, i), [X, ints(12, 5)]),
    ("take", lambda x, i: x.take(i), [X, ints(12, 2, 3)]),
    ("put", lambda x, i, y: x.put(i, y), [X, torch.tensor([1, 7]), floats(2)]),
    ("scatter_add", lambda x, i, y: x.scatter_add(0, i, y), [X, ints(3, 2, 4), floats(2, 4)]),
    ("scatter_reduce_sum", lambda x, i, y: x.scatter_reduce(0, i, y, "sum", include_self=False),
     [X, ints(3, 2, 4), floats(2, 4)]),
    ("scatter_reduce_mean", lambda x, i, y: x.scatter_reduce(1, i, y, "mean"),
     [X, ints(4, 3, 5), floats(3, 5)]),
    ("scatter_reduce_mean_new",
     lambda x, i, y: x.scatter_reduce(1, i, y, "mean", include_self=False),
     [X, ints(4, 3, 5), floats(3, 5)]),
    ("scatter_reduce_amax", lambda x, i, y: x.scatter_reduce(1, i, y, "amax"),
     [X, ints(4, 2, 5), floats(2, 5)]),
    ("scatter_reduce_amin_new",
     lambda x, i, y: x.scatter_reduce(0, i, y, "amin", include_self=False),
     [X, ints(3, 2, 4), floats(2, 4)]),
    ("scatter_reduce_prod", lambda x, i, y: x.scatter_reduce(1, i, y, "prod"),
     [X, ints(4, 3, 5), floats(3, 5)]),
    ("scatter_reduce_prod_new",
     lambda x, i, y: x.scatter_reduce(1, i, y, "prod", include_self=False),
     [X, ints(4, 3, 3), floats(3, 3)]),
    ("masked_scatter", lambda x, m, y: x.masked_scatter(m, y), [X, bools(3, 4), floats(12)]),
    ("masked_scatter_backward", lambda g, m: torch.ops.aten.masked_scatter_backward(
        g.detach(), m, [3, 5]), [X, bools(3, 4)]),
    ("index_put_mask", lambda x, m: x.index_put((m,), torch.tensor(2.0)), [X, bools(3, 4)]),
    ("index_put_row_mask", lambda x, m, y: x.index_put((m,), y), [X, bools(3), floats(1, 4)]),
    ("index_put_none", lambda x, i, y: torch.ops.aten.index_put(x, [None, i], y),
     [X, torch.tensor([3, 1]), floats(3, 2)]),
    ("index_put_add", lambda x, i, y: x.index_put((i,), y, accumulate=True),
     [X, ints(3, 5), floats(5, 4)]),
    # What is added is computed where it is added.
    ("index_add_of_gathered", lambda x, y, i, j, w: x.index_add(0, i, y[j] * w.exp()),
     [X, floats(7, 4), ints(3, 9), ints(7, 9), floats(9, 1)]),
    ("index_add_of_transposed", lambda x, i, y: x.index_add(0, i, y.t().sin() + x[:1]),
     [X, ints(3, 5), floats(4, 5)]),
    ("index_add_of_itself", lambda x, i: x.index_add(0, i, x * 2.0), [X, ints(3, 3)]),
    ("index_put_of_row", lambda x, i, y: x.index_put((i,), y.tanh()), [X, torch.tensor([2, 0]),
                                                                    floats(4)]),
    ("scatter_of_computed", lambda x, i, y: x.scatter_add(1, i, y.exp().flip(0)),
     [X, ints(4, 3, 5), floats(3, 5)]),
    # Parts of rows that are written together, of many rows.
    ("cat_rows", lambda x, y, z: torch.cat([x, y.exp(), z.t()], 1),
     [floats(70, 5), floats(70, 17), floats(3, 70)]),
    ("cat_middle", lambda x, y: torch.cat([x, y * 2, x.flip(2)], 1),
     [floats(40, 3, 4), floats(40, 5, 4)]),
    ("pad_rows", lambda x: torch.nn.functional.pad(x, (2, 0, 1, 3), value=7.0),
     [floats(6, 9, 35, 4)]),
    ("roll_rows", lambda x: x.roll((2, -3), (0, 1)), [floats(50, 7)]),
    ("slice_scatter_rows", lambda x, y: torch.slice_scatter(x, y.sin(), 1, 2, 7),
     [floats(64, 9), floats(64, 5)]),
    ("cat_computed_rows", lambda x, y: torch.cat([x.softmax(1), (x * y).sum(1, keepdim=True)], 1),
     [floats(80, 9), floats(80, 9)]),
    ("set_masked", lambda x, m: set_masked(x, m), [X, bools(3, 4)]),
    ("bucketize", lambda x, b: (torch.bucketize(x, b), torch.bucketize(x, b, right=True)),
     [torch.tensor([[0.5, 1.0], [2.5, float("nan")]]), torch.tensor([0.0, 1.0, 2.0])]),
    ("searchsorted_order",
     lambda s, i, x: torch.searchsorted(s.detach(), x.detach(), sorter=i),
     [X, X.argsort(), floats(3, 2)]),
    ("searchsorted", lambda s, x: torch.searchsorted(s, x, side="right"),
     [X.sort().values, floats(3, 2)]),
    ("embedding_bag", lambda w, i, o: F.embedding_bag(i, w, o, mode="sum"),
     [floats(7, 3), ints(7, 6), torch.tensor([0, 2, 2])]),
    ("embedding_bag_mean", lambda w, i, o: F.embedding_bag(i, w, o, mode="mean", padding_idx=2),
     [floats(7, 3), ints(7, 6), torch.tensor([0, 2, 2])]),
    ("embedding_bag_matrix", lambda w, i: F.embedding_bag(i, w, mode="mean"),
     [floats(7, 3), ints(7, 2, 4)]),
    ("embedding_bag_weighted", lambda w, i, o, s: F.embedding_bag(
        i, w, o, mode="sum", per_sample_weights=s, include_last_offset=True),
     [floats(7, 3), ints(7, 6), torch.tensor([0, 4, 6]), floats(6)]),
    ("embedding_bag_backward", lambda g, i, o: torch.ops.aten._embedding_bag_backward(
        g.detach(), i, o, o[:0], o[:0], o[:0], 7, False, 0, False, None, -1),
     [floats(3, 2), ints(7, 6), torch.tensor([0, 2, 2])]),
    ("embedding_bag_weights_backward",
     lambda g, w, i, o: torch.ops.aten._embedding_bag_per_sample_weights_backward(
         g.detach(), w.detach(), i, o, torch.tensor([0, 0, 2, 2, 2, 2]), 0),
     [floats(3, 2), floats(7, 2), ints(7, 6), torch.tensor([0, 2, 2])]),
]


def set_masked(x, mask):
    y = x.clone()
    y[mask] = 0.5
    return y


PRODUCTS = [
    ("einsum_matmul", lambda a, b: torch.einsum("ij,jk->ik", a, b), [X, floats(4, 5)]),
    ("einsum_batch", lambda a, b: torch.einsum("bhid,bhjd->bhij", a, b),
     [floats(2, 2, 3, 4), floats(2, 2, 5, 4)]),
    ("einsum_three", lambda a, b, d: torch.einsum("bi,bj,ijk->bk", a, b, d),
     [floats(2, 3), floats(2, 4), floats(3, 4, 5)]),
    ("einsum_sum", lambda a: torch.einsum("ijk->j", a), [CUBE]),
    ("einsum_transpose", lambda a: torch.einsum("ijk->kij", a) * 1, [CUBE]),
    ("einsum_trace", lambda a: torch.einsum("ii", a), [SQUARE]),
    ("einsum_diagonal", lambda a: torch.einsum("ii->i", a) * 1, [SQUARE]),
    ("einsum_outer", lambda a, b: torch.einsum("i,j->ij", a, b), [V3, V4]),
    ("einsum_ellipsis", lambda a, b: torch.einsum("...ij,...jk->...ik", a, b),
     [floats(2, 1, 3, 4), floats(5, 4, 2)]),
    ("einsum_implicit", lambda a, b: torch.einsum("bj,jb", a, b), [X, floats(4, 3)]),
    ("einsum_hadamard", lambda a, b: torch.einsum("ij,ij->ij", a, b), [X, floats(3, 4, seed=1)]),
    ("einsum_dot", lambda a, b: torch.einsum("bnd,d->bn", a, b), [CUBE, V4]),
    ("einsum_unit", lambda a, b: torch.einsum("ij,ij->i", a, b), [floats(3, 1), X]),
    ("tensordot", lambda a, b: torch.tensordot(a, b, ([1, 2], [1, 0])), [CUBE, floats(4, 3, 2)]),
    ("bilinear", lambda a, b, w, v: F.bilinear(a, b, w, v),
     [floats(2, 3), floats(2, 4), floats(5, 3, 4), floats(5)]),
    ("dot", lambda a, b: (a.dot(b), torch.vdot(a, b), torch.inner(a, b)), [V4, floats(4, seed=1)]),
    ("inner", lambda a, b: torch.inner(a, b), [CUBE, X]),
    ("mv", lambda a, b: a.mv(b), [X, V4]),
    ("ger", lambda a, b: torch.ger(a, b), [V3, V4]),
    ("multi_dot", lambda a, b, d: torch.linalg.multi_dot([a, b, d]), [X, SQUARE, V4]),
    ("vecdot", lambda a, b: torch.linalg.vecdot(a, b, dim=0), [X, floats(3, 4, seed=2)]),
    ("addmv", lambda x, a, b: torch.addmv(x, a, b, beta=0.5, alpha=2), [V3, X, V4]),
    ("addr", lambda x, a, b: torch.addr(x, a, b, alpha=2), [X, V3, V4]),
    ("addbmm", lambda x, a, b: torch.addbmm(x, a, b, beta=0),
     [floats(3, 5), CUBE, floats(2, 4, 5)]),
    ("kron", lambda a, b: torch.kron(a, b), [X, floats(2, 1, 3)]),
    ("cross", lambda a, b: torch.linalg.cross(a, b, dim=0), [X, floats(3, 4, seed=3)]),
    ("cross_default", lambda a, b: torch.cross(a, b, dim=1), [floats(2, 3), floats(2, 3, seed=4)]),
    ("grouped_attention", lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, is_causal=True, enable_gqa=True),
     [floats(2, 6, 5, 4), floats(2, 2, 5, 4), floats(2, 2, 5, 4, seed=1)]),
    ("grouped_attention_mask", lambda q, k, v, m: F.scaled_dot_product_attention(
        q, k, v, attn_mask=m, scale=0.3, enable_gqa=True),
     [floats(1, 4, 5, 4), floats(1, 1, 3, 4), floats(1, 1, 3, 2), bools(5, 3)]),
    ("cdist", lambda a, b: torch.cdist(a, b), [CUBE, floats(2, 5, 4)]),
    ("cdist_zero", lambda a: torch.cdist(a, a), [X]),
    ("cdist_backward", lambda g, a, b: torch.ops.aten._cdist_backward(
        g.detach(), a.detach(), b.detach(), 3.0, torch.cdist(a, b, p=3.0).detach()),
     [floats(3, 5), X, floats(5, 4)]),
    ("cdist_norms", lambda a, b: (torch.cdist(a, b, p=1.0), torch.cdist(a, b, p=3.0),
                                  torch.cdist(a, b, p=float("inf"))), [X, floats(5, 4)]),
]

IMAGE = floats(2, 3, 5, 6)
WINDOWS = [
    ("conv3d", lambda x, w, b: F.conv3d(x, w, b, padding=1),
     [floats(1, 2, 3, 4, 4), floats(3, 2, 2, 2, 2), floats(3)]),
    ("conv_same", lambda x, w: F.conv2d(x, w, padding="same"), [IMAGE, floats(2, 3, 2, 3)]),
    ("conv1d_same", lambda x, w: F.conv1d(x, w, padding="same", dilation=2),
     [floats(2, 3, 8), floats(4, 3, 3)]),
    ("conv_valid", lambda x, w: F.conv2d(x, w, padding="valid"), [IMAGE, floats(2, 3, 2, 3)]),
    ("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=2),
     [floats(2, 3, 5), floats(3, 2, 3)]),
    ("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(
        x, w, b, stride=2, padding=1, output_padding=1), [IMAGE, floats(3, 4, 3, 3), floats(4)]),
    ("conv_transpose_groups", lambda x, w: F.conv_transpose2d(x, w, groups=3, dilation=2),
     [IMAGE, floats(3, 2, 2, 2)]),
    ("conv_transpose_single", lambda x, w: F.conv_transpose2d(x, w),
     [IMAGE[0], floats(3, 2, 2, 2)]),
    ("conv_transpose3d", lambda x, w: F.conv_transpose3d(x, w, stride=2),
     [floats(1, 2, 2, 3, 3), floats(2, 2, 2, 2, 2)]),
    ("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), [floats(2, 3, 9)]),
    ("avg_pool1d", lambda x: F.avg_pool1d(x, 2), [floats(2, 3, 8)]),
    ("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 4), [floats(2, 3, 8)]),
    ("adaptive_avg_pool2d", lambda x: torch.ops.aten._adaptive_avg_pool2d(x, (2, 4)), [IMAGE]),
    ("adaptive_avg_pool2d_backward",
     lambda g, x: torch.ops.aten._adaptive_avg_pool2d_backward(g.detach(), x.detach()),
     [floats(2, 3, 2, 4), IMAGE]),
    ("pad_reflect", lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"), [IMAGE]),
    ("pad_replicate", lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"), [IMAGE]),
    ("pad_circular", lambda x: F.pad(x, (1, 2, 2, 1), mode="circular"), [IMAGE]),
    ("nearest", lambda x: F.interpolate(x, scale_factor=2.0), [IMAGE]),
    ("nearest_size", lambda x: F.interpolate(x, size=(7, 4)), [IMAGE]),
    ("nearest_factor", lambda x: F.interpolate(x, scale_factor=1.3), [IMAGE]),
    ("nearest_exact", lambda x: F.interpolate(x, size=(7, 4), mode="nearest-exact"), [IMAGE]),
    ("nearest1d", lambda x: F.interpolate(x, scale_factor=3.0), [IMAGE[0]]),
    ("linear1d", lambda x: F.interpolate(x, size=9, mode="linear"), [IMAGE[0]]),
    ("bilinear_up", lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), [IMAGE]),
    ("bilinear_corners", lambda x: F.interpolate(x, size=(9, 7), mode="bilinear",
                                                 align_corners=True), [IMAGE]),
    ("bilinear_down", lambda x: F.interpolate(x, size=(3, 4), mode="bilinear"), [IMAGE]),
    ("bicubic", lambda x: F.interpolate(x, size=(9, 7), mode="bicubic"), [IMAGE]),
    ("bicubic_corners", lambda x: F.interpolate(x, size=(4, 8), mode="bicubic",
                                                align_corners=True), [IMAGE]),
    ("trilinear", lambda x: F.interpolate(x, size=(3, 4, 5), mode="trilinear"),
     [floats(1, 2, 2, 3, 3)]),
    ("im2col", lambda x: F.unfold(x, (2, 3), padding=1, stride=2), [IMAGE]),
    ("col2im", lambda x: F.fold(x, (5, 6), (2, 3), padding=1, stride=(1, 2)),
     [floats(2, 12, 18)]),
]

RECURRENT = []


def layers(name, kind, x, *options, **keywords):
    module = kind(4, 3, *options, **keywords)
    RECURRENT.append((name, module, [x]))


torch.manual_seed(11)
layers("lstm", torch.nn.LSTM, floats(5, 2, 4))
layers("lstm_deep", torch.nn.LSTM, floats(2, 3, 4), 2, batch_first=True, bidirectional=True)
layers("lstm_projection", torch.nn.LSTM, floats(3, 2, 4), proj_size=2)
layers("lstm_single", torch.nn.LSTM, floats(3, 4), bias=False)
layers("gru", torch.nn.GRU, floats(5, 2, 4), 2, bidirectional=True)
layers("rnn", torch.nn.RNN, floats(3, 2, 4))
layers("rnn_relu", torch.nn.RNN, floats(3, 2, 4), nonlinearity="relu")
layers("gru_cell", torch.nn.GRUCell, floats(2, 4))
layers("lstm_cell", torch.nn.LSTMCell, floats(2, 4))
layers("rnn_cell", torch.nn.RNNCell, floats(2, 4))

TIES = torch.tensor([[2.0, 1.0, 2.0, float("nan"), 1.0], [0.0, -1.0, 3.0, 3.0, -1.0]])
SORTING = [
    ("sort", lambda x: torch.sort(x, 0), [X]),
    ("sort_descending", lambda x: torch.sort(x, descending=True), [CUBE]),
    ("sort_ties", lambda x: torch.sort(x.detach(), stable=True), [TIES]),
    ("sort_ties_descending",
     lambda x: torch.sort(x.detach(), stable=True, descending=True), [TIES]),
    ("sort_ints", lambda x: torch.sort(x, stable=True), [ints(4, 3, 6)]),
    ("sort_scalar", lambda x: torch.sort(x.sum()), [X]),
    ("argsort", lambda x: (x.argsort(), x.argsort(0, descending=True)), [X]),
    ("msort", lambda x: torch.msort(x), [X]),
    ("topk", lambda x: (*x.topk(2), *x.topk(2, 0, largest=False)), [X]),
    ("kthvalue", lambda x: (*x.kthvalue(2), *x.kthvalue(1, 0, True)), [X]),
    ("cummax", lambda x: (*x.cummax(1), *x.cummin(0)), [X]),
    ("cummax_ties", lambda x: x.detach().cummax(1), [TIES]),
    ("cumprod", lambda x: (x.cumprod(1), x.cumprod(0)), [X]),
    ("cumprod_ints", lambda x: x.cumprod(1), [ints(4, 3, 6)]),
    ("logcumsumexp", lambda x: x.logcumsumexp(1), [X]),
]

FAMILIES = {
    "views": VIEWS,
    "indexing": INDEXING,
    "products": PRODUCTS,
    "windows": WINDOWS,
    "recurrent": RECURRENT,
    "sorting": SORTING,
}
