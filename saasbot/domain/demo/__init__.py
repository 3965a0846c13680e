"""A shop to look around in, made at the first start where `SAASBOT_DEMO=1`: people, products, rules, a bot and a number."""

from saasbot.domain.demo.seed import AGENT_EMAIL, OWNER_EMAIL, PASSWORD, seed

__all__ = ["AGENT_EMAIL", "OWNER_EMAIL", "PASSWORD", "seed"]
