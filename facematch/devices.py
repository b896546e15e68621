"""Which devices there are, and if one is not, why: package, libraries, driver, card. It loads no weights and computes
nothing.
"""

import contextlib
import ctypes
import importlib.metadata
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from facematch.errors import DeviceUnavailable

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnx", "numpy", "opencv-python-headless")
LIBRARIES = Path(onnxruntime.__file__).parent / "capi"

# What can be wrong, in the order in which it is looked for; the doctor has a sentence for each.
UNKNOWN = "unknown-device"
OVERWRITTEN = "package-overwritten"
NO_PACKAGE = "package-missing"
NO_LIBRARY = "library-missing"  # detail: what the loader says
NO_DRIVER = "driver-missing"
OLD_DRIVER = "driver-too-old"  # detail: the CUDA that the driver knows
NO_CARD = "card-missing"  # detail: what the CUDA runtime says, or how many cards there are
REFUSED = "provider-refused"  # known only once a network is opened; detail: what onnxruntime says
PARTLY = "partly-elsewhere"  # likewise; detail: which operators the processor would run
TROUBLES = (UNKNOWN, OVERWRITTEN, NO_PACKAGE, NO_LIBRARY, NO_DRIVER, OLD_DRIVER, NO_CARD, REFUSED, PARTLY)


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What `lighthouse doctor` says about a device: `trouble` is empty where it is usable, else one of TROUBLES."""

    device: str
    provider: str
    number: int
    trouble: str
    detail: str
    available: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def usable(self) -> bool:
        """Whether a network can be opened there, as far as one can know without opening one."""
        return not self.trouble


def describe_device(device: str) -> DeviceReport:
    """Say whether `cpu`, `cuda`, `cuda:N`, `tensorrt` or `tensorrt:N` can be used, and what stands against it."""
    family, _, number = device.partition(":")
    trouble, detail = _trouble(family, number or "0")
    return DeviceReport(
        device=device,
        provider=PROVIDERS.get(family, ""),
        number=int(number) if number.isdecimal() else 0,
        trouble=trouble,
        detail=detail,
        available=tuple(onnxruntime.get_available_providers()),
        versions=_versions(),
    )


def usable_device(device: str) -> DeviceReport:
    """The report of a device that can be used; DeviceUnavailable for another."""
    report = describe_device(device)
    if not report.usable:
        raise DeviceUnavailable(device=device, trouble=report.trouble, detail=report.detail)
    return report


def cuda_runtime() -> str:
    """File name of the CUDA runtime that this onnxruntime was built for."""
    return f"libcudart.so.{onnxruntime.cuda_version.partition('.')[0]}"


def _trouble(family: str, number: str) -> tuple[str, str]:
    if family not in PROVIDERS or not number.isdecimal():
        return UNKNOWN, ", ".join(PROVIDERS)
    if PROVIDERS[family] not in onnxruntime.get_available_providers():
        return (OVERWRITTEN if "onnxruntime-gpu" in _versions() else NO_PACKAGE), ""
    if family == "cpu":
        return "", ""
    return _library_trouble(family) or _driver_trouble(int(number))


def _library_trouble(family: str) -> tuple[str, str] | None:
    """onnxruntime finds its CUDA libraries only where somebody loaded them before (they lie in other wheels)."""
    with contextlib.redirect_stdout(io.StringIO()):  # what it prints, the loader says better below
        onnxruntime.preload_dlls()
    try:
        ctypes.CDLL(str(LIBRARIES / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(LIBRARIES / f"libonnxruntime_providers_{family}.so"))
    except OSError as missing:
        return NO_LIBRARY, str(missing).partition(":")[0]
    return None


def _driver_trouble(number: int) -> tuple[str, str]:
    cuda = ctypes.CDLL(cuda_runtime())
    cuda.cudaGetErrorString.restype = ctypes.c_char_p
    driver, runtime, cards = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    cuda.cudaDriverGetVersion(ctypes.byref(driver))
    cuda.cudaRuntimeGetVersion(ctypes.byref(runtime))
    if driver.value == 0:
        return NO_DRIVER, ""
    if driver.value // 1000 < runtime.value // 1000:  # within a major version any driver serves any library
        return OLD_DRIVER, f"{driver.value // 1000}.{driver.value % 1000 // 10}"
    if code := cuda.cudaGetDeviceCount(ctypes.byref(cards)):
        return NO_CARD, cuda.cudaGetErrorString(code).decode()
    return ("", "") if number < cards.value else (NO_CARD, str(cards.value))


def _versions() -> dict[str, str]:
    installed = {name.metadata["Name"].lower() for name in importlib.metadata.distributions()}
    return {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
