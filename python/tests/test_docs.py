"""The code blocks of docs/python.md run as they stand, in their order."""

import re

import pytest
from conftest import ROOT


def test_blocks_of_the_guide(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    text = (ROOT / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) >= 4
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["run"].final["test_accuracy"] > 0.8
    assert names["details"]["accuracy"] == pytest.approx(names["run"].final["test_accuracy"])
    assert "test_accuracy" in capsys.readouterr().out
