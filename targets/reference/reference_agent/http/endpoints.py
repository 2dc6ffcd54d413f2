"""What can be asked of an agent: a decision on a document, or scores for tensors."""

from typing import Any

import orjson
from starlette.requests import Request

from reference_agent.agents import AGENTS
from reference_agent.agents.agent import finite
from reference_agent.clock import clock
from reference_agent.dispatcher import Dispatcher
from reference_agent.errors import RequestError
from reference_agent.http import oip
from reference_agent.http.body import parse_json
from reference_agent.http.exchange import Call, Reply
from reference_agent.inference.description import Description
from reference_agent.queueing.job import Answer, Ticket
from reference_agent.settings import Settings


class Endpoints:
    """The endpoints that carry the load, over one dispatcher."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher) -> None:
        self._settings = settings
        self._agent = AGENTS[settings.agent]
        self._dispatcher = dispatcher

    async def decide(self, call: Call) -> Reply:
        """Answer a document with a decision."""
        self._dispatcher.require_open()
        description = await self._described()
        document = parse_json(await call.body())
        content, answers = await self._decision(document, call.ticket(self._settings.request_timeout_ms), description)
        return Reply(orjson.dumps(content), answers=answers)

    async def infer(self, call: Call) -> Reply:
        """Answer tensors with tensors."""
        self._dispatcher.require_open()
        description = self.model(call.path, await self._described())
        length, most_rows = call.headers.get(oip.JSON_LENGTH), self._settings.queue_capacity
        inference = oip.parse(await call.body(), length, self._agent, description, most_rows)
        ticket = call.ticket(self._settings.request_timeout_ms, inference.timeout)
        answers = await self._dispatcher.compute(inference.rows, ticket)
        return oip.answer(inference, answers, self._agent, description)

    async def read_job(self, request: Request) -> Any:
        """Read what was sent as a job, once it is known what can be answered."""
        await self._described()
        return parse_json(await Call(request.scope, request.receive).body())

    def check(self, document: Any) -> None:
        """Refuse a document that `run` could not answer."""
        description = self._dispatcher.known_description()
        assert description is not None, "a job is read once it is known what can be answered"
        self._agent.read(document, description.signature)

    async def run(self, document: Any) -> dict[str, Any]:
        """Answer a document that waited in the queue of jobs, and say where the time went."""
        content, answers = await self._decision(document, Ticket(clock()), await self._described())
        one = answers[0]
        return content | {"timing": {"queue": one.queued, "batch": one.held, "compute": one.computed}}

    def model(self, path: Any, description: Description) -> Description:
        """The description of the model that a path names."""
        model, version = path["model"], path.get("version")
        if model != self._agent.name or version not in (None, description.version):
            named = model if version is None else f"{model} version {version}"
            known = f"{self._agent.name} version {description.version}"
            raise RequestError(404, f"unknown model {named}, this server has {known}")
        return description

    async def _described(self) -> Description:
        return self._dispatcher.known_description() or await self._dispatcher.described()

    async def _decision(
        self, document: Any, ticket: Ticket, description: Description
    ) -> tuple[dict[str, Any], list[Answer]]:
        agent, signature = self._agent, description.signature
        row = agent.read(document, signature)
        answers = await self._dispatcher.compute([row], ticket)
        scores = finite(answers[0].scores, agent.scored(len(row) // signature.element_bytes, signature))
        decision = agent.decide(scores, document, signature)
        return {"agent": agent.name, **decision, "model_version": description.version}, answers
