"""What every account posted, against what came out of the bus."""

from collections import Counter

from local.accounts import Account
from local.tap import Tap
from local.upstream import Upstream


class Ledger:
    """The third parties' own account of what was posted is the truth that events are compared with."""

    def __init__(self, accounts: list[Account], upstream: Upstream, tap: Tap):
        self.accounts, self.upstream, self.tap = list(accounts), upstream, tap
        # Accounts that come and go in a phase: nothing is owed for them, and nothing that they never posted may come.
        self.passing: list[Account] = []
        # Posted before anybody polled: the first poll passes over it.
        self._old: dict[str, set[str]] = {}
        # Posted around the first poll, which may or may not have seen it.
        self._open: dict[str, set[str]] = {}
        self.before_registration()

    def before_registration(self) -> None:
        self._old = {account.account_id: set(self._timeline(account)) for account in self.accounts}

    def after_first_polls(self) -> None:
        """From here on, everything that is posted must come."""
        for account in self.accounts:
            known = set(self._timeline(account))
            self._open[account.account_id] = known - self._old[account.account_id]

    def post(self, channel: str, each: int) -> None:
        """Every account of a channel posts some items now."""
        for account in self.accounts:
            if account.channel == channel:
                self.upstream.post(channel, account.external_id, each)

    def owed(self, channel: str) -> set[tuple[str, str]]:
        """Every (account, item) that a channel's accounts have posted by now and that must come, sooner or later."""
        return {
            (account.account_id, item)
            for account in self.accounts
            if account.channel == channel
            for item in set(self._timeline(account)) - self._old[account.account_id] - self._open[account.account_id]
        }

    def missing(self, owed: set[tuple[str, str]]) -> str | None:
        """What is owed and has not come."""
        missing = owed - self.seen().keys()
        return f"{len(missing)} of {len(owed)} missing, such as {sorted(missing)[:3]}" if missing else None

    def seen(self) -> Counter:
        """How often each (account, item) came."""
        items = (event for event in list(self.tap.events) if not event["type"].startswith("pollwheel."))
        return Counter((event["accountid"], event["subject"]) for event in items)

    def notices(self, kind: str) -> list[str]:
        """The accounts of the notices of a kind."""
        return [event["accountid"] for event in list(self.tap.events) if event["type"] == kind]

    def unexpected(self) -> str | None:
        """Events that should not be: of items that were there before the registration, or that nobody posted; and
        timelines with a gap."""
        seen = self.seen()
        posted = {account.account_id: self._timeline(account) for account in [*self.accounts, *self.passing]}
        for account, item in seen:
            if item in self._old.get(account, ()):
                return f"an event of {account} for item {item}, which was there before the first poll"
            if item not in posted.get(account, ()):
                return f"an event of {account} for item {item}, which it never posted"
        for account, timeline in posted.items():
            came = [(account, item) in seen for item in timeline if item in self._open.get(account, ())]
            if sorted(came) != came:
                return f"a gap in the items of {account} that were posted around its first poll"
        return None

    def repeated_under_another_id(self) -> str | None:
        """A consumer drops a repeated event by its id."""
        ids: dict[tuple[str, str], set[str]] = {}
        for event in list(self.tap.events):
            if not event["type"].startswith("pollwheel."):
                ids.setdefault((event["accountid"], event["subject"]), set()).add(event["id"])
        several = {item: found for item, found in ids.items() if len(found) > 1}
        if len(set().union(*ids.values())) != len(ids):
            return "two items share an id"
        return f"{several}" if several else None

    def repeats(self) -> int:
        seen = self.seen()
        return seen.total() - len(seen)

    def counts(self) -> str:
        return f"{len(self.seen())} events, and {self.repeats()} repeats"

    def _timeline(self, account: Account) -> list[str]:
        return self.upstream.timeline(account.channel, account.external_id)
