import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./cluster/cluster.js";
import type { Rule } from "./cluster/conformance.js";
import { type Fault, faults } from "./cluster/faults.js";
import { generate } from "./cluster/generate.js";

/** The rarest needs a reload of a router that follows a slower one: about one schedule in 700. */
const MOST_SCHEDULES = 6000;

function firstBroken(
  fault: Fault,
  rules?: ReadonlySet<Rule>,
): { readonly seed: number; readonly rule: Rule } | undefined {
  const options = rules === undefined ? { fault } : { fault, rules };
  for (let seed = 1; seed <= MOST_SCHEDULES; seed++) {
    const { violation } = play(generate(seed), options);
    if (violation !== undefined) return { seed, rule: violation.rule };
  }
  return undefined;
}

for (const fault of faults) {
  test(`the rules notice: ${fault.name}`, () => {
    assert.notEqual(firstBroken(fault), undefined, `nothing was noticed in ${MOST_SCHEDULES} schedules`);
  });
}

/** What the whole network shows, without a look into any router. */
const fromOutside: readonly { readonly rule: Rule; readonly fault: string }[] = [
  { rule: "two masters", fault: "a stronger master ignored" },
  { rule: "two masters", fault: "tie-break left out" },
  { rule: "no master", fault: "never recovers" },
  { rule: "no master", fault: "master-down after four intervals" },
  { rule: "wrong master", fault: "never preempts" },
  { rule: "failover out of time", fault: "skew left out" },
  { rule: "failover out of time", fault: "priority 0 ignored by a backup" },
  { rule: "failover out of time", fault: "release without priority 0" },
  { rule: "address on a non-master", fault: "addresses not released" },
  { rule: "timers doubled or lost", fault: "a cancelled timer runs all the same" },
  { rule: "actions out of order", fault: "effects backwards" },
  { rule: "something is left after the end", fault: "listens to the host after its end" },
  { rule: "never comes to rest", fault: "a weaker master obeyed by a master" },
];

for (const { rule, fault: name } of fromOutside) {
  test(`the rule "${rule}" alone notices: ${name}`, () => {
    const fault = faults.find((f) => f.name === name);
    assert.ok(fault !== undefined);
    assert.equal(firstBroken(fault, new Set([rule]))?.rule, rule);
  });
}
