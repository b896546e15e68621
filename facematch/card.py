"""A network on a card: float16 inside, a few prepared shapes, each replayed as one CUDA graph. Everything that touches
the card is done by one thread a card, and nothing is ever computed anywhere else in its stead.

One thread, because onnxruntime keeps CUDA graphs a thread each, and because while a graph is recorded no other thread
of the process may ask the CUDA runtime for anything (cudaStreamCaptureModeGlobal). Graphs are therefore recorded when a
network is opened; a shape that nobody prepared runs without one.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as _native

from facematch import half
from facematch.batcher import Batcher
from facematch.bundle import Pixels
from facematch.card_memory import Place
from facematch.devices import PARTLY, REFUSED
from facematch.errors import DeviceUnavailable

LARGEST_RUN = 16 * 640 * 640  # pixels; larger runs gain nothing and would only hold memory
NO_GRAPH = -1  # what `gpu_graph_id` takes for a run that is neither recorded nor replayed; 0 is onnxruntime's own
# Operators that carry the work. Left on the processor they would cost a copy there and back at every run; shape
# arithmetic may stay there.
HEAVY = {"Conv", "Gemm", "LayerNormalization", "MatMul", "MaxPool", "PRelu", "Relu", "Resize", "Sigmoid"}
ERRORS_ONLY = 3  # onnxruntime's severity scale: 0 verbose .. 4 fatal
REFUSALS = (_native.Fail, _native.InvalidArgument, _native.RuntimeException, _native.EPFail)  # what it raises

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Providers = Sequence[tuple[str, Mapping[str, str]]]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How a network runs on a card. The service takes these defaults; `benchmarks.gpu` measures what each is worth."""

    half: bool = True
    channels_last: bool = True  # the layout of tensor cores
    graphs: bool = True
    counts: tuple[int, ...] = (1, 4, 16, 64)  # pictures a run, ascending from 1
    search: str = "EXHAUSTIVE"  # how cuDNN finds its convolutions: slower to open, faster ever after; or HEURISTIC


def cuda_provider(number: int, memory: int, choices: Choices) -> tuple[str, Mapping[str, str]]:
    """onnxruntime's CUDA provider, with `memory` bytes at most for one network.

    TF32 is off: what `half` leaves in float32 is meant to be float32.
    """
    return "CUDAExecutionProvider", {
        "device_id": str(number),
        "gpu_mem_limit": str(memory),
        "arena_extend_strategy": "kSameAsRequested",  # not the next power of two, of which half would lie idle
        "cudnn_conv_algo_search": choices.search,
        "cudnn_conv_use_max_workspace": "0",  # 32 MiB suffice for tensor cores; more could exceed the limit
        "prefer_nhwc": str(int(choices.channels_last)),
        "enable_cuda_graph": str(int(choices.graphs)),
        "use_tf32": "0",
    }


def tensorrt_provider(
    number: int, cache_dir: str, sizes: Sequence[Size], choices: Choices
) -> tuple[str, Mapping[str, str]]:
    """onnxruntime's TensorRT provider for pictures of these sizes; engines take minutes to build and are kept."""
    counts = [max(_bearable(choices.counts, size)) for size in sizes]
    least, most = (f"{half.PICTURES}:{{}}x{pick(sizes)[0]}x{pick(sizes)[1]}x3" for pick in (min, max))
    return "TensorrtExecutionProvider", {
        "device_id": str(number),
        "trt_fp16_enable": "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": cache_dir,
        "trt_timing_cache_enable": "1",
        "trt_profile_min_shapes": least.format(1),
        "trt_profile_opt_shapes": most.format(min(counts)),
        "trt_profile_max_shapes": most.format(max(counts)),
    }


