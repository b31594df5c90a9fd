#!/usr/bin/env python3
"""Compares the graphs after our passes with those after Inductor's.

    tools/compare-with-inductor.py --zoo ../shared/zoo [--write] [MODEL…]

Dynamo and AOTAutograd trace each model for inference and for training, with
Inductor's decompositions. The graph before the joint passes goes through
Inductor's joint passes, partitioner and post-grad passes as installed, and
through ours; what stands after the joint passes, in the forward and in the
backward is counted by operator. So that one computation has one spelling, both
sides are read into fx, decomposed to its core operators (a mean is a sum and a
division, a split some slices) and written as FX again; dead nodes, sizes and
items of tuples are not counted. Control flow is cut out: what it takes are results
of the graph around it, what it gives are arguments, and each branch and body is a
graph of its own, with the passes that Inductor runs on it. Both sides are timed on
the same graphs: CPU seconds, the least of --runs.

Every difference needs an explanation in tools/inductor-differences.json; with
--write the page docs/InductorComparison.md is made anew. Exit status 1 if a
difference has none.
"""

import argparse
import collections
import contextlib
import copy
import fnmatch
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "0")
import torch
import torch._dynamo as dynamo
from torch._functorch.aot_autograd import aot_module_simplified

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("FX_MLIR_LIBRARY_DIR", str(ROOT / "build" / "lib"))
EXPLANATIONS = pathlib.Path(__file__).with_name("inductor-differences.json")
PAGE = ROOT / "docs" / "InductorComparison.md"
# Off by default (docs/Passes.md says why); here to compare the rules.
JOINT = "joint-graph{enable=fx-scale-softmax}"
FUSED = "joint-graph{enable=fx-scale-softmax,fx-fuse-attention}"
FLASH = "aten._scaled_dot_product_flash_attention_for_cpu"
POST = "post-grad{inference=%s}"
CORE = "func.func(fx-decompose{level=core keep-attention},fx-eliminate-dead-code)"


# -- Graphs


def name_of(target):
    if isinstance(target, torch._ops.OpOverload):
        return f"{target.namespace}.{target._schema.name.split('::')[1]}"
    if isinstance(target, torch._ops.OpOverloadPacket):
        return str(target)
    return getattr(target, "__name__", str(target))


# Integers, and constants, which one side may share.
UNCOUNTED = {"getitem", "aten.sym_size", "aten.sym_numel", "add", "mul", "sub", "floordiv"}


def count(module, pipeline=CORE, function=None):
    """The operators of a function of an fx module after passes."""
    import fx_mlir

    gm = fx_mlir.to_fx(module, function, pipeline)
    gm.graph.eliminate_dead_code()
    names = (name_of(n.target) for n in gm.graph.nodes if n.op == "call_function")
    return collections.Counter(name for name in names if name not in UNCOUNTED)


def is_control_flow(node):
    return isinstance(node.target, torch._ops.HigherOrderOperator)


def bodies(gm):
    """{name: graph} of the branches and bodies of control flow, nested ones too."""
    found = {}
    for node in gm.graph.find_nodes(op="get_attr"):
        body = getattr(gm, node.target)
        if isinstance(body, torch.fx.GraphModule):
            found[node.target] = body
            found |= {f"{node.target}.{name}": nested for name, nested in bodies(body).items()}
    return found


def tensors_of(arguments):
    found = []
    torch.fx.map_arg(arguments, lambda n: found.append(n) if isinstance(
        n.meta.get("val"), torch.Tensor) else None)
    return found


