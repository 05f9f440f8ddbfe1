"""What people see of a value: labelled lines for one, columns for many."""

from collections.abc import Mapping
from datetime import datetime

from signerd_client import (
    Certificate,
    Challenge,
    Login,
    PublicKey,
    Signature,
    SigningAuthorisation,
    Subscriber,
    Verification,
    login_statement,
)
from signerd_client.activation import SentActivationCode
from signerd_client.inventory import CertificateChange
from signerd_client.server import AuditEvent, Health, ServerInfo, Token, TokenHost
from signerd_client.subscriber import IdentityVerification

Row = Mapping[str, str]


def moment(time: datetime) -> str:
    """A time for people, UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def certificate_lines(certificate: Certificate) -> Row:
    """Everything but the DER; what is not there is left out."""
    lines = {
        "certificate": certificate.name,
        "subscriber": certificate.subscriber,
        "credential": certificate.credential,
        "profile": certificate.profile,
        "state": certificate.state,
        "subject": certificate.subject,
        "not before": moment(certificate.not_before_time),
        "not after": moment(certificate.not_after_time),
        "algorithm": certificate.key_algorithm or "",
        "key group": certificate.key_group,
        "activation": "" if certificate.activation == "NONE" else certificate.activation,
        "sha256": certificate.sha256_fingerprint,
        "replaces": certificate.replaces,
        "replaced by": certificate.replaced_by,
    }
    if certificate.suspension is not None:
        lines["suspended"] = moment(certificate.suspension.suspend_time)
        lines["resumable"] = f"until {moment(certificate.suspension.limit_time)}"
    if certificate.revocation is not None:
        lines["revoked"] = moment(certificate.revocation.revoke_time)
        lines["reason"] = certificate.revocation.reason
    if certificate.crl_number:
        lines["on CRL from"] = str(certificate.crl_number)
    return {label: text for label, text in lines.items() if text}


def certificate_columns(certificate: Certificate) -> Row:
    """The line of a listing."""
    return {
        "CERTIFICATE": certificate.name,
        "SUBSCRIBER": certificate.subscriber.removeprefix("subscribers/"),
        "SUBJECT": certificate.subject,
        "STATE": certificate.state,
        "NOT AFTER": moment(certificate.not_after_time),
        "CREDENTIAL": certificate.credential.removeprefix("credentials/"),
    }


def change_columns(change: CertificateChange) -> Row:
    """The line of a watch."""
    certificate = change.certificate
    return {
        "POSITION": str(change.position),
        "TIME": moment(change.event_time),
        "KIND": change.kind,
        "CERTIFICATE": certificate.name,
        "SUBSCRIBER": certificate.subscriber.removeprefix("subscribers/"),
        "STATE": certificate.state,
    }


def subscriber_lines(subscriber: Subscriber) -> Row:
    """Personal data is masked; what is not there is left out."""
    masked = subscriber.masked
    lines = {"subscriber": subscriber.name, "name": subscriber.real_name}
    lines["branch"] = subscriber.branch
    if masked is not None:
        lines["document"] = f"{masked.document_kind} {masked.document_number}"
        lines["account"] = masked.account
        lines["phone"] = masked.phone
        lines["e-mail"] = masked.email
        lines["language"] = masked.language
        lines["virtual ID"] = "yes" if subscriber.has_virtual_id else "no"
        lines["password"] = "set" if subscriber.has_password else "not set"
        lines["biometric key"] = "registered" if subscriber.has_biometric_key else "none"
    if subscriber.register_time is not None:
        lines["registered"] = moment(subscriber.register_time)
    if subscriber.erase_time is not None:
        lines["erased"] = moment(subscriber.erase_time)
    return {label: text for label, text in lines.items() if text}


def subscriber_columns(subscriber: Subscriber) -> Row:
    """The line of a search."""
    masked = subscriber.masked
    return {
        "SUBSCRIBER": subscriber.name,
        "NAME": subscriber.real_name,
        "BRANCH": subscriber.branch,
        "PHONE": masked.phone if masked else "",
        "E-MAIL": masked.email if masked else "",
        "ACCOUNT": masked.account if masked else "",
    }


def identity_lines(answer: IdentityVerification) -> Row:
    return {
        "identity": "matches" if answer.matches else "DOES NOT MATCH",
        "certificate is": answer.state,
    }


def public_key_lines(key: PublicKey) -> Row:
    return {
        "credential": key.credential,
        "algorithm": key.key_algorithm or "",
        "certificate": key.certificate,
    }


def signature_lines(signature: Signature) -> Row:
    return {
        "credential": signature.credential,
        "algorithm": signature.key_algorithm or "",
        "certificate": signature.certificate,
        "signature": f"{len(signature.signature)} bytes",
    }


def verification_lines(verification: Verification) -> Row:
    """Every reason has a line of its own, named by its code."""
    lines = {"signature": "valid" if verification.valid else "NOT VALID"}
    lines |= {problem.code: problem.text for problem in verification.problems}
    lines |= {
        "credential": verification.credential,
        "certificate": verification.certificate,
        "certificate is": verification.certificate_state or "",
        "algorithm": verification.key_algorithm or "",
    }
    if verification.verify_time is not None:
        lines["judged at"] = moment(verification.verify_time)
    return {label: text for label, text in lines.items() if text}


def challenge_lines(challenge: Challenge) -> Row:
    """Without the statement, which goes to a file."""
    asked = login_statement(challenge.statement)
    return {
        "challenge of": asked.domain,
        "subscriber": asked.subscriber or "anybody",
        "answer by": moment(challenge.expire_time),
    }


def login_lines(login: Login) -> Row:
    """Every reason has a line of its own, named by its code."""
    lines = {"logged in": "yes" if login.valid else "NO"}
    lines |= {problem.code: problem.text for problem in login.problems}
    lines |= {
        "subscriber": login.subscriber,
        "certificate": login.certificate,
        "certificate is": login.certificate_state or "",
    }
    return {label: text for label, text in lines.items() if text}


def sent_code_lines(sent: SentActivationCode) -> Row:
    return {"sent to": sent.sent_to, "good until": moment(sent.expire_time)}


def authorisation_lines(given: SigningAuthorisation) -> Row:
    """Without the secret."""
    return {
        "authorisation": given.name,
        "signatures": str(given.signature_count),
        "good until": moment(given.expire_time),
    }


def server_lines(info: ServerInfo) -> Row:
    return {
        "version": info.version,
        "node": info.node,
        "process": f"{info.process} (pid {info.process_id})",
        "started": moment(info.start_time),
        "its clock": moment(info.current_time),
        "you are": info.principal,
        "your roles": ", ".join(info.roles) or "none",
        "profiles": ", ".join(info.profiles) or "none",
    }


def token_columns(token: Token) -> Row:
    return {
        "TOKEN": token.label,
        "SERIAL": token.serial,
        "PURPOSE": token.purpose,
        "STATE": "available" if token.available else "OUT OF SERVICE",
        "KEYS": str(token.key_count),
        "CAPACITY": str(token.key_capacity) if token.key_capacity else "-",
        "PROBLEM": token.problem,
    }


def host_columns(host: TokenHost) -> Row:
    return {
        "HOST": host.name,
        "STATE": "connected" if host.connected else "NOT CONNECTED",
        "PID": str(host.process_id) if host.process_id else "-",
        "OUTSTANDING": str(host.outstanding),
    }


def event_columns(event: AuditEvent) -> Row:
    return {
        "POSITION": str(event.position),
        "TIME": moment(event.event_time),
        "KIND": event.kind,
        "PRINCIPAL": event.principal,
        "RESOURCE": event.resource,
        "DETAILS": " ".join(f"{name}={text}" for name, text in event.details.items()),
    }


def health_lines(health: Health) -> Row:
    return {"service": health.service or "signerd", "state": health.state}
