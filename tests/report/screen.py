"""What was written where somebody looks, and that it does nothing there."""

from io import StringIO

from rich.console import Console

from tuner.terminal import Output


class Screen(Output):
    """An output whose progress is kept: that of a terminal, or of a file."""

    def __init__(self, *, terminal: bool, width: int = 160) -> None:
        super().__init__()
        self._kept = StringIO()
        self._terminal = terminal
        self._width = width

    def progress(self) -> Console:
        return Console(
            file=self._kept, force_terminal=self._terminal, width=self._width, highlight=False, color_system=None
        )

    @property
    def text(self) -> str:
        return self._kept.getvalue()


def assert_inert(shown: str) -> None:
    """No escape sequence for a terminal, and no command for the log of a CI run."""
    assert "\x1b" not in shown
    assert "##[" not in shown
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("::")]
