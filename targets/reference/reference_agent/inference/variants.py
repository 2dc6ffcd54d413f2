"""Build a model at a chosen precision: `python -m reference_agent.inference.variants --help`."""

import logging
import os
import shutil
import tempfile
from pathlib import Path

from reference_agent.agents import AGENTS, PRECISIONS, Agent
from reference_agent.command_line import Parser, add_model_arguments, chosen_model, refuse
from reference_agent.errors import StartError
from reference_agent.inference.model import Model
from reference_agent.inference.resources import Resources


def build(agent: Agent, source: Path, precision: str, folder: Path) -> Path:
    """Write `folder`/model.onnx at `precision` and return its path; the file appears complete or not at all."""
    found = Model.load(agent, source, Resources()).description.precision
    if precision != found != "fp32":
        raise StartError(f"{source}: is {found} already and cannot become {precision}; give --model the fp32 model")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "model.onnx"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
        built = Path(scratch) / "model.onnx"
        if precision == found:
            shutil.copyfile(source, built)
        else:
            quantize(source, built)
            Model.load(agent, built, Resources())
        os.replace(built, target)
    return target


def quantize(source: Path, target: Path) -> None:
    """Write `source` with its matrix products in 8-bit integers; activations are scaled as they come."""
    # Imported late: half a second that a plain copy need not pay.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    logging.getLogger().setLevel(logging.ERROR)  # it recommends a preparation that changes nothing measurable here
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
    model = onnx.load(target)
    if not any(node.op_type == "MatMulInteger" for node in model.graph.node):
        raise StartError(f"{source}: holds no MatMul with constant weights, so there is nothing to quantize")
    metadata = {entry.key: entry.value for entry in model.metadata_props} | {"precision": "int8"}
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, target)


def main() -> None:
    """Write OUT/model.onnx, or end with one sentence when that cannot be done."""
    parser = Parser(prog="reference_agent.inference.variants", description=main.__doc__)
    add_model_arguments(parser)
    parser.add_argument("--precision", choices=PRECISIONS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    try:
        build(AGENTS[arguments.agent], chosen_model(arguments), arguments.precision, arguments.out)
    except (StartError, OSError) as error:
        refuse(parser.prog, str(error))


if __name__ == "__main__":
    main()
