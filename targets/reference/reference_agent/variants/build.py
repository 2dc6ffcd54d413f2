"""Build a variant of a model: `python -m reference_agent.variants.build --help`."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx

from reference_agent.command_line import Parser, add_model_arguments, number, refuse, whole
from reference_agent.errors import StartError
from reference_agent.inference.precision import Precision
from reference_agent.inference.resources import CPU
from reference_agent.variants.bases import base_models, chosen_rows
from reference_agent.variants.change import Change, copied
from reference_agent.variants.making import made
from reference_agent.variants.probe import compared, tried
from reference_agent.variants.rows import Rows, inputs_of, read_rows
from reference_agent.variants.source import Source, read
from reference_agent.variants.stated import metadata
from reference_agent.variants.variant import ENERGY, KEEP, Compression, Variant

NAME = "model.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A variant that was written, loaded and tried."""

    path: Path
    sha256: str
    precision: Precision
    compression: str
    """What was done here, or by the training."""
    seconds: float
    """To read, change, write and try it."""
    nodes: int
    """How many nodes of the source are other ones."""
    bytes_before: int
    bytes_after: int
    largest_difference: float
    """Between what source and variant answer to one row, on the CPU."""
    left: tuple[str, ...]
    """What was left as it was, and why."""


def build(
    path: Path,
    variant: Variant,
    folder: Path,
    *,
    rows: Path | None = None,
    provider: str = CPU,
    trained: str | None = None,
    longest: int = 0,
) -> Built:
    """Write `variant` of the model at `path` to `folder`/model.onnx; it appears complete and tried, or not at all.

    `trained` is how the training compressed the model, if it did. Its rows have at most `longest` elements, unless its
    metadata say so already.
    """
    began = time.perf_counter()
    source = read(path)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch, _about(path):
        given: Rows = read_rows(rows, inputs_of(source.model)) if rows else {}
        feeds, answer = tried(source.model, given, path)
        change = made(source.model, variant, given, provider)
        draft = Path(scratch) / NAME
        _write(source, _facts(source, variant, trained, longest), change, draft)
        content = draft.read_bytes()
        difference = compared(content, feeds, answer, path)
        os.replace(draft, folder / NAME)
    return Built(
        path=folder / NAME,
        sha256=hashlib.sha256(content).hexdigest(),
        precision=variant.precision,
        compression=trained or variant.compression,
        seconds=round(time.perf_counter() - began, 3),
        nodes=change.nodes,
        bytes_before=source.size,
        bytes_after=len(content),
        largest_difference=difference,
        left=change.left,
    )


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Name the model in what is wrong with it."""
    try:
        yield
    except StartError as error:
        text = str(error)
        raise StartError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def _facts(source: Source, variant: Variant, trained: str | None, longest: int) -> dict[str, str]:
    """What is true of the variant."""
    facts, known = variant.facts, metadata(source)
    if variant.compression is Compression.NONE:
        facts["compression"] = trained or Compression.NONE
    if (before := known.get("compression", facts["compression"])) != facts["compression"]:
        facts["source_compression"] = before  # what is asked for here is asked of the file that was given
    if longest and "max_length" not in known:
        facts["max_length"] = str(longest)
    return facts


def _write(source: Source, facts: dict[str, str], change: Change, target: Path) -> None:
    """Write a model with the metadata of its source and what is true of it now."""
    known = {"compression": str(Compression.NONE)} | metadata(source)
    if not change.nodes and source.single_file and facts.items() <= known.items():
        shutil.copyfile(source.path, target)
        return
    written = copied(change.model)
    onnx.helper.set_model_props(written, known | facts | {"source_sha256": source.sha256})
    onnx.save(written, target)


def _parser() -> Parser:
    parser = Parser(prog="reference_agent.variants.build", description="Write a variant of an ONNX model.")
    add_model_arguments(parser)
    add = parser.add_argument
    add("--precision", choices=[str(one) for one in Precision], required=True)
    add("--compression", default=Compression.NONE, help="none, low_rank, pruned, or how a bundled model was trained")
    add("--energy", type=number(0.01, 1), default=ENERGY, help="kept by low_rank (default: %(default)s)")
    add("--keep", type=number(0.01, 1), default=KEEP, help="share of units kept by pruned (default: %(default)s)")
    add("--calibration", default="", help="an .npz file of rows for int8_static; empty for those of the bundled agent")
    add("--longest", type=whole(0, 1 << 20), default=0, help="written as max_length, if the model has none; 0: not")
    add("--provider", default=CPU, help="what will compute it; matters for bf16 (default: %(default)s)")
    add("--out", type=Path, required=True, help="folder to write to")
    return parser


def main() -> None:
    """Write OUT/model.onnx and print what was built, or end with one sentence when that cannot be done."""
    parser = _parser()
    given = parser.parse_args()
    try:
        bases = base_models(given)
    except StartError as error:
        parser.error(str(error))
    if given.compression not in bases:
        parser.error(f"--compression {given.compression!r} is none of {', '.join(bases)}")
    trained = None if given.compression in [*Compression] else given.compression
    variant = Variant(
        precision=Precision(given.precision),
        compression=Compression.NONE if trained else Compression(given.compression),
        energy=given.energy,
        keep=given.keep,
    )
    rows = chosen_rows(given) if given.calibration or variant.precision is Precision.INT8_STATIC else None
    try:
        base = bases[given.compression]
        built = build(
            base, variant, given.out, rows=rows, provider=given.provider, trained=trained, longest=given.longest
        )
    except (StartError, OSError) as error:
        refuse(parser.prog, str(error))
    print(json.dumps(asdict(built), default=str))


if __name__ == "__main__":
    main()
