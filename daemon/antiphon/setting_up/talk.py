"""Questions on a terminal, each with an answer for Enter. It knows nothing of what they are about."""

import getpass
from collections.abc import Sequence


class Talk:
    """A conversation with whoever sits at the terminal. EOFError when he has hung up, KeyboardInterrupt for Ctrl-C."""

    def say(self, line: str = "") -> None:
        """Tell something."""
        print(line, flush=True)

    def head(self, title: str) -> None:
        """Begin something new."""
        self.say(f"\n{title}")

    def ask(self, question: str, default: str) -> str:
        """What was typed, or `default` for nothing."""
        shown = f" [{default}]" if default else ""
        return self._read(f"{question}{shown}: ").strip() or default

    def yes(self, question: str, *, default: bool) -> bool:
        """Yes or no."""
        return self.one_of(f"{question} (y)es, (n)o", "yn", "y" if default else "n") == "y"

    def one_of(self, question: str, letters: str, default: str) -> str:
        """One of `letters`: the first of what was typed."""
        while True:
            answer = self.ask(question, default)[0].lower()
            if answer in letters:
                return answer
            self.say(f"One of {', '.join(letters)}, please.")

    def choose(self, question: str, titles: Sequence[str], at: int) -> int:
        """The place of one of `titles`, which are shown with numbers from 1."""
        for number, title in enumerate(titles, 1):
            self.say(f"  {number:2}  {title}")
        while True:
            answer = self.ask(question, str(at + 1))
            if answer.isdecimal() and 1 <= int(answer) <= len(titles):
                return int(answer) - 1
            self.say(f"A number from 1 to {len(titles)}, please.")

    def hidden(self, question: str) -> str:
        """What was typed; the terminal does not show it."""
        return getpass.getpass(question)

    def _read(self, prompt: str) -> str:
        return input(prompt)
