import { familyOf, type IpAddress } from "../../address.js";
import type { Milliseconds } from "../../units.js";
import { choice, integer, interfaceName, optional, switchArg } from "../args.js";
import { isMulticast, parseIp } from "../ip.js";
import { type Arg, alias, type Context, contextAt, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { type OptionRules, optionsFor, readOptions } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { badValue, wholeSeconds, word } from "./global-args.js";
import { type FloorDraft, removalFloorKeyword } from "./removal-floor.js";
import { type SelfCheckDraft, selfCheckKeyword } from "./self-check.js";

/** What `global_defs` says about IPVS. */
export interface LvsGlobalDraft {
  readonly lvsTimeouts: LvsTimeoutsDraft;
  lvsFlush?: boolean;
  lvsFlushOnStop?: "all" | "VS";
  lvsSyncDaemon?: SyncDaemonDraft;
  rsInitNotifies?: boolean;
  checkerLogAllFailures?: boolean;
  lvsReconcile?: "presence" | "full" | "off";
  removalFloor?: FloorDraft | "off";
  selfCheck?: SelfCheckDraft;
  checkerThreads?: number;
  checkerMaxInFlight?: number;
  checkerMaxInFlightPerHost?: number;
  checkerMaxProcesses?: number;
}

export interface LvsTimeoutsDraft {
  tcp?: Milliseconds;
  tcpFin?: Milliseconds;
  udp?: Milliseconds;
}

export interface SyncDaemonDraft {
  readonly at: SourcePosition;
  readonly interface: string;
  instance?: string;
  id?: number;
  maxLength?: number;
  port?: number;
  ttl?: number;
  group?: IpAddress;
}

const keyword = keywordsFor<LvsGlobalDraft>();
/** Of MISC_CHECK, at once. A shell is 1 MiB or two: as many as any host bears. */
export const MOST_PROCESSES = 256;
const CHECKERS = { ours: true, source: "docs/differences.md, Checks" } as const;
const { option: timeout } = optionsFor<LvsTimeoutsDraft>();
const { option: sync } = optionsFor<SyncDaemonDraft>();

/** A value left out is an error of the option alone; as a mandatory word it would end keepalived. */
const orNothing = <T>(arg: Arg<T>): Arg<T | undefined> => ({ ...arg, absent: { value: undefined } });

function given<T>(option: string, value: T | undefined, { keyword: name, at, diagnostics }: Context): value is T {
  if (value !== undefined) return true;
  const message = `No value specified for ${name} ${option} - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", at, message, `write a value after ${option}`);
  return false;
}

/** keepalived's limit: 31 days. */
const timeoutSeconds = orNothing(wholeSeconds(0, 2_678_400));

const timeoutOptions = {
  tcp: timeout({
    args: [timeoutSeconds],
    apply: (draft, [value], context) => {
      if (given("tcp", value, context)) draft.tcp = value;
      return true;
    },
    default: "the kernel's",
    doc: "Seconds until an idle TCP connection is forgotten.",
  }),
  tcpfin: timeout({
    args: [timeoutSeconds],
    apply: (draft, [value], context) => {
      if (given("tcpfin", value, context)) draft.tcpFin = value;
      return true;
    },
    default: "the kernel's",
    doc: "Seconds until a TCP connection that was closed is forgotten.",
  }),
  udp: timeout({
    args: [timeoutSeconds],
    apply: (draft, [value], context) => {
      if (given("udp", value, context)) draft.udp = value;
      return true;
    },
    default: "the kernel's",
    doc: "Seconds until a UDP flow is forgotten.",
  }),
};

/** The value of an unknown option goes with it. */
function timeoutRules(): OptionRules<LvsTimeoutsDraft> {
  let wasUnknown = false;
  return {
    table: timeoutOptions,
    of: "lvs_timeouts",
    scope: "global_defs",
    unknown(option, { diagnostics }) {
      wasUnknown = !wasUnknown || !/^\d/.test(option.text);
      if (!wasUnknown) return true;
      const hint = didYouMean(option.text, Object.keys(timeoutOptions)) ?? "its options are tcp, tcpfin and udp";
      const message = `Unknown option ${option.text} specified for lvs_timeouts - ignoring`;
      diagnostics.error("CFG_UNKNOWN_KEYWORD", option.at, message, hint);
      return true;
    },
  };
}

const multicast: Arg<IpAddress> = {
  shape: "<multicast address>",
  parse(group) {
    const value = parseIp(group);
    if (value !== undefined && isMulticast(value, familyOf(value))) return { ok: true, value };
    return { ok: false, why: "is not a multicast address" };
  },
};

const syncOptions = {
  inst: sync({
    args: [word("<vrrp instance>")],
    apply: (draft, [name], context) => followInstance(draft, name, context),
    default: "none: both roles run",
    doc: "The vrrp_instance whose state selects master or backup.",
  }),
  id: sync({
    args: [orNothing(integer(0, 255))],
    apply: (draft, [id], context) => {
      if (given("id", id, context)) draft.id = id;
      return true;
    },
    default: "the virtual router id of inst, else 0",
    doc: "Number that both sides must share.",
  }),
  maxlen: sync({
    args: [orNothing(integer(1, 65507))],
    apply: (draft, [length], context) => {
      if (given("maxlen", length, context)) draft.maxLength = length;
      return true;
    },
    default: "the kernel's",
    doc: "Largest packet in octets.",
  }),
  port: sync({
    args: [orNothing(integer(1, 65535))],
    apply: (draft, [port], context) => {
      if (given("port", port, context)) draft.port = port;
      return true;
    },
    default: "8848",
    doc: "UDP port.",
  }),
  ttl: sync({
    args: [orNothing(integer(1, 255))],
    apply: (draft, [ttl], context) => {
      if (given("ttl", ttl, context)) draft.ttl = ttl;
      return true;
    },
    default: "the kernel's",
    doc: "Time to live of the packets.",
  }),
  group: sync({
    args: [orNothing(multicast)],
    apply: (draft, [group], context) => {
      if (given("group", group, context)) draft.group = group;
      return true;
    },
    default: "224.0.0.81",
    doc: "Multicast group.",
  }),
};

function followInstance(draft: SyncDaemonDraft, name: string, { at, diagnostics }: Context): boolean {
  if (draft.instance === undefined) draft.instance = name;
  else {
    const message = `lvs_sync_daemon vrrp instance has already been specified as ${draft.instance} - ignoring`;
    diagnostics.error("CFG_REPEATED", at, message, "name one instance");
  }
  return true;
}

export const globalLvsKeywords: Readonly<Record<string, Keyword<LvsGlobalDraft>>> = {
  lvs_timeouts: keyword.words({
    shape: "[tcp <seconds>] [tcpfin <seconds>] [udp <seconds>]",
    options: timeoutOptions,
    apply: (draft, words, context) => {
      if (words.length < 2) {
        badValue(context, undefined, "requires at least one option", "write: lvs_timeouts tcp <seconds>");
        return;
      }
      readOptions(draft.lvsTimeouts, words, context, timeoutRules());
    },
    default: "the kernel's",
    doc: "When IPVS forgets connections.",
  }),
  lvs_flush: keyword.flag("lvsFlush", {
    default: "off",
    doc: "Empties the IPVS table at the start, entries of others included.",
  }),
  lvs_flush_on_stop: flushOnStop({ since: "2.2.0", default: "off" }),
  lvs_flush_onstop: alias(flushOnStop({ since: "2.0.15", default: "off" }), "lvs_flush_on_stop", {
    deprecated: { instead: "lvs_flush_on_stop", silent: true },
  }),
  lvs_sync_daemon: keyword.words({
    shape:
      "<interface> [[inst] <vrrp instance>] [id <0..255>] [maxlen <1..65507>] [port <1..65535>] [ttl <1..255>] [group <address>]",
    options: syncOptions,
    apply: applySyncDaemon,
    repeat: "first-wins-reported",
    default: "not run",
    doc: "Copies the connection table to the other load balancer.",
  }),
  rs_init_notifies: keyword.field("rsInitNotifies", switchArg, {
    default: "off",
    doc: "Runs notify_up and notify_down of real servers at the start too.",
  }),
  checker_log_all_failures: keyword.field("checkerLogAllFailures", switchArg, {
    default: "off",
    since: "2.0.11",
    doc: "Logs every failed attempt while a server is up, not only changes.",
  }),
  lvs_reconcile: keyword.field("lvsReconcile", choice("presence", "full", "off"), {
    ours: true,
    default: "presence",
    source: "docs/differences.md, IPVS",
    doc: "What is put right when somebody else changes our entries in the IPVS table.",
  }),
  self_check: selfCheckKeyword,
  removal_floor: removalFloorKeyword("off", "The removal_floor of every virtual server that does not say another."),
  checker_threads: keyword.field("checkerThreads", integer(1, 256), {
    ...CHECKERS,
    default: "processors less one, 1 to 8",
    doc: "Threads that run checks.",
  }),
  checker_max_in_flight: keyword.field("checkerMaxInFlight", integer(1, 1_000_000), {
    ...CHECKERS,
    default: "4000, less where the limit of open files wants it",
    doc: "Checks that are under way at the same time in one thread; the others wait.",
  }),
  checker_max_in_flight_per_host: keyword.field("checkerMaxInFlightPerHost", integer(1, 1_000_000), {
    ...CHECKERS,
    default: "no limit",
    doc: "Checks of one address that are under way at the same time in one thread; the others wait.",
  }),
  checker_max_processes: keyword.field("checkerMaxProcesses", integer(1, 100_000), {
    ...CHECKERS,
    default: String(MOST_PROCESSES),
    doc: "Programs of MISC_CHECK that run at the same time, in all threads together; the others wait in order.",
  }),
};

function flushOnStop(meta: { readonly since: string; readonly default: string }) {
  return keyword.value({
    args: [optional(choice("VS"), undefined)],
    apply: (draft, [services]) => {
      draft.lvsFlushOnStop = services ?? "all";
    },
    doc: "Empties the IPVS table at the end at once; with VS service by service, and only its own.",
    ...meta,
  });
}

function applySyncDaemon(draft: LvsGlobalDraft, words: readonly Word[], context: Context): void {
  const [device, second, third] = words;
  const name = interfaceName.parse(device?.text ?? "");
  if (!name.ok) {
    const why = device === undefined ? "requires interface" : `${name.why} - ignoring`;
    badValue(context, device, why, "write: lvs_sync_daemon <interface> inst <vrrp instance>");
    return;
  }
  const daemon: SyncDaemonDraft = { at: context.at, interface: name.value };
  let options = words.slice(1);
  if (second !== undefined && !Object.hasOwn(syncOptions, second.text)) {
    daemon.instance = second.text;
    options = words.slice(2);
    if (third !== undefined && !Object.hasOwn(syncOptions, third.text)) {
      const why = "stands where keepalived before 2.0 had the sync id - ignoring";
      badValue(
        contextAt(context, third),
        third,
        why,
        `write: lvs_sync_daemon ${name.value} ${second.text} id ${third.text}`,
      );
      options = words.slice(3);
    }
  }
  const rules = { table: syncOptions, of: "lvs_sync_daemon", scope: "global_defs" };
  if (readOptions(daemon, options, context, rules)) draft.lvsSyncDaemon = daemon;
}
