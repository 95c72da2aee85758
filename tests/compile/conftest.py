import pytest


@pytest.fixture(autouse=True, scope="module")
def native_code_is_watched():
    """Every step that the native engine runs here lies between bytes that must not change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLBACK_GUARD", "1")
        yield
