"""Runs of the command line that can be killed, many a second.

One process loads everything, once; each run is a fork of it, and a process of its own.
"""

import json
import os
import signal
import subprocess
import sys

_READY = """
import json, os, sys
import redactor.batch, redactor.cli.run, redactor.cli.record, redactor.cli.follow
import redactor.cli.targets, redactor.pipeline, redactor.storage.oss
from redactor.cli import main
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        sys.argv[:] = ["redactor", *order["arguments"]]
        sys.stdin = open(os.devnull)
        out = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """Starts runs. A context manager: the process that they are forks of ends with it."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _READY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(self, *arguments, folder, env):
        """Start a run; gives its process id."""
        order = {"arguments": list(map(str, arguments)), "folder": str(folder), "env": env}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())
        return self.pid

    def wait(self):
        """Wait for the run; gives its exit code, or the signal that ended it, negative."""
        return int(self._process.stdout.readline())

    def run(self, *arguments, folder, env):
        """Start a run and wait for it."""
        self.start(*arguments, folder=folder, env=env)
        return self.wait()

    def kill(self):
        """Kill the run at once, as `kill -9` does."""
        os.kill(self.pid, signal.SIGKILL)
