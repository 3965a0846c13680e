"""What the demo model says."""

from saasbot.agent.demo.understand import Language

_PHRASES: dict[str, dict[Language, str]] = {
    "greeting": {
        "es": "¡Hola! ¿En qué te puedo ayudar?",
        "en": "Hello! How can I help you?",
    },
    "thanks": {
        "es": "¡De nada! Aquí estoy si necesitas algo más.",
        "en": "You're welcome! I'm here if you need anything else.",
    },
    "unknown": {
        "es": "Esta es una demostración y responde con reglas simples. Puedo buscar productos y precios, enviar fotos, "
        "contarte de envíos, cambios y horarios, o pasarte con una persona.",
        "en": "This is a demonstration and it answers by simple rules. I can look up products and prices, send photos, "
        "tell you about shipping, returns and opening hours, or pass you to a person.",
    },
    "only_text": {
        "es": "Lo recibí, gracias. Esta demostración solo entiende texto: ¿qué producto buscas?",
        "en": "I have received it, thank you. This demonstration only understands text: which product are you looking for?",
    },
    "nothing_found": {
        "es": "No encontré eso en el catálogo. ¿Quieres que te pase con una persona?",
        "en": "I did not find that in the catalogue. Shall I pass you to a person?",
    },
    "which_photo": {
        "es": "¿De qué producto quieres la foto?",
        "en": "Which product would you like a photo of?",
    },
    "photo_sent": {"es": "Te envío la foto de {title}.", "en": "Here is the photo of {title}."},
    "no_photo": {"es": "No tengo una foto de {title}.", "en": "I do not have a photo of {title}."},
    "no_policy": {
        "es": "No tengo ese dato. ¿Quieres que te pase con una persona?",
        "en": "I do not have that information. Shall I pass you to a person?",
    },
    "in_stock": {"es": "Hay stock.", "en": "It is in stock."},
    "out_of_stock": {"es": "Ahora no hay stock.", "en": "It is out of stock right now."},
    "found_several": {"es": "Esto es lo que encontré:", "en": "This is what I found:"},
    "handing_off": {
        "es": "Te paso con una persona del equipo.",
        "en": "I am passing you to a person of the team.",
    },
    "customer_asked": {"es": "El cliente pide hablar con una persona.", "en": "The customer asks for a person."},
}


def phrase(name: str, language: Language, **values: str) -> str:
    return _PHRASES[name][language].format(**values)
