"""The report of a study as files: `index.html`, `trials.csv`, `report.json` and `summary.md`."""

from pathlib import Path

from tuner.errors import StorageError
from tuner.files import write_atomically
from tuner.report.advice import doubt_groups
from tuner.report.detail import detail
from tuner.report.effort import effort
from tuner.report.export import report_json, trials_csv
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
        reason = error.strerror or str(error)
        raise StorageError(f"the report cannot be written to {folder}: {reason}; choose another folder") from error
    return folder / "index.html"


def report_files(study: Study, folder: Path | None = None) -> dict[str, str]:
    """Make the texts of all files, the page last; `folder` is the study's, where its samples are to be found."""
    found = verdict(study)
    table, doubts, spent = rows(study, found), doubt_groups(study), effort(study)
    more = detail(study, found, table, folder)
    files = {
        "report.json": report_json(study, found, table, doubts, spent, more),
        "trials.csv": trials_csv(study, table),
        "summary.md": summary(study, found, table, doubts, spent),
    }
    files["index.html"] = page(study, found, table, doubts, spent, more, files)
    return files
