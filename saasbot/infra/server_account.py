"""Which operating system account runs the embedded PostgreSQL, and what that account can reach.

PostgreSQL refuses to run as root. Started as root (a container, a fresh machine), it therefore runs as `nobody`;
started as anyone else it runs as that user.
"""

import contextlib
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
_HEADER, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
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
        with contextlib.suppress(OSError):  # a file system without ACLs: the check below says what to do
            os.setxattr(folder, _ACL_ATTRIBUTE, _acl_with_search(_access_control_list(folder), self.uid))
        if not self._passes(folder):
            raise StartError(
                f"PostgreSQL runs as `{self.name}`, which cannot pass through {folder}: "
                f"run `chmod o+x {folder}` or choose another SAASBOT_DATA_DIR."
            )


def _access_control_list(folder: Path) -> list[tuple[int, int, int]]:
    """The (tag, permissions, id) entries that hold for `folder` now; without a list of its own, what its mode means."""
    if _ACL_ATTRIBUTE in os.listxattr(folder):
        return list(_ENTRY.iter_unpack(os.getxattr(folder, _ACL_ATTRIBUTE)[_HEADER.size :]))
    mode = stat.S_IMODE(folder.stat().st_mode)
    return [(_USER_OBJ, mode >> 6 & 7, _NO_ID), (_GROUP_OBJ, mode >> 3 & 7, _NO_ID), (_OTHER, mode & 7, _NO_ID)]


def _acl_with_search(entries: list[tuple[int, int, int]], uid: int) -> bytes:
    """The same rights as before for everybody else, plus search permission for `uid`.

    The mask limits all named entries and the group; `chmod` sets it as if it were the group's. Where it is widened,
    the entries that it limited are cut down to what they were worth.
    """
    limit = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    kept = [
        (tag, permissions & limit if tag in {_USER, _GROUP_OBJ, _GROUP} else permissions, who)
        for tag, permissions, who in entries
        if tag != _MASK and (tag, who) != (_USER, uid)
    ]
    named = [*kept, (_USER, _SEARCH, uid)]
    mask = 0
    for tag, permissions, _ in named:
        mask |= permissions if tag in {_USER, _GROUP_OBJ, _GROUP} else 0
    ordered = sorted([*named, (_MASK, mask, _NO_ID)], key=lambda entry: (entry[0], entry[2]))
    return _HEADER.pack(_ACL_VERSION) + b"".join(_ENTRY.pack(*entry) for entry in ordered)
