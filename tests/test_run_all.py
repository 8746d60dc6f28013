"""`make test` counts, names and times what a phase did, and one seed repeats it."""

from types import SimpleNamespace

import pytest

from tests import run_all
from tests.conftest import _choose_seed

RESULTS = """<testsuites><testsuite tests="4" failures="1" errors="1" skipped="1">
<testcase classname="tests.test_one" name="test_good" time="0.5"/>
<testcase classname="tests.test_one" name="test_bad" time="2.0"><failure/></testcase>
<testcase classname="tests.test_two" name="test_broken" time="0.1"><error/></testcase>
<testcase classname="tests.test_two" name="test_left_out" time="0"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def results(tmp_path):
    file = tmp_path / "results.xml"
    file.write_text(RESULTS)
    return file


def test_passed_failed_and_skipped_are_counted(results):
    assert run_all.count(results) == (1, 2, 1)


def test_failed_tests_are_named(results):
    assert run_all.failed_tests(results) == ["tests.test_one::test_bad", "tests.test_two::test_broken"]


def test_the_slowest_come_first(results, monkeypatch):
    monkeypatch.setattr(run_all, "N_SLOWEST", 2)
    assert run_all.slowest_tests(results) == [(2.0, "tests.test_one::test_bad"), (0.5, "tests.test_one::test_good")]


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite"])
def test_a_phase_without_readable_results_has_failed(tmp_path, text):
    file = tmp_path / "results.xml"
    if text is not None:
        file.write_text(text)
    assert run_all.count(file) == (0, 1, 0)
    assert run_all.failed_tests(file) == run_all.slowest_tests(file) == []


def test_every_phase_gets_the_seed_that_repeats_it(tmp_path, monkeypatch, capsys):
    commands = []

    class Process:
        def __init__(self, command, cwd):
            commands.append(command)

        def wait(self, seconds):
            return 0

    monkeypatch.setattr(run_all.subprocess, "Popen", Process)
    monkeypatch.setattr("sys.argv", ["run_all", "--seed", "7", "unit", "postgresql"])
    monkeypatch.setenv("BOOKMYSEAT_REPORT", "")  # main sets it; afterwards it is that of this run again
    run_all.main()
    assert ["--randomly-seed=7" in command for command in commands] == [True, True]
    assert "SEED=7" in capsys.readouterr().out


def options(**given):
    return SimpleNamespace(**{"randomly_seed": "default", "hypothesis_seed": None, **given})


def test_a_run_without_a_seed_gets_one_for_order_and_examples():
    one, other = options(), options()
    _choose_seed(one)
    _choose_seed(other)
    assert one.hypothesis_seed == str(one.randomly_seed) and one.randomly_seed != other.randomly_seed


def test_a_given_seed_is_the_seed_of_the_examples_unless_they_have_their_own():
    both, own = options(randomly_seed=7), options(randomly_seed=7, hypothesis_seed="8")
    _choose_seed(both)
    _choose_seed(own)
    assert (both.randomly_seed, both.hypothesis_seed) == (7, "7")
    assert (own.randomly_seed, own.hypothesis_seed) == (7, "8")


def test_without_the_plugin_nothing_is_chosen():
    without = SimpleNamespace(hypothesis_seed=None)
    _choose_seed(without)
    assert without.hypothesis_seed is None
