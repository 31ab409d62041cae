import { Random } from "./random.js";
import type { Change, Incident, RouterSpec, Schedule, Trouble } from "./schedule.js";

/** Pure: the story of a seed. Short ones with few routers are the rule, because there everything meets sooner. */
export function generate(seed: number): Schedule {
  const random = new Random(seed);
  const version = random.chance(0.7) ? 3 : 2;
  const count = routerCount(random);
  const interval = version === 2 ? random.pick([1000, 1000, 1000, 2000]) : random.pick([10, 50, 100, 100, 200, 1000]);
  const mixed = version === 3 && random.chance(0.25);
  const instances = random.chance(0.2) ? 2 : 1;
  const unicast = random.chance(0.15);
  const routers = routersOf(random, count, instances, () =>
    mixed ? random.pick([interval, 2 * interval, 3 * interval]) : interval,
  );
  return {
    seed,
    version,
    latency: random.pick([0, 0.2, 0.2, 1, interval / 50]),
    instances,
    unicast,
    grouped: instances > 1 && random.chance(0.5),
    routers,
    incidents: incidentsOf(random, version, routers, interval, instances),
  };
}

function routerCount(random: Random): number {
  const draw = random.next();
  if (draw < 0.35) return 2;
  if (draw < 0.7) return 3;
  if (draw < 0.85) return 4;
  if (draw < 0.95) return 5 + random.below(3);
  return draw < 0.993 ? 8 + random.below(8) : 16 + random.below(35);
}

function routersOf(random: Random, count: number, instances: 1 | 2, interval: () => number): readonly RouterSpec[] {
  const hosts = shuffled(random, count);
  const nopreempt = random.chance(0.4) ? random.next() : 0;
  const delays = random.chance(0.2);
  const scripts = random.chance(0.3);
  const quirks = random.chance(0.15);
  const together = random.chance(0.5);
  const exactClocks = random.chance(0.5);
  const used: number[] = [];
  const ownsAll = instances === 1 || random.chance(0.7);
  const owner = random.chance(0.12) ? random.below(count) : -1;
  const secondOwner = owner >= 0 && random.chance(0.1) ? random.below(count) : -1;
  return hosts.map((host, i) => {
    const owns = i === owner || i === secondOwner;
    const own = interval();
    const preempt = owns || !random.chance(nopreempt);
    const priorities = Array.from({ length: instances }, (_, instance) => {
      const drawn = used.length > 0 && random.chance(0.3) ? random.pick(used) : 1 + random.below(254);
      used.push(drawn);
      return owns && (ownsAll || instance === 0) ? 255 : drawn;
    });
    return {
      host,
      startAt: together ? 0 : random.between(0, 5 * own),
      drift: exactClocks ? 0 : random.between(-200, 200),
      interval: own,
      priorities,
      preempt,
      preemptDelay: delays && preempt && !owns && random.chance(0.5) ? own * random.pick([0.5, 2, 6]) : 0,
      scriptWeight: scripts && random.chance(0.6) ? random.pick([0, 0, -30, -100, 30]) : undefined,
      scriptOf: instances === 1 ? "all" : random.pick(["all", 0, 1] as const),
      lowerPrioNoAdvert: quirks && random.chance(0.3),
      higherPrioSendAdvert: quirks && random.chance(0.3),
      garpDelay: random.chance(0.2) ? 2 * own : 0,
    };
  });
}

/** Last octets 1..count in any order. */
function shuffled(random: Random, count: number): readonly number[] {
  const list = Array.from({ length: count }, (_, i) => i + 1);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const [a, b] = [list[i], list[j]];
    if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a];
  }
  return list;
}

