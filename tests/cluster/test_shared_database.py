"""A group's set-up: PostgreSQL and RabbitMQ under the profile, and a second member who asks the same database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiida_seimlip.options.campaign.history import CampaignHistory

from . import database
from .campaign import MD, build_campaign, wait_for_end
from .conftest import set_options
from .daemon import Daemon
from .services import LOOPBACK, require

pytestmark = pytest.mark.slow

OPTIONS = {'max_iterations': 1, 'exploration': {'conditions': [{**MD, 'temperature': 50.0}]}}
QUERIES = Path(__file__).parents[2] / 'examples' / '01b_queries.py'
NAME, USER, PASSWORD = 'seimlip', 'members', 'not-a-secret'


@pytest.fixture(scope='module')
def servers(short_folder):
    """Return running servers: PostgreSQL with a database for the group, and RabbitMQ."""
    programs = require(database.find_programs(), database.PACKAGES)
    postgres = database.PostgreSQL(short_folder / 'postgres', programs)
    rabbitmq = database.RabbitMQ(short_folder / 'rabbitmq', programs)
    with postgres, rabbitmq:
        postgres.sql(
            f"CREATE USER {USER} PASSWORD '{PASSWORD}'",
            f"CREATE DATABASE {NAME} OWNER {USER} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        )
        yield postgres, rabbitmq


@pytest.fixture(scope='module')
def storage(servers, short_folder):
    """Return the configuration of the storage, as every member gives it."""
    return {
        'database_engine': 'postgresql_psycopg', 'database_hostname': LOOPBACK, 'database_port': servers[0].port,
        'database_username': USER, 'database_password': PASSWORD, 'database_name': NAME,
        'repository_uri': f'file://{short_folder}/repository',
    }  # fmt: skip


@pytest.fixture(scope='module')
def profile(servers, storage, cluster, _daemon, aiida_config, aiida_profile_factory):
    """Return the loaded profile of the first member, in place of that of the other modules."""
    _daemon.stop()
    broker = {
        'broker_protocol': 'amqp', 'broker_username': database.BROKER_USER, 'broker_password': database.BROKER_USER,
        'broker_host': LOOPBACK, 'broker_port': servers[1].port, 'broker_virtual_host': '',
    }  # fmt: skip
    with aiida_profile_factory(
        aiida_config, storage_backend='core.psql_dos', storage_config=storage, broker_backend='core.rabbitmq',
        broker_config=broker, name='group',
    ) as made:  # fmt: skip
        set_options(made)
        yield made


@pytest.fixture(scope='module')
def campaign(profile, short_folder, make_computer, make_codes):
    """Return a campaign that has ended, with its daemon stopped."""
    from aiida.engine import submit

    daemon = Daemon(profile, short_folder)
    try:
        daemon.start()
        node = submit(build_campaign(make_codes(make_computer()), OPTIONS))
        wait_for_end(node, daemon)
    finally:
        daemon.stop()
    return node


def test_servers_are_those_of_the_profile(profile, servers):
    from aiida.manage import get_manager

    assert str(get_manager().get_broker()).startswith('RabbitMQ v')
    assert servers[0].sql('SELECT count(*) FROM db_dbuser', database=NAME).strip() == '1'


def test_campaign_ends_with_its_outputs(campaign):
    assert campaign.exit_status in (0, 400), campaign.exit_message
    history = CampaignHistory(**campaign.outputs.history.get_dict())
    assert history.n_labels == sum(frames.n_frames for frames in campaign.outputs.training.values())


def test_second_member_sees_the_campaign(campaign, storage, tmp_path):
    def verdi(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name('verdi')), *arguments]
        environment = {**os.environ, 'AIIDA_PATH': str(tmp_path)}
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    options = {
        **storage, 'profile_name': 'colleague', 'email': 'colleague@localhost', 'first_name': 'Second',
        'last_name': 'Member', 'institution': 'Group', 'broker': 'none',
    }  # fmt: skip
    verdi(
        'profile', 'setup', 'core.psql_dos', '--non-interactive',
        *(f'--{name.replace("_", "-")}={value}' for name, value in options.items()),
    )  # fmt: skip
    answer = verdi('run', str(QUERIES))
    assert f'  campaign {campaign.pk}: potential {campaign.outputs.potential.pk}, level 6, ' in answer
    for frames in campaign.outputs.training.values():
        assert f'potential {campaign.outputs.potential.pk}: {frames.n_frames} frames of node {frames.pk}' in answer
