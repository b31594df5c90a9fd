/*===- FXMLIR.h - The compiler as a C library ---------------------*- C -*-===*\
|*
|* What libFXMLIRC exports, beside the run-time library (fx/Runtime/Runtime.h):
|* a graph in, machine code in this process out.
|*
\*===----------------------------------------------------------------------===*/

#ifndef FX_CAPI_FXMLIR_H
#define FX_CAPI_FXMLIR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Machine code of one graph. */
typedef struct fx_module fx_module;

/**
 * Compiles a graph in the format `joint-graph-oracle-1` (JSON): a graph with
 * tangents to the functions `forward` and `backward`, another one to `main`.
 * `options` is a JSON object, NULL for the defaults:
 *   training (bool: differentiate a graph without tangents), target ("cpu" or
 *   "nvptx"), opt_level (0 to 3), fuse (bool), print_times (bool), verify
 *   (bool: check the IR after every pass), partition (options of
 *   fx-partition), pre_grad_custom, joint_custom_pre, joint_custom_post,
 *   post_grad_custom_pre, post_grad_custom_post (pass pipelines as text),
 *   pre_grad_disable, joint_disable, post_grad_disable (names of passes of the
 *   stage that do not run, with commas), pre_grad_custom_patterns,
 *   joint_custom_pre_patterns, joint_custom_post_patterns,
 *   post_grad_custom_pre_patterns, post_grad_custom_post_patterns (paths of
 *   files of PDL patterns).
 * Other keys are ignored. A result of NULL is an error; `*error` then is its
 * text, to be freed with fx_string_free (`error` may be NULL, too). Can be
 * called from several threads at once.
 */
fx_module *fx_compile_graph(const char *json, size_t length,
                            const char *options, size_t options_length,
                            char **error);

/**
 * What of a graph cannot be compiled, without compiling it: a JSON array of
 * objects {"node", "message", "line"}, to be freed with fx_string_free. It is
 * empty if the graph can be lowered; `node` is "" where an error is about no
 * single node. All nodes without a lowering are listed at once, but a stage
 * that fails earlier hides them: ask again without the nodes of the answer.
 * The graph and the options are those of fx_compile_graph; NULL is an error.
 */
char *fx_check_graph(const char *json, size_t length, const char *options,
                     size_t options_length, char **error);

/**
 * Partitions a joint graph (JSON as above) without compiling it. `options` are
 * those of fx-partition as text ("peak-budget=8GiB"), NULL for the defaults.
 * The answer is the pass's report (JSON): `saved`, `forward_order`,
 * `backward_order` and what they cost, by the names of the graph's nodes; to be
 * freed with fx_string_free. NULL is an error, with its text in `*error`.
 */
char *fx_partition_graph(const char *json, size_t length, const char *options,
                         size_t options_length, char **error);

/** Frees the module and its code. NULL is ignored. */
void fx_module_destroy(fx_module *module);

/**
 * The interface of the functions as JSON (format `fx-model-1`): names, roles,
 * data types and sizes of their arguments and results. Belongs to the module.
 */
const char *fx_module_describe(const fx_module *module);

/**
 * What the compilation took, as JSON: `stages`, a list of pairs (name,
 * milliseconds) in the order in which they ran, and `kernels`, their number in
 * all functions. Belongs to the module.
 */
const char *fx_module_statistics(const fx_module *module);

/**
 * The address of a function, or of `<function>_result_sizes`; NULL if there is
 * none. Their C types are those of a compiled shared library. Valid until the
 * module is destroyed.
 */
void *fx_module_lookup(fx_module *module, const char *name);

/**
 * An fx module as a Python file that needs PyTorch alone: a function for each
 * of its functions, and their SIGNATURES. `source` is MLIR text or bytecode,
 * or what a `.pt2` archive contains; `pipeline` is run before (text as for `fx-opt --pass-pipeline`, without `builtin.module`), NULL or "" for none.
 * To be freed with fx_string_free; NULL is an error, with its text in `*error`.
 */
char *fx_export_python(const char *source, size_t length, const char *pipeline,
                       char **error);

/** Frees an error text. NULL is ignored. */
void fx_string_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
