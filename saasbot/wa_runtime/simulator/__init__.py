"""A WhatsApp network that lives in this server: genuine neonize protobufs, its own servers in PostgreSQL, and faults."""
