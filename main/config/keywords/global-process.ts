import type { Milliseconds } from "../../units.js";
import { reportMissing } from "../apply.js";
import { integer, optional } from "../args.js";
import { alias, type Context, type Keyword, keywordsFor, type ValueKeyword } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { ACCEPTED, badValue, cutText, microseconds, nearestInteger, plainWords } from "./global-args.js";

/** Names, priorities and memory of keepalived's processes. Ours are threads: VRRP is the main thread, the checker the checker threads. */
export interface ProcessesDraft {
  useProcessNames?: boolean;
  processName?: string;
  readonly children: Readonly<Record<Child, ChildDraft>>;
  maxAutoPriority?: number;
  minAutoPriorityDelay?: Milliseconds;
  lateTimerWarning?: Milliseconds;
  umask?: number;
}

export const childNames = ["vrrp", "checker", "bfd"] as const;
export type Child = (typeof childNames)[number];

export interface ChildDraft {
  name?: string;
  priority?: number;
  noSwap?: boolean;
  realTimePriority?: number;
  realTimeLimit?: Milliseconds;
  cpus?: readonly { readonly cpu: number; readonly at: SourcePosition }[];
}

const keyword = keywordsFor<ProcessesDraft>();

/** PR_SET_NAME keeps 15 characters. */
const processName = cutText(15);

/** BFD has no process and no thread of its own. @param instead what rules the thread that it runs in */
const effectOf = (child: Child, instead: string): Partial<typeof ACCEPTED & { insteadOfIt: string }> =>
  child === "bfd" ? { ...ACCEPTED, insteadOfIt: `BFD runs in the main thread: write ${instead}` } : {};

function setChild<Field extends keyof ChildDraft>(child: Child, field: Field) {
  return (draft: ProcessesDraft, [value]: readonly [Exclude<ChildDraft[Field], undefined>]): void => {
    const { children } = draft;
    (children[child] as { -readonly [K in Field]?: ChildDraft[K] })[field] = value;
  };
}

const namesWhat: Readonly<Record<Child, string>> = {
  vrrp: "Name of the daemon in ps(1), where VRRP runs.",
  checker: "Name of the threads of checks, and of a daemon without VRRP, in ps(1).",
  bfd: "Name of keepalived's bfd process in ps(1).",
};

const nameOf = (child: Child, since: string): ValueKeyword<ProcessesDraft> =>
  keyword.value({
    ...effectOf(child, "vrrp_process_name"),
    args: [processName],
    apply: setChild(child, "name"),
    default: `keepalived's, or keepalived_${child === "checker" ? "lvs" : child} with process_names`,
    since,
    doc: namesWhat[child],
  });

function limitOf(child: Child, meta: { readonly since?: string }): ValueKeyword<ProcessesDraft> {
  const set = setChild(child, "realTimeLimit");
  return keyword.value({
    ...effectOf(child, "vrrp_rlimit_rttime"),
    args: [microseconds(1, 0xffff_ffff)],
    apply: (draft, [limit]) => set(draft, [Math.max(limit, 0.002) as Milliseconds]), // 2 is the least whose half is not 0
    onInvalid: { use: [10 as Milliseconds], says: "using the least" },
    default: "none; at least 200000",
    ...meta,
    doc: `CPU time in microseconds that the ${child} process may use without blocking under real-time scheduling.`,
  });
}

function keywordsOf(child: Child): Readonly<Record<string, Keyword<ProcessesDraft>>> {
  return {
    [`${child}_priority`]: keyword.value({
      ...effectOf(child, "vrrp_priority"),
      args: [integer(-20, 19)],
      apply: setChild(child, "priority"),
      onInvalid: { use: [0], says: "using 0" },
      missing: `No ${child} process priority specified`,
      default: child === "checker" ? "5" : "0",
      doc: `Nice value of the ${child} process.`,
    }),
    [`${child}_no_swap`]: keyword.value({
      ...effectOf(child, "vrrp_no_swap"),
      args: [],
      apply: (draft) => setChild(child, "noSwap")(draft, [true]),
      default: "off",
      doc: `Keeps the ${child} process in memory.`,
    }),
    [`${child}_rt_priority`]: keyword.value({
      ...effectOf(child, "vrrp_rt_priority"),
      args: [nearestInteger(1, 99)],
      apply: setChild(child, "realTimePriority"),
      missing: `No ${child} process real-time priority specified`,
      default: "0 (the usual scheduling)",
      doc: `Real-time (SCHED_RR) priority of the ${child} process.`,
    }),
    [`${child}_cpu_affinity`]: keyword.words({
      ...effectOf(child, "vrrp_cpu_affinity"),
      shape: "<cpu> [<cpu> ...]",
      apply: (draft, words, context) => applyCpus(draft.children[child], child, words, context),
      default: "all processors",
      since: "2.0.17",
      doc: `Processors that the ${child} process may run on.`,
    }),
    [`${child}_rlimit_rttime`]: limitOf(child, { since: "2.1.0" }),
    [`${child}_rlimit_rtime`]: alias(limitOf(child, {}), `${child}_rlimit_rttime`, {
      deprecated: { instead: `${child}_rlimit_rttime`, silent: true },
    }),
  };
}

