"""What the templates tell of the functions is what their code says: variables and metrics.

Reads the Rust sources by their texts, which is enough to notice a name that was changed in one place only.
"""

import json
import re
import unittest

import compiled
from evaluate import Evaluator

FUNCTIONS = compiled.ROOT / "functions"
KINDS = {"Scheduler": "scheduler", "Worker": "worker", "Completion": "completion", "Control": "control"}
COLUMNS = 24


def variables_of(kind):
    """The variables that a function's code reads."""
    files = [FUNCTIONS / kind / "src/settings.rs", compiled.ROOT / "crates/aws/src/lambda/logging.rs"]
    return set(re.findall(r'"(POLLWHEEL_[A-Z_]+)"', "".join(file.read_text(encoding="utf-8") for file in files)))


def metrics():
    """The metrics that the functions' code reports, outcomes by name included."""
    found = set()
    for kind in KINDS.values():
        for file in (FUNCTIONS / kind / "src").rglob("*.rs"):
            found |= set(re.findall(r'Metric::[a-z]+\(\s*"([A-Za-z]+)"', file.read_text(encoding="utf-8")))
    outcomes = (compiled.ROOT / "crates/core/src/outcome.rs").read_text(encoding="utf-8")
    for name in re.findall(r'Self::[A-Za-z]+(?: \{ \.\. \})? => "([a-z_]+)"', outcomes):
        found.add("".join(word.capitalize() for word in name.split("_")))
    return found


class Told(unittest.TestCase):
    """On the SAM template: the other form is the same."""

    def setUp(self):
        self.resources = Evaluator(compiled.sam()).resources()
        body = self.resources["Dashboard"]["Properties"]["DashboardBody"]
        self.widgets = json.loads(body)["widgets"]

    def test_every_function_gets_the_variables_that_it_reads_and_no_others(self):
        for name, resource in self.resources.items():
            if resource["Type"] == "AWS::Lambda::Function":
                kind = next(directory for prefix, directory in KINDS.items() if name.startswith(prefix))
                with self.subTest(name):
                    self.assertEqual(set(resource["Properties"]["Environment"]["Variables"]), variables_of(kind))

    def test_dashboard_and_alarms_show_metrics_that_are_reported(self):
        shown = {
            line[1]
            for widget in self.widgets
            for line in widget["properties"].get("metrics", [])
            if line[0] == "Pollwheel"
        }
        shown |= {
            resource["Properties"]["MetricName"]
            for resource in self.resources.values()
            if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"]["Namespace"] == "Pollwheel"
        }
        self.assertGreater(len(shown), 25)
        self.assertLessEqual(shown, metrics())

    def test_widgets_stand_beside_one_another_within_the_grid(self):
        taken = set()
        for widget in self.widgets:
            cells = {
                (x, y)
                for x in range(widget["x"], widget["x"] + widget["width"])
                for y in range(widget["y"], widget["y"] + widget["height"])
            }
            self.assertLess(max(x for x, _ in cells), COLUMNS)
            self.assertFalse(cells & taken, widget)
            taken |= cells

    def test_the_dashboard_shows_every_alarm_queue_function_and_table(self):
        text = json.dumps(self.widgets)
        names = {"AWS::CloudWatch::Alarm": "AlarmName", "AWS::SQS::Queue": "QueueName",
                 "AWS::Lambda::Function": "FunctionName", "AWS::DynamoDB::Table": "TableName"}
        for resource in self.resources.values():
            if resource["Type"] in names:
                self.assertIn(resource["Properties"][names[resource["Type"]]] + '"', text)


if __name__ == "__main__":
    unittest.main()
