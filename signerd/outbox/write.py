"""Write a message down: find whom it goes to, and put it into words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from signerd.core.lifecycle import CertificateState
from signerd.core.message import Channel, Contact, MessageDraft, MessageKind, OutboxMessage
from signerd.core.record import CertificateRecord
from signerd.outbox.letter import Attachment, DeliveryError, Letter, NotNeeded
from signerd.outbox.ports import CertificateSource, ContactStore, Unsealer
from signerd.outbox.sealed import SealedContent, associated_of
from signerd.outbox.template import Templates

_KOREA: Final = ZoneInfo("Asia/Seoul")
_UNSEAL_S: Final = 20.0
_NEW: Final = frozenset(
    {
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_REISSUED,
        MessageKind.CERTIFICATE_RENEWED,
    }
)


class LetterWriter:
    """Writes letters. bank: what the sender is called; language: of those who chose none;
    contacts, unseal: None where nobody is registered and nothing is sealed."""

    def __init__(
        self,
        *,
        templates: Templates,
        certificates: CertificateSource,
        contacts: ContactStore | None,
        unsealer: Unsealer | None,
        bank: str,
        language: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._templates = templates
        self._certificates = certificates
        self._contacts = contacts
        self._unsealer = unsealer
        self._bank = bank
        self._language = language
        self._monotonic = monotonic

    async def write(self, message: OutboxMessage, now_utc: datetime) -> Letter:
        """The letter of a message. Raises NotNeeded, DeliveryError, and what the ports raise."""
        draft = message.draft
        if draft.certificate is None:
            content = await self._unsealed(message)
            channel = draft.channel or Channel.EMAIL
            contact = Contact(content.name, content.address, content.address, content.language)
            return self._letter(message, contact, channel, content.parameters, now_utc=now_utc)
        certificate = await self._certificates.get_certificate(draft.certificate)
        if (
            draft.kind is MessageKind.CERTIFICATE_EXPIRING
            and certificate.state is not CertificateState.ACTIVE
        ):
            raise NotNeeded("NOT_ACTIVE: the certificate is no longer active")
        contact = await self._contact(certificate)
        channel = draft.channel or _channel_of(contact)
        parameters = _parameters_of(draft, certificate, now_utc)
        attachment = None
        if draft.kind in _NEW and channel is Channel.EMAIL:
            attachment = _attachment_of(certificate)
        return self._letter(
            message, contact, channel, parameters, now_utc=now_utc, attachment=attachment
        )

    def _letter(
        self,
        message: OutboxMessage,
        contact: Contact,
        channel: Channel,
        parameters: Mapping[str, str],
        *,
        now_utc: datetime,
        attachment: Attachment | None = None,
    ) -> Letter:
        draft = message.draft
        language = self._templates.language(contact.language, self._language)
        filled = {"bank": self._bank, "name": contact.name, **parameters}
        if draft.expires_utc is not None:
            filled["until"] = _korean_time(draft.expires_utc)
        text = language.write(draft.kind, channel, filled)
        return Letter(
            message_id=message.message_id,
            kind=draft.kind,
            channel=channel,
            language=language.name,
            name=filled["name"],
            address=contact.email if channel is Channel.EMAIL else contact.phone,
            subject=text.subject,
            text=text.body,
            time_utc=now_utc,
            attachment=attachment,
        )

    async def _unsealed(self, message: OutboxMessage) -> SealedContent:
        if message.draft.sealed is None or self._unsealer is None:
            raise DeliveryError("NO_CONTENT: nothing says what to send", final=True)
        deadline = self._monotonic() + _UNSEAL_S
        content = await self._unsealer.unseal(
            message.draft.sealed, associated_of(message.message_id), deadline=deadline
        )
        return SealedContent.decode(content)

    async def _contact(self, certificate: CertificateRecord) -> Contact:
        """As registered; otherwise what stands in the certificate."""
        if self._contacts is not None:
            registered = await self._contacts.get_contact(certificate.subscriber)
            if registered is not None:
                return registered
        subject = certificate.subject_record
        # After the name there may be digits that tell its holder's certificates apart.
        return Contact(subject.common_name.partition("(")[0], email=subject.email)


def _channel_of(contact: Contact) -> Channel:
    if contact.email:
        return Channel.EMAIL
    if contact.phone:
        return Channel.SMS
    raise NotNeeded("NO_ADDRESS: no e-mail address and no phone number is known")


def _parameters_of(
    draft: MessageDraft, certificate: CertificateRecord, now_utc: datetime
) -> dict[str, str]:
    details = draft.details
    parameters = {
        "certificate": certificate.certificate_id,
        "not_before": _korean_day(certificate.not_before_utc),
        "not_after": _korean_day(certificate.not_after_utc),
    }
    if "limit" in details:
        parameters["limit"] = _korean_time(datetime.fromisoformat(details["limit"]))
    if "reason" in details:
        has_ended = "suspension" in details
        parameters["reason"] = "SUSPENSION_ENDED" if has_ended else details["reason"]
    if draft.kind is MessageKind.CERTIFICATE_EXPIRING:
        parameters["days"] = str(days_left(certificate.not_after_utc, now_utc))
    return parameters


def days_left(not_after_utc: datetime, now_utc: datetime) -> int:
    """Korean days from today to the day of expiry."""
    return (not_after_utc.astimezone(_KOREA).date() - now_utc.astimezone(_KOREA).date()).days


def _attachment_of(certificate: CertificateRecord) -> Attachment:
    """DER, as RFC 2585, section 4, says."""
    name = f"certificate-{certificate.certificate_id[:16]}.cer"
    return Attachment(name, "application/pkix-cert", certificate.der)


def _korean_day(moment: datetime) -> str:
    return f"{moment.astimezone(_KOREA):%Y-%m-%d}"


def _korean_time(moment: datetime) -> str:
    return f"{moment.astimezone(_KOREA):%Y-%m-%d %H:%M}"
