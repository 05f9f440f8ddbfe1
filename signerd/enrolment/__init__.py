"""Enrolment: from a person who asks for a certificate to the person who holds it."""
