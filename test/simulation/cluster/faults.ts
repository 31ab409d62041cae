import type { Clock } from "../../../main/clock.js";
import type { VrrpInstanceConfig } from "../../../main/config/model.js";
import { type Milliseconds, ms, priority } from "../../../main/units.js";
import type { Resumption } from "../../../main/vrrp/instance-types.js";
import { step } from "../../../main/vrrp/machine.js";
import type { Context, Effect, Event, Reducer, State, Step } from "../../../main/vrrp/machine-types.js";
import type { AdvertTransport, HostNetwork } from "../../../main/vrrp/ports.js";
import type { Tracking } from "../../../main/vrrp/tracking.js";

/**
 * What could be wrong with a virtual router, written before the rules that are to notice. Each is a layer around the real
 * code: the reducer's input or output rewritten, or a part of the host that does not do as it was told.
 */
export interface Fault {
  readonly name: string;
  readonly reducer?: Reducer;
  readonly clock?: (clock: Clock) => Clock;
  readonly network?: (network: HostNetwork) => HostNetwork;
  readonly transport?: (transport: AdvertTransport) => AdvertTransport;
  /** A take-over does not ask what the daemon before had in its configuration. */
  readonly ignoresCopy?: boolean;
  readonly resume?: (found: Resumption | undefined, now: Milliseconds) => Resumption | undefined;
}

const noStep = (state: State): Step => ({ state, effects: [] });

/** The reducer, living in another configuration. */
const configured =
  (change: (config: VrrpInstanceConfig) => Partial<VrrpInstanceConfig>): Reducer =>
  (ctx, state, event) =>
    step({ ...ctx, config: { ...ctx.config, ...change(ctx.config) } }, state, event);

/** The reducer, hearing something else; undefined: nothing. */
const hearing =
  (change: (event: Event, ctx: Context, state: State) => Event | undefined): Reducer =>
  (ctx, state, event) => {
    const heard = change(event, ctx, state);
    return heard === undefined ? noStep(state) : step(ctx, state, heard);
  };

/** The reducer, with effects lost, moved or made up. */
const performing =
  (change: (effects: readonly Effect[], ctx: Context, state: State, event: Event) => readonly Effect[]): Reducer =>
  (ctx, state, event) => {
    const done = step(ctx, state, event);
    return { state: done.state, effects: change(done.effects, ctx, state, event) };
  };

const without = (unwanted: (effect: Effect, event: Event, state: State) => boolean): Reducer =>
  performing((effects, _ctx, state, event) => effects.filter((effect) => !unwanted(effect, event, state)));

/** Master-down timers that end at another time. */
const waiting =
  (change: (at: number, ctx: Context, state: State) => number): Reducer =>
  (ctx, state, event) => {
    const done = step(ctx, state, event);
    const moved = (at: Milliseconds): Milliseconds => ms(change(at, ctx, done.state));
    const armed = done.effects.map((e) => (e.do === "arm" && e.timer === "masterDown" ? { ...e, at: moved(e.at) } : e));
    const arms = done.effects.some((e) => e.do === "arm" && e.timer === "masterDown");
    const next = arms && done.state.at === "backup" ? { ...done.state, downAt: moved(done.state.downAt) } : done.state;
    return { state: next, effects: armed };
  };

const ownInterval = (ctx: Context, state: State): number =>
  state.at === "backup" ? state.masterInterval : ctx.config.advertInterval;

function skew(ctx: Context, state: State): number {
  const unit = ctx.config.version === 2 ? 1000 : ownInterval(ctx, state);
  return ((256 - ctx.tracking.effective) * unit) / 256;
}

const farewell = (effect: Effect): boolean => effect.do === "advertise" && effect.priority === 0;
const arms = (timer: string, effect: Effect): boolean => effect.do === "arm" && effect.timer === timer;
const disarms = (timer: string, effect: Effect): boolean => effect.do === "disarm" && effect.timer === timer;

const nothing: Disposable = { [Symbol.dispose]: () => undefined };

