import type { Milliseconds } from "../../units.js";
import { integer, seconds, switchArg } from "../args.js";
import { type Keyword, keywordsFor } from "../keyword.js";

/** Check timing as given by a virtual server, a real server or a checker; each inherits from the one before. */
export interface TimingDraft {
  delayLoop?: Milliseconds;
  connectTimeout?: Milliseconds;
  retry?: number;
  delayBeforeRetry?: Milliseconds;
  warmup?: Milliseconds;
}

export interface CheckTimingDraft extends TimingDraft {
  alpha?: boolean;
  logAllFailures?: boolean;
}

const SOURCE = "keepalived.conf(5)";
const LONGEST = 18_446_744_073_709;
const COUNT = 0xffff_ffff;

/** `leastRetries`: 1 in servers, 0 in checkers. */
export function timingKeywords<Draft extends TimingDraft>(leastRetries: 0 | 1) {
  const keyword = keywordsFor<Draft>();
  const time = (field: Exclude<keyof TimingDraft, "retry">, least: number, most: number, doc: string) =>
    keyword.value({
      args: [seconds(least, most, 6)],
      apply: (draft, [value]) => {
        draft[field] = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc,
    });
  return {
    delay_loop: time("delayLoop", 0.000001, LONGEST, "Interval between checks (60 s)."),
    connect_timeout: time("connectTimeout", 0.000001, 4294.967295, "Limit on connecting (5 s)."),
    delay_before_retry: time("delayBeforeRetry", 0, LONGEST, "Pause between retries (1 s; HTTP and SSL 3 s)."),
    warmup: time("warmup", 0, LONGEST, "Upper bound of the random delay before the first check (delay_loop)."),
    retry: keyword.value({
      args: [integer(leastRetries, COUNT)],
      apply: (draft, [value]) => {
        draft.retry = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc: "Retries before a server is down (1).",
    }),
  } as const satisfies Record<string, Keyword<Draft>>;
}

export function checkTimingKeywords<Draft extends CheckTimingDraft>() {
  const keyword = keywordsFor<Draft>();
  const onOff = (field: "alpha" | "logAllFailures", doc: string) =>
    keyword.value({
      args: [switchArg],
      apply: (draft, [on]) => {
        draft[field] = on;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc,
    });
  return {
    ...timingKeywords<Draft>(0),
    alpha: onOff("alpha", "Down until the first success."),
    log_all_failures: onOff("logAllFailures", "Logs every failed attempt."),
    nb_get_retry: keyword.value({
      args: [integer(0, COUNT)],
      apply: (draft, [value], { diagnostics, at }) => {
        draft.retry = value;
        diagnostics.warn(
          "CFG_DEPRECATED",
          at,
          "nb_get_retry is deprecated - please use 'retry'",
          `write: retry ${value}`,
        );
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: "keepalived.conf(5) HTTP_GET nb_get_retry; widely used guides also put it into TCP_CHECK",
      doc: "Old name of retry.",
    }),
  } as const satisfies Record<string, Keyword<Draft>>;
}
