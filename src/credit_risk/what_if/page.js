"use strict";
// Everything shown is added up from the counts in the page; contrasts and bad rates come with their intervals.
const data = JSON.parse(document.getElementById("aggregates").textContent);
const add = (...pairs) => [0, 1].map((kind) => pairs.reduce((sum, pair) => sum + pair[kind], 0));
const less = (whole, part) => [0, 1].map((kind) => whole[kind] - part[kind]);
const rowsOf = (pair) => pair[0] + pair[1];
const NONE = [0, 0];

// How many rows, by outcome, a policy sends where. A referral band of width 0 refers nobody for nearness.
function decided(policy) {
  const lower = data.limits[policy.lower], upper = data.limits[policy.upper];
  const [approve, refer, decline, refused] = data.fixed;
  const notDeclined = policy.refer_within ? upper.up_to : lower.below;
  const ruledReferred = policy.refer_within ? upper.ruled_up_to : data.limits[policy.lower].ruled_below;
  return {
    approve: add(approve, lower.below),
    refer: add(refer, less(notDeclined, lower.below), ruledReferred),
    decline: add(decline, less(data.by_pd, notDeclined), less(data.ruled, ruledReferred)),
    refused,
  };
}

// What the approved book was to be and was, by what a good earns and a bad loses.
function book(policy, margin, lgd) {
  const lower = data.limits[policy.lower], [goods, bads] = lower.below, approved = goods + bads;
  const good = margin - data.policy.cost, bad = lgd + data.policy.cost, [ofGoods, ofBads, both] = lower.variance;
  const profit = (good * goods - bad * bads) / data.rows;
  const error = data.z * Math.sqrt(Math.max(good * good * ofGoods + bad * bad * ofBads - 2 * good * bad * both, 0));
  const rate = approved / data.rows, rateError = data.z * Math.sqrt(Math.max(ofGoods + ofBads + 2 * both, 0));
  return {
    approvalRate: [rate, rate - rateError, rate + rateError],
    badRate: approved ? [bads / approved, ...lower.bad_rate] : null,
    foretold: approved ? lower.foretold / approved : null,
    profit: [profit, profit - error, profit + error],
    profitForetold: (good * (approved - lower.foretold) - bad * lower.foretold) / data.rows,
  };
}

// Rows by their outcome in force and under the policy: who is swapped in, who out, and how they turned out.
function swaps(from, to) {
  const cells = {};
  for (const before of ["approve", "refer", "decline"]) for (const after of ["approve", "refer", "decline"]) {
    const cell = within(from, before, to, after, "below", "up_to", data.by_pd);
    const ruled = (outcome) => (outcome === "refer" ? "notDeclined" : outcome);
    const ofRuled = before === "approve" || after === "approve" ? NONE
      : within(from, ruled(before), to, ruled(after), "ruled_below", "ruled_up_to", data.ruled);
    cells[`${before} ${after}`] = add(cell, ofRuled);
  }
  return cells;
}

function within(from, before, to, after, below, upTo, all) {
  const [low, high] = [region(from, before), region(to, after)].reduce(
    (met, next) => [Math.max(met[0], next[0]), Math.min(met[1], next[1])], [-Infinity, Infinity]);
  if (low >= high) return NONE;
  const count = (end) => {
    if (end === -Infinity) return NONE;
    if (end === Infinity) return all;
    const limit = data.limits[Math.floor(end / 2)];
    return end % 2 ? limit[upTo] : limit[below];
  };
  return less(count(high), count(low));
}

// The PDs of an outcome as two ends: 2 i is below limit i, 2 i + 1 is up to it.
function region(policy, outcome) {
  const low = 2 * policy.lower, high = policy.refer_within ? 2 * policy.upper + 1 : low;
  return { approve: [-Infinity, low], refer: [low, high], decline: [high, Infinity], notDeclined: [-Infinity, high] }[outcome];
}

// The margin at which an approval at this cut-off earns nothing: what the policy states if its cut-off is taken.
const marginAt = (cutOff, lgd) => (cutOff * lgd + data.policy.cost) / (1 - cutOff);
const breakEven = (margin, lgd) => (margin - data.policy.cost) / (margin + lgd);

