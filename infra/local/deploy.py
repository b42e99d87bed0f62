"""Deploying with SAM and with the Serverless Framework, as their users do, from a folder of our own.

The templates are rendered there as `just render` does it, for the channels that the third parties play, with the zips where
the templates expect them: what is tested is what is deployed to AWS. The frameworks' own files stay in that folder.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3

from .emulator import REGION, Emulator
from .process import Process
from .upstream import CHANNELS

CHECKOUT = Path(__file__).resolve().parents[2]
# Where the templates expect the functions' zips, from the folder of `serverless.yml`.
ZIPS = Path("target/lambda")
# What the functions read of the deployment. It is packed with them.
CATALOG = Path("infra/rendered/catalog.json")
STAGE = "e2e"
# Seconds that a deployment may take: 15 to 30 on an idle machine.
DEPLOYMENT = 240

# What an emulator on this machine needs: it runs functions as they are, polls go to loopback, and the tables may go.
PARAMETERS = {"Architecture": "x86_64", "DeletionProtection": "false", "PrivateAddresses": "allowed"}


class DeployFailed(Exception):
    """A framework's command that failed."""


class Deployer:
    """A framework, an emulator, and the folder from which one deploys to the other."""

    framework: str

    def __init__(self, emulator: Emulator, folder: Path, render: Path, zips: Path):
        self.emulator, self.folder = emulator, folder
        self.stack_name = f"pollwheel-{STAGE}"
        self.log = folder / f"{self.framework}.log"
        for channel in (CHECKOUT / "channels").glob("*/channel.yml"):
            copy = folder / channel.relative_to(CHECKOUT)
            copy.parent.mkdir(parents=True)
            shutil.copy(channel, copy)
        (folder / "infra").mkdir()
        (folder / "infra/scale.yml").write_text(f"channels: [{', '.join(CHANNELS)}]\n")
        subprocess.run([render.resolve()], cwd=folder, check=True)
        (folder / ZIPS).mkdir(parents=True)
        for path in zips.glob("*.zip"):
            _pack(path, folder / ZIPS / path.name, folder / CATALOG)

    def deploy(self, **changed: str) -> None:
        """Puts the stack up, or brings it up to date. `changed` are parameters."""
        self._deploy(PARAMETERS | changed)
        self._mend_mappings()

    def remove(self) -> None:
        """Takes the stack down, and what deploying it needed."""
        raise NotImplementedError

    def change_code(self, text: str) -> None:
        """Gives every function another zip with the same program, as a new version of it has."""
        for path in (self.folder / ZIPS).glob("*.zip"):
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("version.txt", text)

    def _deploy(self, parameters: dict[str, str]) -> None:
        raise NotImplementedError

    def _run(self, *command: str) -> None:
        env = self.emulator.client_environment() | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "SAM_CLI_TELEMETRY": "0",
            "SLS_TELEMETRY_DISABLED": "1",
            "SLS_NOTIFICATIONS_MODE": "off",
        }
        if Process(list(command), env, self.log, cwd=self.folder).wait(DEPLOYMENT) != 0:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
            raise DeployFailed(f"`{' '.join(command[:4])} ...` failed, see {self.log}\n{tail}")

    def _mend_mappings(self) -> None:
        # The emulator keeps a number that a template takes from a parameter as a text, and its poller then stops on it.
        # On AWS the mapping has an integer.
        functions = self._client("lambda")
        pages = functions.get_paginator("list_event_source_mappings").paginate()
        for mapping in pages.search("EventSourceMappings[]"):
            if most := mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
                # The client shows the text as a number: only writing it again helps.
                scaling = {"MaximumConcurrency": int(most)}
                functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=scaling)

    def _client(self, service: str):
        return boto3.client(
            service,
            endpoint_url=self.emulator.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def _pack(source: Path, target: Path, catalog: Path) -> None:
    """Copies a function's zip, with the catalog of this deployment."""
    with zipfile.ZipFile(source) as old:
        if CATALOG.name not in old.namelist():
            shutil.copy(source, target)
            return
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for entry in old.infolist():
                new.writestr(entry, catalog.read_bytes() if entry.filename == CATALOG.name else old.read(entry))


class Sam(Deployer):
    """`sam deploy`, with a bucket of ours for the zips, so that none stays."""

    framework = "sam"
    _BUCKET = "pollwheel-e2e-deployment"

    def _deploy(self, parameters: dict[str, str]) -> None:
        self._client("s3").create_bucket(Bucket=self._BUCKET)
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        self._run(
            sys.executable, "-m", "samcli", "deploy", "--template-file", "infra/rendered/template.yaml",
            "--stack-name", self.stack_name, "--s3-bucket", self._BUCKET, "--capabilities", "CAPABILITY_IAM",
            "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--region", REGION,
            "--parameter-overrides", *overrides,
        )  # fmt: skip

    def remove(self) -> None:
        self._run(
            sys.executable, "-m", "samcli", "delete", "--stack-name", self.stack_name, "--no-prompts", "--region", REGION
        )
        s3 = self._client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._BUCKET):
            for stored in page.get("Contents", []):
                s3.delete_object(Bucket=self._BUCKET, Key=stored["Key"])
        s3.delete_bucket(Bucket=self._BUCKET)


class Serverless(Deployer):
    """`osls deploy`: the Serverless Framework's open continuation, which needs no account."""

    framework = "serverless"

    def _deploy(self, parameters: dict[str, str]) -> None:
        chosen = [f"--param={name}={value}" for name, value in parameters.items()]
        self._run("osls", "deploy", "--stage", STAGE, "--region", REGION, *chosen)

    def remove(self) -> None:
        self._run("osls", "remove", "--stage", STAGE, "--region", REGION)
