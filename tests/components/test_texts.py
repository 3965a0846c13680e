"""What `t` compiles to."""

import reflex as rx

from saasbot.components.i18n import LANG, pick, t, tn


def test_a_text_holds_both_languages_and_follows_the_browser() -> None:
    js = str(t("Inbox"))
    assert '"Inbox"' in js and '"Bandeja"' in js
    assert str(LANG) in js
    hooks = t("Inbox")._get_all_var_data()
    assert hooks is not None and "const lang = useLang()" in hooks.hooks


def test_a_var_in_a_text_is_inserted_as_text() -> None:
    name = rx.Var("row.name").to(str)
    js = str(t("{name} answers", name=name))
    assert "row.name" in js and "Contesta" in js and "{name}" not in js


def test_a_python_value_in_a_text_is_escaped() -> None:
    assert '"Contesta \\"</script>"' in str(t("{name} answers", name='"</script>'))


def test_one_and_many_choose_by_the_number() -> None:
    count = rx.Var("count").to(int)
    js = str(tn("{n} unread", "{n} unread", count))
    assert "count" in js and "sin leer" in js


def test_pick_has_a_case_for_each_value_and_one_for_the_rest() -> None:
    js = str(pick(rx.Var("status").to(str), ("open", "A"), "B"))
    assert '"open"' in js and '"A"' in js and '"B"' in js
