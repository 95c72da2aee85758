import pytest


@pytest.fixture(autouse=True)
def native_code_is_watched(monkeypatch):
    """Every step that the native engine runs here lies between bytes that must not change."""
    monkeypatch.setenv("PULLBACK_GUARD", "1")
