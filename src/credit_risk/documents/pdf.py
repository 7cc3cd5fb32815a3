"""Documents as PDF, by typst: every figure has a footnote with its artefact, key and digest."""

import json
from dataclasses import asdict
from pathlib import Path

from credit_risk.data.writing import replacing
from credit_risk.documents import content
from credit_risk.documents.content import WrittenDocuments

TYPST = Path(__file__).with_name("document.typ")


def write(root: Path, folder: Path) -> WrittenDocuments:
    """Write every document as PDF. What a page would mark as missing or owed is marked here too."""
    import typst  # noqa: PLC0415  (late: 30 MB that pages do without)

    documents = content.filled(root)
    paths = [folder / f"{document.name}.pdf" for document in documents]
    for path, document in zip(paths, documents, strict=True):
        facts = json.dumps(asdict(document), ensure_ascii=False)
        with replacing(path) as unfinished:
            unfinished.write_bytes(typst.compile(str(TYPST), sys_inputs={"document": facts}))
    return content.written(root, documents, paths)
