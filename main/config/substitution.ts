import type { Diagnostics } from "./diagnostics.js";
import type { ExpandedFrom } from "./model.js";
import { directoryOf, type Place, useOf } from "./place.js";
import type { ConfigHost } from "./ports.js";

/** keepalived's line buffer holds 1023 characters; we allow more before we call it a runaway. */
const LONGEST = 8192;
/** A value may name another one, which names another one: so often. */
const MOST_PASSES = 64;
const MOST_USES_PER_LINE = 1000;
/** Characters looked at while substituting in one load: adversarial definitions cannot make it hang. */
const WORK_LIMIT = 512 * 1024 * 1024;

/** `${NAME}` or `${_NAME parameters}` anywhere; `$NAME` before a blank, `,`, `)` or the end. */
const use = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)((?:[ \t]+[^{}\s]+)*)[ \t]*\}|([A-Za-z_][A-Za-z0-9_]*)(?=[\s,)]|$))/g;

/** One `$NAME=`. Values are stored raw and expanded where they are used. */
export interface Definition {
  readonly lines: readonly string[];
  readonly from: ExpandedFrom;
}

export interface Expansion {
  readonly text: string;
  /** What the text came out of, beyond what its place knows. */
  readonly from: readonly ExpandedFrom[];
  /** Definitions whose second and later lines follow, the innermost last: those follow first. */
  readonly follow: readonly Following[];
}

export interface Following {
  readonly definition: Definition;
  /** What its lines come out of, itself last. */
  readonly from: readonly ExpandedFrom[];
}

/** Definitions of one load; an included file shares them. */
export class Definitions {
  readonly #values = new Map<string, Definition>();
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  #work = 0;

  constructor(host: ConfigHost, diagnostics: Diagnostics) {
    this.#host = host;
    this.#diagnostics = diagnostics;
  }

  set(name: string, definition: Definition): void {
    this.#values.set(name, definition);
  }

  /** Until nothing more matches, so that `${A_${B}}` works. Undefined after reporting: the line cannot be used. */
  expand(given: string, place: Place): Expansion | undefined {
    let text = given;
    const pass = new Pass();
    for (let passes = 0; ; passes++) {
      this.#work += text.length;
      if (passes > MOST_PASSES || this.#work > WORK_LIMIT) return this.#runaway(place);
      const before = pass.uses;
      const whole = text;
      text = whole.replace(use, (all, braced?: string, parameters?: string, plain?: string, at?: number) => {
        const atEnd = (at ?? 0) + all.length === whole.length;
        const value =
          pass.room < 0 ? undefined : this.#value(braced ?? plain ?? "", parameters ?? "", atEnd, place, pass);
        if (value === undefined) return all;
        pass.room -= value.length;
        if (++pass.uses > MOST_USES_PER_LINE) pass.room = -1;
        return value;
      });
      if (pass.room < 0) return this.#runaway(place);
      if (pass.uses === before) return { text, from: pass.from, follow: pass.follow };
    }
  }

  #runaway(place: Place): undefined {
    const hint = "a definition that contains itself grows without end";
    const message = "the substitution grows too long; the line is ignored";
    this.#diagnostics.error("CFG_SUBSTITUTION", useOf(place), message, hint);
    return undefined;
  }

  #value(name: string, parameters: string, atEnd: boolean, place: Place, pass: Pass): string | undefined {
    const defined = this.#values.get(name);
    if (defined === undefined || parameters !== "") return this.#predefined(name, parameters, place);
    if (defined.lines.length > 1) {
      if (!atEnd) return this.#notAtEnd(name, place, pass);
      if (place.from.includes(defined.from) || pass.follow.some(({ definition }) => definition === defined)) {
        pass.room = -1; // it is being expanded: it contains itself
        return undefined;
      }
      pass.follow.push({ definition: defined, from: [...pass.from, defined.from] });
    }
    if (!pass.from.includes(defined.from) && !place.from.includes(defined.from)) pass.from.push(defined.from);
    return defined.lines[0] ?? "";
  }

  #notAtEnd(name: string, place: Place, pass: Pass): undefined {
    if (!pass.told.includes(name)) {
      pass.told.push(name);
      const message = `'${name}' has several lines and is replaced only where it ends the line`;
      this.#diagnostics.warn("CFG_ADVICE", useOf(place), message, "put what follows it on the next line");
    }
    return undefined;
  }

  #predefined(name: string, given: string, place: Place): string | undefined {
    const parameters = given.split(/[ \t]+/).filter((word) => word !== "");
    const [first] = parameters;
    switch (name) {
      case "_ENV":
        return first === undefined ? undefined : (this.#host.environment(first) ?? "");
      case "_RANDOM":
        return this.#random(parameters, place);
      default:
        if (first !== undefined) return undefined;
    }
    switch (name) {
      case "_PWD":
        return this.#host.realpath(directoryOf(place)) ?? directoryOf(place);
      case "_INSTANCE":
        return this.#host.configId;
      case "_HASH":
        return "#";
      case "_BANG":
        return "!";
      default:
        return undefined;
    }
  }

  /** `[min [max]]`, both included. */
  #random(parameters: readonly string[], place: Place): string | undefined {
    if (!parameters.every((word) => /^\d{1,15}$/.test(word))) return undefined;
    const [least = 0, given = 32767] = parameters.map(Number);
    // keepalived raises the end of its own range silently.
    const most = parameters[1] === undefined ? Math.max(least, given) : given;
    if (least > most) {
      const message = `_RANDOM: the least value ${least} is above the greatest ${most}; ${least} is used`;
      this.#diagnostics.error("CFG_SUBSTITUTION", useOf(place), message, "write the lower number first");
      return String(least);
    }
    return String(least + Math.floor(Math.random() * (most - least + 1)));
  }
}

/** What the passes over one line have found so far. */
class Pass {
  readonly from: ExpandedFrom[] = [];
  readonly follow: Following[] = [];
  readonly told: string[] = [];
  room = LONGEST;
  uses = 0;
}
