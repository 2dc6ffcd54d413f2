"""Is it up, is it ours, and is it what was asked for?"""

import time
from collections.abc import Mapping

import httpx

from tuner.measure.failed import LaunchError
from tuner.study.settings import without_user
from tuner.study.space import Configuration
from tuner.study.trial import FailureKind
from tuner.target.launch import Launch
from tuner.target.process import SupervisedProcess
from tuner.target.spec import Hot, Target
from tuner.terminal import clean

_POLL_SECONDS = 0.01
_REQUEST_SECONDS = 2.0


def wait(target: Target, launch: Launch, process: SupervisedProcess) -> bool:
    """Poll until the server is ready; return whether it showed the nonce of this launch."""
    deadline = time.monotonic() + target.timeouts.ready
    with httpx.Client(base_url=launch.url, timeout=_REQUEST_SECONDS, trust_env=False) as client:
        while time.monotonic() < deadline:
            if not process.running:
                raise LaunchError(FailureKind.START, f"the server ended before it was ready ({process.ending()})")
            answer = _get(client, target.ready)
            if answer is not None and answer.status_code == httpx.codes.OK:
                return _nonce(answer, launch)
            time.sleep(_POLL_SECONDS)
    seconds = f"{target.timeouts.ready:g} s"
    raise LaunchError(FailureKind.NOT_READY, f"GET {target.ready} was not answered with 200 within {seconds}")


def require_answer(url: str) -> None:
    """Make sure that a server of somebody else's answers at all."""
    try:
        httpx.get(url, timeout=_REQUEST_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = f"nothing answers at {without_user(url)} ({error})"
        reason = f"{told}: start the server, or correct --url; --target chooses the path"
        raise LaunchError(FailureKind.NOT_READY, reason) from None


def _get(client: httpx.Client, path: str) -> httpx.Response | None:
    try:
        return client.get(path)
    except httpx.HTTPError:
        return None


def _nonce(answer: httpx.Response, launch: Launch) -> bool:
    seen = answer.headers.get("x-launch-nonce")
    if seen is not None and seen != launch.nonce:
        raise LaunchError(FailureKind.INVALID, f"another process answers on {launch.url}")
    return seen is not None


def reconfigure(hot: Hot, launch: Launch, configuration: Configuration, seconds: float) -> None:
    """Tell a running server its hot knobs; raises when it does not take them within so many seconds."""
    knobs = {name: configuration[name] for name in hot.knobs}
    headers = {"Authorization": f"Bearer {launch.token}"}
    try:
        answer = httpx.put(launch.url + hot.path, json=knobs, headers=headers, timeout=seconds, trust_env=False)
    except httpx.HTTPError as error:
        raise LaunchError(FailureKind.MISMATCH, f"PUT {hot.path} was not answered ({error})") from None
    if not answer.is_success:
        status = f"{answer.status_code} {answer.reason_phrase}"
        raise LaunchError(FailureKind.MISMATCH, f"PUT {hot.path} was refused with {status}")


def require_told(hot: Hot, target: Target, said: Mapping[str, str]) -> None:
    """Make sure that the server says what became of its hot knobs: silence is no proof that it took them."""
    if silent := [name for name in hot.knobs if name not in said]:
        reason = f"GET {target.effective} does not say what {', '.join(silent)} became"
        raise LaunchError(FailureKind.MISMATCH, reason)


def effective(target: Target, url: str, configuration: Configuration) -> Mapping[str, str]:
    """Ask the server what it really does, and refuse it when a knob is not what was asked for."""
    if target.effective is None:
        return {}
    try:
        answer = httpx.get(url + target.effective, timeout=_REQUEST_SECONDS, trust_env=False)
        said = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise LaunchError(FailureKind.MISMATCH, f"GET {target.effective} gave no configuration: {error}") from None
    if not isinstance(said, dict):
        raise LaunchError(FailureKind.MISMATCH, f"GET {target.effective} gave no JSON object but {str(said)[:80]!r}")
    for name, asked in configuration.items():
        if name in said and said[name] != asked and str(said[name]) != str(asked):
            raise LaunchError(FailureKind.MISMATCH, f"{name} = {asked} was asked for, but the server runs {said[name]}")
    return {clean(name): clean(str(value)) for name, value in said.items()}
