"""Wires activation."""

import secrets

from signerd.activation.authorize import AuthorizeSigning
from signerd.activation.call import ActivationContext
from signerd.activation.send_code import SendActivationCode
from signerd.activation.set_pin import SetActivationPin
from signerd.activation.unlock import UnlockActivation
from signerd.app.wiring import Base
from signerd.identity.load import IdentityRules
from signerd.registry.answered import Answers
from signerd.registry.vault import Vault
from signerd.store.activation import SqlActivationStore
from signerd.store.answer import SqlAnswerStore
from signerd.store.signature import SqlSignatureStore
from signerd.store.subscriber import SqlSubscriberStore
from signerd.transport.activation import ActivationUseCases


def activation_use_cases(base: Base, rules: IdentityRules) -> ActivationUseCases:
    """Activation. Raises BootError."""
    vault = Vault(base.sealer)
    context = ActivationContext(
        credentials=SqlSignatureStore(base.database),
        activations=SqlActivationStore(base.database),
        answers=Answers(SqlAnswerStore(base.database), vault, base.sealer),
        subscribers=SqlSubscriberStore(base.database),
        vault=vault,
        sealer=base.sealer,
        code_rule=rules.code,
        clock=base.clock,
        random=secrets.token_bytes,
    )
    settings = base.settings.activation
    return ActivationUseCases(
        SetActivationPin(context),
        SendActivationCode(context),
        AuthorizeSigning(
            context,
            lifetime_s=settings.authorisation_lifetime_s,
            most=settings.most_signatures,
        ),
        UnlockActivation(context),
    )
