import { unreachable } from "../unreachable.js";
import { type ControlPacket, diag, type StateName } from "./packet.js";

/** One BFD session in asynchronous mode (RFC 5880 §6.8), as a function of its state and an event. Times are microseconds. */

export interface Settings {
  readonly minTx: number;
  readonly minRx: number;
  /** Of sending while the session is not up; at least a second (RFC 5880 §6.8.3). */
  readonly idleTx: number;
  readonly multiplier: number;
  /** Sends nothing before the other side was heard. */
  readonly passive: boolean;
}

/** The other side, as its last packet described it. */
export type Remote = Pick<
  ControlPacket,
  "state" | "diag" | "demand" | "multiplier" | "desiredMinTx" | "requiredMinRx"
> & { readonly discriminator: number };

export interface Session {
  readonly state: StateName;
  /** Why it left Up the last time. */
  readonly diag: number;
  readonly discriminator: number;
  /** Undefined: not heard for a detection time (RFC 5880 §6.8.1 bfd.RemoteDiscr). */
  readonly remote: Remote | undefined;
  /** Intervals changed, and the other side has yet to say that it knows (RFC 5880 §6.5). */
  readonly polling: boolean;
  /** By what is sent and waited for. While polling, the slower of the old and the new (RFC 5880 §6.8.3). */
  readonly inUse: Pick<Settings, "minTx" | "minRx">;
}

export type SessionEvent =
  /** A packet that was found to be for this session. */
  | { readonly on: "packet"; readonly packet: ControlPacket }
  /** Nothing came for a detection time. */
  | { readonly on: "silence" }
  /** Other settings are in force: those that `step` gets. */
  | { readonly on: "settings" }
  /** It can or cannot send. */
  | { readonly on: "enable" | "disable" };

export type SessionEffect =
  /** At once, beside the periodic packets. */
  | { readonly do: "send"; readonly final: boolean }
  | { readonly do: "entered"; readonly state: StateName; readonly diag: number; readonly remoteDiag: number }
  /** For those who follow the session. */
  | { readonly do: "tell"; readonly state: "up" | "down" };

export interface Step {
  /** The same object when nothing changed. */
  readonly session: Session;
  readonly effects: readonly SessionEffect[];
}

export const newSession = (discriminator: number, { minTx, minRx }: Settings): Session => ({
  state: "AdminDown",
  diag: diag.none,
  discriminator,
  remote: undefined,
  polling: false,
  inUse: { minTx, minRx },
});

export function step(settings: Settings, session: Session, event: SessionEvent): Step {
  switch (event.on) {
    case "packet":
      return session.state === "AdminDown" ? same(session) : onPacket(settings, session, event.packet);
    case "silence":
      return onSilence(settings, session);
    case "settings":
      return onSettings(settings, session);
    case "enable":
      return session.state === "AdminDown"
        ? enter(settings, { ...session, remote: undefined }, "Down", diag.none)
        : same(session);
    case "disable":
      return session.state === "AdminDown" ? same(session) : enter(settings, session, "AdminDown", diag.adminDown);
    default:
      return unreachable(event);
  }
}

/** Between two periodic packets, before jitter; undefined: none are sent. */
export function txInterval(settings: Settings, { state, remote, polling, inUse }: Session): number | undefined {
  if (state === "AdminDown") return undefined;
  if (remote === undefined) return settings.passive ? undefined : settings.idleTx;
  if (remote.requiredMinRx === 0) return undefined;
  const quiet = remote.demand && state === "Up" && remote.state === "Up" && !polling; // RFC 5880 §6.8.7
  if (quiet) return undefined;
  return Math.max(state === "Up" ? inUse.minTx : settings.idleTx, remote.requiredMinRx);
}

/** Silence for so long is the end of the session (RFC 5880 §6.8.4); undefined: nobody is waited for. */
export const detectionTime = ({ remote, inUse }: Session): number | undefined =>
  remote && remote.multiplier * Math.max(inUse.minRx, remote.desiredMinTx);

/** The share of the interval after which the next packet goes (RFC 5880 §6.8.7). `random`: 0 to 1 */
export const jittered = ({ multiplier }: Settings, random: number): number =>
  multiplier === 1 ? 0.75 + 0.15 * random : 0.75 + 0.25 * random;

