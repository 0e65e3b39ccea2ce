from pathlib import Path
from typing import Any

import pytest

from hdoc.cluster import plan
from hdoc.errors import HdocError, InputError
from tests.cluster.settings import settings


def test_a_plan_is_kept_whatever_the_workers(inputs: Path, tmp_path: Path) -> None:
    tables = plan.find_tables([str(inputs)])
    assert [Path(table).name for table in tables] == ["a.jsonl", "b.parquet"]
    first = plan.make_plan(tables, settings(tmp_path / "out"), 1)
    assert plan.make_plan(tables, settings(tmp_path / "out"), 16) == first
    assert [block.number for block in first] == list(range(len(first)))
    assert sum(block.part.n_rows for block in first) == 229 + 102


@pytest.mark.parametrize(
    ("change", "named"), [({"checksum": "2"}, "checksum"), ({"top": 4}, "top"), ({"kind": "parquet"}, "kind")]
)
def test_another_run_does_not_go_on_in_a_folder(
    inputs: Path, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    tables = plan.find_tables([str(inputs)])
    plan.make_plan(tables, settings(tmp_path / "out"), 1)
    with pytest.raises(HdocError, match=rf"holds the results of another run \({named} changed\)"):
        plan.make_plan(tables, settings(tmp_path / "out", **change), 1)


def test_changed_inputs_and_broken_plans_are_noticed(inputs: Path, tmp_path: Path) -> None:
    tables = plan.find_tables([str(inputs)])
    plan.make_plan(tables, settings(tmp_path / "out"), 1)
    with (inputs / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": "더"}\n')
    with pytest.raises(HdocError, match=r"\(inputs changed\)"):
        plan.make_plan(tables, settings(tmp_path / "out"), 1)
    (tmp_path / "out" / plan.PLAN).write_text("{}")
    with pytest.raises(HdocError, match="expected the plan of a run"):
        plan.make_plan(tables, settings(tmp_path / "out"), 1)


def test_what_cannot_be_classified_by_ray_is_said(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("가")
    with pytest.raises(InputError, match="a folder without any; leave --engine out for text files"):
        plan.find_tables([str(tmp_path / "letters")])
    with pytest.raises(InputError, match="there is nothing of this name"):
        plan.find_tables([str(tmp_path / "none.jsonl")])
    with pytest.raises(InputError, match=r"got \.csv"):
        plan.kind_of("out.csv")
    assert plan.kind_of("out") == "parquet"
