"""The language-model assessor: any provider that pydantic-ai speaks to, within time, number and money.

An answer that cites what does not exist, says what its facts do not say, breaks the form or contradicts the evidence
outright is sent back once with the reason; a second such answer is replaced by the built-in assessor's, marked so. When
the provider cannot be reached the last assessment stays.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.db.models import Sum
from pydantic import BaseModel, Field

from startdeliver.assessment.ai_settings import ai_settings, key_of
from startdeliver.assessment.evidence.collect import collect
from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.llm.citations import problems
from startdeliver.assessment.llm.prompt import SYSTEM, Mask, mask_of, user_prompt
from startdeliver.assessment.models import AiSettings, Assessor, ModelCall, Provider
from startdeliver.assessment.rules.assessor import assess
from startdeliver.assessment.statuses import LEVELS, Status
from startdeliver.assessment.verdict import Outcome, Statement, Verdict
from startdeliver.assessment.wording import count
from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization

log = logging.getLogger(__name__)

_PEOPLE = 300
_ATTEMPTS = 2
_ANSWER_TOKENS = 900
# What the model may see differently from the built-in rules; beyond it, it has overlooked or obeyed something.
_LEEWAY = 2


class Said(BaseModel):
    """A statement with the ids of the facts that it rests on."""

    text: str = Field(min_length=3, max_length=500)
    evidence: list[str] = Field(min_length=1, max_length=12)


class Answer(BaseModel):
    """What the model has to answer."""

    status: Literal["Strongly Thriving", "Actively Engaged", "Neutral", "Needs Attention", "At Risk"]
    summary: list[Said] = Field(min_length=1, max_length=2)
    action: Said
    analysis: list[Said] = Field(default_factory=list, max_length=20)


class ProviderError(Exception):
    """The provider could not be asked; the message is a sentence for the administrator."""


@dataclass
class _Purse:
    """What may still be spent today, shared by the requests under way."""

    calls_left: int
    money_left: Decimal | None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, estimate: Decimal) -> bool:
        async with self.lock:
            if self.calls_left < 1 or (self.money_left is not None and self.money_left < estimate):
                return False
            self.calls_left -= 1
            if self.money_left is not None:
                self.money_left -= estimate
            return True


@dataclass
class _Call:
    """How one customer's request went."""

    evidence: Evidence
    outcome: Outcome
    result: str = ""
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


def assess_all(
    organization: Organization, stored: AiSettings, due: list[Evidence], assessed: set[int]
) -> list[Outcome]:
    """An outcome for each evidence, in order. `assessed`: customers that have an assessment, which may stay."""
    with organization_work(organization):
        people: dict[int, list[str]] = {}
        rows = CustomerUser.objects.filter(customer__in=[evidence.customer_id for evidence in due]).exclude(name="")
        for customer, name in rows.values_list("customer_id", "name"):
            names = people.setdefault(customer or 0, [])
            if len(names) < _PEOPLE:
                names.append(name)
        purse = _purse(organization, stored)
        try:
            model = build_model(stored)
        except ProviderError as error:
            return [_unreachable(evidence, assessed, str(error)) for evidence in due]
        calls = asyncio.run(_ask_all(model, stored, due, people, purse, assessed))
        _record(organization, stored, calls)
        return [call.outcome for call in calls]


def build_model(stored: AiSettings) -> Any:
    """The model of these settings. Raises ProviderError when it cannot be made."""
    try:
        key = key_of(stored)
    except DecryptionError:
        raise ProviderError(
            "The stored API key cannot be decrypted, so the language model was not asked. Enter the key again in "
            "Settings → AI."
        ) from None
    try:
        if stored.provider == Provider.ANTHROPIC:
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            return AnthropicModel(
                stored.model, provider=AnthropicProvider(api_key=key or "none", base_url=stored.base_url or None)
            )
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        # A server of one's own often needs no key, the client insists on one.
        return OpenAIChatModel(
            stored.model, provider=OpenAIProvider(base_url=stored.base_url or None, api_key=key or "none")
        )
    except ImportError:
        raise ProviderError(
            "The language model needs the package's extra [llm], which is not installed here. The operator installs it "
            "with pip install 'startdeliver[llm]'."
        ) from None


