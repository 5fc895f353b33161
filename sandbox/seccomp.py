"""The system calls that a box may not make, as the BPF program that the runner lays over itself.

Namespaces alone leave holes: AF_VSOCK passes a network namespace, io_uring makes sockets past a filter on `socket`,
key rings belong to the host's user. Everything not named here stays allowed, so that ordinary tools work.
"""

from __future__ import annotations

import errno
import functools
import os

from sandbox.faults import BoxError

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
_FAMILIES = range(64)  # the kernel knows fewer; a higher number is refused by the kernel itself
_INT = 0xFFFFFFFF  # an int argument: the upper half of the register is whatever the caller left there

# glibc falls back to the older call on ENOSYS; clone3 hides its flags in memory, where no filter can look.
ABSENT = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")

REFUSED = (
    *("keyctl", "add_key", "request_key"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
    *("bpf", "userfaultfd", "perf_event_open", "lookup_dcookie"),
    *("mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *("pivot_root", "chroot", "unshare", "setns", "swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "nfsservctl", "uselib"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot"),
    *("name_to_handle_at", "open_by_handle_at", "fanotify_init"),
    *("iopl", "ioperm", "modify_ldt", "syslog", "vhangup", "_sysctl", "sysfs"),
    *("clock_settime", "clock_adjtime", "settimeofday", "adjtimex", "stime", "sethostname", "setdomainname"),
)

_NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)  # CLONE_NEW*
_RUNNER = 1  # its pid; no signal harms it, but bounds set by another process would
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into somebody else's terminal


@functools.cache
def program() -> bytes:
    """The filter for this machine's architecture. Raises BoxError where libseccomp or pyseccomp is missing."""
    try:
        import pyseccomp as sc  # noqa: PLC0415 (a machine without it can still compile and validate)
    except (ImportError, RuntimeError, OSError) as error:
        raise BoxError(f"pyseccomp does not load: {error}; install it and libseccomp2") from error
    rules = sc.SyscallFilter(sc.ALLOW)

    def deny(name: str, code: int, *conditions: object) -> None:
        if sc.resolve_syscall(sc.system_arch(), name) != -1:  # -1: the library has never heard of it
            rules.add_rule(sc.ERRNO(code), name, *conditions)

    for name in ABSENT:
        deny(name, errno.ENOSYS)
    for name in REFUSED:
        deny(name, errno.EPERM)
    for family in set(_FAMILIES) - {AF_UNIX, AF_INET, AF_INET6}:
        for name in ("socket", "socketpair"):
            deny(name, errno.EAFNOSUPPORT, sc.Arg(0, sc.MASKED_EQ, _INT, family))
    for flag in _NEW_NAMESPACES:
        deny("clone", errno.EPERM, sc.Arg(0, sc.MASKED_EQ, flag, flag))
    deny("prlimit64", errno.EPERM, sc.Arg(0, sc.MASKED_EQ, _INT, _RUNNER))
    for request in _TERMINAL_INPUT:
        deny("ioctl", errno.EPERM, sc.Arg(1, sc.MASKED_EQ, _INT, request))
    return _exported(rules)


def _exported(rules: object) -> bytes:
    with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
        rules.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()
