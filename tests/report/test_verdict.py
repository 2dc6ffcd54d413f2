"""The winner's rules."""

from dataclasses import replace
from math import inf

import pytest

from tests.report import studies
from tests.report.judged import DEFAULT, FAST, STEADY, arriving, chosen, few, judged, scattered
from tests.report.studies import configuration, level, measurement, pair
from tuner.report.headline import badge, tiles
from tuner.report.verdict import verdict
from tuner.study.objectives import Slo
from tuner.study.trial import Failure, FailureKind, Measurement
from tuner.study.workload import opened


class TestWithoutSlo:
    def test_the_highest_throughput_wins_when_no_p99_is_worse(self) -> None:
        assert chosen(judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))) == FAST

    def test_a_worse_p99_under_light_load_is_an_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.013, 700.0, 0.060))
        assert chosen(study) == STEADY
        (fast,) = (one for one in verdict(study).finalists if one.trial == FAST)
        assert fast.objection == "p99 at 4 users is 1.08× the default's"

    def test_a_worse_p99_at_the_target_is_an_objection(self) -> None:
        assert chosen(judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.096))) == STEADY

    def test_an_infinite_p99_is_an_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, inf))
        assert chosen(study) == STEADY
        assert "no bound" in str(verdict(study).finalists[0].objection)

    def test_a_p99_that_is_not_worse_beyond_noise_is_no_objection_and_is_named(self) -> None:
        study = scattered(judged((0.012, 500.0, 0.080), (0.0120, 700.0, 0.060)), FAST, (0.99, 1.04, 0.98, 1.03))
        found = verdict(study)
        assert chosen(study) == FAST
        assert "; its p99 at 4 users, 1.01× [0.96, 1.06] the default's, may be worse." in found.sentence

    def test_a_p99_that_is_worse_by_less_than_the_noise_of_the_machine_is_no_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.0122, 700.0, 0.060))
        assert chosen(study) == STEADY
        noisy = replace(study, noise=studies.NOISE)
        assert chosen(noisy) == FAST
        assert "; its p99 at 4 users, 1.02× [1.02, 1.02] the default's, may be worse." in verdict(noisy).sentence

    def test_what_is_not_better_beyond_noise_keeps_the_default(self) -> None:
        study = judged((0.012, 401.0, 0.090), (0.012, 399.0, 0.090))
        found = verdict(study)
        assert found.winner is not None
        assert found.winner.trial == STEADY
        assert not found.better
        assert chosen(study) == DEFAULT
        assert found.sentence.startswith("Keep the default: max_batch_size=4 is not better beyond noise")

    def test_one_launch_each_says_nothing_about_noise(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060), rounds=1)
        assert chosen(study) == DEFAULT
        assert "one launch cannot rule out noise" in verdict(study).sentence

    def test_a_default_that_gave_no_measurement_is_not_kept(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))
        failed = [replace(one, outcome=studies.failure()) for one in study.confirmations if one.trial == DEFAULT]
        others = [one for one in study.confirmations if one.trial != DEFAULT]
        study = replace(study, confirmations=(*failed, *others))
        assert chosen(study) == FAST
        assert verdict(study).lost == (DEFAULT,)
        assert "not measured again" in verdict(study).sentence


