import type { IpAddress } from "../address.js";
import type { GuardConfig, WitnessConfig } from "../config/model-guard.js";
import { type Milliseconds, ms, type Priority } from "../units.js";
import { unreachable } from "../unreachable.js";

/**
 * The pure half of split_brain_guard: an instance that could become MASTER asks here first. The conditions are looked at in
 * this order, cheap and harmless ones before the fencing script: nobody says that he is MASTER already, witnesses answer, the
 * peers know that we are about to take over and none of them goes before us, the script succeeds, nobody has the addresses.
 */

/** What a peer says that it is. */
export type PeerState = "INIT" | "BACKUP" | "CANDIDATE" | "MASTER" | "FAULT" | "STOP";

/** A peer as its heartbeats show it. */
export interface PeerView {
  readonly address: IpAddress;
  /** `unheard`: not long enough listened to. */
  readonly standing: "heard" | "unheard" | "silent";
  /** When it becomes silent, if nothing is heard. */
  readonly silentAt: Milliseconds;
  readonly state: PeerState;
  readonly priority: number;
  /** It takes over from a master that it hears, and that is to give way. */
  readonly preempts: boolean;
  /** Its address compared with ours, where priorities are equal. */
  readonly order: -1 | 1;
  /** It has answered our word that we are a candidate, as we are one now. */
  readonly acknowledged: boolean;
}

export interface GuardContext {
  readonly config: GuardConfig;
  readonly now: Milliseconds;
  readonly priority: Priority;
  /** A weaker master is heard: it gives way as soon as it hears us. */
  readonly preempting: boolean;
  readonly peers: readonly PeerView[];
  /** Of two candidates the peer goes before us; undefined: as VRRP ranks them. */
  readonly goesFirst?: (peer: PeerView) => boolean | undefined;
}

/** Undefined: no answer yet. `problem` undefined: it answered. */
export type Answer = { readonly problem: string | undefined } | undefined;

export type GuardState = Idle | Attempt;

interface Common {
  /** Counts attempts, so that answers of an earlier one are told apart. */
  readonly number: number;
  /** The fencing script runs; it is never run twice at a time. */
  readonly fencing: boolean;
}

interface Idle extends Common {
  readonly at: "idle";
}

export interface Attempt extends Common {
  /** `held`: a condition does not hold. `clear`: all do. */
  readonly at: "witness" | "election" | "fence" | "probe" | "held" | "clear";
  /** When the instance first wanted to be MASTER. */
  readonly since: Milliseconds;
  readonly answers: readonly Answer[];
  readonly fenced: boolean;
  readonly probed: boolean;
  /** What it waits for, as a sentence without an end. */
  readonly waits: string;
  /** A peer is what holds it: as soon as that one says something else it goes on. */
  readonly onPeer: boolean;
  /** When to look again; undefined: something else will be heard. */
  readonly until: Milliseconds | undefined;
}

export type GuardEvent =
  /** The machine would be MASTER now. */
  | { readonly on: "wanted" }
  /** It would not, or it is MASTER. */
  | { readonly on: "dropped" }
  /** A peer was heard, priorities changed, or the time has come. */
  | { readonly on: "look" }
  | { readonly on: "witness"; readonly number: number; readonly index: number; readonly problem: string | undefined }
  | { readonly on: "fenced"; readonly problem: string | undefined }
  | { readonly on: "probed"; readonly number: number; readonly result: ProbeResult };

export type ProbeResult =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly what: string }
  | { readonly kind: "unknown"; readonly problem: string };

export type GuardEffect =
  | { readonly do: "askWitnesses" | "probe"; readonly number: number }
  | { readonly do: "fence" | "claim" }
  /** A condition does not hold: said once for each reason. */
  | { readonly do: "tell"; readonly reason: string };

export interface GuardStep {
  readonly state: GuardState;
  readonly effects: readonly GuardEffect[];
}

export type GuardReducer = (ctx: GuardContext, state: GuardState, event: GuardEvent) => GuardStep;

/** How long after a condition did not hold everything is looked at again. */
const RETRY = ms(1000);
const FENCE_AGAIN = ms(10_000);
/** What was found holds so long while the sync group is waited for. */
const KEEPS = ms(5000);

export const noAttempt: GuardState = { at: "idle", number: 0, fencing: false };

/**
 * After a reload with another guard, which asks anew. But a fencing script that runs is not run beside itself, and a peer that was
 * fenced stays so as long as the script is the same one.
 */
export function inherit(before: GuardState, now: Milliseconds, sameFence: boolean): GuardState {
  const { number, fencing } = before;
  if (before.at === "idle") return { at: "idle", number, fencing };
  const anew: Attempt = { ...before, at: "held", answers: [], fenced: before.fenced && sameFence, probed: false };
  return { ...anew, waits: "a reload changed the guard", onPeer: false, until: now };
}

