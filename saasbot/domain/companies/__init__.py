"""A company's own settings: profile, policies, whose AI model answers, onboarding, and what its owner must know."""
