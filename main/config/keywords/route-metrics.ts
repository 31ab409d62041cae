import { reportMissing } from "../apply.js";
import { choice, integer, text } from "../args.js";
import { type Arg, type Context, contextAt } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { Metric, PlainMetric } from "../model-routes.js";
import { type OptionWord, optionsFor } from "../option-words.js";
import { routeTime, u8, u32 } from "./net-args.js";
import type { RouteDraft } from "./route-draft.js";

const { option } = optionsFor<RouteDraft>();
const lock: Arg<"lock"> = choice("lock");

/** `[lock] VALUE`. */
function lockable<T>(name: string, arg: Arg<T>, set: (draft: RouteDraft, metric: Metric<T>) => void, doc: string) {
  return option({
    args: [{ ...lock, shape: "[lock]" }, arg],
    apply: () => undefined, // `take` does it all
    take: (draft, rest, given) => {
      const context = given.named(name);
      const locked = rest[0]?.text === "lock";
      const value = rest[locked ? 1 : 0];
      const metric = value === undefined ? missing(rest, arg, context) : parsed(arg, value, context);
      if (metric === undefined) return undefined;
      set(draft, { value: metric.value, locked });
      return locked ? 2 : 1;
    },
    onInvalid: "drop-entry",
    doc,
  });
}

function missing(rest: readonly Word[], { shape }: Arg<unknown>, context: Context): undefined {
  const [word] = rest;
  reportMissing(word === undefined ? context : contextAt(context, word).named(word.text), 2, shape);
}

function parsed<T>(arg: Arg<T>, word: Word, { diagnostics, keyword }: Context): { value: T } | undefined {
  const result = arg.parse(word.text);
  if (!result.ok) {
    const message = `Invalid ${keyword} ${word.text} for route: it ${result.why} - the route is left out`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, `write: ${keyword} [lock] ${arg.shape}`);
    return undefined;
  }
  if (result.note !== undefined) {
    diagnostics.warn("CFG_ADJUSTED", word.at, `${keyword} ${word.text} of a route ${result.note}`);
  }
  return { value: result.value };
}

const counted = (name: PlainMetric, doc: string) =>
  lockable(
    name,
    u32,
    (draft, metric) => {
      draft.plain[name] = metric;
    },
    doc,
  );

const plain = (name: PlainMetric, arg: Arg<number>, doc: string) =>
  option({
    args: [arg],
    apply: (draft, [value]) => {
      draft.plain[name] = { value, locked: false };
    },
    onInvalid: "drop-entry",
    doc,
  });

const time = (name: "rtt" | "rttvar" | "rto_min", perMs: number, doc: string) =>
  lockable(
    name,
    routeTime(perMs),
    (draft, metric) => {
      draft.times[name] = metric;
    },
    doc,
  );

/** RTAX_* of linux/rtnetlink.h. */
export const metricOptions: Readonly<Record<string, OptionWord<RouteDraft>>> = {
  mtu: counted("mtu", "Largest packet."),
  advmss: counted("advmss", "Segment size that is advertised."),
  reordering: counted("reordering", "Reordering metric."),
  cwnd: counted("cwnd", "Clamp of the congestion window."),
  ssthresh: counted("ssthresh", "Slow-start threshold."),
  rtt: time("rtt", 8, "Round-trip time, 0.2 s to 120 s; a bare number counts 1/8 ms."),
  rttvar: time("rttvar", 4, "Variance of the round-trip time; a bare number counts 1/4 ms."),
  rto_min: time("rto_min", 1, "Least retransmission timeout; a bare number counts ms."),
  window: plain("window", u32, "Largest window that is advertised."),
  initcwnd: plain("initcwnd", u32, "Initial congestion window."),
  initrwnd: plain("initrwnd", u32, "Initial receive window."),
  hoplimit: plain("hoplimit", u8, "Hop limit."),
  quickack: plain("quickack", integer(0, 1), "Acknowledges at once."),
  fastopen_no_cookie: plain("fastopen_no_cookie", integer(0, 1), "TCP fast open without a cookie."),
  congctl: lockable(
    "congctl",
    text,
    (draft, metric) => {
      draft.congestionControl = metric;
    },
    "Congestion control algorithm.",
  ),
  features: option({
    args: [choice("ecn")],
    apply: (draft) => {
      draft.ecn = true;
    },
    doc: "ecn: explicit congestion notification.",
  }),
};
