// What the numbers of the probe engine mean; apart from probe.ts, so that who only reads them need not load the add-on.

/** Numbers of native-bindings/probe/verdict.h; the outcomes are those of workers/protocol.ts. */
export const stages = ["connect", "handshake", "response"] as const;
export type Stage = (typeof stages)[number];

export const reasons = [
  "none",
  "errno",
  "tls",
  "closed",
  "no-data",
  "no-header",
  "long-header",
  "long-body",
  "match-limit",
  "unwanted-match",
  "engine",
  "reply-code",
  "mismatch",
  "wrong-length",
] as const;
export type Reason = (typeof reasons)[number];

/** `pass`, `fail`: an attempt that ends so is counted and repeated by the engine alone. */
export const quietness = ["nothing", "pass", "fail"] as const;
export type Quiet = (typeof quietness)[number];

/** Words per result; see struct Result in native-bindings/probe/engine.h. */
export const resultWords = 16;
