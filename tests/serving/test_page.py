"""The page's frame: made from the config, holding nothing protected, and letting only its own script run."""

import base64
import hashlib
import json
import re

import smallest
from credit_risk.serving import page

COLUMNS = {
    "id": {"role": "id", "type": "integer"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000], "label": "monthly income"},
    "months late": {"role": "feature", "type": "integer", "range": [0, 12], "missing": "allow"},
    "job": {"role": "input_only", "type": "category", "categories": ["none", "<b>some</b>"]},
    "customer": {"role": "feature", "type": "boolean"},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"], "why": "sex"},
    "postcode": {"role": "proxy", "type": "text", "why": "where people live"},
    "status": {"role": "target", "type": "integer"},
}
EXAMPLE = {"income": 1200.5, "job": "none", "customer": True}


def shown(**sections):
    config = smallest.config(columns=COLUMNS, **sections)
    return page.render(config, example=EXAMPLE, scorer="ab12", needs_key=False)


def test_there_is_one_field_for_each_input_and_none_for_what_is_guarded():
    names = re.findall(r'data-name="([^"]+)"', shown().html)
    assert names == ["income", "months late", "job", "customer"]
    for guarded in ("sex", "postcode", "status"):
        assert f'"{guarded}"' not in shown().html


def test_a_field_says_what_it_may_hold_and_whether_it_may_stay_empty():
    html = shown().html
    assert "income: a number from 0 to 9,000" in html
    assert "monthly income</label>" in html
    assert 'hint-1">a whole number from 0 to 12</p>' in html  # no label of its own: the name stands above already
    assert "months late <small>(may be empty)</small></label>" in html
    assert 'step="1" min="0.0" max="12.0"' in html


def test_words_of_the_config_are_text_and_never_markup():
    html = shown(project={"name": "a", "legal_basis": "b", "title": "</title><script>alert(1)</script>"}).html
    assert "<script>alert(1)" not in html
    assert "<option>&lt;b&gt;some&lt;/b&gt;</option>" in html


def test_the_policy_names_the_script_and_the_style_by_their_hash():
    made = shown()
    scripts = re.findall(r"<script>(.*?)</script>", made.html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert scripts
    named = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f"script-src {named};" in made.policy
    assert "default-src 'none'" in made.policy
    assert "unsafe-inline" not in made.policy


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_kept_in_the_browser():
    html = shown().html
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    assert "Storage" not in html
    assert "innerHTML" not in html
    assert "style=" not in html  # an inline style would be refused by the policy


def test_the_script_gets_the_scale_the_bands_and_the_cut_off():
    (raw,) = re.findall(r'id="facts">(.*?)</script>', shown().html, re.DOTALL)
    facts = json.loads(raw)
    assert facts["cutOff"] == 0.25  # margin 0.2 over margin 0.2 + loss 0.6
    assert facts["bands"] == [{"name": "A", "minimum": 0}]
    assert round(facts["offset"], 3) == 487.123
    assert facts["example"] == EXAMPLE
    assert facts["kinds"] == {"income": "number", "months late": "integer", "job": "category", "customer": "boolean"}


def test_a_key_is_asked_for_only_where_the_service_needs_one():
    config = smallest.config(columns=COLUMNS)
    assert 'id="key"' not in shown().html
    assert 'id="key" type="password"' in page.render(config, example={}, scorer="ab12", needs_key=True).html