export const faults: readonly Fault[] = [
  // The timers of RFC 5798 §6.1.
  { name: "skew left out", reducer: waiting((at, ctx, state) => at - skew(ctx, state)) },
  { name: "skew twice", reducer: waiting((at, ctx, state) => at + skew(ctx, state)) },
  {
    name: "skew grows with the priority",
    reducer: waiting((at, ctx, state) => at + ((2 * ctx.tracking.effective - 256) * ownInterval(ctx, state)) / 256),
  },
  { name: "master-down after two intervals", reducer: configured(() => ({ downTimerAdverts: 2 })) },
  { name: "master-down after four intervals", reducer: configured(() => ({ downTimerAdverts: 4 })) },
  {
    name: "master-down not re-armed by an advert",
    reducer: without((e, event, state) => state.at === "backup" && event.on === "advert" && arms("masterDown", e)),
  },
  {
    name: "learned interval ignored",
    reducer: hearing((event, ctx) =>
      event.on === "advert" ? { ...event, interval: ctx.config.advertInterval } : event,
    ),
  },
  {
    name: "timer not moved when the priority changes",
    reducer: without((e, event, state) => state.at === "backup" && event.on === "tracking" && arms("masterDown", e)),
  },
  {
    name: "timer not moved by a reload",
    reducer: without(
      (e, event, state) => state.at === "backup" && event.on === "reconfigured" && arms("masterDown", e),
    ),
  },
  {
    name: "time cut to whole milliseconds",
    clock: (clock) => ({ now: () => clock.now(), after: (delay, run) => clock.after(ms(Math.floor(delay)), run) }),
  },
  { name: "a cancelled timer runs all the same", clock: (clock) => ({ now: () => clock.now(), after: twice(clock) }) },
  {
    name: "advert timer never armed",
    reducer: without((e, event) => event.on === "masterDownTimer" && arms("advert", e)),
  },
  {
    name: "advert timer left armed by a router that gives way",
    reducer: without((e, event) => event.on === "advert" && disarms("advert", e)),
  },
  // The election of RFC 5798 §6.4.
  {
    name: "tie-break reversed",
    reducer: hearing((event) =>
      event.on === "advert" && event.order !== 0 ? { ...event, order: event.order > 0 ? -1 : 1 } : event,
    ),
  },
  {
    name: "tie-break left out",
    reducer: hearing((event) => (event.on === "advert" && event.order > 0 ? { ...event, order: -1 } : event)),
  },
  {
    name: "a stronger master ignored",
    reducer: hearing((event, ctx, state) =>
      event.on === "advert" && state.at === "master" && event.priority > ctx.tracking.effective ? undefined : event,
    ),
  },
  {
    name: "a weaker master obeyed by a master",
    reducer: hearing((event, _ctx, state) =>
      event.on === "advert" && state.at === "master" && event.priority > 0 ? { ...event, priority: 254 } : event,
    ),
  },
  {
    name: "a weaker master not answered",
    reducer: without((e, event, state) => {
      const answer = e.do === "advertise" || arms("advert", e);
      return state.at === "master" && event.on === "advert" && event.priority > 0 && answer;
    }),
  },
  {
    name: "an equal master not accepted by a backup",
    reducer: hearing((event, ctx, state) => {
      const equal = event.on === "advert" && event.priority === ctx.tracking.effective;
      return state.at === "backup" && equal ? undefined : event;
    }),
  },
  { name: "nopreempt ignored", reducer: configured(() => ({ preempt: true })) },
  { name: "never preempts", reducer: configured(() => ({ preempt: false, preemptDelay: ms(0) })) },
  { name: "preempt_delay ignored", reducer: configured(() => ({ preemptDelay: ms(0) })) },
  {
    name: "preempt_delay begins anew with every advert",
    reducer: (ctx, state, event) =>
      step(ctx, state.at === "backup" && event.on === "advert" ? { ...state, preemptAt: undefined } : state, event),
  },
  {
    name: "priority 0 ignored by a backup",
    reducer: hearing((event, _ctx, state) =>
      event.on === "advert" && event.priority === 0 && state.at === "backup" ? undefined : event,
    ),
  },
  {
    name: "priority 0 ignored by a master",
    reducer: hearing((event, _ctx, state) =>
      event.on === "advert" && event.priority === 0 && state.at === "master" ? undefined : event,
    ),
  },
  { name: "release without priority 0", reducer: without(farewell) },
  {
    name: "priority 0 without a release",
    reducer: performing((effects, _ctx, state, event) =>
      state.at === "master" && event.on === "advert" && effects.some((e) => e.do === "releaseAddresses")
        ? [{ do: "advertise", priority: priority(0) }, ...effects]
        : effects,
    ),
  },
  { name: "owner rule broken: starts as backup", reducer: configured(() => ({ initialState: "BACKUP" })) },
  {
    name: "owner rule broken: its priority falls with its trackers",
    reducer: (ctx, state, event) => {
      const low = ctx.tracking.effective === 255 ? priority(254) : ctx.tracking.effective;
      return step({ ...ctx, tracking: { ...ctx.tracking, effective: low } }, state, event);
    },
  },
  // Tracking.
  {
    name: "faults ignored",
    reducer: hearing((event) =>
      event.on === "tracking" ? { ...event, next: { ...event.next, faults: [], waiting: [] } } : event,
    ),
  },
  {
    name: "never recovers",
    reducer: hearing((event, _ctx, state) => (state.at === "fault" && event.on === "tracking" ? undefined : event)),
  },
  {
    name: "weights ignored",
    reducer: hearing((event, ctx) =>
      event.on === "tracking" ? { ...event, next: { ...event.next, effective: ctx.config.basePriority } } : event,
    ),
  },
  {
    name: "a stolen address not missed",
    reducer: hearing((event) => (event.on === "addressLost" ? undefined : event)),
  },
  // Addresses, and the order of things.
  { name: "addresses not released", reducer: without((e) => e.do === "releaseAddresses") },
  { name: "addresses not claimed", reducer: without((e) => e.do === "claimAddresses") },
  {
    name: "resumes in silence",
    reducer: without((e, event) => event.on === "resume" && e.do === "advertise"),
  },
  {
    name: "addresses before the advert",
    reducer: performing((effects) => [
      ...effects.filter((e) => e.do === "claimAddresses"),
      ...effects.filter((e) => e.do !== "claimAddresses"),
    ]),
  },
  { name: "effects backwards", reducer: performing((effects) => effects.toReversed()) },
  {
    name: "farewell after the addresses are gone",
    reducer: performing((effects) => [...effects.filter((e) => !farewell(e)), ...effects.filter(farewell)]),
  },
  { name: "addresses not announced", reducer: without((e) => e.do === "announce") },
  {
    name: "announces after it has gone",
    reducer: without((e, event) => event.on === "advert" && e.do === "stopAnnouncing"),
  },
  {
    name: "adverts sent twice",
    reducer: performing((effects) => effects.flatMap((e): Effect[] => (e.do === "advertise" ? [e, e] : [e]))),
  },
  { name: "transitions not told", reducer: without((e, event) => event.on === "advert" && e.do === "transition") },
  // Sync groups.
  {
    name: "a member of a sync group leads without asking",
    reducer: (ctx, state, event) => step({ ...ctx, mayLead: true }, state, event),
  },
  {
    name: "a member of a sync group does not lead with the others",
    reducer: hearing((event) => (event.on === "group" && event.order.to === "MASTER" ? undefined : event)),
  },
  {
    name: "a fault is not shared in its sync group",
    reducer: (ctx, state, event) => {
      const alone = { ...ctx, tracking: withoutShared(ctx.tracking) };
      return step(alone, state, event.on === "tracking" ? { ...event, next: withoutShared(event.next) } : event);
    },
  },
  {
    name: "a sync group gives way without its other members",
    reducer: hearing((event) => (event.on === "group" && event.order.to === "BACKUP" ? undefined : event)),
  },
  {
    name: "only the member that heard it releases its addresses",
    reducer: without((e, event) => event.on === "group" && e.do === "releaseAddresses"),
  },
  {
    name: "a member that gives way with its sync group says good-bye",
    reducer: hearing((event) =>
      event.on === "group" && event.order.to === "BACKUP" ? { ...event, order: { ...event.order, rush: true } } : event,
    ),
  },
  {
    name: "a member leaves in silence when another one lost an address",
    reducer: hearing((event) =>
      event.on === "group" && event.order.to === "BACKUP"
        ? { ...event, order: { ...event.order, rush: false } }
        : event,
    ),
  },
  {
    name: "a member goes on wanting to lead though it heard a master",
    reducer: (ctx, state, event) => {
      const done = step(ctx, state, event);
      const wanted = state.at === "backup" && state.wantsMaster && done.state.at === "backup";
      return wanted ? { ...done, state: { ...done.state, wantsMaster: true } } : done;
    },
  },
  {
    name: "a member that is kept back does not say that it wants to lead",
    reducer: (ctx, state, event) => {
      const done = step(ctx, state, event);
      return done.state.at === "backup" ? { ...done, state: { ...done.state, wantsMaster: false } } : done;
    },
  },
  // The daemon's own life.
  {
    name: "stop without release removes the addresses",
    reducer: hearing((event) => (event.on === "shutdown" ? { ...event, release: true } : event)),
  },
  {
    name: "resumes however old the last advert is",
    resume: (found, now) => found && { ...found, lastAdvertBootMs: now },
  },
  { name: "resumes never", resume: () => undefined },
  {
    name: "deletions are not carried out",
    network: (network) => ({ ...ports(network), deleteAddress: (_i, _a, done) => done(0) }),
  },
  {
    name: "listens to the host after its end",
    network: (network) => ({
      ...ports(network),
      subscribe: (onChange) => {
        network.subscribe(onChange);
        return nothing;
      },
    }),
  },
  {
    name: "socket left open",
    transport: (transport) => ({
      open: (endpoint, onPacket) => {
        const socket = transport.open(endpoint, onPacket);
        return { send: (packet, destination) => socket.send(packet, destination), ...nothing };
      },
    }),
  },
];

const withoutShared = (tracking: Tracking): Tracking => ({
  ...tracking,
  faults: tracking.faults.filter(({ kind }) => kind !== "sync-group"),
});

/** Timers of over a millisecond that nobody can take back. */
const twice =
  (clock: Clock): Clock["after"] =>
  (delay, run) => {
    const timer = clock.after(delay, run);
    return delay > 1 ? nothing : timer;
  };

const ports = (network: HostNetwork): HostNetwork => ({
  link: (name) => network.link(name),
  addresses: (index) => network.addresses(index),
  addAddress: (index, address, done) => network.addAddress(index, address, done),
  deleteAddress: (index, address, done) => network.deleteAddress(index, address, done),
  subscribe: (onChange) => network.subscribe(onChange),
});
