"""Profile files: what they mean, and what is said of wrong ones."""

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import InvalidRequest
from signerd.pki.key import KeyKind
from signerd.pki.profile import KeyUsageBit, Presence
from signerd.pki.profile_directory import load_profiles, shipped_profiles
from tests.pki.software_authority import shipped
from tests.pki.software_token import spki_for

GOOD = """
name = "good"
validity_days = 30
[keys]
algorithms = ["EC_P256_SHA256"]
[extensions]
key_usage = ["digitalSignature"]
"""


def problem_of(folder: Path, text: str, name: str = "good.toml") -> str:
    """What load_profiles says of a file."""
    (folder / name).write_text(text)
    with pytest.raises(BootError) as caught:
        load_profiles(folder)
    assert caught.value.code is ExitCode.CONFIG_INVALID
    assert str(folder) in caught.value.message
    return caught.value.message


def test_the_renewal_window_is_the_profiles(folder: Path) -> None:
    """Thirty days where the file says nothing; at least one."""
    for line, days in (("", 30), ("renewal_window_days = 7", 7)):
        (folder / "good.toml").write_text(f"{line}\n{GOOD}")
        assert load_profiles(folder)["good"].validity.renewal_window_days == days
    assert "renewal_window_days" in problem_of(folder, f"renewal_window_days = 0\n{GOOD}")


def test_shipped_profiles_load_from_a_copy(folder: Path) -> None:
    """The shipped files, copied as init does, load under their names."""
    for name, content in shipped_profiles().items():
        (folder / name).write_bytes(content)
    profiles = load_profiles(folder, publisher_url="http://pki.example:7480")
    assert set(profiles) == {
        *("personal", "corporate", "tls-client"),
        *("npki-personal", "npki-personal-banking", "npki-corporate"),
    }
    personal = profiles["personal"]
    assert personal.validity.zone == ZoneInfo("Asia/Seoul")
    assert personal.algorithms == frozenset(KeyAlgorithm)
    assert personal.csr_keys == frozenset()
    assert personal.extensions.key_usage == frozenset(KeyUsageBit)
    assert profiles["corporate"].subject.organizational_units == ("corporate",)
    client = profiles["tls-client"]
    assert client.csr_keys == frozenset(KeyKind)
    assert client.extensions.extended_key_usage == (ExtendedKeyUsageOID.CLIENT_AUTH,)
    assert (client.dns, personal.dns) == (Presence.ALLOWED, Presence.REFUSED)
    npki = profiles["npki-personal"].extensions
    assert npki.crl_uris == ("http://pki.example:7480/crl/issuing.crl",)
    assert npki.ocsp_uris == ("http://pki.example:7480/ocsp",)


def test_comments_of_shipped_profiles_are_good_settings(folder: Path) -> None:
    """Taking the comment signs from the examples in personal.toml gives a valid profile."""
    text = shipped_profiles()["personal.toml"].decode()
    for line in text.splitlines():
        settings = line.removeprefix("# ")
        if settings != line and (" = [" in settings or settings.startswith(("[[", "oid", "cps"))):
            text = text.replace(line, settings)
    (folder / "personal.toml").write_text(text)
    extensions = load_profiles(folder, publisher_url="http://pki.bank.example")[
        "personal"
    ].extensions
    assert len(tomllib.loads(text)["extensions"]["policies"]) == 1
    assert extensions.crl_uris == ("http://pki.bank.example/crl/issuing.crl",)
    assert extensions.policies[0].oid.dotted_string == "1.3.6.1.4.1.99999.1"


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        (("name =", "nmae ="), "name", "Field required"),
        (("validity_days", "validity_day"), "validity_days", "Field required"),
        (("[keys]", "colour = 1\n[keys]"), "colour", "unknown key"),
        (("[extensions]", "[extensions]\nusage = 1"), "extensions.usage", "unknown key"),
        (("= 30", "= 0"), "validity_days", "greater than or equal to 1"),
        (("= 30", '= "30"'), "validity_days", "valid integer"),
        (("= 30", "= true"), "validity_days", "valid integer"),
        (("= 30", '= 30\nwhole_days_in = "Asia/Pyeongyang"'), "whole_days_in", "time zone"),
        (("= 30", '= 30\nwhole_days_in = "../etc"'), "whole_days_in", "time zone"),
        (("= 30", '= 30\nbackdate_s = 9\nwhole_days_in = "UTC"'), "profile", "midnight"),
        (("EC_P256_SHA256", "EC_P256"), "keys.algorithms.0", '"EC_P256" is none of'),
        (('["EC_P256_SHA256"]', "[]"), "keys", "certifies no key"),
        (("digitalSignature", "keyCertSign"), "extensions.key_usage.0", "'digitalSignature'"),
        (('["digitalSignature"]', "[]"), "extensions.key_usage", "at least 1"),
        (('"good"', '"Good"'), "name", "a-z"),
        (("[keys]", '[subject]\nbank_code = "89"\n[keys]'), "subject.bank_code", "pattern"),
        (("[keys]", '[subject]\nbank_code = "089"\n[keys]'), "profile", "whole_days_in"),
    ],
)
def test_a_wrong_key_is_named(
    folder: Path, change: tuple[str, str], key: str, problem: str
) -> None:
    """The message holds the file, the key and what is wrong with it."""
    message = problem_of(folder, GOOD.replace(*change))
    assert f"good.toml: {key}: " in message
    assert problem in message


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('extended_key_usage = ["clientAuht"]', "extended_key_usage.0"),
        ('crl_distribution_points = ["https://a.example/crl"]', "crl_distribution_points.0"),
        ('crl_distribution_points = ["/crl"]', "crl_distribution_points.0"),
        ('ocsp = ["http://은행.example/"]', "ocsp.0"),
        ('ocsp = ["ldap://a.example/"]', "ocsp.0"),
        ('ca_issuers = ["http://a.example/a b"]', "ca_issuers.0"),
        ('policies = [{oid = "1.2.x"}]', "policies.0.oid"),
        ('policies = [{oid = "1.2.3", cps_uri = "cps"}]', "policies.0.cps_uri"),
        ('policies = [{oid = "1.2.3", notice = ""}]', "policies.0.notice"),
        (f'policies = [{{oid = "1.2.3", notice = "{"x" * 201}"}}]', "policies.0.notice"),
        ('policies = [{oid = "1.2.3", notice = "a\\u202Eb"}]', "policies.0.notice"),
        ('policies = [{oid = "1.2.3", notice_type = "IA5String"}]', "policies.0.notice_type"),
        (
            'policies = [{oid = "1.2.3", notice = "\U0001d11e", notice_type = "BMPString"}]',
            "policies.0",
        ),
    ],
)
def test_wrong_extensions_are_named(folder: Path, line: str, key: str) -> None:
    """OIDs and URIs are judged when the file is read, not when a certificate is made."""
    assert f"good.toml: extensions.{key}: " in problem_of(folder, GOOD + line)


