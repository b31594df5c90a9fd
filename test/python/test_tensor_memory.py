"""Results in memory that stays warm between calls."""

import copy
import ctypes
import gc
import io
import os
import subprocess
import sys
import threading

import pytest
import torch

import fx_mlir
from fx_mlir import _library

SIZE = 1 << 18


def cached_bytes():
    function = _library.library().fx_rt_tensor_cached_bytes
    function.restype = ctypes.c_int64
    return function()


@pytest.fixture
def double():
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: x + x, backend="fx_mlir")
    compiled(torch.ones(SIZE))
    gc.collect()
    fx_mlir.empty_cache()
    return compiled


def test_a_freed_result_is_used_again(double):
    x = torch.ones(SIZE)
    first = double(x)
    address = first.data_ptr()
    assert address % 64 == 0
    second = double(x)
    assert second.data_ptr() != address
    del first
    assert cached_bytes() == 4 * SIZE
    assert double(x).data_ptr() == address
    assert torch.equal(second, torch.full((SIZE,), 2.0))
    del second
    fx_mlir.empty_cache()
    assert cached_bytes() == 0


def test_a_view_keeps_the_memory(double):
    view = double(torch.ones(SIZE))[5:10]
    other = double(torch.zeros(SIZE))
    assert torch.equal(view, torch.full((5,), 2.0))
    assert other.sum() == 0


def test_the_cache_holds_no_more_than_was_in_use(double):
    sizes = [SIZE, 2 * SIZE, 3 * SIZE]
    compiled = torch.compile(lambda x: x + x, backend="fx_mlir", dynamic=True)
    for size in sizes * 3:
        compiled(torch.ones(size))
    assert 0 < cached_bytes() <= 4 * max(sizes) * 9 // 8


def test_results_are_ordinary_tensors(double):
    result = double(torch.ones(SIZE))
    expected = torch.full((SIZE,), 2.0)
    assert result.device == torch.device("cpu")
    assert result.untyped_storage().nbytes() == 4 * SIZE
    assert torch.equal(copy.deepcopy(result), expected)
    buffer = io.BytesIO()
    torch.save(result, buffer)
    buffer.seek(0)
    assert torch.equal(torch.load(buffer), expected)
    array = result.numpy()
    del result
    gc.collect()
    double(torch.zeros(SIZE))
    assert (array == 2).all()
    shared = double(torch.ones(SIZE)).share_memory_()
    assert shared.is_shared() and torch.equal(shared, expected)
    smaller = double(torch.ones(SIZE)).resize_(10)
    assert torch.equal(smaller, expected[:10])


def test_results_are_freed_on_other_threads(double):
    results = [double(torch.ones(SIZE)) for _ in range(8)]
    threads = [threading.Thread(target=results.pop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cached_bytes() == 8 * 4 * SIZE


def test_results_are_freed_in_a_forked_process(double):
    kept = double(torch.ones(SIZE))
    double(torch.ones(SIZE))
    child = os.fork()
    if child == 0:
        # OpenMP's threads do not survive a fork.
        torch.set_num_threads(1)
        ok = torch.equal(kept, torch.full((SIZE,), 2.0))
        again = double(torch.ones(SIZE))
        os._exit(0 if ok and again.sum() == 2 * SIZE else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_limit_is_an_environment_variable():
    program = (
        "import torch, fx_mlir, ctypes\n"
        "from fx_mlir import _library\n"
        "f = torch.compile(lambda x: x + x, backend='fx_mlir')\n"
        f"for _ in range(3): f(torch.ones({SIZE}))\n"
        "g = _library.library().fx_rt_tensor_cached_bytes\n"
        "g.restype = ctypes.c_int64\n"
        "print(g())\n")
    run = subprocess.run([sys.executable, "-c", program], text=True,
                         capture_output=True, check=True,
                         env={**os.environ, "FX_RT_TENSOR_CACHE_BYTES": "0",
                              "PYTHONPATH": os.pathsep.join(sys.path)})
    assert run.stdout.strip() == "0"