async def _ask_all(
    model: Any, stored: AiSettings, due: list[Evidence], people: dict[int, list[str]], purse: _Purse, assessed: set[int]
) -> list[_Call]:
    gate = asyncio.Semaphore(stored.concurrency)

    async def ask(evidence: Evidence) -> _Call:
        async with gate:
            return await _ask(model, stored, evidence, people.get(evidence.customer_id, []), purse, assessed)

    return list(await asyncio.gather(*(ask(evidence) for evidence in due)))


async def _ask(
    model: Any, stored: AiSettings, evidence: Evidence, people: Iterable[str], purse: _Purse, assessed: set[int]
) -> _Call:
    from pydantic_ai.exceptions import AgentRunError, ModelHTTPError, UnexpectedModelBehavior, UserError

    if not evidence.facts:
        # There is nothing to ask about.
        return _Call(evidence, Outcome(assess(evidence)))
    mask = mask_of(stored, evidence, people)
    prompt = user_prompt(stored, evidence, mask)
    if not await purse.take(_cost(stored, (len(SYSTEM) + len(prompt)) // 3, _ANSWER_TOKENS)):
        return _Call(evidence, _unreachable(evidence, assessed, "Today's budget for the language model is used up."))
    call = _Call(evidence, Outcome(None))
    started = time.monotonic()
    for attempt in range(_ATTEMPTS):
        usage = _new_usage()
        try:
            answer = await asyncio.wait_for(_run(model, evidence, mask, prompt, usage), stored.timeout_seconds)
            call.result = "accepted"
            call.outcome = Outcome(_verdict(answer, evidence, mask), Assessor.MODEL, stored.model)
        except UnexpectedModelBehavior as error:
            call.result, call.reason = "rejected", _reason(error)
            call.outcome = Outcome(
                assess(evidence),
                note=f"The built-in assessor stands in: the language model's answer was rejected twice. {call.reason}",
            )
        except (AgentRunError, UserError, TimeoutError, OSError) as error:
            call.result, call.reason = "failed", _sentence(error, stored)
            call.outcome = _unreachable(evidence, assessed, call.reason)
            final = (
                isinstance(error, ModelHTTPError)
                and error.status_code not in (408, 409, 429)
                and (error.status_code < 500)
            )
            _count(call, usage)
            if final or attempt + 1 == _ATTEMPTS:
                break
            await asyncio.sleep(0.2 * 2**attempt)
            continue
        _count(call, usage)
        break
    call.seconds = time.monotonic() - started
    return call


async def _run(model: Any, evidence: Evidence, mask: Mask, prompt: str, usage: Any) -> Answer:
    from pydantic_ai import Agent, ModelRetry

    agent: Any = Agent(model, output_type=Answer, instructions=SYSTEM, retries=1)

    @agent.output_validator  # type: ignore[untyped-decorator]
    def covered(answer: Answer) -> Answer:
        wrong = wrongs(answer, evidence, mask)
        if wrong:
            raise ModelRetry("Your answer was rejected. " + " ".join(wrong[:8]))
        return answer

    result = await agent.run(prompt, usage=usage)
    answer: Answer = result.output
    return answer


def wrongs(answer: Answer, evidence: Evidence, mask: Mask) -> list[str]:
    """Why this answer cannot be taken, each reason a sentence; empty when it can."""
    reasons: list[str] = []
    for said in [*answer.summary, answer.action, *answer.analysis]:
        reasons += problems(mask.show(said.text), said.evidence, evidence.by_id)
    own = assess(evidence)
    distance = abs(LEVELS[_status(answer.status)] - LEVELS[own.status])
    if distance > _LEEWAY:
        reasons.append(
            f"The status {answer.status} contradicts the facts, of which the clearest is: {own.summary[0].text}"
        )
    return list(dict.fromkeys(reasons))


def _verdict(answer: Answer, evidence: Evidence, mask: Mask) -> Verdict:
    own = assess(evidence)
    signals: list[dict[str, object]] = [
        {"area": "model", "weight": "said", "text": mask.show(said.text), "facts": said.evidence}
        for said in answer.analysis
    ]
    facts = [signal for signal in own.analysis if signal["weight"] != "verdict"]
    return Verdict(
        _status(answer.status),
        tuple(Statement(mask.show(said.text), tuple(said.evidence)) for said in answer.summary),
        (Statement(mask.show(answer.action.text), tuple(answer.action.evidence)),),
        (*signals, *facts),
        own.concerns,
    )


def _status(label: str) -> str:
    return next(status.value for status in Status if status.label == label)


def _unreachable(evidence: Evidence, assessed: set[int], why: str) -> Outcome:
    """The last assessment stays; a customer without one gets the built-in assessor's for the time being."""
    if evidence.customer_id in assessed:
        return Outcome(None, note=why, final=False)
    return Outcome(assess(evidence), note=f"The built-in assessor stands in. {why}", final=False)


def _sentence(error: BaseException, stored: AiSettings) -> str:
    from pydantic_ai.exceptions import ModelHTTPError

    if isinstance(error, TimeoutError):
        return f"The language model did not answer within {count(stored.timeout_seconds, 'second')}."
    if isinstance(error, ModelHTTPError):
        status = error.status_code
        if status in (401, 403):
            return "The provider refused the API key. Enter a valid one in Settings → AI."
        if status == 404:
            return f"The provider does not know the model {stored.model}. Check its name in Settings → AI."
        if status == 429:
            return "The provider's rate limit or quota is used up."
        return f"The provider answered with an error (HTTP {status})."
    return "The language model could not be reached. Check the address in Settings → AI."


def _reason(error: BaseException) -> str:
    cause = error.__cause__
    text = str(cause or error)
    return " ".join(text.split())[:300]


def _new_usage() -> Any:
    from pydantic_ai.usage import RunUsage

    return RunUsage()


def _count(call: _Call, usage: Any) -> None:
    call.input_tokens += usage.input_tokens or 0
    call.output_tokens += usage.output_tokens or 0


def _cost(stored: AiSettings, input_tokens: int, output_tokens: int) -> Decimal:
    return (Decimal(input_tokens) * stored.input_price + Decimal(output_tokens) * stored.output_price) / 1_000_000


def _purse(organization: Organization, stored: AiSettings) -> _Purse:
    today = ModelCall.objects.filter(day=clock.today(organization.time_zone))
    spent = today.aggregate(total=Sum("cost"))["total"] or Decimal(0)
    money = None if stored.daily_budget is None else stored.daily_budget - spent
    return _Purse(max(stored.daily_calls - today.count(), 0), money)


def _record(organization: Organization, stored: AiSettings, calls: list[_Call]) -> None:
    day = clock.today(organization.time_zone)
    ModelCall.objects.bulk_create(
        ModelCall(
            organization=organization,
            customer_id=call.evidence.customer_id,
            day=day,
            model_name=stored.model,
            input_tokens=call.input_tokens,
            output_tokens=call.output_tokens,
            cost=_cost(stored, call.input_tokens, call.output_tokens),
            seconds=call.seconds,
            outcome=call.result,
            reason=call.reason[:500],
        )
        for call in calls
        if call.result
    )


def preview(customer: Customer) -> str:
    """Exactly what would be sent about `customer` under the present settings, for the administrator to read."""
    organization = customer.organization
    stored = ai_settings(organization)
    with organization_work(organization):
        people = list(CustomerUser.objects.filter(customer=customer).exclude(name="").values_list("name", flat=True))
        evidence = next(iter(collect(organization, [customer.pk])), Evidence.of(customer.pk, []))
    return f"{SYSTEM}\n\n{user_prompt(stored, evidence, mask_of(stored, evidence, people[:_PEOPLE]))}"


def try_out(organization: Organization) -> str:
    """Asks the model about an invented customer and says in a sentence that it works. Raises ProviderError."""
    stored = ai_settings(organization)
    if not stored.provider:
        raise ProviderError("No provider is chosen, so the built-in assessor does all the work.")
    facts = [
        Fact("support.open", 1, "1 ticket is open."),
        Fact("support.tickets", {"recent": 1, "before": 0, "all": 1}, "1 ticket was opened in the last 30 days."),
    ]
    evidence = Evidence.of(0, facts)
    purse = _Purse(1, None)
    call = asyncio.run(_ask(build_model(stored), stored, evidence, [], purse, {0}))
    if call.result == "accepted":
        return f"{stored.model} answered in {call.seconds:.1f} seconds, in the right form."
    raise ProviderError(call.outcome.note or call.reason)
