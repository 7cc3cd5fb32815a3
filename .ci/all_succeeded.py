"""Exit 1 unless every job in NEEDS (GitHub's `needs` as JSON) succeeded; the image may be skipped where there is none.

GitHub counts a skipped required check as passed: a plan that failed would skip everything behind it, and pass.
"""

import json
import os

needs = json.loads(os.environ["NEEDS"])
no_image = needs.get("plan", {}).get("outputs", {}).get("image") == "false"
bad = {
    name: job["result"]
    for name, job in needs.items()
    if job["result"] != "success" and not (name == "image" and no_image and job["result"] == "skipped")
}
if bad or "plan" not in needs:
    raise SystemExit(f"Not every job succeeded: {bad or 'there was no plan'}")
