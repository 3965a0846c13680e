"""Which operating system account runs the embedded PostgreSQL, and what that account can reach.

PostgreSQL refuses to run as root. Started as root (a container, a fresh machine), it therefore runs as `nobody`;
started as anyone else it runs as that user.
"""

import os
import pwd
import stat
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saasbot.infra.start_error import StartError

UNPRIVILEGED = "nobody"

# acl(5) as Linux stores it in the extended attribute: a version, then (tag, permissions, id) entries in tag order.
_ACL_ATTRIBUTE = "system.posix_acl_access"
_ACL_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_SEARCH = 0o1


@dataclass(frozen=True)
class ServerAccount:
    """The account of the server process. `switched` is true when it is not our own."""

    name: str
    uid: int
    gid: int
    switched: bool

    @classmethod
    def current(cls) -> "ServerAccount":
        """Ourselves, or `nobody` when we are root.

        Raises:
            StartError: we are root and there is no such account.
        """
        if os.geteuid() != 0:
            return cls(str(os.geteuid()), os.geteuid(), os.getegid(), switched=False)
        try:
            entry = pwd.getpwnam(UNPRIVILEGED)
        except KeyError:
            raise StartError(
                f"PostgreSQL does not run as root and this machine has no user `{UNPRIVILEGED}`: "
                "create it, start as another user, or set SAASBOT_DATABASE_URL."
            ) from None
        return cls(UNPRIVILEGED, entry.pw_uid, entry.pw_gid, switched=True)

    def popen_arguments(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess` that run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def own_folder(self, folder: Path) -> None:
        """Afterwards `folder` exists, belongs to this account and is closed to others.

        Raises:
            StartError: the folder is a link, belongs to somebody else, or cannot be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            if stat.S_ISLNK(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
                raise StartError(f"{folder} belongs to somebody else: remove it or choose another SAASBOT_DATA_DIR.")
            if self.switched and found.st_uid != self.uid:
                os.chown(folder, self.uid, self.gid)
            folder.chmod(0o700)
        except OSError as error:
            raise StartError(f"{folder} cannot be prepared for PostgreSQL: {error.strerror}.") from error

    def ensure_reach(self, path: Path) -> None:
        """Afterwards this account can pass through every folder above `path`.

        As root a checkout often lies in a folder closed to others (`/root`, a temporary folder). There the account, and
        nobody else, gets the search permission by an ACL: it can pass, not list.

        Raises:
            StartError: a folder stays closed; the sentence has the command that opens it.
        """
        if not self.switched or self._passes(path):
            return
        for folder in reversed(path.absolute().parents):
            if not self._passes(folder):
                self._let_through(folder)

    def _passes(self, path: Path) -> bool:
        asked = subprocess.run(  # noqa: S603 - a fixed program, the path is an argument
            ["/bin/sh", "-c", 'test -x "$0"', str(path)], cwd="/", check=False, **self.popen_arguments()
        )
        return asked.returncode == 0

    def _let_through(self, folder: Path) -> None:
        try:
            if _ACL_ATTRIBUTE not in os.listxattr(folder):
                os.setxattr(folder, _ACL_ATTRIBUTE, _acl_with_search(stat.S_IMODE(folder.stat().st_mode), self.uid))
        except OSError:
            pass  # a file system without ACLs: the check below says what to do
        if not self._passes(folder):
            raise StartError(
                f"PostgreSQL runs as `{self.name}`, which cannot pass through {folder}: "
                f"run `chmod o+x {folder}` or choose another SAASBOT_DATA_DIR."
            )


def _acl_with_search(mode: int, uid: int) -> bytes:
    """The access control list that means `mode`, plus search permission for `uid` alone."""
    owner, group, other = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    entries = [
        (_USER_OBJ, owner, _NO_ID),
        (_USER, _SEARCH, uid),
        (_GROUP_OBJ, group, _NO_ID),
        (_MASK, group | _SEARCH, _NO_ID),
        (_OTHER, other, _NO_ID),
    ]
    return struct.pack("<I", _ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
