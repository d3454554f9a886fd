"""The policy pack: rules with a source, checked when they are read, signed, chosen by the day."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.policy import BadPolicy, Days, Fee, Name, load_policy
from kiosk.policy.shelf import PURPOSE, NotGenuine, Shelf, install_pack
from tests.flows.packs import (
    CENTRE,
    CHARGED,
    KEY,
    PACK,
    dated,
    install,
    policy_with,
    sign,
)

#: Before, on and after the first day of the packs below.
JUNE, JULY, AUGUST = date(2027, 6, 30), date(2027, 7, 1), date(2027, 8, 1)


# -- what a pack says ----------------------------------------------------------------------------


def test_the_first_card_is_free_and_every_replacement_too() -> None:
    policy = load_policy()
    reasons = ("first", "lost", "damaged", "expired", "changed", "other_bank", "third_generation")
    assert {policy.fee(reason) for reason in reasons} == {Fee(0)}


def test_the_built_in_pack_says_that_it_is_an_example() -> None:
    assert load_policy().demo is True
    assert "演示" in load_policy().source


def test_a_fee_without_its_approval_is_refused() -> None:
    with pytest.raises(BadPolicy, match=r"pack\.toml: fees\.first\.approval is missing"):
        policy_with(("first = { yuan = 0 }", "first = { yuan = 20 }"))


def test_a_fee_with_its_approval_is_taken() -> None:
    assert policy_with(CHARGED).fee("first") == Fee(20, "示例批文")


def test_an_unknown_reason_for_a_fee_is_named() -> None:
    with pytest.raises(BadPolicy, match=r"tangshan\.toml: fees\.whim is missing"):
        load_policy().fee("whim")


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('bank = "boc"', 'bank = "nobank"', "outlets are of unknown banks: nobank"),
        ('bank = "boc"', 'bank = "abc"', "banks are without an outlet: boc"),
        ('area = "130202"', 'area = "110101"', "outlets are in unknown areas: 110101"),
        ('["滦县"]', '["路北区"]', "areas have a name twice: 路北区"),
        ('version = "2026-11-29"', 'version = "next"', "version is not a date"),
        ('version = "2026-11-29"', 'version = ""', "version is empty"),
        ("effective = 2026-11-01", 'effective = "soon"', "effective is not a date"),
        ("effective = 2026-11-01", "effective = 2026-11-01T00:00:00", "effective is not a date"),
        ("demo = true", "demo = 1", "demo is not true or false"),
        ("adult = 16", "adult = -1", r"ages\.adult is below 0"),
        ("adult = 16", "adult = true", r"ages\.adult is not a whole number"),
        ("tries = 3", "tries = 0", r"photo\.tries is below 1"),
        ('unit = "calendar"', 'unit = "moons"', r"days\.make_card\.unit is 'moons'"),
        ('["滦县"]', "[1]", r"areas\.130284\.formerly is not a list of texts"),
        ('{ zh = "唐山市", en = "Tangshan" }', "7", r"region\.city is no name"),
        ('{ zh = "唐山市", en = "Tangshan" }', '{ en = "T" }', r"region\.city is no name"),
        (
            "路南区 lu nan qu",
            "路南区 lu nan",
            r"keyboard\.place_words has a line of another length",
        ),
        ("路南区 lu nan qu", "路南区 Lu nan qu", "has a line without its syllables"),
        ('agree = "同意拍摄"\n', "", r"consent\.photo\.notice\.en differs .*photo\.notice\.agree"),
        ("[ages]", "[[ages]]", "ages is not a table"),
        ("[ages]", "[ages", "pack.toml: "),
    ],
)
def test_a_pack_that_breaks_a_rule_is_refused_by_name(old: str, new: str, wrong: str) -> None:
    with pytest.raises(BadPolicy, match=wrong) as caught:
        policy_with((old, new))
    assert str(caught.value).startswith("pack.toml: ")


@pytest.mark.parametrize("key", ["version", "source", "hotline"])
def test_a_rule_that_is_missing_is_named(key: str) -> None:
    line = next(line for line in PACK.splitlines() if line.startswith(f"{key} = "))
    with pytest.raises(BadPolicy, match=rf"pack\.toml: {key} is missing"):
        policy_with((line, ""))


def test_days_are_counted_in_the_unit_of_their_authority() -> None:
    policy = policy_with(('number = 30, unit = "calendar"', 'number = 30, unit = "working"'))
    assert load_policy().days("make_card") == Days(30, "calendar")
    assert (load_policy().days("make_card").name, policy.days("make_card").name) == (
        "30 天",
        "30 个工作日",
    )
    assert policy.days("make_card").name.english == "30 working days"


def test_banks_stand_in_the_order_of_their_pinyin() -> None:
    banks = load_policy().banks
    assert [bank.pinyin for bank in banks] == sorted(bank.pinyin for bank in banks)


def test_a_rural_bank_makes_its_own_cards_and_some_banks_keep_the_account() -> None:
    policy = load_policy()
    assert [bank.id for bank in policy.banks if bank.own_outlets_only] == ["hebeirc"]
    assert policy.bank("icbc").same_account
    assert not policy.bank("ccb").same_account
    assert policy.bank("ccb").phone == "95533"


def test_the_areas_are_the_fourteen_and_the_four_zones() -> None:
    policy = load_policy()
    names = [str(area.name) for area in policy.areas]
    assert len(names) == 18
    assert names[-4:] == [
        "芦台经济开发区",
        "汉沽管理区",
        "高新技术产业开发区",
        "海港经济开发区",
    ]
    assert policy.area("130284").formerly == ("滦县",)
    assert policy.area("130209").formerly == ("唐海县",)


def test_outlets_of_the_citizens_own_area_come_first() -> None:
    outlets = load_policy().outlets_of("icbc", load_policy().area("130208"))
    assert [outlet.id for outlet in outlets] == ["icbc-fengrun", "icbc-lubei", "icbc-lunan"]


def test_a_service_has_a_table_of_its_own_with_any_keys() -> None:
    policy = policy_with(
        (
            "[service.loss_report]",
            '[service.parking]\nfree = true\nnote = "试"\n\n[service.loss_report]',
        )
    )
    assert policy.service("parking").flag("free") is True
    assert policy.service("parking").text("note") == "试"
    assert policy.service("loss_report").days("temporary_lapse") == Days(15, "calendar")
    assert policy.service("card_replacement").whole("other_bank_after_months") == 6


@pytest.mark.parametrize(
    ("ask", "wrong"),
    [
        (lambda p: p.service("parking"), "tangshan.toml: service.parking is missing"),
        (
            lambda p: p.service("loss_report").days("lapse"),
            "tangshan.toml: service.loss_report.lapse is missing",
        ),
        (
            lambda p: p.service("loss_report").whole("temporary_lapse"),
            "tangshan.toml: service.loss_report.temporary_lapse is not a whole number",
        ),
        (lambda p: p.days("sleep"), "tangshan.toml: days.sleep is missing"),
        (lambda p: p.place("moon"), "tangshan.toml: places.moon is missing"),
        (lambda p: p.bank("nobank"), "tangshan.toml: banks.nobank is missing"),
        (lambda p: p.outlet("nowhere"), "tangshan.toml: outlets.nowhere is missing"),
        (lambda p: p.area("110101"), "tangshan.toml: areas.110101 is missing"),
        (lambda p: p.special_group("x"), "tangshan.toml: special_groups.x is missing"),
        (lambda p: p.consent("no.text"), "tangshan.toml: consent.no.text is missing"),
    ],
)
def test_what_a_pack_does_not_say_is_named_with_file_and_key(ask: object, wrong: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        ask(load_policy())  # type: ignore[operator]
    assert str(caught.value) == wrong


def test_an_older_pack_says_which_rules_of_a_newer_release_it_lacks() -> None:
    older = policy_with(("other_bank_after_months = 6\n", ""))
    assert older.lacks(load_policy()) == ("service.card_replacement.other_bank_after_months",)
    assert load_policy().lacks(older) == ()


def test_a_place_to_go_says_whether_somebody_else_may_go() -> None:
    replace = load_policy().place("replace")
    assert (replace.name, replace.proxy) == ("合作银行的社保卡网点", True)
    assert load_policy().place("correct").proxy is False


# -- names and consents --------------------------------------------------------------------------


def test_a_name_is_its_chinese_text_and_keeps_its_english() -> None:
    name = load_policy().bank("boc").name
    assert name == "中国银行"
    assert name.english == "Bank of China"
    assert pickle.loads(pickle.dumps(name)).english == "Bank of China"
    assert Name("无").english == "无"


def test_everything_a_citizen_chooses_from_has_an_english_name() -> None:
    policy = load_policy()
    named = [
        *(area.name for area in policy.areas),
        *(bank.name for bank in policy.banks),
        *(outlet.name for outlet in policy.outlets),
        *(name for _, name in policy.special_groups),
    ]
    assert [name for name in named if not name.english.isascii()] == []


def test_the_hash_of_a_consent_covers_every_word_in_both_languages() -> None:
    plain = load_policy().consent("photo.notice")
    for old, new in (("露出双耳和眉毛", "露出双耳"), ("Show both ears", "Show your ears")):
        changed = policy_with((old, new)).consent("photo.notice")
        assert changed.sha256 != plain.sha256
    assert policy_with(CHARGED).consent("photo.notice") == plain
    assert len(plain.sha256) == 64


def test_the_words_of_a_consent_are_found_by_the_id_of_its_prompt() -> None:
    words = load_policy().words
    assert words["zh_CN"]["photo.notice.agree"] == "同意拍摄"
    assert words["zh_CN"].keys() == words["en"].keys()


# -- which pack rules ----------------------------------------------------------------------------


def shelf(folder: Path, key: bytes = KEY, region: str = "130200") -> Shelf:
    return Shelf(folder, key, region)


def test_without_any_pack_the_built_in_one_rules_and_is_named_so(tmp_path: Path) -> None:
    empty = shelf(tmp_path / "none")
    assert empty.on(JULY) is load_policy()
    found = empty.rules_on(JULY)
    assert (found.origin, found.demo, found.next_version) == ("built in", True, "")


def test_a_pack_rules_from_its_day_on_and_not_before(tmp_path: Path) -> None:
    install(tmp_path, dated("2027-06-15", "2027-07-01", CHARGED))
    packs = shelf(tmp_path)
    assert packs.on(JUNE).fee("first").yuan == 0
    assert packs.on(JULY).fee("first").yuan == 20
    assert packs.rules_on(JUNE).next_version == "2027-06-15"
    assert packs.rules_on(JUNE).next_effective == JULY
    assert packs.rules_on(JULY).origin == "centre"
    assert packs.rules_on(JULY).demo is False


def test_of_several_packs_the_right_one_is_chosen_for_each_day(tmp_path: Path) -> None:
    for version, effective in (
        ("2027-05-01", "2027-05-01"),
        ("2027-06-15", "2027-07-01"),
        ("2027-06-20", "2027-06-20"),
        ("2027-07-20", "2027-08-01"),
    ):
        install(tmp_path, dated(version, effective))
    packs = shelf(tmp_path)
    days = (date(2027, 4, 30), date(2027, 5, 1), JUNE, JULY, AUGUST, date(2030, 1, 1))
    assert [packs.on(day).version for day in days] == [
        "2026-11-29",
        "2027-05-01",
        "2027-06-20",
        "2027-06-15",
        "2027-07-20",
        "2027-07-20",
    ]


def test_of_two_packs_for_one_day_the_later_version_rules(tmp_path: Path) -> None:
    for version in ("2027-06-15.10", "2027-06-15.9", "2027-06-15", "2027-06-14.99"):
        install(tmp_path, dated(version, "2027-07-01"))
    assert shelf(tmp_path).on(JULY).version == "2027-06-15.10"


def test_a_pack_that_comes_while_the_terminal_runs_is_found(tmp_path: Path) -> None:
    packs = shelf(tmp_path)
    assert packs.on(JULY).demo
    install(tmp_path, dated("2027-06-15", "2027-07-01"))
    assert packs.on(JULY).version == "2027-06-15"


def test_what_can_rule_no_more_goes_but_the_one_before(tmp_path: Path) -> None:
    """✗ Every pack that ever ruled stayed on the disk, and was checked again at each reading."""
    for month in (1, 2, 3, 4, 6):
        install(tmp_path, dated(f"2027-0{month}-01", f"2027-0{month}-01"))
    packs = shelf(tmp_path)
    assert packs.tidy(["2027-04-01", "2027-07-01"]) == ["2027-01-01", "2027-02-01"]
    assert sorted(packs.held()) == ["2027-03-01", "2027-04-01", "2027-06-01"]
    assert len(list(tmp_path.iterdir())) == 6, "each with its signature"
    assert packs.on(date(2027, 5, 1)).version == "2027-04-01"
    packs.remove("2027-04-01")
    assert packs.on(date(2027, 5, 1)).version == "2027-03-01", "after a withdrawal"


@pytest.mark.parametrize("desired", [[], ["2027-07-01"], ["2027-01-01"], ["2027-02-01"]])
def test_nothing_goes_while_what_follows_is_not_here(tmp_path: Path, desired: list[str]) -> None:
    """Also where a centre that lost rows wants an older pack than the one that rules."""
    for month in (1, 2, 3):
        install(tmp_path, dated(f"2027-0{month}-01", f"2027-0{month}-01"))
    assert shelf(tmp_path).tidy(desired) == []


def test_what_the_centre_has_not_signed_is_not_installed(tmp_path: Path) -> None:
    data = dated("2027-06-15", "2027-07-01")
    other = Ed25519PrivateKey.generate()
    for signature in (sign(data, other), CENTRE.sign(data), sign(data)[:-1], b""):
        with pytest.raises(NotGenuine):
            install_pack(data, signature, KEY, tmp_path)
    with pytest.raises(NotGenuine):
        install_pack(data + b"\n", sign(data), KEY, tmp_path)
    with pytest.raises(NotGenuine):
        install_pack(data, sign(data), b"short", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_signature_is_for_this_purpose_only() -> None:
    assert PURPOSE == b"kiosk-policy-v1\n"


def test_a_signed_pack_that_breaks_a_rule_is_not_installed(tmp_path: Path) -> None:
    data = dated("2027-06-15", "2027-07-01", ("first = { yuan = 0 }", "first = { yuan = 9 }"))
    with pytest.raises(BadPolicy, match="approval"):
        install(tmp_path, data)
    assert list(tmp_path.iterdir()) == []


def test_a_pack_of_another_region_is_not_installed(tmp_path: Path) -> None:
    data = dated("2027-06-15", "2027-07-01", ('code = "130200"', 'code = "130100"'))
    with pytest.raises(BadPolicy, match="is for region 130100, not 130200"):
        install(tmp_path, data)


def test_the_same_pack_may_come_twice_but_no_other_of_its_version(tmp_path: Path) -> None:
    data = dated("2027-06-15", "2027-07-01")
    install(tmp_path, data)
    install(tmp_path, data)
    with pytest.raises(BadPolicy, match="version 2027-06-15 was issued before"):
        install(tmp_path, dated("2027-06-15", "2027-07-01", CHARGED))
    assert shelf(tmp_path).on(JULY).fee("first").yuan == 0


def test_a_pack_altered_on_the_disk_is_not_used_and_is_told_of(tmp_path: Path) -> None:
    install(tmp_path, dated("2027-06-15", "2027-07-01", CHARGED))
    install(tmp_path, dated("2027-05-01", "2027-05-01"))
    file = tmp_path / "2027-06-15.toml"
    file.write_bytes(file.read_bytes().replace(b"yuan = 20", b"yuan = 90"))
    packs = shelf(tmp_path)
    assert packs.on(JULY).version == "2027-05-01"
    assert packs.rules_on(JULY).unusable == {
        "2027-06-15.toml": "2027-06-15.toml: the centre has not signed it"
    }
    assert packs.rules_on(JULY).document()["unusable"]


def test_half_a_pack_after_a_power_cut_is_replaced_by_the_whole_one(tmp_path: Path) -> None:
    data = dated("2027-06-15", "2027-07-01")
    (tmp_path / "2027-06-15.toml").write_bytes(data[:100])
    (tmp_path / "2027-06-15.sig").write_bytes(b"")
    assert shelf(tmp_path).on(JULY).demo
    install(tmp_path, data)
    assert shelf(tmp_path).on(JULY).version == "2027-06-15"


def test_a_pack_under_another_name_is_not_used(tmp_path: Path) -> None:
    install(tmp_path, dated("2027-06-15", "2027-07-01"))
    for suffix in (".toml", ".sig"):
        (tmp_path / "2027-06-15").with_suffix(suffix).rename(tmp_path / f"2028-01-01{suffix}")
    packs = shelf(tmp_path)
    assert packs.on(JULY).demo
    assert "is version 2027-06-15" in dict(packs.rules_on(JULY).unusable or {})["2028-01-01.toml"]


def test_a_pack_without_its_signature_and_one_that_is_too_large_are_not_used(
    tmp_path: Path,
) -> None:
    (tmp_path / "2027-06-15.toml").write_bytes(dated("2027-06-15", "2027-07-01"))
    (tmp_path / "2027-06-16.toml").write_bytes(b"#" * 1_000_001)
    (tmp_path / "2027-06-16.sig").write_bytes(bytes(64))
    unusable = dict(shelf(tmp_path).rules_on(JULY).unusable or {})
    assert set(unusable) == {"2027-06-15.toml", "2027-06-16.toml"}
    assert "larger than" in unusable["2027-06-16.toml"]


def test_a_terminal_that_knows_no_key_of_the_centre_takes_no_pack(tmp_path: Path) -> None:
    install(tmp_path, dated("2027-06-15", "2027-07-01"))
    assert shelf(tmp_path, b"").on(JULY) is load_policy()
