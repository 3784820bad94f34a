"""Runs one module of tests with pytest and tells what happened over a channel of its own.

It decides nothing: which tests there are was settled before, and a test of which nothing is told has not passed. What is
tested runs in the same process; what that means is in docs/UNIT-TESTS.md.
"""

import difflib  # noqa: F401  what pytest imports late must not come from the submission
import json
import os
import struct
import sys
import tempfile
import unittest  # noqa: F401

import _pytest.unittest  # noqa: F401
import pytest

CHANNEL = 3
MESSAGE = 4000
FRAMES = 40
# What nothing that is tested has to do.
FORBIDDEN = (
    "ctypes.", "gc.", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.posix_spawn", "os.spawn", "os.system",
    "pty.", "subprocess.", "sys._current_", "sys.addaudithook", "sys.setprofile", "sys.settrace", "code.__new__",
    "socket.", "fcntl.", "signal.pthread_kill",
)


def request():
    stream = sys.stdin.buffer

    def part():
        (length,) = struct.unpack(">I", stream.read(4))
        return stream.read(length)

    nonce, unit, build = (part().decode() for _ in range(3))
    (count,) = struct.unpack(">I", stream.read(4))
    return nonce, unit, build, [(part().decode(), part()) for _ in range(count)]


def channel(nonce):
    """Nothing but this function knows the nonce."""
    write = os.write
    dumps = json.dumps

    def tell(event, **fields):
        line = (dumps({"nonce": nonce, "event": event, **fields}) + "\n").encode()
        while line:
            line = line[write(CHANNEL, line):]

    return tell


def guard(event, args):
    if event.startswith(FORBIDDEN):
        raise RuntimeError(event + " is not allowed where code meets tests")
    if event == "open" and isinstance(args[0], int) and not isinstance(args[0], bool) and args[0] > 2:
        raise RuntimeError("descriptors cannot be opened where code meets tests")


class Plugin:
    def __init__(self, tell, unit, build):
        self.tell = tell
        self.unit = unit
        self.build = build + "/"
        self.items = {}
        self.states = {}

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "points(n): what the test is worth")

    def pytest_collectreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else str(report.longrepr)
            self.tell("finished", id=report.nodeid, status="failed", kind="exception")
            self.tell("detail", id=report.nodeid, type="", message=last_error(text), trace="")

    def pytest_collection_modifyitems(self, items):
        for item in items:
            owner = self.unit if item.cls is None else f"{self.unit}.{item.cls.__name__}"
            self.items[item.nodeid] = {"id": item.nodeid, "class": owner, "method": getattr(item, "originalname", None) or item.name}

    def pytest_runtest_logstart(self, nodeid, location):
        self.states[nodeid] = ("passed", "")
        self.tell("started", **self.items[nodeid])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        report = outcome.get_result()
        status, kind = self.states[item.nodeid]
        if report.failed and status != "failed":
            error = call.excinfo.value if call.excinfo else None
            kind = "memory" if isinstance(error, MemoryError) else "assertion" if isinstance(error, AssertionError) else "exception"
            self.states[item.nodeid] = ("failed", kind)
            self.detail = self.details(item, call, report)
        elif report.skipped and status == "passed":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
            self.states[item.nodeid] = ("skipped", str(reason)[:MESSAGE])
        elif hasattr(report, "wasxfail") and status == "passed":
            self.states[item.nodeid] = ("skipped", "expected to fail")

    def details(self, item, call, report):
        lines = []
        for entry in call.excinfo.traceback if call.excinfo else ():
            path = str(entry.path)
            if path.startswith(self.build) and len(lines) < FRAMES:
                lines.append(f"at {path[len(self.build):]}:{entry.lineno + 1} in {entry.name}")
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr)
        name = type(call.excinfo.value).__name__ if call.excinfo else ""
        for begin in (name + ": ", "AssertionError: "):
            message = message.removeprefix(begin)
        # The innermost is what matters.
        return {"type": name, "message": message[:MESSAGE], "trace": "\n".join(reversed(lines))}

    def pytest_runtest_logfinish(self, nodeid, location):
        status, more = self.states[nodeid]
        fields = self.items[nodeid]
        if status == "skipped":
            self.tell("finished", **fields, leaf=True, status="skipped", message=more)
        else:
            self.tell("finished", **fields, leaf=True, status=status, kind=more)
        if status == "failed":
            self.tell("detail", **fields, **self.detail)


def last_error(text):
    lines = [line[1:].strip() if line.startswith("E ") else line.strip() for line in text.splitlines()]
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return (errors[-1] if errors else text)[-MESSAGE:]


def main():
    os.set_inheritable(CHANNEL, False)
    nonce, unit, build, files = request()
    tell = channel(nonce)
    del nonce
    folder = tempfile.mkdtemp(prefix="unit-")
    for name, content in files:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    # The submission comes last: none of its modules takes the place of one of Python's.
    sys.path[:] = [folder, *sys.path[1:], build]
    sys.argv = [unit]
    sys.addaudithook(guard)
    options = [
        "-s", "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler", "-p", "no:doctest",
        "-p", "no:junitxml", "-p", "no:pastebin", "-c", os.devnull, "--rootdir", folder, "--confcutdir", folder,
        "-W", "ignore", os.path.join(folder, unit + ".py"),
    ]
    status = pytest.main(options, plugins=[Plugin(tell, unit, build)])
    if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.INTERRUPTED):
        tell("end")
        os._exit(0)
    tell("broken", type=f"pytest ended with {status!r}")
    os._exit(1)


main()
