"""What a search would do, and how long that takes."""

from pydantic import TypeAdapter

from tuner.cli.knobs import show_space
from tuner.report.method import protocol
from tuner.study.space import SearchSpace
from tuner.study.study import Settings
from tuner.target.spec import Target
from tuner.terminal import Output
from tuner.units import count, format_duration

_settings = TypeAdapter(Settings)
_space = TypeAdapter(SearchSpace)


def print_plan(settings: Settings, target: Target, output: Output) -> None:
    """Write the space that would be searched, how often something would be launched, and how long that takes."""
    space = target.space.pinned(settings.pinned)
    alone = [name for name in target.left_alone if name in settings.pinned]
    confirming = settings.launches - settings.budget
    seconds = settings.seconds
    asked = {"settings": _settings.dump_python(settings, mode="json"), "space": _space.dump_python(space, mode="json")}
    output.tell({**asked, "trials": settings.budget, "launches_to_confirm": confirming, "seconds": round(seconds)})
    show_space(space, alone, output)
    output.say(f"{count(settings.budget, 'trial')} and {confirming} launches to confirm")
    output.say(f"each: {protocol(settings.workload)}")
    output.say(f"limits: {settings.limits}")
    output.say(f"about {format_duration(seconds)}")
