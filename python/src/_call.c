/*===- _call.c - Calls compiled code on PyTorch's tensors -----------------===*\
|*
|* Called with one list, a Function returns one list; the list it is given is
|* cleared (inputs are freed as early as possible).
|*
\*===----------------------------------------------------------------------===*/

#include "_runtime.h"

typedef union {
  int64_t i;
  double f;
  uint8_t b;
} Scalar;

/* Everything that a call has to release. */
typedef struct {
  Py_ssize_t numInputs;
  PyObject **owned;   /* per argument: a tensor made for this call, or NULL */
  void **pointers;    /* arguments, then results */
  Scalar *scalars;    /* alike */
  void **scratch;     /* per result */
  PyObject **created; /* per result: the tensor */
  int64_t *sizes;     /* sizes, then result sizes */
  int64_t *resultSizes;
  PyObject *expressions; /* a tuple, or NULL */
} Frame;

static int fail(const char *what) {
  PyErr_Format(PyExc_RuntimeError, "fx_mlir: PyTorch's %s failed", what);
  return -1;
}

/* Whether a tensor lies in memory as the compiled code was told. */
static int hasExpectedLayout(const Argument *argument, Tensor tensor) {
  if (argument->rank < 0) {
    _Bool contiguous = 0;
    torch.isContiguous(tensor, &contiguous);
    return contiguous;
  }
  int64_t *strides;
  if (torch.strides(tensor, &strides))
    return 0;
  for (int d = 0; d < argument->rank; ++d)
    if (argument->strides[d] != INT64_MIN && argument->strides[d] != strides[d])
      return 0;
  return 1;
}

static PyObject *makeDense(const Argument *argument, PyObject *tensor) {
  if (argument->rank < 0)
    return PyObject_CallFunctionObjArgs(torch.copyDense, tensor, Py_None, NULL);
  PyObject *strides = PyTuple_New(argument->rank);
  if (!strides)
    return NULL;
  for (int d = 0; d < argument->rank; ++d) {
    int64_t stride = argument->strides[d];
    PyTuple_SET_ITEM(strides, d,
                     PyLong_FromLongLong(stride == INT64_MIN ? 1 : stride));
  }
  PyObject *dense =
      PyObject_CallFunctionObjArgs(torch.copyDense, tensor, strides, NULL);
  Py_DECREF(strides);
  return dense;
}

int isTensor(PyObject *object) {
  return PyObject_TypeCheck(object, (PyTypeObject *)torch.tensorClass);
}

static int prepareArguments(Function *self, PyObject *const *inputs,
                            Frame *frame) {
  for (Py_ssize_t i = 0; i < self->numArguments; ++i) {
    const Argument *argument = &self->arguments[i];
    PyObject *object = NULL;
    if (argument->kind <= ArgBool)
      object = inputs[argument->index];
    switch (argument->kind) {
    case ArgInt:
      frame->scalars[i].i = PyLong_AsLongLong(object);
      frame->pointers[i] = &frame->scalars[i];
      break;
    case ArgFloat:
      frame->scalars[i].f = PyFloat_AsDouble(object);
      frame->pointers[i] = &frame->scalars[i];
      break;
    case ArgBool:
      frame->scalars[i].b = PyObject_IsTrue(object) == 1;
      frame->pointers[i] = &frame->scalars[i];
      break;
    case ArgSeeds:
      object = PyObject_CallFunction(torch.drawSeeds, "n", argument->index);
      if (!object)
        return -1;
      frame->owned[i] = object;
      if (torch.dataPointer(handleOf(object), &frame->pointers[i]))
        return fail("data pointer");
      break;
    case ArgConstant:
      object = argument->value;
      if (torch.dataPointer(handleOf(object), &frame->pointers[i]))
        return fail("data pointer");
      break;
    case ArgTensor:
      if (!isTensor(object)) {
        PyErr_Format(PyExc_TypeError,
                     "fx_mlir: input %zd is a %s, the graph was compiled for a "
                     "tensor",
                     argument->index, Py_TYPE(object)->tp_name);
        return -1;
      }
      if (!hasExpectedLayout(argument, handleOf(object))) {
        object = makeDense(argument, object);
        if (!object)
          return -1;
        frame->owned[i] = object;
      }
      if (torch.dataPointer(handleOf(object), &frame->pointers[i]))
        return fail("data pointer");
      break;
    }
  }
  for (Py_ssize_t i = 0; i < self->numSizes; ++i) {
    const Size *size = &self->dynamicSizes[i];
    int64_t *sizes;
    PyObject *tensor = inputs[size->index];
    if (torch.sizes(handleOf(tensor), &sizes))
      return fail("sizes");
    frame->sizes[i] = sizes[size->dim];
  }
  return PyErr_Occurred() ? -1 : 0;
}

