"""Of which types the members of client metadata are, with their limits."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

NO_CONTROL_CHARACTERS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=2048, pattern=NO_CONTROL_CHARACTERS)
]
LONGEST_NAME: Final = 512
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=NO_CONTROL_CHARACTERS)
]
Token = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL_CHARACTERS)
]
Statement = Annotated[
    str, StringConstraints(min_length=1, max_length=32768, pattern=NO_CONTROL_CHARACTERS)
]
# strict=False: JSON has arrays, we keep tuples. The items stay strict.
Uris = Annotated[tuple[Text, ...], Field(max_length=100, strict=False)]
Tokens = Annotated[tuple[Token, ...], Field(max_length=100, strict=False)]
Seconds = Annotated[int, Field(ge=0, le=2**53)]