class TestTooFewRequests:
    """Under 368 requests p99 has no upper bound: it is not known, which is neither infinite nor a failure."""

    PLAIN = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))

    def test_a_finalist_with_too_few_requests_cannot_win_and_is_not_said_to_fail(self) -> None:
        study = few(self.PLAIN, FAST)
        assert chosen(study) == STEADY
        objection = next(one.objection for one in verdict(study).finalists if one.trial == FAST)
        assert objection == "p99 at 4 users is not known: too few requests to tell"

    def test_what_is_better_beats_a_default_with_too_few_requests_and_what_is_not_does_not(self) -> None:
        study = few(self.PLAIN, DEFAULT)
        found = verdict(study)
        assert chosen(study) == FAST
        assert "; its p99 at 4 users cannot be compared: of the default there were too few requests" in found.sentence
        slower = verdict(few(judged((0.012, 399.0, 0.080), (0.011, 398.0, 0.060)), DEFAULT))
        assert slower.chosen is slower.default
        assert slower.sentence.startswith("Keep the default: no finalist is better within the limits. It gives 400 [")

    def test_the_default_is_kept_for_now_when_nobody_had_enough(self) -> None:
        found = verdict(few(self.PLAIN, DEFAULT, STEADY, FAST))
        assert found.chosen is found.default
        assert found.sentence.startswith(
            "Keep the default for now: whether max_batch_size=8 is better cannot be told, as its p99 at 4 users is not "
            "known: too few requests to tell; measure longer. It gives 400 ["
        )

    def test_an_slo_on_p99_is_not_known_to_be_kept(self) -> None:
        study = few(judged((0.02, 500.0, 0.06), (0.011, 700.0, 0.06), slo=Slo(metric="p99", limit=0.07)), FAST, level=1)
        assert chosen(study) == STEADY
        objection = next(one.objection for one in verdict(study).finalists if one.trial == FAST)
        assert objection == "whether it meets p99 ≤ 70.0 ms is not known: too few requests to tell"

    def test_a_p99_that_decides_and_is_not_known_has_no_ratio(self) -> None:
        study = few(arriving((0.020, 0.060), (0.015, 0.030), slo=Slo(metric="mean", limit=0.1)), DEFAULT, level=1)
        found = verdict(study)
        assert found.chosen is found.default
        assert found.sentence == (
            "Keep the default for now: max_batch_size=4 cannot be compared with it in p99: too few requests to tell."
        )
        (value,) = (tile.value for tile in tiles(study, found) if tile.label == "p99 at 200 req/s")
        assert value == "–"

    def test_a_sentence_on_one_measurement_has_no_p99(self) -> None:
        study = studies.study([(configuration(), measurement([level(4, 50.0, 0.01), level(32, 60.0, 0.3)]))])
        assert "with a p99 that is not known (too few requests to tell), measured once" in verdict(study).sentence


class TestWithSlo:
    SLO = Slo(metric="p99", limit=0.070)

    def test_the_highest_throughput_that_meets_it_wins(self) -> None:
        study = judged((0.020, 500.0, 0.069), (0.011, 700.0, 0.071), slo=self.SLO)
        assert chosen(study) == STEADY
        assert "SLO p99 ≤ 70.0 ms met" in verdict(study).sentence

    def test_a_slower_configuration_that_meets_it_beats_a_default_that_does_not(self) -> None:
        study = judged((0.012, 390.0, 0.060), (0.011, 700.0, 0.080), slo=self.SLO)
        assert chosen(study) == STEADY
        assert "it meets the limits and the default does not (p99 95.0 ms misses" in verdict(study).sentence
        assert verdict(study).sentence.endswith(", 0.97× [0.96, 0.99] the default's throughput.")

    def test_nothing_meets_it(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.075), slo=self.SLO)
        assert chosen(study) is None
        assert verdict(study).configuration is None
        assert verdict(study).sentence.startswith("No configuration that was confirmed meets the limits")

    @pytest.mark.parametrize(
        ("unknown", "nobody_knows", "words"),
        [
            ((DEFAULT, STEADY, FAST), True, "No configuration that was confirmed is known to meet the limits"),
            ((FAST,), False, "No configuration that was confirmed meets the limits"),
        ],
    )
    def test_too_few_requests_in_every_launch_are_no_miss(
        self, unknown: tuple[int, ...], nobody_knows: bool, words: str
    ) -> None:
        study = few(judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.075), slo=self.SLO), *unknown, level=1)
        found = verdict(study)
        assert (found.configuration, found.unjudged) == (None, nobody_knows)
        assert found.sentence.startswith(words)

    def test_the_default_can_be_the_only_one_that_meets_it(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.075), default=(0.012, 400.0, 0.050), slo=self.SLO)
        assert chosen(study) == DEFAULT
        assert verdict(study).sentence.startswith("Keep the default: no finalist is better within the limits")


