"""Kinds of columns the origin's tables have beyond what SQL offers."""

from sqlalchemy import Dialect, String, TypeDecorator


class NoneAsEmptyText(TypeDecorator[str]):
    """A text, or None for "as each screen's own settings say", which is kept as empty text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        """Write it."""
        return value or ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Read it."""
        return value or None
