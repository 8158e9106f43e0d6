"""The C library by ctypes: structures, calls, and errors as Python's exceptions.

The library is the one in the package's folder. Developers set SPIKELANE_LIBRARY to another one, for
example build/dev/python/libspikelane_python.so.
"""

import ctypes
import json
import os
import pathlib

import numpy as np

MAX_DIMS = 4
ABI_VERSION = 1
_STATUS_INPUT = 5


class Error(Exception):
    """A call of the library failed. ``status`` is the spikelane_status of the C API."""

    status = 8


class ConfigError(Error, ValueError):
    """A config, an array or a file is wrong. ``problems`` lists dicts of path, found, allowed."""

    status = _STATUS_INPUT

    def __init__(self, text, problems=()):
        super().__init__(text)
        self.problems = list(problems)


class NotFinite(Error, ArithmeticError):
    """A state or a loss is no finite number, or a run failed although its input was right."""

    status = 6


class Busy(Error):
    """Another thread uses the simulation."""

    status = 4


class Handle(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint64)]


class LoadOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("abi_version", ctypes.c_uint32),
        ("is_raw", ctypes.c_uint32),
        ("log", ctypes.c_void_p),
        ("log_user", ctypes.c_void_p),
        ("allocate", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("allocator_user", ctypes.c_void_p),
    ]


class SessionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_rows", ctypes.c_int32),
        ("n_threads", ctypes.c_int32),
    ]


class SessionInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("purpose", ctypes.c_int32),
        ("n_rows", ctypes.c_int32),
        ("n_members", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("n_steps", ctypes.c_int64),
        ("n_updates", ctypes.c_int64),
        ("n_state_bytes", ctypes.c_size_t),
    ]


class NetworkInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_observations", ctypes.c_int32),
        ("n_actions", ctypes.c_int32),
        ("n_populations", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("n_parameters", ctypes.c_int64),
        ("dt_ms", ctypes.c_double),
    ]


class ParameterInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_dims", ctypes.c_int32),
        ("is_rules", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_DIMS),
        ("name", ctypes.c_char * 160),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("n_dims", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_DIMS),
        ("strides", ctypes.c_int64 * MAX_DIMS),
    ]


class Record(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("values", ctypes.c_void_p),
        ("n_bytes", ctypes.c_size_t),
    ]


TextFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class TrainOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("abi_version", ctypes.c_uint32),
        ("n_threads", ctypes.c_int32),
        ("isa", ctypes.c_char_p),
        ("n_steps", ctypes.c_int32),
        ("n_inputs", ctypes.c_int32),
        ("stop", ctypes.POINTER(ctypes.c_int32)),
        ("on_report", TextFunction),
        ("on_report_user", ctypes.c_void_p),
        ("on_result", TextFunction),
        ("on_result_user", ctypes.c_void_p),
        ("config_path", ctypes.c_char_p),
        ("checkpoint_folder", ctypes.c_char_p),
        ("is_resumed", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("start", Handle),
    ]


def sized(structure):
    """A structure of that type whose first member is its size."""
    return structure(struct_size=ctypes.sizeof(structure))


def _open():
    path = os.environ.get("SPIKELANE_LIBRARY")
    if not path:
        path = pathlib.Path(__file__).parent / "libspikelane_python.so"
        if not path.exists():
            raise ImportError(
                f"{path}: no such file; install the package with `pip install .`, or set "
                "SPIKELANE_LIBRARY to a libspikelane_python.so"
            )
    library = ctypes.CDLL(str(path))
    library.spikelane_version.restype = ctypes.c_char_p
    library.spikelane_abi_version.restype = ctypes.c_uint32
    if library.spikelane_abi_version() != ABI_VERSION:
        raise ImportError(f"{path}: ABI {library.spikelane_abi_version()}, wanted {ABI_VERSION}")
    return library


