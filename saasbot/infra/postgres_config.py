"""The settings of the embedded PostgreSQL: one file, written anew at every start."""

from pathlib import Path

# Everybody, the superuser too, proves a password; there is no TCP listener.
HBA = "local all all scram-sha-256\n"

_DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}
# A crash of the machine may lose such a cluster: tests only.
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "48MB",
    "max_wal_size": "1GB",
}


def server_config(socket_dir: Path, port: int, cluster_name: str, *, durable: bool, major: int) -> str:
    """The text of `postgresql.conf`."""
    settings = {
        "cluster_name": cluster_name,
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket_dir}"',
        "unix_socket_permissions": "0700",
        "port": str(port),
        "max_connections": "200",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",  # compiling costs more than it saves for short queries
        "random_page_cost": "1.1",
        "max_locks_per_transaction": "256",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": "off",
        **(_DURABLE if durable else _THROW_AWAY),
    }
    if major >= 18:
        settings["io_method"] = (
            "sync"  # the default starts three more processes that a database of this size does not use
        )
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
