"""Machine-learning interatomic potentials for the solid electrolyte interphase, grown by active learning in AiiDA."""

__version__ = '0.4.0'
