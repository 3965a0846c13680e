"""Only `saasbot/domain/admin` works across companies."""

import re
from pathlib import Path

from tests.attack.attempts import attempt

ROOT = Path(__file__).resolve().parents[2] / "saasbot"
_OPENS = re.compile(r"platform_unit_of_work|_transaction\(\s*[\"']platform")


@attempt(75, "tenancy", "Code outside the one door works across companies.")
def test_nobody_else_opens_a_transaction_of_the_platform_role():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if _OPENS.search(path.read_text(encoding="utf-8"))
    }
    outside = {user for user in users if not user.startswith("domain/admin/")}
    assert outside == {"infra/db.py"}
    assert len(users) > 3
