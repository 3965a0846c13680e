"""What the numbers mean with which WhatsApp's server refuses a message."""

from saasbot.wa_runtime.transport import SendRefused

CODES = {
    403: "not_allowed",
    404: "recipient_gone",
    410: "recipient_gone",
    429: "rate_limited",
    463: "reachout_timelocked",
    475: "new_chats_capped",
    499: "message_gone",
}
"""463 is the server's word for both: writing first is suspended, or this chat's own token has run out. 475 is
`NewChatMessagesCapped`: so many new chats a month, and they are used up."""
UNKNOWN = "refused_by_whatsapp"
"""All others: 400, 479, and 487 to 496 (it could not read the message) among them."""


def refusal(number: int) -> SendRefused:
    code = CODES.get(number)
    return SendRefused(code) if code else SendRefused(UNKNOWN, number=number)
