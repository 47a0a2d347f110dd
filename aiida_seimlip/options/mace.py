"""Options of the training of MACE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from ase.data import atomic_numbers
from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options, check_elements

STRESS_LOSSES = ('stress', 'virials', 'huber', 'universal')
"""Losses in which stresses have a term; all others of MACE ignore a stress weight in silence."""

STRESS_LOSSES_OF_STAGE_TWO = ('stress', 'virials', 'universal')
"""Losses that keep this term in stage two; with `huber`, MACE changes to one of energies and forces."""

FINAL_DECAY = 0.05
"""What is left of the learning rate at the last epoch, unless a decay is given."""

WITHOUT_EFFECT_ON_A_RESUME = ('max_num_epochs', 'patience', 'threads', 'valid_batch_size', 'device', 'committee')
"""Options in which a job may differ from the one whose checkpoint it goes on from."""

Loss = Literal['weighted', 'forces_only', 'stress', 'virials', 'huber', 'universal', 'l1l2energyforces']


class MaceModelOptions(Options):
    """The size of a MACE model; the names are those of MACE's command line."""

    num_channels: int = Field(default=16, ge=1, description='Channels: features of each kind on an atom.')
    max_L: int = Field(default=0, ge=0, le=4, description='Highest order l of the equivariant messages.')
    max_ell: int = Field(default=2, ge=0, le=6, description='Highest order l of the spherical harmonics.')
    correlation: int = Field(default=2, ge=1, le=4, description='Correlation order of each layer: body order less one.')
    num_interactions: int = Field(default=2, ge=1, le=4, description='Layers of messages.')
    num_radial_basis: int = Field(default=6, ge=1, description='Radial basis functions.')
    r_max: float = Field(default=4.5, gt=0, description='Cut-off of one layer in Å.')


class MaceLossOptions(Options):
    """What is minimised, in one stage or two."""

    loss: Loss = Field(
        default='stress',
        description=f'Loss; stresses count in {", ".join(f"`{name}`" for name in STRESS_LOSSES)} only.',
    )
    energy_weight: float = Field(default=10.0, ge=0, description='Weight of squared errors of energies per atom.')
    forces_weight: float = Field(default=100.0, ge=0, description='Weight of squared errors of forces.')
    stress_weight: float = Field(
        default=100.0, ge=0, description='Weight of squared errors of stresses; 0 for sets without stresses.'
    )
    huber_delta: float = Field(default=0.01, gt=0, description='Where the losses `huber` and `universal` turn linear.')
    allow_missing_stresses: bool = Field(
        default=False, description='Learn from the stresses that there are, although some frames have none.'
    )
    swa: bool = Field(default=False, description='A second stage with a constant learning rate and other weights.')
    start_swa: int | None = Field(
        default=None, ge=1, description='First epoch of stage two, from 0; three quarters of the epochs if not given.'
    )
    swa_lr: float = Field(default=1e-3, gt=0, description='Learning rate of stage two.')
    swa_energy_weight: float = Field(default=1000.0, ge=0, description='Weight of energies in stage two.')
    swa_forces_weight: float = Field(default=100.0, ge=0, description='Weight of forces in stage two.')
    swa_stress_weight: float = Field(default=100.0, ge=0, description='Weight of stresses in stage two.')

    @property
    def uses_stress(self) -> bool:
        """Whether stresses are learned from."""
        return self.loss in STRESS_LOSSES and self.stress_weight > 0


