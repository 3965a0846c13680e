"""`t("English source")`: a text that changes language in the browser.

The language lives in the browser (i18n.js), not in a state class: a built page is the same HTML for everybody, so only
the browser knows it at the first paint, and components stay free of state.
"""

from typing import Any, cast

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.function import FunctionVar

from saasbot.components.types import Text
from saasbot.infra.i18n import COOKIE, DEFAULT, SOURCE, SUPPORTED, translate

_MODULE = rx.asset("i18n.js", shared=True).importable_path

# "es" or "en", as the page is shown now.
LANG: rx.vars.StringVar = rx.Var(
    "lang",
    _var_data=VarData(imports={_MODULE: [rx.ImportVar("useLang")]}, hooks={"const lang = useLang()": None}),
).to(str)

_IS_SOURCE: rx.vars.BooleanVar = LANG._replace(_js_expr=f'(lang === "{SOURCE}")', _var_type=bool).to(bool)


def t(message: str, /, context: str | None = None, **params: Any) -> rx.Var[str]:
    """The message in the page's language; `{name}` is filled from `params`, which may be Vars.

    `message` is a literal, so that tests/i18n finds it. Vars are inserted as text, never as markup.
    """
    source = _fill(message, params)
    default = _fill(translate(DEFAULT, message, context), params)
    return rx.cond(_IS_SOURCE, source, default).to(str)


def tn(one: str, other: str, n: rx.Var[int] | int, /, **params: Any) -> rx.Var[str]:
    """`t(one)` when `n` is 1, else `t(other)`; `{n}` is filled with the number."""
    return rx.cond(n == 1, t(one, n=n, **params), t(other, n=n, **params)).to(str)


def pick(value: Text, *cases: tuple[str, Text] | Text) -> rx.Var[str]:
    """The text whose case equals `value`; the last argument, alone, is for all others."""
    return cast(rx.Var, rx.match(value, *cases)).to(str)


def _fill(text: str, params: dict[str, Any]) -> rx.Var[str]:
    return rx.Var.create(text.format(**params) if params else text).to(str)


def set_lang(lang: Text) -> rx.event.EventSpec:
    """Switches this browser's language. Only for an event trigger of a component, not for a state handler."""
    setter = rx.Var("setLang", _var_data=VarData(imports={_MODULE: [rx.ImportVar("setLang")]})).to(FunctionVar)
    return rx.run_script(setter.call(lang))


def locale_script() -> rx.Component:
    """Runs in <head> before the first paint: sets <html lang>, and keeps the body unseen until React has put a
    language other than the built one into it. A page whose script never arrives is shown after 3 s as it was built.
    """
    known = " ".join(SUPPORTED)
    return rx.el.script(
        f"""(function () {{
  var root = document.documentElement, known = "{known}".split(" ");
  var cookie = document.cookie.split("; ").filter(function (part) {{ return part.indexOf("{COOKIE}=") === 0; }})[0];
  var lang = cookie && cookie.slice({len(COOKIE) + 1});
  if (known.indexOf(lang) < 0) {{
    lang = (navigator.languages || []).map(function (tag) {{ return tag.slice(0, 2).toLowerCase(); }})
      .filter(function (tag) {{ return known.indexOf(tag) >= 0; }})[0] || "{DEFAULT}";
  }}
  root.lang = lang;
  if (lang !== "{DEFAULT}") {{
    root.setAttribute("data-locale-wait", "");
    setTimeout(function () {{ root.removeAttribute("data-locale-wait"); }}, 3000);
  }}
}})();"""
    )


def locale_ready() -> rx.Component:
    """Shows the page that `locale_script` kept back. Mounted once, around every page."""
    return _LocaleReady.create()


class _LocaleReady(rx.Fragment):
    def add_imports(self) -> dict[str, Any]:
        return {"react": [rx.ImportVar("useEffect")], _MODULE: [rx.ImportVar("useLang")]}

    def add_hooks(self) -> list[str | rx.Var]:
        return [
            "const shownLang = useLang()",
            """useEffect(() => {
  const root = document.documentElement;
  if (root.lang !== shownLang) return;
  const frame = requestAnimationFrame(() => {
    if (!root.hasAttribute("data-locale-wait")) return;
    root.removeAttribute("data-locale-wait");
    document.querySelector("[autofocus]")?.focus(); // nothing hidden can take the focus while the page loads
  });
  return () => cancelAnimationFrame(frame);
}, [shownLang])""",
        ]
