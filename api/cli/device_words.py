"""What stands against a device, in words for whoever runs the machine. Looks at nothing itself."""

from api.kit.i18n import N_
from facematch import devices

WORDS = {
    devices.UNKNOWN: N_(
        "no device of that name: LIGHTHOUSE_DEVICE is one of %(detail)s, a card by its number (cuda:0)"
    ),
    devices.OVERWRITTEN: N_(
        "onnxruntime has overwritten onnxruntime-gpu: install requirements/gpu.txt into an environment of its own; it "
        "leaves the plain package out"
    ),
    devices.NO_PACKAGE: N_(
        "onnxruntime-gpu is not installed: install requirements/gpu.txt, or set LIGHTHOUSE_DEVICE=cpu"
    ),
    devices.NO_LIBRARY: N_(
        "%(detail)s cannot be loaded: install requirements/gpu.txt, which brings the CUDA libraries; those of TensorRT "
        "10 (tensorrt-cu12-libs) are found through LD_LIBRARY_PATH"
    ),
    devices.NO_DRIVER: N_(
        "no NVIDIA driver: install it on the host; a container also needs the NVIDIA container toolkit and --gpus all"
    ),
    devices.OLD_DRIVER: N_("the NVIDIA driver is too old: it knows CUDA %(detail)s, the installed libraries are newer"),
    devices.NO_CARD: N_("the driver runs but shows no such card (%(detail)s): see nvidia-smi and CUDA_VISIBLE_DEVICES"),
    devices.REFUSED: N_("onnxruntime would not open the network there: %(detail)s"),
    devices.PARTLY: N_("part of the network would run on the processor: %(detail)s"),
}
