"""Profiles as they are written in TOML, before they are judged as a whole."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.core.value import parse_slug
from signerd.pki.certificate_policy import MAX_NOTICE_LENGTH, CertificatePolicy, NoticeType
from signerd.pki.composed_name import NameComposition
from signerd.pki.key import KeyKind
from signerd.pki.location import check_http_uri, check_location_uri
from signerd.pki.name_text import UPPER_BOUND, check_text
from signerd.pki.profile import (
    ExtensionTemplate,
    KeyUsageBit,
    Presence,
    Profile,
    SubjectTemplate,
    ValidityPeriod,
)

_EXTENDED_KEY_USAGES = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
}

_LAST_OF_BMP = "\uffff"


def _slug(text: str) -> str:
    try:
        return parse_slug(text, field="name")
    except InvalidRequest as error:
        raise ValueError(error.message) from None


def _text(text: str, upper_bound: int) -> str:
    try:
        check_text(text, field="value", upper_bound=upper_bound)
    except InvalidRequest as error:
        raise ValueError(error.message) from None
    return text


def _oid(text: str) -> str:
    x509.ObjectIdentifier(text)
    return text


def _usage(text: str) -> str:
    return text if text in _EXTENDED_KEY_USAGES else _oid(text)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f'"{text}" is not in the time zone database of this machine (package tzdata)'
        ) from None
    return text


NamePart = Annotated[str, AfterValidator(lambda text: _text(text, UPPER_BOUND))]
Notice = Annotated[str, AfterValidator(lambda text: _text(text, MAX_NOTICE_LENGTH))]
Oid = Annotated[str, AfterValidator(_oid)]
Usage = Annotated[str, AfterValidator(_usage)]
LocationUri = Annotated[str, AfterValidator(check_location_uri)]
HttpUri = Annotated[str, AfterValidator(check_http_uri)]
PresenceText = Literal["refused", "allowed", "required"]
AlgorithmName = Annotated[
    str, AfterValidator(lambda text: _one_of(text, [one.value for one in KeyAlgorithm]))
]


def _one_of(text: str, allowed: list[str]) -> str:
    if text not in allowed:
        raise ValueError(f'"{text}" is none of {", ".join(allowed)}')
    return text


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SubjectSettings(_Section):
    """[subject]: what the profile puts into every name. Absent: the issuing CA's.

    bank_code: common names are composed of name, bank, branch, date and running number.
    """

    country: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")] | None = None
    organization: NamePart | None = None
    organizational_units: list[NamePart] = Field(default_factory=list, max_length=4)
    bank_code: Annotated[str, Field(pattern=r"^[0-9]{3}$")] | None = None


class KeySettings(_Section):
    """[keys]: which keys are certified."""

    algorithms: list[AlgorithmName] = Field(default_factory=list)
    csr: list[Literal["RSA", "EC_P256", "EC_P384", "ED25519"]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _not_empty(self) -> "KeySettings":
        if not self.algorithms and not self.csr:
            raise ValueError("give algorithms, csr or both: the profile certifies no key")
        return self


class AlternativeNameSettings(_Section):
    """[alternative_names]: which ones callers give; identify_data: real name and VID."""

    email: PresenceText = "refused"
    dns: PresenceText = "refused"
    identify_data: bool = False


class PolicySettings(_Section):
    """[[extensions.policies]]."""

    oid: Oid
    cps_uri: HttpUri | None = None
    notice: Notice | None = None
    notice_type: Literal["UTF8String", "BMPString"] = "UTF8String"

    @model_validator(mode="after")
    def _encodable(self) -> "PolicySettings":
        if self.notice_type == "BMPString" and max(self.notice or " ") > _LAST_OF_BMP:
            raise ValueError("notice: holds a character that a BMPString cannot; use UTF8String")
        return self


class ExtensionSettings(_Section):
    """[extensions]."""

    authority_cert_issuer: bool = False
    basic_constraints: bool = True
    key_usage: list[Literal["digitalSignature", "nonRepudiation"]] = Field(min_length=1)
    extended_key_usage: list[Usage] = Field(default_factory=list)
    extended_key_usage_critical: bool = False
    ocsp_no_check: bool = False
    policies: list[PolicySettings] = Field(default_factory=list)
    policies_critical: bool = False
    crl_distribution_points: list[LocationUri] = Field(default_factory=list)
    ocsp: list[HttpUri] = Field(default_factory=list)
    ca_issuers: list[LocationUri] = Field(default_factory=list)

    @model_validator(mode="after")
    def _policies_differ(self) -> "ExtensionSettings":
        oids = [policy.oid for policy in self.policies]
        if len(set(oids)) != len(oids):
            raise ValueError("policies: each OID may appear once (RFC 5280, 4.2.1.4)")
        return self


class ProfileSettings(_Section):
    """A whole profile file."""

    name: Annotated[str, AfterValidator(_slug)]
    description: str = ""
    validity_days: int = Field(ge=1, le=3660)
    whole_days_in: Annotated[str, AfterValidator(_zone)] | None = None
    backdate_s: int = Field(default=0, ge=0, le=86_400)
    renewal_window_days: int = Field(default=30, ge=1, le=366)
    subject: SubjectSettings = SubjectSettings()
    keys: KeySettings
    alternative_names: AlternativeNameSettings = AlternativeNameSettings()
    extensions: ExtensionSettings

    @model_validator(mode="after")
    def _one_start(self) -> "ProfileSettings":
        if self.whole_days_in is not None and self.backdate_s:
            raise ValueError("backdate_s: whole days begin at midnight; leave it out")
        if self.subject.bank_code is not None and self.whole_days_in is None:
            raise ValueError("whole_days_in: composed names (bank_code) need it for their date")
        return self

    def profile(self) -> Profile:
        """The profile these settings mean."""
        zone = None if self.whole_days_in is None else ZoneInfo(self.whole_days_in)
        code = self.subject.bank_code
        composition = None if code is None or zone is None else NameComposition(code, zone)
        return Profile(
            name=self.name,
            description=self.description,
            validity=ValidityPeriod(
                self.validity_days, zone, self.backdate_s, self.renewal_window_days
            ),
            subject=SubjectTemplate(
                self.subject.country or "",
                self.subject.organization or "",
                tuple(self.subject.organizational_units),
                composition,
            ),
            algorithms=frozenset(KeyAlgorithm(name) for name in self.keys.algorithms),
            csr_keys=frozenset(KeyKind(name) for name in self.keys.csr),
            email=Presence(self.alternative_names.email),
            dns=Presence(self.alternative_names.dns),
            identify_data=self.alternative_names.identify_data,
            extensions=_extension_template(self.extensions),
        )


def _extension_template(settings: ExtensionSettings) -> ExtensionTemplate:
    return ExtensionTemplate(
        authority_cert_issuer=settings.authority_cert_issuer,
        basic_constraints=settings.basic_constraints,
        key_usage=frozenset(KeyUsageBit(bit) for bit in settings.key_usage),
        extended_key_usage=tuple(
            _EXTENDED_KEY_USAGES.get(usage) or x509.ObjectIdentifier(usage)
            for usage in settings.extended_key_usage
        ),
        extended_key_usage_critical=settings.extended_key_usage_critical,
        ocsp_no_check=settings.ocsp_no_check,
        policies=tuple(
            CertificatePolicy(
                x509.ObjectIdentifier(policy.oid),
                policy.cps_uri or "",
                policy.notice or "",
                NoticeType(policy.notice_type),
            )
            for policy in settings.policies
        ),
        policies_critical=settings.policies_critical,
        crl_uris=tuple(settings.crl_distribution_points),
        ocsp_uris=tuple(settings.ocsp),
        ca_issuers_uris=tuple(settings.ca_issuers),
    )
