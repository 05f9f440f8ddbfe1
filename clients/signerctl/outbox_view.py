"""What people see of a message to a subscriber."""

from signerctl.view import Row, moment
from signerd_client.message import Message


def message_columns(message: Message) -> Row:
    """The line of a listing."""
    content = message.content
    return {
        "MESSAGE": message.name,
        "TIME": moment(message.create_time),
        "KIND": message.kind,
        "SUBSCRIBER": message.subscriber.removeprefix("subscribers/"),
        "CHANNEL": message.channel or "-",
        "STATE": message.state,
        "SUBJECT": "" if content is None else content.subject or content.text,
        "PROBLEM": message.problem,
    }


def message_lines(message: Message) -> Row:
    """Everything; what is not there is left out."""
    lines = {
        "message": message.name,
        "kind": message.kind,
        "subscriber": message.subscriber,
        "certificate": message.certificate,
        "channel": message.channel,
        "state": message.state,
        "attempts": str(message.attempts),
        "problem": message.problem,
        "made": moment(message.create_time),
    }
    if message.next_attempt_time is not None:
        lines["next attempt"] = moment(message.next_attempt_time)
    if message.send_time is not None:
        lines["sent"] = moment(message.send_time)
    if message.content is not None:
        lines |= {
            "to": message.content.address,
            "subject": message.content.subject,
            "attached": ", ".join(message.content.attachments),
            "text": message.content.text.rstrip("\n"),
        }
    return {label: text for label, text in lines.items() if text}
