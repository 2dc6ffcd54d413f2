"""The report of a study as files: `index.html`, `trials.csv`, `report.json` and `summary.md`."""

import json
from pathlib import Path

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.report.advice import doubt_groups
from tuner.report.detail import detail
from tuner.report.effort import effort
from tuner.report.export_csv import trials_csv
from tuner.report.export_json import report_document
from tuner.report.page import page
from tuner.report.rows import rows
from tuner.report.summary import summary
from tuner.report.verdict import verdict
from tuner.study.study import Study


def write_report(study: Study, folder: Path) -> Path:
    """Write the report into `folder`, where the samples lie, and return its page; a reader never sees half a file."""
    files = report_files(study, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomically(folder / name, text)
    except OSError as error:
        reason = f"the report cannot be written to {folder}: {error.strerror or error}"
        raise StorageError(f"{reason}; make it writable, or copy the study and report on the copy") from error
    return folder / "index.html"


def report_files(study: Study, folder: Path | None = None) -> dict[str, str]:
    """Make the texts of all files, the page last; `folder` is the study's, where its samples are to be found."""
    found = verdict(study)
    doubts = doubt_groups(study, found.chosen.trial if found.chosen else None)
    table, spent = rows(study, found), effort(study)
    more = detail(study, found, table, folder)
    document, sheet = report_document(study, found, table, doubts, spent, more), trials_csv(study, table)
    return {
        "report.json": json.dumps(document, indent=1, allow_nan=False) + "\n",
        "trials.csv": sheet,
        "summary.md": summary(study, found, table, doubts, spent),
        "index.html": page(study, found, table, doubts, spent, more, document, sheet),
    }
