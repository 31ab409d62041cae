import type {
  InstanceStatus,
  LatencyStatus,
  PhaseStatus,
  RealServerStatus,
  StatusDocument,
  VirtualServerStatus,
} from "./status.js";

/** Plain text for `holdfast status`: one table per subject, columns as wide as their content. `now`: ms since 1970. */
export function renderStatus(status: StatusDocument, now: number = Date.now()): string {
  const { ipvs, loopDelay, log } = status;
  const sections = [
    [`holdfast ${status.version}, pid ${status.pid}`],
    table(
      ["INSTANCE", "STATE", "PRIO", "MASTER", "FOR", "ADDRESSES"],
      status.instances.map((i) => instanceRow(i, now)),
    ),
    table(
      ["VIRTUAL SERVER / REAL SERVER", "STATE", "WEIGHT", "LATENCY", "LAST CHECK"],
      status.virtualServers.flatMap(serverRows),
    ),
    table(["CHECK", "P50", "P99", "MAX", "COUNT"], Object.entries(status.latency).flatMap(latencyRows)),
    [
      `ipvs: ${ipvs.backend}, ${ipvs.services} services, ${ipvs.destinations} destinations, compared every ${ipvs.pollPeriodMs} ms, ${ipvs.drift} drifted`,
      `main thread delay: p50 ${time(loopDelay.p50)}, p99 ${time(loopDelay.p99)}, max ${time(loopDelay.max)}, ${loopDelay.late} late timers${causesOf(loopDelay.causes)}`,
      ...(log.dropped > 0 ? [`log: ${log.dropped} messages dropped`] : []),
    ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const causesOf = (causes: StatusDocument["loopDelay"]["causes"]): string => {
  const counts = Object.entries(causes).map(([cause, count]) => `${cause} ${count}`);
  return counts.length > 0 ? ` (${counts.join(", ")})` : "";
};

type Row = readonly string[];

function instanceRow(instance: InstanceStatus, now: number): Row {
  const { name, state, priority, effectivePriority, vips, master, since } = instance;
  const held = vips.filter((vip) => vip.endsWith(" set"));
  const shown = priority === effectivePriority ? String(priority) : `${effectivePriority} (${priority})`;
  return [
    name,
    state,
    shown,
    master ?? "-",
    duration(now - since),
    held.map((vip) => vip.split(" ", 1)[0]).join(" ") || "-",
  ];
}

function serverRows({ vs, scheduler, quorumUp, realServers }: VirtualServerStatus): Row[] {
  const up = realServers.filter(({ state }) => state === "up").length;
  const title = [`${vs} ${scheduler}`, quorumUp ? "up" : "NO QUORUM", "", "", `${up} of ${realServers.length} up`];
  return [title, ...realServers.map(serverRow)];
}

function serverRow({ rs, state, weight, latencyMs, lastOutcome }: RealServerStatus): Row {
  const latency = latencyMs === undefined ? "-" : time(latencyMs);
  return [`  ${rs}`, state === "up" ? "up" : "DOWN", String(weight), latency, lastOutcome ?? "-"];
}

function latencyRows([kind, status]: readonly [string, LatencyStatus]): Row[] {
  const phases = Object.entries(status.phases).map(([phase, of]) => latencyRow(`  ${phase}`, of));
  return [latencyRow(kind, status), ...phases];
}

const latencyRow = (name: string, { p50, p99, max, count }: PhaseStatus): Row => [
  name,
  time(p50),
  time(p99),
  time(max),
  String(count),
];

function table(titles: Row, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const widths = titles.map((title, i) =>
    rows.reduce((width, row) => Math.max(width, (row[i] ?? "").length), title.length),
  );
  return [titles, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const time = (milliseconds: number): string => `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`;

/** `2d 3h`, `3h 4m`, `4m 5s`, `5s`. A clock that was set back gives `0s`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: readonly (readonly [string, number])[] = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["m", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = parts.findIndex(([, n]) => n > 0);
  return first < 0
    ? "0s"
    : parts
        .slice(first, first + 2)
        .map(([unit, n]) => `${n}${unit}`)
        .join(" ");
}