class TestNothingToConfirm:
    """Where no trial meets the limits, or none was measured, the sentence and the badge say which."""

    def test_the_nearest_is_named_with_its_distance(self) -> None:
        study = replace(studies.small(slo=Slo(metric="p99", limit=0.040)), confirmations=())
        found = verdict(study)
        assert found.sentence == (
            "No configuration meets the limits (p99 ≤ 40.0 ms, quality drop ≤ 1 pt, errors ≤ 1.0 %); the nearest is #3 "
            "max_batch_size=8 precision=int8, p99 45.0 ms against 40.0 ms."
        )
        assert badge(study, found).text == "No configuration"

    @pytest.mark.parametrize(
        ("p99s", "nobody_knows", "words", "sentence"),
        [
            (
                (None, None),
                True,
                "Not known",
                "Whether a configuration meets the limits (p99 ≤ 40.0 ms, quality drop ≤ 1 pt, errors ≤ 1.0 %) cannot "
                "be told: no p99 is known at 32 users (too few requests to tell); measure longer.",
            ),
            (
                (None, 0.045),
                False,
                "No configuration",
                "No configuration is known to meet the limits (p99 ≤ 40.0 ms, quality drop ≤ 1 pt, errors ≤ 1.0 %); 1 "
                "of 2 trials could not be judged (too few requests to tell), and the nearest of the others is #1 "
                "workers=2, p99 45.0 ms against 40.0 ms.",
            ),
        ],
    )
    def test_what_cannot_be_judged_does_not_miss_the_limits(
        self, p99s: tuple[float | None, ...], nobody_knows: bool, words: str, sentence: str
    ) -> None:
        study = studies.study(
            [
                (configuration(workers=1 + number), studies.scarce() if p99 is None else pair(400.0, 0.01, 420.0, p99))
                for number, p99 in enumerate(p99s)
            ],
            slo=Slo(metric="p99", limit=0.040),
        )
        found = verdict(study)
        assert (found.sentence, found.unjudged, found.best) == (sentence, nobody_knows, None)
        assert badge(study, found).text == words

    def test_the_nearest_may_miss_the_limit_on_quality(self) -> None:
        study = studies.study([(configuration(workers=2), pair(400.0, 0.01, 420.0, 0.09, share=0.92))])
        assert (
            "#0 workers=2, accuracy is 2.0 pt below the default's, where at most 1 pt is allowed."
            in verdict(study).sentence
        )

    def test_a_default_that_failed_is_named(self) -> None:
        measured = pair(400.0, 0.01, 420.0, 0.09)
        alone = replace(measured, quality=replace(studies.quality(0.94, change=None), default_known=False))
        study = studies.study([(configuration(), studies.failure()), (configuration(workers=2), alone)])
        assert verdict(study).sentence == (
            "Nothing can be compared: the default, trial #0, failed (crashed: the server ended under load (SIGKILL)), "
            "so whether another configuration answers as well is not known."
        )

    @pytest.mark.parametrize(
        ("count", "sentence", "words"),
        [
            (0, "Nothing was measured yet; tuner resume continues", "Nothing measured"),
            (1, "The only trial failed, so there is nothing to compare; its log", "All failed"),
            (3, "All 3 trials failed, so there is nothing to compare; their logs", "All failed"),
        ],
    )
    def test_nothing_measured(self, count: int, sentence: str, words: str) -> None:
        study = studies.study([(configuration(workers=1), studies.failure())] * count)
        found = verdict(study)
        assert found.configuration is None
        assert found.sentence.startswith(sentence)
        assert badge(study, found).text == words

    def test_what_was_measured_once_is_not_confirmed(self) -> None:
        study = replace(studies.small(), confirmations=())
        assert badge(study, verdict(study)).text == "Not confirmed"


