"""Our partitioner behind Inductor's front end and in front of its code
generator: `options={"custom_partitioner_fn": partition_for_inductor("…")}`."""

from torch._inductor.custom_graph_pass import CustomPartitionerFn

from ._partition import partition


class partition_for_inductor(CustomPartitionerFn):
    """`partition` with options, as Inductor takes it."""

    def __init__(self, options=None):
        self.options = options

    def __call__(self, gm, joint_inputs, **kwargs):
        return partition(gm, joint_inputs, options=self.options, **kwargs)

    def uuid(self):
        # Another library may partition in another way: nothing is cached.
        return None
