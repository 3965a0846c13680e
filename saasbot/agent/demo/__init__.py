"""The demo model: plain rules behind the Chat Completions protocol, so that the whole path can be seen without a key."""
