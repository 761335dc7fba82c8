"""A command's help, its options under the headings of their groups."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

OTHERS = "Options"


class HelpByGroup(TyperCommand):
    """Shows options by the heading that `grouped` gave them; those without one last."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                sections["Arguments"].append(record)
            elif heading := getattr(parameter, "rich_help_panel", None):
                sections.setdefault(heading, []).append(record)
            else:
                others.append(record)
        for heading, records in {**sections, OTHERS: others}.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
