"""Pure physics: configurations, file formats, moment tensor potentials, structures and analysis, without AiiDA."""
