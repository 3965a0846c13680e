"""A company's own settings: who may change what, and that nobody else's can be reached."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.domain.companies import ai, notices, onboarding, policies, profile
from saasbot.domain.companies.profile import CompanyChanges
from saasbot.domain.reports import read_attention
from saasbot.infra import db
from saasbot.infra.crypto import place, unseal
from saasbot.infra.db import run, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.settings import settings
from saasbot.models import AiSource, Company
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt

KEY = "sk-test-0123456789abcdefWXYZ"


def published() -> list[dict[str, Any]]:
    """The events of the unit of work that is open, as they will be told."""
    return list(db.current().notes.get("events", {}).values())


async def open_notices(actor: Actor) -> list[str]:
    """Their kinds, newest first."""
    return [notice.kind for notice in (await read_attention(actor)).notices]


async def test_a_profile_changes_field_by_field(alice: Actor):
    async with unit_of_work(alice):
        await profile.update_company(alice, CompanyChanges(industry="Zapatería", timezone="America/Lima"))
        assert [event["k"] for event in published()] == ["company"]
    async with unit_of_work(alice):
        company = await profile.get_company(alice)
    assert (company.name, company.industry, company.timezone) == ("Zapatería Sur", "Zapatería", "America/Lima")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 121},
        {"description": "x" * 4_001},
        {"locale": "fr"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"currency": "XYZ1"},
        {"currency": "ars"},
    ],
)
async def test_what_cannot_be_is_named_by_its_field(alice: Actor, changes: dict[str, str]):
    with pytest.raises(InvalidInput) as error:
        async with unit_of_work(alice):
            await profile.update_company(alice, CompanyChanges(**changes))
    assert error.value.field == next(iter(changes))


async def test_an_agent_reads_and_changes_nothing(bob: Actor):
    async with unit_of_work(bob):
        assert (await profile.get_company(bob)).name == "Zapatería Sur"
        for attempt in (
            profile.update_company(bob, CompanyChanges(name="Bob's")),
            profile.set_bot_enabled(bob, enabled=False),
            profile.set_logo(bob, None),
            policies.put_policies(bob, {"shipping": "x"}),
            ai.set_openai(bob, api_key=KEY),
            ai.choose_source(bob, AiSource.DEMO),
            onboarding.mark_step(bob, "company", "done"),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_an_admin_changes_all_but_the_key(charlie: Actor):
    async with unit_of_work(charlie):
        await profile.set_bot_enabled(charlie, enabled=False)
        with pytest.raises(Forbidden):
            await ai.set_openai(charlie, api_key=KEY)


async def test_the_key_is_sealed_for_its_row(alice: Actor):
    async with unit_of_work(alice):
        shown = await ai.set_openai(alice, api_key=f" {KEY} ", model="gpt-4.1-mini")
    assert (shown.source, shown.api_key_set, shown.api_key_last4) == (AiSource.OWN_KEY, True, "WXYZ")
    assert KEY not in repr(shown)
    async with unit_of_work(alice):
        company = await profile.get_company(alice)
    assert company.openai_key_sealed is not None
    assert KEY.encode() not in company.openai_key_sealed
    assert unseal(company.openai_key_sealed, place("company", "openai_key_sealed", company.id)) == KEY


async def test_a_key_that_is_left_out_stays_and_an_empty_one_goes(alice: Actor):
    async with unit_of_work(alice):
        await ai.set_openai(alice, api_key=KEY)
        kept = await ai.set_openai(alice, model="other-model")
        gone = await ai.set_openai(alice, api_key="")
    assert (kept.api_key_set, kept.model) == (True, "other-model")
    assert (gone.api_key_set, gone.api_key_last4, gone.source) == (False, None, AiSource.NONE)


@attempt(253, "secrets", "The stored key is sent to another address, by whoever has a session of the owner's.")
async def test_another_address_wants_the_key_as_well(alice: Actor):
    ours, theirs = "https://models.example/v1", "https://thief.example/v1"
    async with unit_of_work(alice):
        assert (await ai.set_openai(alice, base_url=ours)).base_url == ours, "while there is no key"
        await ai.set_openai(alice, api_key=KEY)
    for other in (theirs, "", "https://models.example"):
        with pytest.raises(InvalidInput) as error:
            async with unit_of_work(alice):
                await ai.set_openai(alice, base_url=other, model="m")
        assert error.value.field == "api_key"
        with pytest.raises(InvalidInput) as error:
            async with unit_of_work(alice):
                await ai.own_key(alice, base_url=other)
        assert error.value.field == "api_key"
    async with unit_of_work(alice):
        kept = ai.openai_settings(await profile.get_company(alice))
        assert (kept.base_url, kept.model) == (ours, None)
        for same in (ours, f" {ours}/ "):
            assert (await ai.set_openai(alice, base_url=same)).base_url == ours
            assert await ai.own_key(alice, base_url=same) == KEY
        moved = await ai.set_openai(alice, base_url=theirs, api_key=KEY + "2")
        assert (moved.base_url, moved.api_key_last4) == (theirs, "XYZ2")
        gone = await ai.set_openai(alice, base_url=ours, api_key="")
    assert (gone.base_url, gone.api_key_set) == (ours, False)


async def test_a_new_key_is_tried_at_once(alice: Actor):
    async with unit_of_work(alice):
        await run(update(Company).values(ai_paused_reason="key_refused", ai_paused_at=utcnow()))
        await ai.set_openai(alice, api_key=KEY)
        company = await profile.get_company(alice)
        await db.session().refresh(company)
    assert company.ai_paused_at is None


@pytest.mark.parametrize("key", ["ollama", "sk-test"])
async def test_a_server_of_ones_own_is_content_with_a_word(alice: Actor, key: str):
    async with unit_of_work(alice):
        assert (await ai.set_openai(alice, api_key=key)).api_key_last4 == key[-4:]


@pytest.mark.parametrize("key", ["short", "has a space in it", "ñandú-ñandú-ñandú", "x" * 301, "line\nbreak-line"])
async def test_what_is_no_key_is_refused(alice: Actor, key: str):
    async with unit_of_work(alice):
        with pytest.raises(InvalidInput) as error:
            await ai.set_openai(alice, api_key=key)
    assert error.value.field == "api_key"
    assert key not in error.value.sentence


@pytest.mark.parametrize(
    "url",
    ["http://a.example", "https://", "https://u:p@a.example", "https://a.example/?x=1", "https://a.example:99999", "x"],
)
async def test_an_address_is_https_and_plain(alice: Actor, url: str):
    async with unit_of_work(alice):
        with pytest.raises(InvalidInput) as error:
            await ai.set_openai(alice, base_url=url)
    assert error.value.field == "base_url"


async def test_private_addresses_over_http_only_when_allowed(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAASBOT_ALLOW_PRIVATE_URLS", "1")
    settings.cache_clear()
    try:
        async with unit_of_work(alice):
            shown = await ai.set_openai(alice, base_url="http://127.0.0.1:9999/v1/")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert shown.base_url == "http://127.0.0.1:9999/v1"


async def test_a_source_is_chosen_only_where_it_is_there(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    async with unit_of_work(alice):
        assert (await ai.choose_source(alice, AiSource.DEMO)).source == AiSource.DEMO
        for missing in (AiSource.PLATFORM, AiSource.OWN_KEY):
            with pytest.raises(InvalidInput):
                await ai.choose_source(alice, missing)
    monkeypatch.setenv("SAASBOT_DEMO", "0")
    settings.cache_clear()
    try:
        async with unit_of_work(alice):
            with pytest.raises(InvalidInput):
                await ai.choose_source(alice, AiSource.DEMO)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def test_policies_of_two_companies_do_not_meet(alice: Actor, mallory: Actor):
    async with unit_of_work(alice):
        await policies.put_policies(alice, {"shipping": "De Alice", "warranty": "Un año"})
    async with unit_of_work(mallory):
        await policies.put_policies(mallory, {"shipping": "De Mallory"})
        assert await policies.get_policies(mallory) == {
            "shipping": "De Mallory",
            "refund": "",
            "brand_voice": "",
            "hours": "",
        }
    async with unit_of_work(alice):
        texts = await policies.get_policies(alice)
    assert (texts["shipping"], texts["warranty"]) == ("De Alice", "Un año")


@pytest.mark.parametrize("name", ["", "Shipping", "a b", "1st", "x" * 41, "ñ", "a;drop"])
async def test_a_policy_has_a_plain_name(alice: Actor, name: str):
    async with unit_of_work(alice):
        with pytest.raises(InvalidInput):
            await policies.put_policies(alice, {name: "x"})


async def test_there_is_an_end_to_policies(alice: Actor):
    with pytest.raises(InvalidInput):
        async with unit_of_work(alice):
            await policies.put_policies(alice, {f"policy_{n}": "x" for n in range(policies.MOST_POLICIES + 1)})
    async with unit_of_work(alice):
        assert len(await policies.get_policies(alice)) == len(policies.STANDARD)
    with pytest.raises(InvalidInput) as error:
        async with unit_of_work(alice):
            await policies.put_policies(alice, {"hours": "x" * (policies.LONGEST_POLICY + 1)})
    assert error.value.field == "hours"


async def test_steps_are_taken_in_any_order_and_done_stays_done(alice: Actor):
    async with unit_of_work(alice):
        assert (await onboarding.get_onboarding(alice)).next_step == "company"
        await onboarding.mark_step(alice, "company", "done")
        await onboarding.mark_step(alice, "company", "skipped")
        progress = await onboarding.mark_step(alice, "ai", "skipped")
    assert progress.steps == {
        "company": "done",
        "policies": "todo",
        "ai": "skipped",
        "product": "todo",
        "number": "todo",
    }
    assert progress.next_step == "policies"
    assert progress.missing == ("policies", "ai", "product", "number")
    async with unit_of_work(alice):
        for step, state in (("nonsense", "done"), ("company", "nonsense")):
            with pytest.raises(InvalidInput):
                await onboarding.mark_step(alice, step, state)


async def test_the_owner_is_told_once_until_it_is_over(alice: Actor):
    async with unit_of_work(alice):
        first = await notices.open_notice(alice, "key_refused", details={"status": 401})
        assert first is not None
        assert await notices.open_notice(alice, "key_refused") is None
        assert await notices.open_notice(alice, "number_down", subject="1") is not None
        assert [event["k"] for event in published()] == ["notice", "notice"]
    async with unit_of_work(alice):
        assert await open_notices(alice) == ["number_down", "key_refused"]
        assert await notices.clear_notice(alice, "key_refused")
        assert not await notices.clear_notice(alice, "key_refused")
        assert await open_notices(alice) == ["number_down"]
        assert await notices.open_notice(alice, "key_refused") is not None


async def test_nobody_dismisses_what_another_company_was_told(alice: Actor, bob: Actor, mallory: Actor):
    async with unit_of_work(alice):
        notice = await notices.open_notice(alice, "key_refused")
    assert notice is not None
    async with unit_of_work(mallory):
        assert await open_notices(mallory) == []
        with pytest.raises(NotFound):
            await notices.dismiss_notice(mallory, notice)
    async with unit_of_work(bob):
        with pytest.raises(Forbidden):
            await notices.dismiss_notice(bob, notice)
    async with unit_of_work(alice):
        await notices.dismiss_notice(alice, notice)
        await notices.dismiss_notice(alice, notice)
        assert await open_notices(alice) == []


async def test_the_database_itself_keeps_companies_apart(alice: Actor, mallory: Actor):
    """Even a statement that forgot its condition changes nothing of another company."""
    async with unit_of_work(mallory):
        await run(update(Company).where(col(Company.id) == alice.company_id).values(name="Mallory's now"))
        await run(update(Company).values(industry="everybody's"))
    async with unit_of_work(alice):
        company = await profile.get_company(alice)
    assert (company.name, company.industry) == ("Zapatería Sur", "")