class MaceTrainOptions(MaceModelOptions, MaceLossOptions):
    """How MACE is trained; the names are those of its command line wherever it has one."""

    batch_size: int = Field(
        default=1, ge=1, description='Frames in each step; small ones take more steps from the same number of epochs.'
    )
    valid_batch_size: int = Field(default=8, ge=1, description='Frames evaluated at once.')
    max_num_epochs: int = Field(default=60, ge=1, description='Epochs at most.')
    patience: int | None = Field(
        default=None, ge=1, description='Stop after so many epochs without a lower validation loss; never by default.'
    )
    lr: float = Field(default=0.01, gt=0, description='Learning rate at the beginning.')
    scheduler: Literal['ExponentialLR', 'ReduceLROnPlateau'] = Field(
        default='ExponentialLR', description='How the learning rate falls.'
    )
    lr_scheduler_gamma: float | None = Field(
        default=None, gt=0, le=1,
        description=f'Factor of `ExponentialLR` for each epoch; by default {FINAL_DECAY} is left at the last epoch.',
    )  # fmt: skip
    lr_factor: float = Field(default=0.8, gt=0, lt=1, description='Factor of `ReduceLROnPlateau`.')
    scheduler_patience: int = Field(
        default=5, ge=1, description='Epochs without improvement before `ReduceLROnPlateau` acts.'
    )
    weight_decay: float = Field(default=5e-7, ge=0, description='L2 penalty of the weights.')
    clip_grad: float = Field(default=10.0, gt=0, description='Largest norm of the gradient.')
    ema: bool = Field(default=True, description='Average the weights over the steps (exponential moving average).')
    ema_decay: float = Field(default=0.995, gt=0, lt=1, description='Weight of the past in this average.')
    default_dtype: Literal['float32', 'float64'] = Field(default='float32', description='Precision of the training.')
    device: Literal['cpu', 'cuda'] = Field(default='cpu', description='Where to train.')
    threads: int = Field(
        default=1, ge=1, description='Threads of each member; more than there are free cores slow it down many times.'
    )
    seed: int = Field(
        default=1, ge=0, le=2**31 - 1,
        description='Of the validation set, and of the weights and the order of the frames of the first member.',
    )  # fmt: skip
    committee: int = Field(default=1, ge=1, le=16, description='Members, with the seeds `seed`, `seed` + 1, ...')
    member: int = Field(default=0, ge=0, description='The member that a job trains.')
    validation_fraction: float = Field(
        default=0.1, gt=0, lt=1,
        description='Part of the frames that is held out for validation, without the input `validation`: a frame is '
        'held out or not by its content and `seed`, whatever others there are, and the same for all members.',
    )  # fmt: skip
    atom_energies: dict[str, float] = Field(
        default={},
        description='Energy of an isolated atom of each element in eV by the method of the labels (E0s). They tell the '
        'elements of the model. Those of `start` are kept if none are given.',
    )
    trust_model: bool = Field(
        default=False, description='Load a pickled `start`, which can run any code on the computer of the job.'
    )
    foundation_model_elements: bool = Field(
        default=False, description='Keep all elements of a pickled `start`, and not only those of the frames.'
    )
    lora: bool = Field(default=False, description='Fine-tune low-rank changes of the weights only (LoRA).')
    lora_rank: int = Field(default=4, ge=1, description='Rank of these changes.')
    lora_alpha: float = Field(default=1.0, gt=0, description='Scale of these changes.')

    @model_validator(mode='before')
    @classmethod
    def _weights_follow_the_loss(cls, content: Any) -> Any:
        """Let weights of stresses be 0 by default where the loss has no term for them."""
        if not isinstance(content, Mapping):
            return content
        loss = content.get('loss', cls.model_fields['loss'].default)
        defaults = {}
        if loss not in STRESS_LOSSES:
            defaults['stress_weight'] = 0.0
        if loss not in STRESS_LOSSES_OF_STAGE_TWO:
            defaults['swa_stress_weight'] = 0.0
        return {**defaults, **content}

    @field_validator('atom_energies')
    @classmethod
    def _are_of_elements(cls, value: dict[str, float]) -> dict[str, float]:
        check_elements(value)
        return dict(sorted(value.items(), key=lambda entry: atomic_numbers[entry[0]]))

    @model_validator(mode='after')
    def _go_together(self) -> Self:
        fault = next(_faults_of(self), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    @property
    def gamma(self) -> float:
        """Factor of the learning rate for each epoch."""
        return self.lr_scheduler_gamma or FINAL_DECAY ** (1.0 / self.max_num_epochs)

    @property
    def first_epoch_of_stage_two(self) -> int | None:
        """First epoch of stage two, from 0; None if there is no such stage."""
        return (self.start_swa or max(1, self.max_num_epochs * 3 // 4)) if self.swa else None

    def to_arguments(self) -> dict[str, Any]:
        """Return the options of MACE's command line, without those that name files."""
        fields = (
            *MaceModelOptions.model_fields, 'loss', 'energy_weight', 'forces_weight', 'huber_delta', 'batch_size',
            'valid_batch_size', 'max_num_epochs', 'lr', 'scheduler', 'lr_factor', 'scheduler_patience', 'weight_decay',
            'clip_grad', 'default_dtype', 'device',
        )  # fmt: skip
        found: dict[str, Any] = {name: getattr(self, name) for name in fields}
        kind = 'virials' if self.loss == 'virials' else 'stress'
        found |= {
            'model': 'MACE', 'seed': self.seed + self.member, 'lr_scheduler_gamma': self.gamma,
            f'{kind}_weight': self.stress_weight, 'error_table': 'PerAtomRMSE', 'plot': False,
        }  # fmt: skip
        if self.ema:
            found |= {'ema': None, 'ema_decay': self.ema_decay}
        if self.swa:
            found |= {
                'swa': None, 'start_swa': self.first_epoch_of_stage_two, 'swa_lr': self.swa_lr,
                'swa_energy_weight': self.swa_energy_weight, 'swa_forces_weight': self.swa_forces_weight,
                f'swa_{kind}_weight': self.swa_stress_weight,
            }  # fmt: skip
        if self.lora:
            found |= {'lora': True, 'lora_rank': self.lora_rank, 'lora_alpha': self.lora_alpha}
        return found

    def to_settings(self) -> dict[str, Any]:
        """Return what must be the same in two jobs of which one goes on where the other was stopped."""
        return self.model_dump(mode='json', exclude={*WITHOUT_EFFECT_ON_A_RESUME, 'lr_scheduler_gamma'}) | {
            'gamma': self.gamma, 'start_swa': self.first_epoch_of_stage_two,
        }  # fmt: skip


def _faults_of(options: MaceTrainOptions) -> Iterator[str]:
    """Look for options of which MACE would ignore one in silence."""
    known = ', '.join(f'`{name}`' for name in STRESS_LOSSES)
    if options.loss not in STRESS_LOSSES and options.stress_weight:
        yield (
            f'the loss `{options.loss}` ignores stresses, so that `stress_weight` must be 0; a loss of {known} does not'
        )
    start = options.first_epoch_of_stage_two
    if start is not None and start >= options.max_num_epochs:
        yield f'stage two begins at epoch {start}, but the last one is {options.max_num_epochs - 1}'
    if options.start_swa is not None and not options.swa:
        yield '`start_swa` is given without `swa`, so that there is no stage two'
    if options.swa and options.loss == 'forces_only':
        yield 'MACE has no stage two with the loss `forces_only`'
    if options.swa and options.loss not in STRESS_LOSSES_OF_STAGE_TWO and options.swa_stress_weight:
        yield f'the loss `{options.loss}` ignores stresses in stage two, so that `swa_stress_weight` must be 0'
    if options.member >= options.committee:
        yield f'`member` is {options.member}, but the members of `committee` are numbered from 0 to one less than it'
    if options.lr_scheduler_gamma is not None and options.scheduler != 'ExponentialLR':
        yield f'`lr_scheduler_gamma` has no effect with the scheduler `{options.scheduler}`'