export function packetOf(settings: Settings, session: Session, final: boolean): ControlPacket {
  const { state, polling, remote } = session;
  return {
    diag: session.diag,
    state,
    poll: polling && !final,
    final,
    demand: false,
    multiplier: settings.multiplier,
    myDiscriminator: session.discriminator,
    yourDiscriminator: remote?.discriminator ?? 0,
    desiredMinTx: state === "Up" ? settings.minTx : settings.idleTx,
    requiredMinRx: settings.minRx,
  };
}

/** RFC 5880 §6.8.6, behind the checks of the packet itself. */
function onPacket(settings: Settings, before: Session, packet: ControlPacket): Step {
  const remote = remoteOf(packet);
  const heard = isSame(before.remote, remote) ? before : { ...before, remote };
  const ended = heard.polling && packet.final;
  const session = ended ? { ...heard, polling: false, inUse: inUseOf(settings) } : heard;
  const moved = move(settings, session, packet);
  return packet.poll ? { ...moved, effects: [...moved.effects, { do: "send", final: true }] } : moved;
}

function move(settings: Settings, session: Session, { state: theirs }: ControlPacket): Step {
  const { state } = session;
  if (theirs === "AdminDown")
    return state === "Down" ? same(session) : enter(settings, session, "Down", diag.neighborDown);
  switch (state) {
    case "Down":
      if (theirs === "Down") return enter(settings, session, "Init", session.diag);
      return theirs === "Init" ? enter(settings, session, "Up", diag.none) : same(session);
    case "Init":
      return theirs === "Down" ? same(session) : enter(settings, session, "Up", diag.none);
    case "Up":
      return theirs === "Down" ? enter(settings, session, "Down", diag.neighborDown) : same(session);
    case "AdminDown":
      return same(session);
    default:
      return unreachable(state);
  }
}

function onSilence(settings: Settings, session: Session): Step {
  const { state, remote } = session;
  if (remote === undefined) return same(session);
  if (state === "Init" || state === "Up") return enter(settings, session, "Down", diag.expired);
  return same({ ...session, remote: undefined });
}

/** Both sides go on by the slower intervals until the poll is answered, or no session is up (RFC 5880 §6.8.3). */
function onSettings(settings: Settings, session: Session): Step {
  const { minTx, minRx } = session.inUse;
  if (session.state !== "Up") return same({ ...session, polling: false, inUse: inUseOf(settings) });
  const inUse = { minTx: Math.min(minTx, settings.minTx), minRx: Math.max(minRx, settings.minRx) };
  return { session: { ...session, polling: true, inUse }, effects: [{ do: "send", final: false }] };
}

function enter(settings: Settings, before: Session, state: StateName, why: number): Step {
  const { remote } = before;
  const forgotten = state === "Down" && why === diag.expired;
  const session: Session = {
    ...before,
    state,
    diag: why,
    remote: forgotten ? undefined : remote,
    polling: state === "Up" && settings.minTx !== settings.idleTx,
    inUse: inUseOf(settings),
  };
  const effects: SessionEffect[] = [{ do: "entered", state, diag: why, remoteDiag: remote?.diag ?? diag.none }];
  if (state === "Up") effects.push({ do: "tell", state: "up" });
  // A neighbour that was taken out of service on purpose says nothing of the path (RFC 5882 §3.2).
  else if (before.state === "Up" && remote?.state !== "AdminDown") effects.push({ do: "tell", state: "down" });
  if (state === "AdminDown" || txInterval(settings, session) !== undefined) effects.push({ do: "send", final: false });
  return { session, effects };
}

const inUseOf = ({ minTx, minRx }: Settings): Session["inUse"] => ({ minTx, minRx });

const same = (session: Session): Step => ({ session, effects: nothing });
const nothing: readonly SessionEffect[] = [];

const remoteOf = (packet: ControlPacket): Remote => ({
  state: packet.state,
  diag: packet.diag,
  demand: packet.demand,
  multiplier: packet.multiplier,
  desiredMinTx: packet.desiredMinTx,
  requiredMinRx: packet.requiredMinRx,
  discriminator: packet.myDiscriminator,
});

const isSame = (a: Remote | undefined, b: Remote): boolean =>
  a !== undefined &&
  a.state === b.state &&
  a.diag === b.diag &&
  a.demand === b.demand &&
  a.multiplier === b.multiplier &&
  a.desiredMinTx === b.desiredMinTx &&
  a.requiredMinRx === b.requiredMinRx &&
  a.discriminator === b.discriminator;
