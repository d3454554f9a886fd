"""The bill of materials (SBOM, CycloneDX 1.6) of a bundle: everything that ships, as licences.md.

kiosk.spec puts it into the bundle, `licences/sbom.cdx.json`; `python -m docs.make_sbom FILE` writes
it elsewhere. It names Python packages, the libraries inside their wheels, Debian's libraries,
fonts, models and the runtime, each with its licence. Two of one commit are equal: the time is
`SOURCE_DATE_EPOCH`, the serial number is made of the contents.
"""

from __future__ import annotations

import os
import sys
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from docs.make_licences import OTHER, SYSTEM_LIBRARIES, accepted, libraries, packages

NAME = "sscard-kiosk"
#: Of our serial numbers.
_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, NAME)


def component(name: str, licence: str, group: str, number: str = "") -> Component:
    """`group`: where it comes from."""
    pypi = group == "pypi"
    return Component(
        name=name,
        version=number or None,
        group=group,
        bom_ref=f"{group}/{name}",
        type=ComponentType.LIBRARY,
        licenses=[LicenseFactory().make_from_string(licence)],
        purl=PackageURL("pypi", name=name.lower(), version=number) if pypi else None,
    )


def bill() -> str:
    """The document. Raises `docs.make_licences.UnknownLicence`."""
    shipped = packages()
    components = [component(one.name, one.licence, "pypi", one.version) for one in shipped]
    for one in shipped:
        components += [component(what, spdx, one.name) for what, spdx in libraries(one)]
    debian = {(what, accepted(spdx, what)) for _, what, spdx in SYSTEM_LIBRARIES}
    components += [component(what, spdx, "debian") for what, spdx in debian]
    components += [component(what, accepted(spdx, what), "other") for what, _, spdx in OTHER]
    components.sort(key=lambda one: str(one.bom_ref))
    ours = Component(
        name=NAME,
        version=version(NAME),
        bom_ref=NAME,
        type=ComponentType.APPLICATION,
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    made = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "1700000000")), UTC)
    contents = "\n".join(f"{one.bom_ref} {one.version}" for one in components)
    bom = Bom(
        components=components,
        metadata=BomMetaData(component=ours, timestamp=made),
        serial_number=uuid.uuid5(_SPACE, contents),
    )
    bom.register_dependency(ours, components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill() + "\n", encoding="utf-8")
