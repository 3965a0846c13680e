"""Only `saasbot/domain/admin` works across companies, and says why each time."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import platform_uses
from saasbot.infra.db import platform_unit_of_work
from saasbot.infra.metrics import own_metrics
from tests.attack.attempts import attempt

ROOT = Path(__file__).resolve().parents[2]
_OPENS = re.compile(
    r"platform_unit_of_work|_transaction\(\s*[\"']platform"
    r"|_(?:makers|engines)\b|[\"']platform[\"']\s*\]|\.get\(\s*[\"']platform|urls\.platform|roles\.PLATFORM\b|saasbot_platform\b"
)
CONNECT = {
    "infra/db.py",
    "infra/roles.py",
    "lifespan.py",
    "start/demo.py",
    "start/operate.py",
    "wa_runtime/process.py",
    "wa_runtime/__main__.py",
}
"""Make the role, or hand its address to `db.connect`."""
GRANTS = {"infra/tenancy.py"}
"""Write what it may read, for migrations."""


def source_of(*folders: str) -> dict[str, str]:
    return {
        path.relative_to(ROOT / "saasbot" if folder == "saasbot" else ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }


@attempt(158, "tenancy", "Code outside the one door works across companies.")
def test_nobody_else_has_to_do_with_the_platform_role():
    users = {name for name, text in source_of("saasbot").items() if _OPENS.search(text)}
    inside = {user for user in users if user.startswith("domain/admin/")}
    assert users - inside == CONNECT | GRANTS
    assert len(inside) > 5


def test_measures_and_migrations_do_not_work_across_companies():
    opens = re.compile(r"platform_unit_of_work|_transaction\(\s*[\"']|_makers\b|_engines\b")
    assert [name for name, text in source_of("bench", "soak", "alembic").items() if opens.search(text)] == []


@attempt(159, "tenancy", "Work across companies is added without saying why.")
def test_each_use_says_why_in_words_of_its_own():
    reasons = []
    for name, text in source_of("saasbot").items():
        if "platform_unit_of_work" not in text:
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("platform_unit_of_work"):
                assert len(call.args) == 1 and isinstance(call.args[0], ast.Constant), f"{name}:{call.lineno}"
                reasons.append(call.args[0].value)
    assert [why for why, count in Counter(reasons).items() if count > 1] == []
    assert [why for why in reasons if not re.fullmatch(r"[a-z][\w ,'-]{9,69}", why)] == []
    assert len(reasons) > 30


async def test_uses_are_counted_by_their_reason_and_the_reason_is_at_hand_for_a_note(alice: Actor):
    why = "find an account, before its company is known"
    before = platform_uses.counts[why]
    await find_account("alice@sur.example")
    assert platform_uses.counts[why] == before + 1
    assert f'saasbot_platform_uses_total{{why="{why}"}} {before + 1}.0' in own_metrics().decode()
    async with platform_unit_of_work("a test looks") as uow:
        assert (uow.why, uow.company_id) == ("a test looks", None)


def test_uses_are_in_the_log_once_an_hour_with_how_many_there_were(monkeypatch: pytest.MonkeyPatch):
    why, clock = "a reason of this test alone", 1000.0
    monkeypatch.setattr(platform_uses.time, "monotonic", lambda: clock)
    monkeypatch.setattr(platform_uses, "log", structlog.get_logger())  # the other may be bound already, to no capture
    with capture_logs() as lines:
        for moment in (0, 1, 3599, 3600, 3601, 7201):
            clock = 1000.0 + moment
            platform_uses.note(why)
    assert [(line["event"], line["why"], line["uses"]) for line in lines] == [
        ("platform.used", why, 1),
        ("platform.used", why, 3),
        ("platform.used", why, 2),
    ]
    del platform_uses.counts[why]
