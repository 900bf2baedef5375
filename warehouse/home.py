"""Where state is: one folder, ``REGULARS_HOME``.

Belongs here: the paths under it and which landing folder it belongs to. Does not
belong here: opening or writing any of those files.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.errors import HomeError
from warehouse.settings import PROJECT_ROOT

HOME_VARIABLE = "REGULARS_HOME"

HOME_FORMAT = 1
"""Raised by the change after which an earlier release would misread what lies in a home, and never else: an earlier one
then refuses the home instead of spoiling it. Homes without a number are older than all of them."""


@dataclass(frozen=True)
class Origin:
    """Which landing folder a home belongs to, and whether that is made-up data."""

    landing: Path
    is_sample: bool
    bound_at: Path | None = field(default=None, compare=False)
    """Where the home lay when this was written; None if that was not kept. Another place: it was moved or copied."""


@dataclass(frozen=True)
class Home:
    """The folder that holds all state. Sample and real data never share one."""

    root: Path

    @property
    def landing(self) -> Path:
        """Delivered files, unless the home was bound to another folder."""
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        """The pipeline's private DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def pseudonym_key(self) -> Path:
        """The secret that pseudonyms of customers are made with; belongs into the backup, and to nobody else."""
        return self.root / "pseudonym.key"

    @property
    def lock(self) -> Path:
        """Held for the length of a refresh."""
        return self.root / "warehouse.lock"

    @property
    def code_memo(self) -> Path:
        """Remembers the fingerprint of the code that worked here last; safe to delete."""
        return self.root / "code.fingerprint"

    @property
    def damage_note(self) -> Path:
        """There only once some part of the private file could not be read; the next refresh makes it anew."""
        return self.root / "warehouse.damaged"

    @property
    def published(self) -> Path:
        """The snapshot that readers open."""
        return self.root / "published" / "regulars.duckdb"

    @property
    def snapshots(self) -> Path:
        """The last few snapshots, newest name last."""
        return self.root / "published" / "snapshots"

    @property
    def parquet(self) -> Path:
        """A link to the Parquet copies that belong to the snapshot, where the settings ask for them."""
        return self.root / "published" / "parquet"

    @property
    def parquet_sets(self) -> Path:
        """Where the link leads: one folder for each of the last publications."""
        return self.root / "published" / "parquet-sets"

    @property
    def stopped(self) -> Path:
        """Beside the snapshot, while it is older than the newest refresh: why that one published nothing."""
        return self.published.with_name("stopped.json")

    @property
    def last_refresh(self) -> Path:
        """Beside the snapshot: when the newest refresh was at work, and what came of it."""
        return self.published.with_name("last_refresh.json")

    @property
    def alerts(self) -> Path:
        """What was told of this home, and to whom."""
        return self.root / "alerts.json"

    @property
    def audit(self) -> Path:
        """Who took what away or changed what others see, a file a month."""
        return self.root / "audit"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages."""
        return self.root / "data_docs"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """Dbt's target and log folders."""
        return self.root / "dbt"

    @property
    def spark(self) -> Path:
        """What Spark is handed and what it makes, while a step of a refresh is at work there."""
        return self.scratch / "spark"

    @property
    def scratch(self) -> Path:
        """Temporary files; safe to delete between runs."""
        return self.root / "tmp"

    @property
    def exports(self) -> Path:
        """Files for mail and ad tools."""
        return self.root / "exports"

    @property
    def reports(self) -> Path:
        """Reports for people."""
        return self.root / "reports"

    @property
    def sample(self) -> Home:
        """A home of its own for the made-up history, so that real files never meet it."""
        return Home(self.root / "sample")

    @property
    def to_read(self) -> Home:
        """The home that readers look into: the shop's own once something was delivered there, else the sample's."""
        # a first refresh that failed must not look like the sample's last good one
        is_own = any(path.exists() for path in (self.published, self.origin_file, self.warehouse))
        return self.sample if not is_own and self.sample.published.exists() else self

    @property
    def origin_file(self) -> Path:
        """Remembers which landing folder the home belongs to."""
        return self.root / "origin.json"

    def origin(self) -> Origin | None:
        """What the home is bound to; None before the first refresh.

        Raises
        ------
        HomeError
            If the file that remembers it is damaged.
        """
        if not self.origin_file.exists():
            return None
        self.refuse_newer()
        try:
            kept = json.loads(self.origin_file.read_text())
            # a landing inside the home moves with it
            landing = self.root.resolve() / kept["landing"]
            bound_at = Path(kept["home"]) if "home" in kept else None
            return Origin(landing, bool(kept["is_sample"]), bound_at)
        except (ValueError, KeyError, TypeError) as error:
            raise HomeError(
                f"{self.origin_file} is damaged ({error}). It should hold the landing folder this home belongs to; "
                "delete it to bind the home again."
            ) from error

    def refuse_newer(self) -> None:
        """Leave a home alone that a later release has worked on in a way that this one does not know.

        Raises
        ------
        HomeError
            If it is one.
        """
        try:
            made_in = json.loads(self.origin_file.read_text()).get("format", 0)
        except (OSError, ValueError, AttributeError):
            # there is none, or it is damaged, which who reads it says
            return
        if made_in > HOME_FORMAT:
            raise HomeError(
                f"{self.root} was made or changed by a later release (format {made_in}; this one knows {HOME_FORMAT}). "
                "Install that release again, or restore a backup from before the upgrade to another folder."
            )

    def origin_or_own(self) -> Origin:
        """What the home is bound to, or would be if nobody chooses: its own landing folder."""
        return self.origin() or Origin(self.landing, is_sample=False)

    def bind(self, landing: Path, *, is_sample: bool, holds_lines: bool = True, rebind: bool = False) -> Origin:
        """Tie this home to one landing folder, once.

        Parameters
        ----------
        holds_lines
            Whether anything was ever loaded here. A home that holds nothing yet may
            still be bound to another folder: its owner only named a wrong one at first.
        rebind
            Whether the owner says that the folder is the same shop's, in another place.

        Raises
        ------
        HomeError
            If the home already belongs to another folder, so that two shops' or
            made-up and real lines never meet in one warehouse.
        """
        root = self.root.resolve()
        wanted = Origin(landing.resolve(), is_sample, bound_at=root)
        bound = self.origin()
        if bound is not None and bound != wanted and holds_lines and not (rebind and bound.is_sample == is_sample):
            holds = "sample data" if bound.is_sample else "data"
            raise HomeError(
                f"{self.root} already holds {holds} from {bound.landing}; {wanted.landing} would be mixed in. "
                f"Use another home for it (--home DIR or {HOME_VARIABLE}=DIR), or delete {self.root} to start over. "
                "If it is the same shop's folder in another place, add --rebind."
            )
        is_inside = wanted.landing.is_relative_to(root)
        kept = wanted.landing.relative_to(root) if is_inside else wanted.landing
        facts = {"landing": str(kept), "is_sample": is_sample, "home": str(root), "format": HOME_FORMAT}
        told = json.dumps(facts) + "\n"
        if bound is None or self.origin_file.read_text() != told:
            self.root.mkdir(parents=True, exist_ok=True)
            partial = self.origin_file.with_suffix(".partial")
            partial.write_text(told)
            partial.replace(self.origin_file)
        return wanted


def default_home() -> Home:
    """``$REGULARS_HOME``, else ``data/`` in the checkout."""
    named = os.environ.get(HOME_VARIABLE)
    return Home(Path(named).expanduser().resolve() if named else PROJECT_ROOT / "data")