library = _open()
_size, _text = ctypes.c_size_t, ctypes.c_char_p
_pointer, _int32 = ctypes.c_void_p, ctypes.c_int32
_error = [_pointer, _size]
_SIGNATURES = {
    "train": [_text, _pointer, _size, _pointer, _pointer],
    "run": [Handle, _pointer, _size, _pointer, _pointer, _size],
    "create": [_text, _int32, _pointer, _size, _pointer, _pointer],
    "load": [_text, _pointer, _pointer],
    "load_training": [_text, _pointer, _pointer],
    "load_memory": [_text, _size, _pointer, _pointer],
    "unload": [Handle],
    "save": [Handle, _text],
    "save_weights": [Handle, _text],
    "describe": [Handle, _pointer],
    "describe_parameter": [Handle, _int32, _pointer],
    "read_parameter": [Handle, _int32, _pointer, _size],
    "read_config": [Handle, TextFunction, _pointer],
    "open": [Handle, _pointer, _pointer],
    "open_search": [Handle, _pointer, _pointer],
    "close": [Handle],
    "reset": [Handle],
    "reset_rows": [Handle, _pointer, _size],
    "step": [Handle, _pointer, _size, _pointer, _size],
    "tell": [Handle, _pointer, _size],
    "freeze": [Handle, _pointer],
    "describe_session": [Handle, _pointer],
    "save_state": [Handle, _pointer, _size],
    "restore_state": [Handle, _text, _size],
}
for _name, _types in _SIGNATURES.items():
    getattr(library, "spikelane_" + _name).argtypes = _types + _error
library.spikelane_read_problems.argtypes = [TextFunction, _pointer]


class ErrorText:
    """A buffer for the text of an error."""

    def __init__(self):
        self.buffer = ctypes.create_string_buffer(8192)
        self.address = ctypes.addressof(self.buffer)

    def throw(self, status):
        text = self.buffer.value.decode(errors="replace")
        if status == _STATUS_INPUT:
            raise ConfigError(text, _problems())
        if status in (1, 2):
            raise ConfigError(text)
        for kind in (NotFinite, Busy):
            if status == kind.status:
                raise kind(text)
        if status == 7:
            raise MemoryError(text)
        failure = Error(text)
        failure.status = status
        raise failure


def _problems():
    texts = []
    library.spikelane_read_problems(TextFunction(lambda _, text: texts.append(text)), None)
    return json.loads(texts[0]) if texts else []


def call(name, *arguments):
    """Calls spikelane_<name> and raises what it reports. The interpreter's lock is free meanwhile."""
    text = ErrorText()
    status = getattr(library, "spikelane_" + name)(*arguments, text.address, len(text.buffer))
    if status:
        text.throw(status)


_DTYPES = {
    "bool": 0, "uint8": 1, "int8": 2, "uint16": 3, "int16": 4, "uint32": 5, "int32": 6,
    "uint64": 7, "int64": 8, "float16": 9, "float32": 10, "float64": 11,
}  # fmt: skip


def tensors_of(arrays):
    """The arrays, a dict, as the C API's tensors: read in place, and kept alive by the result."""
    tensors = (Tensor * max(1, len(arrays)))()
    kept = []
    for tensor, (name, given) in zip(tensors, arrays.items()):
        if hasattr(given, "detach"):
            given = given.detach().cpu().numpy()
        array = np.asarray(given)
        if array.dtype.name not in _DTYPES:
            raise ConfigError(
                f"{name}: found shape {array.shape} of {array.dtype}; allowed: "
                f"{', '.join(_DTYPES)}"
            )
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        if not 1 <= array.ndim <= 3:
            raise ConfigError(f"{name}: found shape {array.shape} of {array.dtype}; allowed: 1 to 3 sizes")
        kept.append((array, name.encode()))
        tensor.struct_size = ctypes.sizeof(Tensor)
        tensor.name = kept[-1][1]
        tensor.data = array.ctypes.data
        tensor.dtype = _DTYPES[array.dtype.name]
        tensor.n_dims = array.ndim
        tensor.shape[: array.ndim] = array.shape
        tensor.strides[: array.ndim] = array.strides
    tensors.kept = kept
    return tensors
