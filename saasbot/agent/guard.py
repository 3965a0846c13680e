"""The fact guard: amounts, percentages and links in an answer must come from the company's data of the same turn.

It reads text, it does not understand it, and says so: a number written as money has to occur in what the tools returned or
the company wrote, in any notation ("$ 45.990", "45,990.00"). Sums are facts too, so the model is told to quote unit prices.
"""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

_NUMBER = r"\d+(?:[.,'’\u00a0\u202f]\d+)*"
_SIGN = r"US\$|U\$S|AR\$|R\$|MX\$|[$€£¥₡₲₵₱₹]"
_CODE = r"ARS|USD|EUR|MXN|CLP|COP|PEN|UYU|BRL|BOB|PYG|GTQ|CRC|DOP|GBP|VES"
_UNIT = (
    r"pesos?|d[oó]lares?|dollars?|euros?|soles|reales|reais|bol[ií]vares|bolivianos|guaran[ií]es|quetzales|colones|"
    r"pounds?|bucks|lucas|centavos|cents"
)
_MULTIPLIER = r"mil|miles|k|millones|mill[oó]n|thousand|million"
_PRICE_WORD = (
    r"(?:cuestan?|valen?|costar[ií]an?|precios?(?:\s+final)?(?:\s+(?:es|son))?(?:\s+de)?|prices?(?:\s+(?:is|are|of))?|"
    r"costs?|total(?:\s+(?:es|de|is|of))?)\s*:?\s*(?:solo|sólo|only|just|about|unos|unas|a|de)?"
)
_AMOUNTS = (
    re.compile(rf"(?:{_SIGN}|\b(?:{_CODE})\b)\s*(?P<n>{_NUMBER})(?:\s*(?P<m>{_MULTIPLIER})\b)?", re.I),
    re.compile(
        rf"(?<![\w.,])(?P<n>{_NUMBER})\s*(?:(?P<m>{_MULTIPLIER})\b\s*(?:de\s+)?)?(?:{_SIGN}|(?:{_UNIT}|{_CODE})\b)",
        re.I,
    ),
    re.compile(rf"\b{_PRICE_WORD}\s*(?P<n>{_NUMBER})(?:\s*(?P<m>{_MULTIPLIER})\b)?", re.I),
    re.compile(rf"(?<![\w.,])(?P<n>{_NUMBER})\s*(?P<m>{_MULTIPLIER})\b", re.I),
)
_PERCENT = re.compile(rf"(?P<n>{_NUMBER})\s*(?:%|por\s?ciento\b|percent\b)", re.I)
_SPELLED = re.compile(
    rf"(?<!\d )\b(?:mil|cien|ciento|(?:dos|tres|cuatro|quin|seis|sete|ocho|nove)cient[oa]s|quinientos|diez|once|doce|trece|catorce|"
    rf"quince|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|ten|twenty|thirty|forty|fifty|sixty|"
    rf"seventy|eighty|ninety|hundred|thousand)\s+(?:{_UNIT})\b",
    re.I,
)
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|"
    r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|app|shop|store|me|ar|mx|cl|co|pe|uy|br|es)\b(?:/\S*)?",
    re.I,
)
_TIMES = {"k": 1_000, "mil": 1_000, "miles": 1_000, "thousand": 1_000}


def unsupported_facts(answer: str, sources: Iterable[str]) -> list[str]:
    """The passages of an answer that its sources do not hold, as written; empty when all is covered."""
    known = "\n".join(sources)
    numbers = {value for token in re.findall(_NUMBER, known) for value in _readings(token)} | _multiplied(known)
    percentages = {value for match in _PERCENT.finditer(known) for value in _readings(match["n"])}
    known_folded = known.casefold()
    missing: list[str] = []
    for pattern in _AMOUNTS:
        for match in pattern.finditer(answer):
            if not _amount_values(match) & numbers:
                missing.append(match[0].strip())
    for match in _PERCENT.finditer(answer):
        if not _readings(match["n"]) & percentages:
            missing.append(match[0].strip())
    missing += [match[0] for match in _SPELLED.finditer(answer) if match[0].casefold() not in known_folded]
    missing += [link for link in _links(answer) if link not in known_folded]
    return _without_repeats(missing)


def _readings(token: str) -> set[Decimal]:
    """What a written number means, whichever of point and comma groups the thousands. No price has three decimals."""
    digits = re.sub(r"['’\u00a0\u202f]", "", token)
    separators = [c for c in digits if c in ".,"]
    if not separators:
        return _decimals(digits)
    last = separators[-1]
    whole, _, fraction = digits.rpartition(last)
    as_decimal = re.sub(r"[.,]", "", whole) + "." + fraction
    as_whole = re.sub(r"[.,]", "", digits)
    if len(set(separators)) == 2:
        return _decimals(as_decimal)
    if len(separators) > 1:
        return _decimals(as_whole)
    return _decimals(as_whole if len(fraction) == 3 and whole != "0" else as_decimal)


def _decimals(*texts: str) -> set[Decimal]:
    found = set()
    for text in texts:
        try:
            found.add(Decimal(text).normalize())
        except InvalidOperation:
            continue
    return found


def _amount_values(match: re.Match[str]) -> set[Decimal]:
    word = (match["m"] or "").casefold()
    if not word:
        return _readings(match["n"])
    return {(value * _TIMES.get(word, 1_000_000)).normalize() for value in _readings(match["n"])}


def _multiplied(known: str) -> set[Decimal]:
    """Amounts that the sources themselves write as "15 mil"."""
    return {value for match in _AMOUNTS[3].finditer(known) for value in _amount_values(match)}


def _links(text: str) -> list[str]:
    found = []
    for match in _LINK.finditer(text):
        link = match[0].casefold().rstrip(".,;:!?)]}»”\"'").removeprefix("https://").removeprefix("http://")
        found.append(link.removeprefix("www.").rstrip("/"))
    return found


def _without_repeats(passages: list[str]) -> list[str]:
    """Each once, and none that is only a part of another."""
    unique = list(dict.fromkeys(passages))
    return [p for p in unique if not any(p != other and p in other for other in unique)]
