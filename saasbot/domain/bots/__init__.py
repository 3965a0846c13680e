"""Bots: who answers in the company's name, with which instructions, and on which words."""