def test_a_repeated_policy_is_refused(folder: Path) -> None:
    """A policy OID appears once."""
    line = 'policies = [{oid = "1.2.3"}, {oid = "1.2.3"}]'
    assert "appear once" in problem_of(folder, GOOD + line)


def test_subject_parts_are_judged_like_callers(folder: Path) -> None:
    """An invisible character in the profile's own unit is refused."""
    message = problem_of(folder, GOOD + '[subject]\norganizational_units = ["a\\u202Eb"]')
    assert "subject.organizational_units.0" in message
    assert "U+202E" in message


def test_broken_files_are_named(folder: Path) -> None:
    """Not TOML, not UTF-8, another name than the file's, no file, no directory."""
    assert "is not TOML" in problem_of(folder, "name = ")
    (folder / "good.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(BootError, match="is not TOML"):
        load_profiles(folder)
    (folder / "good.toml").unlink()
    assert 'bad.toml: name: is "good"' in problem_of(folder, GOOD, "bad.toml")
    (folder / "bad.toml").unlink()
    with pytest.raises(BootError, match="holds no profile"):
        load_profiles(folder)
    with pytest.raises(BootError, match="cannot be read"):
        load_profiles(folder / "missing")


def test_algorithms_are_limited_by_the_profile(folder: Path) -> None:
    """An algorithm the profile does not list is refused, and so is none at all."""
    (folder / "good.toml").write_text(GOOD)
    profile = load_profiles(folder)["good"]
    profile.check_algorithm(KeyAlgorithm.EC_P256_SHA256)
    for wrong in (KeyAlgorithm.ED25519, None):
        with pytest.raises(InvalidRequest, match="EC_P256_SHA256") as caught:
            profile.check_algorithm(wrong)
        assert caught.value.reason == "ALGORITHM_NOT_ALLOWED"


def test_request_kinds_are_limited_by_the_profile(folder: Path) -> None:
    """A profile that takes RSA requests refuses the others by kind."""
    (folder / "good.toml").write_text(GOOD.replace("[extensions]", 'csr = ["RSA"]\n[extensions]'))
    profile = load_profiles(folder)["good"]
    profile.check_csr_key(spki_for(KeyAlgorithm.RSA_2048_PKCS1_SHA256))
    with pytest.raises(InvalidRequest, match="EC P-256") as caught:
        profile.check_csr_key(spki_for(KeyAlgorithm.EC_P256_SHA256))
    assert caught.value.reason == "CSR_KEY_TYPE"


@pytest.mark.parametrize(
    ("name", "oid", "unit"),
    [
        ("npki-personal", "1.2.410.200005.1.1.1", "personal"),
        ("npki-personal-banking", "1.2.410.200005.1.1.4", "personal4IB"),
        ("npki-corporate", "1.2.410.200005.1.1.5", "corporation"),
    ],
)
def test_npki_profiles_differ_in_policy_and_class(name: str, oid: str, unit: str) -> None:
    """Each names its own policy and class; only RSA-2048 keys made on the token are certified."""
    profile = shipped(name)
    assert [policy.oid.dotted_string for policy in profile.extensions.policies] == [oid]
    assert profile.subject.organizational_units == (unit, "K bank")
    assert profile.algorithms == {KeyAlgorithm.RSA_2048_PKCS1_SHA256}
    assert not profile.csr_keys


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [("npki-personal", False, "IDENTITY_REQUIRED"), ("personal", True, "IDENTITY_NOT_ALLOWED")],
)
def test_an_identity_is_given_where_it_is_certified(name: str, given: bool, reason: str) -> None:  # noqa: FBT001 - the fact that is judged
    """A profile with a virtual ID needs the number, any other refuses it."""
    shipped(name).check_identity(given=not given)
    with pytest.raises(InvalidRequest, match="identity_number") as caught:
        shipped(name).check_identity(given=given)
    assert (caught.value.reason, caught.value.field) == (reason, "subject.identity_number")
