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
  const { columns, rows } = terminalSize();
  write("\u001b[2J");
  return {
    live: true,
    draw: (snapshot, steps) => {
      const lines = fit(picture(title, snapshot, steps), rows).map((line) => `${line.slice(0, columns)}\u001b[K`);
      write(`\u001b[H${lines.join("\r\n")}\u001b[J`); // no line feed behind the last line: it would scroll
    },
    step: () => undefined,
  };
}

/** Inside a User Mode Linux kernel the console has no size: the outer demo passes that of the terminal. */
function terminalSize(): { readonly columns: number; readonly rows: number } {
  const passed = process.env["HOLDFAST_DEMO_SIZE"]?.split("x").map(Number);
  return { columns: passed?.[0] || process.stdout.columns || 80, rows: passed?.[1] || process.stdout.rows || 24 };
}

/** Blank lines give way first, then what is in the middle: the title and the steps stay. */
function fit(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const dense = lines.filter((line) => line.trim() !== "");
  const excess = dense.length - rows;
  return excess <= 0 ? dense : dense.filter((_, i) => i < rows / 2 || i >= rows / 2 + excess);
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
