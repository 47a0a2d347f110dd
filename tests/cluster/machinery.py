"""A cluster on the loopback: sshd, munge, and SLURM with one node, all of them its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from .services import (
    LOOPBACK,
    SYSTEM_PATH,
    Service,
    descendants,
    find_program,
    free_ports,
    is_listening,
    wait_for,
)

PACKAGES = 'openssh-server openssh-client slurm-wlm munge'
PROGRAMS = (
    'sshd', 'ssh', 'ssh-keygen', 'munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel', 'scontrol', 'setpriv',
    'pgrep',
)  # fmt: skip
SFTP_SERVERS = ('/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server')
HOST = 'cluster'
N_CPUS = 8
"""More than the machine has: jobs that wait, or hang, leave room for others."""

SLURM_CONF = """\
ClusterName=loopback
SlurmctldHost={node}({address})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
InactiveLimit=0
MinJobAge=60
NodeName={node} NodeAddr={address} CPUs={n_cpus} RealMemory=4096 State=UNKNOWN
PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""

SSHD_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PrintMotd no
MaxStartups 100
MaxSessions 100
SetEnv SLURM_CONF={folder}/slurm.conf
Subsystem sftp {sftp}
"""

SSH_CONFIG = """\
Host {host}
    HostName {address}
    Port {port}
    User {user}
    IdentityFile {home}/.ssh/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile {home}/.ssh/known_hosts
