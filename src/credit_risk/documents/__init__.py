"""Documents made from artefacts, each number traced to file, key and digest; and a release's evidence as one bundle."""
