import pytest


@pytest.fixture(autouse=True, scope="module")
def native_code_is_watched():
    """Every step that the native engine runs here lies between bytes that must not change.

    Nothing is measured of the processor, so that the code is the same in every run.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLBACK_GUARD", "1")
        patch.setenv("PULLBACK_TUNE", "0")
        yield
