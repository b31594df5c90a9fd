/*===- _shortcuts.c - Around AOTAutograd's wrappers -----------------------===*\
|*
|* AOTAutograd wraps compiled code in Python functions that restore views,
|* mutations and the like. For a graph without any of these a Shortcut does what
|* is left of that work: the first three take the arguments of the graph, the
|* fourth is a method of the node in the autograd graph.
|*
|*   inference  calls the function
|*   training   applies an autograd.Function whose forward is
|*   forward    calls the function and saves what its backward needs
|*   backward   calls the backward's function
|*
|* Where a call is unusual (a transform of torch.func is active, a gradient is
|* to be differentiated) it goes through `slow`, AOTAutograd's own callable.
|*
\*===----------------------------------------------------------------------===*/

#include "_runtime.h"

enum ShortcutKind { Inference, Training, Forward, Backward };

typedef struct {
  PyObject ob_base;
  vectorcallfunc vectorcall;
  int kind;
  /* A Function; of Training the bound `apply` of the autograd.Function. */
  PyObject *function;
  PyObject *slow;
  PyObject *finish;      /* Inference, Training: (outputs), or None */
  Py_ssize_t numInputs;  /* Inference, Training */
  Py_ssize_t numOutputs; /* Forward: what the user is given */
  Py_ssize_t numNumbers; /* Forward: numbers saved, at the end */
  /* Inference, Training: mutated inputs. Forward: outputs without a gradient.
   * Backward: outputs with one. */
  Py_ssize_t *indices;
  Py_ssize_t numIndices;
  /* Backward: PyTorch refuses to run it in deterministic mode. */
  int notDeterministic;
} Shortcut;

static struct {
  PyObject *toSave, *symints, *savedTensors, *nonDifferentiable,
      *materializeNonDiff, *isView, *detach;
} names;

/* -1 on an error. */
static int answer(PyObject *question) {
  PyObject *result = PyObject_CallNoArgs(question);
  if (!result)
    return -1;
  int truth = result == Py_True;
  Py_DECREF(result);
  return truth;
}

static PyObject *callSlowly(Shortcut *self, PyObject *const *args, size_t flags,
                            PyObject *keywords) {
  return PyObject_Vectorcall(self->slow, args, flags, keywords);
}

/* Tells autograd that the graph writes to inputs. */
static int incrementVersions(Shortcut *self, PyObject *const *args) {
  if (!self->numIndices)
    return 0;
  PyObject *tensors = PyTuple_New(self->numIndices);
  if (!tensors)
    return -1;
  for (Py_ssize_t i = 0; i < self->numIndices; ++i)
    PyTuple_SET_ITEM(tensors, i, Py_NewRef(args[self->indices[i]]));
  PyObject *done = PyObject_CallOneArg(torch.incrementVersion, tensors);
  Py_DECREF(tensors);
  Py_XDECREF(done);
  return done ? 0 : -1;
}

static PyObject *callGraph(PyObject *object, PyObject *const *args,
                           size_t flags, PyObject *keywords) {
  Shortcut *self = (Shortcut *)object;
  Py_ssize_t numArgs = PyVectorcall_NARGS(flags);
  int unusual = numArgs != self->numInputs || keywords;
  if (!unusual)
    unusual = answer(torch.transformsActive);
  if (unusual < 0)
    return NULL;
  if (unusual)
    return callSlowly(self, args, flags, keywords);
  if (incrementVersions(self, args))
    return NULL;
  PyObject *outputs;
  if (self->kind == Inference) {
    outputs = callFunction((Function *)self->function, args, numArgs);
  } else {
    /* The graph may have been traced under enable_grad inside of no_grad. */
    int enable = !torch.isGradEnabled();
    if (enable)
      torch.setGradEnabled(1);
    outputs = PyObject_Vectorcall(self->function, args, numArgs, NULL);
    if (enable)
      torch.setGradEnabled(0);
  }
  if (outputs && self->finish != Py_None) {
    PyObject *done = PyObject_CallOneArg(self->finish, outputs);
    if (!done)
      Py_CLEAR(outputs);
    Py_XDECREF(done);
  }
  return outputs;
}

static PyObject *makeTuple(PyObject *list, Py_ssize_t begin, Py_ssize_t end) {
  PyObject *tuple = PyTuple_New(end - begin);
  if (tuple)
    for (Py_ssize_t i = begin; i < end; ++i)
      PyTuple_SET_ITEM(tuple, i - begin, Py_NewRef(PyList_GET_ITEM(list, i)));
  return tuple;
}

