"""`junit.xml`: one test case for each limit, for whatever shows the results of tests."""

import re
from xml.etree import ElementTree

from tuner.gate.effect import Effect, Ruling
from tuner.gate.result import Gate
from tuner.report.gate import words
from tuner.report.text import clean
from tuner.study.trial import Failure
from tuner.units import format_drop

# XML 1.0 has no way to write these, not even as a reference; `clean` shows all others that it has none for.
_IMPOSSIBLE = re.compile("[\ufffe\uffff]")


def junit(gate: Gate) -> str:
    """Write the gate as a suite: a regression is a failure, and what was not decided an error."""
    cases = [_limit(gate, effect) for effect in gate.effects]
    if gate.quality is not None:
        cases.append(_answers(gate))
    if gate.rounds and gate.failure is None:
        cases.append(_launches(gate))
    if gate.failure is not None:
        cases.append(_failed(gate.failure, gate))
    if gate.error is not None:
        cases.append(_ended_early(gate.error, gate))
    # All cases are judged by the same launches, so each has its share of their time.
    for case in cases:
        case.set("time", f"{gate.seconds / len(cases):.3f}")
    counts = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "error")}
    suite = ElementTree.Element(
        "testsuite",
        name=f"tuner gate {_text(words.target(gate))}",
        tests=str(len(cases)),
        failures=counts["failure"],
        errors=counts["error"],
        time=f"{gate.seconds:.3f}",
        timestamp=_text(gate.started),
    )
    suite.extend(cases)
    output = ElementTree.SubElement(suite, "system-out")
    output.text = _text(words.sentence(gate))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _limit(gate: Gate, effect: Effect) -> ElementTree.Element:
    limit = effect.limit
    case = _case(gate, f"{words.allowed(limit)} at {gate.settings.workload.target}")
    return _judged(gate, case, effect.ruling, f"{limit.figure} {words.change(effect)}")


def _answers(gate: Gate) -> ElementTree.Element:
    assert gate.quality is not None
    case = _case(gate, f"{gate.quality.basis} at most {format_drop(gate.settings.max_accuracy_drop)} less")
    return _judged(gate, case, gate.answers_ruling, words.compared_answers(gate))


def _launches(gate: Gate) -> ElementTree.Element:
    case = _case(gate, "launches fail no more often than the baseline's")
    return _judged(gate, case, gate.reliability.ruling, words.failed_alone(gate))


def _judged(gate: Gate, case: ElementTree.Element, ruling: Ruling | None, told: str) -> ElementTree.Element:
    """Say in a case why it did not pass, if it did not, and what would decide what is open."""
    if ruling is Ruling.REGRESSION:
        _said(case, "failure", ruling, told)
    elif ruling is Ruling.INCONCLUSIVE:
        _said(case, "error", ruling, ". ".join(filter(None, (told, words.ending(gate)))))
    return case


def _failed(failure: Failure, gate: Gate) -> ElementTree.Element:
    case = _case(gate, "the new one can be measured")
    _said(case, "failure", failure.kind, failure.reason).text = _text("\n".join(failure.log_tail))
    return case


def _ended_early(error: str, gate: Gate) -> ElementTree.Element:
    case = _case(gate, "both can be launched until it is decided")
    first, _, rest = error.partition("\n")
    _said(case, "error", "ended early", first).text = _text(rest)
    return case


def _case(gate: Gate, name: str) -> ElementTree.Element:
    classname = f"tuner.gate.{_text(words.target(gate))}"
    return ElementTree.Element("testcase", classname=classname, name=_text(name))


def _said(case: ElementTree.Element, kind: str, reason: str, message: str) -> ElementTree.Element:
    return ElementTree.SubElement(case, kind, type=_text(reason), message=_text(message))


def _text(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", clean(text))