// A contrast at the policy's approval limit, or at the nearest ones on either side where its cells are too small there.
function contrastAt(contrast, policy) {
  const limit = data.approvals_end === "upper" ? policy.upper : policy.lower;
  if (contrast.at[limit]) return [[limit, contrast.at[limit]]];
  const known = Object.keys(contrast.at).map(Number).sort((a, b) => a - b);
  return [known.filter((end) => end < limit).pop(), known.find((end) => end > limit)]
    .filter((end) => end !== undefined).map((end) => [end, contrast.at[end]]);
}

const find = (id) => document.getElementById(id);
const percent = (value, decimals = 1) => (value === null || !Number.isFinite(value) ? "not available" : `${(100 * value).toFixed(decimals).replace("-", "−")}%`);
const withEnds = ([value, low, high], write) => (low === null || low === high ? write(value) : `${write(value)} (${write(low)} to ${write(high)})`);
const plain = (value) => value.toFixed(3).replace("-", "−");
const count = (value) => value.toLocaleString("en");
const change = (before, after, decimals = 1) => `${after < before ? "−" : "+"}${(100 * Math.abs(after - before)).toFixed(decimals)} pp`;

function fill(table, rows) {
  find(table).tBodies[0].replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (column) cell.className = "num"; else cell.scope = "row";
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}

const widths = [...new Set(data.policies.map((policy) => policy.refer_within))];
const start = data.policies[data.in_force];
const state = { policy: start, margin: data.policy.margin, lgd: data.policy.lgd };
const ofWidth = (width) => data.policies.filter((policy) => policy.refer_within === width);
const nearest = (policies, cutOff) => policies.reduce((best, next) => (Math.abs(next.cut_off - cutOff) < Math.abs(best.cut_off - cutOff) ? next : best));

function show() {
  const { policy, margin, lgd } = state, choices = ofWidth(policy.refer_within);
  const slider = find("cut-off");
  slider.max = choices.length - 1;
  slider.value = choices.indexOf(policy);
  slider.setAttribute("aria-valuetext", `PD of ${percent(policy.cut_off)}`);
  find("cut-off-is").textContent = percent(policy.cut_off, 2);
  find("width").value = widths.indexOf(policy.refer_within);
  find("margin").value = margin; find("margin-is").textContent = percent(margin);
  find("lgd").value = lgd; find("lgd-is").textContent = percent(lgd);
  const now = [decided(start), book(start, margin, lgd)], then = [decided(policy), book(policy, margin, lgd)];
  const shares = ["approve", "refer", "decline", "refused"].map((outcome) => {
    const [before, after] = [now, then].map(([counts]) => rowsOf(counts[outcome]) / data.rows);
    const label = { approve: "Approved", refer: "Referred", decline: "Declined", refused: "Refused" }[outcome];
    const write = (side, value) => (outcome === "approve" ? withEnds(side[1].approvalRate, percent) : percent(value));
    return [label, write(now, before), write(then, after), change(before, after)];
  });
  const line = (label, key, write) => {
    const [before, after] = [now, then].map((side) => side[1][key]);
    if (before === null || after === null) return [label, before === null ? "nobody approved" : write(before), after === null ? "nobody approved" : write(after), ""];
    return [label, write(before), write(after), change(...[before, after].map((each) => (Array.isArray(each) ? each[0] : each)), 2)];
  };
  fill("figures", [
    ...shares,
    line("Bad rate of the approved", "badRate", (figure) => withEnds(figure, percent)),
    line("Mean PD of the approved", "foretold", (figure) => percent(figure)),
    line("Profit per application", "profit", (figure) => withEnds(figure, (value) => percent(value, 2))),
    line("Profit by their PDs", "profitForetold", (figure) => percent(figure, 2)),
  ]);
  showSwaps(policy);
  showContrasts(policy);
  showTake(policy, lgd);
  draw(policy, margin, lgd);
  find("summary").textContent = `Cut-off ${percent(policy.cut_off, 2)}: ${percent(rowsOf(then[0].approve) / data.rows)} approved, `
    + `${then[1].badRate ? percent(then[1].badRate[0]) : "none"} of them bad, ${percent(then[1].profit[0], 2)} of the exposure earned an application.`;
}

