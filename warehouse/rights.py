"""What to do where the system will not let us read or write.

Belongs here: saying whose a file is, who we are, and which of the two has to change. Does not belong here: rights that
a person has by a token (``serving/roles.py``).
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def explain_refusal(path: Path) -> str:
    """One line with the cause and what to do, for a path that was refused; it need not exist."""
    there = next(one for one in (path, *path.absolute().parents) if os.path.lexists(one))
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"{path} can't be written: its disk is mounted read-only. Mount it for writing, or use another folder."
    owner, us = _name(there.stat().st_uid), _name(os.geteuid())
    if owner == us:
        return f"{path} is closed to its own owner, {us}: open {there} to it (chmod u+rwX)."
    return (
        f"{path} is closed to {us}: {there} belongs to {owner}. Run the command as {owner}, "
        f"or give it to {us}: chown -R {us} {there if there.is_dir() else there.parent}."
    )


def _name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
