# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
"""What the daemon's tests need: a daemon, raw clients, and cases to count.

Whoever waits reads from something that the daemon writes, or asks it again and
again, with a time-out that only a hang ever meets.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HANG_SECONDS = 300
# For what comes by itself: nothing takes as long.
IN_VAIN_SECONDS = 30
PROGRAM = os.path.abspath("daemon/isrloopd")

SIM = """
[line CLOCK]
chip = sim:
[line IDLE]
chip = sim:
"""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


def catches(process, signo):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        mask = next(line for line in file if line.startswith("SigCgt:"))
    return int(mask.split()[1], 16) >> (signo - 1) & 1


def send(process, signo):
    """Signal a process that ends by it. The thread sanitizer's own handler
    may keep a signal that comes just before a blocking call, and hand it on
    only with the next one: for as long as the process would handle it."""
    process.send_signal(signo)
    if os.environ.get("ISR_SANITIZER") != "thread":
        return
    for _ in range(HANG_SECONDS):
        try:
            process.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            if catches(process, signo):
                process.send_signal(signo)


class Daemon:
    """An isrloopd of its own, in a folder of its own.

    chip is the text of a simulated chip, sim:CHIP in the configuration.
    """

    def __init__(self, config=SIM, ready=True, socket_name="s", chip=None):
        self.folder = tempfile.mkdtemp(prefix="isrloopd-")
        if chip:
            chip_path = os.path.join(self.folder, "chip")
            with open(chip_path, "w", encoding="utf-8") as file:
                file.write(chip)
            config = config.replace("sim:CHIP", f"sim:{chip_path}")
        self.config = os.path.join(self.folder, "conf")
        self.path = os.path.join(self.folder, socket_name)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config)
        self.processes = []
        self.clients = []
        if ready:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        for client in self.clients:
            client.close()
        failures = [self.end(process) for process in self.processes]
        shutil.rmtree(self.folder)
        # A sanitizer, too, speaks at the end.
        assert what[0] or not any(failures), "".join(failures)

    @staticmethod
    def end(process):
        """What a process said that still ran and did not end well."""
        if process.poll() is not None:
            process.stderr.close()
            return ""
        send(process, signal.SIGTERM)
        try:
            said = process.communicate(timeout=HANG_SECONDS)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1] + "it had to be killed\n"
        return said if process.returncode else ""

    def spawn(self, **options):
        """Start one more process of it; the caller looks what becomes of it."""
        command = [PROGRAM, "--config", self.config, "--socket", self.path]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, **options
        )
        self.processes.append(process)
        return process

    def start(self, **options):
        self.process = self.spawn(**options)
        self.wait_ready(self.process)

    @staticmethod
    def wait_ready(process):
        """Returns what it said before it was ready."""
        said = ""
        for line in process.stderr:
            if "ready:" in line:
                return said
            said += line
        raise AssertionError(f"{said}isrloopd ended: {process.wait()}")

    def stop(self, signo=signal.SIGTERM):
        """End it as an administrator would; returns what it still said."""
        send(self.process, signo)
        said = self.process.communicate(timeout=HANG_SECONDS)[1]
        equal(self.process.returncode, 0)
        return said

    def connect(self):
        client = Client(self.path)
        self.clients.append(client)
        return client

    def status(self):
        client = self.connect()
        status = client.call("io.isrloop.GetStatus")
        client.close()
        return status

    def line(self, name):
        return next(l for l in self.status()["lines"] if l["name"] == name)


class Error(Exception):
    """An error reply."""

    def __init__(self, message):
        super().__init__(message["error"])
        self.name = message["error"]
        self.parameters = message["parameters"]


class Client:
    """A connection that does exactly what it is told."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(HANG_SECONDS)
        self.socket.connect(path)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, parameters=None, **members):
        message = dict(members, method=method, parameters=parameters or {})
        self.send(json.dumps(message).encode() + b"\0")

    def receive(self):
        """The next message, or None at end of file."""
        while b"\0" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                equal(self.buffer, b"")
                return None
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def reply(self):
        """The next reply's parameters; an error is raised."""
        message = self.receive()
        assert message is not None, "end of file instead of a reply"
        if "error" in message:
            raise Error(message)
        return message["parameters"]

    def call(self, method, parameters=None):
        self.request(method, parameters)
        return self.reply()

    def subscribe(self, **parameters):
        """Start a stream; returns its initial records."""
        self.request("io.isrloop.Subscribe", parameters, more=True)
        message = self.receive()
        if "error" in message:
            raise Error(message)
        equal(message["continues"], True)
        return message["parameters"]["events"]

    def wait_for_line(self, is_so, name=None):
        """A line's status, once it is so; of the only line without a name."""
        give_up = time.monotonic() + IN_VAIN_SECONDS
        while True:
            lines = self.call("io.isrloop.GetStatus")["lines"]
            (line,) = [x for x in lines if name in (None, x["name"])]
            if is_so(line):
                return line
            assert time.monotonic() < give_up, line

    def wait_for_edge(self, name):
        """Until the line has told an edge.

        Before that its level is what was read while it was opened: on a busy
        machine there may be edges from before that, still to be told.
        """
        self.wait_for_line(lambda line: line["delivered"], name)

    def events(self):
        """The records of a stream, one after the other, without an end."""
        while True:
            yield from self.reply()["events"]