/* An input that is a view is saved without its history, as AOTAutograd does. */
static int detachView(PyObject *tuple, Py_ssize_t i) {
  PyObject *tensor = PyTuple_GET_ITEM(tuple, i);
  PyObject *isView = PyObject_CallMethodNoArgs(tensor, names.isView);
  if (!isView)
    return -1;
  Py_DECREF(isView);
  if (isView != Py_True)
    return 0;
  PyObject *detached = PyObject_CallMethodNoArgs(tensor, names.detach);
  if (!detached)
    return -1;
  PyTuple_SET_ITEM(tuple, i, detached);
  Py_DECREF(tensor);
  return 0;
}

/* Sets an attribute of the node; takes `value`, which may be NULL. */
static int setAttribute(PyObject *node, PyObject *name, PyObject *value) {
  if (!value)
    return -1;
  int status = PyObject_SetAttr(node, name, value);
  Py_DECREF(value);
  return status;
}

static int save(Shortcut *self, PyObject *node, PyObject *outputs) {
  const Function *function = (const Function *)self->function;
  Py_ssize_t end = PyList_GET_SIZE(outputs) - self->numNumbers;
  if (end > self->numOutputs) {
    PyObject *saved = makeTuple(outputs, self->numOutputs, end);
    if (!saved)
      return -1;
    for (Py_ssize_t i = self->numOutputs; i < end; ++i)
      if (function->outputs[i].kind == OutInput &&
          detachView(saved, i - self->numOutputs)) {
        Py_DECREF(saved);
        return -1;
      }
    if (setAttribute(node, names.toSave, saved))
      return -1;
  }
  if (self->numNumbers &&
      setAttribute(node, names.symints,
                   PyList_GetSlice(outputs, end, PyList_GET_SIZE(outputs))))
    return -1;
  if (!self->numIndices)
    return 0;
  PyObject *constant = PyTuple_New(self->numIndices);
  if (!constant)
    return -1;
  for (Py_ssize_t i = 0; i < self->numIndices; ++i)
    PyTuple_SET_ITEM(
        constant, i,
        Py_NewRef(PyList_GET_ITEM(outputs, self->indices[i])));
  if (setAttribute(node, names.nonDifferentiable, constant))
    return -1;
  return PyObject_SetAttr(node, names.materializeNonDiff, Py_False);
}

/* forward(node, *inputs) */
static PyObject *callForward(PyObject *object, PyObject *const *args,
                             size_t flags, PyObject *keywords) {
  Shortcut *self = (Shortcut *)object;
  Py_ssize_t numArgs = PyVectorcall_NARGS(flags);
  if (numArgs < 1 || keywords) {
    PyErr_SetString(PyExc_TypeError, "fx_mlir: a forward takes tensors");
    return NULL;
  }
  PyObject *outputs =
      callFunction((Function *)self->function, args + 1, numArgs - 1);
  if (!outputs)
    return NULL;
  PyObject *result = NULL;
  if (!save(self, args[0], outputs))
    result = makeTuple(outputs, 0, self->numOutputs);
  Py_DECREF(outputs);
  return result;
}

/* Whether AOTAutograd has to run a backward, which may refuse to: a gradient
 * is to be differentiated, or is of a class of its own. */
static int isUnusualBackward(Shortcut *self, PyObject *const *gradients,
                             Py_ssize_t count) {
  if (torch.isGradEnabled())
    return 1;
  for (Py_ssize_t i = 0; i < self->numIndices; ++i)
    if (self->indices[i] >= count ||
        Py_TYPE(gradients[self->indices[i]]) !=
            (PyTypeObject *)torch.tensorClass)
      return 1;
  int unusual = answer(torch.transformsActive);
  if (!unusual && self->notDeterministic)
    unusual = answer(torch.isDeterministic);
  return unusual;
}

/* backward(node, *gradients of outputs) */
static PyObject *callBackward(PyObject *object, PyObject *const *args,
                              size_t flags, PyObject *keywords) {
  Shortcut *self = (Shortcut *)object;
  Py_ssize_t numArgs = PyVectorcall_NARGS(flags);
  int unusual = numArgs < 1 || keywords;
  if (!unusual)
    unusual = isUnusualBackward(self, args + 1, numArgs - 1);
  if (unusual < 0)
    return NULL;
  if (unusual)
    return callSlowly(self, args, flags, keywords);
  PyObject *saved = PyObject_GetAttr(args[0], names.savedTensors);
  if (!saved)
    return NULL;
  PyObject *numbers = PyObject_GetAttr(args[0], names.symints);
  PyObject *inputs = numbers ? PySequence_List(numbers) : NULL;
  Py_XDECREF(numbers);
  PyObject *outputs = NULL, *result = NULL;
  if (!inputs)
    goto done;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(saved); ++i)
    if (PyList_Append(inputs, PyTuple_GET_ITEM(saved, i)))
      goto done;
  for (Py_ssize_t i = 0; i < self->numIndices; ++i)
    if (PyList_Append(inputs, args[1 + self->indices[i]]))
      goto done;
  outputs = callFunction((Function *)self->function,
                         ((PyListObject *)inputs)->ob_item,
                         PyList_GET_SIZE(inputs));
  if (outputs)
    result = PyList_AsTuple(outputs);
