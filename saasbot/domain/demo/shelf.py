"""What the demo shop sells and how it works, in its owner's words."""

from dataclasses import dataclass

from saasbot.domain.demo.photos import Look


@dataclass(frozen=True, slots=True)
class DemoProduct:
    title: str
    description: str
    price_minor: int
    sku: str
    stock: int | None
    look: Look


PRODUCTS = (
    DemoProduct(
        "Pantuflas de corderito",
        "Grises, con suela antideslizante. Abrigadas para el invierno. Talles 35 a 42.",
        1_890_000,
        "PAN-GRI",
        25,
        Look("slipper", "#8d9299", sole="#5d6168", accent="#f3f0ea", backdrop="#e6e2ea"),
    ),
    DemoProduct(
        "Mocasines azules de gamuza",
        "Gamuza legítima, plantilla acolchada. Para vestir o de todos los días. Talles 38 a 44.",
        5_730_000,
        "MOC-AZU",
        9,
        Look("moccasin", "#2f4b7c", sole="#c9b79c", accent="#22375c", backdrop="#dfe4ec"),
    ),
    DemoProduct(
        "Sandalias de cuero",
        "Cuero vacuno con hebilla regulable. Base de goma liviana. Talles 35 a 40.",
        3_450_000,
        "SAN-CUE",
        0,
        Look("sandal", "#b5713c", sole="#5a3a22", accent="#e3c07a", backdrop="#f0e6d6"),
    ),
    DemoProduct(
        "Botines de cuero marrón",
        "Caña corta con elástico, fáciles de poner. Cuero engrasado. Talles 36 a 45.",
        8_990_000,
        "BOT-MAR",
        6,
        Look("ankle_boot", "#7a4a2b", sole="#2c211b", backdrop="#e8ded2"),
    ),
    DemoProduct(
        "Botas de lluvia amarillas",
        "Impermeables, de caucho, con suela que no resbala. Talles 34 a 41.",
        3_990_000,
        "BOT-LLU",
        18,
        Look("boot", "#f0b429", sole="#3a3a3c", accent="#d99a10", backdrop="#d9e4e0"),
    ),
    DemoProduct(
        "Zapatillas blancas para correr",
        "Livianas, con cámara de aire y tela que respira. Talles 36 a 45.",
        6_850_000,
        "ZAP-RUN",
        11,
        Look("runner", "#f2f2ef", sole="#e4ebf2", accent="#2f8fb8", backdrop="#cfdde4"),
    ),
    DemoProduct(
        "Zapatillas negras urbanas",
        "De cuero sintético, con cordones claros. Combinan con todo. Talles 35 a 44.",
        5_290_000,
        "ZAP-NEG",
        20,
        Look("sneaker", "#26282c", accent="#e7e3da", backdrop="#dfe3e6"),
    ),
    DemoProduct(
        "Zapatillas rojas de lona",
        "Lona resistente y suela de goma blanca. Talles 35 a 43.",
        4_599_000,
        "ZAP-ROJ",
        14,
        Look("sneaker", "#c8372d", backdrop="#ece3da"),
    ),
)
"""In the order in which they are made: the last one is the first of the list."""

POLICIES = {
    "shipping": (
        "Enviamos a todo el país por correo. En la ciudad llega en 24 a 48 horas; al interior, en 3 a 6 días hábiles. "
        "El envío cuesta $ 4.500 y es gratis desde $ 80.000. También puedes retirar sin cargo en Av. Siempreviva 742."
    ),
    "refund": (
        "Tienes 30 días para cambiar el talle o el modelo, con el calzado sin uso y en su caja. El primer cambio no tiene costo. "
        "Si prefieres, te devolvemos el dinero por el mismo medio con el que pagaste."
    ),
    "brand_voice": (
        "Cercana y breve, como en el mostrador. Saludamos una sola vez, respondemos primero lo que preguntan y ofrecemos una "
        "alternativa cuando algo no hay. Como mucho un emoji."
    ),
    "hours": "Lunes a viernes de 9 a 19 y sábados de 9 a 13.",
}