/* Tensors of this many bytes are in memory that stays warm between calls:
 * PyTorch's allocator gives blocks of this size back to the system. */
#define WARM_BYTES (128 << 10)

/* A tensor of our own memory, which its storage gives back. */
static int fromOwnMemory(int rank, const int64_t *sizes, const int64_t *strides,
                         int dtype, int64_t bytes, Tensor *tensor) {
  void *block;
  void *data = torch.acquire(bytes, &block);
  if (!data)
    return -1;
  if (!torch.fromBlob(data, rank, sizes, strides, 0, dtype, /*cpu=*/0, -1,
                      tensor, /*strided=*/0, NULL, 0, torch.release, block))
    return 0;
  torch.release(data, block);
  return -1;
}

PyObject *allocate(int rank, const int64_t *sizes, const int64_t *strides,
                   int dtype, int itemSize, void **pointer) {
  Tensor tensor;
  int64_t elements = 1;
  for (int d = 0; d < rank; ++d)
    elements =
        sizes[d] && elements ? elements + (sizes[d] - 1) * strides[d] : 0;
  if (torch.fromBlob && elements >= WARM_BYTES / itemSize) {
    if (fromOwnMemory(rank, sizes, strides, dtype, elements * itemSize,
                      &tensor)) {
      PyErr_NoMemory();
      return NULL;
    }
  } else if (torch.emptyStrided(rank, sizes, strides, dtype, /*cpu=*/0, 0,
                                &tensor)) {
    fail("allocation");
    return NULL;
  }
  torch.dataPointer(tensor, pointer);
  PyObject *object = torch.wrap(tensor);
  torch.deleteTensor(tensor);
  return object;
}

/* A size that is known at run time only; -1 with an exception set. */
static int64_t findSize(const Size *size, PyObject *const *inputs,
                        Frame *frame) {
  switch (size->kind) {
  case SizeConstant:
    return size->index;
  case SizeNumber:
    return PyLong_AsLongLong(inputs[size->index]);
  case SizeDim: {
    int64_t *sizes;
    if (torch.sizes(handleOf(inputs[size->index]), &sizes))
      return fail("sizes");
    return sizes[size->dim];
  }
  case SizeExpression:
    return PyLong_AsLongLong(PyTuple_GET_ITEM(frame->expressions, size->index));
  default:
    return frame->resultSizes[size->index];
  }
}

static PyObject *allocateDynamic(const Result *result, PyObject *const *inputs,
                                 Frame *frame, void **pointer) {
  int64_t sizes[MAX_RANK], strides[MAX_RANK] = {0}, step = 1;
  for (int d = 0; d < result->rank; ++d) {
    sizes[d] = findSize(&result->places[d], inputs, frame);
    if (sizes[d] < 0) {
      if (!PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "fx_mlir: a negative size");
      return NULL;
    }
  }
  for (int k = result->orderRank - 1; k >= 0; --k) {
    int64_t d = result->order[k];
    strides[d] = step;
    step *= sizes[d] > 1 ? sizes[d] : 1;
  }
  return allocate(result->rank, sizes, strides, result->dtype, result->itemSize,
                  pointer);
}

