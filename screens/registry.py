"""Which screen shows which prompt. A test holds it against `kiosk.visit.prompts.PROMPTS`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kiosk.visit import prompts
from kiosk.visit.flow import Prompt
from screens.base import PromptScreen

#: Prompt -> module and class. Imported when first shown: home must be up before the keyboards are.
SCREENS: dict[type[Prompt[Any]], tuple[str, str]] = {
    prompts.Notice: ("screens.notice", "NoticeScreen"),
    prompts.Choice: ("screens.choice", "ChoiceScreen"),
    prompts.Resume: ("screens.choice", "ChoiceScreen"),
    prompts.Form: ("screens.form", "FormScreen"),
    prompts.PlaceIdCard: ("screens.cards", "PlaceIdCardScreen"),
    prompts.ReadCard: ("screens.cards", "ReadCardScreen"),
    prompts.ScanCard: ("screens.cards", "ScanCardScreen"),
    prompts.EnterPin: ("screens.pin", "PinScreen"),
    prompts.UsePin: ("screens.waiting", "WaitingScreen"),
    prompts.RunScript: ("screens.waiting", "WaitingScreen"),
    prompts.AskConsent: ("screens.notice", "ConsentScreen"),
    prompts.TakePhoto: ("screens.photo", "TakePhotoScreen"),
    prompts.TakePage: ("screens.page", "TakePageScreen"),
    prompts.ChoosePhoto: ("screens.choose_photo", "ChoosePhotoScreen"),
    prompts.CompareFaces: ("screens.waiting", "WaitingScreen"),
    prompts.Review: ("screens.review", "ReviewScreen"),
    prompts.Sign: ("screens.sign", "SignScreen"),
    prompts.AskStaff: ("screens.staff", "StaffScreen"),
    prompts.AskCentral: ("screens.waiting", "WaitingScreen"),
    prompts.Submit: ("screens.waiting", "WaitingScreen"),
    prompts.AwaitVerdict: ("screens.waiting", "WaitingScreen"),
    prompts.FindMine: ("screens.waiting", "WaitingScreen"),
    prompts.Listing: ("screens.listing", "ListingScreen"),
    prompts.Print: ("screens.waiting", "WaitingScreen"),
    prompts.Advice: ("screens.advice", "AdviceScreen"),
    prompts.Done: ("screens.done", "DoneScreen"),
}


def screen_class(prompt: type[Prompt[Any]]) -> type[PromptScreen[Any]]:
    """The screen for a kind of prompt. `KeyError` for a prompt without one."""
    module, name = SCREENS[prompt]
    found: type[PromptScreen[Any]] = getattr(import_module(module), name)
    return found
