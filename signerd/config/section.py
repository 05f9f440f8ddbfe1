"""What the sections of the configuration are made of."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict

PositiveSeconds = Annotated[float, Field(gt=0, le=3600)]
# TOML has neither paths nor enumerations: both are read from strings.
TomlPath = Annotated[Path, Strict(strict=False)]


class Section(BaseModel):
    """A table of the file."""

    # strict: "2" is no number and true is no 1.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
