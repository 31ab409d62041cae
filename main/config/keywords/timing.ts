import type { Milliseconds } from "../../units.js";
import { integer, seconds, switchArg } from "../args.js";
import { keywordsFor } from "../keyword.js";

/** Check timing as given by a virtual server, a real server or a checker; each inherits from the one before. */
export interface TimingDraft {
  delayLoop?: Milliseconds;
  connectTimeout?: Milliseconds | undefined;
  retry?: number | undefined;
  delayBeforeRetry?: Milliseconds | undefined;
  warmup?: Milliseconds;
}

export interface CheckTimingDraft extends TimingDraft {
  alpha?: boolean;
  logAllFailures?: boolean;
}

const LONGEST = 18_446_744_073_709;
const COUNT = 0xffff_ffff;

const server = keywordsFor<TimingDraft>();
const check = keywordsFor<CheckTimingDraft>();

/** What holds where a scope says nothing, in words. */
interface Defaults {
  readonly retry: string;
  readonly pause: string;
  readonly loop: string;
  readonly warmup: string;
  readonly connect: string;
}

const intervals = (leastRetries: 0 | 1, { retry, pause, loop, warmup }: Defaults) => ({
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
  retry: server.field("retry", integer(leastRetries, COUNT), {
    default: retry,
    doc: "Failed tries that are forgiven before a server is down.",
  }),
});

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
});

const INHERITED = "virtual_server setting";
export const realServerTiming = serverTiming({
  retry: INHERITED,
  pause: INHERITED,
  loop: INHERITED,
  warmup: INHERITED,
  connect: INHERITED,
});

/** Of a checker that runs by itself; `retry` and `pause`: its own defaults. */
export const checkTiming = ({ retry = "1", pause = "1" }: { retry?: string; pause?: string } = {}) => ({
  ...intervals(0, {
    retry: `real_server setting, else ${retry}`,
    pause: `real_server setting, else ${pause}`,
    loop: "real_server setting",
    warmup: "real_server setting, else delay_loop",
    connect: "",
  }),
  alpha: check.field("alpha", switchArg, {
    default: "real_server setting",
    doc: "Counts as failed until the first success.",
  }),
  log_all_failures: check.field("logAllFailures", switchArg, {
    default: "checker_log_all_failures of global_defs",
    since: "2.0.11",
    doc: "Logs every failed attempt.",
  }),
});

export const checkConnectTimeout = { connect_timeout: connectTimeout("real_server setting") };

/** `nb_get_retry`, which keepalived reports whenever it stands. */
export const oldRetry = check.field("retry", integer(0, COUNT), {
  default: "1",
  deprecated: { instead: "retry" },
  doc: "Old name of retry.",
});