/** Its heartbeats say that it is about to take over. */
export const isCandidate = ({ at }: GuardState): boolean =>
  at === "election" || at === "fence" || at === "probe" || at === "clear";

export function guardStep(ctx: GuardContext, state: GuardState, event: GuardEvent): GuardStep {
  switch (event.on) {
    case "wanted":
      return state.at === "idle" ? begin(ctx, fresh(ctx, state)) : look(ctx, state);
    case "dropped":
      return { state: { at: "idle", number: state.number, fencing: state.fencing }, effects: [] };
    case "look":
      return state.at === "idle" ? { state, effects: [] } : look(ctx, state);
    case "witness":
      return onWitness(ctx, state, event);
    case "fenced":
      return onFenced(ctx, { ...state, fencing: false }, event.problem);
    case "probed":
      return onProbed(ctx, state, event);
    default:
      return unreachable(event);
  }
}

const fresh = (ctx: GuardContext, { number, fencing }: Common): Attempt => ({
  at: "held",
  number,
  fencing,
  since: ctx.now,
  answers: [],
  fenced: false,
  probed: false,
  waits: "",
  onPeer: false,
  until: undefined,
});

/** From the top: what was asked before counts no more, but a fenced peer stays fenced. */
function begin(ctx: GuardContext, before: Attempt): GuardStep {
  const attempt: Attempt = { ...before, number: before.number + 1, probed: false, until: undefined };
  const rival = masterAmong(ctx);
  if (rival !== undefined) return holdForPeer(ctx, attempt, rival);
  const { witnesses } = ctx.config;
  if (witnesses.length === 0) return elect(ctx, attempt);
  const answers = witnesses.map(() => undefined);
  const longest = Math.max(...witnesses.map(({ timeout }) => timeout));
  const until = ms(ctx.now + longest + RETRY); // they answer or fail before; this mends a lost answer
  const state: Attempt = { ...attempt, at: "witness", answers, waits: "witnesses are asked", until };
  return { state, effects: [{ do: "askWitnesses", number: state.number }] };
}

/** A master that is heard by VRRP gives way to our advert, or to our word; one that is not does not. */
function masterAmong({ peers, preempting }: GuardContext): string | undefined {
  const rival = preempting
    ? undefined
    : peers.find(({ standing, state }) => standing === "heard" && state === "MASTER");
  return rival && `${rival.address} says that it is MASTER, and its adverts are not heard`;
}

function hold(attempt: Attempt, reason: string, until: Milliseconds, onPeer = false): GuardStep {
  return { state: { ...attempt, at: "held", waits: reason, onPeer, until }, effects: [{ do: "tell", reason }] };
}

const holdForPeer = (ctx: GuardContext, attempt: Attempt, reason: string): GuardStep =>
  hold(attempt, reason, ms(ctx.now + RETRY), true);

function look(ctx: GuardContext, state: Attempt): GuardStep {
  const due = state.until !== undefined && state.until <= ctx.now;
  switch (state.at) {
    case "held": {
      const goesOn = due || (state.onPeer && election(ctx).kind !== "lost");
      return goesOn ? begin(ctx, state) : { state, effects: [] };
    }
    case "witness":
      return due ? begin(ctx, state) : { state, effects: [] };
    case "election":
      return elect(ctx, state);
    case "fence":
    case "probe":
    case "clear": {
      const stays = election(ctx);
      if (stays.kind !== "won") return elect(ctx, { ...state, probed: false });
      return due ? begin(ctx, state) : { state, effects: [] };
    }
    default:
      return unreachable(state.at);
  }
}

function onWitness(ctx: GuardContext, state: GuardState, event: Extract<GuardEvent, { on: "witness" }>): GuardStep {
  if (state.at !== "witness" || event.number !== state.number) return { state, effects: [] };
  const { witnesses, witnessQuorum } = ctx.config;
  const answers = state.answers.map((known, i) => (i === event.index ? { problem: event.problem } : known));
  const next: Attempt = { ...state, answers };
  const well = answers.filter((answer) => answer !== undefined && answer.problem === undefined).length;
  if (well >= witnessQuorum) return elect(ctx, next);
  const open = answers.filter((answer) => answer === undefined).length;
  if (well + open >= witnessQuorum) return { state: next, effects: [] };
  const failed = witnesses.flatMap((witness, i) => {
    const problem = answers[i]?.problem;
    return problem === undefined ? [] : [`${witnessName(witness)} (${problem})`];
  });
  const reason = `${witnessQuorum} of ${witnesses.length} witnesses must answer, and no answer came from ${failed.join(", ")}`;
  return hold(next, reason, ms(ctx.now + RETRY));
}

type Election =
  | { readonly kind: "won" }
  | { readonly kind: "open"; readonly waits: string; readonly until: Milliseconds | undefined }
  | { readonly kind: "lost"; readonly reason: string };

