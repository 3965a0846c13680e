"""One step of the demo model: a Chat Completions request in, the completion out. It knows this product's four tools."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from saasbot.agent.demo.phrases import phrase
from saasbot.agent.demo.prompt import read_style
from saasbot.agent.demo.understand import Language, Topic, Understanding, understand
from saasbot.models.table import new_id, utcnow

NAME = "demo-model"
MAX_PRODUCTS = 3
_FROM = re.compile(r"\A(?:\((?:from|in reply to) [^\n]*\)\n)+")
"""The customer's name and what they answer, as the turn puts them before a message."""
_FILE = re.compile(r"^\[sent [a-z ]+\] ?", re.MULTILINE)
"""What stands for a picture, a voice message, …, before its caption (`agent.context`)."""
_POLICY_NAMES: dict[Topic, tuple[str, ...]] = {
    "shipping": ("shipping", "envio", "envios"),
    "refund": ("refund", "returns", "devoluciones", "cambios"),
    "hours": ("hours", "horario", "horarios"),
}


@dataclass(slots=True)
class _Step:
    """What the model decided: tools to call, or the text to say."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hand_off: bool = False


@dataclass(slots=True)
class _Conversation:
    system: str
    said: list[str]
    """What the customer has said, the newest last; messages written without waiting for an answer are one."""
    sent_file: bool
    """Whether a picture, a voice message or the like is among the newest."""
    answered_before: bool
    results: dict[str, list[dict[str, Any]]]
    """Results of the tools called since the customer's last message, by tool."""
    tools: set[str]


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """A `chat.completion` for a request of that protocol. The same request gives the same words."""
    conversation = _read(request)
    newest = understand(conversation.said[-1] if conversation.said else "")
    language = _language(conversation)
    step = _decide(conversation, newest, language)
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if step.calls:
        message["tool_calls"] = [_call(name, arguments) for name, arguments in step.calls]
    else:
        message["content"] = _content(request, conversation, newest, step)
    spoken = len(json.dumps(message, ensure_ascii=False)) // 4
    heard = len(json.dumps(request.get("messages", []), ensure_ascii=False, default=str)) // 4
    return {
        "id": f"chatcmpl-{new_id().hex}",
        "object": "chat.completion",
        "created": int(utcnow().timestamp()),
        "model": NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if step.calls else "stop"}],
        "usage": {"prompt_tokens": heard, "completion_tokens": spoken, "total_tokens": heard + spoken},
    }


