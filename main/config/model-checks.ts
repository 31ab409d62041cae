import type { Milliseconds } from "../units.js";
import type { CheckConfig, CheckTarget, CheckTiming, ScriptCommand } from "./model.js";

/** What the health of a server is made of. Those of the pool make attempts at times of their own; the others are told. */
export type ServerCheckConfig = CheckConfig | FileCheckConfig | BfdCheckConfig;

export interface SmtpCheckConfig {
  readonly type: "SMTP_CHECK";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  readonly heloName: string;
}

export const dnsTypes = ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"] as const;

export interface DnsCheckConfig {
  readonly type: "DNS_CHECK";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  readonly queryType: (typeof dnsTypes)[number];
  /** `.` is the root. */
  readonly name: string;
}

export interface UdpCheckConfig {
  readonly type: "UDP_CHECK";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  /** Lower-case hex digits; undefined: whatever the checker likes. */
  readonly payload: string | undefined;
  readonly requireReply: boolean;
  /** Lower-case hex digits, `x` for any; undefined: any reply. */
  readonly reply: string | undefined;
  readonly minReplyLength: number;
  readonly maxReplyLength: number;
}

export interface MiscCheckConfig {
  readonly type: "MISC_CHECK";
  /** `connectTimeout` means nothing here, and is always the default. */
  readonly timing: CheckTiming;
  readonly command: ScriptCommand;
  /** How long it may run: misc_timeout, else the delay_loop of the virtual server. */
  readonly timeout: Milliseconds;
  /** It is the delay_loop: misc_timeout says nothing, or 0. */
  readonly inheritsTimeout: boolean;
  /** The exit status sets the weight. */
  readonly dynamic: boolean;
}

export interface FileCheckConfig {
  readonly type: "FILE_CHECK";
  readonly trackFile: string;
  /** Undefined: those of the track file. */
  readonly weight: number | undefined;
  readonly reverse: boolean | undefined;
}

/** The main thread runs it: it only listens to a session. */
export interface BfdCheckConfig {
  readonly type: "BFD_CHECK";
  /** Nothing of it counts but `alpha`. */
  readonly timing: CheckTiming;
  readonly name: string;
}

/** What PCRE2 is asked to do, in its own words. */
export const regexOptions = [
  "allow_empty_class",
  "alt_bsux",
  "auto_callout",
  "caseless",
  "dollar_endonly",
  "dotall",
  "dupnames",
  "extended",
  "firstline",
  "match_unset_backref",
  "multiline",
  "never_ucp",
  "never_utf",
  "no_auto_capture",
  "no_auto_possess",
  "no_dotstar_anchor",
  "no_start_optimize",
  "ucp",
  "ungreedy",
  "utf",
  "never_backslash_c",
  "alt_circumflex",
  "alt_verbnames",
  "use_offset_limit",
] as const;

export type RegexOption = (typeof regexOptions)[number];

/** What a page must hold (PCRE2). */
export interface BodyPattern {
  readonly pattern: string;
  readonly options: readonly RegexOption[];
  /** The page must not match. */
  readonly noMatch: boolean;
  /** Octets. */
  readonly minOffset: number;
  /** Undefined: to the end. */
  readonly maxOffset: number | undefined;
  /** Stack of the just-in-time matcher in octets. */
  readonly stack: { readonly start: number; readonly max: number } | undefined;
}
