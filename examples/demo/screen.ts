import type { Snapshot } from "./snapshot.js";
import type { StepRecord } from "./story.js";
import { facts, picture, stepLine } from "./view.js";

export interface Screen {
  readonly live: boolean;
  draw(snapshot: Snapshot, steps: readonly StepRecord[]): void;
  step(record: StepRecord): void;
}

/** @param live redraw in place; without it each change is one line with the seconds since the start */
export function createScreen(title: string, live: boolean, write: (text: string) => void): Screen {
  return live ? liveScreen(title, write) : lineScreen(title, write);
}

/** ECMA-48: cursor home, erase to end of line, erase below. Nothing flickers, since nothing is erased before it is written. */
function liveScreen(title: string, write: (text: string) => void): Screen {
  write("\u001b[2J");
  return {
    live: true,
    draw: (snapshot, steps) => {
      const lines = picture(title, snapshot, steps).map((line) => `${line}\u001b[K\r\n`);
      write(`\u001b[H${lines.join("")}\u001b[J`);
    },
    step: () => undefined,
  };
}

function lineScreen(title: string, write: (text: string) => void): Screen {
  const start = performance.now();
  const line = (text: string): void =>
    write(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
  let known = new Set<string>();
  write(`${title}\n`);
  return {
    live: false,
    draw: (snapshot) => {
      const now = facts(snapshot);
      for (const fact of now) if (!known.has(fact)) line(fact);
      known = new Set(now);
    },
    step: (record) => {
      if (record.outcome.is !== "waiting") line(stepLine(record).trim());
    },
  };
}
