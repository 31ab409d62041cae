import { setTimeout as sleep } from "node:timers/promises";
import type { BackEnd } from "./back-end.js";
import { describeBackEnd } from "./back-end.js";
import { createScreen, type Screen } from "./screen.js";
import type { Stage } from "./stage.js";
import { Story } from "./story.js";
import { stepLine } from "./view.js";

/** Between two pictures, and between two steps for a viewer at a terminal; ms. */
const REDRAW_MS = 500;
const PAUSE_MS = 2000;

export interface PlayOptions {
  readonly backEnd: BackEnd;
  /** Go on after the last step until `signal` is aborted. */
  readonly stay: boolean;
  readonly live: boolean;
  readonly signal: AbortSignal;
}

/** Plays all steps with a live view and ends with a summary. @returns true when every step happened */
export async function play(stage: Stage, { backEnd, stay, live, signal }: PlayOptions): Promise<boolean> {
  const write = (text: string): void => {
    process.stdout.write(text);
  };
  const [where = "", ...notes] = describeBackEnd(backEnd);
  const screen = createScreen([`holdfast demo - ${where}`, ...notes].join("\n"), live, write);
  const story = new Story(stage.steps);
  const curtain = new AbortController();
  const drawing = redraw(stage, story, screen, AbortSignal.any([signal, curtain.signal]));
  try {
    const pause = (): Promise<void> => pauseFor(live ? PAUSE_MS : 0, signal);
    await Promise.race([story.tell((record) => screen.step(record), pause), aborted(signal)]);
    if (story.complete && stay && !signal.aborted) {
      await stage.restore();
      await aborted(signal);
    }
  } finally {
    curtain.abort();
    await drawing;
  }
  screen.draw(await stage.snapshot(), story.records);
  if (signal.aborted && !story.complete)
    write("\ninterrupted: the steps below that have no verdict did not take place\n");
  write(`${screen.live ? "\n" : ""}\nsummary\n${story.records.map((record) => `${stepLine(record)}\n`).join("")}`);
  if (!story.complete && !signal.aborted) write(`\n${await stage.logs()}\n`);
  return story.complete;
}

async function redraw(stage: Stage, story: Story, screen: Screen, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    screen.draw(await stage.snapshot(), story.records);
    await pauseFor(REDRAW_MS, signal);
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
