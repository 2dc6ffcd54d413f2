"""How quantities are written, for the JSON Schema only: an editor knows patterns, and none of our parsers.

A schema must never refuse what is read; it cannot refuse all that is not, such as a ladder that falls.
"""

from tuner.study.objectives import SLO_METRICS

_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_UP_TO_100 = r"(0*([0-9]{1,2}(\.[0-9]*)?|100(\.0*)?)|\.[0-9]+)"
_BELOW_ONE = r"(0+(\.[0-9]*)?|\.[0-9]+)"
_TIME = rf"\s*{_NUMBER}\s*([uUµ]?[sS]|[mM][sS]|[mM]|[mM][iI][nN]|[hH])\s*"
_NOT_ZERO = r"(?!\s*[0.]+\s*[^0-9.\s])"
_PORT = r"0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_COUNT = r"\s*\+?[0_]*[1-9][0-9_]*\s*"
_RATE = r"\s*\+?[0-9.][0-9._]*([eE][+-]?[0-9_]+)?\s*"

DURATION = rf"^{_TIME}$"
SHARE = rf"^\s*({_UP_TO_100}\s*(%|[pP][tT])|{_BELOW_ONE})\s*$"
CHANGE = rf"^\s*[+\-−]\s*{_NUMBER}\s*%\s*$"
SLO = rf"^(none|({'|'.join(SLO_METRICS)})={_NOT_ZERO}{_TIME})$"
ADDRESS = rf"^.+:{_PORT}$"
USERS = rf"^{_COUNT}(,{_COUNT})*$"
RATES = rf"^{_RATE}(,{_RATE})*$"
