"""A turn of the agent: the model thinks in steps, calls tools, and ends in an answer or in a hand-off, never in silence."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from saasbot.agent.choice import KeyMissing, ModelChoice, choose_model
from saasbot.agent.context import ANSWER_FORMAT, company_texts, first_messages
from saasbot.agent.guard import unsupported_facts
from saasbot.agent.model import Completion, KeyRefused, ModelFailed, Models, Question
from saasbot.agent.tools import SCHEMAS, Toolbox
from saasbot.domain.actor import Actor
from saasbot.domain.agent.allowance import CUSTOMERS, Allowance
from saasbot.domain.agent.pause import still_paused
from saasbot.domain.agent.turn import Answer, HandOff, PausedReason, Turn, TurnRecord
from saasbot.infra.logging import get_logger
from saasbot.infra.text_input import storable, storable_json
from saasbot.models import AiSource

log = get_logger(__name__)

MAX_STEPS = 6
MAX_CALLS = 8
"""Tools of one step. A model that wants more has lost its way."""
DEADLINE = 45.0
"""Seconds of the whole turn."""
MAX_REPLY = 8_000
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Thought:
    """How a turn ended. `paused` says why no model could be asked: then the answer is a hand-off too."""

    answer: Answer
    record: TurnRecord
    paused: PausedReason | None = None
    details: str = ""


class _Decision(BaseModel):
    """The model's final words. Compatible servers may leave out or add what they like, except the reply."""

    model_config = ConfigDict(extra="ignore")

    reply: str
    action: str = "reply"
    intent: str = ""
    sentiment: str = ""


async def run_turn(
    turn: Turn, models: Models, *, deadline: float = DEADLINE, allowance: Allowance = CUSTOMERS
) -> Thought:
    """Think about the turn for at most `deadline` seconds. Reads the company's data, changes and sends nothing; counts what it takes
    of the platform's model.
    """
    record = TurnRecord()
    actor = replace(Actor.system(turn.company.id), locale=turn.company.locale, timezone=turn.company.timezone)
    toolbox = Toolbox(actor, turn, record)
    try:
        if still_paused(turn.company.ai):
            raise KeyRefused("not asked again so soon")
        choice = choose_model(turn.company, bot_model=turn.bot.model)
        record.model = choice.model
        async with asyncio.timeout(deadline):
            answer = await _think(turn, _Model(models, choice, turn.company.id, allowance), toolbox)
    except KeyMissing:
        return _paused(record, "key_missing")
    except KeyRefused as error:
        return _paused(record, "key_refused", str(error))
    except _AllowanceUsed:
        return _paused(record, "allowance_used")
    except ModelFailed as error:
        answer = _failed(record, error.reason, error.details)
    except TimeoutError:
        answer = _failed(record, "turn_timeout")
    except Exception as error:  # whatever broke, the customer must reach a person
        log.exception("agent.turn_broke", company_id=str(turn.company.id))
        answer = _failed(record, "internal_error", type(error).__name__)
    return Thought(answer, record)


def given_up() -> Thought:
    """The end of a turn that was begun too often and never finished."""
    record = TurnRecord()
    return Thought(_failed(record, "turn_crashed"), record)


class _AllowanceUsed(Exception):
    """The company has had of the platform's model what a day allows."""


@dataclass(frozen=True, slots=True)
class _Model:
    """The model of a turn, and from what it is paid."""

    models: Models
    choice: ModelChoice
    company_id: UUID
    allowance: Allowance

    async def ask(self, question: Question) -> Completion:
        """Of the platform's model each step takes its tokens first. Raises: KeyRefused, ModelFailed, _AllowanceUsed."""
        if self.choice.source != AiSource.PLATFORM:
            return await self.models.ask(self.choice, question)
        guess = 1 + len(json.dumps(question.messages, ensure_ascii=False)) // _CHARACTERS_A_TOKEN
        if not await self.allowance.take(self.company_id, guess):
            raise _AllowanceUsed
        completion = await self.models.ask(self.choice, question)
        used = completion.input_tokens + completion.output_tokens
        # not every server counts; then the guess stays, as it does where none answered, who may have worked all the same
        await self.allowance.settle(self.company_id, taken=guess, used=used or guess)
        return completion


