"""Who signed a file: a person whose SSH key is on record, for exactly these bytes and this use."""

from credit_risk.config import identities
from credit_risk.data import signers
from identities_trial import new_key, sign, write_identities


def test_a_signature_counts_for_exactly_these_bytes_of_this_person_for_this_use(tmp_path):
    file = tmp_path / "waiver.yaml"
    file.write_text("check: level\n")
    ada, eve = new_key(tmp_path, "ada"), new_key(tmp_path, "eve")
    public = " ".join(ada.with_suffix(".pub").read_text().split()[:2])
    write_identities(tmp_path, {"name": "Kim Lee"}, {"name": "Ada Berg", "ssh_keys": [public]})
    known, signature = identities.load(tmp_path), tmp_path / "waiver.yaml.sig"
    assert signers.signer(known, file.read_bytes(), signature) is None  # nobody signed yet
    sign(file, ada)
    name, identity = signers.signer(known, file.read_bytes(), signature)
    assert (name, identity[:11]) == ("Ada Berg", "key:SHA256:")
    assert signers.signer(known, file.read_bytes() + b" ", signature) is None
    sign(file, eve)
    assert signers.signer(known, file.read_bytes(), signature) is None
    sign(file, ada, namespace="git")  # as a commit is signed
    assert signers.signer(known, file.read_bytes(), signature) is None
