"""Peers whose pins conflict with ours: a virtual environment and a process of each."""

import dataclasses
import functools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

import jax
from tqdm import tqdm

SCRIPT = pathlib.Path(__file__).with_name("peers.py")
FOLDER = "RL_CREDIT_PEERS"  # the variable that names another folder for all of them
SAME_JAX = f"jax=={jax.__version__}"


@dataclasses.dataclass(frozen=True)
class Peer:
    """What to install, and the Python that has wheels of it."""

    python: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> pathlib.Path:
        """Where its virtual environment is, or is going to be."""
        default = pathlib.Path.home() / ".cache"
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or default)
        root = os.environ.get(FOLDER) or cache / "rl_credit" / "peers"
        name = "-".join(self.requirements[:2]).replace("==", "-")
        return pathlib.Path(root) / name

    def interpreter(self) -> pathlib.Path:
        """Its Python; makes the virtual environment where there is none.

        Raises RuntimeError, naming the command that failed and what it said.
        """
        python = self.folder / "bin" / "python"
        if not python.exists():
            tqdm.write(f"making {self.folder}, once: some minutes", file=sys.stderr)
            install = [str(python), "-m", "pip", "install", *self.requirements]
            try:
                self._run([self._base(), "-m", "venv", str(self.folder)])
                self._run(install)
            except BaseException:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise
        return python

    def _base(self) -> str:
        if "{}.{}".format(*sys.version_info) == self.python:
            return sys.executable
        name = f"python{self.python}"
        return shutil.which(name) or name

    def _run(self, command: Sequence[str]) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True)
            said = (done.stdout + done.stderr)[-2000:]
        except FileNotFoundError:
            said = f"there is no {command[0]} here"
        else:
            if done.returncode == 0:
                return
        raise RuntimeError(
            f"{said}\nfailed: {shlex.join(command)}\nOnce that works, or with a "
            f"{self.folder.name}/bin/python (Python {self.python} and "
            f"{' '.join(self.requirements)}) in a folder that {FOLDER} names, "
            "run the suite again."
        )


PEERS = {
    "jumanji": Peer("3.11", ("jumanji==1.1.2", SAME_JAX)),
    "navix": Peer("3.12", ("navix==4.0.0", SAME_JAX)),
    "minihack": Peer(
        "3.11", ("minihack==1.0.2", "nle==1.3.0", "minigrid==3.2.0", "setuptools<81")
    ),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a peer says of one run."""

    steps: int
    wall: float  # seconds
    cpu: float  # seconds, of all its processes


class Process:
    """A peer that plays once whenever asked; started by the first question.

    `command` gives the arguments of a process that answers every line with a line, as
    `peers.py` does. To be closed: a context manager.
    """

    def __init__(self, command: Callable[[], Sequence[str]]):
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._line = ""  # its command

    def run(self) -> Run:
        """Plays once. Raises RuntimeError where the process ends without an answer."""
        process = self._process or self._started()
        assert process.stdin and process.stdout
        try:
            print(file=process.stdin, flush=True)
        except BrokenPipeError:
            pass  # it has ended: then there is no answer either
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(
                f"the peer ended with status {process.wait()} and no answer; what it "
                f"said is above. It was {self._line}"
            )
        return Run(**json.loads(answer))

    def _started(self) -> "subprocess.Popen[str]":
        settings = os.environ | {"JAX_PLATFORMS": jax.default_backend()}
        command = self._command()
        self._line = shlex.join(command)
        self._process = subprocess.Popen(
            command,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._process

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()


def process(name: str, **options: str | int | float) -> Process:
    """The process of a peer of the table; options as `peers.py` describes them."""
    return Process(functools.partial(_command, name, options))


def _command(name: str, options: dict) -> list[str]:
    python = PEERS[name].interpreter()  # -I: nothing of this checkout is in its path
    alone = [str(python), "-I", "-W", "ignore", str(SCRIPT)]
    return [*alone, name, json.dumps(options)]
