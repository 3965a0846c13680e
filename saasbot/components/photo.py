"""Photos that people drop, paste or choose. They go to `POST /uploads`; the page only ever carries their ids."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.types import Flag, Handler, Text

_MODULE = rx.asset("photo.js", shared=True).importable_path


def _one_text(text: rx.Var[str]) -> tuple[rx.Var[str]]:
    return (text,)


def _two_texts(first: rx.Var[str], second: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return first, second


class PhotoField(rx.Component):
    """See photo.js."""

    library = _MODULE
    tag = "PhotoField"
    _is_form_control = True

    field_id: rx.Var[str]
    """Not `id`: Reflex would add its own reading of the control to the form's data."""
    name: rx.Var[str]
    csrf: rx.Var[str]
    photo_id: rx.Var[str]
    photo_url: rx.Var[str]
    disabled: rx.Var[bool]
    texts: rx.Var[dict[str, str]]


class PhotoRows(rx.Component):
    """See photo.js."""

    library = _MODULE
    tag = "PhotoRows"

    csrf: rx.Var[str]
    disabled: rx.Var[bool]
    texts: rx.Var[dict[str, str]]
    on_photo: rx.EventHandler[_two_texts]
    on_problem: rx.EventHandler[_one_text]


def photo_field(
    label: Text,
    *,
    id: str,
    csrf: Text,
    photo_id: Text,
    photo_url: Text,
    name: str = "image_id",
    disabled: Flag = False,
    help: Text | None = None,
    **props: Any,
) -> rx.Component:
    """A form's photo: click, drop or paste. The form's data has the photo's id under `name`, "" for none.

    `photo_id` and `photo_url` are where it starts: give it another `key` to start again.
    """
    texts = _texts() | {
        "label": label,
        "help": help if help is not None else t("Up to 10 MB. You can also paste it."),
        "optional": t("Optional"),
        "invitation": t("Drop a photo here or choose one"),
        "busy": t("Uploading…"),
        "remove": t("Remove photo"),
        "alt": t("Chosen photo"),
    }
    return PhotoField.create(
        field_id=id,
        name=name,
        csrf=csrf,
        photo_id=photo_id,
        photo_url=photo_url,
        disabled=disabled,
        texts=rx.Var.create(texts),
        **props,
    )


def photo_rows(
    *content: rx.Component, csrf: Text, on_photo: Handler, on_problem: Handler, disabled: Flag = False
) -> rx.Component:
    """Around rows with `photo_row_attrs(id)`: `on_photo(row id, photo id)` when a photo was uploaded for a row."""
    return PhotoRows.create(
        *content,
        csrf=csrf,
        on_photo=on_photo,
        on_problem=on_problem,
        disabled=disabled,
        texts=rx.Var.create(_texts()),
    )


def photo_row_attrs(row_id: Text) -> dict[str, Any]:
    """Marks a row that photos can be dropped on."""
    return {"data-photo-row": row_id}


def _texts() -> dict[str, Text]:
    return {
        "tooLarge": t("The file is larger than 10 MB. Choose a smaller one."),
        "notPhoto": t("That is not a photo."),
        "offline": t("The photo did not arrive. Check your connection and try again."),
        "failed": t("The photo could not be uploaded. Try again."),
    }