def stream_request(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same answer as `chat.completion.chunk`s: the role, the content or tool calls, the end, and the usage if asked."""
    completion = answer_request(request)
    choice = completion["choices"][0]
    message = choice["message"]
    head = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": None if message["content"] is None else ""})
    if calls := message.get("tool_calls"):
        yield chunk({"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]})
    for word in (message["content"] or "").splitlines(keepends=True):
        yield chunk({"content": word})
    yield chunk({}, choice["finish_reason"])
    if (request.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": completion["usage"]}


def _decide(conversation: _Conversation, newest: Understanding, language: Language) -> _Step:
    if "hand_off" in conversation.results:
        return _Step(phrase("handing_off", language), hand_off=True)
    if newest.topic == "person":
        if "hand_off" not in conversation.tools:
            return _Step(phrase("handing_off", language), hand_off=True)
        arguments = {"reason": "customer_asked", "summary": phrase("customer_asked", language)}
        return _Step(calls=[("hand_off", arguments)])
    if newest.topic in _POLICY_NAMES:
        return _about_policies(conversation, newest.topic, language)
    if newest.topic in ("product", "photo"):
        return _about_products(conversation, newest, language)
    if newest.topic == "unknown" and conversation.sent_file:
        return _Step(phrase("only_text", language))
    return _Step(phrase(newest.topic, language))


def _about_policies(conversation: _Conversation, topic: Topic, language: Language) -> _Step:
    results = conversation.results.get("read_policies")
    if results is None and "read_policies" in conversation.tools:
        return _Step(calls=[("read_policies", {})])
    policies = results[-1].get("policies", []) if results else []
    for policy in policies:
        if policy.get("name") in _POLICY_NAMES[topic] and policy.get("text"):
            return _Step(policy["text"])
    return _Step(phrase("no_policy", language))


def _about_products(conversation: _Conversation, newest: Understanding, language: Language) -> _Step:
    photo = newest.topic == "photo"
    if "send_product_photo" in conversation.results:
        return _after_photo(conversation, language)
    searches = conversation.results.get("search_catalogue")
    if searches is None:
        keywords = newest.keywords or (_earlier_keywords(conversation) if photo else ())
        if not keywords:
            return _Step(phrase("which_photo", language))
        if "search_catalogue" not in conversation.tools:
            return _Step(phrase("unknown", language))
        return _Step(calls=[("search_catalogue", {"query": " ".join(keywords)})])
    products = searches[-1].get("products", [])[:MAX_PRODUCTS]
    if not products:
        known = newest.asks_for_product or photo
        return _Step(phrase("nothing_found" if known else "unknown", language))
    if photo:
        if products[0].get("has_photo") and "send_product_photo" in conversation.tools:
            return _Step(calls=[("send_product_photo", {"product_id": products[0]["id"]})])
        return _Step(phrase("no_photo", language, title=products[0]["title"]))
    return _Step(_describe(products, language))


def _after_photo(conversation: _Conversation, language: Language) -> _Step:
    sent = conversation.results["send_product_photo"][-1]
    if sent.get("ok"):
        return _Step(phrase("photo_sent", language, title=sent.get("title", "")))
    return _Step(phrase("nothing_found", language))


def _describe(products: list[dict[str, Any]], language: Language) -> str:
    if len(products) > 1:
        lines = [f"• {product['title']}: {product['price']}" for product in products]
        return "\n".join([phrase("found_several", language), *lines])
    [product] = products
    text = f"{product['title']}: {product['price']}."
    stock = product.get("stock")
    if stock is None:
        return text
    return f"{text} {phrase('in_stock' if stock > 0 else 'out_of_stock', language)}"


def _content(request: dict[str, Any], conversation: _Conversation, newest: Understanding, step: _Step) -> str:
    """The text with the prompt's greeting and signature; as the answer format asks when the request names one."""
    style = read_style(conversation.system)
    text = step.text
    if style.greeting and (newest.topic == "greeting" or not conversation.answered_before):
        text = style.greeting if newest.topic == "greeting" else f"{style.greeting}\n{text}"
    if style.signature:
        text = f"{text}\n{style.signature}"
    if (request.get("response_format") or {}).get("type") != "json_schema":
        return text
    answer = {
        "reply": text,
        "action": "hand_off" if step.hand_off else "reply",
        "intent": newest.topic,
        "sentiment": newest.sentiment,
    }
    return json.dumps(answer, ensure_ascii=False)


def _language(conversation: _Conversation) -> Language:
    """Of the customer's newest message that shows one; Spanish when none does."""
    for text in reversed(conversation.said):
        if language := understand(text).language:
            return language
    return "es"


def _earlier_keywords(conversation: _Conversation) -> tuple[str, ...]:
    """What the customer has named before, when "send me a photo" names nothing."""
    for text in reversed(conversation.said[:-1]):
        earlier = understand(text)
        if earlier.topic == "product":
            return earlier.keywords
    return ()


def _read(request: dict[str, Any]) -> _Conversation:
    system, said, results, names = [], [], {}, {}
    answered_before = sent_file = goes_on = False
    for message in request.get("messages", []):
        role, text = message.get("role"), _text(message.get("content"))
        if role in ("system", "developer"):
            system.append(text)
        elif role == "user":
            text = _FROM.sub("", text)
            sent_file = bool(_FILE.search(text)) or (goes_on and sent_file)
            text = _FILE.sub("", text)
            if goes_on:
                said[-1] += f"\n{text}"
            else:
                said.append(text)
            results = {}
        elif role == "assistant":
            answered_before = answered_before or bool(text)
            names |= {call.get("id"): call["function"]["name"] for call in message.get("tool_calls") or ()}
        elif role == "tool":
            results.setdefault(names.get(message.get("tool_call_id"), ""), []).append(_result(text))
        goes_on = role == "user"
    allowed = request.get("tool_choice") != "none"
    tools = {tool["function"]["name"] for tool in request.get("tools") or () if allowed and tool.get("function")}
    return _Conversation("\n".join(system), said, sent_file, answered_before, results, tools)


def _text(content: Any) -> str:
    """The text of a message whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def _result(text: str) -> dict[str, Any]:
    try:
        result = json.loads(text)
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(arguments, ensure_ascii=False)
    return {"id": f"call_{new_id().hex[-12:]}", "type": "function", "function": {"name": name, "arguments": written}}
