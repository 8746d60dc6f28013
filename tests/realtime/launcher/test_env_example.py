import re

from bench.support.servers import ROOT, every_setting


def test_the_example_lists_every_setting_and_nothing_else():
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "cinema/settings.py").read_text())
    assert sorted(set(read)) == sorted(every_setting())
