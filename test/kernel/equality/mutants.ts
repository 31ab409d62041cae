import { equalityCases } from "./cases.js";
import { both, lines, plusLines, weights, without } from "./edits.js";
import type { Moment } from "./moments.js";
import type { Edit } from "./shape.js";

/** One word of a configuration is another for holdfast than for keepalived. The comparison has to see it then, and only then. */
export interface Mutant {
  readonly of: string;
  readonly what: string;
  readonly edit: Edit;
  readonly seen: readonly Moment[];
}

const untilReload: readonly Moment[] = ["at rest", "after a failure", "after a recovery", "with a quorum regained"];
const afterReload: readonly Moment[] = ["after a reload with edits", "after all is well again"];

const sorry = "sorry_server 192.168.91.50 80";

export const mutants: readonly Mutant[] = [
  { of: "ovf", what: "one weight", edit: weights(3, 2, 2), seen: ["at rest", "after a failure", "after a recovery"] },
  { of: "wlc", what: "a server less", edit: without(1), seen: [...untilReload, ...afterReload] },
  {
    of: "persistence",
    what: "a timeout, until the reload sets another",
    edit: lines("lb_algo wlc; lb_kind NAT; persistence_timeout 61; protocol TCP"),
    seen: [...untilReload.slice(0, 3), "with every quorum lost", "with a quorum regained"],
  },
  {
    of: "inhibited",
    what: "servers that are not inhibited",
    edit: lines("lb_algo wrr; lb_kind DR; protocol TCP"),
    seen: ["after a failure", "with every quorum lost", "with a quorum regained", "after a reload with edits"],
  },
  {
    of: "a sorry server",
    what: "no sorry server",
    edit: lines("lb_algo rr; lb_kind DR; protocol TCP"),
    seen: ["with every quorum lost"],
  },
  {
    of: "a quorum of three with a sorry server",
    what: "a smaller quorum, until the reload makes it so",
    edit: lines(`lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; ${sorry}`),
    seen: ["after a failure", "with a quorum regained"],
  },
  {
    of: "sh",
    what: "a flag, of the scheduler that the reload gives it",
    edit: both(plusLines("sh-fallback")),
    seen: [...untilReload, "with every quorum lost", ...afterReload],
  },
];

for (const { of } of mutants)
  if (!equalityCases.some(({ name }) => name === of)) throw new Error(`no configuration is called ${of}`);

export const mutantStep = ({ of, what }: Mutant): string => `the comparison sees ${what}, in ${of}`;
