import { integer, switchArg } from "../args.js";
import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { BuffersConfig } from "../model-global.js";
import { badValue, plainWords } from "./global-args.js";

/** Receive buffers of the daemon's sockets. */
export interface BuffersDraft {
  readonly buffers: Record<BufferKind, { size: number | undefined; force: boolean }>;
  vrrpReceive?: BuffersConfig["vrrpReceive"];
  vrrpReceiveMultiplier?: number;
}

export const bufferKeywords = {
  vrrpNetlinkCommand: "vrrp_netlink_cmd_rcv_bufs",
  vrrpNetlinkMonitor: "vrrp_netlink_monitor_rcv_bufs",
  lvsNetlinkCommand: "lvs_netlink_cmd_rcv_bufs",
  lvsNetlinkMonitor: "lvs_netlink_monitor_rcv_bufs",
  processMonitor: "process_monitor_rcv_bufs",
} as const;
export type BufferKind = keyof typeof bufferKeywords;

const about: Readonly<Record<BufferKind, string>> = {
  vrrpNetlinkCommand: "the netlink socket on which VRRP changes addresses",
  vrrpNetlinkMonitor: "the netlink socket on which VRRP hears of changes",
  lvsNetlinkCommand: "the netlink socket on which IPVS is written",
  lvsNetlinkMonitor: "the netlink socket on which the checkers hear of changes",
  processMonitor: "the socket on which processes are watched",
};

export const newBuffersDraft = (): BuffersDraft["buffers"] => ({
  vrrpNetlinkCommand: { size: undefined, force: false },
  vrrpNetlinkMonitor: { size: undefined, force: false },
  lvsNetlinkCommand: { size: undefined, force: false },
  lvsNetlinkMonitor: { size: undefined, force: false },
  processMonitor: { size: undefined, force: false },
});

const keyword = keywordsFor<BuffersDraft>();
const bytes = integer(0, 0xffff_ffff);

function keywordsOf(kind: BufferKind): Readonly<Record<string, Keyword<BuffersDraft>>> {
  const name = bufferKeywords[kind];
  const since = kind === "processMonitor" ? { since: "2.0.11" } : {};
  return {
    [name]: keyword.value({
      ...since,
      args: [{ ...bytes, shape: "<bytes: 1..4294967295>" }],
      apply: ({ buffers }, [size]) => {
        if (size > 0) buffers[kind].size = size;
      },
      missing: `${name} size missing`,
      default: "the kernel's",
      doc: `Receive buffer of ${about[kind]}.`,
    }),
    [`${name}_force`]: keyword.value({
      ...since,
      args: [switchArg],
      apply: ({ buffers }, [force]) => {
        buffers[kind].force = force;
      },
      default: "off",
      doc: `${name} may be more than net.core.rmem_max.`,
    }),
  };
}

/** Words in any case. With a number anywhere but in front keepalived takes neither. */
function applyPolicy(draft: BuffersDraft, words: readonly Word[], context: Context): void {
  const hint = "write: vrrp_rx_bufs_policy MTU, ADVERT or <bytes>";
  const [first] = words;
  if (first === undefined) {
    badValue(context, undefined, "is missing its value - ignoring", hint);
    return;
  }
  const policies = words.map(({ text }) => text.toUpperCase()).filter((word) => word === "MTU" || word === "ADVERT");
  const size = bytes.parse(first.text);
  if (size.ok && size.note === undefined && !first.text.includes("-")) {
    draft.vrrpReceive = size.value;
    if (policies.length > 0) badValue(context, words[1], "cannot stand beside a size - ignoring it", hint);
  } else if (policies.length < words.length)
    badValue(context, first, "is not MTU, ADVERT or a number - ignoring", hint);
  else {
    draft.vrrpReceive = policies.includes("MTU") ? "MTU" : "ADVERT";
    if (new Set(policies).size > 1) badValue(context, words[1], "cannot stand beside the other - using MTU", hint);
  }
}

export const globalBufferKeywords: Readonly<Record<string, Keyword<BuffersDraft>>> = {
  ...keywordsOf("vrrpNetlinkCommand"),
  ...keywordsOf("vrrpNetlinkMonitor"),
  ...keywordsOf("lvsNetlinkCommand"),
  ...keywordsOf("lvsNetlinkMonitor"),
  ...keywordsOf("processMonitor"),
  vrrp_rx_bufs_policy: keyword.words({
    shape: "MTU | ADVERT | <bytes: 0..4294967295>",
    options: plainWords({
      MTU: "The largest MTU of the interfaces times vrrp_rx_bufs_multiplier.",
      ADVERT: "The longest advert times vrrp_rx_bufs_multiplier.",
    }),
    apply: applyPolicy,
    default: "the kernel's",
    since: "2.0.3",
    doc: "Receive buffers of the sockets for adverts.",
  }),
  vrrp_rx_bufs_multiplier: keyword.words({
    shape: "<1..4294967295>",
    apply: (draft, [factor, surplus], context) => {
      const given = integer(1, 0xffff_ffff).parse(factor?.text ?? "");
      if (given.ok && given.note === undefined && surplus === undefined) draft.vrrpReceiveMultiplier = given.value;
      else
        badValue(
          context,
          surplus ?? factor,
          "is not one number above 0 - ignoring",
          "write: vrrp_rx_bufs_multiplier 3",
        );
    },
    default: "3",
    since: "2.0.3",
    doc: "Factor of vrrp_rx_bufs_policy.",
  }),
};
