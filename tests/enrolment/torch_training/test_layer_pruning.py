from __future__ import annotations

from itertools import count

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from enrolment.torch_training import layer_pruning
from enrolment.torch_training.layer_pruning import Distillation
from enrolment.torch_training.paper_splats import OffsetNetwork, bind
from renderer.avatar.paper_model import condition_vector
from renderer.head.model import HeadModel
from tests.enrolment.torch_training.conftest import instant
from visavis.bench.synthetic_paper import synthetic_paper_avatar


@pytest.fixture
def distillation(head: HeadModel, monkeypatch: pytest.MonkeyPatch) -> Distillation:
    monkeypatch.setattr(layer_pruning, "SAMPLES", 512)
    avatar = synthetic_paper_avatar(head, 400)
    neutral = bind(head, avatar.shape_offsets, (avatar.faces_bound, avatar.barycentrics)).neutral
    network = OffsetNetwork(neutral)
    network.load(avatar.layers)
    conditions = np.stack([condition_vector(instant(seed)) for seed in range(6)]).astype(np.float32)
    torch.manual_seed(1)
    return Distillation(avatar, network, neutral, torch.from_numpy(conditions))


def error(distillation: Distillation) -> float:
    distillation._random.manual_seed(5)
    points, conditions = distillation._samples()
    with torch.no_grad():
        wanted = distillation._teacher.at(points, conditions)
        return float(distillation._error(distillation.student.at(points, conditions), wanted, points))


def test_two_layers_go_and_the_rest_learns(distillation: Distillation, monkeypatch: pytest.MonkeyPatch) -> None:
    # the made-up network's last weights are a hundredth of a trained one's
    monkeypatch.setattr(layer_pruning, "RATE", 1e-5)
    monkeypatch.setattr(layer_pruning, "LAST_RATE", 1e-6)
    layers = distillation.student.layers()
    assert [layer.weights.shape for layer in layers] == [(171, 256), *[(256, 256)] * 3, (256, 10)]
    assert sum(layer.weights.size + layer.bias.size for layer in layers) == 243_978
    with torch.no_grad():
        distillation.student.last.weight *= 0.5
    before = error(distillation)
    steps = count()
    distillation.run(lambda: next(steps) / 25)
    assert error(distillation) < 0.7 * before
    assert not distillation.student.half_precision


def test_what_stays_is_fitted_to_what_it_gets(distillation: Distillation) -> None:
    fitted = error(distillation)
    layers = distillation._teacher.layers()
    distillation.student.load([layers[i] for i in (0, 1, 2, 3, 6)])
    assert fitted < 0.5 * error(distillation)


def test_the_layers_that_are_missed_least_go(distillation: Distillation) -> None:
    teacher = distillation._teacher
    with torch.no_grad():
        for layer in (teacher.hidden[2], teacher.hidden[4]):  # these two do nothing, as nothing before is negative
            layer.weight.copy_(torch.eye(256))
            layer.bias.zero_()
    distillation.student.load(distillation._best(teacher.layers(), 4))
    assert error(distillation) < 1e-4


def test_one_point_is_told_as_in_a_whole_picture(distillation: Distillation) -> None:
    network, condition = distillation._teacher, distillation._conditions[3]
    points = torch.tensor([5, 17, 399])
    found = network.at(points, condition.expand(3, -1))
    np.testing.assert_allclose(found.detach().numpy(), network(condition)[points].detach().numpy(), atol=1e-5)


def test_another_network_s_weights_are_refused(distillation: Distillation) -> None:
    with pytest.raises(ValueError, match="another network"):
        distillation.student.load(distillation._teacher.layers())
