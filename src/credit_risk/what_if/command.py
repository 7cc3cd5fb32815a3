"""`credit-risk what-if`: what another policy would have done on the test rows, and taking it."""

from typing import Annotated, Literal

from typer import Context, Option, Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Root, add, before_the_verb, say, verbs

MORE = """
examples:
  credit-risk what-if page
  credit-risk what-if take --cut-off 0.26
  credit-risk what-if take --cut-off 0.26 --refer-within 0.01 --lgd 0.55 --write
"""


def add_commands(app: Typer) -> None:
    """Add the page of other policies, and the command that takes one."""
    what_if = verbs(
        app, "what-if", help="What another policy would have done on the test rows.", group=GATES, more=MORE
    )
    what_if.callback()(_what_if)
    add(what_if, "page", _page)
    add(what_if, "take", _take, more=MORE)


def _what_if(
    context: Context,
    root: Root = HERE,  # noqa: ARG001  (read from the context)
    config: ConfigFile = None,  # noqa: ARG001
) -> None:
    before_the_verb(context)


def _page(root: Root = HERE, config: ConfigFile = None) -> None:
    """Write reports/what-if.html: cut-off, referral band, margin and loss to be moved by hand. No server is needed."""
    from credit_risk.data.repository import opened
    from credit_risk.what_if import measure, settings

    checked, files = opened(root, config)
    measure.run(checked, settings.load(files.root / "configs" / "what-if.yaml"), files)
    say(str(files.reports / "what-if.html"))


def _take(
    cut_off: Annotated[float, Option("--cut-off", help="The PD at which an approval shall earn nothing.")],
    refer_within: Annotated[
        float | None, Option(help="How far around it a person decides (default: as it is).")
    ] = None,
    lgd: Annotated[float | None, Option(help="The loss given default to state with it (default: as it is).")] = None,
    by: Annotated[Literal["margin", "lgd"], Option(help="What is stated anew so that the cut-off follows.")] = "margin",
    write: Annotated[bool, Option("--write", help="Change configs/credit.yaml; without, a patch is printed.")] = False,
    root: Root = HERE,
    config: ConfigFile = None,
) -> None:
    """Take a policy: the margin or LGD that its cut-off follows from, as a patch of configs/credit.yaml."""
    from credit_risk.data.repository import opened
    from credit_risk.editing import config_file
    from credit_risk.what_if import taking

    checked, files = opened(root, config)
    new = taking.values(checked.policy, cut_off=cut_off, refer_within=refer_within, lgd=lgd, by=by)
    if not new:
        say("This is the policy in force: nothing is to be changed.")
        return
    change = config_file.change(config or files.config, new)
    if write:
        change.write()
        say(f"{change.path}: {change.summary()}")
    else:
        say(change.patch(root).rstrip("\n"))
