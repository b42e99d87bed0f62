"""Both forms of the deployment as plain CloudFormation: what `osls package` writes, and what the SAM transform makes.

Compiles in a temporary copy, with empty zips in the place of the functions' code, and without a network.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

import yaml
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZIPS = ("scheduler", "worker", "completion", "control")
STAGE = "dev"


class NoManagedPolicies:
    """We use none; the transform would ask IAM for them."""

    def load(self):
        return {}


@functools.cache
def sam():
    """The SAM template, transformed. The code's place is the only thing that `sam package` would add."""
    with open(ROOT / "infra/rendered/template.yaml", encoding="utf-8") as file:
        template = yaml.safe_load(file)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = pathlib.PurePath(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": name}
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    return transform(template, {}, NoManagedPolicies())


@functools.cache
def serverless():
    """`serverless.yml`, packaged for the stage `dev`: the template, and the parameters that come with it."""
    with tempfile.TemporaryDirectory(prefix="pollwheel-package-") as folder:
        copy = pathlib.Path(folder)
        shutil.copy(ROOT / "serverless.yml", copy)
        (copy / "target/lambda").mkdir(parents=True)
        for name in ZIPS:
            with zipfile.ZipFile(copy / f"target/lambda/{name}.zip", "w") as archive:
                archive.writestr("bootstrap", "")
        _osls("package", "--stage", STAGE, folder=copy)
        with open(copy / ".serverless/cloudformation-template-update-stack.json", encoding="utf-8") as file:
            template = json.load(file)
        with open(copy / ".serverless/serverless-state.json", encoding="utf-8") as file:
            provider = json.load(file)["service"]["provider"]
    given = {entry["ParameterKey"]: entry["ParameterValue"] for entry in provider["stackParameters"]}
    return template, given


def _osls(*arguments, folder):
    quiet = {
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
        "SLS_DEPRECATION_NOTIFICATION_MODE": "error",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "HOME": str(folder),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLS_"))}
    done = subprocess.run(
        ["osls", *arguments], cwd=folder, env=kept | quiet, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"osls {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