def cut(gm, num_fwd_outputs=None):
    """The graph without control flow, and the number of its forward's outputs."""
    output = gm.graph.output_node()
    nodes = [n for n in gm.graph.nodes if is_control_flow(n)]
    if not nodes and isinstance(output.args[0], (list, tuple)):
        return gm, num_fwd_outputs
    gm = torch.fx.GraphModule(gm, copy.deepcopy(gm.graph))
    graph, output = gm.graph, gm.graph.output_node()
    results = output.args[0]
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    split = len(results) if num_fwd_outputs is None else num_fwd_outputs
    forward, backward = results[:split], results[split:]
    arguments = graph.find_nodes(op="placeholder")
    tangents = {n for n in arguments if n.name.startswith("tangents")}
    late = set(tangents) if num_fwd_outputs is not None else set()
    for node in graph.nodes:
        if any(n in late for n in node.all_input_nodes):
            late.add(node)
    nodes = [n for n in graph.nodes if is_control_flow(n)]
    # Primals stand before tangents, and each has a gradient or none.
    last = {True: arguments[-1], False: [n for n in arguments if n not in tangents][-1]}

    def add_argument(name, like, is_late):
        with graph.inserting_after(last[is_late]):
            argument = graph.placeholder(("tangents_" if is_late else "") + name)
        argument.meta = dict(like.meta)
        last[is_late] = argument
        return argument

    needed = []
    for node in nodes:
        given = tensors_of((node.args, node.kwargs))
        if node in late:
            needed += [n for n in given if n in late]
        else:
            forward += given
    results = {item: add_argument(f"{item.name}_cut", item, node in late)
               for node in nodes for item in node.users}
    for node in needed:
        add_argument(f"{node.name}_needed", node, False)
    if backward:
        backward += [None] * sum(item not in late for item in results) + needed
    output.args = ([*forward, *backward],)
    for item, argument in results.items():
        item.replace_all_uses_with(argument)
        graph.erase_node(item)
    for node in nodes:
        graph.erase_node(node)
    graph.eliminate_dead_code()
    gm.recompile()
    return gm, None if num_fwd_outputs is None else len(forward)


def read(gm, **options):
    """A graph as an fx module."""
    from fx_mlir._graph_json import encode_graph

    gm, outputs = cut(gm, options.get("num_fwd_outputs"))
    if outputs is not None:
        options["num_fwd_outputs"] = outputs

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "graph.json"
        path.write_bytes(encode_graph(gm, **options).text)
        return run("fx-translate", "--import-fx-json", str(path)).stdout


# -- Inductor


class Record:
    """One graph of a model: what our compiler gets, and what Inductor makes."""

    def __init__(self, training, inference=None):
        # Whether there is a backward, and what the post-grad passes are told.
        self.training = training
        self.inference = not training if inference is None else inference
        self.module = None
        self.counts = {}
        self.seconds = collections.Counter()

    @contextlib.contextmanager
    def timed(self, stage):
        begin = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - begin


