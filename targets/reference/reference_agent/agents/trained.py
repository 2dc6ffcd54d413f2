"""What the bundled agents have in common: models from the scripts in training/, with tensors that are known before."""

import json
from collections.abc import Mapping
from typing import ClassVar

from reference_agent.agents.agent import Agent
from reference_agent.agents.signature import Interface, Signature, Tensor
from reference_agent.errors import StartError


class Trained(Agent):
    """An agent whose models all take and give the same, and say in their metadata what only the training knew."""

    input: ClassVar[Tensor]
    output: ClassVar[Tensor]
    """Its size is None where it follows from the row, or from the labels."""
    limits: ClassVar[tuple[str, ...]] = ()
    """Whole numbers that the model's metadata must have."""

    def signature(self, interface: Interface, metadata: Mapping[str, str]) -> Signature:
        """Refuse other tensors, then read labels and limits."""
        self._check(interface)
        try:
            made_for = metadata["agent"]
            labels = tuple(map(str, json.loads(metadata["labels"])))
            limits = {name: int(metadata[name]) for name in self.limits}
        except (KeyError, ValueError, TypeError) as error:
            wanted = ", ".join(("agent", "labels", *self.limits))
            raise StartError(
                f"its metadata lack a sound {wanted} ({error!r}); export it as the scripts in training/ do"
            ) from None
        if made_for != self.name:
            raise StartError(f"is a model of the agent {made_for!r}, not of {self.name!r}; change --agent")
        return Signature(input=self.input, output=self.output, labels=labels, limits=limits)

    def _check(self, interface: Interface) -> None:
        if not (_fits(interface.inputs, self.input) and _fits(interface.outputs, self.output)):
            raise StartError(
                f"{interface}, but the agent {self.name!r} needs {self.input} and {self.output}; "
                "a classifier of your own is served with --agent custom"
            )
        sizes = zip((interface.batch, *interface.inputs[0].shape), (None, *self.input.shape), strict=True)
        fixed = [size for size, wanted in sizes if size is not None and wanted is None]
        if fixed:
            raise StartError(f"{self.input.name} has the fixed size {fixed[0]}; export it with free batch and length")


def _fits(tensors: tuple[Tensor, ...], wanted: Tensor) -> bool:
    """Whether there is one tensor, and it is the wanted one; sizes that follow from the labels may be fixed."""
    if len(tensors) != 1:
        return False
    (found,) = tensors
    sizes = zip(found.shape, wanted.shape, strict=False)
    return (found.name, found.datatype, len(found.shape)) == (wanted.name, wanted.datatype, len(wanted.shape)) and all(
        there in (size, None) or size is None for there, size in sizes
    )
