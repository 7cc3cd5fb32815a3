"""What every section of a config is made of: no unknown key, every value typed, nothing changed after loading."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]
Scalar = str | int | float | bool


class Section(BaseModel):
    """A part of the config: no unknown key, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