class Inductor:
    """A backend of torch.compile that runs Inductor's passes and no more."""

    def __init__(self, training, reads):
        self.training = training
        self.reads = reads
        self.records = []

    def __call__(self, gm, inputs):
        from torch._inductor import compile_fx
        from torch._inductor.decomposition import select_decomp_table

        record = Record(self.training)
        with record.timed("pre-grad"):
            gm = compile_fx._recursive_pre_grad_passes(gm, inputs)
        return aot_module_simplified(
            gm, inputs, decompositions=select_decomp_table(),
            fw_compiler=lambda g, i: self.compile(record, "forward", g, i),
            bw_compiler=lambda g, i: self.compile(record, "backward", g, i),
            inference_compiler=lambda g, i: self.infer(record, g, i),
            partition_fn=lambda g, i, **k: self.partition(record, g, i, **k),
            keep_inference_input_mutations=True)

    def joint(self, record, gm, **encode):
        from torch._inductor import compile_fx

        if self.reads:
            record.module = read(gm, **encode)
            record.bodies = {name: Record(False, not record.training)
                             for name in bodies(gm)}
            for name, body in bodies(gm).items():
                record.bodies[name].module = read(body)
        self.records.append(record)
        with record.timed("joint"):
            gm = compile_fx._recursive_joint_graph_passes(gm)
        if self.reads:
            record.counts["joint"] = count(read(gm, **encode))
            for name, body in bodies(gm).items():
                record.bodies[name].counts["joint"] = count(read(body))
            self.records.extend(record.bodies.values())
        return gm

    def partition(self, record, gm, inputs, *, num_fwd_outputs,
                  static_lifetime_input_indices=None, **kwargs):
        from torch._functorch.partitioners import min_cut_rematerialization_partition

        static = list(static_lifetime_input_indices or ())
        gm = self.joint(record, gm, num_fwd_outputs=num_fwd_outputs, static_inputs=static)
        return min_cut_rematerialization_partition(
            gm, inputs, compiler="inductor", num_fwd_outputs=num_fwd_outputs,
            static_lifetime_input_indices=static)

    def infer(self, record, gm, inputs):
        # Also in training, where nothing takes a gradient.
        record.training, record.inference = False, True
        return self.compile(record, "forward", self.joint(record, gm), inputs, inference=True)

    def compile(self, record, part, gm, inputs, inference=False):
        from functorch.compile import make_boxed_func
        from torch._inductor import compile_fx
        from torch._inductor.virtualized import V
        from torch._guards import detect_fake_mode

        compile_fx.view_to_reshape(gm)
        mode = detect_fake_mode(inputs)
        with torch.no_grad():
            mode = compile_fx.fake_tensor_prop(gm, inputs)
        with V.set_fake_mode(mode), record.timed("post-grad"):
            compile_fx._recursive_post_grad_passes(gm, is_inference=inference)
        if self.reads:
            record.counts[part] = count(read(gm))
            for name, body in bodies(gm).items():
                record.bodies[name].counts["forward"] = count(read(body))
        return make_boxed_func(self.stub(gm))

    def stub(self, gm):
        """Nothing is run: results of the right shapes are enough."""
        values = [n.meta.get("val") if isinstance(n, torch.fx.Node) else n
                  for n in gm.graph.output_node().args[0]]

        def call(*_):
            return [torch.zeros([int(s) if isinstance(s, int) else s.node.hint
                                 for s in v.shape], dtype=v.dtype)
                    if isinstance(v, torch.Tensor) else
                    v.node.hint if isinstance(v, torch.SymInt) else v for v in values]

        return call


def trace(case, training, reads=False):
    """Records of the graphs of a model; without `reads` only the times."""
    dynamo.reset()
    # Dynamo leaves modules of recurrent layers to eager otherwise.
    dynamo.config.allow_rnn = True
    inductor = Inductor(training, reads)
    module = case.module.train(training)
    for m in module.modules():
        if isinstance(m, torch.nn.Dropout) or "dropout" in vars(m):
            m.train(False) if isinstance(m, torch.nn.Dropout) else setattr(m, "dropout", 0.0)

    def step(*args, **kwargs):
        out = module(*args[:len(case.args)], **kwargs)
        return case.loss(out, *case.targets) if training else out

    with torch.set_grad_enabled(training):
        result = torch.compile(step, backend=inductor)(*case.args, **case.kwargs)
        if training and isinstance(result, torch.Tensor) and result.requires_grad:
            result.backward()
    return inductor.records


# -- Ours


def tool(name):
    return str(pathlib.Path(os.environ.get("FX_BUILD", ROOT / "build")) / "bin" / name)


def run(name, *arguments, text=None):
    done = subprocess.run([tool(name), *arguments], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[0][:200])
    return done


