"""What each refusal means to people: status, what happened, what to do. One row a class; sentences only."""

from api.accounts import passwords, policy
from api.accounts import service as accounts
from api.cases import photos
from api.gallery import retire
from api.jobs import queue
from api.kit.i18n import N_
from api.problem_rows import EYE, KIT, MEMORY, Row
from api.requests import policy as requests
from api.reunions import policy as reunions
from api.reviews import policy as reviews
from api.search import ask, sight
from api.web import session

ACCOUNTS: dict[type[BaseException], Row] = {
    policy.NotSignedIn: Row(401, N_("You are not signed in"), N_("Sign in again; what you had saved is still there.")),
    policy.NotPermitted: Row(
        403, N_("Your role does not include this"), N_("Ask a colleague with the right role, or your administrator.")
    ),
    accounts.SignInRefused: Row(
        401,
        N_("Login or password is wrong, or the account is locked"),
        N_("Check both. After five wrong tries wait fifteen minutes."),
    ),
    accounts.NameTaken: Row(409, N_("This name is taken"), N_("Choose another name.")),
    accounts.NoAdministrator: Row(
        503,
        N_("Nobody can manage this node yet"),
        N_("Add an administrator with `lighthouse users add`, or listen on 127.0.0.1 only."),
    ),
    passwords.PasswordTooWeak: Row(
        422,
        N_("This password is too weak"),
        N_("Use at least fifteen characters, not your login; four ordinary words do well."),
    ),
}
CASES: dict[type[BaseException], Row] = {
    photos.PhotoAlreadyThere: Row(
        409,
        N_("This person already has this picture"),
        N_("Open the picture that is named. Nothing was saved; add another one if you have it."),
    ),
    photos.TooManyPhotos: Row(
        409,
        N_("This person has as many pictures as one may have"),
        N_("Ask the administrator to raise the limit if you need more."),
    ),
    requests.RequestNotOpen: Row(
        409, N_("This request is not open"), N_("Submit it again, or raise a new one for a case that is still open.")
    ),
}
GALLERY: dict[type[BaseException], Row] = {
    retire.ContractInUse: Row(
        409,
        N_("This contract is in use"),
        N_("Take its bundle out of LIGHTHOUSE_BUNDLES and start the service again, then retire it."),
    ),
    retire.RetirementNotConfirmed: Row(
        409,
        N_("Nothing was removed yet"),
        N_("Look at the numbers, then repeat it with --yes. Nobody should be lost: migrate them first."),
    ),
}
SEARCH: dict[type[BaseException], Row] = {
    ask.CouldNotLook: Row(
        503,
        N_("We could not look"),
        N_(
            "Try again in a minute. It does not mean that the person is not there; if it stays, tell the administrator."
        ),
    ),
    sight.FaceChoiceNeeded: Row(
        422,
        N_("The picture shows several faces"),
        N_("Say which face is meant: send its number (0 is the largest), or choose it in the picture."),
    ),
}
PEOPLE: dict[type[BaseException], Row] = {
    reviews.ReviewerNotEligible: Row(
        409,
        N_("This person cannot review this pair independently"),
        N_("Ask an expert who worked on neither case nor on this pair; one at least from a third organisation."),
    ),
    reviews.PicturesNotSeen: Row(
        409,
        N_("Nobody concludes about pictures they have not opened"),
        N_("Open both pictures, compare them, then submit."),
    ),
    reviews.SyntheticPicture: Row(
        409,
        N_("A synthetic or enhanced picture is no evidence"),
        N_("Search with an unaltered photo of the person and compare that one."),
    ),
    reunions.VerifierNotEligible: Row(
        409,
        N_("Who compared these faces does not also verify the identity"),
        N_("Ask another verifier to record the check."),
    ),
    reunions.ReviewsMissing: Row(
        409,
        N_("Two named people have not yet supported this pair"),
        N_("Have the pair reviewed by two experts first; nothing confirms it before."),
    ),
    reunions.ContactDeclined: Row(
        409,
        N_("The person does not want contact"),
        N_("Do not hand over and do not tell where the person is. Close the report as located, without contact."),
    ),
    reunions.FollowUpNeeded: Row(
        409,
        N_("Nobody has looked in on this person yet"),
        N_("Record at least one follow-up in which the person was reached, then close the case."),
    ),
}
JOBS: dict[type[BaseException], Row] = {
    queue.JobAlreadyDone: Row(
        409, N_("Another worker has done this work already"), N_("Nothing needs to be done; it was not done twice.")
    ),
}
PAGES: dict[type[BaseException], Row] = {
    session.FormExpired: Row(
        403, N_("This form has expired"), N_("Open the page again and repeat what you did; nothing was saved.")
    ),
}
TABLE: dict[type[BaseException], Row] = KIT | ACCOUNTS | CASES | GALLERY | SEARCH | PEOPLE | JOBS | PAGES | EYE | MEMORY
