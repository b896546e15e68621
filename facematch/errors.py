"""What can go wrong in the eye. Each class carries a stable code and facts, never a name or a pixel.

EyeError
├── ImageRefused: NotAPicture, ImageTooLarge, ImageTooCostly, ImageDamaged
├── NoFaceFound
├── BundleError: BundleUnknown, BundleInvalid, WeightsMissing, WeightsDigestMismatch,
│               WeightsUnreachable, LicenceNotAccepted
├── DeviceUnavailable
└── CalibrationMissing
"""

from typing import ClassVar


class EyeError(Exception):
    """Root of the eye's refusals."""

    code: ClassVar[str] = "eye-error"

    def __init__(self, **facts: str | int | float) -> None:
        super().__init__(self.code, facts)
        self.facts = facts


class ImageRefused(EyeError):
    """A picture that is not let in."""

    code = "image-refused"


class NotAPicture(ImageRefused):
    """The content is not JPEG, PNG, WebP or HEIC, whatever its name says."""

    code = "not-a-picture"


class ImageTooLarge(ImageRefused):
    """More bytes or more pixels than the gates admit."""

    code = "image-too-large"


class ImageTooCostly(ImageRefused):
    """Decoding would cost more time or memory than the budget."""

    code = "image-too-costly"


class ImageDamaged(ImageRefused):
    """The picture breaks off or contradicts itself."""

    code = "image-damaged"


class NoFaceFound(EyeError):
    """A sound picture in which no face was found."""

    code = "no-face"


class BundleError(EyeError):
    """A set of weights that cannot be used."""

    code = "bundle-error"


class BundleUnknown(BundleError):
    """No bundle of that name."""

    code = "bundle-unknown"


class BundleInvalid(BundleError):
    """A bundle.toml that misses or contradicts something."""

    code = "bundle-invalid"


class WeightsMissing(BundleError):
    """The weight file has not been fetched."""

    code = "weights-missing"


class WeightsDigestMismatch(BundleError):
    """The weight file is not the one that the bundle names."""

    code = "weights-digest-mismatch"


class WeightsUnreachable(BundleError):
    """None of the sources brought the weight file."""

    code = "weights-unreachable"


class LicenceNotAccepted(BundleError):
    """The licence restricts use and was not accepted."""

    code = "licence-not-accepted"


class DeviceUnavailable(EyeError):
    """The device asked for is not the one the engine would run on."""

    code = "device-unavailable"


class CalibrationMissing(EyeError):
    """No calibration was fitted for this contract."""

    code = "calibration-missing"
