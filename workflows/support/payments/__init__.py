"""The parts of the payment agent: its tools, and the state of a run."""

from workflows.support.payments.billing_client import Billing, BillingError
from workflows.support.payments.conversation import Conversation, Payments

__all__ = ["Billing", "BillingError", "Conversation", "Payments"]
