"""From layers to settings that fit, with the origin of each; or one error that names everything that does not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from antiphon.errors import SettingsError
from antiphon.settings.layers import DEFAULT, Complaint, Layer, Sheet, dotted, lay
from antiphon.settings.sections import Settings
from antiphon.settings.wording import complaint


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each of them was given."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to origin: "default", "config/demo.yaml:12", "ANTIPHON_REALTIME__VOICE", "--set"."""


def load(layers: Sequence[Layer]) -> Loaded:
    """The settings that `layers`, lowest first, make of the defaults.

    Raises SettingsError with every error, one a line, as `file:line: key: what is wrong; what is allowed`.
    """
    sheet = lay(layers)
    complaints = list(sheet.complaints)
    # An empty section, as when all its keys are commented out, is not an error.
    tree = {key: value for key, value in sheet.tree.items() if value is not None or key not in Settings.model_fields}
    try:
        # Through JSON, where "strict" still takes a list for a tuple and a mapping for a section, and little else.
        settings = Settings.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        complaints += _complaints(sheet, error)
    if complaints:
        raise SettingsError("\n".join(str(one) for one in sorted(set(complaints))))
    paths = [(name, key) for name, section in settings for key in type(section).model_fields]
    return Loaded(settings, {dotted(path): str(sheet.places.get(path, DEFAULT)) for path in paths})


def _complaints(sheet: Sheet, error: ValidationError) -> list[Complaint]:
    schema = Settings.model_json_schema()
    return [complaint(sheet, schema, one) for one in error.errors(include_url=False, include_input=False)]
