"""Two import-linter contracts of our own. Both hold for rooms and libraries that come later, without a word in the
configuration; the stock contracts want every module they name to exist already."""

import re
from collections.abc import Iterable

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Broken = list[tuple[str, str, int]]


def _imports(graph: ImportGraph, house: str) -> Iterable[tuple[str, str]]:
    for importer in sorted(graph.find_descendants(house)):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            yield importer, imported


def _with_lines(graph: ImportGraph, importer: str, imported: str) -> Broken:
    details = graph.get_import_details(importer=importer, imported=imported)
    return [(importer, imported, int(detail["line_number"])) for detail in details]


def _render(broken: Broken, advice: str) -> None:
    for importer, imported, line in broken:
        output.print_error(f"- {importer} -> {imported} (l.{line})", bold=False)
    output.print_error(advice, bold=False)


class PublicFilesContract(Contract):
    """Every import from one room into another names one of the other's public files.

    Options: `house` (the package whose children are the rooms), `public` (file names that others may import),
    `open_rooms` (rooms without walls: words and services for all), `joiners` (children of the house that may
    import everything; the composition root).
    """

    type_name = "public_files"

    house = fields.StringField()
    public = fields.SetField(subfield=fields.StringField())
    open_rooms = fields.SetField(subfield=fields.StringField())
    joiners = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Look at each import that goes from one child of the house into another."""
        house = str(self.house)
        public: set[str] = set(self.public)  # type: ignore[arg-type]
        open_rooms: set[str] = set(self.open_rooms)  # type: ignore[arg-type]
        joiners: set[str] = set(self.joiners)  # type: ignore[arg-type]
        broken: Broken = []
        for importer, imported in _imports(graph, house):
            own_room, parts = importer.split(".")[1], imported.split(".")
            if parts[0] != house or len(parts) == 1 or parts[1] in open_rooms | {own_room} or own_room in joiners:
                continue
            if len(parts) < 3 or parts[2] not in public:
                broken += _with_lines(graph, importer, imported)
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import and say what to do instead."""
        _render(
            check.metadata["broken"],
            "Import the other room's contract or errors; what it lacks goes into its contract or becomes a port "
            "that bootstrap joins.",
        )


class KeptContract(Contract):
    """The modules in `kept` (ours or a library's) are imported directly by those in `within` only.

    `*` stands for one part of a dotted name; a name means the module and everything below it.
    """

    type_name = "kept"

    house = fields.StringField()
    kept = fields.SetField(subfield=fields.StringField())
    within = fields.SetField(subfield=fields.StringField())
    advice = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Look at each direct import of something kept."""
        kept, within = self._pattern(set(self.kept)), self._pattern(set(self.within))  # type: ignore[arg-type]
        broken: Broken = []
        for importer, imported in _imports(graph, str(self.house)):
            if kept.match(imported) and not within.match(importer) and not kept.match(importer):
                broken += _with_lines(graph, importer, imported)
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    @staticmethod
    def _pattern(names: set[str]) -> re.Pattern[str]:
        either = "|".join(re.escape(name).replace(r"\*", r"[^.]+") for name in sorted(names))
        return re.compile(rf"(?:{either})(?:\.|$)")

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import and give the advice of the configuration."""
        _render(check.metadata["broken"], str(self.advice))
