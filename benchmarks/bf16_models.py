"""bfloat16 versions of models under torch.compile: eager, Inductor and fx_mlir.

All in one process, interleaved, CPU time of one thread, minimum of the rounds.
The error is that of the output, or of the worst gradient, against float64,
relative in the 2-norm. Needs the workloads of the CPU benchmark.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python benchmarks/bf16_models.py --workloads ../shared/bench
"""

import argparse
import copy
import sys
import time


def narrow(x):
    import torch

    return x.bfloat16() if x.is_floating_point() else x


def relative_error(got, want):
    return max(((x.double() - y.double()).norm() / y.double().norm()).item()
               for x, y in zip(got, want))


class Case:
    """A model in one type, for one mode."""

    def __init__(self, workload, model, inputs, train):
        self.workload, self.model, self.train = workload, model, train
        self.inputs = inputs
        model.train(train)

    def compiled(self, backend):
        import torch

        if self.train:
            step = lambda *xs: self.workload.loss(self.model(*xs))
        else:
            step = lambda *xs: self.model(*xs)
        torch._dynamo.reset()
        return step if backend == "eager" else torch.compile(step, backend=backend)

    def run(self, function):
        import torch

        if not self.train:
            with torch.no_grad():
                out = function(*self.inputs)
            return list(out) if isinstance(out, (tuple, list)) else [out]
        loss = function(*self.inputs)
        leaves = list(self.model.parameters())
        return [loss.detach(), *torch.autograd.grad(loss, leaves)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workloads", default="../shared/bench")
    parser.add_argument("--only", default="mlp,gpt2_like,resnet18")
    parser.add_argument("--modes", default="infer,train")
    parser.add_argument("--backends", default="eager,inductor,fx_mlir")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, options.workloads)

    import torch

    import fx_mlir  # noqa: F401
    from workloads import WORKLOADS

    torch.set_num_threads(1)
    backends = options.backends.split(",")
    for name in options.only.split(","):
        for mode in options.modes.split(","):
            workload = WORKLOADS[name]
            model, inputs, _ = workload.make()
            train = mode == "train"
            exact = Case(workload, copy.deepcopy(model).double(),
                         [x.double() if x.is_floating_point() else x
                          for x in inputs], train)
            want = exact.run(exact.compiled("eager"))
            case = Case(workload, model.bfloat16(), [narrow(x) for x in inputs],
                        train)
            functions, errors, best = {}, {}, {}
            state = copy.deepcopy(case.model.state_dict())
            for backend in backends:
                case.model.load_state_dict(state)
                functions[backend] = case.compiled(backend)
                errors[backend] = relative_error(case.run(functions[backend]),
                                                 want)
                best[backend] = float("inf")
            for _ in range(options.rounds):
                for backend, function in functions.items():
                    start = time.thread_time()
                    case.run(function)
                    best[backend] = min(best[backend],
                                        time.thread_time() - start)
            row = "  ".join(
                f"{b} {best[b] * 1e3:.2f} ms x{best[backends[0]] / best[b]:.2f} "
                f"error {errors[b]:.1e}" for b in backends)
            print(f"{name} {mode}: {row}", flush=True)


if __name__ == "__main__":
    main()
