"""SaaSBot: an AI agent and its people on a small business's WhatsApp numbers, in one live inbox."""
