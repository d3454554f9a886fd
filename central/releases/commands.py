"""`python -m central release …`: the ceremony of keys, releases, and who gets them.

What is done with offline keys (`key`, `sign`, `look`) needs no centre: these commands run on a
machine that is never online, and a draft goes there and back on a stick. docs/fleet.md has the
ceremony step by step.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.opening import By, group, note, open_of, say_all, secret, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from securesystemslib.signer import CryptoSigner

    from central.models import Terminal
    from central.releases.models import Rollout
    from central.releases.repository import Repository

app = group("release", "版本发布: keys, releases, cohorts.")

#: The passphrase of an offline key, for scripts; without it one is asked for.
PASSPHRASE = "KIOSK_RELEASE_PASSPHRASE"

#: Shorter ones are guessed by whoever finds the stick.
_SHORTEST = 12

# Django must be set up before any module that has models is imported, hence the imports inside.


# -- offline ---------------------------------------------------------------------------------------


@app.command()
def key(file: Path) -> None:
    """Make an offline key: FILE (keep it, encrypted) and FILE.pub (for `root`)."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from central.boot import write_secret

    secret = _passphrase(new=True)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(secret)
    )
    public = private.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    try:
        write_secret(file, pem)
        file.with_name(f"{file.name}.pub").write_bytes(public)
    except OSError as error:
        raise stop(f"{file}: {error.strerror}") from None
    typer.echo(f"{file}  {_signer(file, secret).public_key.keyid[:16]}")


@app.command()
def sign(draft: Path, key: Annotated[Path, typer.Option(help="An offline key.")]) -> None:
    """Sign DRAFT (root.json or targets.json), in place; prints what is signed first."""
    from central.releases import repository

    _tell(draft)
    if not os.environ.get(PASSPHRASE):
        typer.confirm("sign this?", abort=True)
    try:
        repository.sign(draft, _signer(key, _passphrase()))
    except repository.NotReleased as error:
        raise stop(str(error)) from None
    typer.echo("signed")


@app.command()
def look(draft: Path) -> None:
    """Print what is in a draft."""
    _tell(draft)


def _tell(draft: Path) -> None:
    from central.releases import repository

    try:
        say_all(repository.contents(draft), none=f"{draft}: nothing is in it")
    except repository.NotReleased as error:
        raise stop(str(error)) from None


def _passphrase(*, new: bool = False) -> bytes:
    given = os.environ.get(PASSPHRASE) or secret("passphrase", twice=new)
    if new and len(given) < _SHORTEST:
        raise stop(f"a passphrase of {_SHORTEST} characters at least")
    return given.encode("utf-8")


def _signer(file: Path, secret: bytes) -> CryptoSigner:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        private: Any = load_pem_private_key(file.read_bytes(), secret)
    except (OSError, ValueError, TypeError) as error:
        raise stop(f"{file}: {type(error).__name__}: is the passphrase right?") from None
    return CryptoSigner(private)


# -- at the centre ---------------------------------------------------------------------------------


def _repository(context: typer.Context) -> Repository:
    from central.releases.repository import Repository

    return Repository(open_of(context))


