"""`serverless.yml` and the SAM template are one system: their resources are the same, property by property."""

import copy
import unittest

import compiled
from evaluate import Evaluator, references

# What the Serverless Framework adds: where it puts the code.
FRAMEWORK_RESOURCES = {"ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy"}
FRAMEWORK_OUTPUTS = {"ServerlessDeploymentBucketName"}
# The framework wants the processor in its own words.
SAM_PARAMETERS = {"Architecture"}
# Each framework has its own place for the code, and SAM marks what it made.
FUNCTION_PROPERTIES = {"Code"}
SAM_TAG = {"Key": "lambda:createdBy", "Value": "SAM"}


def plain(resource):
    """A resource without what its framework owns, and without orders that its references imply anyway."""
    resource = copy.deepcopy(resource)
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Lambda::Function":
        for name in FUNCTION_PROPERTIES:
            properties.pop(name)
        tags = [tag for tag in properties.pop("Tags", []) if tag != SAM_TAG]
        if tags:
            properties["Tags"] = tags
    after = resource.pop("DependsOn", [])
    after = set([after] if isinstance(after, str) else after) - references(properties)
    if after:
        resource["DependsOn"] = sorted(after)
    return resource


def differences(left, right, path=""):
    """Where two values differ, a line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        found = []
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                found.append(f"{path}/{key}: only in {'SAM' if key in left else 'serverless'}")
            else:
                found += differences(left[key], right[key], f"{path}/{key}")
        return found
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [line for i, pair in enumerate(zip(left, right)) for line in differences(*pair, f"{path}/{i}")]
    return [] if left == right else [f"{path}: {left!r} in SAM, {right!r} in serverless"]


def compare(sam, serverless, given):
    """Every difference between the two systems as they would be deployed."""
    left, right = Evaluator(sam), Evaluator(serverless, given)
    found = differences(
        {name: plain(resource) for name, resource in left.resources().items()},
        {name: plain(resource) for name, resource in right.resources().items() if name not in FRAMEWORK_RESOURCES},
        "Resources",
    )
    found += differences(
        {name: spec for name, spec in sam["Parameters"].items() if name not in SAM_PARAMETERS},
        serverless["Parameters"],
        "Parameters",
    )
    found += differences(sam["Conditions"], serverless["Conditions"], "Conditions")
    outputs = {name: {"Value": output["Value"]} for name, output in left.value(sam["Outputs"]).items()}
    others = {
        name: {"Value": output["Value"]}
        for name, output in right.value(serverless["Outputs"]).items()
        if name not in FRAMEWORK_OUTPUTS
    }
    return found + differences(outputs, others, "Outputs")


class Same(unittest.TestCase):
    """Compiles both, once."""

    def test_both_forms_make_the_same_resources(self):
        serverless, given = compiled.serverless()
        self.assertEqual(compare(compiled.sam(), serverless, given), [])

    def test_what_the_comparison_leaves_out_is_really_there(self):
        serverless, _ = compiled.serverless()
        self.assertLessEqual(FRAMEWORK_RESOURCES, serverless["Resources"].keys())
        self.assertLessEqual(FRAMEWORK_OUTPUTS, serverless["Outputs"].keys())
        self.assertLessEqual(SAM_PARAMETERS, compiled.sam()["Parameters"].keys())

    def test_the_parameters_of_both_have_the_same_defaults(self):
        _, given = compiled.serverless()
        defaults = {name: spec["Default"] for name, spec in compiled.sam()["Parameters"].items()}
        self.assertEqual(given, {name: value for name, value in defaults.items() if name not in SAM_PARAMETERS})

    def test_a_difference_is_found_wherever_it_is(self):
        serverless, given = compiled.serverless()
        for path, value in (
            (("Resources", "SchedulerLambdaFunction", "Properties", "Timeout"), 61),
            (("Resources", "SchedulerLambdaFunction", "Properties", "Environment", "Variables", "POLLWHEEL_LOG"), "x"),
            (("Resources", "CompletionRole", "Properties", "Policies", 0, "PolicyDocument", "Statement", 0), {}),
            (("Resources", "JobsTable", "DeletionPolicy"), "Retain"),
            (("Resources", "Tick"), {"Type": "AWS::SQS::Queue", "Properties": {}}),
            (("Conditions", "HasArchive"), {"Fn::Equals": ["a", "b"]}),
            (("Parameters", "LogLevel", "Default"), "trace"),
            (("Outputs", "BusArn", "Value"), "x"),
        ):
            broken = copy.deepcopy(serverless)
            place = broken
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            with self.subTest(path=path):
                self.assertNotEqual(compare(compiled.sam(), broken, given), [])


if __name__ == "__main__":
    unittest.main()
