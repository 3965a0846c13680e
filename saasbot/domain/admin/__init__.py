"""Work across companies, with the platform role: sign-in, registration, and what the runtime lists.

This package is the only one that opens `platform_unit_of_work()` (tests/accounts/test_platform_door.py greps for others).
Each says why, in words of its own, which the metrics count. Its functions are small, open their own transaction each, and leave a line in the log.
"""