class TestOther:
    def test_too_much_accuracy_lost_is_an_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060), fast_share=0.92)
        assert chosen(study) == STEADY
        objection = next(one.objection for one in verdict(study).finalists if one.trial == FAST)
        assert objection == "its accuracy is 2.0 pt below the default's, more than 1 pt"

    def test_accuracy_that_was_never_compared_is_an_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))
        alone = replace(studies.quality(0.938, change=None), default_known=False)
        unknown = [
            replace(one, outcome=replace(one.outcome, quality=alone))
            if one.trial == FAST and isinstance(one.outcome, Measurement)
            else one
            for one in study.confirmations
        ]
        found = verdict(replace(study, confirmations=tuple(unknown)))
        objection = next(one.objection for one in found.finalists if one.trial == FAST)
        assert objection == "its accuracy cannot be compared: the default's answers are not known"

    def test_the_sentence_has_the_interval_of_the_accuracy_that_the_last_rounds_compared(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060), fast_share=0.938)
        assert verdict(study).sentence.endswith(", accuracy 93.8 % (−0.2 pt [−0.8, +0.4]).")
        unknown = [
            replace(one, outcome=replace(one.outcome, quality=studies.quality(0.938, change=None)))
            if (one.trial, one.round) == (FAST, 0) and isinstance(one.outcome, Measurement)
            else one
            for one in study.confirmations
        ]
        later = replace(study, confirmations=tuple(unknown))
        assert verdict(later).sentence == verdict(study).sentence, "in the first round the default may come last"

    def test_a_launch_that_failed_is_an_objection(self) -> None:
        study = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))
        last = replace(study.confirmations[-1], outcome=studies.failure())
        study = replace(study, confirmations=(*study.confirmations[:-1], last))
        assert chosen(study) == STEADY
        assert verdict(study).finalists[0].objection == "1 of 4 launches failed"

    def test_without_confirmation_the_best_trial_is_named_as_seen_once(self) -> None:
        found = verdict(replace(studies.small(), confirmations=()))
        assert found.best is not None
        assert found.best.number == 3
        assert found.configuration == found.best.configuration
        assert found.sentence.startswith("Not confirmed: the best trial so far is #3 ")

    def test_when_every_confirming_launch_failed_it_says_so(self) -> None:
        study = studies.small()
        lost = tuple(replace(one, outcome=studies.failure()) for one in study.confirmations)
        assert "every launch that should have confirmed" in verdict(replace(study, confirmations=lost)).sentence

    def test_a_throughput_of_zero_has_no_ratio(self) -> None:
        dead = measurement([level(4, 300.0, 0.01), level(32, 0.0, inf)])
        study = studies.study([(configuration(), dead), (configuration(workers=2), dead)])
        found = verdict(studies.confirmed(study, {0: [dead] * 3, 1: [dead] * 3}))
        assert [one.throughput.value for one in found.finalists] == [0.0, 0.0]
        assert not found.better


def test_a_disturbed_launch_speaks_against_nobody() -> None:
    study = judged((0.011, 900.0, 0.050), (0.011, 1200.0, 0.040))
    disturbed = Failure(kind=FailureKind.INVALID, reason="the load process was late")
    crashed = Failure(kind=FailureKind.CRASH, reason="killed by SIGKILL")
    for failure, winner in ((disturbed, FAST), (crashed, STEADY)):
        confirmations = tuple(
            replace(one, outcome=failure) if (one.trial, one.round) == (FAST, 1) else one for one in study.confirmations
        )
        assert chosen(replace(study, confirmations=confirmations)) == winner