def ours(record, runs):
    """Counts by part, and the seconds of our stages."""
    module = record.module
    fused = count(module, FUSED)
    # Where Inductor finds no attention, fusing it would hide all else.
    alone = fused[FLASH] - record.counts["joint"][FLASH]
    joint = FUSED if record.counts["joint"][FLASH] else JOINT
    counts = {"joint": count(module, joint)}
    if record.training:
        split = f"{joint},fx-partition,{POST % 'false'}"
        for part in ("forward", "backward"):
            counts[part] = count(module, split, part)
    else:
        post = POST % str(record.inference).lower()
        counts["forward"] = count(module, f"{joint},{post}")
    flags = ["--pre-grad", f"--{joint.replace('{', '=').rstrip('}')}",
             *["--min-cut-partition"] * record.training,
             "--post-grad" + ("=inference" if record.inference else ""),
             # As compiled: no verifier between the passes.
             "--verify-each=0", "--mlir-timing", "--mlir-timing-display=list",
             "--mlir-disable-threading", "-o", os.devnull]
    best = min(stage_seconds(run("fx-opt", *flags, text=module).stderr)
               for _ in range(3 * runs))
    return counts, alone, best


def stage_seconds(report):
    """Seconds of all but reading, writing and the partitioner. The report has
    four digits: its total is the sum of what it shows as 0.0000, too."""
    lines = {name: float(seconds) for seconds, name in
             re.findall(r"([\d.]+) +\([ \d.]+%\) +(\w+)$", report, re.M)}
    return lines["Total"] - lines.get("Parser", 0) - lines.get("Output", 0) - sum(
        seconds for name, seconds in lines.items()
        if "Partition" in name or name == "EnsureJointGraphPass")


# -- The page


def differences(theirs, mine):
    """[(operator, theirs, ours)] where the numbers differ."""
    return [(name, theirs[name], mine[name]) for name in sorted(theirs.keys() | mine.keys())
            if theirs[name] != mine[name]]


def explain(explanations, model, part, name, theirs, mine):
    sign = "more" if mine > theirs else "fewer"
    for entry in explanations:
        if any(fnmatch.fnmatch(name, p) for p in entry["operators"]) and \
                entry.get("ours", sign) == sign and \
                part in entry.get("parts", [part]) and \
                any(fnmatch.fnmatch(model, p) for p in entry.get("models", ["*"])):
            return entry
    return None


def reason_of(error):
    """Dynamo wraps what a backend raises, and puts advice behind it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    wrapped = [i for i, line in enumerate(lines) if line.startswith("backend=")]
    return lines[wrapped[0] + 1 if wrapped else 0][:200] if lines else type(error).__name__


HEADER = """# Beside Inductor

Written by `tools/compare-with-inductor.py` from a run on {count} graphs of the model
zoo, PyTorch {torch}. For each model, inference and training: the graph that
AOTAutograd traces goes through Inductor's joint passes, partitioner and post-grad
passes, and through ours. The operators that are left after the joint passes, in
the forward and in the backward are counted, both sides written in core operators
of fx, without dead nodes, sizes and items of tuples. Control flow is cut out; its
branches and bodies are graphs of their own. Where Dynamo breaks a graph (a backward of
a while loop, sizes that depend on data) its parts are compared.

`fx-scale-softmax`, which is off by default ([Passes.md](Passes.md)), is on for this,
and `fx-fuse-attention` only where Inductor fuses; *fused* counts attention that
only we find.

Of {nodes} operators, {differing} numbers differ; {missing} of them are not explained below.
"""

TIME = """
## Time

