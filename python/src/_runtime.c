/*===- _runtime.c - Calls compiled code on PyTorch's tensors --------------===*\
|*
|* A Function holds the address of a compiled entry point and the plan of its
|* call: where each argument comes from, how each result is allocated, what each
|* slot of the returned list is. Called with one list, it returns one list; the
|* list it is given is cleared (inputs are freed as early as possible).
|*
|* The module is not linked to PyTorch. It uses the C functions that PyTorch
|* exports for AOTInductor, found in the libraries that are in the process
|* already, and two facts without an ABI: where a Tensor object holds its
|* handle, and the function that wraps a handle. initialize() checks both.
|*
\*===----------------------------------------------------------------------===*/

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#define MAX_RANK 64

typedef void *Tensor; /* AtenTensorHandle */
typedef int32_t (*EntryPoint)(void *context, void *const *args,
                              void *const *results, const int64_t *sizes);
typedef int32_t (*ResultSizes)(const int64_t *sizes, int64_t *resultSizes);

/* What is taken from PyTorch and from our library. */
static struct {
  int32_t (*dataPointer)(Tensor, void **);
  int32_t (*sizes)(Tensor, int64_t **);
  int32_t (*strides)(Tensor, int64_t **);
  int32_t (*numel)(Tensor, int64_t *);
  int32_t (*isContiguous)(Tensor, _Bool *);
  int32_t (*emptyStrided)(int64_t rank, const int64_t *sizes,
                          const int64_t *strides, int32_t dtype,
                          int32_t deviceType, int32_t deviceIndex, Tensor *);
  /* Since 2.11; NULL before. */
  int32_t (*fromBlob)(void *data, int64_t rank, const int64_t *sizes,
                      const int64_t *strides, int64_t offset, int32_t dtype,
                      int32_t deviceType, int32_t deviceIndex, Tensor *,
                      int32_t layout, const uint8_t *metadata,
                      int64_t metadataSize, void (*deleter)(void *, void *),
                      void *deleterContext);
  int32_t (*deleteTensor)(Tensor);
  int32_t (*threads)(uint32_t *);
  PyObject *(*wrap)(Tensor);
  PyObject *tensorClass; /* borrowed; the type of torch.Tensor */
  /* Our library. */
  void (*setThreads)(int32_t);
  const char *(*lastError)(void);
  void *(*acquire)(int64_t, void **);
  void (*release)(void *, void *);
  /* Rare cases are done in Python. */
  PyObject *drawSeeds; /* (count) -> tensor */
  PyObject *copyDense; /* (tensor, strides or None) -> dense tensor */
  PyObject *asStrided; /* (tensor, size, stride, offset) -> tensor */
  PyObject *copyInto;  /* (destination, source) */
} torch;

/* In PyTorch 2.13 the at::Tensor follows the object header directly. */
static inline Tensor handleOf(PyObject *object) {
  return (char *)object + sizeof(PyObject);
}

enum ArgumentKind {
  ArgTensor,
  ArgInt,
  ArgFloat,
  ArgBool,
  ArgConstant,
  ArgSeeds
};
enum ResultKind {
  ResStatic,
  ResDynamic,
  ResInt,
  ResFloat,
  ResBool,
  ResMutation
};
enum OutputKind {
  OutNone,
  OutResult,
  OutInput,
  OutAliasInput,
  OutAliasOutput,
  OutValue,
  OutArgument,
  OutCopy
};

typedef struct {
  int kind;
  Py_ssize_t index; /* in the list; for seeds their number */
  int rank;         /* -1: any strides of a dense row-major tensor */
  int64_t *strides; /* expected; INT64_MIN where the size is 1 */
  PyObject *value;  /* of a constant */
} Argument;

/* Where a size that is known at run time only comes from. */
enum SizeKind { SizeConstant, SizeNumber, SizeDim, SizeExpression, SizeResult };

typedef struct {
  int kind;
  Py_ssize_t index; /* the constant, or a number by kind */
  int dim;
} Size;

typedef struct {
  int kind;
  int rank;
  int64_t *sizes, *strides; /* static: of the tensor */
  Size *places;             /* dynamic: of each dimension */
  int64_t *order;           /* dynamic: dimensions by falling stride; others
                               have stride 0 */
  int orderRank;
  int dtype;
  int itemSize;        /* bytes of an element */
  Py_ssize_t argument; /* mutation: number of the argument */
} Result;

