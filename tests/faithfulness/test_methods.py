import argparse
import subprocess
import sys

from hdoc.cli import evaluate, explain
from hdoc.faithfulness.methods import FROM_ONE_PASS, METHODS


def choices(parser: argparse.ArgumentParser, option: str) -> tuple[str, ...]:
    [action] = [action for action in parser._actions if option in action.option_strings]
    return tuple(action.choices)


def test_commands_offer_all_methods() -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    explain.add_explain(commands)
    assert choices(commands.choices["explain"], "--method") == METHODS
    assert choices(evaluate._parser(), "--methods") == METHODS
    assert set(METHODS) > FROM_ONE_PASS


def test_their_names_are_cheap_to_import() -> None:
    program = (
        "import sys, hdoc.faithfulness.methods\n"
        "sys.exit(str([name for name in ('torch', 'numpy', 'captum') if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == "[]"
