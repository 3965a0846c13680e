"""`/api/v1/company` and `/api/v1/policies` as a program sees them."""

from tests.api.conftest import Client
from tests.attack.attempts import attempt

KEY = "sk-test-0123456789abcdefWXYZ"


@attempt(95, "secrets", "The company's API key is read back.")
async def test_the_key_goes_in_and_never_comes_out(as_alice: Client):
    answer = await as_alice.put(
        "/api/v1/company/openai",
        json={"api_key": KEY, "model": "gpt-4.1-mini", "base_url": "https://api.example.com/v1/"},
    )
    assert answer.status_code == 200, answer.text
    company = await as_alice.get("/api/v1/company")
    for shown in (answer.json(), company.json()["openai"]):
        assert shown["api_key_set"] is True
        assert shown["api_key_last4"] == "WXYZ"
        assert shown["source"] == "own_key"
        assert shown["base_url"] == "https://api.example.com/v1"
    assert KEY not in answer.text + company.text


async def test_an_address_without_https_is_refused(as_alice: Client):
    for url in ("http://api.example.com", "ftp://x", "https://user@host", "https://", "javascript:alert(1)"):
        answer = await as_alice.put("/api/v1/company/openai", json={"base_url": url})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "base_url"), url


@attempt(249, "secrets", "The address of the model is changed over REST, and the stored key is to follow.")
async def test_a_stored_key_goes_to_no_other_address(as_alice: Client):
    await as_alice.put("/api/v1/company/openai", json={"api_key": KEY, "base_url": "https://models.example/v1"})
    for body in ({"base_url": "https://thief.example/v1"}, {"base_url": ""}):
        answer = await as_alice.put("/api/v1/company/openai", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "api_key"), body
    shown = (await as_alice.get("/api/v1/company")).json()["openai"]
    assert (shown["base_url"], shown["api_key_last4"]) == ("https://models.example/v1", "WXYZ")


async def test_the_same_key_and_body_is_the_same_answer(as_alice: Client, as_mallory: Client):
    await as_alice.put("/api/v1/company", json={"name": "Otra"})
    assert (await as_alice.get("/api/v1/company")).json()["name"] == "Otra"
    assert (await as_mallory.get("/api/v1/company")).json()["name"] == "Mala Junta"


async def test_policies_are_written_one_by_one(as_alice: Client):
    await as_alice.put("/api/v1/policies", json={"shipping": "Enviamos en 24 h.", "warranty": "Un año."})
    await as_alice.put("/api/v1/policies", json={"refund": "30 días.", "warranty": ""})
    assert (await as_alice.get("/api/v1/policies")).json() == {
        "shipping": "Enviamos en 24 h.",
        "refund": "30 días.",
        "brand_voice": "",
        "hours": "",
    }


async def test_the_bot_is_switched_off_and_on(as_alice: Client):
    for enabled in (False, True):
        assert (await as_alice.put("/api/v1/company/bot", json={"enabled": enabled})).json() == {"enabled": enabled}
        assert (await as_alice.get("/api/v1/company")).json()["bot_enabled"] is enabled
