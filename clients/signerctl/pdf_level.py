"""Levels of PAdES, without what signs them."""

from enum import StrEnum


class PdfLevel(StrEnum):
    """As in signerd_client.pdf, which is loaded only where it is used."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