static int prepareResults(Function *self, PyObject *const *inputs,
                          Frame *frame) {
  frame->resultSizes = frame->sizes + self->numSizes;
  if (self->numResultSizes &&
      self->resultSizes(frame->sizes, frame->resultSizes)) {
    PyErr_Format(PyExc_RuntimeError, "fx_mlir: %s", torch.lastError());
    return -1;
  }
  if (self->evaluate != Py_None) {
    PyObject *list = PyList_New(frame->numInputs);
    if (!list)
      return -1;
    for (Py_ssize_t i = 0; i < frame->numInputs; ++i)
      PyList_SET_ITEM(list, i, Py_NewRef(inputs[i]));
    frame->expressions = PyObject_CallOneArg(self->evaluate, list);
    Py_DECREF(list);
    if (!frame->expressions)
      return -1;
  }
  for (Py_ssize_t i = 0; i < self->numResults; ++i) {
    const Result *result = &self->results[i];
    void **pointer = &frame->pointers[self->numArguments + i];
    switch (result->kind) {
    case ResStatic:
      frame->created[i] = allocate(result->rank, result->sizes, result->strides,
                                   result->dtype, result->itemSize, pointer);
      if (!frame->created[i])
        return -1;
      break;
    case ResDynamic:
      frame->created[i] = allocateDynamic(result, inputs, frame, pointer);
      if (!frame->created[i])
        return -1;
      break;
    case ResMutation: {
      const Argument *argument = &self->arguments[result->argument];
      int64_t numel;
      if (torch.numel(handleOf(inputs[argument->index]), &numel))
        return fail("numel");
      size_t bytes = (size_t)numel * result->itemSize;
      frame->scratch[i] = aligned_alloc(64, (bytes + 64) & ~(size_t)63);
      if (!frame->scratch[i]) {
        PyErr_NoMemory();
        return -1;
      }
      *pointer = frame->scratch[i];
      break;
    }
    default:
      *pointer = &frame->scalars[self->numArguments + i];
      break;
    }
  }
  return 0;
}

/* Writes new values into the inputs they replace. */
static int writeBack(Function *self, PyObject *const *inputs, Frame *frame) {
  for (Py_ssize_t i = 0; i < self->numResults; ++i) {
    const Result *result = &self->results[i];
    if (result->kind != ResMutation)
      continue;
    PyObject *input =
        inputs[self->arguments[result->argument].index];
    int64_t numel = 0;
    torch.numel(handleOf(input), &numel);
    memcpy(frame->pointers[result->argument], frame->scratch[i],
           (size_t)numel * result->itemSize);
    PyObject *dense = frame->owned[result->argument];
    if (dense) {
      PyObject *done =
          PyObject_CallFunctionObjArgs(torch.copyInto, input, dense, NULL);
      if (!done)
        return -1;
      Py_DECREF(done);
    }
  }
  return 0;
}

static PyObject *makeAlias(PyObject *base, PyObject *geometry) {
  return PyObject_CallFunctionObjArgs(
      torch.asStrided, base, PyTuple_GET_ITEM(geometry, 0),
      PyTuple_GET_ITEM(geometry, 1), PyTuple_GET_ITEM(geometry, 2), NULL);
}

static PyObject *makeOutput(Function *self, const Output *output,
                            PyObject *const *inputs, Frame *frame) {
  switch (output->kind) {
  case OutNone:
    Py_RETURN_NONE;
  case OutResult: {
    const Scalar *scalar = &frame->scalars[self->numArguments + output->index];
    switch (self->results[output->index].kind) {
    case ResInt:
      return PyLong_FromLongLong(scalar->i);
    case ResFloat:
      return PyFloat_FromDouble(scalar->f);
    case ResBool:
      return PyBool_FromLong(scalar->b);
    default:
      return Py_NewRef(frame->created[output->index]);
    }
  }
  case OutInput:
    return Py_NewRef(inputs[output->index]);
  case OutCopy:
    return PyObject_CallFunctionObjArgs(
        torch.copyDense, frame->created[output->index], output->value, NULL);
  case OutAliasInput:
    return makeAlias(inputs[output->index], output->value);
  case OutArgument: {
    PyObject *owned = frame->owned[output->index];
    if (!owned)
      owned = inputs[self->arguments[output->index].index];
    return Py_NewRef(owned);
  }
  case OutValue:
    return Py_NewRef(output->value);
  }
  Py_UNREACHABLE();
}

