"""The papers that ask to be cited for the programs and methods that this package works with.

Each was looked up: authors, journal and DOI belong together. A program that names no paper has no entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

SHOWN_AUTHORS = 3
"""Of a longer list only the first one is named in a line of text; BibTeX gets all that are known here."""


@dataclass(frozen=True)
class Reference:
    """One paper.

    :param key: for BibTeX.
    :param authors: as ``Surname, F. M.``; ends with ``others`` where not all are listed here.
    :param title: as published.
    :param journal: its name.
    :param year: of publication.
    :param volume: of the journal, if it has one.
    :param pages: first and last page or the number of the article.
    :param doi: without the resolver.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    journal: str
    year: int
    volume: str
    pages: str
    doi: str

    def to_text(self) -> str:
        """Return the reference as one line."""
        names = [' '.join(reversed(name.split(', '))) for name in self.authors if name != 'others']
        is_whole = len(names) == len(self.authors) and len(names) <= SHOWN_AUTHORS
        people = ', '.join(names) if is_whole else f'{names[0]} et al.'
        place = ', '.join(part for part in (f'{self.journal} {self.volume}'.strip(), self.pages) if part)
        return f'{people}, {self.title}, {place} ({self.year}). https://doi.org/{self.doi}'

    def to_bibtex(self) -> str:
        """Return the reference as an entry of BibTeX."""
        fields = {
            'author': ' and '.join(self.authors), 'title': f'{{{self.title}}}', 'journal': self.journal,
            'year': str(self.year), 'volume': self.volume, 'pages': self.pages.replace('–', '--'), 'doi': self.doi,
        }  # fmt: skip
        lines = ['  {} = {{{}}},'.format(name, value.replace('&', r'\&')) for name, value in fields.items() if value]
        return '\n'.join([f'@article{{{self.key},', *lines, '}'])


