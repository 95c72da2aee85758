"""The faults that are planted for the doctor: each can be made, and hurts; how they are scored."""

import math
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.faults import cases
from benchmarks.faults.case import CONTROLS, FAULTS, SCORED, TUNE, Case, Harm, planted
from benchmarks.faults.score import Told, examined, lines

import pullback as pb
from pullback.diagnosis import DISEASES, diseases

_QUICK = (
    *("large_steps, rings", "dead_units, scans", "all_alike, scans", "strong_decay, rings"),
    *("silent_blocks, rings", "label_as_feature, blobs", "large_inputs_and_softmax, blobs"),
)


@pytest.fixture(scope="module")
def scored() -> list[Case]:
    return cases(SCORED)


def test_every_disease_that_is_known_is_planted() -> None:
    assert diseases.__all__  # which are registered by being imported
    assert set(DISEASES) <= {name for fault in FAULTS for name in fault.diseases}


def test_all_cases_can_be_made(scored: list[Case]) -> None:
    for case in scored:
        trainer = case.ill.trainer()
        assert isinstance(trainer, pb.Trainer), case.name
        assert len(case.ill.judged[0]) == len(case.ill.judged[1]), case.name
        assert case.ill.x.shape[1:] == case.ill.judged[0].shape[1:], case.name
    assert len(scored) == sum(len(fault.on) for fault in FAULTS) + len(CONTROLS)


def test_a_case_is_the_same_each_time_and_another_of_another_seed() -> None:
    first, again = (next(planted(SCORED)) for _ in range(2))
    np.testing.assert_array_equal(first.ill.x, again.ill.x)
    other = next(planted(TUNE))
    assert other.ill.x.shape != first.ill.x.shape or (other.ill.x != first.ill.x).any()


@pytest.mark.parametrize("name", _QUICK)
def test_a_fault_hurts(scored: list[Case], name: str) -> None:
    case = next(x for x in scored if f"{name}," in x.name)
    assert case.harm([0]).hurts


def test_a_healthy_control_learns(scored: list[Case]) -> None:
    case = next(x for x in scored if x.name.startswith("healthy, tiny"))
    assert case.well.outcome(0)[0] < 0.3


def test_what_does_not_hurt_by_more_than_chance_is_no_case() -> None:
    assert not Harm([(0.1, 0.1), (0.3, 0.3)], [(0.2, 0.2), (0.4, 0.4)]).hurts
    assert Harm([(0.1, 0.1), (0.1, 0.1)], [(0.2, 0.1), (0.2, 0.1)]).hurts
    assert not Harm([(0.1, 0.1)], [(0.12, 0.12)]).hurts


def test_what_cannot_be_trained_is_the_worst(scored: list[Case]) -> None:
    case = next(x for x in scored if "holes_in_rows" in x.name)
    assert case.ill.outcome(0) == (1.0, 1.0)


def _told(*diseases: str, found: str = "", alarms: tuple = (), cures: tuple = ()) -> Told:
    names = frozenset({found} - {""})
    return Told("case", diseases, frozenset({"b"}), frozenset({"c"}), names, alarms, cures)


def test_a_disease_is_missed_where_no_name_for_it_is_found() -> None:
    assert _told("a").missed == ["a"]
    assert not _told("a", found="a").missed
    assert not _told("a", found="c").missed
    assert _told("a", found="b").missed == ["a"]


def test_an_alarm_is_false_where_it_is_neither_planted_nor_a_consequence() -> None:
    alarms = tuple((name, "mild") for name in "abcd")
    assert _told("a", alarms=alarms).false == ["d"]
    assert str(_told("a", found="a", alarms=alarms)) == "false: d (mild)"


def test_recall_precision_and_cures_are_shares() -> None:
    name = FAULTS[0].diseases[0]
    told = [
        _told(name, found=name, alarms=((name, "severe"),), cures=((name, True),)),
        _told(name),
        _told(alarms=((name, "severe"),), cures=((name, False),)),
        _told(),
    ]
    found = {(x.case, x.who): x for x in lines(told)}
    assert found[name, "cases"].score == 2.0
    assert found[name, "recall"].score == 0.5
    assert found[name, "precision"].score == 0.5
    assert found[name, "recall"].reached is False
    assert found["healthy controls", "without a severe finding"].score == 0.5
    assert found["cures told to help", "on fresh seeds"].score == 0.5
    assert not any(x.score is not None and math.isnan(x.score) for x in found.values())


def test_the_doctor_finds_an_easy_case(scored: list[Case]) -> None:
    case = next(x for x in scored if "large_steps, scans" in x.name)
    told = examined(replace(case, ill=case.ill.but(epochs=4)))
    assert not told.failed
    assert not told.missed
    assert told.cures