class Account:
    """One client's view of one line: nothing may be unaccounted for.

    records counts those of its device.
    """

    def __init__(self, initial):
        equal(initial["kind"], "initial")
        self.line = initial["line"]
        self.start = initial["line_seq"]
        self.line_seq = self.start
        self.seq = initial["seq"]
        level = initial.get("level", initial["value"])
        self.levels = [level & 1, level >> 1]  # of both inputs; None: unknown
        self.t_ns = initial["t_ns"]
        self.delivered = 0
        self.lost = 0
        self.lost_client = 0
        self.records = 0
        self.lost_records = 0

    def add(self, event):
        equal(event["line"], self.line)
        self.lost += event["lost"]
        self.lost_client += event["lost_client"]
        self.lost_records += event.get("lost_records", 0)
        if event["lost"]:
            self.levels = [None, None]
        if event["kind"] == "lost":
            assert event["lost"] > 0 or event["lost_records"] > 0, event
        else:
            assert event["seq"] > self.seq, f"{event} after {self.seq}"
        if event["kind"] == "edge":
            self.add_edge(event)
        elif event["kind"] != "lost":
            equal(event["edge"], None)
            self.records += 1
        self.seq = event["seq"]
        self.line_seq = event["line_seq"]
        equal(self.delivered + self.lost, self.line_seq - self.start)

    def add_edge(self, event):
        level = event.get("input", 0)
        self.delivered += 1
        equal(event["value"], int(event["edge"] == "rising"))
        assert event["t_ns"] > self.t_ns, f"{event} before {self.t_ns}"
        self.t_ns = event["t_ns"]
        if self.levels[level] is not None and not event["merged"]:
            equal(event["value"], 1 - self.levels[level])
        self.levels[level] = event["value"]


def take(client, account, n):
    """Take at least n more edges of the account's only line, checking each."""
    wanted = account.delivered + n
    while account.delivered < wanted:
        for event in client.reply()["events"]:
            account.add(event)


def main(cases):
    """Run the cases, print their results and the line that is added up."""
    name = os.path.basename(sys.argv[0])
    wanted = sys.argv[1:]
    passed = failed = skipped = 0
    for case in cases:
        title = case.__name__.replace("_", " ")
        if wanted and case.__name__ not in wanted:
            continue
        try:
            case()
        except Skip as reason:
            print(f"skipped: {title}: {reason}")
            skipped += 1
        except Exception:  # whatever it is, the next case runs
            print(f"FAILED: {title}")
            traceback.print_exc(file=sys.stdout)
            failed += 1
        else:
            print(f"ok: {title}")
            passed += 1
        sys.stdout.flush()
    print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped")
    if failed or not passed + skipped:
        sys.exit(1)
    sys.exit(0 if passed else 77)
