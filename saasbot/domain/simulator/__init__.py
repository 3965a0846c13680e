"""The rules of the simulated WhatsApp network: who is on it, what goes wrong on it, and what its phones show."""
