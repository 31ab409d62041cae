import type { Milliseconds } from "../../units.js";
import { integer, seconds, switchArg } from "../args.js";
import { type Context, keywordsFor } from "../keyword.js";

/** Check timing as given by a virtual server, a real server or a checker; each inherits from the one before. */
export interface TimingDraft {
  delayLoop?: Milliseconds;
  fastInterval?: Milliseconds;
  jitter?: Milliseconds;
  connectTimeout?: Milliseconds | undefined;
  retry?: number | undefined;
  /** `retry` is what `fall` says. */
  retryIsFall?: boolean;
  rise?: number;
  delayBeforeRetry?: Milliseconds | undefined;
  warmup?: Milliseconds;
}

export interface CheckTimingDraft extends TimingDraft {
  alpha?: boolean;
  logAllFailures?: boolean;
}

const LONGEST = 18_446_744_073_709;
const COUNT = 0xffff_ffff;
const OURS = { ours: true, source: "docs/differences.md, Checks" } as const;

const server = keywordsFor<TimingDraft>();
const check = keywordsFor<CheckTimingDraft>();

/** What holds where a scope says nothing, in words. */
interface Defaults {
  /** Of what all scopes inherit in the same way. */
  readonly inherited: (otherwise: string) => string;
  readonly retry: string;
  readonly pause: string;
  readonly loop: string;
  readonly warmup: string;
  readonly connect: string;
}

const intervals = (leastRetries: 0 | 1, { retry, pause, loop, warmup, inherited }: Defaults) => ({
  delay_loop: server.field("delayLoop", seconds(0.000001, LONGEST, 6), {
    default: loop,
    doc: "Interval between two checks.",
  }),
  delay_before_retry: server.field("delayBeforeRetry", seconds(0, LONGEST, 6), {
    default: pause,
    doc: "Pause before a failed check is tried again.",
  }),
  warmup: server.field("warmup", seconds(0, LONGEST, 6), {
    default: warmup,
    doc: "Upper bound of the random delay before the first check.",
  }),
  retry: server.value({
    args: [integer(leastRetries, COUNT)],
    apply: (draft, [count], context) => {
      if (draft.retryIsFall === true) {
        noteBoth(context);
        draft.retryIsFall = false;
      }
      draft.retry = count;
    },
    default: retry,
    doc: "Failed tries that are forgiven before a server is down.",
  }),
  fall: server.value({
    ...OURS,
    args: [integer(1, COUNT)],
    apply: (draft, [count], context) => {
      if (draft.retry !== undefined && draft.retryIsFall !== true) noteBoth(context);
      draft.retryIsFall = true;
      draft.retry = count - 1;
    },
    default: "retry + 1",
    doc: "Failures in a row until a server is down: retry + 1.",
  }),
  rise: server.field("rise", integer(1, COUNT), {
    ...OURS,
    default: inherited("1"),
    doc: "Successes in a row until a server that was down is up again; the first check of all counts at once.",
  }),
  fast_interval: server.field("fastInterval", seconds(0.000001, LONGEST, 6), {
    ...OURS,
    default: inherited("delay_before_retry and delay_loop"),
    doc: "Interval after a failed check, and while a server is down or rising.",
  }),
  jitter: server.field("jitter", seconds(0, LONGEST, 6), {
    ...OURS,
    default: inherited("0"),
    doc: "Up to so much is added to every interval, at random.",
  }),
});

function noteBoth({ keyword, at, diagnostics }: Context): void {
  const other = keyword === "fall" ? "retry" : "fall";
  const message = `${keyword} and ${other} say the same thing twice: ${keyword} counts`;
  diagnostics.warn("CFG_ADVICE", at, message, `remove ${other}: it is ${other === "fall" ? "retry + 1" : "fall - 1"}`);
}

const connectTimeout = (value: string) =>
  server.field("connectTimeout", seconds(0.000001, 4294.967295, 6), {
    default: value,
    since: "2.0.13",
    doc: "Limit on connecting and on each answer.",
  });

const serverTiming = (defaults: Defaults) => ({
  ...intervals(1, defaults),
  connect_timeout: connectTimeout(defaults.connect),
});

export const virtualServerTiming = serverTiming({
  retry: "that of the checker: 1, of DNS_CHECK 3, of MISC_CHECK 0",
  pause: "that of the checker: 1, of HTTP_GET and SSL_GET 3, of DNS_CHECK delay_loop",
  loop: "60",
  warmup: "delay_loop",
  connect: "5",
  inherited: (otherwise) => otherwise,
});

const INHERITED = "virtual_server setting";
export const realServerTiming = serverTiming({
  retry: INHERITED,
  pause: INHERITED,
  loop: INHERITED,
  warmup: INHERITED,
  connect: INHERITED,
  inherited: () => INHERITED,
});

/** Of a checker that runs by itself; `retry` and `pause`: its own defaults. */
export const checkTiming = ({ retry = "1", pause = "1" }: { retry?: string; pause?: string } = {}) => ({
  ...intervals(0, {
    retry: `real_server setting, else ${retry}`,
    pause: `real_server setting, else ${pause}`,
    loop: "real_server setting",
    warmup: "real_server setting, else delay_loop",
    connect: "",
    inherited: (otherwise) => `real_server setting, else ${otherwise}`,
  }),
  alpha: check.field("alpha", switchArg, {
    default: "real_server setting",
    doc: "Counts as failed until the first success.",
  }),
  log_all_failures: check.field("logAllFailures", switchArg, {
    default: "checker_log_all_failures of global_defs",
    since: "2.0.11",
    doc: "Logs every failed attempt while the server is up.",
  }),
});

export const checkConnectTimeout = { connect_timeout: connectTimeout("real_server setting") };

/** `nb_get_retry`, which keepalived reports whenever it stands. */
export const oldRetry = check.field("retry", integer(0, COUNT), {
  default: "1",
  deprecated: { instead: "retry" },
  doc: "Old name of retry.",
});
