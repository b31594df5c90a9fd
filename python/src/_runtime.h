/*===- _runtime.h - What the files of the extension module share ----------===*\
|*
|* A Function holds the address of a compiled entry point and the plan of its
|* call: where each argument comes from, how each result is allocated, what each
|* slot of the returned list is.
|*
\*===----------------------------------------------------------------------===*/

#ifndef FX_MLIR_RUNTIME_H
#define FX_MLIR_RUNTIME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#include <structmember.h>

#define MAX_RANK 64

typedef void *Tensor; /* AtenTensorHandle */
typedef int32_t (*EntryPoint)(void *context, void *const *args,
                              void *const *results, const int64_t *sizes);
typedef int32_t (*ResultSizes)(const int64_t *sizes, int64_t *resultSizes);

/* What is taken from PyTorch and from our library. */
extern struct Torch {
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
  _Bool (*isGradEnabled)(void);
  void (*setGradEnabled)(_Bool);
  PyObject *tensorClass; /* torch.Tensor */
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
  /* For shortcuts. */
  PyObject *transformsActive; /* () -> whether torch.func is at work */
  PyObject *isDeterministic;  /* () -> whether PyTorch is to be so */
  PyObject *incrementVersion; /* (tensors) */
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
  Py_ssize_t numInputs; /* at least */
  Py_ssize_t numArguments, numResults, numOutputs, numSizes;
  int numResultSizes;
  PyObject *evaluate; /* (list) -> sizes that are expressions, or None */
  Argument *arguments;
  Result *results;
  Output *outputs;
  Size *dynamicSizes;
} Function;

/* Whether an object is a torch.Tensor, or of a class derived from it. */
int isTensor(PyObject *object);

/* A tensor with memory of its own. */
PyObject *allocate(int rank, const int64_t *sizes, const int64_t *strides,
                   int dtype, int itemSize, void **pointer);

/* Calls compiled code on `numInputs` objects; returns the list of outputs. */
PyObject *callFunction(Function *self, PyObject *const *inputs,
                       Py_ssize_t numInputs);

/* Function's tp_vectorcall: one list, which is cleared. */
PyObject *callFunctionOnList(PyObject *self, PyObject *const *args,
                             size_t flags, PyObject *keywords);

/* Whether an object is a Function. */
int isFunction(PyObject *object);

/* The type Shortcut; NULL with an exception set. */
PyObject *makeShortcutType(void);

#endif
