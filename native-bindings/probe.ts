import { native } from "./load.js";

export * from "./probe-words.js";

/** Numbers of native-bindings/probe/spec.h. */
export const probeKinds = ["tcp", "http", "https", "ping", "udp", "dns", "smtp"] as const;
export type ProbeKind = (typeof probeKinds)[number];

export const phases = ["lateness", "connect", "tls", "first-byte", "total"] as const;
export type Phase = (typeof phases)[number];

export interface ProbePattern {
  readonly pattern: string;
  /** PCRE2_* compile options by the words of keepalived.conf: `caseless`, `multiline` ... */
  readonly options: readonly string[];
  readonly noMatch: boolean;
  readonly minOffset: number;
  readonly maxOffset: number | undefined;
  readonly stack: { readonly start: number; readonly max: number } | undefined;
}

export interface ProbeUrl {
  /** All bytes to send, latin1. */
  readonly request: string;
  /** Inclusive, 100-599. */
  readonly statusCodes: readonly { readonly from: number; readonly to: number }[];
  /** 32 hex digits. */
  readonly digest: string | undefined;
  readonly body: ProbePattern | undefined;
  readonly serverName: string | undefined;
  readonly tlsCompliant: boolean;
}

export interface ProbeTls {
  readonly resumption: boolean;
  readonly caFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly password: string | undefined;
}

/** What a check that is not HTTP says and wants to hear. All texts are latin1: one octet per character. */
export interface ProbeExchange {
  /** `udp`, `dns`: the datagram, of `dns` a query whose id does not matter. `smtp`: the name for HELO. */
  readonly request: string;
  /** `udp`: without it silence is as good as any answer. */
  readonly requireReply: boolean;
  /** `udp`: what the answer begins with, where `mask` has bits; both of the same length. */
  readonly reply: string;
  readonly mask: string;
  /** `udp`: octets, up to 65,535. */
  readonly minReply: number;
  readonly maxReply: number;
}

export interface ProbeSpec {
  readonly kind: ProbeKind;
  /** IPv4 or IPv6 in text. */
  readonly address: string;
  /** 0 for `ping`. */
  readonly port: number;
  readonly bindAddress: string | undefined;
  readonly bindPort: number | undefined;
  readonly bindInterface: string | undefined;
  readonly fwmark: number;
  readonly closeWith: "reset" | "fin";
  /** All in milliseconds, whole. */
  readonly timeout: number;
  readonly interval: number;
  readonly quietFailInterval: number;
  readonly jitter: number;
  readonly urls: readonly ProbeUrl[];
  readonly tls: ProbeTls | undefined;
  /** Of `udp`, `dns` and `smtp`. */
  readonly exchange: ProbeExchange | undefined;
  readonly groups: readonly number[];
}

export interface ProbeLimits {
  readonly inFlight: number;
  /** 0: no limit. */
  readonly inFlightPerHost: number;
  /** Checks and attempts are never in swap, as far as RLIMIT_MEMLOCK allows. */
  readonly keepInMemory?: boolean;
}

export interface ProbeCounters {
  readonly completed: number;
  readonly passed: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly noResources: number;
}

/**
 * One per worker. `onResults` gets a view of the engine's own memory: `count` results of `resultWords` words each, valid during the
 * call only. It is called from the event loop, never from inside a method.
 */
export interface ProbeEngine extends Disposable {
  /** @returns the slot. @throws TypeError, RangeError, or Error for a pattern or certificate that cannot be used */
  add(spec: ProbeSpec): number;
  remove(slot: number): void;
  /** The next attempt, of URL `url`, `delay` ms from now (fractions allowed). `arming` comes back with its result. */
  arm(slot: number, arming: number, delay: number, url: number, quiet: number): void;
  setGroups(slot: number, groups: readonly number[]): void;
  counters(): ProbeCounters;
  /** (slot, µs) of the last attempt of each check that passed. */
  last(): Uint32Array<ArrayBuffer>;
  /** Milliseconds until the next attempt of a check; 0: it is due, or one is under way. */
  untilDue(slot: number): number;
  /**
   * Cumulative: for each kind and phase `kind, phase, n` and n pairs (bucket, count); with `groups` the same for every group, as
   * `0x80000000 | group, phase, n`. Buckets are those of HdrHistogram: 1 µs to 600 s, two digits.
   */
  latency(groups: boolean): Uint32Array<ArrayBuffer>;
  close(): void;
}

interface NativeProbe {
  readonly ProbeEngine: new (limits: ProbeLimits, onResults: OnResults) => ProbeEngine;
  readonly tlsErrorText: (code: number) => string;
  readonly compilePattern: (pattern: ProbePattern) => { readonly message: string; readonly offset: number } | undefined;
}

export type OnResults = (results: Uint32Array<ArrayBuffer>, count: number) => void;

const probe = native as NativeProbe;

/** @throws Error (errno) when there is no epoll to be had */
export function openProbeEngine(limits: ProbeLimits, onResults: OnResults): ProbeEngine {
  return new probe.ProbeEngine(limits, onResults);
}

/** OpenSSL's words for a code. */
export const tlsErrorText = (code: number): string => probe.tlsErrorText(code);

/** What PCRE2 finds wrong with a pattern, undefined when nothing. */
export const patternError = (pattern: ProbePattern): ReturnType<NativeProbe["compilePattern"]> =>
  probe.compilePattern(pattern);
