"""What a query in PromQL names, as a parser of its own reads it."""

import promql_parser
from promql_parser import MatrixSelector, VectorSelector


def metrics_named(query: str) -> set[str]:
    """The metrics of a query. Raises ValueError for one that does not parse."""
    named = set()

    def note(part) -> None:
        selector = part.vector_selector if isinstance(part, MatrixSelector) else part
        if isinstance(selector, VectorSelector):
            named.add(selector.name)

    promql_parser.walk(promql_parser.parse(query), note)
    return named
