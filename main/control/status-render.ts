import type {
  BfdStatus,
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
    status.instances.flatMap(guardNotes),
    table(
      ["VIRTUAL SERVER / REAL SERVER", "STATE", "WEIGHT", "LATENCY", "LAST CHECK"],
      status.virtualServers.flatMap(serverRows),
    ),
    table(
      ["BFD SESSION", "STATE", "NEIGHBOR", "FOR", "SENDS EVERY", "DOWN AFTER", "DIAGNOSTIC"],
      (status.bfd ?? []).map((session) => bfdRow(session, now)),
    ),
    table(["CHECK", "P50", "P99", "MAX", "COUNT"], Object.entries(status.latency).flatMap(latencyRows)),
    [
      `ipvs: ${ipvs.backend}, ${ipvs.services} services, ${ipvs.destinations} destinations, compared every ${ipvs.pollPeriodMs} ms, ${ipvs.drift} drifted`,
      `main thread delay: p50 ${time(loopDelay.p50)}, p99 ${time(loopDelay.p99)}, max ${time(loopDelay.max)}, ${loopDelay.late} late timers${causesOf(loopDelay.causes)}`,
      ...selfCheckNote(status),
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

function selfCheckNote({ selfCheck: self }: StatusDocument): readonly string[] {
  if (self === undefined) return [];
  const now =
    self.state === "holding" ? "holds the table" : self.state === "spent" ? "has held it long enough" : "watches";
  return [`self check: ${now}${self.trouble === "" ? "" : `: ${self.trouble}`} (held ${self.holds} times)`];
}

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

function bfdRow({ name, state, neighbor, since, diagnostic, ...times }: BfdStatus, now: number): Row {
  const shown = (period: number | undefined): string => (period === undefined ? "-" : time(period));
  const [every, after] = [shown(times.txIntervalMs), shown(times.detectionTimeMs)];
  return [name, state, neighbor, duration(now - since), every, after, state === "Up" ? "-" : diagnostic];
}

/** Only what somebody has to see to: `holdfast why` has all of it. */
function guardNotes({ name, guard }: InstanceStatus): readonly string[] {
  if (guard === undefined) return [];
  const { waits, twoMasters } = guard;
  return [
    ...(waits === undefined ? [] : [`${name}: split_brain_guard holds the claim: ${waits}`]),
    ...(twoMasters === undefined ? [] : [`${name}: two masters, ${twoMasters.from} is one too`]),
  ];
}

function serverRows({ vs, scheduler, quorumUp, suspended, realServers }: VirtualServerStatus): Row[] {
  const rests = suspended === true ? ", rests" : "";
  const up = realServers.filter(({ state }) => state === "up").length;
  const title = [
    `${vs} ${scheduler}`,
    `${quorumUp ? "up" : "NO QUORUM"}${rests}`,
    "",
    "",
    `${up} of ${realServers.length} up`,
  ];
  return [title, ...realServers.map((server) => serverRow(server, rests))];
}

function serverRow({ rs, state, heldBack, weight, latencyMs, lastOutcome }: RealServerStatus, rests: string): Row {
  const latency = latencyMs === undefined ? "-" : time(latencyMs);
  const failed = heldBack === true ? "HELD" : "DOWN";
  return [`  ${rs}`, `${state === "up" ? "up" : failed}${rests}`, String(weight), latency, lastOutcome ?? "-"];
}

function latencyRows([kind, status]: readonly [string, LatencyStatus]): Row[] {
  const phases = Object.entries(status.phases).map(([phase, of]) => latencyRow(`  ${phase}`, of));
  return [latencyRow(kind, status), ...phases];
}

const latencyRow = (name: string, { p50, p99, max, count }: PhaseStatus): Row => [
  name,
  ...[p50, p99, max].map((value) => (count === 0 ? "-" : time(value))), // no check of the kind has passed yet
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
