"""Simulators in Java: one virtual machine a process, copies that share nothing."""

import os
import pathlib
import subprocess
from typing import Any

OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",  # one for all objects: sets keep the order of insertion
    "-XX:+UseSerialGC",
)
MISSING = (
    "the command `java` is missing or does not start; install a Java runtime, version "
    "8 or newer (Debian: apt install default-jre-headless), until `java -version` works"
)

_machines: dict[str, "Machine"] = {}


class Copy:
    """A simulator whose classes, with their static variables, are its own.

    It has a connection of its own as well: the machine's end of one remembers methods
    by the names of classes, which here are those of several.
    """

    def __init__(self, machine: "Machine", jar: str, entry: str):
        self.machine = machine
        self._gateway, self._client = machine.connected()
        view = self._gateway.jvm
        urls = self._gateway.new_array(view.java.net.URL, 1)
        urls[0] = view.java.io.File(jar).toURI().toURL()
        parent = view.java.lang.ClassLoader.getSystemClassLoader().getParent()
        self._loader = view.java.net.URLClassLoader(urls, parent)
        self.interface: Any = self._loader.loadClass(entry).newInstance()

    def random(self, seed: int) -> Any:
        """A `java.util.Random`."""
        return self._gateway.jvm.java.util.Random(seed)

    def make(self, name: str, argument: Any) -> Any:
        """An object of the class `name`, by its constructor for that argument."""
        arguments = self._gateway.new_array(self._gateway.jvm.Object, 1)
        arguments[0] = argument
        for constructor in self._loader.loadClass(name).getConstructors():
            types = list(constructor.getParameterTypes())
            if len(types) == 1 and types[0].isInstance(argument):
                return constructor.newInstance(arguments)
        raise TypeError(f"no constructor of {name} takes {argument}")

    def disconnect(self) -> None:
        """From here on nothing works, and the machine is told of nothing that goes."""
        self._client.close()
        self._client.is_connected = False


class Machine:
    """A virtual machine; it ends with this process, however that ends.

    What the simulator prints is dropped, and hash codes are fixed: they decide in which
    order sets of objects are walked, and so what a simulator does with a random number.
    """

    def __init__(self, folder: pathlib.Path):
        from py4j.java_gateway import GatewayParameters, launch_gateway

        try:
            port, token, self.process = launch_gateway(
                javaopts=list(OPTIONS),
                cwd=str(folder),
                die_on_exit=True,
                enable_auth=True,
                return_proc=True,
            )
        except (OSError, ValueError) as error:  # no such program, or it names no port
            raise RuntimeError(MISSING) from error
        self._parameters = GatewayParameters(port=port, auth_token=token)
        gateway, client = self.connected()
        view = gateway.jvm
        view.java.lang.System.setOut(view.java.io.PrintStream(os.devnull))
        client.close()
        self.borrowed = 0
        self.idle: list[Copy] = []

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def connected(self) -> tuple[Any, Any]:
        """A way to use the machine, and the client of py4j behind it."""
        from py4j.java_gateway import GatewayClient, JavaGateway

        gateway = JavaGateway(gateway_parameters=self._parameters)
        client = GatewayClient(gateway_parameters=self._parameters)
        gateway.set_gateway_client(client)
        return gateway, client

    def end(self) -> None:
        for copy in self.idle:
            copy.disconnect()
        self.idle = []
        self.process.stdin.close()
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def borrow(jar: str, entry: str) -> Copy:
    """A copy of the simulator in `jar` that nobody else in the process uses.

    Args:
        jar: its path; the simulator finds its other files beside it.
        entry: the class of `Copy.interface`; its constructor takes no arguments.

    Copies that were given back are used again. Raises RuntimeError where there is no
    Java, saying what to install.
    """
    machine = _machines.get(jar)
    if machine is None or not machine.alive:
        machine = _machines[jar] = Machine(pathlib.Path(jar).parent)
    machine.borrowed += 1
    try:
        return machine.idle.pop() if machine.idle else Copy(machine, jar, entry)
    except Exception:
        _returned(machine)
        raise


def give_back(copy: Copy) -> None:
    """Keeps the copy for another borrower; the last one ends the machine."""
    copy.machine.idle.append(copy)
    _returned(copy.machine)


def _returned(machine: Machine) -> None:
    machine.borrowed -= 1
    if not machine.borrowed:
        machine.end()
        for jar, known in list(_machines.items()):
            if known is machine:
                del _machines[jar]
