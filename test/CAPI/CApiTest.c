/*===- CApiTest.c - The C API as a program outside the project uses it ----===*\
|*
|* fx-capi-test describe GRAPH [OPTIONS]: compiles, prints the interface
|* fx-capi-test check GRAPH [OPTIONS]: prints what cannot be compiled
|* fx-capi-test statistics GRAPH: compiles, prints what that took
|* fx-capi-test scale GRAPH: calls a function with a dynamic size
|* fx-capi-test train GRAPH: calls a forward and a backward
|* fx-capi-test null: arguments that are NULL
|* fx-capi-test truncated GRAPH: every beginning of the file is refused
|* fx-capi-test damaged GRAPH: a character changed: compiled or refused
|*
\*===----------------------------------------------------------------------===*/

#include "fx/CAPI/FXMLIR.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t (*entry_point)(void *context, void *const *arguments,
                               void *const *results, const int64_t *sizes);
typedef int32_t (*result_sizes)(const int64_t *sizes, int64_t *results);

static void fail(const char *what) {
  printf("failed: %s\n", what);
  exit(1);
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  size_t capacity = 1 << 20;
  char *text = malloc(capacity);
  if (!file || !text)
    fail(path);
  *length = fread(text, 1, capacity, file);
  fclose(file);
  return text;
}

/* Compiles a file or prints the error and exits. */
static fx_module *compile(const char *path, const char *options) {
  size_t length;
  char *text = read_file(path, &length);
  char *error = NULL;
  fx_module *module = fx_compile_graph(text, length, options,
                                       options ? strlen(options) : 0, &error);
  free(text);
  if (!module) {
    printf("error: %s\n", error ? error : "without a text");
    fx_string_free(error);
    exit(1);
  }
  return module;
}

/* ISO C has no conversion from object to function pointers. */
static entry_point find(fx_module *module, const char *name) {
  void *address = fx_module_lookup(module, name);
  entry_point function;
  if (!address)
    fail(name);
  memcpy(&function, &address, sizeof(function));
  return function;
}

static void print(const char *name, const float *values, int count) {
  printf("%s:", name);
  for (int i = 0; i < count; ++i)
    printf(" %g", values[i]);
  printf("\n");
}

static void scale(const char *path) {
  fx_module *module = compile(path, NULL);
  entry_point function = find(module, "main");
  void *address = fx_module_lookup(module, "main_result_sizes");
  result_sizes shape;
  memcpy(&shape, &address, sizeof(shape));

  int64_t sizes[1] = {2}, shapes[2];
  if (shape(sizes, shapes))
    fail("main_result_sizes");
  printf("shape: %d x %d\n", (int)shapes[0], (int)shapes[1]);

  float input[6] = {0, 1, 2, 3, 4, 5}, output[6];
  void *arguments[1] = {input}, *results[1] = {output};
  if (function(NULL, arguments, results, sizes))
    fail("main");
  print("output", output, 6);

  if (fx_module_lookup(module, "forward"))
    fail("found a function that the module does not have");
  fx_module_destroy(module);
}

static void train(const char *path) {
  fx_module *module = compile(path, "{\"training\": true}");
  float x[6] = {1, 2, 3, 4, 5, 6}, weight[6] = {1, -1, 1, -1, 1, -1};
  float loss, seed = 1, gradient[6];
  bool mask[4];

  void *forward_arguments[2] = {x, weight};
  void *forward_results[2] = {&loss, mask};
  if (find(module, "forward")(NULL, forward_arguments, forward_results, NULL))
    fail("forward");
  print("loss", &loss, 1);

  void *backward_arguments[3] = {mask, &seed, x};
  void *backward_results[1] = {gradient};
  if (find(module, "backward")(NULL, backward_arguments, backward_results,
                               NULL))
    fail("backward");
  print("gradient of weight", gradient, 6);
  fx_module_destroy(module);
}

static void null_arguments(void) {
  char *error = NULL;
  if (fx_compile_graph(NULL, 5, NULL, 0, &error) || !error)
    fail("a graph that is NULL");
  printf("no graph: %s\n", error);
  fx_string_free(error);
  if (fx_compile_graph("{}", 2, NULL, 0, NULL) ||
      fx_check_graph(NULL, 5, NULL, 0, NULL))
    fail("an error that nobody asks for");
  fx_string_free(NULL);
  fx_module_destroy(NULL);
  printf("done\n");
}

/* Whether the text compiles; a refusal must have a text. */
static bool compiles(const char *text, size_t length) {
  char *error = NULL;
  fx_module *module = fx_compile_graph(text, length, NULL, 0, &error);
  if (!module && !(error && *error))
    fail("an error without a text");
  fx_string_free(error);
  fx_module_destroy(module);
  return module != NULL;
}

static void check(const char *path, const char *options) {
  size_t length;
  char *text = read_file(path, &length);
  char *error = NULL;
  char *answer = fx_check_graph(text, length, options,
                                options ? strlen(options) : 0, &error);
  printf("%s\n", answer ? answer : error);
  fx_string_free(answer);
  fx_string_free(error);
  free(text);
}

static void truncated(const char *path) {
  size_t length;
  char *text = read_file(path, &length);
  while (length && strchr("\n }", text[length - 1]))
    --length;
  for (size_t end = 0; end <= length; ++end)
    if (compiles(text, end))
      fail("the beginning of a graph compiles");
  printf("every beginning is refused\n");
  free(text);
}

/* A step that does not divide the length of a line. */
enum { damage_step = 7 };

static void damaged(const char *path) {
  static const char replacements[] = "\"0-[}:";
  size_t length;
  char *text = read_file(path, &length);
  unsigned refused = 0;
  for (size_t at = 0, round = 0; at < length; at += damage_step, ++round) {
    char original = text[at];
    text[at] = replacements[round % (sizeof(replacements) - 1)];
    refused += !compiles(text, length);
    text[at] = original;
  }
  printf("%s\n", refused ? "damaged graphs are refused" : "nothing is refused");
  if (!compiles(text, length))
    fail("the undamaged graph");
  free(text);
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (!strcmp(command, "null"))
    null_arguments();
  else if (argc < 3)
    fail("usage: fx-capi-test COMMAND GRAPH [OPTIONS]");
  else if (!strcmp(command, "describe")) {
    fx_module *module = compile(argv[2], argc > 3 ? argv[3] : NULL);
    printf("%s\n", fx_module_describe(module));
    fx_module_destroy(module);
  } else if (!strcmp(command, "check"))
    check(argv[2], argc > 3 ? argv[3] : NULL);
  else if (!strcmp(command, "statistics")) {
    fx_module *module = compile(argv[2], NULL);
    printf("%s\n", fx_module_statistics(module));
    fx_module_destroy(module);
  } else if (!strcmp(command, "scale"))
    scale(argv[2]);
  else if (!strcmp(command, "train"))
    train(argv[2]);
  else if (!strcmp(command, "truncated"))
    truncated(argv[2]);
  else if (!strcmp(command, "damaged"))
    damaged(argv[2]);
  else
    fail(command);
  return 0;
}
