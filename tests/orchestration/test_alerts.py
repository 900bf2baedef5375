"""What is wrong is told once, to who asked for it, by servers of this machine."""

import json
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.alerts import Entry, tell_news
from orchestration.jobs import alerts_sensor
from tests.command import REGULARS, regulars
from tests.orchestration.conftest import copy_of
from tests.receivers import Mailbox, Receiver, listening, own_certificate
from tests.tiny_shop import HEADER, deliver
from warehouse.errors import SettingsError
from warehouse.home import Home
from warehouse.publishing import rollback
from warehouse.settings import PROJECT_ROOT
from warehouse.stopped import read_stopped

TOO_MUCH = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"


@dataclass
class World:
    """Who is out there."""

    hook: Receiver
    mailbox: Mailbox

    @property
    def asking(self) -> dict[str, str]:
        """Settings that ask for both channels."""
        return {
            "REGULARS_ALERTS__WEBHOOK": "true",
            "REGULARS_ALERTS_WEBHOOK_URL": self.hook.url,
            "REGULARS_ALERTS__EMAIL__HOST": "127.0.0.1",
            "REGULARS_ALERTS__EMAIL__PORT": str(self.mailbox.port),
            "REGULARS_ALERTS__EMAIL__SECURITY": "none",
            "REGULARS_ALERTS__EMAIL__FROM": "shop@example.com",
            "REGULARS_ALERTS__EMAIL__TO": '["owner@example.com", "deputy@example.com"]',
            "REGULARS_ALERTS__EVENTS": '["failed", "stale", "unusual"]',
        }

    @property
    def posted(self) -> list[str]:
        return [json.loads(body)["text"] for *_, body in self.hook.requests]

    @property
    def mailed(self) -> list[str]:
        return [mail.get_content() for _, mail in self.mailbox.mails]


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as servers:
        yield World(servers.enter_context(listening(Receiver())), servers.enter_context(listening(Mailbox())))


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, with settings of this process that ask for both channels."""
    for name, value in world.asking.items():
        monkeypatch.setenv(name, value)
    return world


def look(home: Home) -> tuple[list[str], list[str]]:
    """What one look logs, and warns of."""
    logged: list[Entry] = []
    warned: list[str] = []
    tell_news(home, log=logged.append, warn=warned.append)
    return [entry.text for entry in logged], warned


def as_programs_read_them(told: str) -> list[dict]:
    """Every line of what a refresh says, each with what all have."""
    lines = [json.loads(line) for line in told.splitlines()]
    for line in lines:
        assert {"time", "level", "event", "run_id", "message"} <= line.keys()
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
    return lines


def test_a_failed_refresh_is_told_once_though_it_is_repeated_and_a_channel_was_away(
    published_home: Home, world: World
) -> None:
    deliver(published_home.landing, {"2024-02-20.csv": HEADER + TOO_MUCH})
    world.hook.script = [(404, {})]
    failed = regulars("refresh", home=published_home.root, **world.asking)
    assert failed.returncode == 1
    assert "Alert: Not told by webhook, and tried again with the next look" in failed.stderr
    assert "refused the message with 404" in failed.stderr
    # the address is the key to the channel
    assert "hush" not in failed.stderr
    assert len(world.mailed) == 1

    # the same fault by another run: the webhook has it now, the mailbox not again
    again = regulars("refresh", "--log-format", "json", home=published_home.root, **world.asking)
    assert again.returncode == 1
    lines = as_programs_read_them(again.stderr)
    assert (again.stdout, lines[-1]["event"]) == ("", "failed")
    assert "2024-02-20.csv line 2" in lines[-1]["problems"][0]
    [check] = [line for line in lines if line.get("passed") is False]
    assert (check["level"], check["table"], check["run_id"]) == (
        "error",
        "staging.stg_transactions",
        lines[-1]["run_id"],
    )
    assert [line["step"] for line in lines if line["event"] == "step_failure"] == ["validate_staging"]
    assert all(line["seconds"] >= 0 for line in lines if line["event"] == "step_success")
    assert regulars("status", "--alert", home=published_home.root, **world.asking).returncode == 1
    assert (len(world.posted), len(world.mailed)) == (2, 1)
    assert world.posted[0] == world.posted[1]

    [(recipients, mail)] = world.mailbox.mails
    assert recipients == ["owner@example.com", "deputy@example.com"]
    assert mail["Subject"].endswith(": the refresh failed")
    text = world.posted[1]
    assert text.splitlines() == mail.get_content().splitlines()
    for told in (
        str(published_home.root),
        "check line_amount_is_plausible failed, 1 of 593, in 2024-02-20.csv",
        "Readers keep the last good snapshot",
        f"`regulars status --home {published_home.root}`",
    ):
        assert told in text
    # readers are told beside the snapshot that they have
    stopped = read_stopped(published_home)
    assert stopped is not None
    assert stopped.causes[0].startswith("staging.stg_transactions: check line_amount_is_plausible failed, 1 of 593")
    assert "2024-02-20.csv line 2" in stopped.problems[0]
    # neither the customer nor the invoice of the line
    assert "10001" not in text
    assert "699999" not in text

    # the daemon's sensor tells what a command did not, such as one that was killed before it could
    published_home.alerts.unlink()
    with dg.instance_for_test() as instance:
        tick = alerts_sensor(published_home)
        assert "the refresh failed" in tick(dg.build_sensor_context(instance=instance)).skip_message
        assert tick(dg.build_sensor_context(instance=instance)).skip_message == "Nothing new to tell."

    # taken back: it is over, and would be told again if it came back
    (published_home.landing / "2024-02-20.csv").rename(published_home.root / "aside.csv")
    mended = regulars("refresh", "--log-format", "json", home=published_home.root, **world.asking)
    assert mended.returncode == 0
    assert as_programs_read_them(mended.stderr)[-1]["event"] == "nothing_new"
    assert read_stopped(published_home) is None
    kept = json.loads(published_home.alerts.read_text())["entries"]
    assert [entry["kind"] for entry in kept if entry["kind"] == "failed"] == []


def test_old_figures_are_told_once_and_nothing_is_sent_that_nobody_asked_for(
    published_home: Home, asked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(published_home)[1] == []
    assert (asked.posted, asked.mailed) == ([], [])

    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_DELIVERY_AGE_HOURS", "0.0001")
    monkeypatch.setenv("REGULARS_ALERTS__WEBHOOK", "false")
    [logged], warned = look(published_home)
    assert warned == []
    assert "the figures are old" in logged
    assert "The newest delivery came " in logged
    assert "at most 0.0001 hours are allowed, until " in logged
    assert look(published_home) == ([], [])
    assert (len(asked.posted), len(asked.mailed)) == (0, 1)
    # who asks later is told what is so now
    monkeypatch.setenv("REGULARS_ALERTS__WEBHOOK", "true")
    assert look(published_home) == ([], [])
    assert (len(asked.posted), len(asked.mailed)) == (1, 1)


def test_an_unusual_day_is_told_when_it_is_first_published(published_small: Home, asked: World, tmp_path: Path) -> None:
    home = copy_of(published_small, tmp_path / "home")
    home.alerts.unlink()

    def told_after_showing(publication: int) -> list[str]:
        rollback(home, to=publication, at=datetime.now(UTC))
        return [text for text in look(home)[0] if "of revenue" in text.splitlines()[0]]

    # as it was when the days from 17 July on had not come yet
    assert told_after_showing(1) == []
    [told] = told_after_showing(2)
    assert "• Friday 19 Jul 2024: drop, £15.10 where £387 was expected" in told
    assert "• Friday 19 Jul 2024, United Kingdom: silence, £0" in told
    # of the past before, which nobody can act upon any more
    assert "Apr 2024" not in told
    assert "The page Unusual days" in told
    # what drove it names customers
    assert "customer" not in told
    assert (len(asked.posted), len(asked.mailed)) == (1, 1)
    assert (told_after_showing(1), told_after_showing(2)) == ([], [])


def test_a_check_that_warns_is_told_when_it_begins_and_when_it_begins_again(published_home: Home) -> None:
    def set_to(status: str) -> None:
        published_home.published.chmod(0o644)
        with duckdb.connect(str(published_home.published)) as connection:
            connection.execute(
                "update quality.validation_results set status = ? where check_name = 'fits_have_no_warnings'", [status]
            )

    def told() -> list[str]:
        return [text.partition("\n")[0].partition(": ")[2] for text in look(published_home)[0]]

    published_home.alerts.unlink()
    assert told() == ["check fits_have_no_warnings warns", "check rfm_segments_bear_true_names warns"]
    set_to("passed")
    assert told() == []
    set_to("failed")
    assert told() == ["check fits_have_no_warnings warns"]


def test_a_look_that_is_killed_tells_nobody_again_who_was_told(published_home: Home, world: World) -> None:
    world.hook.script = ["hang"]
    rule = {"REGULARS_FRESHNESS__MAX_AGE_HOURS": "0.0001"}
    environment = {**os.environ, **world.asking, **rule, "REGULARS_HOME": str(published_home.root)}
    with subprocess.Popen([*REGULARS, "status", "--alert"], env=environment, cwd=PROJECT_ROOT) as looking:
        deadline = time.monotonic() + 60
        while not world.hook.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        looking.send_signal(signal.SIGKILL)
    assert (len(world.posted), len(world.mailed)) == (1, 1)
    regulars("status", "--alert", home=published_home.root, **world.asking, **rule)
    assert (len(world.posted), len(world.mailed)) == (2, 1)
    assert world.posted[0] == world.posted[1]


def test_a_mail_is_never_sent_in_plain_where_encryption_is_asked_for(
    published_home: Home, asked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_AGE_HOURS", "0.0001")
    monkeypatch.setenv("REGULARS_ALERTS__EMAIL__SECURITY", "starttls")
    [warning] = look(published_home)[1]
    assert "STARTTLS extension not supported" in warning
    assert (len(asked.posted), len(asked.mailed)) == (1, 0)


def test_a_mail_goes_encrypted_with_the_password_of_the_environment(
    published_home: Home, asked: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = own_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_AGE_HOURS", "0.0001")
    monkeypatch.setenv("REGULARS_ALERTS__EMAIL__SECURITY", "starttls")
    monkeypatch.setenv("REGULARS_ALERTS__EMAIL__USER", "shop")
    with listening(Mailbox(tls)) as mailbox:
        monkeypatch.setenv("REGULARS_ALERTS__EMAIL__PORT", str(mailbox.port))
        assert "Set REGULARS_ALERTS_EMAIL_PASSWORD" in look(published_home)[1][0]
        monkeypatch.setenv("REGULARS_ALERTS_EMAIL_PASSWORD", "a secret")
        # nobody vouches for the server
        assert "CERTIFICATE_VERIFY_FAILED" in look(published_home)[1][0]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (mailbox.logins, mailbox.mails) == ([], [])
        assert look(published_home) == ([], [])
        assert mailbox.logins == [("shop", "a secret")]
        assert [mail["Subject"].partition(": ")[2] for _, mail in mailbox.mails] == ["the figures are old"]


UNKNOWN_KEY = """
[shop]
currncy = "GBP"
[alerts]
webhook = true
"""


def test_settings_that_cannot_be_read_are_told_once_by_the_channel_that_can(
    published_home: Home, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(UNKNOWN_KEY)
    environment = {"REGULARS_SETTINGS": str(file), "REGULARS_ALERTS_WEBHOOK_URL": world.hook.url}

    for command in (["daemon"], ["refresh"], ["status", "--alert"], ["ui", "--pages-only"]):
        done = regulars(*command, home=published_home.root, **environment)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"regulars: {file}: shop.currncy is not a setting")
    # what warns in this home is told, too: nobody asked for it before
    [told] = [text for text in world.posted if "settings" in text.partition("\n")[0]]
    for words in (
        f"Regulars {published_home.root} on ",
        ": the settings can't be read",
        f"• {file}, or a variable that overrides it, has an error. Until it is mended no refresh starts.",
        f"`regulars status --home {published_home.root}` says what is wrong.",
    ):
        assert words in told
    assert "currncy" not in told

    # mended: it is over, and would be told again if it came back
    file.write_text(UNKNOWN_KEY.replace("currncy", "currency"))
    assert regulars("status", "--alert", home=published_home.root, **environment).returncode == 0
    assert "settings" not in published_home.alerts.read_text()
    file.write_text(UNKNOWN_KEY)
    assert regulars("status", "--alert", home=published_home.root, **environment).returncode == 2
    assert [text for text in world.posted if text == told] == [told, told]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[alerts]\nwebhook = true\n[shop\n", "is not valid TOML"),
        ("[alerts]\nwebhook = true\nevent = ['failed']\n", "alerts.event is not a setting"),
        ("[shop]\ncurrency = 'pounds'\n[alerts]\nwebhook = true\nevents = ['stale']\n", "shop.currency = 'pounds'"),
    ],
)
def test_where_nobody_can_be_told_of_the_settings_the_log_and_the_tick_are(
    published_home: Home, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, said: str
) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(written)
    monkeypatch.setenv("REGULARS_SETTINGS", str(file))
    monkeypatch.setenv("REGULARS_ALERTS_WEBHOOK_URL", world.hook.url)
    logged: list[Entry] = []
    for _ in range(2):
        with pytest.raises(SettingsError, match=re.escape(said)):
            tell_news(published_home, log=logged.append, warn=pytest.fail)
    assert ["the settings can't be read" in entry.title for entry in logged] == [True]
    assert world.posted == []
    with dg.instance_for_test() as instance, pytest.raises(SettingsError, match=re.escape(said)):
        alerts_sensor(published_home)(dg.build_sensor_context(instance=instance))


def test_a_first_refresh_that_failed_is_told_though_nothing_is_published(tmp_path: Path, world: World) -> None:
    home = Home(tmp_path)
    deliver(home.landing, {"notes.csv": "nothing,to see here\n"})
    assert regulars("refresh", home=home.root).returncode == 1
    for _ in range(2):
        asked_for = regulars("status", "--alert", home=home.root, **world.asking)
        assert asked_for.returncode == 1
        assert "Nothing is published" in asked_for.stderr
    [told] = world.posted
    assert ": the refresh failed\n" in told
    assert ". Nothing is published yet.\n" in told


def test_a_snapshot_that_cannot_be_read_is_told_and_hides_no_failed_refresh(published_home: Home, asked: World) -> None:
    deliver(published_home.landing, {"2024-02-20.csv": HEADER + TOO_MUCH})
    assert regulars("refresh", home=published_home.root).returncode == 1
    before = len(asked.posted)
    published_home.published.unlink()
    published_home.published.write_bytes(b"no database")
    logged, warned = look(published_home)
    assert warned == []
    [text] = logged
    assert asked.posted[before:] == [text]
    assert text.splitlines()[0].endswith(": what is published can't be read")
    assert f"`regulars refresh --home {published_home.root}`" in text
    shown = regulars("status", home=published_home.root)
    assert shown.returncode == 1
    assert re.search(r"^Last run +✗ failed, ", shown.stdout, re.MULTILINE)
    assert f"✗ {published_home.published} can't be read" in shown.stdout
    as_json = regulars("status", "--json", home=published_home.root)
    told = json.loads(as_json.stdout)
    assert (as_json.returncode, told["has_failed"], told["published_at"]) == (1, True, None)
    assert "can't be read" in told["unreadable"]
    # the next publication ends both, and leaves what its checks warn of
    (published_home.landing / "2024-02-20.csv").unlink()
    assert regulars("refresh", home=published_home.root).returncode == 0
    assert {entry["kind"] for entry in json.loads(published_home.alerts.read_text())["entries"]} == {"warned"}


@pytest.mark.parametrize(
    "content",
    # cut off, bytes of another file, another release's, no object
    [b'{"entries": [{"key": "fai', b"\xff\x00{", b'{"entries": [{"gone": 1}], "days": []}', b"[]", b""],
)
def test_a_record_that_is_damaged_is_put_aside_and_alerts_go_on_once_each(
    published_home: Home, asked: World, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_AGE_HOURS", "0.0001")
    published_home.alerts.write_bytes(content)
    warned: list[str] = []
    logged: list[Entry] = []
    for _ in range(2):
        tell_news(published_home, log=logged.append, warn=warned.append)
    [told] = warned
    [aside] = published_home.root.glob("alerts.damaged-*.json")
    assert told.startswith(f"{published_home.alerts} was damaged (")
    assert str(aside) in told
    assert aside.read_bytes() == content
    # checks that warn are logged as well, and nobody asked to be sent them; the past's unusual days are no news
    assert [entry.kind for entry in logged].count("stale") == 1
    assert "unusual" not in {entry.kind for entry in logged}
    assert (len(asked.posted), len(asked.mailed)) == (1, 1)
    assert "the figures are old" in asked.posted[0]
