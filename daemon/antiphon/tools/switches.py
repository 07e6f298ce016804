"""Floor 3. The tool that switches outputs of the board, by their names."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from antiphon.errors import DeviceError
from antiphon.ports import Outputs, ToolSpec
from antiphon.tools.tool import Tool, ToolFault, schema


class Switchboard:
    """Toolbox. The outputs are off when it ends: what nobody watches over should not stay on."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        names = ", ".join(outputs.names)
        spec = ToolSpec(
            "switch",
            f"Switch an output of this device on or off, or tell whether it is on. There are: {names}.",
            schema(
                {
                    "name": {"type": "string", "enum": list(outputs.names)},
                    "on": {"type": "boolean", "description": "true for on, false for off; without it nothing changes"},
                },
                ["name"],
            ),
        )
        self._tools = [Tool(spec, self._switch)]

    def tools(self) -> Sequence[Tool]:
        """Toolbox."""
        return self._tools

    async def run(self, changed: Callable[[], None]) -> None:  # noqa: ARG002 - they are always the same
        """Toolbox."""
        try:
            await asyncio.Event().wait()
        finally:
            self._outputs.close()

    async def _switch(self, arguments: Mapping[str, Any]) -> Any:
        name = arguments["name"]
        try:
            if "on" in arguments:
                self._outputs.set(name, on=arguments["on"])
            return {"name": name, "on": self._outputs.get(name)}
        except DeviceError as error:
            raise ToolFault(str(error)) from None