CPU milliseconds of Inductor's pre-grad, joint and post-grad passes (Python; what
it does once in a process is done before), and milliseconds of our three stages on
the same graphs (all of `fx-opt --mlir-timing`, one thread, but reading, writing and
the partitioner; decompositions are in), the least of {runs} runs of one side, of
{more} of the other, in one process one after the other, other work on the machine.
All together: {theirs:.0f} ms and {ours:.0f} ms, a factor of {factor:.0f}; the least factor of a
model is {least:.0f}.
"""


def write_page(rows, skipped, explanations, used, missing, runs):
    theirs, mine = (sum(row[i] for row in rows) for i in (5, 6))
    text = HEADER.format(
        count=sum(row[1] for row in rows), torch=torch.__version__.split("+")[0],
        nodes=sum(row[2] for row in rows), differing=sum(len(row[3]) for row in rows),
        missing=missing)
    text += "\n## Differences\n\n| | verdict | operators | numbers | example: Inductor, ours | why |\n"
    text += "|---|---|---|---|---|---|\n"
    for entry in explanations:
        found = used[entry["name"]]
        if not found:
            continue
        kind, part, name, a, b = max(found, key=lambda f: abs(f[3] - f[4]))
        operators = sorted({f[2].split(".")[-1] for f in found})
        shown = ", ".join(operators[:8]) + (", …" if len(operators) > 8 else "")
        text += (f"| {entry['name']} | {entry['verdict']} | {shown} | {len(found)} | "
                 f"{name} in the {part} graph of {kind}: {a}, {b} | {entry['why']} |\n")
    text += TIME.format(runs=runs, more=3 * runs, theirs=theirs * 1e3, ours=mine * 1e3, factor=theirs / mine,
                        least=min(row[5] / row[6] for row in rows if row[6]))
    text += "\n## Models\n\n| model | graphs | operators | differ | fused | Inductor ms | ours ms |\n"
    text += "|---|---|---|---|---|---|---|\n"
    for kind, graphs, nodes, found, fused, a, b in rows:
        text += (f"| {kind} | {graphs} | {nodes} | {len(found)} | {fused or ''} | {a * 1e3:.0f} | "
                 f"{b * 1e3:.2f} |\n")
    if skipped:
        text += "\nNot compared:\n\n"
        for kind, reason in skipped:
            text += f"* {kind}: {reason}\n"
    PAGE.write_text(text)


def load_zoo(folder):
    spec = importlib.util.spec_from_file_location("zoo", folder / "zoo.py")
    zoo = importlib.util.module_from_spec(spec)
    sys.modules["zoo"] = zoo
    spec.loader.exec_module(zoo)
    return zoo


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--zoo", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    zoo = load_zoo(options.zoo)
    explanations = json.loads(EXPLANATIONS.read_text())
    rows, skipped, missing = [], [], 0
    used = collections.defaultdict(list)
    # What Inductor does once in a process is not counted.
    trace(zoo.make("mlp"), True), trace(zoo.make("mlp"), False)
    for model in options.models or zoo.REGISTRY:
        for training in (False, True):
            kind = f"{model} {'training' if training else 'inference'}"
            best = None
            try:
                for number in range(options.runs):
                    records = trace(zoo.make(model), training, reads=number == 0)
                    if number == 0:
                        graphs = records
                    seconds = sum(sum(r.seconds.values()) for r in records)
                    best = seconds if best is None else min(best, seconds)
                if not graphs:
                    raise RuntimeError("no graph")
                nodes = 0
                mine_seconds, fused = 0.0, 0
                found = []
                for record in graphs:
                    mine, alone, seconds = ours(record, options.runs)
                    mine_seconds += seconds
                    fused += alone
                    for part, theirs in record.counts.items():
                        nodes += sum(theirs.values())
                        for difference in differences(theirs, mine[part]):
                            found.append((part, *difference))
            except Exception as error:
                skipped.append((kind, reason_of(error)))
                print(f"{kind}: skipped: {skipped[-1][1]}", flush=True)
                continue
            unexplained = []
            for part, name, theirs, own in found:
                entry = explain(explanations, model, part, name, theirs, own)
                if entry is None:
                    unexplained.append((part, name, theirs, own))
                    missing += 1
                else:
                    used[entry["name"]].append((kind, part, name, theirs, own))
            rows.append((kind, len(graphs), nodes, found, fused, best, mine_seconds))
            print(f"{kind}: {nodes} nodes, {len(found)} differences, Inductor "
                  f"{best * 1e3:.0f} ms, ours {mine_seconds * 1e3:.1f} ms", flush=True)
            for part, name, theirs, own in unexplained:
                print(f"    {part} {name}: Inductor {theirs}, ours {own}", flush=True)
    if options.write:
        write_page(rows, skipped, explanations, used, missing, options.runs)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
