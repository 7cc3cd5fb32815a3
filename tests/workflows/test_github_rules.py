"""GitHub's rules, held against the workflows as they are, and each against a small one that breaks it."""

import github_rules as rules
import pytest
from ruamel.yaml import YAML
from runner import ROOT, read

OURS = {path.name: read(path) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
CALLED = """
on: {workflow_call: }
jobs: {inner: {permissions: {contents: read, id-token: write}, steps: [{run: "true"}]}}
"""
BROKEN = {
    rules.permissions_within_the_callers: """
on: {push: }
jobs: {outer: {permissions: {contents: read}, uses: ./.github/workflows/called.yml}}
""",
    rules.id_token_where_a_role_is_assumed: """
on: {push: }
jobs: {data: {permissions: {contents: read}, steps: [{uses: ./dvc-data, with: {role: "${{ vars.X }}"}}]}}
""",
    rules.no_variable_in_the_condition_of_a_job_with_an_environment: """
on: {workflow_dispatch: }
jobs: {roll-out: {if: "vars.DEPLOY_ROOT != ''", environment: production, steps: [{run: "true"}]}}
""",
    rules.no_environment_on_a_calling_job: """
on: {push: }
jobs: {outer: {environment: production, permissions: {contents: read, id-token: write},
               uses: ./.github/workflows/called.yml}}
""",
    rules.no_artifact_of_decisions: """
on: {workflow_dispatch: }
jobs: {score: {steps: [{run: credit-risk score --input x.csv}, {uses: actions/upload-artifact@v7}]}}
""",
    rules.schedules_in_a_caller_of_their_own: """
on: {schedule: [{cron: 1 1 * * *}], pull_request: }
jobs: {work: {steps: [{run: make sabotage}]}}
""",
    rules.tests_have_their_packages: """
on: {pull_request: }
jobs: {workflows: {steps: [{uses: ./.github/actions/set-up}, {run: make test-workflows}]}}
""",
    rules.secrets_have_a_way_without: """
on: {pull_request: }
jobs: {sign: {steps: [{run: sign, env: {KEY: "${{ secrets.SIGNING_KEY }}"}}]}}
""",
    rules.the_signing_key_is_read_in_an_environment: """
on: {workflow_dispatch: }
jobs: {sign: {steps: [{run: sign, if: "true", env: {KEY: "${{ secrets.SIGNING_KEY }}"}}]}}
""",
    rules.callable_workflows_name_their_own_queue: """
on: {workflow_call: }
concurrency: {group: "${{ github.workflow }}"}
jobs: {work: {steps: [{run: "true"}]}}
""",
    rules.self_hosted_runners_have_another_label: """
on: {pull_request: }
jobs: {train: {runs-on: self-hosted, steps: [{run: make run}]}}
""",
    rules.repositories_are_compared_by_their_full_names: """
on: {pull_request: }
jobs: {scan: {steps: [{if: github.event.pull_request.head.repo.fork != true, run: upload}]}}
""",
    rules.a_reported_run_was_not_cancelled: """
on: {workflow_run: {workflows: [CI]}}
jobs: {comment: {if: github.event.workflow_run.event == 'pull_request', steps: [{run: comment}]}}
""",
    rules.uploads_know_whether_code_scanning_is_on: """
on: {pull_request: }
jobs: {scan: {steps: [{uses: github/codeql-action/upload-sarif@v4}]}}
""",
    rules.who_deploys_is_who_started_the_run: """
on: {workflow_dispatch: {inputs: {by: {type: string}}}}
jobs: {roll-out: {steps: [{run: deploy, env: {BY: "${{ inputs.by }}"}}]}}
""",
}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_our_workflows_keep_the_rule(rule):
    assert list(rule(OURS)) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_workflow_that_breaks_the_rule_is_named(rule):
    yaml = YAML(typ="safe", pure=True)
    broken = list(rule({"broken.yml": yaml.load(BROKEN[rule]), "called.yml": yaml.load(CALLED)}))
    assert broken
    assert all(sentence.startswith("broken.yml: ") for sentence in broken)


def test_a_schedule_that_only_calls_what_is_switched_on_keeps_the_rule():
    kept = """
on: {schedule: [{cron: 1 1 * * *}]}
jobs:
  due: {steps: [{run: python3 .ci/due.py}]}
  outer: {if: "contains(fromJSON(needs.due.outputs.due), 'called')", uses: ./.github/workflows/called.yml}
"""
    assert list(rules.schedules_in_a_caller_of_their_own({"kept.yml": YAML(typ="safe", pure=True).load(kept)})) == []


def test_the_permissions_of_what_a_called_workflow_calls_count_too():
    middle = """
on: {workflow_call: }
jobs: {middle: {permissions: {contents: read, id-token: write}, uses: ./.github/workflows/called.yml}}
"""
    yaml = YAML(typ="safe", pure=True)
    workflows = {
        "called.yml": yaml.load(CALLED),
        "middle.yml": yaml.load(middle),
        "outer.yml": yaml.load(BROKEN[rules.permissions_within_the_callers].replace("called.yml", "middle.yml")),
    }
    (sentence,) = rules.permissions_within_the_callers(workflows)
    assert "middle.yml, which asks for id-token: write" in sentence
