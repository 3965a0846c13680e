"""What a customer's message is about, by lists of words. Spanish and English."""

from dataclasses import dataclass
from typing import Literal

from saasbot.domain.bots.triggers import words

Language = Literal["es", "en"]
Topic = Literal["person", "photo", "shipping", "refund", "hours", "product", "greeting", "thanks", "unknown"]


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PERSON = _vocabulary("humano humana asesor asesora operador operadora human representative")
_SOMEONE = _vocabulary(
    "persona alguien vendedor vendedora encargado encargada empleado person someone somebody agent staff"
)
_TALK = _vocabulary(
    "hablar hablo habla pasame pase paseme pasar comunicame comunicar atienda atiende atender "
    "talk speak transfer connect real need quiero want"
)
_PHOTO = _vocabulary("foto fotos imagen imagenes photo photos picture pictures pic pics image images")
_SHIPPING = _vocabulary(
    "envio envios envian enviar envias mandan entrega entregas entregan despacho despachan "
    "shipping ship delivery deliver deliveries"
)
_REFUND = _vocabulary(
    "devolucion devoluciones devolver cambio cambios cambiar reembolso reembolsos garantia "
    "refund refunds return returns exchange warranty"
)
_HOURS = _vocabulary("horario horarios abren abierto abiertos abierta cierran cierra hours open opening close closing")
_PRODUCT = _vocabulary(
    "precio precios cuanto cuesta cuestan vale valen sale salen stock tienen tenes tienes hay venden vendes busco quiero "
    "quisiera necesito catalogo price prices much cost costs have sell looking want need stock catalogue catalog buy "
    "comprar"
)
_GREETING = _vocabulary("hola buenas buenos buen dia dias tardes noches hello hi hey good morning afternoon evening")
_THANKS = _vocabulary("gracias muchas genial perfecto thanks thank great perfect cheers")
_FILLER = _vocabulary(
    "a al algo algun alguna algunas algunos and any are as at be can como con cual cuales cuando da dame de decime del dime "
    "do does donde e el ella ellos en en es esa ese eso esta este esto estan for from favor for give gustaria i in is it "
    "la las le les lo los me mi mis mas may mandame mandas mandar muestra mostrame muestrame my no nos o of on or para "
    "pero please podes por porfa porfavor puede puedes podria podrian que question quien saber se send show si sobre son "
    "su sus te tell that the them these this those to tu tus um un una unas unos usted ustedes ver vos what which who "
    "with would y ya yo you your envia enviame i'm im m s there pregunta consulta producto productos product products "
    "precisa comprar cuestion ahora today hoy talk hablar"
)
_NEGATIVE = _vocabulary(
    "mal mala malo pesimo pesima horrible enojado enojada reclamo queja estafa terrible roto rota nunca bad awful angry "
    "complaint broken scam worst disappointed"
)
_SPANISH = _vocabulary(
    "humano persona alguien hablar foto fotos imagen envio envios entrega devolucion cambio cambios horario horarios abren "
    "precio precios cuanto cuesta cuestan vale sale tienen tenes tienes hay venden busco quiero hola buenas buenos gracias "
    "muchas algo como con cual de del donde el en es esta la las lo los me mi para por que si un una y tu su dia dias "
    "tardes noches necesito comprar favor ver"
)
_ENGLISH = _vocabulary(
    "human person photo picture shipping ship delivery refund return returns hours open price much cost have sell looking "
    "want need hello hi hey good morning thanks thank and any are can do does for how i is it my of please send show the "
    "to what which you your with this that a there"
)

_KNOWN = _PERSON | _SOMEONE | _PHOTO | _SHIPPING | _REFUND | _HOURS | _PRODUCT | _GREETING | _THANKS | _FILLER


@dataclass(frozen=True, slots=True)
class Understanding:
    topic: Topic
    language: Language | None
    """Nothing when the words belong to both or neither."""
    keywords: tuple[str, ...]
    """What may name a product."""
    asks_for_product: bool
    sentiment: Literal["positive", "neutral", "negative"]


def understand(text: str) -> Understanding:
    said = words(text)
    present = set(said)
    keywords = tuple(word for word in said if word not in _KNOWN and word.isalnum())
    return Understanding(
        topic=_topic(present, keywords),
        language=_language(said),
        keywords=keywords,
        asks_for_product=bool(present & _PRODUCT),
        sentiment="negative" if present & _NEGATIVE else "positive" if present & _THANKS else "neutral",
    )


def _topic(present: set[str], keywords: tuple[str, ...]) -> Topic:
    """The first that applies: who asks for a person gets one, whatever else they say."""
    if present & _PERSON or (present & _SOMEONE and present & _TALK):
        return "person"
    if present & _PHOTO:
        return "photo"
    if present & _SHIPPING:
        return "shipping"
    if present & _REFUND:
        return "refund"
    if present & _HOURS:
        return "hours"
    if keywords:
        return "product"
    if present & _GREETING:
        return "greeting"
    if present & _THANKS:
        return "thanks"
    return "unknown"


def _language(said: list[str]) -> Language | None:
    spanish = sum(word in _SPANISH for word in said)
    english = sum(word in _ENGLISH for word in said)
    if spanish == english:
        return None
    return "es" if spanish > english else "en"
