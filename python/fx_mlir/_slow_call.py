"""Calls of compiled code in Python: the twin of _runtime.c, through ctypes."""

import ctypes

import torch

from . import _call, _library

_SCALARS = {
    _call.ARG_INT: ctypes.c_int64,
    _call.ARG_FLOAT: ctypes.c_double,
    _call.ARG_BOOL: ctypes.c_bool,
}
_RESULT_SCALARS = {
    _call.RES_INT: ctypes.c_int64,
    _call.RES_FLOAT: ctypes.c_double,
    _call.RES_BOOL: ctypes.c_bool,
}


def dtype_code(name):
    return getattr(torch, name)


def _pointers(values):
    return (ctypes.c_void_p * max(len(values), 1))(*values)


def _address(value):
    if isinstance(value, torch.Tensor):
        return value.data_ptr()
    return ctypes.addressof(value)


class Function:
    """Compiled code: takes one list (which it clears), returns one."""

    def __init__(self, entry, result_sizes, num_result_sizes, arguments, sizes,
                 results, outputs, evaluate):
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
        self._entry = prototype(entry)
        self._result_sizes = None
        if result_sizes:
            prototype = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 2)
            self._result_sizes = prototype(result_sizes)
        self._num_result_sizes = num_result_sizes
        self._arguments, self._sizes = arguments, sizes
        self._results, self._outputs = results, outputs
        self._evaluate = evaluate
        set_threads, last_error, *_ = _library.runtime_functions()
        self._set_threads = ctypes.CFUNCTYPE(None, ctypes.c_int32)(set_threads)
        self._last_error = ctypes.CFUNCTYPE(ctypes.c_char_p)(last_error)

    def _check(self, status):
        if status:
            text = self._last_error().decode(errors="replace")
            raise RuntimeError(f"fx_mlir: {text}")

    def _prepare(self, argument, inputs):
        kind, index, strides, value = argument
        if kind in _SCALARS:
            return _SCALARS[kind](inputs[index])
        if kind == _call.ARG_CONSTANT:
            return value
        if kind == _call.ARG_SEEDS:
            return _call.draw_seeds(index)
        tensor = inputs[index]
        if strides is None:
            if tensor.is_contiguous():
                return tensor
        else:
            actual = tensor.stride()
            strides = tuple(a if a is not None else b
                            for a, b in zip(strides, actual))
            if strides == actual:
                return tensor
        return _call.copy_dense(tensor, strides)

    def _allocate(self, result, inputs, expressions, result_sizes):
        kind, sizes, strides, order, dtype, item_size, argument = result
        if kind in _RESULT_SCALARS:
            return _RESULT_SCALARS[kind]()
        if kind == _call.RES_MUTATION:
            mutated = inputs[self._arguments[argument][1]]
            return torch.empty(mutated.numel() * item_size,
                               dtype=torch.uint8)
        if kind == _call.RES_DYNAMIC:
            find = {
                _call.SIZE_CONSTANT: lambda index, dim: index,
                _call.SIZE_NUMBER: lambda index, dim: inputs[index],
                _call.SIZE_DIM: lambda index, dim: inputs[index].shape[dim],
                _call.SIZE_EXPRESSION: lambda index, dim: expressions[index],
                _call.SIZE_RESULT: lambda index, dim: result_sizes[index],
            }
            sizes = [find[place](index, dim) for place, index, dim in sizes]
            strides, step = [0] * len(sizes), 1
            for d in reversed(order):
                strides[d] = step
                step *= max(sizes[d], 1)
        return torch.empty_strided(sizes, strides, dtype=dtype)

    def __call__(self, inputs):
        arguments = [self._prepare(a, inputs) for a in self._arguments]
        sizes = (ctypes.c_int64 * max(len(self._sizes), 1))(
            *[inputs[index].shape[dim] for _, index, dim in self._sizes])
        result_sizes = (ctypes.c_int64 * max(self._num_result_sizes, 1))()
        if self._result_sizes:
            self._check(self._result_sizes(ctypes.addressof(sizes),
                                           ctypes.addressof(result_sizes)))
        expressions = self._evaluate(inputs) if self._evaluate else ()
        results = [self._allocate(r, inputs, expressions, result_sizes)
                   for r in self._results]
        argument_pointers = _pointers([_address(a) for a in arguments])
        result_pointers = _pointers([_address(r) for r in results])
        self._set_threads(torch.get_num_threads())
        self._check(self._entry(None, ctypes.addressof(argument_pointers),
                                ctypes.addressof(result_pointers),
                                ctypes.addressof(sizes)))
        for plan, result in zip(self._results, results):
            if plan[0] == _call.RES_MUTATION:
                target = arguments[plan[6]]
                ctypes.memmove(target.data_ptr(), result.data_ptr(),
                               result.numel())
                original = inputs[self._arguments[plan[6]][1]]
                if original is not target:
                    _call.copy_into(original, target)
        outputs = [self._output(o, inputs, arguments, results)
                   for o in self._outputs]
        for i, (kind, index, value) in enumerate(self._outputs):
            if kind == _call.OUT_ALIAS_OUTPUT:
                outputs[i] = _call.as_strided(outputs[index], *value)
        inputs.clear()
        return outputs

    @staticmethod
    def _output(output, inputs, arguments, results):
        kind, index, value = output
        if kind == _call.OUT_RESULT:
            result = results[index]
            return result if isinstance(result, torch.Tensor) else result.value
        if kind == _call.OUT_COPY:
            return _call.copy_dense(results[index], value)
        if kind == _call.OUT_INPUT:
            return inputs[index]
        if kind == _call.OUT_ALIAS_INPUT:
            return _call.as_strided(inputs[index], *value)
        if kind == _call.OUT_ARGUMENT:
            return arguments[index]
        return value
