import type { IpAddress } from "../../address.js";
import { type Milliseconds, ms } from "../../units.js";
import { choice, integer, ipArg, optional, seconds, textUpTo } from "../args.js";
import { type Arg, keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { type OptionTable, optionsFor, readOptions } from "../option-words.js";

/** `split_brain_guard` of a vrrp_instance: all of it is ours. */

export interface GuardDraft {
  readonly at: SourcePosition;
  readonly heartbeats: HeartbeatDraft[];
  readonly witnesses: WitnessDraft[];
  witnessQuorum?: number;
  probeAddress?: Milliseconds;
  fence?: ScriptLine;
  fenceTimeout?: Milliseconds;
  onUnknown?: "claim" | "hold";
  tellsFifo?: boolean;
}

export interface HeartbeatDraft {
  readonly at: SourcePosition;
  readonly local: IpAddress;
  readonly peer: IpAddress;
  port?: number;
  interval?: Milliseconds;
  key?: string;
}

export interface WitnessDraft {
  readonly at: SourcePosition;
  readonly kind: "ping" | "tcp" | "http";
  readonly address: IpAddress;
  readonly port: number;
  /** http: what follows the host in the URL, and the host as it is written. */
  readonly path: string;
  readonly host: string;
  timeout?: Milliseconds;
}

export const newGuardDraft = (at: SourcePosition): GuardDraft => ({ at, heartbeats: [], witnesses: [] });

const keyword = keywordsFor<GuardDraft>();
const SOURCE = "docs/split-brain.md";
const OURS = { ours: true, source: SOURCE } as const;
const ONCE = { ...OURS, once: true } as const;
const shortTime = seconds(0.01, 60, 3);

const heartbeatOption = optionsFor<HeartbeatDraft>();
const heartbeatOptions = {
  port: heartbeatOption.field("port", integer(1, 65535), { ...ONCE, default: "1112", doc: "UDP port of both sides." }),
  interval: heartbeatOption.field("interval", shortTime, {
    ...ONCE,
    default: "advert_int",
    doc: "Time between two messages; after three without one the peer is silent.",
  }),
  key: heartbeatOption.field("key", textUpTo(128, "<text>"), {
    ...ONCE,
    doc: "Messages are signed with it; the same on both sides, at least 16 characters.",
  }),
} as const;

const witnessOption = optionsFor<WitnessDraft>();
const witnessOptions = {
  timeout: witnessOption.field("timeout", shortTime, { ...ONCE, default: "1", doc: "How long an answer may take." }),
} as const;

const port = integer(1, 65535);
const address = ipArg();

const scope = "split_brain_guard";

const guardKeywords: Scope<GuardDraft>["keywords"] = {
  heartbeat: keyword.words({
    ...OURS,
    shape: "<local IP address> <peer IP address> [options]",
    options: heartbeatOptions as OptionTable,
    repeat: "append",
    apply: (draft, words, context) => {
      const [local, peer] = [words[0], words[1]].map((word) => parsed(address, word));
      if (local === undefined || peer === undefined) {
        const hint = "write: heartbeat <own address> <address of the peer>";
        context.diagnostics.error("CFG_BAD_VALUE", context.at, "heartbeat needs two IP addresses - ignoring", hint);
        return;
      }
      const one: HeartbeatDraft = { at: context.at, local, peer };
      const rules = { table: heartbeatOptions, of: `heartbeat to ${peer}`, scope };
      if (readOptions(one, words.slice(2), context, rules)) draft.heartbeats.push(one);
    },
    doc: "A second path to a peer: its state is known even when its adverts are not heard.",
  }),
  witness: keyword.words({
    ...OURS,
    shape: "<IP address>|tcp <IP address> <port>|http <url> [options]",
    options: witnessOptions as OptionTable,
    repeat: "append",
    apply: (draft, words, context) => {
      const found = witnessOf(words);
      if (typeof found === "string") {
        const hint =
          "write: witness <address>, witness tcp <address> <port>, or witness http http://<address>[:port]/path";
        context.diagnostics.error("CFG_BAD_VALUE", context.at, `witness: ${found} - ignoring`, hint);
        return;
      }
      const one: WitnessDraft = { at: context.at, ...found.witness };
      const rules = { table: witnessOptions, of: `witness ${one.host}`, scope };
      if (readOptions(one, words.slice(found.used), context, rules)) draft.witnesses.push(one);
    },
    doc: "Something that answers (echo, connection, or a 2xx status) unless this host is cut off.",
  }),
  witness_quorum: keyword.field("witnessQuorum", integer(1, 64), {
    ...OURS,
    default: "all",
    doc: "So many witnesses must answer.",
  }),
  probe_address: keyword.value({
    args: [optional(shortTime, ms(200))],
    apply: (draft, [wait]) => {
      draft.probeAddress = wait;
    },
    ...OURS,
    doc: "Asks the segment, by ARP (RFC 5227) or neighbour solicitation, whether somebody still has an address; so long.",
  }),
  fence: keyword.scriptField("fence", {
    ...OURS,
    doc: "A script that must end with 0 before the addresses are claimed.",
  }),
  fence_timeout: keyword.field("fenceTimeout", seconds(0.1, 3600, 3), {
    ...OURS,
    default: "30",
    doc: "After so long the fencing script is ended, and has failed.",
  }),
  on_unknown: keyword.field("onUnknown", choice("claim", "hold"), {
    ...OURS,
    default: "claim",
    doc: "What follows when a peer is silent, or an address cannot be asked for.",
  }),
  notify_fifo: keyword.flag("tellsFifo", {
    ...OURS,
    doc: "Two masters at once, and their end, are lines of the notify FIFOs too.",
  }),
};

export const guardScope: Scope<GuardDraft> = { name: scope, source: SOURCE, keywords: guardKeywords };

function parsed<T>(arg: Arg<T>, word: Word | undefined): T | undefined {
  const result = word === undefined ? undefined : arg.parse(word.text);
  return result?.ok === true ? result.value : undefined;
}

type Found = { readonly used: number; readonly witness: Omit<WitnessDraft, "at"> };

/** @returns what is wrong with it when it cannot be used */
function witnessOf(words: readonly Word[]): Found | string {
  const [first, second, third] = words;
  switch (first?.text) {
    case "tcp": {
      const [host, at] = [parsed(address, second), parsed(port, third)];
      if (host === undefined || at === undefined) return "tcp needs an IP address and a port";
      return { used: 3, witness: { kind: "tcp", address: host, port: at, path: "", host } };
    }
    case "http": {
      const witness = httpWitness(second?.text ?? "");
      return witness === undefined ? "http needs a URL with an IP address" : { used: 2, witness };
    }
    default: {
      const host = parsed(address, first);
      if (host === undefined) return "an IP address, tcp or http is needed";
      return { used: 1, witness: { kind: "ping", address: host, port: 0, path: "", host } };
    }
  }
}

/** Names are not looked up: in the moment of a failover the resolver may be what has failed. */
function httpWitness(url: string): Omit<WitnessDraft, "at"> | undefined {
  const match = /^http:\/\/(\[[0-9a-fA-F:.]+\]|[0-9.]+)(?::(\d{1,5}))?(\/[!-~]*)?$/.exec(url);
  const host = address.parse((match?.[1] ?? "").replace(/^\[|\]$/g, ""));
  const at = port.parse(match?.[2] ?? "80");
  if (match === null || !host.ok || !at.ok) return undefined;
  const shown = match[2] === undefined ? match[1] : `${match[1]}:${match[2]}`;
  return { kind: "http", address: host.value, port: at.value, path: match[3] ?? "/", host: shown ?? "" };
}
