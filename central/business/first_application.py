"""首次申领: may this person have a first card, and where does the application stand?"""

from __future__ import annotations

from central.applications import CardApplication, eligibility


class FirstApplication(CardApplication):
    kind = "first_application"
    title = "首次申领"


BUSINESS = FirstApplication()

ANSWERS = {"first_application.eligibility": eligibility}
