import logging
import traceback

import pytest

from aclf_fhir.api.logs import EventFormatter, event, loggable, places


def fail() -> None:
    raise ZeroDivisionError("Mrs Okonkwo")


def failing() -> BaseException:
    try:
        fail()
    except ZeroDivisionError as error:
        return error
    return BaseException()


def record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("x", logging.ERROR, __file__, 1, message, None, info)


def test_an_exception_is_logged_by_type_and_place() -> None:
    line = EventFormatter().format(record("event=fault", failing()))
    assert "error=ZeroDivisionError@test_logs.py:" in line
    assert "Okonkwo" not in line
    assert "\n" not in line
    assert places(failing()).startswith("ZeroDivisionError@")


def test_a_trace_that_comes_as_text_loses_all_but_its_type() -> None:
    error = failing()
    text = "".join(traceback.format_exception(error))
    line = EventFormatter().format(record(text))
    assert line.endswith("error=ZeroDivisionError")
    assert "Okonkwo" not in line


def test_an_event_is_one_line_of_pairs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    event(logging.INFO, "request", route="/fhir/{resource_type}", status=200)
    assert caplog.messages == ["event=request route=/fhir/{resource_type} status=200"]


def test_only_a_request_id_that_cannot_be_somebodys_number_is_logged() -> None:
    uuid = "0b1f7c3e-8f6b-4b5f-9d4c-1f0e6a7b8c9d"
    assert loggable(uuid) == uuid
    assert loggable("MRN-77183") == "-"
