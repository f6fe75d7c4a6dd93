"""A GGUF file, llama.cpp's format: what it says of a model, and the model's tensors."""

import pathlib
from typing import Any

import numpy as np

MISSING = object()


class GgufFile:
    """One file; its tensors stay on the disk until they are read.

    Raises:
        FileNotFoundError: there is none.
        ImportError: the package `gguf`, which reads it, is missing.
        ValueError: it is of another format.
    """

    def __init__(self, path: pathlib.Path):
        if not path.is_file():
            raise FileNotFoundError(f"no file {path}")
        try:
            import gguf
        except ImportError:
            raise ImportError(
                f"to read {path} install gguf: pip install 'rl_credit[smollm]'"
            ) from None
        try:
            reader = gguf.GGUFReader(path)
        except ValueError as error:
            raise ValueError(f"{path} is no GGUF file: {error}") from error
        self.path = path
        self._fields = reader.fields
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}
        self._dequantize = gguf.dequantize

    def field(self, name: str, default: Any = MISSING) -> Any:
        """A number, a text or a list of them; ValueError without it or a default."""
        if name in self._fields:
            return self._fields[name].contents()
        if default is MISSING:
            raise ValueError(f"{self.path} does not say {name!r}")
        return default

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every tensor by its name, as NumPy has it: the last axis is contiguous."""
        return {
            name: tuple(int(size) for size in reversed(tensor.shape))
            for name, tensor in self._tensors.items()
        }

    def read(self, name: str) -> np.ndarray:
        """A tensor in float32, whatever its quantisation.

        Raises ValueError for a quantisation that `gguf` does not know.
        """
        tensor = self._tensors[name]
        try:
            return self._dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            raise ValueError(f"{name} in {self.path}: {error}") from error
