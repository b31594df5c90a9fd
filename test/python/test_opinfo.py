"""Operators of PyTorch's OpInfo database that must be right in f32, forward and
gradient. `test/opinfo/run.py --all` runs the whole database."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "opinfo"))

pytestmark = pytest.mark.usefixtures("compiler")

OPERATORS = """
addmm amax atan2 baddbmm cat clamp cross cumsum div.floor_rounding einsum expm1
fmod gather index_add index_select lerp log_softmax logaddexp logsumexp
masked.var matmul maximum mean nan_to_num native_layer_norm
nn.functional.avg_pool2d nn.functional.batch_norm
nn.functional.binary_cross_entropy_with_logits nn.functional.conv2d
nn.functional.conv_transpose2d nn.functional.cross_entropy nn.functional.gelu
nn.functional.interpolate.bilinear nn.functional.layer_norm
nn.functional.max_pool2d nn.functional.max_pool3d nn.functional.mish
nn.functional.multi_head_attention_forward nn.functional.pad.circular
nn.functional.scaled_dot_product_attention pow scatter_add scatter_reduce.amin
special.i1e std sub topk var where
""".split()


@pytest.fixture(scope="module")
def opinfo():
    sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..",
                                 "build-pip"))
    pytest.importorskip("expecttest")
    import worker

    backend = worker.Backend("fx_mlir", None)
    yield lambda name, direction: worker.check(name, "float32", direction,
                                               backend, 2)
    backend.close()


@pytest.mark.parametrize("direction", ["forward", "gradient"])
@pytest.mark.parametrize("name", OPERATORS)
def test_operator_equals_eager(opinfo, name, direction):
    result = opinfo(name, direction)
    assert result["status"] == "native", result["detail"]
    assert result["samples"] > 0
