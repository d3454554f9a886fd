"""The terminal's TUF client behind the command line that the public conformance suite speaks
(github.com/theupdateframework/tuf-conformance, CLIENT-CLI.md): init, refresh, download."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import time_machine

from sync.updates.fetching import Fetcher
from sync.updates.stages import Stopped
from sync.updates.trusted import METADATA, ROOT_FILE, Trusted


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--metadata-url")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--target-name", action="append")
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--target-base-url", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    given = parser.parse_args(arguments)
    # Ours is a folder with the root and a folder of metadata; theirs is that folder.
    folder = given.metadata_dir.parent / "terminal"
    folder.mkdir(exist_ok=True)
    if given.command == "init":
        shutil.copyfile(given.root, folder / ROOT_FILE)
        shutil.copyfile(given.root, given.metadata_dir / "root.json")
        (folder / METADATA).symlink_to(given.metadata_dir)
        return 0
    try:
        trusted = Trusted(
            folder, given.metadata_url, given.target_base_url, Fetcher(folder), not_before=0.0
        )
        trusted.refresh()
        for name in given.target_name or ():
            target = trusted.find(name)
            if target is None:
                return 1
            trusted.download(target, given.target_dir / quote(name, ""))
    except Stopped as stopped:
        print(f"stopped: {stopped.why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    said = os.environ.get("FAKED_NOW")
    with time_machine.travel(datetime.fromisoformat(said)) if said else nullcontext():
        sys.exit(main())
