"""Part of benchmarks.gpu: the networks alone. Faces a second and latency by batch, share of the card's float16 peak,
what each choice is worth, and memory.

"on the card" is one replay without copies; "asked" is what a caller waits, copies included. Operations are counted from
the graph, two a multiply-add. An ArcFace ResNet-50 of random weights stands for the large recognisers.
"""

import time
from dataclasses import replace

import numpy as np
import onnxruntime

from benchmarks import stand_in
from benchmarks.gpu_part import Target, emit, median_s, present_bundles, run_part
from facematch import card
from facematch.bundle import default_weights_dir
from facematch.card import CardSession, Choices
from facematch.engine import squares
from facematch.errors import DeviceUnavailable

COUNTS = (1, 4, 16, 64, 256)
PEAK_TARGET = 0.5  # of the measured peak, for the recogniser


def measure(target: Target) -> None:
    emit(measure=f"memory in use on {target.name}", value=target.used_mib(), unit="MiB")
    peak = _peak(target)
    stages = ((1, 8), (1, 8)) if target.rehearse else stand_in.STAGES
    standing_in = stand_in.arcface(stages)
    _recogniser(target, "ResNet-50 (random weights)", standing_in, peak=peak)
    _what_choices_are_worth(target, standing_in)
    for bundle in present_bundles()[: target.size(99, 1)]:
        folder = default_weights_dir() / bundle.name
        content = (folder / bundle.recogniser.file).read_bytes()
        _recogniser(target, f"{bundle.name} recogniser", content, peak=peak)
        sides = (64,) if target.rehearse else bundle.detector.sides
        content = (folder / bundle.detector.file).read_bytes()
        _detector(target, f"{bundle.name} detector", content, sides)


def _peak(target: Target) -> float:
    """Float16 operations a second of large matrix products through onnxruntime."""
    side, times = target.size(8192, 64), 8
    provider = ("CPUExecutionProvider", dict[str, str]())
    if not target.rehearse:
        provider = card.cuda_provider(target.number, 2**34, Choices(graphs=False))  # type: ignore[assignment]
    native = card.open_native(stand_in.products(side, times=times), [provider])
    matrix = np.random.default_rng(0).normal(size=(side, side)).astype(np.float16)
    binding = native.io_binding()
    kind, number = target.place.kind, target.place.number
    binding.bind_ortvalue_input("x0", onnxruntime.OrtValue.ortvalue_from_numpy(matrix, kind, number))
    binding.bind_output(f"x{times}", kind, number)
    seconds = median_s(lambda: native.run_with_iobinding(binding), least_s=target.size(2, 0))
    peak = 2 * side**3 * times / seconds
    emit(measure=f"float16 peak, products of {side} x {side}", value=peak / 1e12, unit="TFLOP/s")
    return peak


def _recogniser(target: Target, name: str, content: bytes, *, peak: float) -> None:
    counts = COUNTS[: target.size(len(COUNTS), 2)]
    work = 2 * stand_in.multiply_adds(content, 112, 112)
    session = _opened(target, name, content, [(112, 112)], Choices(counts=counts))
    for count in counts:
        seconds = _replay_s(session, count, 112, target)
        target_share = PEAK_TARGET if count == counts[-1] else None
        emit(measure=f"{name}, {count} a run, on the card", value=count / seconds, unit="faces/s")
        emit(
            measure=f"{name}, {count} a run, share of the peak",
            value=work * count / seconds / peak,
            unit="share",
            target=target_share,
        )
        _asked(session, name, count, 112, target)
    session.close()


def _detector(target: Target, name: str, content: bytes, sides: tuple[int, ...]) -> None:
    session = _opened(
        target, name, content, squares(min(sides), max(sides)), Choices(counts=COUNTS[: target.size(4, 2)])
    )
    for count, (side, _) in sorted(session.slots):
        seconds = _replay_s(session, count, side, target)
        emit(measure=f"{name}, {count} of {side} x {side}, on the card", value=count / seconds, unit="pictures/s")
        _asked(session, name, count, side, target)
    session.close()


def _what_choices_are_worth(target: Target, content: bytes) -> None:
    """The stand-in at 64 a run with one choice undone at a time."""
    count = target.size(64, 4)
    usual = Choices(counts=(1, count))
    others = {
        "as the service": usual,
        "float32": replace(usual, half=False),
        "channels first": replace(usual, channels_last=False),
        "no CUDA graph": replace(usual, graphs=False),
        "heuristic search": replace(usual, search="HEURISTIC"),
    }
    for words, choices in others.items():
        try:
            session = _opened(target, f"stand-in, {words}", content, [(112, 112)], choices)
        except DeviceUnavailable as refused:
            emit(measure=f"stand-in, {words}: {refused.facts['detail']}", value=0.0, unit="refused")
            continue
        seconds = _replay_s(session, count, 112, target)
        emit(measure=f"stand-in, {words}, {count} a run", value=count / seconds, unit="faces/s")
        session.close()


def _opened(target: Target, name: str, content: bytes, sizes: list[tuple[int, int]], choices: Choices) -> CardSession:
    before, begun = target.used_mib(), time.perf_counter()
    session = target.open(content, sizes=sizes, choices=choices)
    emit(measure=f"{name}, opened and prepared in", value=time.perf_counter() - begun, unit="s", better="lower")
    emit(measure=f"{name}, memory of the card", value=target.used_mib() - before, unit="MiB", better="lower")
    return session


def _replay_s(session: CardSession, count: int, side: int, target: Target) -> float:
    slot = session.slots[count, (side, side)]
    return session.thread.submit(median_s, slot.replay, least_s=target.size(1, 0) / 2).result()


def _asked(session: CardSession, name: str, count: int, side: int, target: Target) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    seconds = median_s(lambda: session.outputs_of(pictures), least_s=target.size(1, 0) / 4)
    emit(measure=f"{name}, {count} of {side} x {side}, asked", value=1000 * seconds, unit="ms", better="lower")


if __name__ == "__main__":
    run_part(measure, __doc__ or "")
