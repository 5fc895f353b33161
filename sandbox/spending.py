"""What a run of rollouts uses up: tokens, what they cost, and the budget at which it stops."""

from __future__ import annotations

from dataclasses import dataclass

from specs.records import Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Of a million tokens of prompt and of completion, in whatever money."""

    prompt: float = 0.0
    completion: float = 0.0


@dataclass(frozen=True)
class Budget:
    """What a run may spend; None: no end of it."""

    tokens: float | None = None
    money: float | None = None


FREE, UNBOUNDED = Prices(), Budget()


@dataclass(frozen=True)
class Spent:
    """Tokens that were used, failed tries included."""

    prompt: int = 0
    completion: int = 0

    def plus(self, usage: Usage) -> Spent:
        return Spent(self.prompt + usage.prompt_tokens, self.completion + usage.completion_tokens)

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def money(self, prices: Prices) -> float:
        return (self.prompt * prices.prompt + self.completion * prices.completion) / MILLION

    def reached(self, budget: Budget, prices: Prices) -> bool:
        """Whether nothing may be begun any more."""
        spent = (self.tokens, budget.tokens), (self.money(prices), budget.money)
        return any(most is not None and used >= most for used, most in spent)

    def said(self, prices: Prices) -> str:
        """The tokens, and their cost where they have a price."""
        cost = f", cost {self.money(prices):.2f}" if prices != FREE else ""
        return f"{self.tokens:,} tokens{cost}"
