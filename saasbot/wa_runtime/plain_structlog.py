"""structlog without rich, which it loads wherever that is installed, to colour traces that we never let it write.

The programs of the runtime import this before everything else. A process that has structlog already (the app) keeps it as it is.
"""

from saasbot.wa_runtime.stand_ins import absent

with absent("rich"):
    import structlog

__all__ = ["structlog"]
