"""Numbers on a bad day: load and faults at once, and afterwards what the promises are worth. `make soak`"""
