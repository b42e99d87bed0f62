"""AWS's own linters find nothing in either form; and would, if there were something."""

import copy
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import compiled

SOURCE = compiled.ROOT / "infra/rendered/template.yaml"
# The Serverless Framework orders a function after its role, which `Fn::GetAtt` does anyway.
FRAMEWORK_WARNINGS = ["--ignore-checks", "W3005"]


def run(*command):
    """The exit status and everything that was said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


class Lint(unittest.TestCase):
    """cfn-lint on what is deployed in the end, `sam validate` on what is handed to SAM."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pollwheel-lint-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def cfn_lint(self, template, *options):
        """cfn-lint on a template in memory."""
        file = self.folder / "template.json"
        file.write_text(json.dumps(template, indent=1), encoding="utf-8")
        return run("cfn-lint", *options, "--template", str(file))

    def test_cfn_lint_finds_nothing(self):
        for name, template, options in (
            ("sam", compiled.sam(), []),
            ("serverless", compiled.serverless()[0], FRAMEWORK_WARNINGS),
        ):
            with self.subTest(name):
                status, said = self.cfn_lint(template, *options)
                self.assertEqual(status, 0, said)

    def test_sam_validate_finds_nothing(self):
        status, said = run("sam", "validate", "--lint", "--template", str(SOURCE))
        self.assertEqual(status, 0, said)

    def test_both_find_what_is_wrong(self):
        broken = copy.deepcopy(compiled.sam())
        broken["Resources"]["JobsTable"]["Properties"]["NoSuchProperty"] = 1
        status, said = self.cfn_lint(broken)
        self.assertNotEqual(status, 0)
        self.assertIn("NoSuchProperty", said)
        file = self.folder / "template.yaml"
        file.write_text(SOURCE.read_text(encoding="utf-8").replace("Timeout: 60", "Timeout: never"), encoding="utf-8")
        status, said = run("sam", "validate", "--lint", "--template", str(file))
        self.assertNotEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