function incidentsOf(
  random: Random,
  version: 2 | 3,
  routers: readonly RouterSpec[],
  interval: number,
  instances: number,
): readonly Incident[] {
  const incidents: Incident[] = [];
  let at = random.chance(0.8) ? random.between(4, 8) * interval : random.between(0, 4) * interval;
  for (let left = random.below(7); left > 0; left--) {
    const trouble = troubleOf(random, version, routers, interval, instances);
    const lasts = durationOf(random, trouble) * interval;
    incidents.push({ at, for: lasts, ...trouble });
    at += random.chance(0.5) ? random.between(0, 1.5) * interval : lasts + random.between(2, 7) * interval;
  }
  return incidents;
}

function troubleOf(
  random: Random,
  version: 2 | 3,
  routers: readonly RouterSpec[],
  interval: number,
  instances: number,
): Trouble {
  const router = random.chance(0.5) ? strongest(routers) : random.below(routers.length);
  const spec = routers[router];
  const owns = spec?.priorities.includes(255) === true;
  switch (random.below(15)) {
    case 0:
    case 1:
      return { do: "crash", router, midway: random.chance(0.3) ? 1 + random.below(6) : 0 };
    case 2:
      return { do: "stop", router, release: !random.chance(0.15) };
    case 3:
    case 4: {
      const clock = random.chance(0.7) ? "runs" : "stands";
      return { do: "pause", router, clock, first: random.chance(0.5) ? "timers" : "packets" };
    }
    case 5:
      return { do: "reload", router, change: changeOf(random, version, interval) };
    case 6: {
      const scripted = routers.findIndex((r) => r.scriptWeight !== undefined);
      return scripted < 0 ? { do: "carrier", router } : { do: "script", router: scripted };
    }
    case 7:
      return owns ? { do: "carrier", router } : { do: random.chance(0.5) ? "carrier" : "address", router };
    case 8:
      return { do: "steal", router, instance: random.below(instances) };
    case 9:
    case 10: {
      const to = (router + 1 + random.below(routers.length - 1)) % routers.length;
      return { do: "cut", from: router, to };
    }
    case 11: {
      const forged = version === 3 ? random.pick([interval, 2 * interval]) : interval;
      const wrong = random.pick(["nothing", "checksum", "hop limit"] as const);
      return { do: "forge", priority: random.pick([0, 1, 100, 254, 255]), interval: forged, wrong };
    }
    case 12:
      return { do: "split", routers: routers.flatMap((_, i) => (random.chance(0.5) ? [i] : [])) };
    default:
      return {
        do: "weather",
        loss: random.pick([0, 0.1, 0.3, 0.7]),
        duplicate: random.pick([0, 0.2]),
        delay: random.pick([0, 0.3, 1.5]) * interval,
      };
  }
}

/** Who is master as long as nothing happens: most stories are about him. */
function strongest(routers: readonly RouterSpec[]): number {
  let best = 0;
  for (const [i, { priorities, host }] of routers.entries()) {
    const other = routers[best];
    const [own = 0] = priorities;
    const [top = 0] = other?.priorities ?? [];
    if (own > top || (own === top && host > (other?.host ?? 0))) best = i;
  }
  return best;
}

function changeOf(random: Random, version: 2 | 3, interval: number): Change {
  switch (random.below(version === 3 ? 5 : 4)) {
    case 0:
      return { what: "nothing" };
    case 1:
      return { what: "priority", by: random.pick([-100, -20, -1, 1, 20, 100]) };
    case 2:
      return { what: "preempt" };
    case 3:
      return { what: "extra-address" };
    default:
      return { what: "interval", to: random.pick([interval, 2 * interval]) };
  }
}

/** In intervals. A crash is mostly a spare that takes over, or a host that stays away. */
function durationOf(random: Random, trouble: Trouble): number {
  switch (trouble.do) {
    case "crash":
      return random.chance(0.5) ? random.between(0, 3) : random.between(3, 9);
    case "reload":
    case "steal":
      return 0;
    case "pause":
      return random.chance(0.5) ? random.between(0, 1.5) : random.between(2, 7);
    default:
      return random.chance(0.3) ? random.between(0, 1) : random.between(1, 7);
  }
}