REFERENCES = {
    reference.key: reference
    for reference in (
        Reference(
            'Li2025SEI', ('Li, W.-Q.', 'Wu, G.', 'Arce-Ramos, J. M.', 'Lau, Y. H.', 'Ng, M.-F.'),
            'Enabling accurate modelling of materials for a solid electrolyte interphase in lithium-ion '
            'batteries using '
            'effective machine learning interatomic potentials',
            'Materials Horizons', 2025, '12', '10770–10781', '10.1039/D5MH01343G',
        ),
        Reference(
            'Huber2020AiiDA', ('Huber, S. P.', 'others'),
            'AiiDA 1.0, a scalable computational infrastructure for automated reproducible workflows and data '
            'provenance',
            'Scientific Data', 2020, '7', '300', '10.1038/s41597-020-00638-4',
        ),
        Reference(
            'Uhrin2021AiiDA', ('Uhrin, M.', 'others'),
            'Workflows in AiiDA: Engineering a high-throughput, event-based engine for robust and modular '
            'computational '
            'workflows',
            'Computational Materials Science', 2021, '187', '110086', '10.1016/j.commatsci.2020.110086',
        ),
        Reference(
            'Larsen2017ASE', ('Hjorth Larsen, A.', 'others'),
            'The atomic simulation environment—a Python library for working with atoms',
            'Journal of Physics: Condensed Matter', 2017, '29', '273002', '10.1088/1361-648X/aa680e',
        ),
        Reference(
            'Shapeev2016MTP', ('Shapeev, A. V.',),
            'Moment Tensor Potentials: A Class of Systematically Improvable Interatomic Potentials',
            'Multiscale Modeling & Simulation', 2016, '14', '1153–1173', '10.1137/15M1054183',
        ),
        Reference(
            'Podryabinkin2017Active', ('Podryabinkin, E. V.', 'Shapeev, A. V.'),
            'Active learning of linearly parametrized interatomic potentials',
            'Computational Materials Science', 2017, '140', '171–180', '10.1016/j.commatsci.2017.08.031',
        ),
        Reference(
            'Podryabinkin2023MLIP3', ('Podryabinkin, E.', 'Garifullin, K.', 'Shapeev, A.', 'Novikov, I.'),
            'MLIP-3: Active learning on atomic environments with moment tensor potentials',
            'The Journal of Chemical Physics', 2023, '159', '084112', '10.1063/5.0155887',
        ),
        Reference(
            'Thompson2022LAMMPS', ('Thompson, A. P.', 'others'),
            'LAMMPS - a flexible simulation tool for particle-based materials modeling at the atomic, meso, and '
            'continuum '
            'scales',
            'Computer Physics Communications', 2022, '271', '108171', '10.1016/j.cpc.2021.108171',
        ),
        Reference(
            'Grimme2017GFN1', ('Grimme, S.', 'Bannwarth, C.', 'Shushkov, P.'),
            'A Robust and Accurate Tight-Binding Quantum Chemical Method for Structures, Vibrational Frequencies, and '
            'Noncovalent Interactions of Large Molecular Systems Parametrized for All spd-Block Elements (Z = 1–86)',
            'Journal of Chemical Theory and Computation', 2017, '13', '1989–2009', '10.1021/acs.jctc.7b00118',
        ),
        Reference(
            'Bannwarth2019GFN2', ('Bannwarth, C.', 'Ehlert, S.', 'Grimme, S.'),
            'GFN2-xTB—An Accurate and Broadly Parametrized Self-Consistent Tight-Binding Quantum Chemical Method with '
            'Multipole Electrostatics and Density-Dependent Dispersion Contributions',
            'Journal of Chemical Theory and Computation', 2019, '15', '1652–1671', '10.1021/acs.jctc.8b01176',
        ),
        Reference(
            'Kresse1996VASP', ('Kresse, G.', 'Furthmüller, J.'),
            'Efficient iterative schemes for ab initio total-energy calculations using a plane-wave basis set',
            'Physical Review B', 1996, '54', '11169–11186', '10.1103/PhysRevB.54.11169',
        ),
        Reference(
            'Kresse1999PAW', ('Kresse, G.', 'Joubert, D.'),
            'From ultrasoft pseudopotentials to the projector augmented-wave method',
            'Physical Review B', 1999, '59', '1758–1775', '10.1103/PhysRevB.59.1758',
        ),
        Reference(
            'Perdew1996PBE', ('Perdew, J. P.', 'Burke, K.', 'Ernzerhof, M.'),
            'Generalized Gradient Approximation Made Simple',
            'Physical Review Letters', 1996, '77', '3865–3868', '10.1103/PhysRevLett.77.3865',
        ),
        Reference(
            'Grimme2010D3', ('Grimme, S.', 'Antony, J.', 'Ehrlich, S.', 'Krieg, H.'),
            'A consistent and accurate ab initio parametrization of density functional dispersion correction '
            '(DFT-D) for '
            'the 94 elements H-Pu',
            'The Journal of Chemical Physics', 2010, '132', '154104', '10.1063/1.3382344',
        ),
        Reference(
            'Grimme2011BJ', ('Grimme, S.', 'Ehrlich, S.', 'Goerigk, L.'),
            'Effect of the damping function in dispersion corrected density functional theory',
            'Journal of Computational Chemistry', 2011, '32', '1456–1465', '10.1002/jcc.21759',
        ),
        Reference(
            'Mortensen2024GPAW', ('Mortensen, J. J.', 'others'),
            'GPAW: An open Python package for electronic structure calculations',
            'The Journal of Chemical Physics', 2024, '160', '092503', '10.1063/5.0182685',
        ),
        Reference(
            'Giannozzi2009QE', ('Giannozzi, P.', 'others'),
            'QUANTUM ESPRESSO: a modular and open-source software project for quantum simulations of materials',
            'Journal of Physics: Condensed Matter', 2009, '21', '395502', '10.1088/0953-8984/21/39/395502',
        ),
        Reference(
            'Hamann2013ONCV', ('Hamann, D. R.',),
            'Optimized norm-conserving Vanderbilt pseudopotentials',
            'Physical Review B', 2013, '88', '085117', '10.1103/PhysRevB.88.085117',
        ),
        Reference(
            'Giannozzi2017QE', ('Giannozzi, P.', 'others'),
            'Advanced capabilities for materials modelling with Quantum ESPRESSO',
            'Journal of Physics: Condensed Matter', 2017, '29', '465901', '10.1088/1361-648X/aa8f79',
        ),
        Reference(
            'Gonze2020ABINIT', ('Gonze, X.', 'others'),
            'The ABINIT project: Impact, environment and recent developments',
            'Computer Physics Communications', 2020, '248', '107042', '10.1016/j.cpc.2019.107042',
        ),
        Reference(
            'Batatia2022MACE', ('Batatia, I.', 'Kovács, D. P.', 'Simm, G. N. C.', 'Ortner, C.', 'Csányi, G.'),
            'MACE: Higher Order Equivariant Message Passing Neural Networks for Fast and Accurate Force Fields',
            'arXiv', 2022, '', '2206.07697', '10.48550/arXiv.2206.07697',
        ),
        Reference(
            'Musil2019Uncertainty', ('Musil, F.', 'Willatt, M. J.', 'Langovoy, M. A.', 'Ceriotti, M.'),
            'Fast and Accurate Uncertainty Estimation in Chemical Machine Learning',
            'Journal of Chemical Theory and Computation', 2019, '15', '906–915', '10.1021/acs.jctc.8b00959',
        ),
        Reference(
            'Deng2023CHGNet', ('Deng, B.', 'Zhong, P.', 'Jun, K.', 'others'),
            'CHGNet as a pretrained universal neural network potential for charge-informed atomistic modelling',
            'Nature Machine Intelligence', 2023, '5', '1031–1041', '10.1038/s42256-023-00716-3',
        ),
        Reference(
            'Park2024SevenNet', ('Park, Y.', 'Kim, J.', 'Hwang, S.', 'Han, S.'),
            'Scalable Parallel Algorithm for Graph Neural Network Interatomic Potentials in Molecular Dynamics '
            'Simulations',
            'Journal of Chemical Theory and Computation', 2024, '20', '4857–4868', '10.1021/acs.jctc.4c00190',
        ),
        Reference(
            'Jacobsen1996EMT', ('Jacobsen, K. W.', 'Stoltze, P.', 'Nørskov, J. K.'),
            'A semi-empirical effective medium theory for metals and alloys',
            'Surface Science', 1996, '366', '394–402', '10.1016/0039-6028(96)00816-3',
        ),
        Reference(
            'Henkelman2000NEB', ('Henkelman, G.', 'Jónsson, H.'),
            'Improved tangent estimate in the nudged elastic band method for finding minimum energy paths and '
            'saddle points',
            'The Journal of Chemical Physics', 2000, '113', '9978–9985', '10.1063/1.1323224',
        ),
        Reference(
            'Henkelman2000CI', ('Henkelman, G.', 'Uberuaga, B. P.', 'Jónsson, H.'),
            'A climbing image nudged elastic band method for finding saddle points and minimum energy paths',
            'The Journal of Chemical Physics', 2000, '113', '9901–9904', '10.1063/1.1329672',
        ),
        Reference(
            'McCluskey2024kinisi', ('McCluskey, A. R.', 'others'),
            'kinisi: Bayesian analysis of mass transport from molecular dynamics simulations',
            'Journal of Open Source Software', 2024, '9', '5984', '10.21105/joss.05984',
        ),
        Reference(
            'McCluskey2025Diffusion', ('McCluskey, A. R.', 'Coles, S. W.', 'Morgan, B. J.'),
            'Accurate Estimation of Diffusion Coefficients and their Uncertainties from Computer Simulation',
            'Journal of Chemical Theory and Computation', 2025, '21', '79–87', '10.1021/acs.jctc.4c01249',
        ),
        Reference(
            'Flyvbjerg1989Blocks', ('Flyvbjerg, H.', 'Petersen, H. G.'),
            'Error estimates on averages of correlated data',
            'The Journal of Chemical Physics', 1989, '91', '461–466', '10.1063/1.457480',
        ),
        Reference(
            'Rappe1991QEq', ('Rappé, A. K.', 'Goddard, W. A.'),
            'Charge equilibration for molecular dynamics simulations',
            'The Journal of Physical Chemistry', 1991, '95', '3358–3363', '10.1021/j100161a070',
        ),
        Reference(
            'Togo2023phonopy', ('Togo, A.', 'Chaput, L.', 'Tadano, T.', 'Tanaka, I.'),
            'Implementation strategies in phonopy and phono3py',
            'Journal of Physics: Condensed Matter', 2023, '35', '353001', '10.1088/1361-648X/acd831',
        ),
        Reference(
            'Togo2024spglib', ('Togo, A.', 'Shinohara, K.', 'Tanaka, I.'),
            'Spglib: a software library for crystal symmetry search',
            'Science and Technology of Advanced Materials: Methods', 2024, '4', '2384822',
            '10.1080/27660400.2024.2384822',
        ),
        Reference(
            'Hinuma2017seekpath', ('Hinuma, Y.', 'Pizzi, G.', 'Kumagai, Y.', 'Oba, F.', 'Tanaka, I.'),
            'Band structure diagram paths based on crystallography',
            'Computational Materials Science', 2017, '128', '140–184', '10.1016/j.commatsci.2016.10.015',
        ),
        Reference(
            'Ong2013pymatgen', ('Ong, S. P.', 'others'),
            'Python Materials Genomics (pymatgen): A robust, open-source python library for materials analysis',
            'Computational Materials Science', 2013, '68', '314–319', '10.1016/j.commatsci.2012.10.028',
        ),
        Reference(
            'Zur1984Match', ('Zur, A.', 'McGill, T. C.'), 'Lattice match: An application to heteroepitaxy',
            'Journal of Applied Physics', 1984, '55', '378–386', '10.1063/1.333084',
        ),
        Reference(
            'Honeycutt1987Clusters', ('Honeycutt, J. D.', 'Andersen, H. C.'),
            'Molecular dynamics study of melting and freezing of small Lennard-Jones clusters',
            'The Journal of Physical Chemistry', 1987, '91', '4950–4963', '10.1021/j100303a014',
        ),
        Reference(
            'Stukowski2012Structure', ('Stukowski, A.',),
            'Structure identification methods for atomistic simulations of crystalline materials',
            'Modelling and Simulation in Materials Science and Engineering', 2012, '20', '045021',
            '10.1088/0965-0393/20/4/045021',
        ),
        Reference(
            'Fiorentini1996Surface', ('Fiorentini, V.', 'Methfessel, M.'),
            'Extracting convergent surface energies from slab calculations',
            'J. Phys.: Condens. Matter', 1996, '8', '6525–6529', '10.1088/0953-8984/8/36/005',
        ),
        Reference(
            'Martinez2009Packmol', ('Martínez, L.', 'Andrade, R.', 'Birgin, E. G.', 'Martínez, J. M.'),
            'PACKMOL: A package for building initial configurations for molecular dynamics simulations',
            'J. Comput. Chem.', 2009, '30', '2157–2164', '10.1002/jcc.21224',
        ),
        Reference(
            'Vilhelmsen2014StartGenerator', ('Vilhelmsen, L. B.', 'Hammer, B.'),
            'A genetic algorithm for first principles global structure optimization of supported nano structures',
            'J. Chem. Phys.', 2014, '141', '044711', '10.1063/1.4886337',
        ),
        Reference(
            'Shen2024Defects', ('Shen, J.-X.', 'Varley, J. B.'),
            'pymatgen-analysis-defects: A Python package for analyzing point defects in crystalline materials',
            'Journal of Open Source Software', 2024, '9', '5941', '10.21105/joss.05941',
        ),
    )
}  # fmt: skip
"""Papers by their key."""
