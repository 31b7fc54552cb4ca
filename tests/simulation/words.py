"""Answers in words, so that what was predicted and what came can be compared and written down."""

from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.orders.contract import Completion, Order, SessionView
from nightmarket.orders.errors import NotReady, OutOfStock, PaymentRefused, PriceChanged

UNAVAILABLE = "unavailable"


def said(result: object) -> str:
    """An answer or an expected refusal in words; raises whatever else went wrong."""
    match result:
        case SessionView():
            words = f"{result.kind.name} {result.state.name} total {result.assessment.quote.total}"
            return words if result.order is None else f"{words} order {result.order.state.name}"
        case Completion():
            return f"order {result.order.state.name} total {result.order.total}{' awaited' if result.awaited else ''}"
        case Order():
            return f"order {result.state.name} total {result.total}"
        case bool():
            return "done" if result else "refused"
        case Unavailable():
            return UNAVAILABLE
        case Problem():
            return _refusal(result)
        case BaseException():
            raise result
        case _:
            raise TypeError(f"{result!r} is no answer")


def _refusal(problem: Problem) -> str:
    fields = problem.fields
    match problem:
        case OutOfStock():
            return f"out_of_stock {sorted(fields['lines'].items())}"
        case PriceChanged():
            return f"price_changed {fields['seen']} -> {fields['total']}"
        case PaymentRefused():
            return f"payment_declined {fields['decline_code']}"
        case NotReady():
            return f"not_ready {sorted({notice.code for notice in fields['notices']})}"
        case _:
            return problem.code
