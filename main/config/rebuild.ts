import type { Step } from "./difference.js";

type Draft = Record<string, unknown>;

type Open =
  | {
      readonly as: "record";
      readonly before: Readonly<Draft>;
      readonly draft: Draft;
      readonly field: string | undefined;
    }
  | {
      readonly as: "list";
      readonly before: readonly unknown[];
      readonly draft: unknown[];
      readonly field: string | undefined;
    };

/**
 * Carries out the steps of difference.ts, portion by portion. `before` is not touched. Work and garbage are in proportion to the
 * difference, but for one array of references per list that changed.
 */
export class Rebuild<T extends object> {
  readonly #open: Open[];

  /** @param before undefined: from nothing */
  constructor(before: T | undefined) {
    this.#open = [{ as: "record", before: before ?? {}, draft: { ...before }, field: undefined } as Open];
  }

  /** @throws RangeError on a step that does not fit: the two sides do not mean the same configuration */
  take(portion: readonly Step[]): void {
    for (const step of portion) this.#take(step);
  }

  /** @throws RangeError when something is missing */
  finish(): T {
    const [whole] = this.#open;
    if (whole === undefined || this.#open.length !== 1) throw new RangeError("half a configuration");
    return whole.draft as T;
  }

  #take(step: Step): void {
    const open = this.#open.at(-1);
    if (open === undefined) throw new RangeError("a step after the end");
    switch (step.do) {
      case "same":
        copy(listOf(open), step.from, step.count);
        return;
      case "add":
        listOf(open).draft.push(step.value);
        return;
      case "set":
        Object.assign(recordOf(open).draft, step.fields);
        return;
      case "drop":
        delete recordOf(open).draft[step.field];
        return;
      case "open":
        this.#open.push(opened(open, step));
        return;
      case "close":
        this.#close(open);
        return;
      default:
        throw new RangeError(`unknown step ${JSON.stringify(step satisfies never)}`);
    }
  }

  #close(done: Open): void {
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (parent === undefined) throw new RangeError("closed once too often");
    if (parent.as === "list") parent.draft.push(done.draft);
    else if (done.field === undefined) throw new RangeError("a field without a name");
    else parent.draft[done.field] = done.draft;
  }
}

function copy({ before, draft }: Extract<Open, { as: "list" }>, from: number, count: number): void {
  if (from < 0 || count < 0 || from + count > before.length)
    throw new RangeError(`elements ${from} to ${from + count} of ${before.length}`);
  for (let i = from; i < from + count; i++) draft.push(before[i]);
}

function opened(parent: Open, { as, field, from, anew }: Extract<Step, { do: "open" }>): Open {
  const before =
    parent.as === "list"
      ? elementBefore(parent.before, from)
      : anew || field === undefined
        ? undefined
        : parent.before[field];
  if (as === "list") return { as, before: Array.isArray(before) ? before : [], draft: [], field };
  const fields = (before ?? {}) as Readonly<Draft>;
  return { as, before: fields, draft: { ...fields }, field };
}

function elementBefore(before: readonly unknown[], from: number | undefined): unknown {
  if (from === undefined) return undefined;
  if (from < 0 || from >= before.length) throw new RangeError(`element ${from} of ${before.length}`);
  return before[from];
}

function listOf(open: Open): Extract<Open, { as: "list" }> {
  if (open.as !== "list") throw new RangeError("an element for a record");
  return open;
}

function recordOf(open: Open): Extract<Open, { as: "record" }> {
  if (open.as !== "record") throw new RangeError("a field for a list");
  return open;
}