class CardSession:
    """One network on one card; many threads may ask it at once, and what they ask together runs together."""

    def __init__(
        self,
        network: bytes,
        *,
        pixels: Pixels,
        sizes: Sequence[Size],
        place: Place,
        providers: Providers,
        choices: Choices,
    ) -> None:
        """Open an ONNX file for pictures of the given sizes (height, width), and prepare their shapes.

        Raises DeviceUnavailable when the provider, or part of the network, would run elsewhere.
        """
        self.provider = providers[0][0]
        self._sizes, self._counts = sorted(sizes), choices.counts
        self._place = place
        self.slots: dict[tuple[int, Size], Slot] = {}  # by pictures a run and their size
        self.thread = _thread_of(place.kind, place.number)
        written = half.write_for_card(network, pixels, half=choices.half)
        self._native = self.thread.submit(_open, written, providers).result()
        self._batcher = Batcher(self._run, largest=self._largest, device=self.thread)
        self.thread.submit(self._prepare).result()

    def fitted(self, canvas: Picture) -> Picture:
        """The canvas (H, W, 3), with zeros below and to the right up to the smallest prepared size that holds it."""
        height, width = canvas.shape[:2]
        fits = [size for size in self._sizes if size[0] >= height and size[1] >= width]
        if not fits or fits[0] == (height, width):
            return canvas
        padded = np.zeros((*fits[0], 3), np.uint8)
        padded[:height, :width] = canvas
        return padded

    def outputs_of(self, pictures: Picture | Sequence[Picture]) -> list[Floats]:
        """All outputs of the network, float32, for pictures of one size: (n, H, W, 3) uint8, or n of (H, W, 3)."""
        return self._batcher.ask(list(pictures))

    def close(self) -> None:
        """Answer those who asked, then give the card's memory back."""
        self._batcher.close()
        self.thread.submit(self._release).result()

    def _release(self) -> None:
        self.slots.clear()
        del self._native

    def _largest(self, size: tuple[int, ...]) -> int:
        return max((count for count, known in self.slots if known == size[:2]), default=1)

    def _prepare(self) -> None:
        for size in self._sizes:
            for count in _bearable(self._counts, size):
                slot = Slot(self._native, self._place, (count, *size, 3), graph=1 + len(self.slots))
                if count > 1 and not slot.answers_each():
                    break  # exported for one picture at a time
                self.slots[count, size] = slot

    def _run(self, pictures: Sequence[Picture]) -> list[Floats]:
        size = pictures[0].shape[0], pictures[0].shape[1]
        fits = [count for count, known in self.slots if known == size and count >= len(pictures)]
        if fits:
            return self.slots[min(fits), size].run(pictures)
        return Slot(self._native, self._place, (len(pictures), *size, 3), graph=NO_GRAPH).run(pictures)


class Slot:
    """Buffers of one shape, on the card and page-locked beside it, and the graph that was recorded over them."""

    def __init__(
        self, native: onnxruntime.InferenceSession, place: Place, shape: tuple[int, ...], *, graph: int
    ) -> None:
        self._native, self._place = native, place
        self._binding = native.io_binding()
        self._input = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, np.uint8, place.kind, place.number)
        self._binding.bind_ortvalue_input(half.PICTURES, self._input)
        self._staged: Picture = place.array(shape, np.uint8)
        names = [output.name for output in native.get_outputs()]
        for name in names:
            self._binding.bind_output(name, place.kind, place.number)
        self._execute(NO_GRAPH)  # shows the shapes of the outputs, and lets cuDNN search before anything is recorded
        self._outputs = self._binding.get_outputs()
        for name, output in zip(names, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, output)  # from now on at the same address
        self._answers = [place.array(output.shape(), np.float32) for output in self._outputs]
        self._graph = graph
        self._execute(graph)

    def answers_each(self) -> bool:
        """Whether every output has a row for each picture."""
        return all(len(answer) == len(self._staged) for answer in self._answers)

    def run(self, pictures: Sequence[Picture]) -> list[Floats]:
        """The outputs for as many pictures as the shape holds, or fewer: what was there before fills the rest."""
        for place, picture in enumerate(pictures):
            self._staged[place] = picture
        used = self._staged[: len(pictures)]
        self._place.copy(self._input.data_ptr(), used.ctypes.data, used.nbytes)
        self.replay()
        for answer, output in zip(self._answers, self._outputs, strict=True):
            self._place.copy(answer.ctypes.data, output.data_ptr(), answer.nbytes)
        kept = slice(None) if len(self._staged) == 1 else slice(len(pictures))
        return [answer[kept].copy() for answer in self._answers]

    def replay(self) -> None:
        """Run once more over what lies on the card, and wait for it; on the session's thread only."""
        self._execute(self._graph)

    def _execute(self, graph: int) -> None:
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("gpu_graph_id", str(graph))
        self._native.run_with_iobinding(self._binding, options)


def open_native(written: bytes, providers: Providers) -> onnxruntime.InferenceSession:
    """A session of the library that does not give up its provider for another by itself."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    named = [(name, dict(settings)) for name, settings in providers]
    return onnxruntime.InferenceSession(written, sess_options=options, providers=named, enable_fallback=0)


def refuse_elsewhere(native: onnxruntime.InferenceSession, wanted: Sequence[str]) -> None:
    """DeviceUnavailable unless the first of the wanted providers is there, and all of HEAVY is one of theirs."""
    if native.get_providers()[0] != wanted[0]:
        raise DeviceUnavailable(device=wanted[0], trouble=REFUSED, detail=", ".join(native.get_providers()))
    parts = native.get_provider_graph_assignment_info()
    left = {node.op_type for part in parts if part.ep_name not in wanted for node in part.get_nodes()} & HEAVY
    if left:
        raise DeviceUnavailable(device=wanted[0], trouble=PARTLY, detail=", ".join(sorted(left)))


def _open(written: bytes, providers: Providers) -> onnxruntime.InferenceSession:
    native = open_native(written, providers)
    refuse_elsewhere(native, [name for name, _ in providers])
    return native


def _bearable(counts: Sequence[int], size: Size) -> list[int]:
    """How many pictures of a size may run together: those that stay below LARGEST_RUN, one at least."""
    return [count for count in counts if count == 1 or count * size[0] * size[1] <= LARGEST_RUN]


@cache
def _thread_of(kind: str, number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=f"{kind}:{number}")
