"""From the command line to a served app: check, prepare, build, serve. Nothing of the product imports this package."""
