"""Run a command as another user: ``python as_user.py UID GID (plain|reach) COMMAND…``. Started by root only.

``reach`` leaves that user one power of root, to pass through closed folders (a data folder below root's home, or
below a temporary folder of mode 0700). Linux only; elsewhere such folders have to be opened.
"""

import contextlib
import ctypes
import os
import sys

_PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 28, 47, 2
#: Capabilities survive setuid, and access(2), by which initdb looks for its programs, takes note of them.
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x20080522
#: CAP_DAC_READ_SEARCH is what is needed; containers often have the wider CAP_DAC_OVERRIDE only.
_READ_SEARCH, _OVERRIDE = 2, 1


def main() -> None:
    """Become that user and then the command."""
    uid, gid, how, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if how == "reach" and sys.platform == "linux":
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    if how == "reach" and sys.platform == "linux":
        _keep(libc, _READ_SEARCH) or _keep(libc, _OVERRIDE)
    try:
        os.execv(command[0], command)  # noqa: S606 - that is what it is for
    except OSError as exc:
        sys.exit(f"{command[0]}: {exc.strerror}")


def _keep(libc: ctypes.CDLL, capability: int) -> bool:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    # effective, permitted, inheritable of the low 32 capabilities, then of the high ones
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref(data)):
        return False
    return bool(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
