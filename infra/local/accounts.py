"""Made-up accounts, as the lines that the control function registers."""

from dataclasses import dataclass

from .upstream import CHANNELS

JOB_TYPES = {"mastodon": "mastodon/statuses", "github": "github/events"}
QUEUES = {"mastodon": "jobs-mastodon-statuses", "github": "jobs-github-events"}


@dataclass(frozen=True)
class Account:
    """An account on one channel. Its third party knows it by `external_id`."""

    channel: str
    account_id: str
    external_id: str
    token: str | None = None

    @property
    def job_type(self) -> str:
        return JOB_TYPES[self.channel]

    @property
    def queue(self) -> str:
        return QUEUES[self.channel]

    def line(self, base_url: str) -> dict[str, str | list[str] | dict[str, int]]:
        """What registers it. It is polled every minute, whatever it does."""
        line = {
            "account_id": self.account_id,
            "channel": self.channel,
            "job_types": [self.job_type.partition("/")[2]],
            "service_level": "enterprise",
            "cadence": {"fastest": 1, "slowest": 1},
            "external_id": self.external_id,
            "base_url": base_url,
        }
        return line | ({"token": self.token} if self.token else {})


def made_up(count: int) -> list[Account]:
    """As many accounts, by turns on every channel."""
    accounts = []
    for number in range(count):
        channel = CHANNELS[number % len(CHANNELS)]
        external_id = str(100_000 + number) if channel == "mastodon" else f"user-{number}"
        accounts.append(Account(channel, f"{channel}-{number}", external_id))
    return accounts
