"""Payment orders of customers: ISO 20022 pain.001.001.09, a credit transfer each."""

import random
from datetime import date, timedelta
from typing import Final
from xml.sax.saxutils import escape

from signerd_harness import vocabulary
from signerd_harness.customer import Customer

_BANK: Final = "089"
_FIRST_DAY: Final = date(2026, 12, 1)
_TEMPLATE: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>\
<GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-11-30T09:00:00+09:00</CreDtTm><NbOfTxs>1</NbOfTxs>\
<CtrlSum>{won}</CtrlSum><InitgPty><Nm>{debtor}</Nm></InitgPty></GrpHdr>\
<PmtInf><PmtInfId>{message}</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>1</NbOfTxs>\
<CtrlSum>{won}</CtrlSum><ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>\
<Dbtr><Nm>{debtor}</Nm><Id><PrvtId><Othr><Id>{subscriber}</Id></Othr></PrvtId></Id></Dbtr>\
<DbtrAcct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>KRW</Ccy></DbtrAcct>\
<DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>{bank}</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>\
<CdtTrfTxInf><PmtId><InstrId>{message}</InstrId><EndToEndId>{message}</EndToEndId></PmtId>\
<Amt><InstdAmt Ccy="KRW">{won}</InstdAmt></Amt>\
<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{creditor_bank}</MmbId></ClrSysMmbId></FinInstnId>\
</CdtrAgt><Cdtr><Nm>{creditor}</Nm></Cdtr>\
<CdtrAcct><Id><Othr><Id>{creditor_account}</Id></Othr></Id></CdtrAcct>\
<RmtInf><Ustrd>{purpose}</Ustrd></RmtInf></CdtTrfTxInf></PmtInf>\
</CstmrCdtTrfInitn></Document>
"""


def payment_order(customer: Customer, number: str, chance: random.Random) -> bytes:
    """An order of this customer, UTF-8. number: names it, at most 35 characters."""
    purpose, least, most, step = chance.choice(vocabulary.PURPOSES)
    text = _TEMPLATE.format(
        message=number,
        won=chance.randrange(least, most + 1, step),
        debtor=escape(customer.name),
        day=(_FIRST_DAY + timedelta(days=chance.randrange(14))).isoformat(),
        subscriber=customer.subscriber,
        account=customer.account,
        bank=_BANK,
        creditor_bank=chance.choice(vocabulary.CREDITOR_BANKS),
        creditor=escape(chance.choice(vocabulary.COMPANIES)),
        creditor_account=f"{chance.randrange(10**3):03}-{chance.randrange(10**9):09}",
        purpose=escape(purpose),
    )
    return text.encode()
