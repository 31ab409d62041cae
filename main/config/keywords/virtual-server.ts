import type { Family } from "../../address.js";
import { reportMissing } from "../apply.js";
import { anyCase, choice, integer, optional, switchArg, text } from "../args.js";
import { type Context, keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { Forwarding, Protocol, SourcePosition } from "../model.js";
import { didYouMean } from "../suggest.js";
import { later } from "./later.js";
import { type RealServerDraft, realServerScope } from "./real-server.js";
import { parseServiceAddress, type ServiceAddress } from "./service-address.js";
import { type TimingDraft, timingKeywords } from "./timing.js";

/** What one `virtual_server` block said. */
export interface VirtualServerDraft extends TimingDraft {
  readonly at: SourcePosition;
  readonly service:
    | ({ readonly kind: "address" } & ServiceAddress)
    | { readonly kind: "fwmark"; readonly fwmark: number };
  family?: { readonly family: Family; readonly at: SourcePosition };
  protocol?: Protocol;
  scheduler?: string;
  forwarding?: Forwarding;
  persistenceTimeoutSeconds?: number;
  persistenceGranularity?: string;
  weight?: number;
  quorum?: number;
  hysteresis?: number;
  quorumUp?: ScriptLine;
  quorumDown?: ScriptLine;
  sorryServer?: ServiceAddress;
  sorryServerInhibit?: boolean;
  inhibitOnFailure?: boolean;
  alpha?: boolean;
  omega?: boolean;
  virtualhost?: string;
  smtpAlert?: boolean;
  readonly realServers: RealServerDraft[];
}

export const newVirtualServerDraft = (
  at: SourcePosition,
  service: VirtualServerDraft["service"],
): VirtualServerDraft => ({ at, service, realServers: [] });

const keyword = keywordsFor<VirtualServerDraft>();
const SOURCE = "keepalived.conf(5) virtual_server";
const COUNT = 0xffff_ffff;

/** Every scheduler of the kernel (net/netfilter/ipvs). */
const schedulers = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos"];

const scheduler = keyword.value({
  args: [
    {
      shape: schedulers.join("|"),
      parse: (name) =>
        schedulers.includes(name) ? { ok: true, value: name } : { ok: false, why: "is an Invalid lvs_scheduler" },
    },
  ],
  apply: (draft, [name]) => {
    draft.scheduler = name;
  },
  onInvalid: "ignore",
  repeat: "last-wins",
  source: SOURCE,
  doc: "IPVS scheduler (wlc).",
});

const method = keyword.words({
  shape: "NAT|DR|TUN",
  apply: (draft, words, context) => {
    const forwarding = parseForwarding(words, context);
    if (forwarding !== undefined) draft.forwarding = forwarding;
  },
  repeat: "last-wins",
  source: SOURCE,
  doc: "Forwarding method of the real servers (NAT).",
});

const dispatching = {
  lb_algo: scheduler,
  lvs_sched: scheduler,
  lb_kind: method,
  lvs_method: method,
  protocol: keyword.value({
    args: [anyCase(choice("TCP", "UDP", "SCTP"))],
    apply: (draft, [protocol]) => {
      draft.protocol = protocol;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Transport protocol (UDP, with a warning); a fwmark service has none.",
  }),
  ip_family: keyword.value({
    args: [choice("inet", "inet6")],
    apply: (draft, [family], { at }) => {
      draft.family = { family, at };
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Address family of a fwmark service.",
  }),
  persistence_timeout: keyword.value({
    args: [optional(integer(1, 2_678_400), 360)],
    apply: (draft, [timeout]) => {
      draft.persistenceTimeoutSeconds = timeout;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Makes the service persistent, for 360 s or the given time.",
  }),
  persistence_granularity: keyword.value({
    args: [
      {
        shape: "<IPv4 netmask | IPv6 prefix 1..128>",
        parse: (value) =>
          isNetmask(value) || (/^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= 128)
            ? { ok: true, value }
            : { ok: false, why: "is neither an IPv4 netmask nor an IPv6 prefix length" },
      },
    ],
    apply: (draft, [granularity]) => {
      draft.persistenceGranularity = granularity;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Groups clients for persistence; turns it on for 360 s.",
  }),
} as const;

const health = {
  weight: count("weight", 1, 0x7fff_ffff, "Default weight of real servers (1)."),
  quorum: keyword.value({
    args: [integer(1, COUNT)],
    apply: (draft, [quorum]) => {
      draft.quorum = quorum;
    },
    onInvalid: { use: [1], says: "1 is used" },
    repeat: "last-wins",
    source: "keepalived.conf(5)",
    doc: "Total weight that must be alive (1).",
  }),
  hysteresis: count("hysteresis", 0, COUNT, "Damping around the quorum (0)."),
  quorum_up: script("quorumUp", "Script run when the quorum is gained."),
  quorum_down: script("quorumDown", "Script run when the quorum is lost."),
  inhibit_on_failure: flag("inhibitOnFailure", "Weight 0 on failure instead of removal."),
  alpha: flag("alpha", "Servers are down until checked."),
  omega: flag("omega", "Down notifications are run at shutdown."),
  smtp_alert: keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      draft.smtpAlert = on;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Mail on changes of the quorum (off).",
  }),
  virtualhost: keyword.value({
    args: [text],
    apply: (draft, [name]) => {
      draft.virtualhost = name;
    },
    onInvalid: "ignore",
    repeat: "last-wins-reported",
    missing: "virtualhost missing - ignoring",
    source: SOURCE,
    doc: "Host header of the checks.",
  }),
} as const;

const servers = {
  sorry_server: keyword.words({
    shape: "<address> [<port>]",
    apply: (draft, words, context) => {
      const server = parseServiceAddress(words, context);
      if (server !== undefined) draft.sorryServer = server;
    },
    repeat: "last-wins",
    source: SOURCE,
    doc: "Server used while the quorum is lost.",
  }),
  sorry_server_inhibit: keyword.value({
    args: [],
    apply: (draft, _values, { diagnostics, at }) => {
      if (draft.sorryServer !== undefined) draft.sorryServerInhibit = true;
      else {
        const message = "Ignoring sorry_server inhibit used before or without sorry_server";
        diagnostics.error("CFG_BAD_VALUE", at, message, "write sorry_server before it");
      }
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "The sorry server stays with weight 0 while it is not needed.",
  }),
  real_server: keyword.block({
    shape: "<address> [<port>] { ... }",
    enter: (draft, header, context, read) => {
      const server = parseServiceAddress(header, context);
      if (server === undefined) return;
      const child: RealServerDraft = { at: context.at, ...server, checks: [] };
      read(realServerScope, child);
      draft.realServers.push(child);
    },
    source: SOURCE,
    doc: "A back end.",
  }),
} as const;

function count(field: "weight" | "hysteresis", least: number, most: number, doc: string) {
  return keyword.value({
    args: [integer(least, most)],
    apply: (draft, [value]) => {
      draft[field] = value;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });
}

/** keepalived reads no value here: the word alone switches it on. */
function flag(field: "inhibitOnFailure" | "alpha" | "omega", doc: string) {
  return keyword.value({
    args: [],
    apply: (draft) => {
      draft[field] = true;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });
}

function script(field: "quorumUp" | "quorumDown", doc: string) {
  return keyword.script({
    apply: (draft, line) => {
      draft[field] = line;
    },
    source: SOURCE,
    doc,
  });
}

function parseForwarding(words: readonly Word[], context: Context): Forwarding | undefined {
  const { keyword: name, diagnostics } = context;
  const [kind, option] = words;
  if (kind === undefined) {
    reportMissing(context, 2, "NAT|DR|TUN");
    return undefined;
  }
  const methods: readonly Forwarding[] = ["NAT", "DR", "TUN"];
  const found = methods.find((m) => m === kind.text);
  if (found === undefined) {
    const message = `PARSER : unknown [${kind.text}] routing method for virtual server.`;
    diagnostics.error("CFG_BAD_VALUE", kind.at, message, didYouMean(kind.text, methods) ?? "write NAT, DR or TUN");
  } else if (option !== undefined) {
    const message = `'${option.text}' after ${name} is accepted, without effect in this version: tunnels are IPIP`;
    diagnostics.warn("CFG_LATER", option.at, message);
  }
  return found;
}

/** Ones, then zeros. */
function isNetmask(value: string): boolean {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(value)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return false;
  return /^1+0*$/.test(octets.map((octet) => octet.toString(2).padStart(8, "0")).join(""));
}

export const virtualServerScope: Scope<VirtualServerDraft> = {
  name: "virtual_server",
  keywords: { ...timingKeywords<VirtualServerDraft>(1), ...dispatching, ...health, ...servers },
  later: later.virtual_server,
};
