"""Mails about signing in: the code of a second step, and what somebody should know who did not do it."""

import secrets
from uuid import UUID

from saasbot.domain.accounts import outgoing
from saasbot.domain.admin import attempts as rows
from saasbot.domain.admin.credentials import find_person
from saasbot.domain.admin.second_factors import standing_of
from saasbot.infra.crypto import keyed_hash
from saasbot.infra.logging import get_logger
from saasbot.infra.totp import DIGITS

log = get_logger(__name__)

_CODE_SUBJECT = {"es": "Tu código para entrar", "en": "Your code to sign in"}
_CODE_BODY = {
    "es": """Hola, {name}:

Tu código para entrar a SaaSBot:

{code}

Sirve una sola vez, durante 10 minutos, donde lo pediste. No se lo digas a nadie. Se pidió desde {network}.

Si no estás entrando tú, alguien conoce tu contraseña: cámbiala ya.
""",
    "en": """Hello {name},

Your code to sign in to SaaSBot:

{code}

It works once, for 10 minutes, where you asked for it. Tell it to nobody. It was asked for from {network}.

If it is not you who signs in, somebody knows your password: change it now.
""",
}

_NOTICES = {
    "on": {
        "es": ("Verificación en dos pasos activada", "Se activó la verificación en dos pasos de tu cuenta."),
        "en": ("Two-step sign-in is on", "Two-step sign-in was turned on for your account."),
    },
    "off": {
        "es": ("Verificación en dos pasos desactivada", "Se desactivó la verificación en dos pasos de tu cuenta."),
        "en": ("Two-step sign-in is off", "Two-step sign-in was turned off for your account."),
    },
    "replaced": {
        "es": (
            "Otra app de autenticación",
            "Se cambió la app de autenticación de tu cuenta. La anterior ya no sirve y se cerraron las demás sesiones.",
        ),
        "en": (
            "Another authenticator app",
            "The authenticator app of your account was replaced. The one before no longer works, and all other sessions are over.",
        ),
    },
    "codes_renewed": {
        "es": (
            "Códigos de recuperación nuevos",
            "Se crearon códigos de recuperación nuevos. Los anteriores ya no sirven.",
        ),
        "en": ("New recovery codes", "New recovery codes were made. Those from before no longer work."),
    },
    "recovery_code_used": {
        "es": (
            "Se usó un código de recuperación",
            "Se usó un código de recuperación de tu cuenta. Te quedan {left}.",
        ),
        "en": (
            "A recovery code was used",
            "A recovery code of your account was used. You have {left} left.",
        ),
    },
}
_FRAME = {
    "es": "Hola, {name}:\n\n{what}\n\nSi no fuiste tú, cambia tu contraseña ya y cierra las demás sesiones.\n",
    "en": "Hello {name},\n\n{what}\n\nIf it was not you, change your password now and end the other sessions.\n",
}


async def mail_sign_in_code(attempt_id: UUID) -> None:
    """The job: a new code for the attempt, by mail. Nothing happens when the attempt is over."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    kept = await rows.keep_mail_code(attempt_id, mail_code_hash(attempt_id, code))
    found = await find_person(kept[0]) if kept else None
    if kept is None or found is None:
        return
    person, network = found[0], kept[1]
    locale = person.locale if person.locale in _CODE_BODY else "es"
    text = _CODE_BODY[locale].format(name=person.name, code=code, network=network)
    await outgoing.send_to_prove(to=person.email, subject=_CODE_SUBJECT[locale], text=text)


async def mail_security_notice(user_id: UUID, what: str) -> None:
    """The job: the account learns what was done to its second step."""
    found = await find_person(user_id)
    if found is None:
        return
    person = found[0]
    locale = person.locale if person.locale in _FRAME else "es"
    subject, sentence = _NOTICES[what][locale]
    left = (await standing_of(user_id)).codes_left
    text = _FRAME[locale].format(name=person.name, what=sentence.format(left=left))
    await outgoing.send_to_person(user_id, subject=subject, text=text)


def mail_code_hash(attempt_id: UUID, code: str) -> bytes:
    """Keyed, and of one attempt: a six-digit code alone is quickly found from its hash."""
    return keyed_hash("sign-in-code", f"{attempt_id}:{code}")
