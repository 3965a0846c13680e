"""Everything that crosses companies: the only user of the platform role."""
