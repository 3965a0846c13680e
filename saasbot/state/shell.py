"""What the frame around every signed-in page shows."""

import reflex as rx


class ShellState(rx.State):
    """Small vars of their own, so that a push of the unread count carries nothing else."""

    user_name: rx.Field[str] = rx.field("")
    user_email: rx.Field[str] = rx.field("")
    company_name: rx.Field[str] = rx.field("")
    unread: rx.Field[int] = rx.field(0)
    numbers_tone: rx.Field[str] = rx.field("")