/** One wrong number clears the set. */
function applyCpus(draft: ChildDraft, child: Child, words: readonly Word[], context: Context): void {
  const hint = `write: ${context.keyword} <cpu> [<cpu> ...], counted from 0`;
  const cpus = words.map(({ text, at }) => ({ cpu: /^\d{1,5}$/.test(text) ? Number(text) : -1, at }));
  const wrong = words.find((_, i) => cpus[i]?.cpu === -1);
  draft.cpus = wrong === undefined ? cpus : [];
  if (words.length === 0) badValue(context, undefined, `needs the numbers of processors of the ${child} process`, hint);
  else if (wrong !== undefined) badValue(context, wrong, "is not the number of a processor - using all of them", hint);
}

/** Names of mode bits as keepalived.conf(5) has them: S_ left out. */
const bits: Readonly<Record<string, number>> = {
  IRUSR: 0o400,
  IWUSR: 0o200,
  IXUSR: 0o100,
  IRWXU: 0o700,
  IRGRP: 0o040,
  IWGRP: 0o020,
  IXGRP: 0o010,
  IRWXG: 0o070,
  IROTH: 0o004,
  IWOTH: 0o002,
  IXOTH: 0o001,
  IRWXO: 0o007,
};

const bitDoc = (bit: number): string => `Mode bits 0${bit.toString(8).padStart(3, "0")} are left out of new files.`;

function applyUmask(draft: ProcessesDraft, words: readonly Word[], context: Context): void {
  const [first, ...more] = words;
  const value = first !== undefined && /^\d/.test(first.text) ? maskNumber(first.text) : maskBits(words);
  if (value === undefined || (more.length > 0 && /^\d/.test(first?.text ?? ""))) {
    const given = words.map(({ text }) => text).join(" ");
    const message = `umask '${given}' is no mask - ignoring`;
    const hint = `write an octal number up to 0777, or bits joined by |: IXUSR|IRWXG|IRWXO (of ${Object.keys(bits).join(", ")})`;
    context.diagnostics.error("CFG_BAD_VALUE", first?.at ?? context.at, message, hint);
  } else draft.umask = value;
}

/** With C's prefixes: 0 octal, 0x hexadecimal, else decimal. */
function maskNumber(text: string): number | undefined {
  const known = /^(0[0-7]*|[1-9]\d{0,5}|0[xX][0-9a-fA-F]{1,6})$/.test(text);
  const value = /^0[0-7]/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return known && value <= 0o777 ? value : undefined;
}

/** Blanks around `|` do not matter. */
function maskBits(words: readonly Word[]): number | undefined {
  let mask = 0;
  for (const name of words
    .map(({ text }) => text)
    .join(" ")
    .split("|")) {
    const bit = Object.hasOwn(bits, name.trim()) ? bits[name.trim()] : undefined;
    if (bit === undefined) return undefined;
    mask |= bit;
  }
  return mask;
}

export const globalProcessKeywords: Readonly<Record<string, Keyword<ProcessesDraft>>> = {
  process_names: keyword.flag("useProcessNames", {
    default: "off",
    since: "2.0.16",
    doc: "The daemon is called keepalived_vrrp, and threads of checks keepalived_lvs.",
  }),
  process_name: keyword.field("processName", processName, {
    since: "2.0.16",
    default: "as it was started",
    doc: "Name of the launcher in ps(1).",
  }),
  vrrp_process_name: nameOf("vrrp", "2.0.16"),
  checker_process_name: nameOf("checker", "2.2.0"),
  lvs_process_name: alias(nameOf("checker", "2.0.16"), "checker_process_name", {
    deprecated: { instead: "checker_process_name", silent: true },
  }),
  bfd_process_name: nameOf("bfd", "2.0.16"),
  max_auto_priority: keyword.value({
    args: [optional(integer(-1, 99), 99)],
    apply: (draft, [highest]) => {
      draft.maxAutoPriority = highest;
    },
    default: "0 (off)",
    since: "2.1.0",
    doc: "How far real-time priorities rise by themselves when timers run late; -1: off, without a notice about it.",
  }),
  min_auto_priority_delay: keyword.field("minAutoPriorityDelay", microseconds(1, 10_000_000), {
    missing: "min_auto_priority_delay requires delay time",
    default: "1000000",
    since: "2.1.0",
    doc: "Lateness of a timer that raises the priority by one step.",
  }),
  late_timer_warning: keyword.field("lateTimerWarning", microseconds(1000, 60_000_000), {
    ours: true,
    default: "300000",
    doc: "A timer of the main thread that runs later than this is logged, with the cause that can be seen.",
  }),
  ...keywordsOf("vrrp"),
  ...keywordsOf("checker"),
  ...keywordsOf("bfd"),
  umask: keyword.words({
    shape: "<0..0777> | <bit>[|<bit>...]",
    options: plainWords(Object.fromEntries(Object.entries(bits).map(([name, bit]) => [name, bitDoc(bit)]))),
    apply: (draft, words, context) => {
      if (words.length > 0) applyUmask(draft, words, context);
      else reportMissing(context, 2, "<0..0777>");
    },
    default: "IXUSR|IRWXG|IRWXO",
    since: "2.0.9",
    doc: "Mode bits that files of the daemon do not get; --umask wins.",
  }),
};