typedef struct {
  int kind;
  Py_ssize_t index;
  /* A value, an alias's (size, stride, offset), or a copy's strides. */
  PyObject *value;
} Output;

typedef struct {
  PyObject ob_base;
  vectorcallfunc vectorcall;
  PyObject *dict;
  EntryPoint entry;
  ResultSizes resultSizes;
  Py_ssize_t numArguments, numResults, numOutputs, numSizes;
  int numResultSizes;
  PyObject *evaluate; /* (list) -> sizes that are expressions, or None */
  Argument *arguments;
  Result *results;
  Output *outputs;
  Size *dynamicSizes;
} Function;

/*===----------------------------------------------------------------------===*\
|* The call
\*===----------------------------------------------------------------------===*/

typedef union {
  int64_t i;
  double f;
  uint8_t b;
} Scalar;

/* Everything that a call has to release. */
typedef struct {
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

static int isTensor(PyObject *object) {
  return PyObject_TypeCheck(object, (PyTypeObject *)torch.tensorClass);
}

static int prepareArguments(Function *self, PyObject *list, Frame *frame) {
  for (Py_ssize_t i = 0; i < self->numArguments; ++i) {
    const Argument *argument = &self->arguments[i];
    PyObject *object = NULL;
    if (argument->kind <= ArgBool)
      object = PyList_GET_ITEM(list, argument->index);
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
    PyObject *tensor = PyList_GET_ITEM(list, size->index);
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

static PyObject *allocate(int rank, const int64_t *sizes,
                          const int64_t *strides, int dtype, int itemSize,
                          void **pointer) {
  Tensor tensor;
  int64_t elements = 1;
  for (int d = 0; d < rank; ++d)
    elements = sizes[d] && elements ? elements + (sizes[d] - 1) * strides[d] : 0;
  if (torch.fromBlob && elements >= WARM_BYTES / itemSize) {
    if (fromOwnMemory(rank, sizes, strides, dtype, elements * itemSize,
                      &tensor)) {
      PyErr_NoMemory();
      return NULL;
    }
  } else if (torch.emptyStrided(rank, sizes, strides, dtype, /*cpu=*/0, 0, &tensor)) {
    fail("allocation");
    return NULL;
  }
  torch.dataPointer(tensor, pointer);
  PyObject *object = torch.wrap(tensor);
  torch.deleteTensor(tensor);
  return object;
}

/* A size that is known at run time only; -1 with an exception set. */
static int64_t findSize(const Size *size, PyObject *list, Frame *frame) {
  switch (size->kind) {
  case SizeConstant:
    return size->index;
  case SizeNumber:
    return PyLong_AsLongLong(PyList_GET_ITEM(list, size->index));
  case SizeDim: {
    int64_t *sizes;
    if (torch.sizes(handleOf(PyList_GET_ITEM(list, size->index)), &sizes))
      return fail("sizes");
    return sizes[size->dim];
  }
  case SizeExpression:
    return PyLong_AsLongLong(PyTuple_GET_ITEM(frame->expressions, size->index));
  default:
    return frame->resultSizes[size->index];
  }
}

static PyObject *allocateDynamic(const Result *result, PyObject *list,
                                 Frame *frame, void **pointer) {
  int64_t sizes[MAX_RANK], strides[MAX_RANK] = {0}, step = 1;
  for (int d = 0; d < result->rank; ++d) {
    sizes[d] = findSize(&result->places[d], list, frame);
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

static int prepareResults(Function *self, PyObject *list, Frame *frame) {
  frame->resultSizes = frame->sizes + self->numSizes;
  if (self->numResultSizes &&
      self->resultSizes(frame->sizes, frame->resultSizes)) {
    PyErr_Format(PyExc_RuntimeError, "fx_mlir: %s", torch.lastError());
    return -1;
  }
  if (self->evaluate != Py_None) {
    frame->expressions = PyObject_CallOneArg(self->evaluate, list);
    if (!frame->expressions)
      return -1;
  }
  for (Py_ssize_t i = 0; i < self->numResults; ++i) {
    const Result *result = &self->results[i];
    void **pointer = &frame->pointers[self->numArguments + i];
    switch (result->kind) {
    case ResStatic:
      frame->created[i] = allocate(result->rank, result->sizes, result->strides,
                                   result->dtype, result->itemSize,
                  pointer);
      if (!frame->created[i])
        return -1;
      break;
    case ResDynamic:
      frame->created[i] = allocateDynamic(result, list, frame, pointer);
      if (!frame->created[i])
        return -1;
      break;
    case ResMutation: {
      const Argument *argument = &self->arguments[result->argument];
      int64_t numel;
      if (torch.numel(handleOf(PyList_GET_ITEM(list, argument->index)), &numel))
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
static int writeBack(Function *self, PyObject *list, Frame *frame) {
  for (Py_ssize_t i = 0; i < self->numResults; ++i) {
    const Result *result = &self->results[i];
    if (result->kind != ResMutation)
      continue;
    PyObject *input =
        PyList_GET_ITEM(list, self->arguments[result->argument].index);
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
                            PyObject *list, Frame *frame) {
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
    return Py_NewRef(PyList_GET_ITEM(list, output->index));
  case OutCopy:
    return PyObject_CallFunctionObjArgs(
        torch.copyDense, frame->created[output->index], output->value, NULL);
  case OutAliasInput:
    return makeAlias(PyList_GET_ITEM(list, output->index), output->value);
  case OutArgument: {
    PyObject *owned = frame->owned[output->index];
    if (!owned)
      owned = PyList_GET_ITEM(list, self->arguments[output->index].index);
    return Py_NewRef(owned);
  }
  case OutValue:
    return Py_NewRef(output->value);
  }
  Py_UNREACHABLE();
}

static PyObject *makeOutputs(Function *self, PyObject *list, Frame *frame) {
  PyObject *outputs = PyList_New(self->numOutputs);
  if (!outputs)
    return NULL;
  for (Py_ssize_t i = 0; i < self->numOutputs; ++i) {
    if (self->outputs[i].kind == OutAliasOutput)
      continue;
    PyObject *object = makeOutput(self, &self->outputs[i], list, frame);
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

static PyObject *callFunction(Function *self, PyObject *list) {
  if (!PyList_CheckExact(list)) {
    PyErr_SetString(PyExc_TypeError, "fx_mlir: compiled code takes one list");
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
  frame.pointers = block;
  frame.scalars = (Scalar *)(block + total);
  frame.owned = (PyObject **)(block + 2 * total);
  frame.scratch = block + 2 * total + numArguments;
  frame.created = (PyObject **)(block + 3 * total);
  frame.sizes = (int64_t *)(block + 4 * total);
  frame.expressions = NULL;

  PyObject *outputs = NULL;
  if (prepareArguments(self, list, &frame) ||
      prepareResults(self, list, &frame))
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
  if (writeBack(self, list, &frame))
    goto done;
  outputs = makeOutputs(self, list, &frame);
  if (outputs && PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL))
    Py_CLEAR(outputs);

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

static PyObject *vectorcall(PyObject *self, PyObject *const *args, size_t flags,
                            PyObject *keywords) {
  if (PyVectorcall_NARGS(flags) != 1 ||
      (keywords && PyTuple_GET_SIZE(keywords))) {
    PyErr_SetString(PyExc_TypeError, "fx_mlir: compiled code takes one list");
    return NULL;
  }
  return callFunction((Function *)self, args[0]);
}

/*===----------------------------------------------------------------------===*\
|* Construction
\*===----------------------------------------------------------------------===*/

/* A tuple of integers as an array; None becomes INT64_MIN. */
static int64_t *parseIntegers(PyObject *tuple, int *rank) {
  Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  int64_t *values = PyMem_Malloc(sizeof(int64_t) * (n ? n : 1));
  if (!values) {
    PyErr_NoMemory();
    return NULL;
  }
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject *item = PyTuple_GET_ITEM(tuple, i);
    values[i] = item == Py_None ? INT64_MIN : PyLong_AsLongLong(item);
  }
  *rank = (int)n;
  return values;
}

/* (kind, index, strides or None, value) */
static int parseArgument(PyObject *tuple, Argument *argument) {
  PyObject *strides, *value;
  if (!PyArg_ParseTuple(tuple, "inOO", &argument->kind, &argument->index,
                        &strides, &value))
    return -1;
  argument->rank = -1;
  if (strides != Py_None) {
    argument->strides = parseIntegers(strides, &argument->rank);
    if (!argument->strides)
      return -1;
  }
  argument->value = Py_NewRef(value);
  return 0;
}

/* A tuple of (kind, index, dim). */
static Size *parseSizes(PyObject *tuple, int *rank) {
  Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  Size *sizes = PyMem_Calloc(n ? n : 1, sizeof(Size));
  if (!sizes) {
    PyErr_NoMemory();
    return NULL;
  }
  for (Py_ssize_t i = 0; i < n; ++i) {
    Size *size = &sizes[i];
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(tuple, i), "ini", &size->kind,
                          &size->index, &size->dim)) {
      PyMem_Free(sizes);
      return NULL;
    }
  }
  *rank = (int)n;
  return sizes;
}

/* (kind, sizes, strides, order, dtype, element size, argument) */
static int parseResult(PyObject *tuple, Result *result) {
  PyObject *sizes, *strides, *order;
  if (!PyArg_ParseTuple(tuple, "iOOOiin", &result->kind, &sizes, &strides,
                        &order, &result->dtype, &result->itemSize,
                        &result->argument))
    return -1;
  if (result->kind == ResStatic) {
    result->sizes = parseIntegers(sizes, &result->rank);
    result->strides = parseIntegers(strides, &result->rank);
    return result->sizes && result->strides ? 0 : -1;
  }
  if (result->kind == ResDynamic) {
    result->places = parseSizes(sizes, &result->rank);
    result->order = parseIntegers(order, &result->orderRank);
    return result->places && result->order && result->rank <= MAX_RANK ? 0 : -1;
  }
  return 0;
}

static void *newArray(Py_ssize_t n, size_t size) {
  return PyMem_Calloc(n ? n : 1, size);
}

/* Function(entry, result_sizes, num_result_sizes, arguments, sizes, results,
 *          outputs, evaluate) */
static PyObject *newFunction(PyTypeObject *type, PyObject *args,
                             PyObject *keywords) {
  unsigned long long entry, resultSizes;
  int numResultSizes;
  PyObject *arguments, *sizes, *results, *outputs, *evaluate;
  if (!PyArg_ParseTuple(args, "KKiO!O!O!O!O", &entry, &resultSizes,
                        &numResultSizes, &PyTuple_Type, &arguments,
                        &PyTuple_Type, &sizes, &PyTuple_Type, &results,
                        &PyTuple_Type, &outputs, &evaluate))
    return NULL;
  Function *self = PyObject_GC_New(Function, type);
  if (!self)
    return NULL;
  memset((char *)self + sizeof(PyObject), 0,
         sizeof(Function) - sizeof(PyObject));
  self->vectorcall = vectorcall;
  self->entry = (EntryPoint)(uintptr_t)entry;
  self->resultSizes = (ResultSizes)(uintptr_t)resultSizes;
  self->numResultSizes = numResultSizes;
  self->evaluate = Py_NewRef(evaluate);
  self->arguments = newArray(PyTuple_GET_SIZE(arguments), sizeof(Argument));
  self->results = newArray(PyTuple_GET_SIZE(results), sizeof(Result));
  self->outputs = newArray(PyTuple_GET_SIZE(outputs), sizeof(Output));
  PyObject_GC_Track((PyObject *)self);
  if (!self->arguments || !self->results || !self->outputs) {
    PyErr_NoMemory();
    goto error;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i) {
    self->numArguments = i + 1;
    if (parseArgument(PyTuple_GET_ITEM(arguments, i), &self->arguments[i]))
      goto error;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(results); ++i) {
    self->numResults = i + 1;
    if (parseResult(PyTuple_GET_ITEM(results, i), &self->results[i]))
      goto error;
  }
  int numSizes = 0;
  self->dynamicSizes = parseSizes(sizes, &numSizes);
  if (!self->dynamicSizes)
    goto error;
  self->numSizes = numSizes;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
    Output *output = &self->outputs[i];
    PyObject *value;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(outputs, i), "inO", &output->kind,
                          &output->index, &value))
      goto error;
    output->value = Py_NewRef(value);
    self->numOutputs = i + 1;
  }
  return (PyObject *)self;
error:
  if (!PyErr_Occurred())
    PyErr_SetString(PyExc_ValueError, "fx_mlir: malformed plan of a call");
  Py_DECREF(self);
  return NULL;
}

static int traverseFunction(Function *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(self->dict);
  Py_VISIT(self->evaluate);
  for (Py_ssize_t i = 0; i < self->numArguments; ++i)
    Py_VISIT(self->arguments[i].value);
  for (Py_ssize_t i = 0; i < self->numOutputs; ++i)
    Py_VISIT(self->outputs[i].value);
  return 0;
}

static int clearFunction(Function *self) {
  Py_CLEAR(self->dict);
  Py_CLEAR(self->evaluate);
  for (Py_ssize_t i = 0; i < self->numArguments; ++i)
    Py_CLEAR(self->arguments[i].value);
  for (Py_ssize_t i = 0; i < self->numOutputs; ++i)
    Py_CLEAR(self->outputs[i].value);
  return 0;
}

static void deleteFunction(Function *self) {
  PyObject_GC_UnTrack((PyObject *)self);
  clearFunction(self);
  for (Py_ssize_t i = 0; i < self->numArguments; ++i)
    PyMem_Free(self->arguments[i].strides);
  for (Py_ssize_t i = 0; i < self->numResults; ++i) {
    PyMem_Free(self->results[i].sizes);
    PyMem_Free(self->results[i].strides);
    PyMem_Free(self->results[i].places);
    PyMem_Free(self->results[i].order);
  }
  PyMem_Free(self->arguments);
  PyMem_Free(self->results);
  PyMem_Free(self->outputs);
  PyMem_Free(self->dynamicSizes);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

static PyMemberDef functionMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, vectorcall),
     READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Function, dict), READONLY, NULL},
    {NULL, 0, 0, 0, NULL}};

static PyType_Slot functionSlots[] = {
    {Py_tp_doc,
     "Compiled code: takes one list (which it clears), returns one."},
    {Py_tp_new, newFunction},
    {Py_tp_dealloc, deleteFunction},
    {Py_tp_traverse, traverseFunction},
    {Py_tp_clear, clearFunction},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, functionMembers},
    {0, NULL}};

static PyType_Spec functionSpec = {
    "fx_mlir._runtime.Function", sizeof(Function), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    functionSlots};

/*===----------------------------------------------------------------------===*\
|* The module
\*===----------------------------------------------------------------------===*/

static void *cpuLibrary;

static int findSymbol(void *library, const char *name, void *target) {
  void *address = dlsym(library, name);
  if (!address) {
    PyErr_Format(PyExc_RuntimeError, "PyTorch does not export %s", name);
    return -1;
  }
  memcpy(target, &address, sizeof(address));
  return 0;
}

/* initialize(tensor_class, set_threads, last_error, acquire, release,
 *            draw_seeds, copy_dense, as_strided, copy_into): RuntimeError if PyTorch is not as
 * expected. */
static PyObject *initialize(PyObject *module, PyObject *args) {
  unsigned long long setThreads, lastError, acquire, release;
  PyObject *tensorClass, *drawSeeds, *copyDense, *asStrided, *copyInto;
  if (!PyArg_ParseTuple(args, "OKKKKOOOO", &tensorClass, &setThreads, &lastError,
                        &acquire, &release, &drawSeeds, &copyDense, &asStrided, &copyInto))
    return NULL;
  cpuLibrary = dlopen("libtorch_cpu.so", RTLD_NOLOAD | RTLD_NOW);
  void *python = dlopen("libtorch_python.so", RTLD_NOLOAD | RTLD_NOW);
  if (!cpuLibrary || !python) {
    PyErr_SetString(PyExc_RuntimeError, "PyTorch's libraries are not loaded");
    return NULL;
  }
  if (findSymbol(cpuLibrary, "aoti_torch_get_data_ptr", &torch.dataPointer) ||
      findSymbol(cpuLibrary, "aoti_torch_get_sizes", &torch.sizes) ||
      findSymbol(cpuLibrary, "aoti_torch_get_strides", &torch.strides) ||
      findSymbol(cpuLibrary, "aoti_torch_get_numel", &torch.numel) ||
      findSymbol(cpuLibrary, "aoti_torch_is_contiguous", &torch.isContiguous) ||
      findSymbol(cpuLibrary, "aoti_torch_empty_strided", &torch.emptyStrided) ||
      findSymbol(cpuLibrary, "aoti_torch_delete_tensor_object",
                 &torch.deleteTensor) ||
      findSymbol(cpuLibrary, "torch_get_num_threads", &torch.threads) ||
      findSymbol(python, "_Z16THPVariable_WrapRKN2at10TensorBaseE",
                 &torch.wrap))
    return NULL;
  torch.tensorClass = Py_NewRef(tensorClass);
  torch.setThreads = (void (*)(int32_t))(uintptr_t)setThreads;
  torch.lastError = (const char *(*)(void))(uintptr_t)lastError;
  torch.acquire = (void *(*)(int64_t, void **))(uintptr_t)acquire;
  torch.release = (void (*)(void *, void *))(uintptr_t)release;
  void *fromBlob = dlsym(cpuLibrary, "torch_from_blob");
  memcpy(&torch.fromBlob, &fromBlob, sizeof(fromBlob));
  torch.drawSeeds = Py_NewRef(drawSeeds);
  torch.copyDense = Py_NewRef(copyDense);
  torch.asStrided = Py_NewRef(asStrided);
  torch.copyInto = Py_NewRef(copyInto);
  Py_RETURN_NONE;
}

/* data_pointer(tensor): what handleOf() leads to, for the check at import. The
 * caller gives tensor.data_ptr(), which must be found in the object's storage
 * before the handle is used. */
static PyObject *dataPointer(PyObject *module, PyObject *tensor) {
  void *pointer = NULL;
  if (!isTensor(tensor) || torch.dataPointer(handleOf(tensor), &pointer))
    Py_RETURN_NONE;
  return PyLong_FromVoidPtr(pointer);
}

/* make_tensor(sizes, strides, dtype, element size) -> tensor, for the check at
 * import. */
static PyObject *makeTensor(PyObject *module, PyObject *args) {
  PyObject *sizes, *strides;
  int dtype, itemSize, rank;
  if (!PyArg_ParseTuple(args, "O!O!ii", &PyTuple_Type, &sizes, &PyTuple_Type,
                        &strides, &dtype, &itemSize))
    return NULL;
  int64_t *sizeValues = parseIntegers(sizes, &rank);
  int64_t *strideValues = parseIntegers(strides, &rank);
  void *pointer;
  PyObject *tensor = NULL;
  if (sizeValues && strideValues)
    tensor = allocate(rank, sizeValues, strideValues, dtype, itemSize,
                      &pointer);
  PyMem_Free(sizeValues);
  PyMem_Free(strideValues);
  return tensor;
}

/* dtype_code("float32"): PyTorch's number of a data type. */
static PyObject *dtypeCode(PyObject *module, PyObject *name) {
  const char *text = PyUnicode_AsUTF8(name);
  if (!text)
    return NULL;
  char symbol[64];
  PyOS_snprintf(symbol, sizeof(symbol), "aoti_torch_dtype_%s", text);
  int32_t (*function)(void);
  if (findSymbol(cpuLibrary, symbol, &function))
    return NULL;
  return PyLong_FromLong(function());
}

static PyMethodDef methods[] = {
    {"initialize", initialize, METH_VARARGS, "Finds PyTorch's functions."},
    {"data_pointer", dataPointer, METH_O, "The data pointer of a tensor."},
    {"make_tensor", makeTensor, METH_VARARGS, "An empty tensor."},
    {"dtype_code", dtypeCode, METH_O, "PyTorch's number of a data type."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT,
                                    "_runtime",
                                    "Calls compiled code on PyTorch's tensors.",
                                    -1,
                                    methods,
                                    NULL,
                                    NULL,
                                    NULL,
                                    NULL};

PyMODINIT_FUNC PyInit__runtime(void) {
  PyObject *object = PyModule_Create(&module);
  if (!object)
    return NULL;
  PyObject *type = PyType_FromSpec(&functionSpec);
  if (!type || PyModule_AddObject(object, "Function", type) < 0) {
    Py_XDECREF(type);
    Py_DECREF(object);
    return NULL;
  }
  return object;
}