done:
  Py_XDECREF(outputs);
  Py_XDECREF(inputs);
  Py_DECREF(saved);
  return result;
}

/* As a method of a class a backward is given the node, like a function. */
static PyObject *bind(PyObject *self, PyObject *object, PyObject *type) {
  if (!object || ((Shortcut *)self)->kind != Backward)
    return Py_NewRef(self);
  return PyMethod_New(self, object);
}

/* Shortcut(kind, function, slow, finish, inputs, outputs, numbers, indices,
 *          not_deterministic) */
static PyObject *newShortcut(PyTypeObject *type, PyObject *args,
                             PyObject *keywords) {
  static const vectorcallfunc calls[] = {callGraph, callGraph, callForward,
                                         callBackward};
  int kind, notDeterministic;
  Py_ssize_t numInputs, numOutputs, numNumbers;
  PyObject *function, *slow, *finish, *indices;
  if (!PyArg_ParseTuple(args, "iOOOnnnO!p", &kind, &function, &slow, &finish,
                        &numInputs, &numOutputs, &numNumbers, &PyTuple_Type,
                        &indices, &notDeterministic))
    return NULL;
  if (kind < Inference || kind > Backward) {
    PyErr_SetString(PyExc_ValueError, "fx_mlir: no such kind of shortcut");
    return NULL;
  }
  if (kind != Training && !isFunction(function)) {
    PyErr_SetString(PyExc_TypeError, "fx_mlir: a shortcut needs a Function");
    return NULL;
  }
  Shortcut *self = PyObject_GC_New(Shortcut, type);
  if (!self)
    return NULL;
  memset((char *)self + sizeof(PyObject), 0,
         sizeof(Shortcut) - sizeof(PyObject));
  self->vectorcall = calls[kind];
  self->kind = kind;
  self->function = Py_NewRef(function);
  self->slow = Py_NewRef(slow);
  self->finish = Py_NewRef(finish);
  self->numInputs = numInputs;
  self->numOutputs = numOutputs;
  self->numNumbers = numNumbers;
  self->notDeterministic = notDeterministic;
  self->numIndices = PyTuple_GET_SIZE(indices);
  self->indices = PyMem_Calloc(self->numIndices + 1, sizeof(Py_ssize_t));
  PyObject_GC_Track((PyObject *)self);
  if (!self->indices)
    PyErr_NoMemory();
  else
    for (Py_ssize_t i = 0; i < self->numIndices; ++i)
      self->indices[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(indices, i));
  if (PyErr_Occurred()) {
    Py_DECREF(self);
    return NULL;
  }
  return (PyObject *)self;
}

static int traverseShortcut(Shortcut *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(self->function);
  Py_VISIT(self->slow);
  Py_VISIT(self->finish);
  return 0;
}

static int clearShortcut(Shortcut *self) {
  Py_CLEAR(self->function);
  Py_CLEAR(self->slow);
  Py_CLEAR(self->finish);
  return 0;
}

static void deleteShortcut(Shortcut *self) {
  PyObject_GC_UnTrack((PyObject *)self);
  clearShortcut(self);
  PyMem_Free(self->indices);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

static PyMemberDef shortcutMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Shortcut, vectorcall),
     READONLY, NULL},
    {NULL, 0, 0, 0, NULL}};

static PyType_Slot shortcutSlots[] = {
    {Py_tp_doc, "Calls compiled code without AOTAutograd's wrappers."},
    {Py_tp_new, newShortcut},
    {Py_tp_dealloc, deleteShortcut},
    {Py_tp_traverse, traverseShortcut},
    {Py_tp_clear, clearShortcut},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_members, shortcutMembers},
    {0, NULL}};

static PyType_Spec shortcutSpec = {
    "fx_mlir._runtime.Shortcut", sizeof(Shortcut), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    shortcutSlots};

PyObject *makeShortcutType(void) {
  struct {
    PyObject **name;
    const char *text;
  } table[] = {{&names.toSave, "to_save"},
               {&names.symints, "symints"},
               {&names.savedTensors, "saved_tensors"},
               {&names.nonDifferentiable, "non_differentiable"},
               {&names.materializeNonDiff, "_materialize_non_diff_grads"},
               {&names.isView, "_is_view"},
               {&names.detach, "detach"}};
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); ++i) {
    *table[i].name = PyUnicode_InternFromString(table[i].text);
    if (!*table[i].name)
      return NULL;
  }
  return PyType_FromSpec(&shortcutSpec);
}