async def _think(turn: Turn, model: _Model, toolbox: Toolbox) -> Answer:
    """The steps. Raises: KeyRefused, ModelFailed, _AllowanceUsed."""
    messages = first_messages(turn)
    corrected = False
    for step in range(1, MAX_STEPS + 1):
        question = Question(messages, SCHEMAS, ANSWER_FORMAT, tools_allowed=step < MAX_STEPS)
        completion = await model.ask(question)
        _trace_model(toolbox.record, model.choice, completion)
        if completion.tool_calls:
            messages += await _use_tools(toolbox, completion)
            if toolbox.hand_off is not None:
                return Answer(hand_off=toolbox.hand_off)
            continue
        decision = _decide(completion)
        problems = _check(turn, toolbox, decision)
        if not problems:
            return _answer(toolbox, decision)
        toolbox.record.steps.append({"kind": "guard", "problems": problems, "milliseconds": 0})
        if corrected:
            raise ModelFailed("unsupported_facts", ", ".join(problems)[:200])
        corrected = True
        messages += [{"role": "assistant", "content": completion.text}, _correction(problems)]
    raise ModelFailed("too_many_steps")


async def _use_tools(toolbox: Toolbox, completion: Completion) -> list[dict[str, Any]]:
    """The model's calls and their results, as messages. After a hand-off, or beyond the limit, nothing more is run."""
    kept = completion.tool_calls[:MAX_CALLS]
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in kept
    ]
    messages: list[dict[str, Any]] = [{"role": "assistant", "content": completion.text or None, "tool_calls": calls}]
    for call in kept:
        result = await toolbox.call(call)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        if toolbox.hand_off is not None:
            break
    return messages


def _decide(completion: Completion) -> _Decision:
    """The final words as a decision; servers that ignore the answer format just send text. Raises: ModelFailed."""
    text = completion.text.strip()
    fenced = text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    decision = _Decision(reply=text)
    if fenced.startswith("{"):
        try:
            decision = _Decision.model_validate(storable_json(json.loads(fenced)))
        except (ValueError, RecursionError):  # pydantic's ValidationError is a ValueError
            # half a JSON object must not reach a customer
            raise ModelFailed("model_bad_answer", completion.finish_reason) from None
    decision.reply = storable(decision.reply).strip()[:MAX_REPLY]
    if not decision.reply and decision.action != "hand_off":
        raise ModelFailed("model_bad_answer", "empty")
    return decision


def _check(turn: Turn, toolbox: Toolbox, decision: _Decision) -> list[str]:
    """Facts of the reply that the turn's data does not hold."""
    return unsupported_facts(decision.reply, [*company_texts(turn), *toolbox.results])[:5]


def _correction(problems: list[str]) -> dict[str, str]:
    listed = json.dumps(problems, ensure_ascii=False)
    return {
        "role": "user",
        "content": "(The shop's system, not the customer) These passages of your answer are not in the data of this turn: "
        f"{listed}. Look them up with a tool, or answer without them. If you cannot, hand off.",
    }


def _answer(toolbox: Toolbox, decision: _Decision) -> Answer:
    toolbox.record.intent = decision.intent[:80]
    toolbox.record.sentiment = decision.sentiment[:20]
    if decision.action == "hand_off":
        return Answer(text=decision.reply, hand_off=HandOff("bot_decided"))
    return Answer(text=decision.reply, photos=tuple(toolbox.photos))


def _trace_model(record: TurnRecord, choice: ModelChoice, completion: Completion) -> None:
    record.input_tokens += completion.input_tokens
    record.output_tokens += completion.output_tokens
    record.steps.append(
        {
            "kind": "model",
            "name": choice.model,
            "milliseconds": completion.milliseconds,
            "tries": completion.tries,
            "input_tokens": completion.input_tokens,
            "output_tokens": completion.output_tokens,
            "finish_reason": completion.finish_reason,
            "tools": [call.name[:60] for call in completion.tool_calls],
        }
    )


def _failed(record: TurnRecord, reason: str, details: str = "") -> Answer:
    record.steps.append({"kind": "error", "name": reason, "details": details[:300], "milliseconds": 0})
    return Answer(hand_off=HandOff(reason))


def _paused(record: TurnRecord, reason: PausedReason, details: str = "") -> Thought:
    return Thought(_failed(record, reason, details), record, paused=reason, details=details)
