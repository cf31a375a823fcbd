"""What the package offers at its top."""

import lead
from lead import errors


def test_every_public_name_is_there() -> None:
    assert lead.__all__ == sorted(lead.__all__)
    for name in lead.__all__:
        assert getattr(lead, name) is not None


def test_errors_a_user_can_mend_have_one_parent() -> None:
    for error in (
        errors.WeightsError,
        errors.ProtocolError,
        errors.TooFewImagesError,
        errors.DivergedError,
    ):
        assert issubclass(error, errors.LeadError)
    assert issubclass(errors.LeadError, ValueError)