/** Every peer knows of us and lets us go first, or is silent and need not be waited for. */
function election(ctx: GuardContext): Election {
  let open: Election = { kind: "won" };
  for (const peer of ctx.peers) {
    const one = standingOf(ctx, peer);
    if (one.kind === "lost") return one;
    if (one.kind === "open" && open.kind === "won") open = one;
  }
  return open;
}

function standingOf(ctx: GuardContext, peer: PeerView): Election {
  const { address, standing, state } = peer;
  if (standing === "unheard") return { kind: "open", waits: `${address} has not been heard yet`, until: peer.silentAt };
  if (standing === "silent") {
    if (ctx.config.onUnknown === "claim") return { kind: "won" };
    return { kind: "lost", reason: `${address} is silent, and on_unknown is hold` };
  }
  if (state === "STOP") return { kind: "won" }; // its last word: it answers no more, and would greet us if it came back
  if (state === "MASTER") {
    if (!ctx.preempting) return { kind: "lost", reason: masterAmong(ctx) ?? "" };
    return { kind: "open", waits: `${address} is to give way`, until: peer.silentAt };
  }
  const isFirst = ctx.goesFirst?.(peer) ?? goesFirst(ctx.priority, peer);
  if (state === "CANDIDATE" && isFirst)
    return { kind: "open", waits: `${address} with priority ${peer.priority} takes over first`, until: peer.silentAt };
  if (peer.acknowledged) return { kind: "won" };
  return { kind: "open", waits: `${address} has not answered yet`, until: peer.silentAt };
}

/** The peer before us. */
export const goesFirst = (priority: Priority, peer: PeerView): boolean =>
  peer.priority > priority || (peer.priority === priority && peer.order > 0);

function elect(ctx: GuardContext, attempt: Attempt): GuardStep {
  const found = election(ctx);
  switch (found.kind) {
    case "lost":
      return holdForPeer(ctx, attempt, found.reason);
    case "open":
      return { state: { ...attempt, at: "election", waits: found.waits, until: found.until }, effects: [] };
    case "won":
      return last(ctx, attempt);
    default:
      return unreachable(found);
  }
}

/** A master that gives way is in good health: neither is it fenced, nor are its addresses a surprise. */
function last(ctx: GuardContext, attempt: Attempt): GuardStep {
  const { config, preempting, now } = ctx;
  const { fence, probeAddress } = config;
  if (fence !== undefined && !attempt.fenced && !preempting) {
    if (fence.command === undefined) return hold(attempt, "the fencing script cannot be used", ms(now + FENCE_AGAIN));
    const state: Attempt = {
      ...attempt,
      at: "fence",
      fencing: true,
      waits: "the fencing script runs",
      until: undefined,
    };
    return { state, effects: attempt.fencing ? [] : [{ do: "fence" }] };
  }
  if (probeAddress !== undefined && !attempt.probed && !preempting) {
    const until = ms(now + probeAddress + RETRY);
    const state: Attempt = { ...attempt, at: "probe", waits: "the segment is asked for the addresses", until };
    return { state, effects: [{ do: "probe", number: state.number }] };
  }
  return { state: { ...attempt, at: "clear", waits: "", until: ms(now + KEEPS) }, effects: [{ do: "claim" }] };
}

function onFenced(ctx: GuardContext, state: GuardState, problem: string | undefined): GuardStep {
  if (state.at === "idle") return { state, effects: [] };
  if (problem === undefined) {
    const fenced: Attempt = { ...state, fenced: true };
    return state.at === "fence" ? elect(ctx, fenced) : { state: fenced, effects: [] };
  }
  if (state.at !== "fence") return { state, effects: [] };
  return hold(state, `the fencing script failed: ${problem}`, ms(ctx.now + FENCE_AGAIN));
}

function onProbed(ctx: GuardContext, state: GuardState, event: Extract<GuardEvent, { on: "probed" }>): GuardStep {
  if (state.at !== "probe" || event.number !== state.number) return { state, effects: [] };
  const { result } = event;
  const until = ms(ctx.now + RETRY);
  switch (result.kind) {
    case "held":
      return hold(state, result.what, until);
    case "unknown":
      if (ctx.config.onUnknown === "hold") return hold(state, `${result.problem}, and on_unknown is hold`, until);
      return elect(ctx, { ...state, probed: true });
    case "free":
      return elect(ctx, { ...state, probed: true });
    default:
      return unreachable(result);
  }
}

/** As it is written, and as messages name it. */
export function witnessName(witness: WitnessConfig): string {
  switch (witness.kind) {
    case "ping":
      return witness.address;
    case "tcp":
      return `tcp ${witness.address} ${witness.port}`;
    case "http":
      return `http http://${witness.host}${witness.path}`;
    default:
      return unreachable(witness);
  }
}
