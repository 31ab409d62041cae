import type { Happening, Outcome } from "./cluster.js";
import { nameOf, type RouterSpec, type Schedule } from "./schedule.js";

/** A played schedule for people: who is there, and who was what when. Roles are those after the line: - is not running. */
export function timeline(schedule: Schedule, { violation, happenings }: Outcome): string {
  const { seed, version, latency, routers } = schedule;
  const title =
    violation === undefined
      ? `seed ${seed}: no rule was broken`
      : `seed ${seed}: ${violation.who}: ${violation.rule}: ${violation.what}`;
  const wire = `VRRP version ${version}, a packet takes at most ${latency} ms`;
  const width = Math.max(4, ...routers.map((_, i) => nameOf(i).length + 1));
  const head = `${"ms".padStart(11)}  ${routers.map((_, i) => nameOf(i).padEnd(width)).join("")}`;
  const lines = folded(happenings).map(({ at, who, what, roles, times }) => {
    const repeated = times > 1 ? ` (${times} times until here)` : "";
    return `${at.toFixed(3).padStart(11)}  ${roles.map((r) => r.padEnd(width)).join("")}${who}: ${what}${repeated}`;
  });
  return [title, wire, ...routers.map(routerLine), head, ...lines].join("\n");
}

function routerLine(spec: RouterSpec, router: number): string {
  const parts = [
    `${nameOf(router)}: 192.0.2.${spec.host}, priority ${spec.priorities.join(" and ")}`,
    `advert_int ${spec.interval} ms`,
    spec.preempt ? "" : "nopreempt",
    spec.preemptDelay > 0 ? `preempt_delay ${spec.preemptDelay} ms` : "",
    spec.scriptWeight === undefined
      ? ""
      : `script of weight ${spec.scriptWeight}${spec.scriptOf === "all" ? "" : ` of V${spec.scriptOf} only`}`,
    spec.lowerPrioNoAdvert ? "lower_prio_no_advert" : "",
    spec.higherPrioSendAdvert ? "higher_prio_send_advert" : "",
    spec.garpDelay > 0 ? `garp_master_delay ${spec.garpDelay} ms` : "",
    spec.drift === 0 ? "" : `clock drifts by ${spec.drift.toFixed(0)} ppm`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Adverts in a row are one line, that of the last. */
function folded(happenings: readonly Happening[]): readonly (Happening & { readonly times: number })[] {
  const lines: (Happening & { times: number })[] = [];
  for (const happening of happenings) {
    const last = lines.at(-1);
    const same = last?.who === happening.who && last.what === happening.what;
    if (last !== undefined && same && last.roles.join() === happening.roles.join()) {
      lines[lines.length - 1] = { ...happening, times: last.times + 1 };
    } else lines.push({ ...happening, times: 1 });
  }
  return lines;
}
