import { choice, integer, textUpTo } from "../args.js";
import { alias, type Context, type Keyword, keywordsFor } from "../keyword.js";
import { type ForwardingDraft, forwardingOptions, forwardingShape, readForwarding } from "./forwarding.js";

/** How a virtual server spreads connections. */
export interface SchedulingDraft {
  scheduler?: string;
  forwarding?: ForwardingDraft;
  onePacket?: boolean;
  flag1?: boolean;
  flag2?: boolean;
  flag3?: boolean;
  persistenceEngine?: string;
  persistenceTimeoutSeconds?: number;
}

const keyword = keywordsFor<SchedulingDraft>();

/** Every scheduler of the kernel (net/netfilter/ipvs). */
const schedulers = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "sh",
  "mh",
  "dh",
  "fo",
  "ovf",
  "lblcr",
  "sed",
  "nq",
  "twos",
] as const;

const scheduler = keyword.field("scheduler", choice(...schedulers), {
  default: "wlc, with a warning",
  doc: "How connections are spread over the real servers (IPVS scheduler).",
});

const method = keyword.words({
  shape: forwardingShape,
  options: forwardingOptions,
  apply: (draft, words, context) => {
    const read = readForwarding(words, context, draft.forwarding?.tunnel);
    if (read !== undefined) draft.forwarding = read;
  },
  default: "NAT, with a warning",
  doc: "How packets get to the real servers.",
});

/** A flag that means something with the hashing schedulers only; keepalived wants them named before. */
const hashFlag = (own: "sh" | "mh", field: "flag1" | "flag2", doc: string, since?: string) =>
  keyword.value({
    args: [],
    apply: (draft, _values, context) => {
      if (!hashes(draft)) refuse(context, own);
      else if (draft.scheduler === own) draft[field] = true;
    },
    doc,
    default: "off",
    ...(since === undefined ? {} : { since }),
  });

const hashes = ({ scheduler: name }: SchedulingDraft): boolean => name === "sh" || name === "mh";

function refuse({ keyword: name, at, diagnostics }: Context, scheduler: string): void {
  const message = `${name} only applies to ${scheduler} scheduler - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", at, message, `write lb_algo ${scheduler} before it`);
}

const flag = (field: "flag1" | "flag2" | "flag3", doc: string) => keyword.flag(field, { doc, default: "off" });

export const schedulingKeywords: Readonly<Record<string, Keyword<SchedulingDraft>>> = {
  lb_algo: scheduler,
  lvs_sched: alias(scheduler, "lb_algo"),
  lb_kind: method,
  lvs_method: alias(method, "lb_kind"),
  hashed: keyword.value({
    args: [],
    apply: (draft, _values, context) => {
      if (!hashes(draft)) refuse(context, "sh");
    },
    doc: "Stands in old files; sets nothing, in keepalived neither.",
  }),
  ops: keyword.flag("onePacket", { default: "off", doc: "Schedules every UDP packet by itself." }),
  "flag-1": flag("flag1", "Flag 1 of the scheduler."),
  "flag-2": flag("flag2", "Flag 2 of the scheduler."),
  "flag-3": flag("flag3", "Flag 3 of the scheduler."),
  "sh-port": hashFlag("sh", "flag2", "Scheduler sh: the source port counts too; after lb_algo."),
  "sh-fallback": hashFlag("sh", "flag1", "Scheduler sh: another server when the chosen one is away; after lb_algo."),
  "mh-port": hashFlag("mh", "flag2", "Scheduler mh: the source port counts too; after lb_algo.", "2.0.20"),
  "mh-fallback": hashFlag(
    "mh",
    "flag1",
    "Scheduler mh: another server when the chosen one is away; after lb_algo.",
    "2.0.20",
  ),
  persistence_engine: keyword.field("persistenceEngine", textUpTo(16, "<name: up to 16 characters>"), {
    doc: "Module that tells who is the same client, such as sip.",
  }),
  persistence_timeout: keyword.value({
    args: [{ ...integer(1, 2_678_400), shape: "[<seconds: 1..2678400>]", absent: { value: 360 } }],
    apply: (draft, [timeout]) => {
      draft.persistenceTimeoutSeconds = timeout;
    },
    default: "off; 360 for a service of all ports",
    doc: "Makes the service persistent, for 360 s or the given time.",
  }),
};
