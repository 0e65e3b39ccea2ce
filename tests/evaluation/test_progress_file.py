from hdoc.evaluation.progress_file import ProgressFile


def test_a_progress_file_keeps_settings_apart_and_survives_a_torn_line(tmp_path) -> None:
    with ProgressFile(tmp_path, "kind", {"seed": 0}) as progress_file:
        progress_file.add("1", {"value": "가"})
    with progress_file.path.open("a") as file:
        file.write('["2", {"val')
    with ProgressFile(tmp_path, "kind", {"seed": 0}) as again:
        assert again.rows == {"1": {"value": "가"}}
        again.add("2", 3)
    assert ProgressFile(tmp_path, "kind", {"seed": 0}).rows == {"1": {"value": "가"}, "2": 3}
    assert ProgressFile(tmp_path, "kind", {"seed": 1}).rows == {}