function showSwaps(policy) {
  const cells = swaps(start, policy), words = { approve: "approved", refer: "referred", decline: "declined" };
  const text = (cell) => {
    const rows = rowsOf(cell);
    if (rows && rows < data.smallest) return `under ${data.smallest}`;
    return rows ? `${count(rows)}, ${percent(cell[1] / rows)} bad` : "0";
  };
  fill("swaps", Object.keys(words).map((before) => [`${words[before]} now`, ...Object.keys(words).map((after) => text(cells[`${before} ${after}`]))]));
}

function showContrasts(policy) {
  const cell = (contrast, at) => contrastAt(contrast, at).map(([end, [ratio, difference]]) => {
    const limit = data.approvals_end === "upper" ? at.upper : at.lower;
    const where = end === limit ? "" : `, approvals ending at a PD of ${percent(data.limits[end].pd)}`;
    return `${withEnds(ratio, plain)}; ${withEnds(difference, (value) => percent(value))}${where}`;
  }).join("\n") || contrast.why;
  fill("contrasts", data.contrasts.map((contrast) => [
    `${contrast.name}: ${contrast.group} over ${contrast.reference}`, cell(contrast, start), cell(contrast, policy)]));
}

function showTake(policy, lgd) {
  const margin = marginAt(policy.cut_off, lgd), same = policy === start && lgd === data.policy.lgd;
  find("take-says").textContent = same ? "This is the policy in force."
    : `The cut-off follows from margin, LGD and cost. At an LGD of ${percent(lgd)} and a cost of ${percent(data.policy.cost)} this cut-off is where a margin of ${percent(margin, 2)} earns nothing; the policy in force states ${percent(data.policy.margin, 2)}. Taking it states that margin, and reports then show a profit of ${percent(book(policy, margin, lgd).profit[0], 2)} per application by it.`;
  find("take").value = same ? "" : `credit-risk what-if take --cut-off ${policy.cut_off} --refer-within ${policy.refer_within}${lgd === data.policy.lgd ? "" : ` --lgd ${lgd}`}`;
  find("take").hidden = same;
}

function draw(policy, margin, lgd) {
  const choices = ofWidth(policy.refer_within), profits = choices.map((each) => book(each, margin, lgd).profit);
  const [low, high] = [Math.min(...profits.map((each) => each[1])), Math.max(...profits.map((each) => each[2]))];
  const first = choices[0].cut_off, last = choices[choices.length - 1].cut_off;
  const x = (cutOff) => (60 + 520 * (cutOff - first) / (last - first || 1)).toFixed(1);
  const y = (profit) => (190 - 170 * (profit - low) / (high - low || 1)).toFixed(1);
  const path = (ends) => ends.map(([cutOff, profit], index) => `${index ? "L" : "M"}${x(cutOff)} ${y(profit)}`).join("");
  const line = (end) => choices.map((each, index) => [each.cut_off, profits[index][end]]);
  find("curve-range").setAttribute("d", `${path(line(1))}${path(line(2).reverse()).replace("M", "L")}Z`);
  find("curve-line").setAttribute("d", path(line(0)));
  const mark = (id, cutOff) => { find(id).setAttribute("x1", x(cutOff)); find(id).setAttribute("x2", x(cutOff)); };
  mark("curve-now", start.cut_off); mark("curve-then", policy.cut_off);
  const texts = { "curve-first": percent(first), "curve-last": percent(last), "curve-low": percent(low), "curve-high": percent(high) };
  for (const id in texts) find(id).textContent = texts[id];
}

if (start) {
  find("width").append(...widths.map((width, index) => new Option(width ? `± ${percent(width)}` : "nobody for nearness", index)));
  find("cut-off").addEventListener("input", (event) => { state.policy = ofWidth(state.policy.refer_within)[event.target.value]; show(); });
  find("width").addEventListener("change", (event) => { state.policy = nearest(ofWidth(widths[event.target.value]), state.policy.cut_off); show(); });
  for (const name of ["margin", "lgd"]) find(name).addEventListener("input", (event) => { state[name] = Number(event.target.value); show(); });
  find("break-even").addEventListener("click", () => { state.policy = nearest(ofWidth(state.policy.refer_within), breakEven(state.margin, state.lgd)); show(); });
  find("reset").addEventListener("click", () => { Object.assign(state, { policy: start, margin: data.policy.margin, lgd: data.policy.lgd }); show(); });
  find("take").addEventListener("focus", (event) => event.target.select());
  show();
}
