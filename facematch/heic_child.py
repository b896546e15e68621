"""A process of its own that decodes one HEIC picture: bytes on stdin, pixels on stdout. It never imports the service.

What an HEVC stream costs is not written in its container, so the bound is the process: address space and processor time
are limited before the first byte is read, and whoever started it ends it after its time.

Arguments: seconds, bytes of memory, pixels, longest side. Answer: one JSON line {mode, width, height, stride, profile},
then `profile` bytes of ICC profile, then the pixels. Exit codes: 0 done, 3 damaged, 4 too large, 5 out of memory.
"""

import json
import math
import resource
import sys

import pi_heif

_DAMAGED, _TOO_LARGE, _OUT_OF_MEMORY = 3, 4, 5


def main() -> int:
    """Decode stdin to stdout within the limits given as arguments; returns the exit code."""
    seconds, memory, max_pixels, max_side = (float(argument) for argument in sys.argv[1:5])
    cpu_s = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would leave the picture on the disk
    try:
        return _answer(max_pixels, max_side)
    except MemoryError:
        return _OUT_OF_MEMORY
    except (OSError, ValueError, EOFError, SyntaxError, RuntimeError, IndexError) as refused:
        return _OUT_OF_MEMORY if "emory" in str(refused) else _DAMAGED


def _answer(max_pixels: float, max_side: float) -> int:
    heif = pi_heif.open_heif(sys.stdin.buffer.read())
    width, height = heif.size
    if width * height > max_pixels or max(width, height) > max_side:
        return _TOO_LARGE
    pixels = heif.data
    profile = heif.info.get("icc_profile") or b""
    width, height = heif.size  # the stream may differ from the container's word
    head = {"mode": heif.mode, "width": width, "height": height, "stride": heif.stride, "profile": len(profile)}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + profile)
    sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
