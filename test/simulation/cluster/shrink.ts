import type { Incident, RouterSpec, Schedule } from "./schedule.js";

/** Playing one takes a millisecond: this is a second or two. */
const MOST_TRIES = 1500;

/**
 * Makes a schedule smaller as long as `fails` holds: fewer incidents, fewer routers, plainer ones. Every candidate is played, so
 * what comes out is a true story. Fates of packets depend on the seed, which stays.
 */
export function shrink(schedule: Schedule, fails: (candidate: Schedule) => boolean): Schedule {
  let tries = 0;
  let best = schedule;
  const accept = (candidate: Schedule): boolean => {
    if (tries++ >= MOST_TRIES || !fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let before: Schedule | undefined; before !== best && tries < MOST_TRIES; ) {
    before = best;
    dropIncidents(() => best, accept);
    for (let i = best.routers.length - 1; i >= 0 && best.routers.length > 1; i--) accept(withoutRouter(best, i));
    for (const simpler of simplifications) while ([...simpler(best)].some(accept));
  }
  return best;
}

/** Large pieces first, then smaller ones. */
function dropIncidents(best: () => Schedule, accept: (candidate: Schedule) => boolean): void {
  for (let size = best().incidents.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best().incidents.length; ) {
      const { incidents } = best();
      const rest = [...incidents.slice(0, from), ...incidents.slice(from + size)];
      if (!accept({ ...best(), incidents: rest })) from += size;
    }
  }
}

function withoutRouter(schedule: Schedule, gone: number): Schedule {
  const moved = (router: number): number => (router > gone ? router - 1 : router);
  const incidents = schedule.incidents.flatMap((incident): Incident[] => {
    if ("router" in incident) return incident.router === gone ? [] : [{ ...incident, router: moved(incident.router) }];
    if (incident.do === "cut") {
      if (incident.from === gone || incident.to === gone) return [];
      return [{ ...incident, from: moved(incident.from), to: moved(incident.to) }];
    }
    if (incident.do === "split")
      return [{ ...incident, routers: incident.routers.filter((r) => r !== gone).map(moved) }];
    return [incident];
  });
  return { ...schedule, routers: schedule.routers.toSpliced(gone, 1), incidents };
}

const plain = {
  startAt: 0,
  drift: 0,
  preempt: true,
  preemptDelay: 0,
  scriptWeight: undefined,
  scriptOf: "all",
  lowerPrioNoAdvert: false,
  higherPrioSendAdvert: false,
  garpDelay: 0,
} as const satisfies Partial<RouterSpec>;

/** Each gives candidates that differ from `schedule`, in one respect each. */
const simplifications: readonly ((schedule: Schedule) => Generator<Schedule>)[] = [
  function* oneInstance(schedule) {
    if (schedule.instances > 1) yield { ...schedule, instances: 1 };
  },
  function* plainRouters(schedule) {
    for (const [key, value] of Object.entries(plain)) {
      for (const [i, router] of schedule.routers.entries()) {
        const simpler: RouterSpec = { ...router, [key]: value };
        if (router[key as keyof typeof plain] !== value)
          yield { ...schedule, routers: schedule.routers.with(i, simpler) };
      }
    }
  },
  function* multicast(schedule) {
    if (schedule.unicast) yield { ...schedule, unicast: false };
  },
  function* instantWire(schedule) {
    if (schedule.latency > 0) yield { ...schedule, latency: 0 };
  },
  function* roundTimes(schedule) {
    for (const [i, incident] of schedule.incidents.entries()) {
      const round = { ...incident, at: Math.round(incident.at), for: Math.round(incident.for) };
      if (round.at !== incident.at || round.for !== incident.for)
        yield { ...schedule, incidents: schedule.incidents.with(i, round) };
    }
  },
];
