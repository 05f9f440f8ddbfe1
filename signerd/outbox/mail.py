"""A letter as an e-mail (RFC 5322, MIME)."""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from signerd.core.message import MessageId
from signerd.outbox.letter import DeliveryError, Letter


def message_id_header(message_id: MessageId, sender: str) -> str:
    """Message-ID of an e-mail, the same each time it is sent: a mail system that gets it twice can
    tell. sender: e-mail address."""
    return f"<{message_id}@{sender.rpartition('@')[2]}>"


def build_mail(letter: Letter, *, bank: str, sender: str) -> EmailMessage:
    """The e-mail of a letter. sender: e-mail address; bank: the name with it. Raises DeliveryError
    for an address that is none."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = Address(bank, addr_spec=sender)
        mail["To"] = Address(letter.name, addr_spec=letter.address)
        mail["Subject"] = letter.subject
    except (MessageError, ValueError, IndexError):
        raise DeliveryError("BAD_ADDRESS: the e-mail address is none", final=True) from None
    mail["Date"] = letter.time_utc
    mail["Message-ID"] = message_id_header(letter.message_id, sender)
    # RFC 3834: nobody's absence is reported back.
    mail["Auto-Submitted"] = "auto-generated"
    # base64 gets through whatever the length of lines; mail systems have broken the other ways.
    mail.set_content(letter.text, charset="utf-8", cte="base64")
    if letter.attachment is not None:
        main, _, sub = letter.attachment.media_type.partition("/")
        mail.add_attachment(
            letter.attachment.content,
            maintype=main,
            subtype=sub,
            filename=letter.attachment.file_name,
        )
    # Last: what is attached takes the Content- fields there are along into the first part.
    mail["Content-Language"] = letter.language
    return mail
