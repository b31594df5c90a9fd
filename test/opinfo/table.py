"""The table of docs/OpInfo.md."""

import textwrap
from collections import Counter

STATUSES = ["native", "fallback", "refused", "uncaptured", "wrong", "error"]
RIGHT = ("native", "fallback")

_INTRODUCTION = """\
# Operators: PyTorch's OpInfo database

Written by `python test/opinfo/run.py --all --out docs/OpInfo.md`, which runs
the operators of `torch.testing._internal.common_methods_invocations.op_db`
through `torch.compile(backend="fx_mlir")` on the CPU, forward and gradient, and
compares with eager PyTorch. An operator's result is that of its worst sample.

| status | meaning |
|---|---|
| native | right; all of the graph is our code |
| fallback | right; some operators were run by ATen |
| refused | the backend says what it cannot compile |
| uncaptured | Dynamo gives no graph to a backend, or the graph that PyTorch traces has the same error or result when ATen runs it |
| wrong | a number, size or type differs from eager's |
| error | another exception, a crash, no end in the time given |

A number is right within the tolerances of `torch.testing.assert_close`, or if
it is as close to the result in 64 bits as eager's. Random operators and
uninitialised memory are compared by type and size. Which of equal elements
topk and kthvalue take does not count.

Of each operator up to {samples} were run, spread evenly over
those that OpInfo gives, without those of more than 20,000 elements.
"""


def _share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _summary(results, inductor):
    lines = ["## Summary", "",
             "| dtype | direction | operators | right | without fallback | "
             + " | ".join(STATUSES) + " |",
             "|---|---|---|---|---|" + "---|" * len(STATUSES)]
    groups = {}
    for (_, dtype, direction), result in results.items():
        if result["status"] != "none":
            groups.setdefault((dtype, direction), Counter())[
                result["status"]] += 1
    for (dtype, direction), counts in groups.items():
        whole = sum(counts.values()) - counts["uncaptured"]
        right = sum(counts[s] for s in RIGHT)
        lines.append(
            f"| {dtype} | {direction} | {sum(counts.values())} | "
            f"{_share(right, whole)} | {_share(counts['native'], whole)} | "
            + " | ".join(str(counts[s]) for s in STATUSES) + " |")
    lines += ["", "Shares are of the operators that Dynamo captures: Inductor "
              "gets the same graphs and,", "like us, has ATen run a part of "
              "them. What falls back is mostly linear algebra,", "Fourier "
              "transforms and complex numbers, and results whose size depends "
              "on data."]
    if inductor:
        lines += ["", "Of the operators that Inductor was run with and gets "
                  "right:", "",
                  "| dtype | direction | Inductor right | of these right here | "
                  "without fallback |", "|---|---|---|---|---|"]
        for dtype, direction in groups:
            keys = [k for k, r in inductor.items()
                    if k[1:] == (dtype, direction) and r["status"] == "native"
                    and results.get(k, {}).get("status", "uncaptured")
                    != "uncaptured"]
            right = sum(results[k]["status"] in RIGHT for k in keys)
            native = sum(results[k]["status"] == "native" for k in keys)
            if keys:
                lines.append(
                    f"| {dtype} | {direction} | {len(keys)} | "
                    f"{_share(right, len(keys))} | "
                    f"{_share(native, len(keys))} |")
    return lines


def _not_right(results):
    lines = ["## Wrong results and errors", ""]
    for status in ("wrong", "error"):
        for (name, dtype, direction), result in sorted(results.items()):
            if result["status"] == status:
                detail = result["detail"].replace("|", "\\|")
                detail = detail.replace("<", "&lt;")
                lines.append(f"* {status}: `{name}` {dtype} {direction}: "
                             f"{detail}")
    if len(lines) == 2:
        lines.append("None.")
    return lines


def _operators(results):
    columns = []
    for _, dtype, direction in results:
        if (dtype, direction) not in columns:
            columns.append((dtype, direction))
    rows = {}
    for (name, *column), result in results.items():
        if result["status"] != "none":
            rows.setdefault(name, {})[tuple(column)] = result["status"]
    names = sorted(rows, key=str.lower)
    native = [n for n in names if set(rows[n].values()) == {"native"}]
    lines = [f"## Native wherever they are defined ({len(native)})", ""]
    lines += textwrap.wrap(", ".join(f"`{n}`" for n in native), 80,
                           break_long_words=False, break_on_hyphens=False)
    lines += ["", "## Others", "",
              "n: native, f: fallback, r: refused, u: uncaptured, w: wrong, "
              "e: error.", "",
              "| operator | " + " | ".join(f"{dtype} {direction}"
                                           for dtype, direction in columns)
              + " |", "|---|" + "---|" * len(columns)]
    for name in names:
        if name not in native:
            cells = [rows[name].get(c, "")[:1] for c in columns]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def _samples(results):
    """How many samples were run, and of which types more than of others."""
    most = {}
    for (_, dtype, _), result in results.items():
        most[dtype] = max(most.get(dtype, 0), result["samples"])
    least = min(most.values(), default=0)
    more = [f"{dtype}: {n}" for dtype, n in most.items() if n > least]
    return f"{least} samples" + (f" ({', '.join(more)})" if more else "")


def markdown(results, inductor):
    """The page; `results` and `inductor` are what run.py keeps."""

    order = ["float32", "bfloat16", "int64", "bool"]
    results = dict(sorted(
        results.items(),
        key=lambda item: (order.index(item[0][1]), item[0][2], item[0][0])))
    parts = [_INTRODUCTION.format(samples=_samples(results)).split("\n"),
             ["PyTorch 2.13."], [""],
             _summary(results, inductor), [""], _not_right(results), [""],
             _operators(results)]
    return "\n".join(line for part in parts for line in part) + "\n"
