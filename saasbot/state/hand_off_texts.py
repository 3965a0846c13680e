"""Why the bot passed a chat to the team, in a sentence."""

from saasbot.infra.i18n import N_, gettext, translate

REASONS = {
    "customer_asked": N_("The customer asked for a person."),
    "complaint": N_("It is a complaint."),
    "no_data": N_("The bot did not have the answer."),
    "bot_decided": N_("The bot preferred that a person goes on."),
    "key_missing": N_("The bot has no AI model."),
    "key_refused": N_("The AI key was refused."),
    "allowance_used": N_("Today's share of the platform's AI model is used up."),
    "limit_reached": N_("The number's limit of automatic messages is reached."),
    "answer_too_late": N_("The bot's answer could not leave in time: the number was not connected."),
    "unsupported_facts": N_("The bot's answer was not backed by your data."),
    "too_many_steps": N_("The question was too much for the bot."),
    "model_timeout": N_("The AI model took too long."),
    "turn_timeout": N_("The AI model took too long."),
    "turn_crashed": N_("Something broke while the bot was thinking."),
    "internal_error": N_("Something broke while the bot was thinking."),
    "model_unreachable": N_("The AI model could not be reached."),
    "model_unavailable": N_("The AI model was not available."),
    "model_refused_request": N_("The AI model refused the question."),
    "model_bad_answer": N_("The AI model gave no usable answer."),
}


def hand_off_sentence(reason: str, locale: str) -> str:
    """The sentence of a reason's code; a plain one for a code that nobody knows."""
    known = REASONS.get(reason)
    return translate(locale, known) if known else gettext(locale, "The bot passed it on.")
