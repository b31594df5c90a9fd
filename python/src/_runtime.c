/*===- _runtime.c - The extension module: construction, checks ------------===*\
|*
|* The module is not linked to PyTorch. It uses the C functions that PyTorch
|* exports for AOTInductor, found in the libraries that are in the process
|* already, and two facts without an ABI: where a Tensor object holds its
|* handle, and the function that wraps a handle. initialize() checks both.
|*
\*===----------------------------------------------------------------------===*/

#include "_runtime.h"
#include <dlfcn.h>

struct Torch torch;

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

static void needInput(Function *self, Py_ssize_t index) {
  if (self->numInputs <= index)
    self->numInputs = index + 1;
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
  self->vectorcall = callFunctionOnList;
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
    Argument *argument = &self->arguments[i];
    if (parseArgument(PyTuple_GET_ITEM(arguments, i), argument))
      goto error;
    if (argument->kind <= ArgBool)
      needInput(self, argument->index);
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
    if (output->kind == OutInput || output->kind == OutAliasInput)
      needInput(self, output->index);
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
 *            draw_seeds, copy_dense, as_strided, copy_into, transforms_active,
 *            is_deterministic, increment_version): RuntimeError if PyTorch is
 * not as expected. */
static PyObject *initialize(PyObject *module, PyObject *args) {
  unsigned long long setThreads, lastError, acquire, release;
  struct Torch objects;
  if (!PyArg_ParseTuple(args, "OKKKKOOOOOOO", &objects.tensorClass, &setThreads,
                        &lastError, &acquire, &release, &objects.drawSeeds,
                        &objects.copyDense, &objects.asStrided,
                        &objects.copyInto, &objects.transformsActive,
                        &objects.isDeterministic, &objects.incrementVersion))
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
      findSymbol(cpuLibrary, "aoti_torch_grad_mode_is_enabled",
                 &torch.isGradEnabled) ||
      findSymbol(cpuLibrary, "aoti_torch_grad_mode_set_enabled",
                 &torch.setGradEnabled) ||
      findSymbol(python, "_Z16THPVariable_WrapRKN2at10TensorBaseE",
                 &torch.wrap))
    return NULL;
  torch.tensorClass = Py_NewRef(objects.tensorClass);
  torch.setThreads = (void (*)(int32_t))(uintptr_t)setThreads;
  torch.lastError = (const char *(*)(void))(uintptr_t)lastError;
  torch.acquire = (void *(*)(int64_t, void **))(uintptr_t)acquire;
  torch.release = (void (*)(void *, void *))(uintptr_t)release;
  void *fromBlob = dlsym(cpuLibrary, "torch_from_blob");
  memcpy(&torch.fromBlob, &fromBlob, sizeof(fromBlob));
  torch.drawSeeds = Py_NewRef(objects.drawSeeds);
  torch.copyDense = Py_NewRef(objects.copyDense);
  torch.asStrided = Py_NewRef(objects.asStrided);
  torch.copyInto = Py_NewRef(objects.copyInto);
  torch.transformsActive = Py_NewRef(objects.transformsActive);
  torch.isDeterministic = Py_NewRef(objects.isDeterministic);
  torch.incrementVersion = Py_NewRef(objects.incrementVersion);
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

static PyObject *functionType;

int isFunction(PyObject *object) {
  return PyObject_TypeCheck(object, (PyTypeObject *)functionType);
}

PyMODINIT_FUNC PyInit__runtime(void) {
  PyObject *object = PyModule_Create(&module);
  if (!object)
    return NULL;
  functionType = PyType_FromSpec(&functionSpec);
  PyObject *shortcutType = makeShortcutType();
  if (!functionType || !shortcutType ||
      PyModule_AddObjectRef(object, "Function", functionType) < 0 ||
      PyModule_AddObjectRef(object, "Shortcut", shortcutType) < 0) {
    Py_XDECREF(shortcutType);
    Py_DECREF(object);
    return NULL;
  }
  Py_DECREF(shortcutType);
  return object;
}
