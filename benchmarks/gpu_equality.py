"""Part of benchmarks.gpu: whether the card says what the processor says, on the same pictures, for each bundle."""

import numpy as np

from benchmarks.gpu_part import Target, emit, present_bundles, run_part
from benchmarks.gpu_samples import samples
from facematch.bundle import Bundle, default_models_dir, default_weights_dir
from facematch.extractor import Extractor, open_extractor
from facematch.types import Face

LEAST_COSINE = 0.9995


def measure(target: Target) -> None:
    pictures = samples(target.size(60, 3))
    for bundle in present_bundles()[: target.size(99, 1)]:
        processor = _opened(bundle, "cpu")
        card = processor if target.rehearse else _opened(bundle, target.device)
        _compare(bundle.name, processor, card, pictures)


def _opened(bundle: Bundle, device: str) -> Extractor:
    return open_extractor(
        bundle.name, models_dir=default_models_dir(), weights_dir=default_weights_dir(), device=device
    )


def _compare(name: str, processor: Extractor, card: Extractor, pictures: list[bytes]) -> None:
    cosines, found, same = [], 0, 0
    for data in pictures:
        ours, theirs = card.faces_in(data)[1], processor.faces_in(data)[1]
        found += len(theirs)
        if len(ours) == len(theirs):
            same += len(ours)
            cosines += [_cosine(one, other, processor) for one, other in zip(ours, theirs, strict=True)]
        crops = [face.crop for face in theirs]
        cosines += np.sum(card.embed(crops) * processor.embed(crops), axis=1).tolist()
    emit(measure=f"{name}: same faces found", value=same / max(1, found), unit=f"share of {found}", target=0.99)
    emit(
        measure=f"{name}: least cosine, card to processor",
        value=min(cosines, default=0.0),
        unit="",
        target=LEAST_COSINE,
    )


def _cosine(one: Face, other: Face, eye: Extractor) -> float:
    return float(one.templates[eye.contract] @ other.templates[eye.contract])


if __name__ == "__main__":
    run_part(measure, __doc__ or "")
