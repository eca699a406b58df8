"""When the trainer of `linear` avatars does what, and how fast."""

from __future__ import annotations

from enrolment.linear.targets import COARSE
from enrolment.take import SIDE

COARSE_SHARE, COARSE_S = 0.2, 20.0
"""Share of the schedule that works at half the resolution, and its longest."""
FULL_RATE_SHARE, FULL_RATE_S, LAST_RATE = 0.3, 25.0, 0.03
"""Rates stay for the first share of the schedule, but no longer than some seconds; then they fall to the last,
exponentially. At full rate an avatar learns the pictures by heart, and those that it has not seen come out worse."""
PERCEPTION_FROM, PERCEPTION_EVERY = 0.4, 2
"""The share of the schedule after which a network looks at a part of a picture, at every so many-th step."""
SETTLING_STEPS = 300
"""Before these the linear map of the bases and the shape stay."""
FOLLOW_AT = (0.04, 0.1, 0.18, 0.3, 0.45, 0.6, 0.75, 0.88)
"""Shares of the schedule at which the training pictures' faces are followed anew with the avatar as it is then: what is
trained with is what the live closed loop says."""
FOLLOW_AT_S = (4.0, 10.0, 20.0, 40.0, 70.0)
"""Seconds at which they also are, in a schedule where these come before the shares."""
FOLLOW_STEPS = 6
"""Of the closed loop, which begins farther off than live: without what is known of the person."""
FOLLOW_SHARE = 0.25
"""Share of the schedule that may go into it."""


class Schedule:
    """Of a training that takes `budget_s` seconds."""

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        shares = [share * budget_s for share in FOLLOW_AT]
        self._follow_at_s = [seconds for seconds in FOLLOW_AT_S if seconds < shares[0]] + shares

    def size(self, spent_s: float) -> int:
        """Width and height of the pictures that are drawn."""
        return COARSE if spent_s < min(COARSE_SHARE * self._budget_s, COARSE_S) else SIDE

    def rate(self, spent_s: float) -> float:
        """Factor on all lengths of steps."""
        full_s = min(FULL_RATE_SHARE * self._budget_s, FULL_RATE_S)
        return LAST_RATE ** (max(0.0, spent_s - full_s) / (self._budget_s - full_s))

    def perceives(self, steps: int, spent_s: float) -> bool:
        """Whether step number `steps` looks at a part of a picture with the network."""
        return spent_s / self._budget_s > PERCEPTION_FROM and steps % PERCEPTION_EVERY == 0

    def settled(self, steps: int) -> bool:
        """Whether the head's shape and the linear map of the bases are trained at step number `steps`."""
        return steps > SETTLING_STEPS

    def follows(self, done: int, spent_s: float) -> bool:
        """Whether faces are to be followed now, which has been done so many times."""
        return done < len(self._follow_at_s) and spent_s >= self._follow_at_s[done]
