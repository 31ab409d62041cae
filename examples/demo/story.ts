/** One thing that the demo does, with the reaction that it waits for. */
export interface Step {
  readonly title: string;
  /** @returns what happened and how fast, for the reader @throws Error when it did not happen */
  readonly run: () => Promise<string>;
}

export type StepOutcome =
  | { readonly is: "waiting" | "running" }
  | { readonly is: "done"; readonly what: string }
  | { readonly is: "failed"; readonly why: string };

export interface StepRecord {
  readonly title: string;
  readonly outcome: StepOutcome;
}

/** Tells a list of steps one after the other; after a failed one the rest is not tried. */
export class Story {
  readonly #steps: readonly Step[];
  readonly #outcomes: StepOutcome[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#outcomes = steps.map(() => ({ is: "waiting" }));
  }

  get records(): readonly StepRecord[] {
    return this.#steps.map(({ title }, i) => ({ title, outcome: this.#outcomes[i] ?? { is: "waiting" } }));
  }

  get complete(): boolean {
    return this.#outcomes.every(({ is }) => is === "done");
  }

  /** @param onChange hears each record that changed @param pause between two steps, so that a viewer can follow */
  async tell(onChange: (record: StepRecord) => void, pause: () => Promise<void>): Promise<void> {
    for (const [i, { title, run }] of this.#steps.entries()) {
      const set = (outcome: StepOutcome): void => {
        this.#outcomes[i] = outcome;
        onChange({ title, outcome });
      };
      set({ is: "running" });
      try {
        set({ is: "done", what: await run() });
      } catch (error) {
        set({ is: "failed", why: error instanceof Error ? error.message : String(error) });
        return;
      }
      await pause();
    }
  }
}
