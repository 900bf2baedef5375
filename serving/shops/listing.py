"""The file that lists the shops of a server.

Belongs here: its keys and their values. Does not belong here: a shop's own settings (:mod:`warehouse.settings`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from warehouse.errors import SettingsError
from warehouse.rights import explain_refusal
from warehouse.settings import Serve, Token

Address = Annotated[str, Field(pattern=r"^https?://[^\s\"'<>]+$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shop(_Table):
    """One of them."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    home: Path
    settings: Path | None = None
    """Its ``regulars.toml``, for how old its figures may be; None: nothing is too old."""
    pages: Address | None = None
    """Where its dashboard is, as a browser reaches it."""
    dagster: Address | None = None
    """The same of its Dagster pages."""


class Shops(_Table):
    """All of them, and who may look."""

    shops: Annotated[tuple[Shop, ...], Field(min_length=1)]
    tokens: tuple[Token, ...] = ()
    """As ``serve.tokens`` of a shop's settings."""

    @field_validator("shops")
    @classmethod
    def _one_each(cls, shops: tuple[Shop, ...]) -> tuple[Shop, ...]:
        for what in ("name", "home"):
            told = [str(getattr(shop, what)) for shop in shops]
            if twice := sorted({one for one in told if told.count(one) > 1}):
                raise ValueError(f"two shops have the {what} {', '.join(twice)}")
        return shops

    @property
    def serve(self) -> Serve:
        """Who may look, as the server knows it."""
        return Serve(tokens=self.tokens)


def read_shops(path: Path) -> Shops:
    """Read the file; paths in it are taken from the folder that it lies in.

    Raises
    ------
    SettingsError
        Naming the file, and what is wrong in it.
    """
    try:
        told = Shops(**tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError as error:
        raise SettingsError(f"{path} does not exist; it lists the shops, as docs/deploying.md says.") from error
    except OSError as error:
        raise SettingsError(explain_refusal(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False)
        ]
        raise SettingsError(f"{path}: {'; '.join(faults)}.") from error
    beside = path.resolve().parent
    return told.model_copy(
        update={
            "shops": tuple(
                shop.model_copy(
                    update={
                        "home": beside / shop.home.expanduser(),
                        "settings": shop.settings and beside / shop.settings.expanduser(),
                    }
                )
                for shop in told.shops
            )
        }
    )
