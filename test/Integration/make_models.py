"""Writes Inputs/<model>/: programs of PyTorch, and PyTorch's own answers.

    python3 make_models.py [NAME …]

    fwd.pt2       training IR of the module in evaluation mode
    train.pt2     training IR of (inputs, targets) -> loss in training mode
    fwd.npz       in_<k>, out_<k>
    train.npz     in_<k> (inputs, then targets), loss, grad_<parameter>,
                  mut_<buffer>
"""

import copy
import re
import sys
from pathlib import Path

import numpy as np
import torch
from models import BUILDERS, TrainingStep, build

HERE = Path(__file__).resolve().parent


def save_program(program, path):
    """Saves with the last Python line of each node and no other metadata."""
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            trace = node.meta.get("stack_trace", "")
            frames = re.findall(r'File "([^"]*)", line (\d+), in (\w+)', trace)
            for key in ("from_node", "torch_fn", "source_fn_stack", "nn_module_stack", "stack_trace"):
                node.meta.pop(key, None)
            own = [frame for frame in frames if Path(frame[0]).parent == HERE]
            if own:
                file, line, name = own[-1]
                node.meta["stack_trace"] = f'  File "{Path(file).name}", line {line}, in {name}\n'
    program._example_inputs = None
    torch.export.save(program, path)


def leaves(value):
    return [x for x in torch.utils._pytree.tree_leaves(value) if isinstance(x, torch.Tensor)]


def arrays(prefix, tensors):
    return {f"{prefix}{k}": tensor.detach().numpy() for k, tensor in enumerate(tensors)}


def make(name):
    folder = HERE / "Inputs" / name
    folder.mkdir(parents=True, exist_ok=True)

    case = build(name)
    module = case.module.eval()
    program = torch.export.export(module, case.inputs, dynamic_shapes=case.dynamic_shapes)
    save_program(program, folder / "fwd.pt2")
    outputs = leaves(module(*case.inputs))
    np.savez(folder / "fwd.npz", **arrays("in_", case.inputs), **arrays("out_", outputs))

    step = TrainingStep(case).train()
    inputs = case.inputs + case.targets
    shapes = (case.dynamic_shapes,) if case.dynamic_shapes else None
    program = torch.export.export(step, inputs, dynamic_shapes=shapes)
    save_program(program, folder / "train.pt2")
    reference = copy.deepcopy(step)
    before = {k: v.clone() for k, v in reference.named_buffers()}
    loss = reference(*inputs)
    loss.backward()
    results = {"loss": loss.detach().numpy()}
    # Once for each parameter, under the first of its names.
    for key, parameter in reference.named_parameters():
        if parameter.grad is not None:
            results[f"grad_{key}"] = parameter.grad.numpy()
    for key, buffer in reference.named_buffers():
        if not torch.equal(buffer, before[key]):
            results[f"mut_{key}"] = buffer.numpy()
    np.savez(folder / "train.npz", **arrays("in_", inputs), **results)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for model in sys.argv[1:] or BUILDERS:
        make(model)
        print(model)