static PyObject *makeOutputs(Function *self, PyObject *const *inputs,
                             Frame *frame) {
  PyObject *outputs = PyList_New(self->numOutputs);
  if (!outputs)
    return NULL;
  for (Py_ssize_t i = 0; i < self->numOutputs; ++i) {
    if (self->outputs[i].kind == OutAliasOutput)
      continue;
    PyObject *object = makeOutput(self, &self->outputs[i], inputs, frame);
    if (!object)
      goto error;
    PyList_SET_ITEM(outputs, i, object);
  }
  for (Py_ssize_t i = 0; i < self->numOutputs; ++i) {
    const Output *output = &self->outputs[i];
    if (output->kind != OutAliasOutput)
      continue;
    PyObject *base = PyList_GET_ITEM(outputs, output->index);
    PyObject *object = makeAlias(base, output->value);
    if (!object)
      goto error;
    PyList_SET_ITEM(outputs, i, object);
  }
  return outputs;
error:
  Py_DECREF(outputs);
  return NULL;
}

PyObject *callFunction(Function *self, PyObject *const *inputs,
                       Py_ssize_t numInputs) {
  if (numInputs < self->numInputs) {
    PyErr_Format(PyExc_TypeError,
                 "fx_mlir: compiled code takes %zd inputs, it was given %zd",
                 self->numInputs, numInputs);
    return NULL;
  }
  Py_ssize_t numArguments = self->numArguments, numResults = self->numResults;
  Py_ssize_t total = numArguments + numResults;
  Py_ssize_t numSizes = self->numSizes + self->numResultSizes;
  /* One block: pointers, scalars, owned, scratch, created, sizes. */
  size_t words = (size_t)(4 * total + numSizes + 1);
  void *stack[256];
  void **block = stack;
  if (words > sizeof(stack) / sizeof(void *)) {
    block = PyMem_Malloc(words * sizeof(void *));
    if (!block)
      return PyErr_NoMemory();
  }
  memset(block, 0, words * sizeof(void *));
  Frame frame;
  frame.numInputs = numInputs;
  frame.pointers = block;
  frame.scalars = (Scalar *)(block + total);
  frame.owned = (PyObject **)(block + 2 * total);
  frame.scratch = block + 2 * total + numArguments;
  frame.created = (PyObject **)(block + 3 * total);
  frame.sizes = (int64_t *)(block + 4 * total);
  frame.expressions = NULL;

  PyObject *outputs = NULL;
  if (prepareArguments(self, inputs, &frame) ||
      prepareResults(self, inputs, &frame))
    goto done;
  uint32_t threads = 1;
  torch.threads(&threads);
  torch.setThreads((int32_t)threads);
  int32_t status;
  Py_BEGIN_ALLOW_THREADS status = self->entry(
      NULL, frame.pointers, frame.pointers + numArguments, frame.sizes);
  Py_END_ALLOW_THREADS if (status) {
    PyErr_Format(PyExc_RuntimeError, "fx_mlir: %s", torch.lastError());
    goto done;
  }
  if (writeBack(self, inputs, &frame))
    goto done;
  outputs = makeOutputs(self, inputs, &frame);

done:
  Py_XDECREF(frame.expressions);
  for (Py_ssize_t i = 0; i < numArguments; ++i)
    Py_XDECREF(frame.owned[i]);
  for (Py_ssize_t i = 0; i < numResults; ++i) {
    Py_XDECREF(frame.created[i]);
    free(frame.scratch[i]);
  }
  if (block != stack)
    PyMem_Free(block);
  return outputs;
}

PyObject *callFunctionOnList(PyObject *self, PyObject *const *args,
                             size_t flags, PyObject *keywords) {
  if (PyVectorcall_NARGS(flags) != 1 ||
      (keywords && PyTuple_GET_SIZE(keywords)) || !PyList_CheckExact(args[0])) {
    PyErr_SetString(PyExc_TypeError, "fx_mlir: compiled code takes one list");
    return NULL;
  }
  PyObject *list = args[0];
  PyObject *outputs = callFunction((Function *)self,
                                   ((PyListObject *)list)->ob_item,
                                   PyList_GET_SIZE(list));
  if (outputs && PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL))
    Py_CLEAR(outputs);
  return outputs;
}