"""

GUARD = 'read nothing; for pid in $(pgrep -f "^/bin/bash $0/spool/job"); do kill -s KILL -- "-$pid"; done'
"""Script that waits for the end of its input, and then kills the jobs whose scripts are in the folder `$0`."""


@dataclass(frozen=True)
class Job:
    """A job in the queue or in the record of those that have ended.

    :param number: of SLURM.
    :param name: as AiiDA gives it, ``aiida-PK``.
    :param state: of SLURM, such as PENDING, RUNNING, COMPLETED, CANCELLED, TIMEOUT.
    """

    number: int
    name: str
    state: str


def find_programs() -> dict[str, str | None]:
    """Return the paths of what a cluster needs, None for what is missing."""
    programs = {name: find_program(name) for name in PROGRAMS}
    return {**programs, 'sftp-server': next((path for path in SFTP_SERVERS if Path(path).exists()), None)}


class Cluster:
    """A computer that is reached by ``ssh cluster`` and runs jobs by SLURM; all in one folder, on ports of its own.

    Use it as a context manager. Nothing of the user's is touched: `home` is the home folder that holds the ssh
    configuration, and has to be HOME in the environment of whoever calls ssh.

    :param folder: is made; its path is short (sockets are in it), and other users cannot write to it.
    :param programs: paths from `find_programs`.
    """

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self.folder = folder
        self.host = HOST
        self.home = folder / 'home'
        self.scratch = folder / 'scratch'
        self.programs = programs
        self.port, controller_port, node_port = free_ports(3)
        self.environment = {'PATH': SYSTEM_PATH, 'HOME': str(self.home), 'SLURM_CONF': str(folder / 'slurm.conf')}
        self._values = {
            'address': LOOPBACK, 'folder': folder, 'home': self.home, 'host': HOST, 'port': self.port,
            'controller_port': controller_port, 'node_port': node_port, 'node': socket.gethostname().split('.')[0],
            'user': getpass.getuser(), 'n_cpus': N_CPUS, 'sftp': programs['sftp-server'],
        }  # fmt: skip
        self._guard: subprocess.Popen[bytes] | None = None
        self._munged = self._service('munged', [
            '--foreground', '--key-file', folder / 'munge.key', '--socket', folder / 'munge.socket',
            '--pid-file', folder / 'munged.pid', '--seed-file', folder / 'munged.seed',
            '--log-file', folder / 'munged.own.log', '--num-threads', '2',
        ])  # fmt: skip
        self._slurmctld = self._service('slurmctld', ['-D', '-c', '-f', folder / 'slurm.conf'])
        self._slurmd = self._service('slurmd', ['-D', '-c', '-f', folder / 'slurm.conf'])
        self._sshd = self._service('sshd', ['-D', '-e', '-f', folder / 'sshd_config'])

    def _service(self, name: str, arguments: list[str | Path]) -> Service:
        return Service(name, [self.programs[name], *arguments], self.folder, env=self.environment)

    # -- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Cluster:
        try:
            self._write_files()
            self._start_guard()
            self._munged.start((self.folder / 'munge.socket').exists)
            self._slurmctld.start(lambda: 'UP' in self._slurm('scontrol', 'ping'))
            self._slurmd.start(lambda: 'State=IDLE' in self._slurm('scontrol', 'show', 'node'))
            self.start_sshd()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cancel all jobs and stop all services."""
        self.stop_sshd()
        if self._slurmctld.is_running and self._slurmd.is_running:
            self.cancel_all()
        for service in (self._slurmd, self._slurmctld, self._munged):
            service.stop()
        if self._guard is not None:
            self._guard.communicate()

    def _start_guard(self) -> None:
        """Start what kills the jobs if the tests are killed: those of SLURM are nobody's children."""
        command = ['sh', '-c', GUARD, self.folder]
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd='/')

    def _write_files(self) -> None:
        ssh = self.home / '.ssh'
        self.folder.mkdir(mode=0o755)
        for path in (ssh, self.scratch, self.folder / 'state', self.folder / 'spool'):
            path.mkdir(parents=True, mode=0o700)
        (self.folder / 'slurm.conf').write_text(SLURM_CONF.format(**self._values))
        (self.folder / 'sshd_config').write_text(SSHD_CONFIG.format(**self._values))
        (ssh / 'config').write_text(SSH_CONFIG.format(**self._values))
        for path in (self.folder / 'host_key', ssh / 'id_ed25519'):
            subprocess.run([self.programs['ssh-keygen'], '-q', '-t', 'ed25519', '-N', '', '-f', path], check=True)
        shutil.copy(ssh / 'id_ed25519.pub', self.folder / 'authorized_keys')
        host_key = (self.folder / 'host_key.pub').read_text()
        (ssh / 'known_hosts').write_text(f'[{LOOPBACK}]:{self.port} {host_key}')
        key = self.folder / 'munge.key'
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        if os.getuid() == 0:
            Path('/run/sshd').mkdir(exist_ok=True)  # sshd separates its privileges there

    # -- ssh ----------------------------------------------------------------------------------------------------------

    def start_sshd(self) -> None:
        """Let the cluster be reached."""
        if not self._sshd.is_running:
            self._sshd.start(lambda: is_listening(self.port))

    def stop_sshd(self) -> None:
        """Make the cluster unreachable and break the connections that are open; jobs and queue go on."""
        self._sshd.stop()

    # -- queue --------------------------------------------------------------------------------------------------------

    def _slurm(self, *command: str) -> str:
        arguments = [self.programs[command[0]], *command[1:]]
        return subprocess.run(arguments, env=self.environment, check=False, capture_output=True, text=True).stdout

    def squeue(self) -> list[Job]:
        """Return the jobs that wait or run."""
        lines = self._slurm('squeue', '--noheader', '--format', '%i %T %j').splitlines()
        parts = [line.split(maxsplit=2) for line in lines]
        return [Job(int(number), name, state) for number, state, name in parts]

    def history(self) -> list[Job]:
        """Return the jobs that have ended, in that order."""
        path = self.folder / 'completed'
        lines = path.read_text().splitlines() if path.exists() else []
        records = [dict(item.split('=', 1) for item in line.split(' ') if '=' in item) for line in lines]
        return [Job(int(record['JobId']), record['Name'], record['JobState']) for record in records]

    def scancel(self, *numbers: int) -> None:
        """Cancel jobs by their numbers."""
        self._slurm('scancel', *map(str, numbers))

    def cancel_all(self, timeout: float = 30.0) -> None:
        """Cancel all jobs and wait until none is left."""
        self._slurm('scancel', '--user', getpass.getuser())
        wait_for(lambda: not self.squeue(), timeout, 'the queue to be empty')

    def drain(self) -> None:
        """Let jobs wait in the queue; those that run go on."""
        self._slurm('scontrol', 'update', 'PartitionName=all', 'State=DOWN')

    def resume(self) -> None:
        """Let waiting jobs run."""
        self._slurm('scontrol', 'update', 'PartitionName=all', 'State=UP')

    # -- what is there ------------------------------------------------------------------------------------------------

    def empty_scratch(self) -> None:
        """Delete all working folders."""
        for path in self.scratch.iterdir():
            shutil.rmtree(path)

    def running_programs(self) -> list[str]:
        """Return the command lines of what jobs run at this moment, their scripts first."""
        spool = f'{self.folder}/spool/job'
        processes = psutil.process_iter(['cmdline'])
        scripts = [one for one in processes if any(part.startswith(spool) for part in one.info['cmdline'] or ())]
        found = [*scripts, *(child for script in scripts for child in descendants(script.pid))]
        lines = []
        for process in found:
            with suppress(psutil.NoSuchProcess):
                lines.append(' '.join(process.cmdline()))
        return lines