class TestInOpenLoop:
    def test_the_lowest_p99_at_the_target_rate_wins(self) -> None:
        study = arriving((0.020, 0.060), (0.015, 0.030))
        found = verdict(study)
        assert found.better
        assert chosen(study) == STEADY
        assert found.sentence.startswith("Deploy max_batch_size=4: 0.50× [0.49, 0.51] the default's p99, 30.3 [")
        assert " ms at 200 req/s, accuracy 94.0 %" in found.sentence

    def test_a_p99_that_is_not_lower_beyond_noise_keeps_the_default(self) -> None:
        study = arriving((0.020, 0.060), (0.015, 0.0595))
        assert chosen(study) == DEFAULT
        assert "max_batch_size=4 is not better beyond noise (0.99×" in verdict(study).sentence

    def test_a_worse_p99_under_light_load_is_an_objection(self) -> None:
        study = arriving((0.020, 0.060), (0.025, 0.030))
        assert chosen(study) == DEFAULT
        assert verdict(study).sentence.startswith(
            "Keep the default: no finalist is better within the limits. It gives a"
        )

    def test_without_confirmation_the_trial_with_the_lowest_p99_is_named(self) -> None:
        found = verdict(replace(arriving((0.020, 0.060), (0.015, 0.030)), confirmations=()))
        assert "#1 max_batch_size=4 with a p99 of 30.0 ms at 200 req/s, measured once" in found.sentence


class TestNoise:
    def test_a_difference_below_the_noise_of_the_machine_is_no_gain(self) -> None:
        study = judged((0.011, 480.0, 0.080), (0.011, 440.0, 0.080))
        assert chosen(study) == STEADY
        loud = replace(study, noise=replace(studies.NOISE, throughput=0.20))
        assert chosen(loud) == DEFAULT
        assert "% are noise on this machine" in verdict(loud).sentence

    def test_finalists_that_noise_does_not_tell_apart_tie(self) -> None:
        study = judged((0.011, 690.0, 0.060), (0.011, 700.0, 0.060))
        assert [one.ties for one in verdict(study).finalists] == [(), (), ()]
        fast, steady, default = verdict(replace(study, noise=studies.NOISE)).finalists
        assert (fast.ties, steady.ties, default.ties) == ((STEADY,), (FAST,), ())


class TestArrivals:
    BETTER = judged((0.012, 500.0, 0.080), (0.011, 700.0, 0.060))

    def test_a_better_open_loop_needs_no_word(self) -> None:
        found = verdict(studies.with_arrivals(self.BETTER, 322.0, {DEFAULT: 0.050, STEADY: 0.040, FAST: 0.030}))
        assert str(found.arrivals) == "322 req/s"
        assert found.winner is not None
        assert found.winner.arrivals_ratio is not None
        assert found.winner.arrivals_ratio.value == pytest.approx(0.6)
        assert "open loop" not in found.sentence

    def test_a_worse_one_is_said(self) -> None:
        found = verdict(studies.with_arrivals(self.BETTER, 322.0, {DEFAULT: 0.030, STEADY: 0.040, FAST: 0.050}))
        assert found.sentence.endswith(
            "; but in open loop at 322 req/s its p99 of 50.2 [49.8, 50.7] ms is worse than "
            "the default's 30.1 [29.9, 30.4] ms."
        )

    def test_one_without_a_bound_is_worse(self) -> None:
        found = verdict(studies.with_arrivals(self.BETTER, 322.0, {DEFAULT: 0.030, STEADY: 0.040, FAST: inf}))
        assert "its p99 of ∞ is worse than the default's 30.1 [" in found.sentence

    def test_a_launch_at_another_rate_is_left_out(self) -> None:
        study = studies.with_arrivals(self.BETTER, 322.0, {DEFAULT: 0.050, STEADY: 0.040, FAST: 0.030})
        first = study.confirmations[0]
        assert isinstance(first.outcome, Measurement)
        (other,) = opened([250.0])
        changed = replace(first, outcome=replace(first.outcome, arrivals=level(other, 250.0, 0.5)))
        found = verdict(replace(study, confirmations=(changed, *study.confirmations[1:])))
        assert found.default is not None
        assert found.default.arrivals is not None
        assert found.default.arrivals.repetitions == 3
