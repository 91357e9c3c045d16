"""The first process in a sandbox: it drops its privileges, runs the code, and waits for its end.

`sandbox.py` starts it in new namespaces, as `python -c`, so it imports the standard library only.
It reads one line of JSON from stdin and reports on the file descriptor that is its argument. When
it ends, the kernel kills all that is left in the sandbox. It ends, too, when stdin is closed: the
code does not outlive the program that started it.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

NOSUID, NODEV, NOEXEC, RDONLY = 2, 4, 8, 1
MS_BIND, MS_REC, MNT_DETACH = 4096, 16384, 2
AT_FDCWD, AT_RECURSIVE, MOUNT_SETATTR = -100, 0x8000, 442
CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
OWN_PROCESSES = 2
"""The processes of a sandbox that are not the code's: this one, and the one that started it."""
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    status_fd = int(sys.argv[1])
    os.set_inheritable(status_fd, False)
    if request["root"]:
        build_root(request)
    os.chdir("/work")
    with open(request["code_file"], "w", encoding="utf-8") as file:
        file.write(request["code"])
    drop_privileges(request["uid"])
    os.write(status_fd, b'{"is_ready": true}\n')
    code = os.fork()
    if code == 0:
        run_code(request)
    report = wait_for(code, request["limits"]["wall_s"])
    os.write(status_fd, json.dumps(report).encode() + b"\n")
    os._exit(0)


def build_root(request: dict[str, Any]) -> None:
    """Build a file system that has what is listed and nothing else, and make it the root."""
    root, size = request["root"], request["limits"]["memory_bytes"]
    mount("sandbox", root, "tmpfs", NOSUID | NODEV, "mode=755,size=1m")
    for path in request["read_only"]:
        bind(path, root + path, RDONLY | NOSUID | NODEV)
    for path, target in request["links"].items():
        os.symlink(target, root + path)
    for name in ("null", "zero", "random", "urandom"):
        bind(f"/dev/{name}", f"{root}/dev/{name}", NOSUID | NOEXEC)
    os.symlink("/tmp", f"{root}/dev/shm")
    os.mkdir(f"{root}/tmp")
    mount("tmp", f"{root}/tmp", "tmpfs", NOSUID | NODEV, f"mode=1777,size={size}")
    bind(request["folder"], f"{root}/work", NOSUID | NODEV)
    os.mkdir(f"{root}/proc")
    with contextlib.suppress(OSError):  # some containers forbid it; programs do without it
        # Read-only: the user id of root alone would open parts of /proc/sys.
        mount("proc", f"{root}/proc", "proc", RDONLY | NOSUID | NODEV | NOEXEC)
    if (uid := request["uid"]) is not None:
        give_away(f"{root}/work", uid)
    set_mount_flags(root, RDONLY, recursive=False)
    os.chdir(root)
    check(LIBC.pivot_root(b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", MNT_DETACH), "unmount the old root")


def bind(source: str, target: str, flags: int) -> None:
    """Mount a file or folder at another place, with all that is mounted below it."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        open(target, "w").close()
    mount(source, target, "", MS_BIND | MS_REC)
    set_mount_flags(target, flags, recursive=True)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    texts = (text.encode() for text in (source, target, kind))
    check(LIBC.mount(*texts, ctypes.c_ulong(flags), options.encode()), f"mount {target}")


def set_mount_flags(target: str, flags: int, *, recursive: bool) -> None:
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    how = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    result = LIBC.syscall(MOUNT_SETATTR, AT_FDCWD, target.encode(), how, attributes, size)
    check(result, f"set the flags of {target}")


def give_away(folder: str, uid: int) -> None:
    """Make a user the owner of a folder and all in it; links are not followed."""
    os.chown(folder, uid, uid)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), uid, uid, follow_symlinks=False)


def drop_privileges(uid: int | None) -> None:
    """Become a user without any capability, for good.

    The user namespace of its own counts this sandbox's processes apart from all others.
    """
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        check(LIBC.unshare(CLONE_NEWUSER), "create a user namespace")
    capability = 0
    while LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    check(LIBC.capset(header, none), "drop the capabilities")
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges")
    check(LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "forbid others to trace this process")


def run_code(request: dict[str, Any]) -> None:
    """Set the limits of this process and its children, and replace it by the code."""
    limits = request["limits"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if limits["cpu_s"] is not None:  # a signal first, then an end that cannot be ignored
        resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["cpu_s"] + 1))
    processes = limits["processes"] + OWN_PROCESSES
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    command = request["command"]
    try:
        os.execve(command[0], command, request["environment"])
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    finally:
        os._exit(127)  # the exit code of a shell that does not find a command


def wait_for(code: int, wall_s: float | None) -> dict[str, Any]:
    """Wait until the code ends. Exit if stdin is closed, or well after the time is over."""
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    deadline = None if wall_s is None else time.monotonic() + wall_s + 5
    while True:
        while (ended := reap()) is not None:
            if ended[0] == code:
                return ended[1]
        remaining = 1.0 if deadline is None else max(0.0, min(1.0, deadline - time.monotonic()))
        readable, _, _ = select.select([0, wake_read], [], [], remaining)
        if 0 in readable or remaining == 0.0:
            os._exit(1)
        if wake_read in readable:
            os.read(wake_read, 4096)


def reap() -> tuple[int, dict[str, Any]] | None:
    """The process that ended, and how; None if all are running."""
    try:
        process, status, usage = os.wait4(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if process == 0:
        return None
    result = os.waitstatus_to_exitcode(status)
    cpu_s = round(usage.ru_utime + usage.ru_stime, 3)
    return process, {"exit_code": result, "killed_by": max(0, -result), "cpu_s": cpu_s}


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
