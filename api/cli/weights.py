"""`lighthouse models`: which weights there are, fetching them, checking them."""

from typing import Annotated

import typer

from api.cli.terminal import Json, answer, out, say, show_table, yes
from api.kit.i18n import N_
from api.kit.settings import Settings
from facematch import bundle as bundles
from facematch import fetch as fetching
from facematch.errors import BundleError

app = typer.Typer(help="Weights: list, fetch, verify.", no_args_is_help=True)
Name = Annotated[str | None, typer.Argument(help="Name of a bundle; without it those in the settings.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Every bundle, its licence, and whether its weights are here."""
    settings = Settings()
    rows = [
        {
            "bundle": bundle.name,
            "dimension": bundle.dimension,
            "licence": bundle.licence,
            "commercial_use": bundle.commercial_use,
            "state": _state(bundle, settings),
            "in_use": bundle.name in settings.bundles,
        }
        for bundle in bundles.list_bundles(settings.models_dir)
    ]
    if as_json:
        answer({"bundles": rows})
        return
    cells = [
        (
            ("* " if row["in_use"] else "  ") + str(row["bundle"]),
            row["dimension"],
            row["licence"],
            yes(row["commercial_use"]),
            row["state"],
        )
        for row in rows
    ]
    show_table([N_("Bundle"), N_("Dimension"), N_("Licence"), N_("Commercial use"), N_("Weights")], cells)


@app.command()
def fetch(
    name: Name = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and may use these weights.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the weights of a bundle, checked by sha256; what is here and right is not fetched again."""
    settings, fetched = Settings(), []
    announce = (lambda _line: None) if as_json else (lambda line: out.print(line, markup=False, soft_wrap=True))
    for bundle in _meant(name, settings):
        paths = fetching.fetch_weights(bundle, settings.weights_dir, accept_licence=accept_licence, announce=announce)
        fetched.append({"bundle": bundle.name, "files": {key: str(path) for key, path in paths.items()}})
        if not as_json:
            say(N_("The weights of %(name)s are here and right."), name=bundle.name)
    if as_json:
        answer({"bundles": fetched})


@app.command()
def verify(name: Name = None, as_json: Json = False) -> None:
    """Check the sha256 of every weight file of a bundle."""
    settings, verified = Settings(), []
    for bundle in _meant(name, settings):
        files = [path.name for path in bundles.verify_weights(bundle, settings.weights_dir).values()]
        verified.append({"bundle": bundle.name, "contract": bundles.contract_id(bundle), "files": files})
        if not as_json:
            say(N_("%(count)s files of %(name)s are as published."), count=len(files), name=bundle.name)
    if as_json:
        answer({"bundles": verified})


def _meant(name: str | None, settings: Settings) -> list[bundles.Bundle]:
    names = [name] if name else settings.bundles
    return [bundles.read_bundle(one, settings.models_dir) for one in names]


def _state(bundle: bundles.Bundle, settings: Settings) -> str:
    try:
        bundles.verify_weights(bundle, settings.weights_dir)
    except BundleError as refusal:
        return refusal.code
    return "ok"