@app.command()
def root(
    context: typer.Context,
    root_key: Annotated[list[Path], typer.Option(help="Public key, FILE.pub; once for each.")],
    targets_key: Annotated[list[Path], typer.Option(help="Likewise.")],
    root_threshold: Annotated[int, typer.Option(min=1)] = 2,
    targets_threshold: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Draft the next root: whose signatures count. Prints where the draft is."""
    releases = _repository(context)
    from central.releases.repository import NotReleased, public_key

    try:
        keys = {
            role: [public_key(file.read_bytes()) for file in files]
            for role, files in (("root", root_key), ("targets", targets_key))
        }
        thresholds = {"root": root_threshold, "targets": targets_threshold}
        typer.echo(releases.draft_root(keys, thresholds))
        note("草稿见上，签名后用 publish 发布 a draft: sign it, then `release publish`")
    except (NotReleased, OSError) as error:
        raise stop(str(error)) from None


@app.command()
def add(
    context: typer.Context,
    version: str,
    bundle: Annotated[Path, typer.Argument(help="A tar as `sync.bundle` packs it.")],
    machine: str = "x86_64",
    base: Annotated[
        list[str] | None, typer.Option(help="Versions to make deltas from; those in the fleet.")
    ] = None,
) -> None:
    """Put a bundle and its deltas into the draft of what is released."""
    releases = _repository(context)
    from central.releases.repository import NotReleased

    try:
        for name, size in releases.add(bundle, version, machine, base or _in_the_fleet()):
            typer.echo(f"{size:>12,}  {name}")
    except (NotReleased, OSError) as error:
        raise stop(str(error)) from None
    typer.echo(releases.folder / "draft" / "targets.json")


def _in_the_fleet() -> list[str]:
    from central.models import TerminalReport

    found = TerminalReport.objects.values_list("release__version", flat=True).distinct()
    return sorted({str(version) for version in found if version})


@app.command()
def renew(context: typer.Context) -> None:
    """Draft the same releases again, because their signatures run out."""
    typer.echo(_repository(context).draft_again())
    note("草稿见上，签名后用 publish 发布 a draft: sign it, then `release publish`")


@app.command()
def withdraw(context: typer.Context, version: str) -> None:
    """Take a release out of the draft: once signed, nobody can install it any more."""
    releases = _repository(context)
    from central.releases.repository import NotReleased

    try:
        typer.echo("\n".join(releases.withdraw(version)))
        note("已从草稿中去掉，签名后用 publish 发布 out of the draft: sign and publish it")
    except NotReleased as error:
        raise stop(str(error)) from None


@app.command()
def publish(context: typer.Context) -> None:
    """Put drafts that have their signatures into force."""
    releases = _repository(context)
    from central.releases.repository import NotReleased

    try:
        typer.echo("\n".join(releases.publish()))
        note("已发布 in force")
    except NotReleased as error:
        raise stop(str(error)) from None


# -- who gets which --------------------------------------------------------------------------------


@app.command()
def start(
    context: typer.Context,
    version: str,
    by: By = "",
    soak_hours: Annotated[int, typer.Option(help="At each share, at least.")] = 24,
    least_visits: Annotated[int, typer.Option(help="At each share, at least.")] = 20,
) -> None:
    """Give a version to 1 %, then 10 %, then all of the terminals."""
    open_of(context)
    from central.releases import rollout

    _decide(lambda: rollout.start(version, by, soak_hours=soak_hours, least_visits=least_visits))


@app.command()
def pause(context: typer.Context, by: By = "") -> None:
    """The newest version reaches nobody more."""
    open_of(context)
    from central.releases import rollout

    _decide(lambda: rollout.pause(by))


@app.command()
def resume(context: typer.Context, by: By = "") -> None:
    """It goes on, also after it was halted."""
    open_of(context)
    from central.releases import rollout

    _decide(lambda: rollout.resume(by))


@app.command()
def roll_back(context: typer.Context, by: By = "", reason: str = "") -> None:
    """Whoever has the newest version goes back to the one before."""
    open_of(context)
    from central.releases import rollout

    _decide(lambda: rollout.roll_back(by, reason))


@app.command()
def pin(context: typer.Context, terminal: str, version: str, by: By = "") -> None:
    """Give one terminal a version of its own."""
    found = _terminal(context, terminal)
    from central.releases import rollout
    from central.releases.repository import NotReleased

    try:
        rollout.pin(found, version, by)
    except NotReleased as error:
        raise stop(str(error)) from None
    typer.echo(f"{terminal}: {version} 已指定 pinned")


@app.command()
def unpin(context: typer.Context, terminal: str) -> None:
    """It has what the fleet has again."""
    found = _terminal(context, terminal)
    from central.releases import rollout

    typer.echo("已取消 unpinned" if rollout.unpin(found) else "没有指定过 was not pinned")


@app.command("list")
def list_(context: typer.Context) -> None:
    """What was released, what is on its way, who runs what."""
    releases = _repository(context)
    from central.releases.models import ReleasePin, Rollout
    from central.releases.rollout import SHARES

    say_all(
        (f"{version}  {', '.join(sorted(on))}" for version, on in releases.released().items()),
        none="没有发布过版本 nothing was released",
    )
    for one in Rollout.objects.all()[:10]:
        share = f"{SHARES[one.share]:.0%}"
        typer.echo(f"{one.version} <- {one.previous or '-'}  {_said(one)}  {share}  {one.reason}")
    for one_pin in ReleasePin.objects.all():
        typer.echo(f"{one_pin.terminal_id}  {one_pin.version}  {one_pin.by}")


def _decide(decide: Callable[[], Rollout]) -> None:
    from central.releases.repository import NotReleased

    try:
        decided = decide()
    except NotReleased as error:
        raise stop(str(error)) from None
    typer.echo(f"{decided.version}  {_said(decided)}")


def _said(one: Rollout) -> str:
    return str(one.get_state_display())


def _terminal(context: typer.Context, number: str) -> Terminal:
    open_of(context)
    from central.models import Terminal

    found = Terminal.objects.filter(pk=number).first()
    if found is None:
        raise stop(f"no terminal {number}")
    return found
