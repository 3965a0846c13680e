"""What browsers say of our policy is counted by directive; nothing of what they send is kept or logged."""

import json
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from saasbot.api import limits
from saasbot.api.gate import Gate
from saasbot.infra.metrics import own_metrics
from tests.gate.asgi import Inner, request

SECRET = "https://app.example.com/reset-password?token=very-secret"


def count(directive: str) -> float:
    wanted = f'saasbot_csp_reports_total{{directive="{directive}"}} '
    lines = own_metrics().decode().splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def old_form(directive: str = "script-src-elem") -> dict[str, Any]:
    return {"csp-report": {"document-uri": SECRET, "violated-directive": directive, "blocked-uri": SECRET}}


def new_form(directive: str) -> dict[str, Any]:
    return {"type": "csp-violation", "url": SECRET, "body": {"effectiveDirective": directive, "sample": SECRET}}


async def test_a_report_is_counted_and_of_its_text_nothing_is_kept(client: httpx2.AsyncClient):
    before = count("script-src-elem")
    with capture_logs() as lines:
        answer = await client.post(
            "/csp-report", content=json.dumps(old_form()), headers={"content-type": "application/csp-report"}
        )
    assert (answer.status_code, answer.content) == (204, b"")
    assert count("script-src-elem") == before + 1
    assert [line["directives"] for line in lines if line["event"] == "browser.policy_violated"] == [["script-src-elem"]]
    assert "very-secret" not in str(lines) and b"very-secret" not in own_metrics()


async def test_older_browsers_write_the_whole_directive(client: httpx2.AsyncClient):
    before = count("img-src")
    assert (await client.post("/csp-report", json=old_form("img-src 'self' data:"))).status_code == 204
    assert count("img-src") == before + 1


async def test_the_reporting_api_sends_several(client: httpx2.AsyncClient):
    before = count("img-src"), count("connect-src")
    sent = [new_form("img-src"), new_form("connect-src"), new_form("img-src")]
    assert (await client.post("/csp-report", json=sent)).status_code == 204
    assert (count("img-src"), count("connect-src")) == (before[0] + 2, before[1] + 1)


async def test_nobody_invents_names_for_the_metrics(client: httpx2.AsyncClient):
    before = count("other")
    for directive in ("evil-src", 'x"} 1\nevil 2', "", "script-src-elem-x"):
        assert (await client.post("/csp-report", json=old_form(directive))).status_code == 204
    assert (await client.post("/csp-report", json=[new_form("evil-src")] * 100)).status_code == 204
    assert count("other") == before + 4 + 20
    assert b"evil" not in own_metrics()


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"7", b"[1, 2]", b"\xff", b"[" * 4000])
async def test_what_is_no_report_is_refused(client: httpx2.AsyncClient, body: bytes):
    answer = await client.post("/csp-report", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_reports_are_small_and_few(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "REPORTS", limits.Rate(burst=3, per_second=0.001))
    gate = Gate(Inner(), built=tmp_path)
    assert (await request(gate, "POST", "/csp-report", body=[b"x" * 5000] * 2)).status == 413
    for _ in range(2):
        assert (await request(gate, "POST", "/csp-report", body=[b"{}"])).status == 200
    assert (await request(gate, "POST", "/csp-report", body=[b"{}"])).status == 429


async def test_pages_tell_browsers_where_to_report(tmp_path: Any):
    policy = (await request(Gate(Inner(), built=tmp_path), "GET", "/login")).headers["content-security-policy"]
    assert policy.endswith("; report-uri /csp-report")
