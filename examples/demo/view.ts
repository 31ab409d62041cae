import type { RealServerStatus } from "../../main/control/status.js";
import type { DirectorView, Snapshot } from "./snapshot.js";
import type { StepRecord } from "./story.js";

/** Text of one picture, line by line. Pure: the screen decides where it goes. */
export function picture(title: string, snapshot: Snapshot, steps: readonly StepRecord[]): readonly string[] {
  return [
    ...title.split("\n"),
    "",
    ...directorLines(snapshot.directors),
    "",
    `${"real server".padEnd(30)}${"state".padEnd(8)}${"weight".padEnd(8)}${"check".padStart(10)}`,
    ...snapshot.servers.flatMap(({ realServers }) => realServers.map(serverLine)),
    "",
    snapshot.table.title,
    ...snapshot.table.lines.map((line) => `  ${line}`),
    "",
    ...steps.map(stepLine),
  ];
}

/** What is worth a line of its own when the output is not a terminal; equal strings mean that nothing happened. */
export function facts(snapshot: Snapshot): readonly string[] {
  const directors = snapshot.directors.map((director) => directorLine(director).trim().replaceAll(/ +/g, " "));
  const servers = snapshot.servers.flatMap(({ realServers }) =>
    realServers.map(({ rs, state, weight }) => `real server ${rs} is ${state}, weight ${weight}`),
  );
  return [...directors, ...servers];
}

export function stepLine({ title, outcome }: StepRecord): string {
  switch (outcome.is) {
    case "waiting":
      return `  [    ] ${title}`;
    case "running":
      return `  [ .. ] ${title}`;
    case "done":
      return `  [ ok ] ${title}: ${outcome.what}`;
    case "failed":
      return `  [FAIL] ${title}: ${outcome.why}`;
  }
}

function directorLines(directors: readonly DirectorView[]): readonly string[] {
  return directors.length === 0 ? [] : ["director", ...directors.map(directorLine)];
}

function directorLine({ name, running, holds, instances }: DirectorView): string {
  const state = running ? (instances[0]?.state ?? "starting") : "down";
  return `  ${name.padEnd(28)}${state.padEnd(10)}${running && holds !== undefined ? `holds ${holds}` : ""}`.trimEnd();
}

function serverLine({ rs, state, weight, latencyMs }: RealServerStatus): string {
  const latency = latencyMs === undefined ? "-" : `${latencyMs.toFixed(2)} ms`;
  return `  ${rs.padEnd(28)}${state.padEnd(8)}${String(weight).padEnd(8)}${latency.padStart(10)}`;
}
