"""What the parts of `benchmarks.gpu` share: where they run, how long something takes, and how a row leaves the process.

A part prints each row as a line of JSON as soon as it is measured, so what was measured before a fall is kept.
"""

import argparse
import ctypes
import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.frame import Row
from facematch import card_memory, engine
from facematch.bundle import (
    Bundle,
    Pixels,
    default_models_dir,
    default_weights_dir,
    list_bundles,
    verify_weights,
)
from facematch.card import CardSession, Choices
from facematch.devices import cuda_runtime, usable_device
from facematch.errors import BundleError

ROUNDS = 7
ARCFACE_PIXELS = Pixels(mean=127.5, scale=1 / 127.5, colour="rgb")


@dataclass(frozen=True, slots=True)
class Target:
    """A card, or in a rehearsal the processor at toy size: same code, figures that mean nothing."""

    device: str
    rehearse: bool

    @property
    def number(self) -> int:
        """The card's number."""
        return 0 if self.rehearse else usable_device(self.device).number

    @property
    def name(self) -> str:
        """What the driver calls the card."""
        if self.rehearse:
            return "no card, a rehearsal"
        driver, card, name = ctypes.CDLL("libcuda.so.1"), ctypes.c_int(), ctypes.create_string_buffer(100)
        driver.cuInit(0)
        driver.cuDeviceGet(ctypes.byref(card), self.number)
        driver.cuDeviceGetName(name, len(name), card)
        return name.value.decode()

    @property
    def place(self) -> card_memory.Place:
        """Memory that networks and Python share."""
        return card_memory.host() if self.rehearse else card_memory.card(self.number, cuda_runtime())

    def size(self, full: int, toy: int) -> int:
        """How much of something to measure."""
        return toy if self.rehearse else full

    def open(
        self, network: bytes, *, sizes: Sequence[tuple[int, int]], choices: Choices, pixels: Pixels = ARCFACE_PIXELS
    ) -> CardSession:
        """A network as the service would open it on that card. Raises DeviceUnavailable."""
        if not self.rehearse:
            return engine.open_on_card(network, usable_device(self.device), pixels=pixels, sizes=sizes, choices=choices)
        processor = [("CPUExecutionProvider", dict[str, str]())]
        return CardSession(network, pixels=pixels, sizes=sizes, place=self.place, providers=processor, choices=choices)

    def used_mib(self) -> float:
        """Memory in use on the card, by everybody on it."""
        if self.rehearse:
            return 0.0
        free, total = card_memory.free_and_total(self.number, cuda_runtime())
        return (total - free) / 2**20


def run_part(measure: Callable[[Target], None], about: str) -> None:
    """Run one part from the command line."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument(
        "--rehearse", action="store_true", help="at toy size on the processor; the figures mean nothing"
    )
    options = parser.parse_args()
    target = Target(options.device, options.rehearse)
    if not target.rehearse:
        usable_device(target.device)  # also loads the CUDA libraries
    measure(target)


def emit(**facts: object) -> None:
    """Hand one Row over, given by its fields."""
    print(json.dumps(dataclasses.asdict(Row(**facts))), flush=True)  # type: ignore[arg-type]


def median_s(run: Callable[[], object], *, rounds: int = ROUNDS, least_s: float = 0.0) -> float:
    """Median seconds of `run` after one warm-up, in at least `rounds` rounds and `least_s` seconds."""
    run()
    taken: list[float] = []
    while len(taken) < rounds or sum(taken) < least_s:
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def present_bundles() -> list[Bundle]:
    """Bundles whose weights are here and right; int8 files run as the float ones once repaired, and are left out."""
    found = []
    for bundle in list_bundles(default_models_dir()):
        try:
            verify_weights(bundle, default_weights_dir())
        except BundleError:
            continue
        if not bundle.name.endswith("-int8"):
            found.append(bundle)
    return found
