"""Values of a CloudFormation template: parameters, pseudo parameters and conditions put in.

Only what our templates use. What cannot be known before a deployment (`Fn::GetAtt`, `Ref` to a resource) stays as it is.
"""

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "pollwheel-dev",
    "AWS::URLSuffix": "amazonaws.com",
}

NOTHING = object()


class Evaluator:
    """Evaluates the parts of one template under given parameter values."""

    def __init__(self, template, given=None):
        declared = template.get("Parameters", {})
        self.parameters = {name: _typed(spec, spec.get("Default")) for name, spec in declared.items()}
        for name, value in (given or {}).items():
            if name not in declared:
                raise KeyError(f"the template has no parameter {name}")
            self.parameters[name] = _typed(declared[name], value)
        self.template = template

    def resources(self):
        """Every resource that exists under these values, by logical id."""
        return {
            logical: self.value({key: part for key, part in resource.items() if key != "Condition"})
            for logical, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._condition(resource["Condition"])
        }

    def value(self, node):
        """A part of the template with everything known put in."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument)
        values = {key: self.value(part) for key, part in node.items()}
        return {key: value for key, value in values.items() if value is not NOTHING}

    def _function(self, name, argument):
        if name == "Ref":
            if argument == "AWS::NoValue":
                return NOTHING
            return self.parameters.get(argument, PSEUDO.get(argument, {"Ref": argument}))
        if name == "Fn::GetAtt":
            return {name: argument.split(".", 1) if isinstance(argument, str) else argument}
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self.value(then if self._condition(condition) else otherwise)
        if name == "Fn::Sub" and isinstance(argument, str):
            for pseudo, value in PSEUDO.items():
                argument = argument.replace("${" + pseudo + "}", value)
            return argument
        if name == "Fn::Join":
            parts = self.value(argument[1])
            return argument[0].join(parts) if all(isinstance(part, str) for part in parts) else {name: [argument[0], parts]}
        raise ValueError(f"{name} is not used in our templates")

    def _condition(self, name):
        return self._holds(self.template["Conditions"][name])

    def _holds(self, condition):
        (name, argument), = condition.items()
        if name == "Fn::Equals":
            left, right = map(self.value, argument)
            return str(left) == str(right)
        if name == "Fn::Not":
            return not self._holds(argument[0])
        raise ValueError(f"{name} is not used in our conditions")


def _typed(spec, value):
    """CloudFormation hands numbers on as what the property wants."""
    return int(value) if spec["Type"] == "Number" else value


def references(node):
    """The logical ids that a part of a template names."""
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = set()
    for key, part in node.items():
        if key == "Ref":
            found.add(part)
        elif key == "Fn::GetAtt":
            found.add(part.split(".")[0] if isinstance(part, str) else part[0])
        else:
            found |= references(part)
    return found


def logical_of(reference):
    """The one logical id of a `Ref` or `Fn::GetAtt`; None when the value is something else."""
    if isinstance(reference, dict) and len(reference) == 1 and next(iter(reference)) in ("Ref", "Fn::GetAtt"):
        return next(iter(references(reference)))
    return None
