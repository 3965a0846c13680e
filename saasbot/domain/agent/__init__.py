"""The rules around a turn of the agent: may it answer, from what, and is its answer still wanted when it is ready."""
