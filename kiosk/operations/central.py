"""Questions to the centre. Offline is a reply, not a fault, because a service can go on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kiosk.records.submission import Reply

if TYPE_CHECKING:
    from kiosk.operations.work import Work
    from kiosk.records.submission import Question
    from kiosk.visit import prompts

log = logging.getLogger(__name__)


def ask_central(prompt: prompts.AskCentral, _: None, work: Work) -> Reply:
    return asked(prompt.question, work)


def asked(question: Question, work: Work) -> Reply:
    """Ask, and wait no longer than the settings say a citizen may wait."""
    from sync.central import CentralUnreachable
    from sync.identity import NotEnrolled

    central = work.parts.central
    if central is None:
        return Reply()
    patience_s = work.parts.settings.central.patience_s
    try:
        answer = central.ask(question.kind, dict(question.fields), timeout_s=patience_s)
    except CentralUnreachable as error:
        log.info("central did not answer: %s", error.reason)
        return Reply()
    except NotEnrolled as error:
        # The device key or the centre's cannot be used; the doctor says so.
        log.error("central cannot be asked: %s", error)
        return Reply()
    return Reply(answer)
